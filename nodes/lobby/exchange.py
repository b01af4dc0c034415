"""What a member in another process owes and is owed, whatever connection it has: the pure part of a remote seat.

It decides what is sent when a connection is there (again), drops what comes twice, and opens the server's window as the
reader takes messages. Connections, futures and waiting are `RemoteSeat`'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from collections.abc import Set as AbstractSet

from .message import LobbyMessage
from .wire import VERSION, Await, Deliver, Forget, FromClient, Heard, Hello, Missed, Post, Topic, Welcome


class Exchange:
    """A member's side of the talk with a server.

    Args:
        name: What the member is called.
        session: Its secret.
        observer: It hears only.
        notices: It hears of others' coming and going.
        after: The number after which it reads; None if it has no memory of any.
        settled: The handles of its requests that are over; None outside of nodes.
        had: The numbers of replies after that which it had out of turn.
        window: How many unread messages it holds.
    """

    def __init__(
        self,
        name: str,
        session: str,
        *,
        observer: bool,
        notices: bool,
        after: int | None,
        settled: AbstractSet[str] | None,
        had: Collection[int],
        window: int,
    ) -> None:
        self.name = name
        self._session = session
        self._observer = observer
        self._notices = notices
        self._settled = settled
        self._window = window
        # The lobby that it is in; empty until a server said so.
        self.ident = ""
        # The number of what the reader took last; None until it is known.
        self.heard = after
        # The number of what came last; nothing that comes later has a smaller one.
        self._received = -1
        # What came and the reader has not taken, at most as many as the window, and late replies.
        self.inbox: deque[Deliver | Missed] = deque()
        # How many waited at the server when it last said so.
        self.behind = 0
        # What was asked for and is not answered, in order.
        self.owed: dict[str, Post | Topic] = {}
        # Numbers of replies that came out of turn, above `heard`.
        self._had = set(had)
        # Those in the inbox: nobody waits for them any more.
        self._late: set[int] = set()
        # What it is subscribed to, in order.
        self.topics: dict[str, None] = {}
        # Requests that somebody makes and waits for, by their handles.
        self.asking: set[str] = set()
        # Requests whose replies the server was asked for, with their numbers.
        self.awaited: dict[str, int] = {}
        # Whether something was taken of which the server does not know.
        self.untold = False

    @property
    def lag(self) -> int:
        """How many messages wait, here and at the server."""
        return len(self.inbox) + self.behind

    def hello(self, *, leaving: bool = False) -> Hello:
        """The first frame of a connection."""
        self.untold = False
        return Hello(
            VERSION,
            self.name,
            self._session,
            ident=self.ident,
            observer=self._observer,
            notices=self._notices,
            heard=self.heard,
            unread=tuple(one.number for one in self.inbox if one.number not in self._late),
            window=self._window,
            had=tuple(self._had),
            pending=tuple(self.asking),
            topics=tuple(self.topics),
            leaving=leaving,
            settled=None if self._settled is None else tuple(self._settled),
        )

    def welcomed(self, welcome: Welcome) -> list[FromClient]:
        """A connection is there: what is to be sent over it first."""
        self.ident = welcome.ident
        if self.heard is None:
            self.heard = welcome.heard
        self._received = max(self._received, self.heard)
        given_up = [
            Forget(one.handle)
            for one in self.owed.values()
            if isinstance(one, Post) and one.kind == "request" and one.handle not in self.asking
        ]
        awaiting = [Await(handle, number) for handle, number in self.awaited.items()]
        return [*self.owed.values(), *given_up, *awaiting]

    def arrived(self, frame: Deliver | Missed) -> bool:
        """Something came for the reader; False if it was there before."""
        if isinstance(frame, Deliver):
            self.behind = frame.waiting
        if frame.number <= self._received:
            return False
        self._received = frame.number
        self.inbox.append(frame)
        return True

    def answered(self, handle: str) -> Post | Topic | None:
        """Something that was owed is done; None if it was told of before, over the last connection."""
        frame = self.owed.pop(handle, None)
        if isinstance(frame, Topic) and frame.subscribe:
            self.topics[frame.topic] = None
        elif isinstance(frame, Topic):
            self.topics.pop(frame.topic, None)
        return frame

    def replied(self, number: int) -> None:
        """A reply came out of turn."""
        if self.heard is not None and number > self.heard:
            self._had.add(number)

    def late(self, reply: LobbyMessage) -> None:
        """A reply came that nobody waits for any more: it is a message like any, though not in its place."""
        self.replied(reply.number)
        self._late.add(reply.number)
        self.inbox.append(Deliver(reply, self.behind))

    def take(self, number: int) -> None:
        """The reader took the first message, or has taken one with this number before."""
        if self.inbox and self.inbox[0].number == number:
            self.inbox.popleft()
            if number in self._late:  # what came before it may still be at the server
                self._late.discard(number)
                return
            self.untold = True
        elif number in self._had:
            return
        self.heard = number if self.heard is None else max(self.heard, number)
        self._had = {one for one in self._had if one > self.heard} if self._had else self._had

    def tell(self) -> Heard:
        """What is to be said of all that was taken until now."""
        self.untold = False
        return Heard(self.heard or 0)

    def validate(self) -> None:
        """Check that everything here fits together. For tests."""
        numbers = [one.number for one in self.inbox if one.number not in self._late]
        assert len(numbers) <= self._window, "no more is held than the window allows"
        assert self._late <= {one.number for one in self.inbox}
        assert numbers == sorted(set(numbers)), "in order, and nothing twice"
        assert all((self.heard or 0) < number <= self._received for number in numbers), "unread, and received"
