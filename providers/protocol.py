"""What a model is to the rest of backedge: something that answers a request, at once or piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from pydantic import Field

from .errors import Attempt
from .messages import Frozen, Json, Message, Usage


class ToolSpec(Frozen):
    """A tool a model may call.

    Attributes:
        name: What the model calls it.
        description: What it does, for the model to read.
        parameters: JSON schema of its arguments, an object.
    """

    name: str
    description: str
    parameters: Json


class OutputSpec(Frozen):
    """The form an answer must have.

    Attributes:
        name: What to call it.
        parameters: Its JSON schema, an object.
    """

    name: str
    parameters: Json


Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high"]


class ModelRequest(Frozen):
    """One call of a model.

    Attributes:
        messages: The conversation so far.
        tools: What it may call.
        tool_choice: Whether it may, must, or must not call a tool, or the name of the one it must call.
        parallel_tools: Whether it may call several at once; ``None`` leaves it to the provider.
        output: The form of the answer; see `backedge.providers.structured` for pydantic types.
        max_tokens: The most it may write.
        temperature: How much chance there is in the answer. Models that take none refuse it.
        effort: How much it should think; ``None`` leaves it to the provider.
        extra: The provider's own parameters, put into the body as they are.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str = "auto"
    parallel_tools: bool | None = None
    output: OutputSpec | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    effort: Effort | None = None
    extra: Json = Field(default_factory=dict)


Finish: TypeAlias = Literal["stop", "tool_calls", "length", "refusal", "filtered", "pause"]
"""Why a model stopped: it was done; it wants tools; the token limit; it refused; the provider's filter; or a long turn
was paused by the provider, which goes on when the answer is sent back to it."""


class ModelResponse(Frozen):
    """What a model answered.

    Attributes:
        message: The answer; its role is ``assistant``.
        usage: What the call took, all attempts together.
        finish: Why the model stopped.
        model: Who answered, as the provider names it.
        by: Who answered, as we name it, such as ``openai:gpt-5``; with a fallback not always the one that was asked.
        id: The provider's name for the answer.
        raw: The provider's answer as it came, for the curious; of a stream, its last word.
        attempts: The tries that were made, when more than one was.
        cost: What it cost in US dollars; ``None`` when that is unknown.
        cached: Whether it came from a cache of ours.
        headers: What the provider's HTTP headers say about its rate limits, names in lower case; no others.
    """

    message: Message
    usage: Usage = Usage()
    finish: Finish = "stop"
    model: str = ""
    by: str = ""
    id: str = ""
    raw: Json | None = None
    attempts: tuple[Attempt, ...] = ()
    cost: float | None = None
    cached: bool = False
    headers: dict[str, str] = Field(default_factory=dict)

    @property
    def text(self) -> str:
        """The words of the answer."""
        return self.message.text


class TextDelta(Frozen):
    """More words of the answer."""

    kind: Literal["text"] = "text"
    text: str


class ReasoningDelta(Frozen):
    """More of what the model thinks."""

    kind: Literal["reasoning"] = "reasoning"
    text: str


class ToolCallDelta(Frozen):
    """More of a tool call.

    Attributes:
        index: Which call of the answer, from 0.
        id: Names the call; given with its first piece at the latest.
        name: The tool, likewise.
        arguments: The next characters of the arguments.
    """

    kind: Literal["tool_call"] = "tool_call"
    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class Finished(Frozen):
    """The end of a stream: the whole answer, as `Model.respond` would have given it."""

    kind: Literal["finished"] = "finished"
    response: ModelResponse


Piece: TypeAlias = TextDelta | ReasoningDelta | ToolCallDelta
"""An event of a stream that is not its end."""

StreamEvent: TypeAlias = Piece | Finished


@runtime_checkable
class Model(Protocol):
    """Answers requests. Safe to use from many tasks at once."""

    @property
    def name(self) -> str:
        """What to call it in messages and records."""

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request.

        Raises:
            ModelError: There is no answer; its type says why.
        """

    def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece; the last event is a `Finished` with the whole answer.

        Leaving early closes the connection: use ``contextlib.aclosing`` around it.

        Raises:
            ModelError: There is no answer, or it broke off; its type says why.
        """
