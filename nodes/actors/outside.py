"""Actors from outside of any run: tell them something, ask them, end them, look into their mailbox. From any process."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from pydantic import BaseModel

from backedge.engine.context import Context
from backedge.engine.errors import InputError
from backedge.engine.graph import END, START, Graph
from backedge.engine.ports import opened

from .errors import AskTimeoutError, MailboxFullError
from .mail import ABORT, MAIL, Mail, Pill, Reply
from .mailer import Mailer, Where, json_of, letters_of, mail_of, post, value_of


async def tell(to: str, message: Any, /, *, journal: Where, key: str = "", most: int | None = None) -> None:
    """Send a letter to an actor. It is kept until the actor handles it; of one that has ended it is a dead letter.

    Args:
        to: The actor: the id of its run.
        message: What it says.
        journal: Where the run is.
        key: Tells the letter from others: when it is sent again, because nobody knows whether it was sent, the second one is
            dropped.
        most: How many letters may wait. Several who send at once may together pass it.

    Raises:
        InputError: The message is nothing that JSON can carry.
        MailboxFullError: As many wait as may; the letter was not sent.
        RunNotFoundError: There is no such run.

    Example: ``await tell("counter", 5, journal="runs.db")``
    """
    letter = mail_of(json_of(message), **({"key": key} if key else {}))
    if most is None:
        await post(journal, to, MAIL, letter)
        return
    async with opened(journal, create=False) as store:
        if len(await waiting(to, journal=store)) >= most:
            raise MailboxFullError(to, most)
        await post(store, to, MAIL, letter)


class _Asked(BaseModel):
    reply: Reply | None = None


async def ask(to: str, message: Any, /, *, journal: Where, returns: Any = Any, within: float = 60.0) -> Any:
    """Send a letter to an actor and wait for its reply. Somebody else has to work on its run.

    It is a small run of its own, in the same journal, that is deleted when there is a reply.

    Args:
        to: The actor: the id of its run.
        message: What it says.
        journal: Where the run is.
        returns: The type of the reply.
        within: Seconds to wait for it.

    Raises:
        AskError: Handling it failed, the actor has ended, or what it replied is none of `returns`.
        AskTimeoutError: There was no reply in time.
        InputError: The message is nothing that JSON can carry.
        RunNotFoundError: There is no such run.

    Example: ``total = await ask("counter", "total", journal="runs.db", returns=int)``
    """
    said = json_of(message)
    if not within >= 0:
        raise InputError(f"within= takes a number of seconds from 0, not {within!r}")
    async with opened(journal, create=False) as store:
        await store.header(to)
        mailer = Mailer(store)
        graph = Graph(_Asked, name="ask")

        @graph.node(writes="reply")
        async def asking(ctx: Context) -> Reply | None:
            return await mailer.reply_to(ctx, to, said, within)

        graph.chain(START, asking, END)
        own = f"ask {uuid4()}"
        try:
            state = (await graph.compile().run(journal=store, run_id=own)).state
        finally:
            await store.delete(own)
    if state.reply is None:
        raise AskTimeoutError(to, within)
    return value_of(state.reply, to, returns)


async def stop(to: str, /, *, journal: Where, drain: bool = True) -> None:
    """End an actor.

    Args:
        to: The actor: the id of its run.
        journal: Where the run is.
        drain: Whether it first handles what was sent before. Else it ends before its next letter, and what waits stays in its
            mailbox, where `waiting` finds it.

    Raises:
        RunNotFoundError: There is no such run.
    """
    if drain:
        await post(journal, to, MAIL, Pill().model_dump_json().encode())
    else:
        await post(journal, to, ABORT, b"null")


async def waiting(to: str, /, *, journal: Where) -> list[Mail]:
    """The letters in an actor's mailbox, oldest first; of one that has ended, those that it left: its dead letters.

    Those that it took and could not handle are in its state, as ``dead``.

    Raises:
        RunNotFoundError: There is no such run.
    """
    async with opened(journal, create=False) as store:
        return letters_of(await store.letters(to))
