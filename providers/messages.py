"""What is said to a model and what it answers: frozen pydantic types, so that they can be fields of a state."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A piece of a message. Base of the parts below; frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(Part):
    """Words."""

    kind: Literal["text"] = "text"
    text: str


class Image(Part):
    """A picture, by its bytes or by its address; exactly one of the two.

    Attributes:
        media_type: Such as ``image/png``.
        data: The encoded picture.
        url: Where the provider can fetch it.
    """

    kind: Literal["image"] = "image"
    media_type: str
    data: bytes | None = None
    url: str | None = None

    def model_post_init(self, context: Any, /) -> None:
        """Refuse an image that is nowhere, or in two places."""
        if (self.data is None) == (self.url is None):
            raise ValueError("an image has either data or a url")


class ToolCall(Part):
    """A model asks for a tool.

    Attributes:
        id: Names the call; its result carries the same id.
        name: The tool.
        arguments: The arguments as the model wrote them: one JSON object, not yet validated.
    """

    kind: Literal["tool_call"] = "tool_call"
    id: str
    name: str
    arguments: str


class ToolResult(Part):
    """What a tool gave back; `failed` when it is an error that the model should act on."""

    kind: Literal["tool_result"] = "tool_result"
    id: str
    content: str
    failed: bool = False


AnyPart: TypeAlias = Annotated[Text | Image | ToolCall | ToolResult, Field(discriminator="kind")]

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


class Message(BaseModel):
    """One turn of a conversation.

    Example::

        Message.of("user", "What is in this picture?", Image(media_type="image/png", data=png))
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    parts: tuple[AnyPart, ...]

    @classmethod
    def of(cls, role: Role, *parts: str | Text | Image | ToolCall | ToolResult) -> Message:
        """A message of these parts; a plain string is a text."""
        return cls(
            role=role, parts=tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
        )

    @property
    def text(self) -> str:
        """All its words, parts without words left out."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools it asks for, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


class Usage(BaseModel):
    """What a call took, in tokens.

    Attributes:
        input_tokens: Everything that was read, tokens read from a cache included.
        output_tokens: Everything that was written, reasoning included.
        cached_tokens: Those of `input_tokens` that came from the provider's cache.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        """The two together."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
        )
