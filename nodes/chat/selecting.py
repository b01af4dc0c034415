"""The node that gives the floor: it hears what came from outside, looks whether the talk is over, and chooses the next speaker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from backedge.engine.context import Context
from backedge.engine.errors import InputError
from backedge.providers import Message, Model, ToolResult

from .choosing import Choosing, Chosen, Selection
from .ending import ADMIN, Condition, turns_taken
from .floor import Rules, candidates, homeless
from .talk import NOTES, Chat, Said, Spent, Words

_NOBODY: Final = "user"  # who says the task where there is no admin
_SIGNAL: Final[Any] = Words | str | None  # what comes with the admin's signal; nothing asks for the floor


@dataclass(frozen=True)
class Select:
    """Gives the floor; the function of a node.

    Attributes:
        rules: Who there is, and who may follow whom.
        about: What is told of each member.
        selection: How speakers are chosen.
        until: When the talk is over.
        most: The most turns, whatever `until` says; None for no bound.
        admin: The name of the person who may take over; empty for nobody.
        at_end: Members who are asked before the talk ends.
    """

    rules: Rules
    about: Mapping[str, str]
    selection: Selection
    until: Condition
    most: int | None
    admin: str
    at_end: tuple[str, ...]

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that it looks for."""
        return (*sorted(self.until.signals), *((ADMIN,) if self.admin else ()))

    async def give(self, chat: Chat, context: Context, models: Mapping[str, Model]) -> dict[str, Any]:
        """What is written: what was said meanwhile, and who has the floor or why it is over."""
        step = _Step(self, chat, context)
        step.begin()
        await step.hear()
        if not step.over():
            step.answer_homeless()
            await step.choose(models)
        for said in step.written.get("talk", ()):
            context.emit(said)
        return step.written

    def reason(self, chat: Chat) -> tuple[str, bool]:
        """Why the talk is over, empty as long as it is not; and whether that is final, whoever says something."""
        taken = chat.turns - chat.before
        if self.most is not None and taken >= self.most:
            return f"{turns_taken(taken)}, the most there may be", True
        return self.until.check(chat) or "", False


class _Step:
    """One time that the floor is given."""

    def __init__(self, rules: Select, chat: Chat, context: Context) -> None:
        self._select = rules
        self._context = context
        # The state as it is after what was written so far, and that.
        self._chat = chat
        self.written: dict[str, Any] = {"speaker": "", "chosen_by": ""}
        # What the admin decided.
        self._forced = ""
        self._ended = False

    # ------------------------------------------------------------------ what has come

    def begin(self) -> None:
        """Look at the clock, and at the first time say the task."""
        self._set(now=self._context.now())
        if self._chat.mark.at is not None:
            return
        task = self._chat.task
        if task:
            message = Message.of("user", task) if isinstance(task, str) else task
            self._say(self._select.admin or _NOBODY, message)
        self._set(mark=self._chat.marked(), before=self._chat.turns)

    async def hear(self) -> None:
        """Take all signals that have come, and what the admin says.

        Which signals had come is recorded: a timer of no time against all of them.
        """
        signals = self._select.signals
        while signals:
            waited = [
                self._context.receive(name, schema=_SIGNAL if name == ADMIN else Any) for name in signals
            ]
            try:
                which, value = await self._context.first(*waited, self._context.sleep(0))
            except InputError:  # without a journal nobody can send anything
                if self._select.until.signals:
                    raise
                return
            if which == len(signals):
                return
            if signals[which] == ADMIN:
                await self._take_over(value)
            else:
                self._chat = self._chat.model_copy(update={"signals": [*self._chat.signals, signals[which]]})
                self.written.setdefault("signals", []).append(signals[which])

    async def _take_over(self, said: Words | str | None) -> None:
        """The admin speaks; who only asked to speak is asked what to say, and the run is suspended until then."""
        names = self._select.rules.members
        why = ""
        while True:
            while said is None:
                told = f"{why}{self._select.admin}, you have the floor. Say something to all, or nothing to let them go on."
                asked = self._context.ask(told, schema=Words | str)
                _, said = await self._context.first(asked, self._context.receive(ADMIN, schema=_SIGNAL))
            words = Words(say=said) if isinstance(said, str) else said
            if not words.speaker or words.speaker in names:
                break
            why, said = f"There is no member {words.speaker!r}; there are {', '.join(names)}.\n", None
        if words.say.strip():
            self._say(self._select.admin, Message.of("user", words.say))
        self._forced, self._ended = words.speaker, words.end

    # ------------------------------------------------------------------ what follows

    def over(self) -> bool:
        """Whether the talk ends, or somebody is asked whether it should."""
        closing = self._chat.closing
        if closing:
            last = self._chat.talk[-1]
            if not last.message.parts:
                return self._close(closing, after=last.speaker)
            self._set(closing="", mark=self._chat.marked())
        if self._ended:
            return self._end(f"{self._select.admin} ended it")
        reason, final = self._select.reason(self._chat)
        if not reason:
            return False
        return self._end(reason) if final else self._close(reason)

    def _close(self, reason: str, *, after: str = "") -> bool:
        """Ask the next of those who are asked whether it should end; where all have said nothing, it does."""
        people = self._select.at_end
        left = people[people.index(after) + 1 :] if after in people else people
        if not left:
            return self._end(reason)
        self._set(closing=reason, speaker=left[0], chosen_by="it is about to end")
        return True

    def answer_homeless(self) -> None:
        """Tell who called tools that nobody has that there are none."""
        calls = homeless(self._select.rules, self._chat.talk)
        if not calls:
            return
        there = sorted(
            {tool for one in self._select.rules.members for tool in self._select.rules.tools.get(one, ())}
        )
        told = f"there are: {', '.join(there) or 'none'}"
        results = [
            ToolResult(id=call.id, content=f"nobody here has a tool {call.name!r}; {told}", failed=True)  # type: ignore[arg-type]  # a validator takes texts
            for call in calls
        ]
        self._say(NOTES, Message.of("tool", *results))

    async def choose(self, models: Mapping[str, Model]) -> None:
        """Say who has the floor."""
        chosen = await self._chosen(models)
        self._set(speaker=chosen.name, chosen_by=chosen.how)
        if chosen.spent != Spent():
            self._set(spent=chosen.spent)
        if not chosen.name:
            self._end("nobody was named to speak next")

    async def _chosen(self, models: Mapping[str, Model]) -> Chosen:
        rules = self._select.rules
        if self._forced:
            return Chosen(self._forced, f"{self._select.admin} said so")
        able = candidates(rules, self._chat.talk)
        if able.settled:
            return Chosen(able.names[0], able.why)
        among = Choosing(rules, self._select.about, able.names, self._context, models)
        return await self._select.selection.choose(self._chat, among)

    # ------------------------------------------------------------------ writing

    def _say(self, speaker: str, message: Message) -> None:
        said = Said(speaker=speaker, message=message)
        self._chat = self._chat.model_copy(update={"talk": [*self._chat.talk, said]})
        self.written.setdefault("talk", []).append(said)

    def _end(self, reason: str) -> bool:
        self._set(ended=reason, closing="", speaker="", chosen_by="")
        return True

    def _set(self, **fields: Any) -> None:
        """Write plain fields. What is spent is an update, which the state adds up."""
        self.written.update(fields)
        self._chat = self._chat.model_copy(update={k: v for k, v in fields.items() if k != "spent"})
