"""Which recorded effect answers a request: what makes a body that runs again find everything it had done before.

Within one attempt a request stands for the record at its place, and must be the same request: other code asking for
something else there is an error that names both, never a wrong answer to the wrong question.

A next attempt begins with nothing of its own, since what failed would fail again. Completed effects of earlier attempts are
reused where name and arguments are the same, in order. A model's answers are not: they may be what failed. Nor are errors
nor choices, which depend on what happened to come first. Who reuses a record copies it into its own attempt, so that which
one it was does not depend on who asks first the next time.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Final, TypeAlias

from ..errors import ReplayMismatchError
from ..records import EffectKind, EffectOpened, EffectRecorded
from .places import Place, around, place_of

Known: TypeAlias = EffectOpened | EffectRecorded
_Request: TypeAlias = tuple[str, str]  # name and digest

DEEDS: Final = frozenset({EffectKind.STEP, EffectKind.MODEL, EffectKind.TOOL})
"""What is done rather than waited for: opened and without an end it is in doubt."""


class Recall:
    """The recorded effects of one activation, as its `attempt` may use them.

    Example: ``known = recall.find(place, "charge", digest)``
    """

    __slots__ = (
        "_activation",
        "_attempt",
        "_doubtful",
        "_ends",
        "_inside",
        "_least",
        "_own",
        "_pool",
        "_taken",
        "_used",
    )

    def __init__(
        self, activation: object, attempt: int, records: Iterable[Known] = (), *, reuse_all: bool = False
    ) -> None:
        """Sort the records.

        Args:
            activation: Its id, for messages.
            attempt: The attempt that asks.
            records: Everything recorded of the activation's effects, in order.
            reuse_all: Whether what models said in earlier attempts is used again too.
        """
        self._activation = activation
        self._attempt = attempt
        # What this attempt has recorded, by path. A completion replaces what was opened.
        self._own: dict[str, Known] = {}
        # For the place of a `gather` or a `first` the first effect that was recorded in a part of it.
        self._inside: dict[str, Known] = {}
        # For each branch what is recorded last in its line, and its number.
        self._ends: dict[str, tuple[int, Known]] = {}
        # What earlier attempts have completed and nobody has reused.
        self._pool: defaultdict[_Request, deque[EffectRecorded]] = defaultdict(deque)
        # Steps that were begun without an end.
        self._doubtful: dict[_Request, list[EffectOpened]] = {}
        # Which of several equal requests were completed, which of them are completed or under way, and a number below
        # which all are: so that to number one more takes no time, however many there were.
        self._used: defaultdict[_Request, set[int]] = defaultdict(set)
        self._taken: defaultdict[_Request, set[int]] = defaultdict(set)
        self._least: defaultdict[_Request, int] = defaultdict(int)
        for record in records:
            self._doubt(record)
            if isinstance(record, EffectRecorded):
                self._complete(record, reuse_all=reuse_all)
            if record.attempt == attempt:
                self._learn(record)

    def find(self, place: Place, name: str, digest: str, *, parted: bool = False) -> Known | None:
        """What is recorded for the request at this place; None when it is new.

        Args:
            place: Where it is asked for.
            name: What.
            digest: Of its arguments.
            parted: Whether it is a `gather` or a `first`, in whose parts effects stand.

        Raises:
            ReplayMismatchError: The record holds another request there. Nothing was done.
        """
        path = place.path
        known = self._own.get(path)
        if known is not None and (known.name, known.digest) != (name, digest):
            raise self._mismatch(place, name, known)
        if not parted and path in self._inside:
            raise self._mismatch(place, name, self._inside[path])
        if known is not None or path in self._inside:
            return known
        if waiting := self._pool.get((name, digest)):
            return waiting.popleft()
        doubtful = self._doubtful.get((name, digest))
        if doubtful and doubtful[0].attempt < self._attempt:
            return doubtful.pop(0)
        number, last = self._ends.get(place.branch, (-1, None))
        # A `gather` or `first` whose parts asked for nothing left nothing in the record.
        if not parted and not place.kind and place.number < number and last is not None:
            raise self._mismatch(place, name, last)
        return None

    def take(self, name: str, digest: str, number: int | None = None) -> int:
        """Which of several equal requests one is that is now under way.

        `number` where that is known; else the first that was not completed, and is not under way.
        """
        taken = self._taken[name, digest]
        if number is None:
            number = self._least[name, digest]
            while number in taken:
                number += 1
            self._least[name, digest] = number
        taken.add(number)
        return number

    def give_back(self, name: str, digest: str, number: int) -> None:
        """This one is under way no more: if it was not completed its number is free again."""
        request = name, digest
        if number not in self._used[request]:
            self._taken[request].discard(number)
            self._least[request] = min(self._least[request], number)

    def used(self, name: str, digest: str, number: int) -> None:
        """This one of several equal requests is completed."""
        self._used[name, digest].add(number)
        self._taken[name, digest].add(number)

    def left(self, asked: int) -> Known | None:
        """A recorded effect of the body that was not asked for, now that it returned after asking so often."""
        number, last = self._ends.get("", (-1, None))
        return last if number >= asked else None

    def _complete(self, record: EffectRecorded, *, reuse_all: bool) -> None:
        """Note what can be reused; a copy takes the place of the one that it repeats."""
        request = record.name, record.digest
        if record.error is None:
            self.used(*request, record.occurrence)
        if record.error is not None or not _reusable(record.kind, reuse_all=reuse_all):
            return
        pool = self._pool[request]
        if (
            pool and pool[0].attempt < record.attempt
        ):  # they are in order, and what is reused is reused in order
            for earlier in pool:
                if earlier.attempt < record.attempt and _told(earlier) == _told(record):
                    pool.remove(earlier)
                    break
        if record.attempt != self._attempt:
            pool.append(record)

    def _doubt(self, record: Known) -> None:
        """Note what was begun and not ended. Begun again, in a next attempt, it is one thing still."""
        if record.kind not in DEEDS:
            return
        begun = self._doubtful.setdefault((record.name, record.digest), [])
        same = [it for it in begun if (it.attempt, it.path) == (record.attempt, record.path)]
        older = [it for it in begun if it.attempt < record.attempt]
        for it in same or (older[:1] if isinstance(record, EffectOpened) else []):
            begun.remove(it)
        if isinstance(record, EffectOpened):
            begun.append(record)

    def _learn(self, record: Known) -> None:
        self._own[record.path] = record
        self._end(record.path, record)
        if "." in record.path:
            for path in around(record.path):
                self._inside.setdefault(path, record)
                self._end(path, record)

    def _end(self, path: str, record: Known) -> None:
        place = place_of(path)
        if not place.kind and place.number > self._ends.get(place.branch, (-1,))[0]:
            self._ends[place.branch] = place.number, record

    def _mismatch(self, place: Place, name: str, known: Known) -> ReplayMismatchError:
        what = f"{name!r}" if name != known.name else f"{name!r} with other arguments"
        return ReplayMismatchError(
            str(self._activation),
            f"asks for {what} at {place.path}, where {known.name!r} is recorded (at {known.path})",
        )


def occurrence_of(opened: EffectOpened) -> int:
    """Which of several equal ones a step is that was begun."""
    return int(json.loads(opened.detail).get("occurrence", 0))


def _reusable(kind: EffectKind, *, reuse_all: bool) -> bool:
    return kind is not EffectKind.CHOICE and (reuse_all or kind is not EffectKind.MODEL)


def _told(record: EffectRecorded) -> tuple[object, ...]:
    return record.at, record.seconds, record.result
