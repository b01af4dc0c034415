"""A seat in a lobby of another process: who waits for what. `Exchange` decides, and a `Line` carries."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from .errors import (
    LaggedError,
    LobbyClosedError,
    LobbyError,
    LobbyTimeoutError,
    SeatClosedError,
    UndeliverableError,
)
from .exchange import Exchange
from .inbox import Gap
from .line import Line, State
from .message import Kind, LobbyMessage, LobbyPart, parts_of
from .refusals import MessageTooLargeError, error_named
from .seat import Said, Seat
from .wire import (
    PIPELINE,
    REQUESTS,
    Answer,
    Await,
    Deliver,
    Denied,
    Done,
    Forget,
    FromClient,
    FromServer,
    Gone,
    Hello,
    Leave,
    Missed,
    Post,
    Topic,
    Waiting,
    Welcome,
    WireError,
    written,
)

if TYPE_CHECKING:
    from .remote import RemoteLobby

_LEAVE_WITHIN: Final = 5.0
"""Seconds for which a server's word is waited for that a member has left."""


class RemoteSeat(Seat):
    """What `RemoteLobby.enter` gives outside of nodes. See `Seat`."""

    def __init__(self, lobby: RemoteLobby, exchange: Exchange) -> None:
        self._lobby = lobby
        self._exchange = exchange
        # Until the first connection is there.
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line = Line(lobby, self)
        # Who waits for the answer to what, by handle.
        self._answers: dict[str, asyncio.Future[Done]] = {}
        self._replies: dict[str, asyncio.Future[LobbyMessage]] = {}
        self._slots = asyncio.Semaphore(PIPELINE)
        self._requests = asyncio.Semaphore(REQUESTS)
        # Who waits for the next message; one at a time.
        self._waiter: asyncio.Future[None] | None = None
        self._left: asyncio.Future[None] | None = None
        self._closed: LobbyError | None = None
        # Bytes that a frame may have; known once there was a connection.
        self._max_message = 0

    @property
    def name(self) -> str:
        """See `Seat.name`."""
        return self._exchange.name

    @property
    def lobby(self) -> str:
        """See `Seat.lobby`."""
        return self._lobby.name

    @property
    def cursor(self) -> int:
        """See `Seat.cursor`."""
        return self._exchange.heard or 0

    @property
    def lag(self) -> int:
        """See `Seat.lag`. What waits at the server is counted as far as it said so, within half a second."""
        return self._exchange.lag

    @property
    def state(self) -> State:
        """Of its connection: ``connecting`` for the first time, ``open``, ``lost`` and being made again, ``closed``."""
        return self._line.state

    @property
    def reconnections(self) -> int:
        """How often its connection was made again."""
        return self._line.reconnections

    @property
    def ended(self) -> bool:
        """Whether the seat can do nothing more."""
        return self._closed is not None

    def __repr__(self) -> str:
        return f"RemoteSeat({self.name!r} in {self.lobby!r}, {self.state}, lag={self.lag})"

    # ------------------------------------------------------------------ beginning and end

    async def open(self) -> None:
        """Wait until it is connected.

        Raises:
            LobbyError: The lobby cannot be entered.
        """
        await asyncio.shield(self._opened)

    def end(self, error: LobbyError) -> None:
        """The seat can do nothing more; its connection is cut."""
        if self._closed is not None:
            return
        self._closed = error
        failing: list[asyncio.Future[Any]] = [*self._answers.values(), *self._replies.values(), self._opened]
        for waiting in failing:
            if not waiting.done():
                waiting.set_exception(error)
                waiting.exception()  # who waits is told; nobody may wait any more
        _wake(self._waiter)
        _wake(self._left)
        self._line.cut()
        self._lobby.forget(self)

    async def over(self) -> None:
        """Wait until nothing of it is left."""
        await self._line.over()

    def check(self) -> None:
        """Raise why the seat can do nothing more, if so."""
        if self._closed is not None:
            raise type(self._closed)(*self._closed.args) from self._closed.__cause__

    async def leave(self) -> None:
        """See `Seat.leave`. If the server cannot be told within 5 seconds, it finds out when it has waited long enough."""
        self.check()
        try:
            self._left = asyncio.get_running_loop().create_future()
            self._line.send(Leave(self.cursor))
            with suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE_WITHIN):
                    await self._left
        finally:
            self.end(SeatClosedError(f"{self.name!r} left the lobby {self.lobby!r}"))
            await self.over()

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
        """See `Seat.say`. It is done once the server's lobby has it: with a log on disk, once it is there."""
        if kind not in ("message", "request", "reply"):
            raise LobbyError(f"a member says a message, a request or a reply; {kind!r} is the lobby's to say")
        post = Post(handle or uuid.uuid4().hex, parts, to, topic, reply_to, kind)
        done = await self._ask(post)
        return LobbyMessage(
            done.number, post.handle, self.name, parts, to, topic, reply_to, kind, done.returned
        )

    async def subscribe(self, topic: str) -> None:
        """See `Seat.subscribe`."""
        await self._ask(Topic(uuid.uuid4().hex, topic))

    async def unsubscribe(self, topic: str) -> None:
        """See `Seat.unsubscribe`."""
        await self._ask(Topic(uuid.uuid4().hex, topic, subscribe=False))

    async def _ask(self, frame: Post | Topic) -> Done:
        """Send what is to be answered, again after each reconnection until it is."""
        self.check()
        known = self._answers.get(frame.handle)
        if known is not None:
            return await asyncio.shield(known)
        data = self._fitting(frame)
        await self._slots.acquire()
        try:
            self.check()
        except LobbyError:
            self._slots.release()
            raise
        answer: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._answers[frame.handle] = answer
        self._exchange.owed[frame.handle] = frame
        self._line.send(data)
        return await asyncio.shield(answer)

    def _fitting(self, frame: Post | Topic) -> bytes:
        try:
            data = written(frame)
        except ValueError as error:
            raise LobbyError(f"the message cannot be written as JSON: {error}") from None
        if len(data) > self._max_message:
            raise MessageTooLargeError(
                f"the message has {len(data)} bytes on the wire, which carries {self._max_message} at most: send less, "
                "an address instead of the content, or let the server carry more with max_message="
            )
        return data

    async def request(
        self,
        to: str | None,
        *said: Said,
        timeout: float | None = None,  # noqa: ASYNC109  # how long a reply is waited for is part of the question
    ) -> LobbyMessage:
        """See `Seat.request`."""
        handle = uuid.uuid4().hex
        self._exchange.asking.add(handle)
        try:
            async with asyncio.timeout(timeout):
                made = await self.say(parts_of(said), to=to, kind="request", handle=handle)
                if made.returned:
                    raise UndeliverableError(made.returned)
                reply = await self.answer(made)
            self._exchange.asking.discard(handle)
            return reply
        except TimeoutError:
            whom = "anybody" if to is None else repr(to)
            raise LobbyTimeoutError(f"no reply from {whom} within {timeout} s") from None
        finally:
            if handle in self._exchange.asking:
                self._exchange.asking.discard(handle)
                self.forget(handle)

    async def answer(self, request: LobbyMessage) -> LobbyMessage:
        """Wait for the reply to a request that was made before, perhaps by an earlier process.

        Raises:
            UndeliverableError: Who was asked left without reading it.
        """
        async with self._requests:
            self.check()
            coming: asyncio.Future[LobbyMessage] = asyncio.get_running_loop().create_future()
            self._replies[request.handle] = coming
            self._exchange.awaited[request.handle] = request.number
            self._line.send(Await(request.handle, request.number))
            try:
                return await coming
            except asyncio.CancelledError:
                if coming.done() and not coming.cancelled() and coming.exception() is None:
                    self.late(coming.result())  # it came in the very moment
                raise
            finally:
                self._replies.pop(request.handle, None)
                if self._exchange.awaited.pop(request.handle, None) is not None:
                    self.forget(request.handle)

    def forget(self, handle: str, *, had: int | None = None) -> None:
        """Nobody is going to wait for the reply to this request (again); see `LocalSeat.forget`."""
        self._line.send(Forget(handle, had))

    # ------------------------------------------------------------------ hearing

    async def receive(
        self,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # part of the interface
    ) -> LobbyMessage:
        """See `Seat.receive`."""
        try:
            async with asyncio.timeout(timeout):
                message = await self.head()
        except TimeoutError:
            raise LobbyTimeoutError(f"nothing came to {self.name!r} within {timeout} s") from None
        self.take(message)
        return message

    async def head(self) -> LobbyMessage:
        """See `Seat.head`."""
        found = await self._head()
        if isinstance(found, Missed):
            raise LaggedError(found.why)
        return found

    async def head_or_gap(self) -> LobbyMessage | Gap:
        """The next message, or what is missing before it; a gap is given once."""
        found = await self._head()
        return Gap(found.number, found.missed, found.why) if isinstance(found, Missed) else found

    async def _head(self) -> LobbyMessage | Missed:
        if self._waiter is not None:
            raise LobbyError(
                f"{self.name!r} is waiting for a message already: a seat has one reader at a time"
            )
        while True:
            self.check()
            if self._exchange.inbox:
                break
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        found = self._exchange.inbox[0]
        if isinstance(found, Deliver):
            return found.message
        self._took(found.number)
        return found

    def take(self, message: LobbyMessage) -> None:
        """See `Seat.take`."""
        self._took(message.number)

    def _took(self, number: int) -> None:
        self._exchange.take(number)
        self._line.hurry()

    # ------------------------------------------------------------------ what the line tells

    def hello(self) -> Hello:
        """See `Talker.hello`."""
        return self._exchange.hello(leaving=self._left is not None)

    def welcomed(self, welcome: Welcome) -> list[FromClient]:
        """See `Talker.welcomed`."""
        self._max_message = welcome.max_message
        if not self._opened.done():
            self._opened.set_result(None)
        leaving = [] if self._left is None else [Leave(self.cursor)]
        return [*self._exchange.welcomed(welcome), *leaving]

    def untold(self) -> FromClient | None:
        """See `Talker.untold`."""
        return self._exchange.tell() if self._exchange.untold else None

    def came(self, frame: FromServer) -> None:
        """See `Talker.came`."""
        match frame:
            case Deliver() | Missed():
                if self._exchange.arrived(frame):
                    _wake(self._waiter)
            case Waiting():
                self._exchange.behind = frame.waiting
            case Done() | Denied():
                self._answered(frame)
            case Answer():
                self._replied(frame)
            case Gone("left"):
                _wake(self._left)
            case Gone(code, why):
                raise SeatClosedError(why) if code == "session" else LobbyClosedError(why)
            case _:
                raise WireError(f"a server does not say {frame.frame} now")

    def _answered(self, frame: Done | Denied) -> None:
        if isinstance(frame, Denied) and self._exchange.awaited.pop(frame.handle, None) is not None:
            reply = self._replies[frame.handle]
            if not reply.done():
                reply.set_exception(error_named(frame.error, frame.why))
            return
        if self._exchange.answered(frame.handle) is None:
            return
        self._slots.release()
        answer = self._answers.pop(frame.handle)
        if isinstance(frame, Done):
            answer.set_result(frame)
        else:
            answer.set_exception(error_named(frame.error, frame.why))
            answer.exception()  # who asked may not wait any more

    def _replied(self, frame: Answer) -> None:
        self._exchange.awaited.pop(frame.handle, None)
        waiting = self._replies.get(frame.handle)
        if waiting is None or waiting.done():
            self.late(frame.message)
        else:
            self._exchange.replied(frame.message.number)
            waiting.set_result(frame.message)

    def late(self, reply: LobbyMessage) -> None:
        """A reply that nobody waits for any more is to be read."""
        self._exchange.late(reply)
        _wake(self._waiter)


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
