"""The nodes of an actor beside the one that handles letters: which receives them, and which says how a failed one goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from backedge.engine.context import Context

from .errors import ActorFailingError
from .handling import read
from .mail import ABORT, MAIL, DeadLetter, Mail, Pill, Reply, unfit
from .supervision import Supervision

RECEIVED: Final = ("mail", "ended", "seen", "dead", "reply")
"""What receiving writes."""
SUPERVISED: Final = ("dead", "failures", "ended", "reply")
"""What supervising writes."""


def receiving_node(kind: TypeAdapter[Any], *, replies: bool) -> Callable[..., Any]:
    """The node that takes a letter.

    Args:
        kind: The type of messages.
        replies: Whether the actor can reply.
    """

    async def receive(seen: list[str], ctx: Context) -> dict[str, Any]:
        """Take a letter; one that came twice or does not fit is passed over. An abort comes before all letters."""
        which, came = await ctx.first(ctx.receive(ABORT), ctx.receive(MAIL, schema=Mail | Pill))
        if which == 0 or isinstance(came, Pill):
            return {"ended": "drained" if which else "aborted", "reply": None}
        if came.key and came.key in seen:
            return {"mail": None, "reply": None}
        fields = {"mail": came, "reply": None, "seen": [came.key] if came.key else []}
        why = _unfit(came, kind, replies=replies)
        if not why:
            return fields
        dead = {"dead": [DeadLetter(mail=came, why=why)]}
        if came.reply_to and replies:
            return fields | dead | {"reply": Reply(error=why)}
        return fields | dead | {"mail": None}

    return receive


def _unfit(mail: Mail, kind: TypeAdapter[Any], *, replies: bool) -> str:
    """Why a letter cannot be handled; empty when it can."""
    if mail.reply_to and not replies:
        return "it wants a reply, and the actor has no mailer="
    try:
        read(mail, kind)
    except ValidationError as error:
        return f"the message does not fit: {unfit(error)}"
    return ""


def supervising_node(directive: str, supervision: Supervision, initial: Any) -> Callable[..., Any]:
    """The node that an error of the handler leads to.

    Args:
        directive: What becomes of the actor.
        supervision: How often it may fail.
        initial: The state it began with.
    """

    async def supervise(mail: Any, failures: list[float], error: Exception, ctx: Context) -> dict[str, Any]:
        """Set the letter aside, and say how the actor goes on."""
        why = str(error) or type(error).__name__
        lately, too_often = supervision.counted(failures, ctx.now().timestamp())
        if too_often and ctx.attempt == 1:
            raise ActorFailingError(len(lately), supervision.within, why)
        fields: dict[str, Any] = {
            "dead": [DeadLetter(mail=mail, why=why)],
            "failures": [] if too_often else lately,
            "ended": "failed" if directive == "stop" else "",
        }
        if mail.reply_to:
            fields["reply"] = Reply(error=why)
        if directive == "restart":
            fields["state"] = initial
        return fields

    return supervise


# ---------------------------------------------------------------------- conditions of the edges between them


def to_handle(mail: Mail | None, reply: Reply | None, ended: str) -> bool:
    """There is a letter to handle."""
    return mail is not None and reply is None and not ended


def passed_over(mail: Mail | None, ended: str) -> bool:
    """There was a letter, of which nothing comes."""
    return mail is None and not ended


def to_reply(reply: Reply | None) -> bool:
    """There is something to reply."""
    return reply is not None


def done(reply: Reply | None, ended: str) -> bool:
    """There is nothing to reply, and it goes on."""
    return reply is None and not ended


def over(reply: Reply | None, ended: str) -> bool:
    """There is nothing to reply, and it has ended."""
    return reply is None and bool(ended)


def replied(ended: str) -> bool:
    """What was to be replied is, and it goes on."""
    return not ended


def replied_and_over(ended: str) -> bool:
    """What was to be replied is, and it has ended."""
    return bool(ended)
