"""What waits to be read by one member: a bounded buffer over the lobby's log. Pure: it waits for nothing itself.

What is heard goes into the buffer as long as there is room. A reader who is too slow *falls behind*: what comes then is
only counted, and read from the log once the buffer is empty. So a slow reader costs bounded memory, and loses nothing that
the log still holds; what it no longer holds is a `Gap`, which is told.
"""

from __future__ import annotations

from bisect import bisect
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from .message import LobbyMessage


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages that are gone unread.

    Attributes:
        upto: The number of the last that may be among them.
        missed: How many they are; None where nobody counted.
        why: Why, if it is not that the reader was too slow for the log.
    """

    upto: int
    missed: int | None
    why: str = ""

    def __str__(self) -> str:
        if self.why:
            return self.why
        many = "messages up to" if self.missed is None else f"{self.missed} messages up to"
        return f"{many} number {self.upto} are gone unread: read faster, or let the lobby's log keep more"


class Inbox:
    """A member's unread messages.

    Args:
        capacity: How many are held at most.
        after: The number after which this member reads.
        behind: Whether the log has something after that.
    """

    __slots__ = ("_lag", "behind", "buffer", "capacity", "cursor", "scanned")

    def __init__(self, capacity: int, *, after: int, behind: bool = False) -> None:
        self.capacity = capacity
        # Numbers ascending, none above `scanned`; all of them above the cursor, and at most so many as the capacity, but for
        # what came late.
        self.buffer: deque[LobbyMessage] = deque()
        # The number of what was taken last.
        self.cursor = after
        # Up to which number all that is to be read was put into the buffer.
        self.scanned = after
        # Whether the log holds what came after that; then nothing new goes into the buffer.
        self.behind = behind
        # How many were heard and not taken. One that is read from the log before it is heard counts when it is heard.
        self._lag = 0

    @property
    def lag(self) -> int:
        """How many wait."""
        return max(self._lag, 0)

    @property
    def full(self) -> bool:
        """Whether as many wait as there is room for."""
        return self._lag >= self.capacity

    def put(self, message: LobbyMessage) -> None:
        """A message was heard."""
        self._lag += 1
        if message.number <= self.scanned:
            return  # it was read from the log already
        if self.behind or len(self.buffer) >= self.capacity:
            self.behind = True
            return
        self.buffer.append(message)
        self.scanned = message.number

    def skip(self, number: int) -> None:
        """What has this number is not for the buffer."""
        if not self.behind and number > self.scanned:
            self.scanned = number

    def late(self, message: LobbyMessage) -> None:
        """What went another way is to be read after all: in its place, or next if that was passed."""
        self._lag += 1
        if message.number <= self.scanned:  # what comes after that is read from the log
            place = bisect(self.buffer, message.number, key=lambda one: one.number)
            self.buffer.insert(place, message)

    def take(self, message: LobbyMessage) -> None:
        """A message was read."""
        if self.buffer and self.buffer[0].number == message.number:
            self.buffer.popleft()
            self._lag -= 1
        self.cursor = max(self.cursor, message.number)

    def counted(self, more: int) -> None:
        """So many were heard before this inbox was there."""
        self._lag += more

    def refill(self, messages: Sequence[LobbyMessage], upto: int, *, behind: bool) -> None:
        """What was read from the log: the messages to read up to a number, and whether there is more after it."""
        self.buffer.extend(messages)
        self.scanned = max(self.scanned, upto)
        self.behind = behind

    def lose(self, upto: int, left: int, *, counted: bool = True) -> Gap:
        """The log lost what came up to a number, and still has so many for this member; perhaps nobody counted before."""
        missed = max(self._lag - left, 0) if counted else None
        self._lag = left
        self.scanned = self.cursor = upto
        return Gap(upto, missed)

    def validate(self) -> None:
        """Check that everything here fits together. For tests."""
        numbers = [message.number for message in self.buffer]
        assert numbers == sorted(set(numbers)), "in order, and nothing twice"
        in_turn = [message.number for message in self.buffer if message.reply_to is None]
        assert len(in_turn) <= self.capacity, "bounded"
        assert all(number <= self.scanned for number in numbers)
        assert all(self.cursor < number for number in in_turn)
        assert self.behind or self._lag == len(numbers), "without the log, what waits is in the buffer"
