"""A seat inside of a node: what it says and hears is recorded, so that a body that runs again does and hears the same.

A post is a step with an effect key, which is the message's handle: done again after a crash, it is the same message, and
the lobby takes it once. What was received is a step, too, whose record holds the message; the number of the last one is the
cursor. A body that runs again goes through its records without the lobby. At the first thing that is not recorded it comes back
to the lobby under its old session, and hears what comes after its cursor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from contextlib import suppress
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, TypeVar

from backedge.engine.context import Context
from backedge.engine.effects.identity import EffectKey

from .errors import (
    LaggedError,
    LobbyClosedError,
    LobbyError,
    LobbyTimeoutError,
    NameTakenError,
    NotInLobbyError,
    SeatClosedError,
    UndeliverableError,
)
from .inbox import Gap
from .message import Kind, LobbyMessage, LobbyPart, parts_of
from .seat import Said, Seat

RAISES: Final = (
    NameTakenError,
    NotInLobbyError,
    UndeliverableError,
    SeatClosedError,
    LobbyClosedError,
    LobbyError,
)


class Seated(NamedTuple):
    """The record of an entering: which lobby, under what session, and after which number."""

    ident: str
    session: str
    since: int


class Posted(NamedTuple):
    """The record of a post: its number and handle, and why it came back, if it did."""

    number: int
    handle: str
    returned: str


class AttachedSeat(Protocol):
    """What a lobby gives to a body that runs: a seat that reads without forgetting, and waits for replies of old requests."""

    @property
    def lag(self) -> int:
        """See `Seat.lag`."""

    @property
    def cursor(self) -> int:
        """See `Seat.cursor`."""

    @property
    def ended(self) -> bool:
        """Whether it can do nothing more."""

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

    async def answer(self, request: LobbyMessage) -> LobbyMessage:
        """Wait for the reply to a request that was made before, perhaps by an earlier process."""

    def forget(self, handle: str, *, had: int | None = None) -> None:
        """Nobody is going to wait for the reply to this request (again): others than the one it has are messages like any."""

    def late(self, reply: LobbyMessage) -> None:
        """A reply that nobody waits for any more is to be read."""

    async def head_or_gap(self) -> LobbyMessage | Gap:
        """The next message, or what is missing before it."""

    def take(self, message: LobbyMessage) -> None:
        """See `Seat.take`."""

    async def subscribe(self, topic: str) -> None:
        """See `Seat.subscribe`."""

    async def unsubscribe(self, topic: str) -> None:
        """See `Seat.unsubscribe`."""

    async def leave(self) -> None:
        """See `Seat.leave`."""


SomeSeat = TypeVar("SomeSeat", bound=AttachedSeat)


class AttachingLobby(Protocol[SomeSeat]):
    """What a recorded seat needs of its lobby, wherever that is."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def ident(self) -> str:
        """Names it for ever, restarts over the same log included; known once a seat was taken."""

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
    ) -> SomeSeat:
        """A seat for this session, new or coming back; see `Lobby.attach`."""

    def detach(self, seat: SomeSeat) -> None:
        """The member is away, and still in."""


class RecordedSeat(Seat, Generic[SomeSeat]):
    """What ``lobby.enter(name, ctx)`` gives. See `Seat`.

    A node that waits here is at work: it is not suspended meanwhile. Give it a timeout where nobody may come.
    """

    def __init__(
        self,
        lobby: AttachingLobby[SomeSeat],
        name: str,
        ctx: Context,
        *,
        observer: bool = False,
        notices: bool = False,
    ) -> None:
        self._lobby = lobby
        self._name = name
        self.context = ctx
        self._observer = observer
        self._notices = notices
        # As recorded; set by `enter`.
        self._seated = Seated("", "", 0)
        self._cursor = 0
        # Handles of requests that are over, answered or not; the lobby's seat reads it, too.
        self._settled: set[str] = set()
        # Numbers of replies that the body has, in turn or not: they move no cursor.
        self._had: set[int] = set()
        # Replies that came, by the handles of their requests, until it is recorded that they came in time.
        self._came: dict[str, LobbyMessage] = {}
        # What the body got from its records while the seat was being taken: requests that are over, the last message.
        self._over: list[tuple[str, int | None]] = []
        self._last: LobbyMessage | None = None
        # The lobby's seat, once something is not recorded.
        self._raw: SomeSeat | None = None
        # Held while it is taken: branches of the body may want it at once.
        self._taking = asyncio.Lock()
        # Whether the member left on purpose.
        self.left = False

    @classmethod
    async def enter(
        cls, lobby: AttachingLobby[SomeSeat], name: str, ctx: Context, *, observer: bool, notices: bool
    ) -> RecordedSeat[SomeSeat]:
        """Enter, as a recorded effect."""
        seat = cls(lobby, name, ctx, observer=observer, notices=notices)
        about = (lobby.name, name, observer, notices)
        seat._seated = await ctx.step(
            f"enter {lobby.name}", seat._enter, *about, returns=Seated, raises=RAISES
        )
        seat._cursor = seat._seated.since
        return seat

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
        return self._cursor

    @property
    def lag(self) -> int:
        """See `Seat.lag`. It is not recorded, and 0 while the body goes through its records: let nothing depend on it."""
        return 0 if self._raw is None else self._raw.lag

    # ------------------------------------------------------------------ as the body asks for it

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
        """See `Seat.say`; the handle is the effect's key."""
        if handle is not None:
            raise LobbyError("inside of a node a message's handle is the key of its effect: drop handle=")
        self._check()
        about = (self._name, parts, to, topic, reply_to, kind)
        posted: Posted = await self.context.step(
            f"say in {self.lobby}", self._say, *about, returns=Posted, raises=RAISES
        )
        return LobbyMessage(
            posted.number, posted.handle, self._name, parts, to, topic, reply_to, kind, posted.returned
        )

    async def request(
        self,
        to: str | None,
        *said: Said,
        timeout: float | None = None,  # noqa: ASYNC109  # a recorded timer
    ) -> LobbyMessage:
        """See `Seat.request`. The timeout is a recorded timer, and goes on through restarts."""
        made = await self.say(parts_of(said), to=to, kind="request")
        if made.returned:
            raise UndeliverableError(made.returned)
        answered = self.context.step(
            f"reply in {self.lobby}", self._answer, made, returns=LobbyMessage, raises=RAISES
        )
        reply = None
        try:
            reply = await self._within(answered, timeout)
        finally:
            self._settle(made.handle, None if reply is None else reply.number)
        if reply is None:
            whom = "anybody" if to is None else repr(to)
            raise LobbyTimeoutError(f"no reply from {whom} within {timeout} s")
        return reply

    def _settle(self, handle: str, had: int | None) -> None:
        """A request is over. What came for it, other than the reply that the body has, is a message like any."""
        self._settled.add(handle)
        came = self._came.pop(handle, None)
        if had is not None:
            self._had.add(had)
        if self._raw is None:
            self._over.append((handle, had))
            return
        self._raw.forget(handle, had=had)
        if came is not None and had is None:
            self._raw.late(came)

    async def receive(
        self,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # a recorded timer
    ) -> LobbyMessage:
        """See `Seat.receive`. The timeout is a recorded timer, and goes on through restarts."""
        message = await self._within(self.head(), timeout)
        if message is None:
            raise LobbyTimeoutError(f"nothing came to {self._name!r} within {timeout} s")
        self.take(message)
        return message

    async def head(self) -> LobbyMessage:
        """See `Seat.head`."""
        self._check()
        found: LobbyMessage | Gap = await self.context.step(
            f"hear in {self.lobby}",
            self._hear,
            self._name,
            self._cursor,
            returns=LobbyMessage | Gap,
            raises=RAISES,
        )
        if isinstance(found, Gap):
            self._cursor = found.upto
            raise LaggedError(str(found))
        return found

    def take(self, message: LobbyMessage) -> None:
        """See `Seat.take`."""
        if _may_be_late(message):
            self._had.add(message.number)
        else:
            self._cursor = max(self._cursor, message.number)
            self._last = message
        if self._raw is not None:
            self._raw.take(message)

    async def subscribe(self, topic: str) -> None:
        """See `Seat.subscribe`."""
        await self._change("subscribe", topic)

    async def unsubscribe(self, topic: str) -> None:
        """See `Seat.unsubscribe`."""
        await self._change("unsubscribe", topic)

    async def leave(self) -> None:
        """See `Seat.leave`."""
        self._check()
        await self.context.step(
            f"leave {self.lobby}", self._leave, self._name, returns=type(None), raises=RAISES
        )
        self.left = True
        self._raw = None

    def detach(self) -> None:
        """The body is over, for now."""
        raw, self._raw = self._raw, None
        if raw is not None:
            self._lobby.detach(raw)

    # ------------------------------------------------------------------ as the lobby is asked, once

    async def _enter(self, _lobby: str, name: str, observer: bool, notices: bool, key: EffectKey) -> Seated:
        self._raw = await self._lobby.attach(
            name, session=str(key), observer=observer, notices=notices, settled=self._settled
        )
        return Seated(self._lobby.ident, str(key), self._raw.cursor)

    async def _say(
        self,
        _name: str,
        parts: tuple[LobbyPart, ...],
        to: str | None,
        topic: str | None,
        reply_to: str | None,
        kind: Kind,
        key: EffectKey,
    ) -> Posted:
        raw = await self._live()
        made = await raw.say(parts, to=to, topic=topic, reply_to=reply_to, kind=kind, handle=str(key))
        if made.number <= self._seated.since:
            raise LobbyError(
                f"{self._name!r} said this in the lobby {self.lobby!r} before it entered: another run had this run's id; "
                "give this one another run_id"
            )
        return Posted(made.number, made.handle, made.returned)

    async def _answer(self, made: LobbyMessage) -> LobbyMessage:
        reply = self._came[made.handle] = await (await self._live()).answer(made)
        return reply

    async def _hear(self, _name: str, _cursor: int) -> LobbyMessage | Gap:
        raw = await self._live()
        while True:
            found = await raw.head_or_gap()
            number = found.upto if isinstance(found, Gap) else found.number
            passed = number <= self._cursor and not _may_be_late(found)
            if not passed and number not in self._had:
                return found
            if isinstance(found, LobbyMessage):
                raw.take(
                    found
                )  # the body had it: the seat was taken again while it still went through its records

    async def _leave(self, _name: str) -> None:
        with suppress(NotInLobbyError):  # it had left when its process died
            await (await self._live()).leave()

    async def _change(self, what: Literal["subscribe", "unsubscribe"], topic: str) -> None:
        self._check()

        async def change(_name: str, _topic: str) -> None:
            await getattr(await self._live(), what)(topic)

        await self.context.step(
            f"{what} in {self.lobby}", change, self._name, topic, returns=type(None), raises=RAISES
        )

    async def _live(self) -> SomeSeat:
        """The lobby's seat; taken again, if the records of an earlier process or attempt ended here."""
        async with self._taking:
            if self._raw is None:
                self._raw = await self._back()
            return self._raw

    async def _back(self) -> SomeSeat:
        seated = self._seated
        self._had = {number for number in self._had if number > self._cursor}
        self._over.clear()
        self._last = None
        raw = await self._lobby.attach(
            self._name,
            session=seated.session,
            observer=self._observer,
            notices=self._notices,
            after=self._cursor,
            settled=self._settled,
            had=self._had,
        )
        if self._lobby.ident != seated.ident:
            await raw.leave()
            raise LobbyError(
                f"{self._name!r} was in another lobby {self.lobby!r} before: that one's log did not outlive its "
                "process (give it log=SqliteLog(...)), or this run is handed another one"
            )
        self._catch_up(raw)
        return raw

    def _catch_up(self, raw: SomeSeat) -> None:
        """Tell a seat what the body got from its records while it was being taken."""
        for handle, had in self._over:
            raw.forget(handle, had=had)
        if self._last is not None:
            raw.take(self._last)

    async def _within(
        self, work: Coroutine[Any, Any, LobbyMessage], seconds: float | None
    ) -> LobbyMessage | None:
        if seconds is None:
            return await work
        which, found = await self.context.first(work, self.context.sleep(seconds))
        return found if which == 0 else None

    def _check(self) -> None:
        if self.left:
            raise SeatClosedError(f"{self._name!r} left the lobby {self.lobby!r}")


def _may_be_late(found: LobbyMessage | Gap) -> bool:
    """Whether it may come after what has greater numbers: as a reply that was waited for, until nobody did."""
    return isinstance(found, LobbyMessage) and (found.kind == "reply" or bool(found.returned))
