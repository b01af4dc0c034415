"""How much of a conversation a model is shown: its last turns, what fits in a number of tokens, or a summary of the rest.

A turn is an answer of the model with the results of the tools it called; it is shown whole or not at all. What is shown
begins with something that was said *to* the model, and the question that it is at work on is always there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeAlias

from backedge.providers import Message, Model, ModelRequest

from .conversation import Entry, Summary, Turn, messages_of, summary_of, told, turns_of

Ask: TypeAlias = Callable[[ModelRequest, Model | None], Awaitable[str]]
"""Asks a model, by default the agent's own, as a recorded effect of the node."""

_SUMMARISE: Final = """Summarise the conversation below for the assistant that goes on with it and will not see it again.
Keep what was asked, what was decided and why, names, numbers, and what is still open. Answer with the summary alone."""
_HEAD: Final = "What was said before, in short:\n"


class Cut(Protocol):
    """Says where what is shown begins."""

    def first(self, turns: Sequence[Turn], question: int) -> int:
        """The first of these turns to be shown.

        Args:
            turns: All there are; there is one at least.
            question: Which of them holds what the model is at work on. It is shown in any case.
        """


class Memory(Protocol):
    """A policy: what a model is shown of a conversation."""

    async def recall(self, entries: Sequence[Entry], question: int, ask: Ask) -> Recalled:
        """What to show.

        Args:
            entries: The conversation; it ends with what the model should answer.
            question: Which of its messages holds what the model is at work on.
            ask: Asks a model.
        """


@dataclass(frozen=True)
class Recalled:
    """What a policy makes of a conversation.

    Attributes:
        messages: What the model is shown.
        added: What goes into the conversation, such as a new summary.
    """

    messages: tuple[Message, ...]
    added: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Everything:
    """Show the whole conversation. What an agent does unless told otherwise."""

    def first(self, turns: Sequence[Turn], question: int) -> int:
        """From the first turn on."""
        return 0

    async def recall(self, entries: Sequence[Entry], question: int, ask: Ask) -> Recalled:
        """All, with a summary in the place of what it stands for."""
        return Recalled(_shown(_Past.of(entries, question), self))


@dataclass(frozen=True)
class KeepTurns:
    """Show the last `turns` answers of the model, with what was asked and what its tools gave.

    Example: ``Agent(model, memory=KeepTurns(20))``
    """

    turns: int

    def __post_init__(self) -> None:
        if self.turns < 1:
            raise ValueError(f"KeepTurns wants one turn at least, not {self.turns}")

    def first(self, turns: Sequence[Turn], question: int) -> int:
        """The place of what was asked before the first of the last answers."""
        answers = [place for place, turn in enumerate(turns) if not turn.asks]
        if len(answers) <= self.turns:
            return 0
        first = answers[-self.turns]
        while first and turns[first - 1].asks:
            first -= 1
        return first

    async def recall(self, entries: Sequence[Entry], question: int, ask: Ask) -> Recalled:
        """The last turns."""
        return Recalled(_shown(_Past.of(entries, question), self))


@dataclass(frozen=True)
class KeepTokens:
    """Show as many of the last turns as take no more than `tokens`, guessed from their size; the last one in any case.

    The agent's instructions and the descriptions of its tools are not counted.

    Example: ``Agent(model, memory=KeepTokens(50_000))``
    """

    tokens: int

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise ValueError(f"KeepTokens wants one token at least, not {self.tokens}")

    def first(self, turns: Sequence[Turn], question: int) -> int:
        """The place of the first that still fits."""
        taken, first = turns[question].tokens, len(turns) - 1
        for place in range(len(turns) - 1, -1, -1):
            taken += turns[place].tokens if place != question else 0
            if taken > self.tokens and place != len(turns) - 1:
                break
            first = place
        return first

    async def recall(self, entries: Sequence[Entry], question: int, ask: Ask) -> Recalled:
        """What fits."""
        return Recalled(_shown(_Past.of(entries, question), self))


@dataclass(frozen=True)
class Summarise:
    """Let a model summarise what another policy leaves out. Each summary is a recorded effect, and made once.

    Attributes:
        over: Says when there is too much.
        keep: What stays as it is when there is; by default what `over` says. Where that is close to the limit each turn
            makes a new summary, so let it be about half.
        instructions: What the summarising model is told.
        model: Who summarises; the agent's own model by default.

    Example: ``Agent(model, memory=Summarise(over=KeepTokens(60_000), keep=KeepTokens(30_000)))``
    """

    over: Cut
    keep: Cut | None = None
    instructions: str = _SUMMARISE
    model: Model | None = None

    async def recall(self, entries: Sequence[Entry], question: int, ask: Ask) -> Recalled:
        """What stays, behind a summary of the rest."""
        past = _Past.of(entries, question)
        if past.first(self.over) == 0:
            return Recalled(_shown(past, Everything()))
        first = past.first(self.keep or self.over)
        old = past.turns[:first]
        if not old:
            return Recalled(_shown(past, Everything()))
        text = await ask(self._request(past.summary, old), self.model)
        covers = past.skipped + sum(past.sizes[:first])
        summary = Summary(covers=covers, text=text)
        return Recalled(_shown(past.behind(summary, first), Everything()), (summary,))

    def _request(self, before: str, old: Sequence[Turn]) -> ModelRequest:
        lines = [f"{_HEAD}{before}"] if before else []
        lines += [told(message) for turn in old for message in turn.messages]
        said = Message.of("user", "\n\n".join(lines))
        return ModelRequest(messages=(Message.of("system", self.instructions), said))


@dataclass(frozen=True)
class _Past:
    """A conversation as policies look at it.

    Attributes:
        turns: What no summary stands for.
        sizes: How many messages of the conversation each of them is.
        question: Which of them holds what the model is at work on; -1 when it is `asked`.
        asked: That turn, where a summary stands for it.
        summary: What stands for what was before; empty for none.
        skipped: How many messages that is.
    """

    turns: tuple[Turn, ...]
    sizes: tuple[int, ...]
    question: int
    asked: Turn | None
    summary: str
    skipped: int

    @classmethod
    def of(cls, entries: Sequence[Entry], question: int) -> _Past:
        messages, summary = messages_of(entries), summary_of(entries)
        skipped = min(summary.covers, len(messages)) if summary else 0
        turns: list[Turn] = []
        sizes: list[int] = []
        at, lost, place = skipped, 0, -1
        while at < len(messages):
            size = 1
            while at + size < len(messages) and messages[at + size].role == "tool":
                size += 1
            found = turns_of(messages[at : at + size])
            if at <= question < at + size:
                place = len(turns)
            turns += found
            sizes += [size + lost] * len(found)
            at, lost = at + size, 0 if found else lost + size
        asked = Turn((messages[question],)) if question < skipped else None
        return cls(tuple(turns), tuple(sizes), place, asked, summary.text if summary else "", skipped)

    def first(self, cut: Cut) -> int:
        """Where a policy begins, moved to where a conversation can begin: it may not open with an answer.

        Behind the question any place will do, since the question is put before it.
        """
        if not self.turns:
            return 0
        turns, question = self.turns, self.question
        if self.asked is not None:
            turns, question = (self.asked, *turns), 0
        first = min(max(0, cut.first(turns, question)), len(turns) - 1)
        if self.asked is not None:
            return max(0, first - 1)
        while 0 < first < question and not turns[first].asks:
            first += 1
        return first

    def behind(self, summary: Summary, first: int) -> _Past:
        """The same after a new summary of the turns before `first`."""
        asked = self.asked
        if asked is None and self.question < first:
            asked = self.turns[self.question]
        return replace(
            self,
            turns=self.turns[first:],
            sizes=self.sizes[first:],
            question=-1 if asked is not None else self.question - first,
            asked=asked,
            summary=summary.text,
            skipped=summary.covers,
        )


def _shown(past: _Past, cut: Cut) -> tuple[Message, ...]:
    first = past.first(cut)
    shown: list[Message] = []
    if past.summary:
        shown.append(Message.of("user", f"{_HEAD}{past.summary}"))
    if past.asked is not None:
        shown += past.asked.messages
    elif past.question < first:
        shown += past.turns[past.question].messages
    for turn in past.turns[first:]:
        shown += turn.messages
    return tuple(shown)
