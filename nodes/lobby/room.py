"""Who is in a lobby and who hears what: the pure part, without asyncio, clocks or chance.

A `Room` decides and records. Everything that happens gets the next number of one order, so there is one answer to what
came first. The records of who came and went are enough to make the room again (`restore`) and to tell later who heard a
message (`hears`), which is how somebody who comes back gets what they missed, and nothing else.

* Nobody hears themselves. An observer hears and cannot speak.
* What is said to one member reaches that member alone, what is said under a topic its subscribers, all else everybody.
* What is said to somebody who is not there comes back: the same message, with `returned` saying why.
* What is illegal raises, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, NamedTuple, TypeAlias

from pydantic import ConfigDict

from .errors import LobbyError, NameTakenError, NotInLobbyError
from .message import Kind, LobbyMessage, LobbyPart, made

Change: TypeAlias = Literal["entered", "left", "subscribed", "unsubscribed"]


@dataclass(frozen=True, slots=True)
class Presence:
    """Somebody entered or left, or took or gave up a topic.

    Attributes:
        number: Its place in the lobby's order.
        name: Who.
        change: What they did.
        topic: Which topic, for the changes of topics.
        observer: Entered to hear only.
        notices: Entered to hear of others' coming and going, too.
        session: Entered for this session: who names it may come back as this member.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    number: int
    name: str
    change: Change
    topic: str | None = None
    observer: bool = False
    notices: bool = False
    session: str = ""


Record: TypeAlias = LobbyMessage | Presence
"""What a lobby's log holds."""


class Delivery(NamedTuple):
    """Something that happened: what is to be recorded, and who hears what.

    Attributes:
        record: For the log; None for what came back to its sender at once.
        message: What is heard.
        audience: By whom, in order of entering.
    """

    record: Record | None
    message: LobbyMessage
    audience: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a room.

    Attributes:
        name: What they are called.
        since: The number of their entering; they hear what comes after it.
        session: Who names it may come back as this member.
        observer: Hears, and cannot speak.
        notices: Hears of others' coming and going.
        topics: For each topic, from which number to which they were subscribed; None as the end of one that lasts.
    """

    name: str
    since: int
    session: str
    observer: bool = False
    notices: bool = False
    topics: dict[str, tuple[tuple[int, int | None], ...]] = field(default_factory=dict)

    def subscribed(self, topic: str) -> bool:
        """Whether they are subscribed now."""
        spans = self.topics.get(topic, ())
        return bool(spans) and spans[-1][1] is None

    def subscribed_at(self, topic: str, number: int) -> bool:
        """Whether they were subscribed when something got this number."""
        return any(
            begin < number and (end is None or number < end) for begin, end in self.topics.get(topic, ())
        )


class Room:
    """The state of a lobby.

    Args:
        ident: Names the lobby for ever; handles begin with it.

    Example:
        >>> room = Room("hall")
        >>> for name in ("ann", "bob", "cy"):
        ...     _ = room.enter(name, session=name)
        >>> room.say("ann", (Text(text="hello"),)).audience
        ('bob', 'cy')
        >>> room.say("ann", (Text(text="hello"),), to="dan").message.returned
        "'dan' is not in the lobby"
    """

    def __init__(self, ident: str) -> None:
        self.ident = ident
        # The last number that was given.
        self.number = 0
        # Who is in, in order of entering.
        self.members: dict[str, Member] = {}
        # Topic to its subscribers, in order of subscribing; just those that have any.
        self._subscribers: dict[str, dict[str, None]] = {}
        # Those who hear notices; all of them are members.
        self._noticing: dict[str, None] = {}

    @classmethod
    def restore(cls, ident: str, presences: Iterable[Presence], number: int) -> Room:
        """The room as it was after these records, in their order; `number` is the last that was given."""
        room = cls(ident)
        for presence in presences:
            room._apply(presence)
        room.number = max(room.number, number)
        return room

    # ------------------------------------------------------------------ coming and going

    def enter(
        self, name: str, *, session: str, observer: bool = False, notices: bool = False
    ) -> Delivery | None:
        """Somebody enters, or comes back: None if this session is in already.

        Raises:
            NameTakenError: Another session has the name.
            LobbyError: The name is empty, or they come back as something else.
        """
        if not isinstance(name, str) or not name.strip():
            raise LobbyError(f"a member's name is some text, not {name!r}")
        known = self.members.get(name)
        if known is None:
            entered = Presence(
                self.number + 1, name, "entered", observer=observer, notices=notices, session=session
            )
            return self._presence(entered)
        if known.session != session:
            raise NameTakenError(
                f"{name!r} is in the lobby already: choose another name, name their session to come back, or remove() "
                "them if they are gone"
            )
        if (known.observer, known.notices) != (observer, notices):
            raise LobbyError(f"{name!r} comes back with other options: leave first, then enter anew")
        return None

    def leave(self, name: str) -> Delivery:
        """Somebody leaves.

        Raises:
            NotInLobbyError: They are not in.
        """
        self._member(name)
        return self._presence(Presence(self.number + 1, name, "left"))

    def bounce(self, message: LobbyMessage) -> Delivery:
        """What was for one member alone comes back to whoever sent it: that member left without reading it."""
        self.number += 1
        back = replace(
            message,
            number=self.number,
            handle=f"{message.handle}:returned",
            reply_to=message.handle,
            returned=f"{message.to!r} left without reading it",
        )
        return Delivery(back, back, (back.sender,) if back.sender in self.members else ())

    def subscribe(self, name: str, topic: str) -> Delivery | None:
        """Somebody takes up a topic; None if they have it.

        Raises:
            NotInLobbyError: They are not in.
            LobbyError: The topic is empty.
        """
        _check_topic(topic)
        if self._member(name).subscribed(topic):
            return None
        return self._presence(Presence(self.number + 1, name, "subscribed", topic))

    def unsubscribe(self, name: str, topic: str) -> Delivery | None:
        """Somebody gives up a topic; None if they do not have it. What was said before stays theirs to read.

        Raises:
            NotInLobbyError: They are not in.
        """
        if not self._member(name).subscribed(topic):
            return None
        return self._presence(Presence(self.number + 1, name, "unsubscribed", topic))

    # ------------------------------------------------------------------ speaking

    def say(
        self,
        sender: str,
        parts: tuple[LobbyPart, ...],
        *,
        to: str | None = None,
        topic: str | None = None,
        reply_to: str | None = None,
        kind: Kind = "message",
        handle: str | None = None,
    ) -> Delivery:
        """Somebody says something: to one, to the subscribers of a topic, or to all.

        Args:
            sender: Who speaks.
            parts: What is said.
            to: To whom alone.
            topic: Under which topic.
            reply_to: The handle of what it answers.
            kind: What it is: ``message``, ``request`` or ``reply``.
            handle: Its handle, for those who may send it again; by default a new one.

        Raises:
            NotInLobbyError: The sender is not in.
            LobbyError: An observer speaks, somebody speaks to themselves, or to one and under a topic at once.
        """
        member = self.members.get(sender) or self._member(sender)
        if member.observer:
            raise LobbyError(
                f"{sender!r} is an observer, who hears and does not speak: enter as a member to post"
            )
        if topic is not None:
            _check_topic(topic)
            if to is not None:
                raise LobbyError("a message goes to one or under a topic: give to= or topic=, not both")
        elif to == sender:
            raise LobbyError(f"{sender!r} speaks to themselves, and nobody hears themselves")
        audience = self.audience(sender, to, topic)
        number = self.number = self.number + 1
        gone = to is not None and not audience
        why = f"{to!r} is not in the lobby" if gone else ""
        message = made(
            number, handle or f"{self.ident}-{number}", sender, parts, to, topic, reply_to, kind, why
        )
        return Delivery(None if gone else message, message, audience)

    def audience(self, sender: str, to: str | None = None, topic: str | None = None) -> tuple[str, ...]:
        """Who would hear what this member says now; nobody if the one it is for is not there."""
        if to is not None:
            return (to,) if to in self.members else ()
        heard = self.members if topic is None else self._subscribers.get(topic, {})
        return tuple(name for name in heard if name != sender)

    def hears(self, name: str, record: Record) -> bool:
        """Whether a member heard what was recorded, or is to hear it on coming back.

        Raises:
            NotInLobbyError: They are not in.
        """
        member = self._member(name)
        if record.number <= member.since:
            return False
        if isinstance(record, Presence):
            return member.notices and record.name != name and record.change in ("entered", "left")
        if record.returned:
            return record.sender == name
        if record.to is not None:
            return record.to == name
        if record.sender == name:
            return False
        return record.topic is None or member.subscribed_at(record.topic, record.number)

    # ------------------------------------------------------------------ inside

    def _member(self, name: str) -> Member:
        member = self.members.get(name)
        if member is None:
            raise NotInLobbyError(f"{name!r} is not in the lobby: enter it first")
        return member

    def _presence(self, presence: Presence) -> Delivery:
        self._apply(presence)
        audience: tuple[str, ...] = ()
        if presence.change in ("entered", "left"):
            audience = tuple(name for name in self._noticing if name != presence.name)
        return Delivery(presence, notice(self.ident, presence), audience)

    def _apply(self, presence: Presence) -> None:
        name, topic = presence.name, presence.topic
        if presence.change == "entered":
            self.members[name] = Member(
                name, presence.number, presence.session, presence.observer, presence.notices
            )
            if presence.notices:
                self._noticing[name] = None
        elif presence.change == "left":
            member = self.members.pop(name)
            self._noticing.pop(name, None)
            for taken in member.topics:
                self._unlist(name, taken)
        elif topic is not None:
            member = self.members[name]
            spans = member.topics.get(topic, ())
            if presence.change == "subscribed":
                member.topics[topic] = (*spans, (presence.number, None))
                self._subscribers.setdefault(topic, {})[name] = None
            else:
                member.topics[topic] = (*spans[:-1], (spans[-1][0], presence.number))
                self._unlist(name, topic)
        self.number = presence.number

    def _unlist(self, name: str, topic: str) -> None:
        subscribers = self._subscribers.get(topic, {})
        subscribers.pop(name, None)
        if not subscribers:
            self._subscribers.pop(topic, None)

    def validate(self) -> None:
        """Check that everything here fits together. For tests."""
        taken: dict[str, set[str]] = {}
        for name, member in self.members.items():
            assert name == member.name, "members are kept under their names"
            assert 0 < member.since <= self.number, "who is in entered with a number that was given"
            for topic, spans in member.topics.items():
                ends = [end for span in spans for end in span]
                assert all(end is not None for end in ends[:-1]), "only the last subscription lasts"
                numbers = [end for end in ends if end is not None]
                assert numbers == sorted(set(numbers)), "subscriptions follow each other"
                if member.subscribed(topic):
                    taken.setdefault(topic, set()).add(name)
        listed = {topic: set(names) for topic, names in self._subscribers.items()}
        assert taken == listed, "subscribers are listed under their topics, and nobody else"
        assert set(self._noticing) == {each.name for each in self.members.values() if each.notices}


def _check_topic(topic: str) -> None:
    if not isinstance(topic, str) or not topic:
        raise LobbyError(f"a topic is some text, not {topic!r}")


def notice(ident: str, presence: Presence) -> LobbyMessage:
    """What those who hear notices hear of somebody's coming or going."""
    kind: Kind = "left" if presence.change == "left" else "entered"
    return LobbyMessage(presence.number, f"{ident}-{presence.number}", presence.name, kind=kind)
