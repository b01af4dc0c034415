"""A seat in a lobby of this process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING, Final

from .errors import LaggedError, LobbyError, LobbyTimeoutError, UndeliverableError
from .inbox import Gap, Inbox
from .message import Kind, LobbyMessage, LobbyPart, parts_of
from .room import Record
from .seat import Said, Seat

if TYPE_CHECKING:
    from .lobby import Lobby

PAGE: Final = 256
"""How many records are read from the log at once."""
_TURN: Final = 64  # after so many messages in a row, others get their turn


class LocalSeat(Seat):
    """What `Lobby.enter` gives outside of nodes. See `Seat`."""

    __slots__ = (
        "_closed",
        "_held",
        "_inbox",
        "_lobby",
        "_name",
        "_row",
        "_settled",
        "_skipped",
        "_spaces",
        "_uncounted",
        "_waiter",
        "asked",
    )

    def __init__(
        self,
        lobby: Lobby,
        name: str,
        *,
        capacity: int,
        after: int,
        heard: int,
        settled: set[str] | None = None,
        had: Collection[int] = (),
    ) -> None:
        self._lobby = lobby
        self._name = name
        self._inbox = Inbox(capacity, after=after, behind=after < heard)
        # Whether there may be unread messages that nobody counted.
        self._uncounted = False
        # Handles of requests to who waits for their replies.
        self.asked: dict[str, asyncio.Future[LobbyMessage]] = {}
        # Handles of requests that are over; None: all that nobody waits for are.
        self._settled = settled
        # Replies that came before anybody asked for them, by the handle of the request.
        self._held: dict[str, LobbyMessage] = {}
        # Numbers of what is in the log ahead of the inbox and went another way.
        self._skipped: set[int] = set(had)
        # Who waits for the next message; one at a time.
        self._waiter: asyncio.Future[None] | None = None
        # Who waits until there is room.
        self._spaces: deque[asyncio.Future[None]] = deque()
        self._closed: LobbyError | None = None
        # How many messages were given and said.
        self._row = 0

    @property
    def name(self) -> str:
        """See `Seat.name`."""
        return self._name

    @property
    def lobby(self) -> str:
        """See `Seat.lobby`."""
        return self._lobby.name

    @property
    def cursor(self) -> int:
        """See `Seat.cursor`."""
        return self._inbox.cursor

    @property
    def lag(self) -> int:
        """See `Seat.lag`."""
        return self._inbox.lag

    def __repr__(self) -> str:
        return f"LocalSeat({self._name!r} in {self.lobby!r}, lag={self.lag})"

    # ------------------------------------------------------------------ speaking

    async def say(
        self,
        parts: tuple[LobbyPart, ...],
        *,
        to: str | None = None,
        topic: str | None = None,
        reply_to: str | None = None,
        kind: Kind = "message",
        handle: str | None = None,
    ) -> LobbyMessage:
        """See `Seat.say`."""
        return await self._say(parts, to, topic, reply_to, kind, handle)

    async def reply(self, message: LobbyMessage, *said: Said) -> LobbyMessage:
        """See `Seat.reply`."""
        kind: Kind = "reply" if message.kind == "request" else "message"
        return await self._say(parts_of(said), message.sender, None, message.handle, kind)

    async def send(self, to: str, *said: Said) -> LobbyMessage:
        """See `Seat.send`."""
        return await self._say(parts_of(said), to)

    async def _say(
        self,
        parts: tuple[LobbyPart, ...],
        to: str | None = None,
        topic: str | None = None,
        reply_to: str | None = None,
        kind: Kind = "message",
        handle: str | None = None,
        asked: asyncio.Future[LobbyMessage] | None = None,
    ) -> LobbyMessage:
        """See `Seat.say`. The future is for the reply."""
        lobby = self._lobby
        self.check()
        if handle is None and lobby.immediate:
            made = lobby.say_now(self, parts, to, topic, reply_to, kind, asked)
            self._row += 1
            if not self._row % _TURN:
                await asyncio.sleep(0)
            return made
        return await lobby.say(
            self, parts, to=to, topic=topic, reply_to=reply_to, kind=kind, handle=handle, asked=asked
        )

    async def request(
        self,
        to: str | None,
        *said: Said,
        timeout: float | None = None,  # noqa: ASYNC109  # part of the interface
    ) -> LobbyMessage:
        """See `Seat.request`."""
        coming: asyncio.Future[LobbyMessage] = asyncio.get_running_loop().create_future()
        try:
            if timeout is None:
                return await self._asked(to, parts_of(said), coming)
            async with asyncio.timeout(timeout):
                return await self._asked(to, parts_of(said), coming)
        except TimeoutError:
            if coming.done() and not coming.cancelled():
                return _answered(coming.result())  # it came in the very moment
            whom = "anybody" if to is None else repr(to)
            raise LobbyTimeoutError(f"no reply from {whom} within {timeout} s") from None
        except asyncio.CancelledError:
            self._give_back(coming)
            raise
        finally:
            coming.cancel()  # a reply that comes from now on is a message

    async def _asked(
        self, to: str | None, parts: tuple[LobbyPart, ...], coming: asyncio.Future[LobbyMessage]
    ) -> LobbyMessage:
        made = await self._say(parts, to, kind="request", asked=coming)
        return _answered(made if made.returned else await coming)

    def expect(self, handle: str, coming: asyncio.Future[LobbyMessage]) -> None:
        """Somebody waits for the reply to the request with this handle."""
        self.asked[handle] = coming
        coming.add_done_callback(partial(self._expected, handle))

    def _expected(self, handle: str, coming: asyncio.Future[LobbyMessage]) -> None:
        if self.asked.get(handle) is coming:
            del self.asked[handle]

    async def answer(self, request: LobbyMessage) -> LobbyMessage:
        """Wait for the reply to a request that was made before, perhaps by an earlier process.

        Raises:
            UndeliverableError: Who was asked left without reading it.
        """
        coming: asyncio.Future[LobbyMessage] = asyncio.get_running_loop().create_future()
        self.expect(request.handle, coming)
        held = self._held.pop(request.handle, None)
        if held is not None:
            coming.set_result(held)
        try:
            found = await self._reply_in_log(request) or await coming
        except asyncio.CancelledError:
            self._give_back(coming)
            raise
        self._give_back(coming, but=found)
        return _answered(found)

    async def _reply_in_log(self, request: LobbyMessage) -> LobbyMessage | None:
        async for message in self._lobby.heard(self._name, request.number):
            if message.reply_to == request.handle and (message.returned or message.kind == "reply"):
                if message.number > self._inbox.scanned:
                    self._skipped.add(message.number)  # it is not to be read once more
                return message
        return None

    def forget(self, handle: str, *, had: int | None = None) -> None:
        """Nobody is going to wait for the reply to this request (again): one that is kept for that is a message like any.

        Args:
            handle: Of the request.
            had: The number of the reply that the member has: this one is not to be read.
        """
        held = self._held.pop(handle, None)
        if held is not None and held.number != had:
            self.late(held)
        if had is not None and had > self._inbox.scanned:
            self._skipped.add(had)

    def _give_back(self, coming: asyncio.Future[LobbyMessage], *, but: LobbyMessage | None = None) -> None:
        """What came for a request is a message like any, if nobody has got it."""
        if not coming.done():
            coming.cancel()
        elif not coming.cancelled() and coming.exception() is None:
            reply = coming.result()
            if but is None or reply.number != but.number:
                self.late(reply)

    def late(self, reply: LobbyMessage) -> None:
        """A reply that nobody waits for any more is to be read."""
        self._skipped.discard(reply.number)
        self._inbox.late(reply)
        self._wake_reader()

    # ------------------------------------------------------------------ hearing

    def hear(self, message: LobbyMessage) -> None:
        """The lobby delivers a message."""
        if message.reply_to is not None and not self._for_inbox(message):
            if self._inbox.behind:
                self._skipped.add(message.number)
            self._inbox.skip(message.number)
            return
        self._inbox.put(message)
        self._wake_reader()

    def _wake_reader(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _for_inbox(self, message: LobbyMessage) -> bool:
        """Hand a reply to who waits for it; whether nobody does."""
        handle = message.reply_to
        assert handle is not None
        coming = self.asked.get(handle)
        if coming is not None and not coming.done() and (message.returned or message.kind == "reply"):
            coming.set_result(message)
            return False
        return not self._keeps(message)

    def _keeps(self, message: LobbyMessage) -> bool:
        """Whether it is kept for who is going to ask for it (again)."""
        if not self._is_asked_for(message):
            return False
        return self._held.setdefault(message.reply_to or "", message) is message

    def _is_asked_for(self, message: LobbyMessage) -> bool:
        """Whether it is the reply to a request that is not over."""
        return self._settled is not None and message.kind == "reply" and message.reply_to not in self._settled

    async def receive(
        self,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # part of the interface, and cheaper than a block
    ) -> LobbyMessage:
        """See `Seat.receive`."""
        if timeout is None or self._inbox.buffer:
            message = await self.head_or_gap()
        else:
            try:
                async with asyncio.timeout(timeout):
                    message = await self.head_or_gap()
            except TimeoutError:
                raise LobbyTimeoutError(f"nothing came to {self._name!r} within {timeout} s") from None
        if isinstance(message, Gap):
            raise LaggedError(str(message))
        self.take(message)
        return message

    async def head(self) -> LobbyMessage:
        """See `Seat.head`."""
        found = await self.head_or_gap()
        if isinstance(found, Gap):
            raise LaggedError(str(found))
        return found

    async def head_or_gap(self) -> LobbyMessage | Gap:
        """The next message, or what is missing before it; a gap is given once."""
        inbox = self._inbox
        if self._waiter is not None:
            raise LobbyError(
                f"{self._name!r} is waiting for a message already: a seat has one reader at a time"
            )
        while True:
            self.check()
            if inbox.buffer:
                self._row += 1
                if not self._row % _TURN:
                    await asyncio.sleep(0)
                    self.check()
                return inbox.buffer[0]
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                if not inbox.behind:
                    await self._waiter
                elif (gap := await self._refill()) is not None:
                    return gap
            finally:
                self._waiter = None

    def take(self, message: LobbyMessage) -> None:
        """See `Seat.take`."""
        self._inbox.take(message)
        if self._spaces and not self._inbox.full:
            self._wake_one()

    async def _refill(self) -> Gap | None:
        """Read on in the log."""
        inbox, lobby = self._inbox, self._lobby
        page = await lobby.page(inbox.scanned, min(PAGE, inbox.capacity))
        if page.lost > inbox.scanned:
            left = sum([1 async for _ in lobby.heard(self._name, page.lost)])
            uncounted, self._uncounted = self._uncounted, False
            return inbox.lose(page.lost, left, counted=not uncounted)
        self.check()
        wanted = [lobby.as_message(record) for record in page.records if self._wants(record)]
        upto = page.upto if page.records else lobby.number
        inbox.refill(wanted, upto, behind=upto < lobby.number)
        self._skipped = {number for number in self._skipped if number > upto}
        return None

    def _wants(self, record: Record) -> bool:
        if record.number in self._skipped or not self._lobby.hears(self._name, record):
            return False
        return not (isinstance(record, LobbyMessage) and record.reply_to is not None and self._keeps(record))

    # ------------------------------------------------------------------ for the lobby

    async def count(self) -> None:
        """Count what came before this seat was taken."""
        inbox = self._inbox
        if inbox.behind:
            upto = self._lobby.number
            page = await self._lobby.page(inbox.scanned, 1)
            self._uncounted = page.lost > inbox.scanned
            heard = self._lobby.heard(self._name, inbox.scanned)
            more = [m async for m in heard if m.number <= upto and m.number not in self._skipped]
            inbox.counted(sum(not self._is_asked_for(message) for message in more))

    @property
    def full(self) -> bool:
        """Whether as many messages wait as there is room for."""
        return self._inbox.full

    async def space(self) -> None:
        """Wait until there is room, or the seat is no more."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._spaces.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake_one()  # somebody else may have the room
            raise

    def _wake_one(self) -> None:
        while self._spaces:
            turn = self._spaces.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def unread(self) -> list[LobbyMessage]:
        """What was heard and not read."""
        inbox = self._inbox
        found = [one for one in inbox.buffer if one.number > inbox.cursor or one.reply_to is not None]
        if inbox.behind:
            heard = self._lobby.heard(self._name, max(inbox.scanned, inbox.cursor))
            found += [message async for message in heard if message.number not in self._skipped]
        return found

    def end(self, error: LobbyError) -> None:
        """The seat can do nothing more."""
        if self._closed is not None:
            return
        self._closed = error
        self._wake_reader()
        for coming in self.asked.values():
            if not coming.done():
                coming.set_exception(error)
                coming.exception()  # who waits is told; nobody may wait any more
        while self._spaces:
            self._wake_one()

    @property
    def ended(self) -> bool:
        """Whether it can do nothing more."""
        return self._closed is not None

    def check(self) -> None:
        """Raise why the seat can do nothing more, if so."""
        if self._closed is not None:
            raise type(self._closed)(*self._closed.args) from self._closed.__cause__

    async def subscribe(self, topic: str) -> None:
        """See `Seat.subscribe`."""
        self.check()
        await self._lobby.subscribe(self._name, topic)

    async def unsubscribe(self, topic: str) -> None:
        """See `Seat.unsubscribe`."""
        self.check()
        await self._lobby.subscribe(self._name, topic, on=False)

    async def leave(self) -> None:
        """See `Seat.leave`."""
        self.check()
        await self._lobby.remove(self._name)


def _answered(found: LobbyMessage) -> LobbyMessage:
    """The reply; or the request itself, if it came back."""
    if found.returned:
        raise UndeliverableError(found.returned)
    return found
