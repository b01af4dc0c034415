"""What is said to a model and what it answers: frozen pydantic types, so that they can be fields of a state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from mimetypes import guess_type
from operator import is_
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

_put: Final = object.__setattr__  # what is frozen is put together with it

Json: TypeAlias = dict[str, JsonValue]
"""A JSON object, as a provider writes it."""


class Frozen(BaseModel):
    """Base of everything here: never changes, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    _deep: ClassVar[tuple[str, ...]] = ()  # the fields that may hold something else than a plain value

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, but several times as quick: nothing here has extra or private attributes to look after."""
        if self.__pydantic_private__:
            return super().model_copy(update=update, deep=deep)
        if deep:
            return deepcopy(self).model_copy(update=update)
        changed = update or {}
        made = object.__new__(type(self))
        _put(made, "__dict__", {**self.__dict__, **changed})
        _put(made, "__pydantic_fields_set__", {*self.__pydantic_fields_set__, *changed})
        _put(made, "__pydantic_extra__", None)
        _put(made, "__pydantic_private__", None)
        return made

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls._deep = tuple(
            name
            for name, field in cls.model_fields.items()
            if field.annotation not in (str, int, float, bool)
        )

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Itself, unless there is JSON of a provider's in it, which alone can be changed and is copied.

        So whoever reads a conversation of a thousand messages is given copies of next to nothing.
        """
        if self.__pydantic_private__:
            return super().__deepcopy__(memo)
        changed: dict[str, Any] = {}
        own = self.__dict__
        for name in self._deep:
            value = own[name]
            if value is not None and (made := _apart(value)) is not value:
                changed[name] = made
        return self.model_copy(update=changed) if changed else self


_FIXED: Final = (str, bytes, int, float)


def _apart(value: Any) -> Any:
    """A value that nobody else can change: itself, where nobody can anyway."""
    if isinstance(value, _FIXED):
        return value
    if isinstance(value, tuple):
        made = tuple([_apart(one) for one in value])
        return value if all(map(is_, made, value)) else made
    return value.__deepcopy__() if isinstance(value, Frozen) else deepcopy(value)


F = TypeVar("F", bound=Frozen)


def assembled(kind: type[F], **fields: Any) -> F:
    """An object of what is known to be of the right types, all its fields in their order: nothing is looked at again."""
    made = object.__new__(kind)
    _put(made, "__dict__", fields)
    _put(made, "__pydantic_fields_set__", {*fields})
    _put(made, "__pydantic_extra__", None)
    _put(made, "__pydantic_private__", None)
    return made


class Part(Frozen):
    """A piece of a message. Base of the parts below."""


class Text(Part):
    """Words.

    Attributes:
        text: The words.
        raw: What the provider wants back with them, if anything (such as whether they were its last).
    """

    kind: Literal["text"] = "text"
    text: str
    raw: Json | None = None


class Code(Part):
    """A program or a piece of one.

    Attributes:
        language: Such as ``python``; empty when unknown.
        text: The code itself, without fences.
    """

    kind: Literal["code"] = "code"
    language: str = ""
    text: str


class _Content(Part):
    """Something that is given by its bytes or by its address; exactly one of the two.

    Attributes:
        media_type: Such as ``image/png`` or ``application/pdf``.
        data: The encoded content.
        url: Where the provider can fetch it.
    """

    media_type: str
    data: bytes | None = None
    url: str | None = None

    def model_post_init(self, context: Any, /) -> None:
        """Refuse content that is nowhere, or in two places."""
        if (self.data is None) == (self.url is None):
            raise ValueError(f"{type(self).__name__} has either data or a url")

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Self:
        """The content of a file, whose ending tells its type.

        Raises:
            OSError: The file cannot be read.
            ValueError: Its ending tells nothing.

        Example::

            Image.read("sketch.png")
        """
        kind, _ = guess_type(Path(path))
        if kind is None:
            raise ValueError(f"{path}: its ending tells no type; give media_type= and data= instead")
        return cls(media_type=kind, data=Path(path).read_bytes())

    @property
    def digest(self) -> str:
        """SHA-256 of the content, or of the address: the same picture has the same digest."""
        return hashlib.sha256(self.data if self.data is not None else str(self.url).encode()).hexdigest()

    def __repr__(self) -> str:
        """Without the bytes: they fill screens and logs."""
        what = f"url={self.url!r}" if self.data is None else f"{len(self.data)} bytes"
        return f"{type(self).__name__}({self.media_type}, {what})"

    __str__ = __repr__


class Image(_Content):
    """A picture, by its bytes or by its address.

    Example::

        Image(media_type="image/png", data=Path("sketch.png").read_bytes())
    """

    kind: Literal["image"] = "image"


class File(_Content):
    """A document such as a PDF, by its bytes or by its address.

    Attributes:
        name: What to call it.
    """

    kind: Literal["file"] = "file"
    name: str = "file"


class ToolCall(Part):
    """A model asks for a tool.

    Attributes:
        id: Names the call; its result carries the same id.
        name: The tool.
        arguments: The arguments as the model wrote them: one JSON object, not yet validated.
        raw: What the provider wants back with the call, if anything (such as a signature of its thoughts).
    """

    kind: Literal["tool_call"] = "tool_call"
    id: str
    name: str
    arguments: str
    raw: Json | None = None


def _parts(content: Any) -> Any:
    return ({"kind": "text", "text": content},) if isinstance(content, str) else content


ResultPart: TypeAlias = Annotated[Text | Image | File, Field(discriminator="kind")]


class ToolResult(Part):
    """What a tool gave back.

    Attributes:
        id: The call's.
        content: Texts, pictures and files; a plain string is taken for a text.
        failed: Whether it is an error that the model should act on.

    Example::

        ToolResult(id=call.id, content="12 degrees")
    """

    kind: Literal["tool_result"] = "tool_result"
    id: str
    content: Annotated[tuple[ResultPart, ...], BeforeValidator(_parts)]
    failed: bool = False

    @property
    def text(self) -> str:
        """All its words, parts without words left out."""
        return "".join(part.text for part in self.content if isinstance(part, Text))


class Reasoning(Part):
    """What a model thought before it answered.

    Attributes:
        text: The thoughts or their summary; empty where the provider keeps them to itself.
        origin: The wire it came over (``anthropic``, ``responses``, ``chat``). Sent back over the same one only.
        raw: The provider's own form, which it wants back unchanged (signatures, encrypted content).
    """

    kind: Literal["reasoning"] = "reasoning"
    text: str = ""
    origin: str = ""
    raw: Json | None = None


class Other(Part):
    """A part that only its provider understands, such as the result of a search on its side.

    Attributes:
        origin: As in `Reasoning`. Sent back over the same wire only.
        raw: The part as it came.
    """

    kind: Literal["other"] = "other"
    origin: str
    raw: Json


AnyPart: TypeAlias = Annotated[
    Text | Code | Image | File | ToolCall | ToolResult | Reasoning | Other, Field(discriminator="kind")
]

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


class Message(Frozen):
    """One turn of a conversation.

    Example::

        Message.of("user", "What is in this picture?", Image(media_type="image/png", data=png))
    """

    role: Role
    parts: tuple[AnyPart, ...]

    @classmethod
    def of(cls, role: Role, *parts: str | Part) -> Message:
        """A message of these parts; a plain string is a text."""
        made = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
        return cls(role=role, parts=made)  # type: ignore[arg-type]  # pydantic refuses a part of another kind

    @property
    def text(self) -> str:
        """All its words and code, other parts left out."""
        return "".join(part.text for part in self.parts if isinstance(part, Text | Code))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools it asks for, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


class Usage(Frozen):
    """What a call took, in tokens. Every provider's count is brought into this form.

    Attributes:
        input_tokens: Everything that was read, from a cache or not.
        output_tokens: Everything that was written, reasoning included.
        cached_tokens: Those of `input_tokens` that came from the provider's cache.
        cache_write_tokens: Those of `input_tokens` that were written into it.
        reasoning_tokens: Those of `output_tokens` that were spent on reasoning.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        """The two together."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )
