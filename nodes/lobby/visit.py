"""One connection of one member, on the server's side: what comes in is said in the lobby, what the member hears goes out."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from .errors import LobbyClosedError, LobbyError, SeatClosedError
from .inbox import Gap
from .local import LocalSeat
from .message import LobbyMessage
from .pending import Pending
from .wire import (
    FAILED,
    GARBAGE,
    PIPELINE,
    REQUESTS,
    VIOLATED,
    Answer,
    Await,
    Deliver,
    Denied,
    Done,
    Forget,
    FromServer,
    Gone,
    Heard,
    Hello,
    Leave,
    Missed,
    Post,
    Topic,
    Waiting,
    WireError,
    read_client,
    written,
)

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

_LOGGER: Final = logging.getLogger("backedge.lobby.server")

LAG_EVERY: Final = 0.5
"""Seconds after which a client with a full window is told how many messages wait."""


class Visit:
    """A connection that was let in.

    Args:
        connection: The connection.
        seat: The member's seat in the lobby.
        hello: What the client said when it came.
        pending: Its requests.
        first: What is said to the client first.
        max_message: Bytes that a frame may have.
        heard: Called with the number up to which the member's reader has taken everything.
        had: Where the numbers of replies are kept that were sent out of turn.
    """

    def __init__(
        self,
        connection: ServerConnection,
        seat: LocalSeat,
        hello: Hello,
        pending: Pending,
        *,
        first: Sequence[FromServer],
        max_message: int,
        heard: Callable[[int], None],
        had: set[int],
    ) -> None:
        self._connection = connection
        self.seat = seat
        self._first = first
        self._pending = pending
        self._max_message = max_message
        self._heard = heard
        self._had = had
        self._window = hello.window
        self._topics = hello.topics
        # Numbers of what was sent and is not taken yet.
        self._unread = deque(sorted(hello.unread))
        self._unread.extend(frame.number for frame in first if isinstance(frame, Missed))
        # Set when something was taken.
        self._room = asyncio.Event()
        # What is still to be done, in order; None when nothing comes any more.
        self._asked: asyncio.Queue[Post | Topic | None] = asyncio.Queue()
        # Who waits for the reply to which request.
        self._awaiting: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> bool:
        """Serve the connection to its end.

        Returns:
            Whether the member says that it leaves.
        """
        delivering = asyncio.create_task(self._until_gone(self._deliver))
        answering = asyncio.create_task(self._until_gone(self._answer))
        try:
            if not await self._read():
                return False
            self._asked.put_nowait(None)
            closed = asyncio.create_task(self._connection.wait_closed())
            await asyncio.wait((answering, closed), return_when=asyncio.FIRST_COMPLETED)
            closed.cancel()
            return answering.done()
        finally:
            tasks = (delivering, answering, *self._awaiting.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # ------------------------------------------------------------------ what comes in

    async def _read(self) -> bool:
        """What the client sends, until it leaves or is gone; whether it left."""
        from websockets.exceptions import ConnectionClosed

        try:
            async for data in self._connection:
                frame = read_client(data)
                match frame:
                    case Leave():
                        self._took(frame.heard)
                        return True
                    case Heard():
                        self._took(frame.number)
                    case Forget():
                        self._forget(frame)
                    case Hello():
                        await self.close(VIOLATED, "a second hello")
                    case Await() if len(self._awaiting) < REQUESTS:
                        self._await(frame)
                    case Post() | Topic() if self._asked.qsize() < PIPELINE:
                        if isinstance(frame, Post) and frame.kind == "request":
                            self._pending.begin(frame.handle)
                        self._asked.put_nowait(frame)
                    case _:
                        await self.close(VIOLATED, f"more than {PIPELINE} frames without an answer")
        except ConnectionClosed:
            pass
        except WireError as error:
            await self.close(GARBAGE, str(error))
        return False

    def _took(self, number: int) -> None:
        while self._unread and self._unread[0] <= number:
            self._unread.popleft()
        self._heard(number)
        self._room.set()

    def _await(self, frame: Await) -> None:
        if frame.handle in self._awaiting:
            return
        self._pending.begin(frame.handle)
        self._awaiting[frame.handle] = asyncio.create_task(self._until_gone(partial(self._reply, frame)))

    def _forget(self, frame: Forget) -> None:
        task = self._awaiting.pop(frame.handle, None)
        if task is not None:
            task.cancel()
        self._over(frame.handle, frame.had)

    def _over(self, handle: str, had: int | None) -> None:
        """Nobody waits for the reply to this request any more."""
        self._pending.end(handle)
        if had is not None:
            self._had.add(had)
        self.seat.forget(handle, had=had)

    # ------------------------------------------------------------------ what goes out

    async def close(self, code: int, why: str) -> None:
        """End the connection: the client sees why, as far as a close frame has room."""
        await self._connection.close(code, why.encode()[:120].decode(errors="ignore"))

    async def _send(self, frame: FromServer) -> None:
        await self._connection.send(written(frame), text=True)

    async def _until_gone(self, work: Callable[[], Awaitable[None]]) -> None:
        """Work that ends with the connection, or with the seat: of that the client is told."""
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            try:
                await work()
            except SeatClosedError as error:
                await self._send(Gone("session", str(error)))
                await self._connection.close()
            except LobbyClosedError as error:
                await self._send(Gone("lobby", str(error)))
                await self._connection.close()
            except ConnectionClosed:
                raise
            except Exception:
                _LOGGER.exception("the connection of %r ends, because the lobby failed", self.seat.name)
                await self.close(FAILED, "the lobby failed")

    async def _deliver(self) -> None:
        """Send what the member hears, as long as the client has room for it."""
        for frame in self._first:
            await self._send(frame)
        if any(isinstance(frame, Missed) for frame in self._first):  # it had to leave, and is in anew
            for topic in self._topics:
                await self.seat.subscribe(topic)
        sent = self.seat.cursor
        while True:
            await self._until_room()
            found = await self.seat.head_or_gap()
            if isinstance(found, Gap):
                number, data = found.upto, written(Missed(found.upto, found.missed, str(found)))
            else:
                self.seat.take(found)
                if found.number < sent:  # a reply that was waited for, until nobody did
                    await self._connection.send(self._answering(found.reply_to or "", found), text=True)
                    continue
                number, data = found.number, self._fitting(found)
            sent = number
            self._unread.append(number)
            await self._connection.send(data, text=True)

    async def _until_room(self) -> None:
        told = -1
        while len(self._unread) >= self._window:
            self._room.clear()
            try:
                async with asyncio.timeout(LAG_EVERY):
                    await self._room.wait()
            except TimeoutError:
                if self.seat.lag != told:
                    told = self.seat.lag
                    await self._send(Waiting(told))

    def _fitting(self, message: LobbyMessage) -> bytes:
        """A message as it goes out, or why it cannot: some come from this process, where nothing is too large."""
        data, why = self._measured(Deliver(message, self.seat.lag))
        return data or written(Missed(message.number, 1, f"message {message.number} {why}"))

    def _measured(self, frame: Deliver | Answer) -> tuple[bytes, str]:
        """A frame as it goes out; or nothing, and why it cannot."""
        try:
            data = written(frame)
        except ValueError as error:
            return b"", f"cannot be written as JSON: {error}"
        if len(data) <= self._max_message:
            return data, ""
        size = f"has {len(data)} bytes on the wire, which carries {self._max_message} at most"
        return b"", f"{size}: let the server carry more with max_message="

    async def _answer(self) -> None:
        """Do what the client asks for, in order."""
        while asked := await self._asked.get():
            try:
                answer: Done | Denied = await self._do(asked)
            except (SeatClosedError, LobbyClosedError):
                raise
            except LobbyError as error:
                self._pending.end(asked.handle)
                answer = Denied(asked.handle, type(error).__name__, str(error))
            await self._send(answer)

    async def _do(self, asked: Post | Topic) -> Done:
        if isinstance(asked, Topic):
            change = self.seat.subscribe if asked.subscribe else self.seat.unsubscribe
            await change(asked.topic)
            return Done(asked.handle, 0)
        said = await self.seat.say(
            asked.parts,
            to=asked.to,
            topic=asked.topic,
            reply_to=asked.reply_to,
            kind=asked.kind,
            handle=asked.handle,
        )
        return Done(asked.handle, said.number, said.returned)

    def _answering(self, handle: str, reply: LobbyMessage) -> bytes:
        """A reply as it goes out, out of turn; or why it cannot."""
        self._had.add(reply.number)
        data, why = self._measured(Answer(handle, reply))
        return data or written(Denied(handle, "LobbyError", f"the reply {why}"))

    async def _reply(self, frame: Await) -> None:
        """Wait for the reply to a request, and send it."""
        request = LobbyMessage(frame.number, frame.handle, self.seat.name, kind="request")
        number = None
        try:
            reply = await self.seat.answer(request)
            number = reply.number
            data = self._answering(frame.handle, reply)
        except (SeatClosedError, LobbyClosedError):
            raise
        except LobbyError as error:
            data = written(Denied(frame.handle, type(error).__name__, str(error)))
        await self._connection.send(data, text=True)
        self._awaiting.pop(frame.handle, None)
        self._over(frame.handle, number)
