"""What a member of a lobby holds: one interface for lobbies in this process, in another one, and inside of nodes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self, TypeAlias

from backedge.providers.messages import Code, File, Image, Text

from .errors import LobbyClosedError, SeatClosedError
from .message import Kind, LobbyMessage, parts_of

Said: TypeAlias = str | Text | Code | Image | File
"""What can be said: a plain string is a text."""


class Seat(ABC):
    """A member's place in a lobby.

    Iterating over it gives what comes, and ends when the seat is left or the lobby is closed.

    Example::

        async with lobby.enter("ann") as seat:
            await seat.post("who knows Rust?")
            async for message in seat:
                await seat.reply(message, "thank you")
    """

    __slots__ = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """What the member is called."""

    @property
    @abstractmethod
    def lobby(self) -> str:
        """The lobby's name."""

    @property
    @abstractmethod
    def cursor(self) -> int:
        """The number of what was read last. Who comes back with it goes on after it."""

    @property
    @abstractmethod
    def lag(self) -> int:
        """How many messages wait to be read."""

    @abstractmethod
    async def say(
        self,
        parts: tuple[Text | Code | Image | File, ...],
        *,
        to: str | None = None,
        topic: str | None = None,
        reply_to: str | None = None,
        kind: Kind = "message",
        handle: str | None = None,
    ) -> LobbyMessage:
        """Say something; what `post`, `send` and `reply` are made of.

        With a `handle` that the lobby knows nothing is said again: it gives the message that has it.
        """

    @abstractmethod
    async def head(self) -> LobbyMessage:
        """The next message, as soon as there is one. It stays the next one until it is taken."""

    @abstractmethod
    def take(self, message: LobbyMessage) -> None:
        """The message that `head` gave was read."""

    @abstractmethod
    async def receive(
        self,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # cheaper than a block, and recorded inside of nodes
    ) -> LobbyMessage:
        """The next message, as soon as there is one.

        Args:
            timeout: Seconds to wait; None for ever.

        Raises:
            LobbyTimeoutError: None came in time.
            LaggedError: Some are gone unread, told once; the next call goes on after them.
            SeatClosedError: The seat was left.
        """

    @abstractmethod
    async def request(
        self,
        to: str | None,
        *said: Said,
        timeout: float | None = None,  # noqa: ASYNC109  # likewise
    ) -> LobbyMessage:
        """Say something to a member, or to all with None, and wait for the first reply.

        A reply that comes too late, or second, is received like any message.

        Raises:
            UndeliverableError: Who is asked is not there, or left without reading it.
            LobbyTimeoutError: No reply came in time.
        """

    @abstractmethod
    async def subscribe(self, topic: str) -> None:
        """Hear what is said under a topic from now on."""

    @abstractmethod
    async def unsubscribe(self, topic: str) -> None:
        """Hear no more of a topic. What was said before stays to be read."""

    @abstractmethod
    async def leave(self) -> None:
        """Leave the lobby. What was for this member alone and is unread comes back to those who sent it."""

    async def post(self, *said: Said, topic: str | None = None) -> LobbyMessage:
        """Say something to all, or to those who subscribed to a topic.

        Raises:
            LobbyError: An observer speaks, or says nothing.
        """
        return await self.say(parts_of(said), topic=topic)

    async def send(self, to: str, *said: Said) -> LobbyMessage:
        """Say something to one member.

        Returns:
            The message; its `returned` says why, if it could not be delivered.
        """
        return await self.say(parts_of(said), to=to)

    async def reply(self, message: LobbyMessage, *said: Said) -> LobbyMessage:
        """Answer whoever said something; if that was a request, its sender waits for it.

        Returns:
            As `send`.
        """
        kind: Kind = "reply" if message.kind == "request" else "message"
        return await self.say(parts_of(said), to=message.sender, reply_to=message.handle, kind=kind)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> LobbyMessage:
        try:
            return await self.receive()
        except (SeatClosedError, LobbyClosedError) as error:
            if error.__cause__ is not None:  # it was not closed on purpose
                raise
            raise StopAsyncIteration from None
