"""The nodes of an actor beside the one that handles letters: which receives them, and which says how a failed one goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from backedge.engine.context import Context

from .errors import ActorFailingError
from .handling import read
from .mail import ABORT, MAIL, DeadLetter, Mail, Pill, Reply
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
        """Take the next letter that can be handled. Before that comes an abort; what came twice is passed over."""
        dead: list[DeadLetter] = []
        while True:
            which, came = await ctx.first(ctx.receive(ABORT), ctx.receive(MAIL, schema=Mail | Pill))
            if which == 0 or isinstance(came, Pill):
                return {"ended": "drained" if which else "aborted", "dead": dead, "reply": None}
            if came.key and came.key in seen:
                continue
            why = _unfit(came, kind, replies=replies)
            if why:
                dead.append(DeadLetter(mail=came, why=why))
            if not why or (came.reply_to and replies):
                keys = [came.key] if came.key else []
                reply = Reply(error=why) if why else None
                return {"mail": came, "dead": dead, "seen": keys, "reply": reply}

    return receive


def _unfit(mail: Mail, kind: TypeAdapter[Any], *, replies: bool) -> str:
    """Why a letter cannot be handled; empty when it can."""
    if mail.reply_to and not replies:
        return "it wants a reply, and the actor has no mailer="
    try:
        read(mail, kind)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ") for one in error.errors()
        ]
        return f"the message does not fit: {'; '.join(wrong)}"
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
        fields = {
            "dead": [DeadLetter(mail=mail, why=why)],
            "failures": [] if too_often else lately,
            "ended": "failed" if directive == "stop" else "",
            "reply": Reply(error=why) if mail.reply_to else None,
        }
        return fields | ({"state": initial} if directive == "restart" else {})

    return supervise


# ---------------------------------------------------------------------- conditions of the edges between them


def alive(ended: str) -> bool:
    """It goes on."""
    return not ended


def over(ended: str) -> bool:
    """It has ended."""
    return bool(ended)


def replies(reply: Reply | None) -> bool:
    """There is something to reply."""
    return reply is not None


def told_and_alive(reply: Reply | None, ended: str) -> bool:
    """There is nothing to reply, and it goes on."""
    return reply is None and not ended


def told_and_over(reply: Reply | None, ended: str) -> bool:
    """There is nothing to reply, and it has ended."""
    return reply is None and bool(ended)
