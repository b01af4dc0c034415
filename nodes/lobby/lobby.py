"""A room in which agents talk: the thin asyncio part around `Room`.

What is posted goes the way of all facts here: the room decides and numbers it, a durable log commits it, and then it is
heard, in the order of the numbers. There is no task and no lock per message: a post puts the message into the inboxes of
those who hear it and wakes them.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Final, Literal, Self

from backedge.engine.context import Context

from .entering import Entering
from .errors import LobbyClosedError, LobbyError, SeatClosedError
from .local import PAGE, LocalSeat
from .log import LobbyLog, MemoryLog, Page
from .message import Kind, LobbyMessage, LobbyPart
from .room import Delivery, Member, Record, Room, notice

BUFFER: Final = 1000
"""How many messages wait for one member in memory."""


class Lobby:
    """A broadcast room for agents.

    It may be used as it is, or as an async context manager that opens and closes it; one with a log in a file wants to be
    closed.

    Args:
        name: What it is called.
        buffer: How many messages are held in memory for each member who has not read them.
        overflow: What happens to a member for whom more wait. With ``"lag"`` they fall behind: they read the rest from the
            log, and are told of what it no longer holds. With ``"wait"`` whoever speaks waits until they have read.
        log: What the lobby remembers; by default the last 1,000 records, in memory.

    Example::

        async with Lobby("hall") as lobby, lobby.enter("ann") as ann, lobby.enter("bob") as bob:
            await ann.post("hello")
            print((await bob.receive()).text)
    """

    def __init__(
        self,
        name: str = "lobby",
        *,
        buffer: int = BUFFER,
        overflow: Literal["lag", "wait"] = "lag",
        log: LobbyLog | None = None,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise LobbyError(f"a lobby's name is some text, not {name!r}")
        if not isinstance(buffer, int) or isinstance(buffer, bool) or buffer < 1:
            raise LobbyError(
                f"buffer= is how many messages wait for a member, a number from 1, not {buffer!r}"
            )
        if overflow not in ("lag", "wait"):
            raise LobbyError(f'overflow= is "lag" or "wait", not {overflow!r}')
        self.name = name
        self._buffer = buffer
        self._waits = overflow == "wait"
        self._log: LobbyLog = MemoryLog() if log is None else log
        # Made when the lobby is opened.
        self._room: Room | None = None
        self._opening: asyncio.Task[None] | None = None
        # Why nothing more can be done here.
        self._closed: LobbyError | None = None
        # Those who are in the room and listen; the others are away, and read the log when they come back.
        self._seats: dict[str, LocalSeat] = {}
        # The last number that was heard by those who listen.
        self._heard = 0
        # Messages that are being said under a handle of the sender's.
        self._flying: dict[str, asyncio.Future[LobbyMessage]] = {}
        # What is done on the way.
        self._doing: set[asyncio.Future[None]] = set()
        # What those who are away had read, of those who listened in this process.
        self._away: dict[str, int] = {}
        # Whether what is said is recorded and heard at once, without a wait.
        self.immediate = not self._log.durable and not self._waits

    # ------------------------------------------------------------------ beginning and end

    async def open(self) -> Self:
        """Read the log; who was in the room is in it again, and away. Entering does it, too."""
        if self._room is None and self._closed is None:
            if self._opening is None:
                self._opening = asyncio.ensure_future(self._open())
            try:
                await asyncio.shield(self._opening)
            finally:
                if self._opening is not None and self._opening.done():
                    self._opening = None
        return self

    async def _open(self) -> None:
        opened = await self._log.open(self.name)
        self._room = Room.restore(opened.ident, opened.presences, opened.number)
        self._heard = opened.number

    async def close(self) -> None:
        """End all seats and let go of the log. Who was in stays in, as far as the log is concerned."""
        if self._doing:
            await asyncio.wait(self._doing)
        self._end(LobbyClosedError(f"the lobby {self.name!r} is closed"))
        await self._log.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"Lobby({self.name!r}, members={len(self.members)})"

    @property
    def members(self) -> tuple[str, ...]:
        """Who is in, observers and those who are away included, in order of entering."""
        return tuple(self._room.members) if self._room else ()

    def member(self, name: str) -> Member | None:
        """What is known of a member; None of who is not in."""
        return self._room.members.get(name) if self._room else None

    @property
    def present(self) -> tuple[str, ...]:
        """Who is in and listens."""
        return tuple(name for name in self.members if name in self._seats)

    @property
    def ident(self) -> str:
        """Names this lobby for ever, restarts over the same log included; known once it is open."""
        return self._its_room().ident

    # ------------------------------------------------------------------ coming and going

    def enter(
        self,
        name: str,
        ctx: Context | None = None,
        *,
        observer: bool = False,
        notices: bool = False,
        session: str | None = None,
        after: int | None = None,
    ) -> Entering:
        """Enter, for as long as an ``async with`` block lasts.

        Args:
            name: What the member is called; nobody else in the lobby has this name.
            ctx: The context of the node that does it: then all that the seat does is recorded, and done once. Leaving the
                block by an exception is no leaving of the lobby, for the node's body may run again.
            observer: Hear, and say nothing.
            notices: Hear of others' coming and going.
            session: Who names the session that a member entered with comes back as this member.
            after: The cursor to go on from. By default a new member hears what comes after their entering, and a session that
                comes back what it had not read, as far as this process knows.

        Raises:
            NameTakenError: Somebody else has the name.
        """
        return Entering(self, name, ctx, observer=observer, notices=notices, session=session, after=after)

    async def attach(
        self,
        name: str,
        *,
        session: str | None = None,
        observer: bool = False,
        notices: bool = False,
        after: int | None = None,
        settled: set[str] | None = None,
        had: Collection[int] = (),
    ) -> LocalSeat:
        """A seat without a block around it: whoever takes it leaves or detaches it. See `enter`.

        Args:
            name: See `enter`.
            session: See `enter`.
            observer: See `enter`.
            notices: See `enter`.
            after: See `enter`.
            settled: For seats whose body runs again: the handles of requests that are over. Replies to other requests are kept for
                those who will ask for them.
            had: The numbers of replies after the cursor that were had out of turn.
        """
        await self.open()
        self._check()
        room = self._its_room()
        if after is not None and after > room.number:
            raise LobbyError(
                f"{name!r} wants to go on after number {after}, but the lobby {self.name!r} is at {room.number}: "
                "its log did not outlive the process; give it log=SqliteLog(...)"
            )
        entered = room.enter(name, session=session or uuid.uuid4().hex, observer=observer, notices=notices)
        old = self._seats.get(name)
        if old is not None:
            self._away[name] = old.cursor
            old.end(SeatClosedError(f"{name!r} came back to the lobby {self.name!r} with a new seat"))
        since = room.members[name].since
        begin = max(self._away.pop(name, since) if after is None else after, since)
        seat = LocalSeat(
            self, name, capacity=self._buffer, after=begin, heard=self._heard, settled=settled, had=had
        )
        self._seats[name] = seat
        self._away.pop(name, None)
        try:
            if entered is not None:
                await self._publish([entered])
            await seat.count()
        except BaseException:
            self.detach(seat)
            if session is None:
                self._later(self.remove(name))  # nobody could come back
            raise
        return seat

    def detach(self, seat: LocalSeat) -> None:
        """The member is away: still in, but nobody listens; what is said is in the log when they come back."""
        if self._seats.get(seat.name) is seat:
            del self._seats[seat.name]
            self._away[seat.name] = seat.cursor
        seat.end(SeatClosedError(f"{seat.name!r} no longer listens in the lobby {self.name!r}"))

    async def remove(self, name: str) -> None:
        """Let a member leave, whether they listen or not: one whose run was given up, say.

        Raises:
            NotInLobbyError: They are not in.
        """
        await self.open()
        self._check()
        room = self._its_room()
        if name in self._seats:
            seat = self._seats[name]
            seat.end(SeatClosedError(f"{name!r} left the lobby {self.name!r}"))  # nobody reads on meanwhile
            unread = await seat.unread()
        elif name in self._away:
            unread = [message async for message in self.heard(name, self._away[name])]
        else:
            unread = []  # away since before this process: nobody knows what they read
        deliveries = [room.leave(name)]
        self._seats.pop(name, None)
        self._away.pop(name, None)
        back = [message for message in unread if message.to == name and not message.returned]
        deliveries += [room.bounce(message) for message in back]
        await self._publish(deliveries)

    async def heard(self, name: str, after: int) -> AsyncIterator[LobbyMessage]:
        """What the log holds for a member after a number, up to what was heard when it is looked at."""
        room = self._its_room()
        while after < self._heard:
            page = await self._log.after(after, PAGE)
            for record in page.records:
                if record.number <= self._heard and name in room.members and room.hears(name, record):
                    yield self.as_message(record)
            if not page.records:
                return
            after = page.upto

    def as_message(self, record: Record) -> LobbyMessage:
        """What is heard of a record."""
        return record if isinstance(record, LobbyMessage) else notice(self.ident, record)

    async def subscribe(self, name: str, topic: str, *, on: bool = True) -> None:
        """A member takes up or gives up a topic."""
        self._check()
        room = self._its_room()
        taken = room.subscribe(name, topic) if on else room.unsubscribe(name, topic)
        if taken is not None:
            await self._publish([taken])

    # ------------------------------------------------------------------ speaking

    async def say(
        self,
        seat: LocalSeat,
        parts: tuple[LobbyPart, ...],
        *,
        to: str | None = None,
        topic: str | None = None,
        reply_to: str | None = None,
        kind: Kind = "message",
        handle: str | None = None,
        asked: asyncio.Future[LobbyMessage] | None = None,
    ) -> LobbyMessage:
        """What a seat says; see `Seat.say`. The future is for the reply."""
        if handle is None:
            return await self._said(seat, parts, to, topic, reply_to, kind, None, asked)
        draft = partial(self._said, seat, parts, to, topic, reply_to, kind, handle, asked)
        flying = self._flying.get(handle)
        if flying is None:
            flying = self._flying[handle] = asyncio.ensure_future(self._once(seat.name, parts, handle, draft))
            flying.add_done_callback(partial(self._landed, handle))
        return await asyncio.shield(flying)

    async def _once(
        self,
        sender: str,
        parts: tuple[LobbyPart, ...],
        handle: str,
        draft: Callable[[], Awaitable[LobbyMessage]],
    ) -> LobbyMessage:
        known = await self._log.find(handle)
        if known is None:
            return await draft()
        if (known.sender, known.parts) != (sender, parts):
            raise LobbyError(f"the handle {handle!r} is another message's: handles are given once")
        return known

    def _landed(self, handle: str, flying: asyncio.Future[LobbyMessage]) -> None:
        del self._flying[handle]
        if not flying.cancelled():
            flying.exception()  # whoever waits for it is told

    async def _said(
        self,
        seat: LocalSeat,
        parts: tuple[LobbyPart, ...],
        to: str | None,
        topic: str | None,
        reply_to: str | None,
        kind: Kind,
        handle: str | None,
        asked: asyncio.Future[LobbyMessage] | None,
    ) -> LobbyMessage:
        room = self._its_room()
        if self._waits:
            await self._until_room(seat.name, to, topic)
            seat.check()
        delivery = room.say(seat.name, parts, to=to, topic=topic, reply_to=reply_to, kind=kind, handle=handle)
        if delivery.record is not None:
            if asked is not None:
                seat.expect(delivery.message.handle, asked)
            await self._publish([delivery])
        return delivery.message

    def say_now(
        self,
        seat: LocalSeat,
        parts: tuple[LobbyPart, ...],
        to: str | None,
        topic: str | None,
        reply_to: str | None,
        kind: Kind,
        asked: asyncio.Future[LobbyMessage] | None,
    ) -> LobbyMessage:
        """What a seat says in a lobby that is `immediate`."""
        room = self._its_room()
        delivery = room.say(seat.name, parts, to=to, topic=topic, reply_to=reply_to, kind=kind)
        if delivery.record is not None:
            if asked is not None:
                seat.expect(delivery.message.handle, asked)
            self._log.add((delivery.record,))
            self._deliver(delivery)
        return delivery.message

    async def _until_room(self, sender: str, to: str | None, topic: str | None) -> None:
        """Wait until everybody who would hear it has room for it."""
        room = self._its_room()
        while True:
            names = room.audience(sender, to, topic)
            full = next((seat for name in names if (seat := self._seats.get(name)) and seat.full), None)
            if full is None:
                return
            await full.space()

    # ------------------------------------------------------------------ hearing

    async def _publish(self, deliveries: list[Delivery]) -> None:
        """Record what happened; then it is heard. Who is cancelled meanwhile has said it all the same."""
        records = [each.record for each in deliveries if each.record is not None]
        if self._log.durable:
            committed = self._log.commit(records)
            committed.add_done_callback(partial(self._committed, deliveries))
            await asyncio.shield(committed)
            return
        self._log.add(records)
        for delivery in deliveries:
            self._deliver(delivery)

    def _committed(self, deliveries: list[Delivery], committed: asyncio.Future[None]) -> None:
        error = asyncio.CancelledError() if committed.cancelled() else committed.exception()
        if error is None:
            for delivery in deliveries:
                self._deliver(delivery)
            return
        closed = LobbyClosedError(f"the lobby {self.name!r} is closed, because its log failed: {error}")
        closed.__cause__ = error
        self._end(closed)

    def _deliver(self, delivery: Delivery) -> None:
        message = delivery.message
        self._heard = message.number
        for name in delivery.audience:
            seat = self._seats.get(name)
            if seat is not None:
                seat.hear(message)
            elif message.to == name and not message.returned and name not in self._its_room().members:
                self._returning(message)

    def _returning(self, message: LobbyMessage) -> None:
        """Who it was for left while it was being committed."""
        self._later(self._publish([self._its_room().bounce(message)]))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it on the way; who waits for the lobby's end waits for it."""

        async def done() -> None:
            with suppress(LobbyError):  # the lobby was closed before, which all who are in it are told
                await work

        task = asyncio.ensure_future(done())
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    # ------------------------------------------------------------------ inside

    @property
    def number(self) -> int:
        """The number of what was heard last."""
        return self._heard

    async def page(self, after: int, limit: int) -> Page:
        """A piece of the log."""
        return await self._log.after(after, limit)

    def hears(self, name: str, record: Record) -> bool:
        """Whether a record is for a member."""
        return self._its_room().hears(name, record)

    def _its_room(self) -> Room:
        if self._room is None:
            raise LobbyError(
                f"the lobby {self.name!r} is not open: enter it, or use it in an async with block"
            )
        return self._room

    def _check(self) -> None:
        if self._closed is not None:
            raise type(self._closed)(*self._closed.args) from self._closed.__cause__

    def _end(self, error: LobbyError) -> None:
        if self._closed is None:
            self._closed = error
        seats, self._seats = self._seats, {}
        for seat in seats.values():
            seat.end(error)
