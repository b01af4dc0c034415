"""How nodes send letters to actors, and get replies: each sending is a recorded effect, and none is handled twice."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from backedge.engine.context import Context
from backedge.engine.effects.identity import EffectKey
from backedge.engine.errors import InputError, RunNotFoundError
from backedge.engine.ports import Journal, opened
from backedge.engine.records import Letter, LetterKind

from .errors import AskError, AskTimeoutError
from .mail import ENDED, MAIL, Mail, Reply, unfit

Where: TypeAlias = str | PathLike[str] | Journal
"""A journal: the path of its file, or an open one."""


@dataclass(frozen=True)
class Mailer:
    """Sends letters from inside of nodes, to actors whose runs are in one journal.

    A letter that is sent twice, since a process died before it could record that it had been sent, is handled once: it bears
    the key of the effect, and actors remember the last 1,000 of these.

    Attributes:
        journal: Where the runs are: the same journal as that of the run that sends.

    Example::

        mailer = Mailer("runs.db")

        @graph.node(writes="price")
        async def price(order: int, ctx: Context) -> float:
            return await mailer.ask(ctx, "prices", order, returns=float, within=60)
    """

    journal: Where

    async def tell(self, context: Context, to: str, message: Any) -> None:
        """Send a letter.

        Args:
            context: The node's.
            to: The actor: the id of its run.
            message: What it says.

        Raises:
            InputError: The message is nothing that JSON can carry.
            EffectError: There is no such run.
        """

        async def send(to: str, message: str, key: EffectKey) -> None:
            await post(self.journal, to, MAIL, mail_of(message, key=str(key)))

        await context.step(f"tell {to}", send, to, json_of(message))

    async def ask(
        self, context: Context, to: str, message: Any, *, returns: Any = Any, within: float | None = None
    ) -> Any:
        """Send a letter and wait for the reply. Meanwhile the node is suspended.

        Args:
            context: The node's.
            to: The actor: the id of its run.
            message: What it says.
            returns: The type of the reply.
            within: Seconds to wait for it; by default for ever.

        Raises:
            AskError: Handling it failed, the actor has ended, or what it replied is none of `returns`.
            AskTimeoutError: There was no reply in time. One that comes later is dropped.
            InputError: The message is nothing that JSON can carry.
            EffectError: There is no such run.
        """
        reply = await self.reply_to(context, to, json_of(message), within)
        if reply is None:
            raise AskTimeoutError(to, within or 0.0)
        return value_of(reply, to, returns)

    async def reply_to(self, context: Context, to: str, message: str, within: float | None) -> Reply | None:
        """Send a message that is JSON already, and wait for the reply; None when there is none in time."""
        if within is not None and not within >= 0:
            raise InputError(f"within= takes a number of seconds from 0, not {within!r}")
        own = context.run_id
        reply_as = f"reply {context.uuid()}"

        async def send(to: str, message: str, reply_as: str, key: EffectKey) -> str:
            mail = mail_of(message, key=str(key), reply_to=own, reply_as=reply_as)
            async with opened(self.journal, create=False) as store:
                await post(store, to, MAIL, mail)
                return ended_of(await store.letters(to))

        ended = await context.step(f"ask {to}", send, to, message, reply_as)
        if ended:
            return Reply(error=_over(ended))
        coming = context.receive(reply_as, schema=Reply)
        if within is None:
            reply: Reply = await coming
            return reply
        came: Reply | None
        _, came = await context.first(coming, context.sleep(within))  # of the sleep comes None
        return came

    def replying(self) -> Callable[..., Awaitable[None]]:
        """The node of an actor that replies."""
        journal = self.journal

        async def reply(mail: Any, reply: Reply, ctx: Context) -> None:
            async def send(to: str, reply_as: str, reply: Reply) -> None:
                with suppress(RunNotFoundError):  # who asked has given up, and is gone
                    await post(journal, to, reply_as, to_json(reply))

            await ctx.step("reply", send, mail.reply_to, mail.reply_as, reply)

        return reply

    def closing(self) -> Callable[..., Awaitable[None]]:
        """The node that an actor ends with: whoever still waits for a reply, or asks from now on, is told that it has ended.

        The mark is left before it looks who waits, and who asks sends his letter before he looks for the mark: nobody is missed.
        An actor within another graph leaves none: its mailbox is the whole run's, in which another may come after it.
        """
        journal = self.journal

        async def close(ended: str, ctx: Context) -> None:
            async def tell(own: str, ended: str) -> None:
                async with opened(journal, create=False) as store:
                    await post(store, own, ENDED, to_json(ended))
                    for mail in letters_of(await store.letters(own)):
                        with suppress(RunNotFoundError):  # who asked has given up, and is gone
                            if mail.reply_to:
                                await post(
                                    store, mail.reply_to, mail.reply_as, to_json(Reply(error=_over(ended)))
                                )

            if "/" not in ctx.activation.node:
                await ctx.step("close", tell, ctx.run_id, ended)

        return close


def letters_of(found: Iterable[Letter]) -> list[Mail]:
    """The letters in what lies in a mailbox: neither the pill, nor what is no letter and will be refused."""
    letters: list[Mail] = []
    for one in found:
        if one.kind is LetterKind.SIGNAL and one.name == MAIL:
            with suppress(ValidationError):
                letters.append(Mail.model_validate_json(one.value))
    return letters


def ended_of(found: Iterable[Letter]) -> str:
    """How the actor ended, of what lies in its mailbox; empty while it lives."""
    for one in found:
        if one.kind is LetterKind.SIGNAL and one.name == ENDED:
            return str(from_json(one.value))
    return ""


def _over(ended: str) -> str:
    return f"it has ended, {ended}"


async def post(journal: Where, to: str, signal: str, value: bytes) -> None:
    """Lay a letter into the mailbox of a run. Raises RunNotFoundError."""
    async with opened(journal, create=False) as store:
        await store.post(to, Letter(LetterKind.SIGNAL, signal, value, time.time()))


def json_of(message: Any) -> str:
    """A message as JSON. Raises InputError."""
    try:
        return to_json(message).decode()
    except PydanticSerializationError as error:
        raise InputError(f"the message is nothing that JSON can carry: {error}") from None


def mail_of(message: str, **about: str) -> bytes:
    """A letter as JSON; its message is JSON already."""
    head = to_json(about)[1:-1]
    return b'{"message":' + message.encode() + (b"," + head if head else b"") + b"}"


def value_of(reply: Reply, to: str, returns: Any) -> Any:
    """What was replied. Raises AskError."""
    if reply.error:
        raise AskError(to, reply.error)
    try:
        return TypeAdapter(returns).validate_json(reply.value)
    except ValidationError as error:
        raise AskError(to, f"what it replied does not fit returns=: {unfit(error)}") from None
