"""What is said in a lobby: frozen messages of text, code, images and attachments.

A message is made once, and the same object reaches all who hear it: its contents are shared, never copied. It goes through
JSON and back by pydantic (``TypeAdapter(LobbyMessage)``), so it can be a field of a state or the result of an effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import ConfigDict, Field

from backedge.providers.messages import Code, File, Image, Text

from .errors import LobbyError

LobbyPart: TypeAlias = Annotated[Text | Code | Image | File, Field(discriminator="kind")]
"""A piece of a message: the types that models are told with. A `File` is an attachment, with name and media type."""

Kind: TypeAlias = Literal["message", "request", "reply", "entered", "left"]

_PARTS = (Text, Code, Image, File)


@dataclass(frozen=True, slots=True)
class LobbyMessage:
    """One thing that was said, or that somebody entered or left.

    Attributes:
        number: Its place in the lobby's one order; numbers grow and may have gaps.
        handle: Names it, in all lobbies: no two messages share one.
        sender: Who said it; of a notice, who entered or left.
        parts: What was said.
        to: The one it is for; None for all.
        topic: The topic whose subscribers it is for; None for all.
        reply_to: The handle of the message that it answers.
        kind: ``request`` waits for an answer, and a ``reply`` is one. ``entered`` and ``left`` are notices, for those
            who asked for them.
        returned: Why it came back to its sender instead of being heard; empty for what was heard.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    number: int
    handle: str
    sender: str
    parts: tuple[LobbyPart, ...] = ()
    to: str | None = None
    topic: str | None = None
    reply_to: str | None = None
    kind: Kind = "message"
    returned: str = ""

    @property
    def text(self) -> str:
        """All its words and code, other parts left out."""
        return "".join(part.text for part in self.parts if isinstance(part, Text | Code))


class _Draft:
    """A message that is not frozen yet."""

    __slots__ = LobbyMessage.__slots__

    def __init__(
        self,
        number: int,
        handle: str,
        sender: str,
        parts: tuple[LobbyPart, ...],
        to: str | None,
        topic: str | None,
        reply_to: str | None,
        kind: Kind,
        returned: str,
    ) -> None:
        self.number = number
        self.handle = handle
        self.sender = sender
        self.parts = parts
        self.to = to
        self.topic = topic
        self.reply_to = reply_to
        self.kind = kind
        self.returned = returned


def made(
    number: int,
    handle: str,
    sender: str,
    parts: tuple[LobbyPart, ...],
    to: str | None,
    topic: str | None,
    reply_to: str | None,
    kind: Kind,
    returned: str,
) -> LobbyMessage:
    """What the class makes, in a third of the time: making frozen dataclasses is most of what a post costs."""
    draft: Any = _Draft(number, handle, sender, parts, to, topic, reply_to, kind, returned)
    draft.__class__ = LobbyMessage  # both have the same slots and nothing else
    message: LobbyMessage = draft
    return message


def parts_of(said: Sequence[str | Text | Code | Image | File]) -> tuple[Text | Code | Image | File, ...]:
    """What was said as parts: a plain string is a text.

    Raises:
        LobbyError: Nothing was said, or something that is no part.
    """
    if not said:
        raise LobbyError("a message says something: give it a text or other parts, as in post('hello')")
    return tuple([Text(text=part) if isinstance(part, str) else _checked(part) for part in said])


def _checked(part: Text | Code | Image | File) -> Text | Code | Image | File:
    if not isinstance(part, _PARTS):
        raise LobbyError(
            f"a message is made of text, Code, Image and File, not of {type(part).__name__}: {part!r}"
        )
    return part
