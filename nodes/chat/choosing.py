"""Ways of choosing who speaks next. Each is asked only where there is something to choose; see `candidates`."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from backedge.engine.compiler.signatures import is_async, name_of_callable
from backedge.engine.context import Context
from backedge.engine.errors import BackedgeError
from backedge.nodes.agents.conversation import cut
from backedge.nodes.agents.loop import recorded
from backedge.providers import Message, Model, ModelRequest
from backedge.providers.errors import BadToolCallError

from .floor import Rules, last_speaker, named, next_in_order
from .speaking import check_model, check_whole
from .talk import Chat, Spent
from .views import as_heard

CHOOSER: Final = "select_speaker"
"""The name of the node that chooses, and of the choosing model in costs."""
_CHOOSE: Final = """You lead a talk. You are told who may speak next and what was said. Say who should speak next so that the task
gets done: answer with that one's name alone."""
_MOST: Final = 4000  # characters of each thing said that the choosing model is shown

Choice: TypeAlias = Callable[[Chat], str | None] | Callable[[Chat], Awaitable[str | None]]
"""A function that names who speaks next, or None to end the talk. One that is an ``async def`` is a recorded effect."""


class SpeakerError(BackedgeError):
    """The next speaker could not be chosen: a function, or a model without a fallback, named nobody who may speak."""


@dataclass(frozen=True)
class Chosen:
    """A choice.

    Attributes:
        name: Who speaks next; empty to end the talk.
        how: How it came to that, in words.
        spent: What it took.
    """

    name: str
    how: str
    spent: Spent = Spent()  # noqa: RUF009  # it is frozen


@dataclass(frozen=True)
class Choosing:
    """What a way of choosing has at hand.

    Attributes:
        rules: Who there is.
        about: What is told of each member.
        names: Who may speak next, in the order of the members; one at least.
        context: The context of the node.
        models: The models that the way only names.
    """

    rules: Rules
    about: Mapping[str, str]
    names: tuple[str, ...]
    context: Context
    models: Mapping[str, Model] = field(default_factory=dict)


class Selection(Protocol):
    """A way of choosing.

    Attributes:
        models: The resources of the graph that it needs as its models.
    """

    @property
    def models(self) -> frozenset[str]: ...  # noqa: D102  # the class says what it is

    async def choose(self, chat: Chat, among: Choosing) -> Chosen:
        """One of `among.names`."""


@dataclass(frozen=True)
class RoundRobin:
    """One after the other, in the order of the members; who may not speak is passed over."""

    models = frozenset[str]()

    async def choose(self, chat: Chat, among: Choosing) -> Chosen:
        """The next in the circle."""
        return Chosen(
            next_in_order(among.rules, among.names, last_speaker(among.rules, chat.talk)), "round robin"
        )


@dataclass(frozen=True)
class Random:
    """By chance, all alike.

    Attributes:
        seed: With one, talks whose candidates are the same go the same way; without, chance is recorded. A resumed or
            replayed run goes the same way in either case.
    """

    seed: int | str | None = None

    models = frozenset[str]()

    async def choose(self, chat: Chat, among: Choosing) -> Chosen:
        """Any of them."""
        if len(among.names) == 1:
            return Chosen(among.names[0], "nobody else may speak")
        if self.seed is None:
            drawn = among.context.random()
        else:
            drawn = random.Random(f"{self.seed}/{len(chat.talk)}").random()  # noqa: S311  # nobody has to guess it
        return Chosen(among.names[int(drawn * len(among.names))], "by chance")


@dataclass(frozen=True)
class Manual:
    """A person says who; the run is suspended until then.

    Attributes:
        question: What the person is asked; the names of those who may speak are put behind it.
    """

    question: str = "Who speaks next?"

    models = frozenset[str]()

    async def choose(self, chat: Chat, among: Choosing) -> Chosen:
        """Ask."""
        if len(among.names) == 1:
            return Chosen(among.names[0], "nobody else may speak")
        heard = as_heard(chat.talk[-1]) if chat.talk else None
        before = f"{cut(heard.text, _MOST)}\n\n" if heard is not None else ""
        asked = f"{before}{self.question} ({', '.join(among.names)})"
        name: str = await among.context.ask(asked, choices=among.names)
        return Chosen(name, "a person said so")


@dataclass(frozen=True)
class ByFunction:
    """A function says who; made of a function."""

    function: Choice

    models = frozenset[str]()

    async def choose(self, chat: Chat, among: Choosing) -> Chosen:
        """Call it, and look at what it says.

        Raises:
            SpeakerError: It names nobody who may speak.
        """
        given: Any = self.function
        how = f"{name_of_callable(given)} said so"
        if is_async(given):

            async def call(_said: int) -> Any:
                return _checked(await given(chat), given, among.names)

            name = await among.context.step(
                CHOOSER, call, len(chat.talk), returns=str | None, raises=(SpeakerError,)
            )
        else:
            name = _checked(given(chat), given, among.names)
        return Chosen(name or "", how)


def _checked(said: Any, function: Any, names: Sequence[str]) -> str | None:
    if said is None or (isinstance(said, str) and said in names):
        return said
    raise SpeakerError(
        f"speaker={name_of_callable(function)} should name one of {', '.join(names)}, or None to end the talk, "
        f"not {said!r}"
    )


@dataclass(frozen=True)
class Auto:
    """A model says who, by the members' names and descriptions and what was said.

    Attributes:
        model: Who is asked, or the name of a resource of the graph.
        instructions: What it is told of its task.
        retries: How often it is asked again, and told what was wrong, when it names nobody who may speak.
        fallback: What happens then: ``"round_robin"``, the next in order; ``"fail"``, a `SpeakerError`, and resuming asks
            anew; or the name of a member, and where that one may not speak, the next in order.
        shown: How much of what was said it is shown, from the end; besides the task.
    """

    model: Model | str
    instructions: str = _CHOOSE
    retries: int = 2
    fallback: str = "round_robin"
    shown: int = 20

    def __post_init__(self) -> None:
        check_model("Auto", self.model)
        check_whole("Auto", "retries", self.retries, 0)
        check_whole("Auto", "shown", self.shown, 1)

    @property
    def models(self) -> frozenset[str]:
        """The resource that it names."""
        return frozenset((self.model,)) if isinstance(self.model, str) else frozenset()

    async def choose(self, chat: Chat, among: Choosing) -> Chosen:
        """Ask the model.

        Raises:
            SpeakerError: It named nobody, and there is no fallback.
            ModelError: It could not be reached.
        """
        if len(among.names) == 1:
            return Chosen(among.names[0], "nobody else may speak")
        given = among.models[self.model] if isinstance(self.model, str) else self.model
        model = recorded(given, CHOOSER, among.context)
        messages = [Message.of("system", self.instructions), Message.of("user", self._question(chat, among))]
        spent, wrong = Spent(), ""
        for _ in range(self.retries + 1):
            if wrong:
                messages.append(Message.of("user", wrong))
            try:
                response = await model.respond(ModelRequest(messages=tuple(messages)))
            except BadToolCallError as error:
                spent += Spent.of(error.usage, None)
                wrong = f"That could not be used: {error.message}. {_told(among.names)}"
                continue
            spent += Spent.of(response.usage, response.cost)
            name = named(response.text, among.names)
            if name is not None:
                return Chosen(name, "the model said so", spent)
            if response.text.strip():
                messages.append(Message.of("assistant", response.text))
            wrong = _complaint(response.text, among)
        return self._fallen_back(chat, among, spent)

    def _question(self, chat: Chat, among: Choosing) -> str:
        told = [f"- {name}: {' '.join(among.about[name].split())}".rstrip(": ") for name in among.names]
        first = chat.talk[:1] if chat.task and len(chat.talk) > self.shown else []
        heard = [m.text for said in [*first, *chat.talk[-self.shown :]] if (m := as_heard(said)) is not None]
        said = "\n\n".join(cut(text, _MOST) for text in heard) or "Nothing yet."
        return "\n".join(["Who may speak next:", *told, "", "What was said:", said, "", _told(among.names)])

    def _fallen_back(self, chat: Chat, among: Choosing, spent: Spent) -> Chosen:
        tries = f"the model named nobody who may speak in {self.retries + 1} answers"
        if self.fallback == "fail":
            raise SpeakerError(f"{tries}; there are {', '.join(among.names)}")
        if self.fallback in among.names:
            return Chosen(self.fallback, f"{tries}, so the one who speaks then", spent)
        name = next_in_order(among.rules, among.names, last_speaker(among.rules, chat.talk))
        return Chosen(name, f"{tries}, so the next in order", spent)


def _told(names: Sequence[str]) -> str:
    return f"Answer with one of these names alone: {', '.join(names)}."


def _complaint(answer: str, among: Choosing) -> str:
    """What was wrong with an answer."""
    known = [name for name in among.rules.members if name in answer]
    if not answer.strip():
        why = "That was empty."
    elif len([name for name in known if name in among.names]) > 1:
        why = "That names several."
    elif known:
        why = f"{known[0]} may not speak now."
    else:
        why = "That is none of those who may speak."
    return f"{why} {_told(among.names)}"
