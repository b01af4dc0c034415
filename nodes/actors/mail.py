"""What lies in an actor's mailbox: letters, which bear a message, and the pill that ends it when all before is handled."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

MAIL: Final = "mail"
"""The signal that an actor receives its letters by."""
ABORT: Final = "abort"
"""The signal that ends an actor before its next letter."""
ENDED: Final = "ended"
"""The signal that an actor leaves in its own mailbox when it ends, for those who ask it then."""


class Mail(BaseModel):
    """A letter.

    Attributes:
        message: What it says.
        key: Tells it from others, where it may come twice: a second one of this key is dropped.
        reply_to: The run that waits for a reply; empty for none.
        reply_as: The signal that the reply is sent by.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: JsonValue
    key: str = ""
    reply_to: str = ""
    reply_as: str = ""


class Pill(BaseModel):
    """Ends an actor when all that lies before it is handled (Akka calls it a poison pill)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pill: Literal[True] = True


class Reply(BaseModel):
    """What comes back for a letter.

    Attributes:
        value: What was replied, as JSON.
        error: Why there is no reply; empty where there is one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str = "null"
    error: str = ""


class DeadLetter(BaseModel):
    """A letter that was taken from the mailbox and not handled.

    Attributes:
        mail: The letter.
        why: Why not.
    """

    model_config = ConfigDict(frozen=True)

    mail: Mail
    why: str


def unfit(error: ValidationError) -> str:
    """Why a message or a reply is of another type, in a line."""
    wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ") for one in error.errors()]
    return "; ".join(wrong)
