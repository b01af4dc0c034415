"""The assistant: a model that answers, and may ask for tools of others, which it does not carry out itself.

An agent works on its own until it has an answer. An assistant says one thing and gives the floor away: a call of a tool is
something that it says, and whoever has the tool answers it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from backedge.nodes.agents import Entry, Everything, Memory, NoAnswerError, RefusedError, Settings
from backedge.nodes.agents.conversation import messages_of
from backedge.nodes.agents.loop import recorded
from backedge.nodes.tools import AnyTool
from backedge.providers import Message, Model, ModelRequest, ModelResponse, ToolCall, ToolResult, Usage
from backedge.providers.errors import BadToolCallError
from backedge.providers.protocol import ToolSpec

from .speaking import Scene, Spoken, check_model, check_whole
from .talk import Chat, Spent
from .views import GO_ON, introduction, view

WORK: Final = """You work on a task together with others, one step at a time: say what is to be done, do your part, and look at
what came of it before you go on. Write programs in fenced code blocks, whole, so that they can be run as they are. When the task
is done, and somebody has seen that it is, say TERMINATE."""
"""What an assistant is told of its work when nobody says otherwise."""
TRANSFER: Final = "transfer_to_"
"""Begins the names of the tools by which the floor is handed over."""


@dataclass(frozen=True, kw_only=True)
class Assistant:
    """A member that answers with a model. It proposes calls of tools; those who have them carry them out.

    Attributes:
        model: Who answers, or the name of a resource of the graph.
        name: What it is called.
        instructions: What it is told of its work.
        description: What others, and whoever chooses speakers, are told of it.
        calls: Which tools of others it may call: ``"any"``, or these.
        handoffs: Whom it may hand the floor to: members, or a name that `OnHandoff` waits for.
        memory: What of a long talk its model is shown.
        repairs: How often in a row an answer that cannot be used goes back to the model.
        settings: What each request says besides; see `Settings`.

    Raises:
        ValueError: One of them cannot be used.

    Example::

        Assistant(model, name="coder", handoffs=["critic"], memory=KeepTokens(50_000))
    """

    model: Model | str = field(kw_only=False)
    name: str = "assistant"
    instructions: str = WORK
    description: str = ""
    calls: Literal["any"] | Collection[str] = "any"
    handoffs: Sequence[str] = ()
    memory: Memory = Everything()  # noqa: RUF009  # it is frozen
    repairs: int = 2
    settings: Settings = field(default_factory=lambda: Settings())

    silent = False
    asks_at_end = False

    def __post_init__(self) -> None:
        check_model(self.name, self.model)
        check_whole(self.name, "repairs", self.repairs, 0)
        for option, given in (("calls", self.calls), ("handoffs", self.handoffs)):
            if isinstance(given, str) and given != "any":
                raise ValueError(f"{self.name}: {option}= takes several names, as in [{given!r}]")
        if unfit := [name for name in self.handoffs if not isinstance(name, str) or not name.isidentifier()]:
            raise ValueError(f"{self.name}: handoffs= takes identifiers, not {unfit[0]!r}")

    @property
    def tools(self) -> Mapping[str, AnyTool]:
        """None: it carries out nothing."""
        return {}

    @property
    def models(self) -> frozenset[str]:
        """The resource that it names."""
        return frozenset((self.model,)) if isinstance(self.model, str) else frozenset()

    async def speak(self, chat: Chat, scene: Scene) -> Spoken:
        """Ask the model once, and again where its answer cannot be used.

        Raises:
            AgentError: It gave none that can be.
            ModelError: It could not be reached.
        """
        return await _Turn(self, chat, scene).take()

    def specs(self, scene: Scene) -> tuple[ToolSpec, ...]:
        """What its model may call."""
        offered = [spec for name, spec in scene.offered.items() if self.calls == "any" or name in self.calls]
        return (*offered, *(_transfer(name, scene.others.get(name, "")) for name in self.handoffs))


class _Turn:
    """One turn of an assistant."""

    def __init__(self, who: Assistant, chat: Chat, scene: Scene) -> None:
        model = scene.models[who.model] if isinstance(who.model, str) else who.model
        told = (who.instructions.strip(), introduction(who.name, scene.others))
        self._who = who
        self._scene = scene
        self._model = recorded(model, who.name, scene.context)
        self._system = Message.of("system", "\n\n".join(filter(None, told)))
        self._entries = view(chat.talk, who.name)
        # What this turn adds to what it remembers.
        self._new: list[Entry] = []
        self._spent = Spent()

    async def take(self) -> Spoken:
        said = messages_of(self._entries)
        if not said or said[-1].role == "assistant":
            self._new.append(Message.of("user", GO_ON))
        why = ""
        for _ in range(self._who.repairs + 1):
            if why:
                told = f"Your answer could not be used: {why}. Answer again."
                self._new.append(Message.of("user", told))
            try:
                response = await self._asked()
            except BadToolCallError as error:
                self._count(error.usage, None)
                why = error.message
                continue
            self._check(response)
            if response.text.strip() or response.message.tool_calls:
                return self._spoken(response.message)
            why = "it is empty"
        raise NoAnswerError(self._who.name, why, "")

    async def _asked(self) -> ModelResponse:
        entries = [*self._entries, *self._new]
        asked = [place for place, one in enumerate(messages_of(entries)) if one.role == "user"]
        recalled = await self._who.memory.recall(entries, asked[-1] if asked else 0, self._side_question)
        self._new += recalled.added
        request = ModelRequest(
            messages=(self._system, *recalled.messages),
            tools=self._who.specs(self._scene),
            **self._who.settings,
        )
        response = await self._model.respond(request)
        self._count(response.usage, response.cost)
        return response

    async def _side_question(self, request: ModelRequest, model: Model | None) -> str:
        """What a policy of the memory asks."""
        asked = self._model if model is None else recorded(model, self._who.name, self._scene.context)
        response = await asked.respond(request)
        self._count(response.usage, response.cost)
        if not response.text.strip():
            raise NoAnswerError(self._who.name, "the summary of what was said is empty", "")
        return response.text

    def _check(self, response: ModelResponse) -> None:
        """Raise where asking again makes no sense."""
        name = self._who.name
        if response.finish in ("refusal", "filtered"):
            how = "its model refused" if response.finish == "refusal" else "its provider filtered the answer"
            raise RefusedError(name, how, response.text)
        if response.finish == "length" and not response.message.tool_calls:
            why = f"it was cut off at the token limit, after {response.usage.output_tokens} tokens; raise max_tokens"
            raise NoAnswerError(name, why, response.text)

    def _spoken(self, message: Message) -> Spoken:
        handed = [
            call for call in message.tool_calls if call.name.removeprefix(TRANSFER) in self._who.handoffs
        ]
        handed = [call for call in handed if call.name.startswith(TRANSFER)]
        if handed:
            return self._handed(message, handed[0])
        own = (*self._new, message) if self._new else ()
        return Spoken(message, own=own, spent=self._spent)

    def _handed(self, message: Message, first: ToolCall) -> Spoken:
        """Its words, and the floor to another; what else it called is not carried out, and it is told so."""
        target = first.name.removeprefix(TRANSFER)
        results = [
            _result(call, f"{target} has the floor", failed=call is not first) for call in message.tool_calls
        ]
        words = [part for part in message.parts if not isinstance(part, ToolCall)]
        own = (*self._new, message, Message.of("tool", *results))
        return Spoken(Message.of("assistant", *words), target, own=own, spent=self._spent)

    def _count(self, usage: Usage, cost: float | None) -> None:
        self._spent += Spent.of(usage, cost)


def _result(call: ToolCall, told: str, *, failed: bool) -> ToolResult:
    why = f"it was not carried out: {told}" if failed else told
    return ToolResult(id=call.id, content=why, failed=failed)  # type: ignore[arg-type]  # a validator takes texts


def _transfer(name: str, description: str) -> ToolSpec:
    about = f"Hand the floor to {name}." + (f" {description}" if description else "")
    nothing: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
    return ToolSpec(name=f"{TRANSFER}{name}", description=about, parameters=nothing)
