"""What a model is to the rest of backedge: something that answers a request."""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from .messages import Message, Usage


class ToolSpec(BaseModel):
    """A tool a model may call.

    Attributes:
        name: What the model calls it.
        description: What it does, for the model to read.
        parameters: JSON schema of its arguments, an object.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    parameters: dict[str, Any]


class ModelRequest(BaseModel):
    """One call of a model: the conversation so far, and the tools it may call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_tokens: int | None = None


class ModelResponse(BaseModel):
    """What a model answered.

    Attributes:
        message: The answer; its role is ``assistant``.
        usage: What the call took.
        finish: Why the model stopped: it was done, it wants tools, the token limit, or it refused.
        model: Who answered, as the provider names it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: Message
    usage: Usage = Usage()
    finish: Literal["stop", "tool_calls", "length", "refusal"] = "stop"
    model: str = ""

    @property
    def text(self) -> str:
        """The words of the answer."""
        return self.message.text


@runtime_checkable
class Model(Protocol):
    """Answers requests. Safe to use from many tasks at once."""

    @property
    def name(self) -> str:
        """What to call it in messages and records."""

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request."""
