"""Which recorded effect answers a request: what makes a body that runs again find everything it had done before.

Within one attempt a request stands for the record at its place, and must be the same request: other code asking for
something else there is an error that names both, never a wrong answer to the wrong question.

A next attempt begins with nothing of its own, since what failed would fail again. Completed effects of earlier attempts are
reused where name and arguments are the same, in order. A model's answers are not: they may be what failed. Nor are errors
nor choices, which depend on what happened to come first.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import TypeAlias

from ..errors import ReplayMismatchError
from ..records import EffectKind, EffectOpened, EffectRecorded
from .places import Place, place_of

Known: TypeAlias = EffectOpened | EffectRecorded

_ANEW = (EffectKind.MODEL, EffectKind.CHOICE)


class Recall:
    """The recorded effects of one activation, as its `attempt` may use them.

    Example: ``known = recall.find(place, "charge", digest)``
    """

    __slots__ = ("_activation", "_attempt", "_beside", "_doubtful", "_ends", "_own", "_pool")

    def __init__(
        self, activation: str, attempt: int, records: Iterable[Known] = (), *, reuse_all: bool = False
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
        # What this attempt has recorded: in order by place, and beside a branch by kind. A completion replaces what
        # was opened. For each branch the number of the last effect in order.
        self._own: dict[tuple[str, int], Known] = {}
        self._beside: dict[tuple[str, int, str, str], Known] = {}
        self._ends: dict[str, int] = {}
        # Steps that earlier attempts have begun without an end.
        self._doubtful: dict[tuple[str, str], list[EffectOpened]] = {}
        self._pool: defaultdict[tuple[str, str], deque[EffectRecorded]] = defaultdict(deque)
        for record in records:
            self._doubt(record)
            if record.attempt == attempt:
                self._learn(record)
            elif isinstance(record, EffectRecorded) and _reusable(record, reuse_all=reuse_all):
                self._pool[record.name, record.digest].append(record)

    def find(self, place: Place, name: str, digest: str) -> Known | None:
        """What is recorded for the request at this place; None when it is new.

        Raises:
            ReplayMismatchError: The record holds another request there. Nothing was done.
        """
        if place.beside:
            known = self._beside.get((place.branch, place.number, name, digest))
        else:
            known = self._own.get((place.branch, place.number))
            if known is not None and (known.name, known.digest) != (name, digest):
                raise self._mismatch(place, name, known)
        if known is not None:
            return known
        waiting = self._pool.get((name, digest))
        if waiting:
            return waiting.popleft()
        doubtful = self._doubtful.get((name, digest))
        if doubtful and doubtful[0].attempt < self._attempt:
            return doubtful.pop(0)
        if not place.beside and place.number < self._ends.get(place.branch, -1):
            later = next(
                known
                for (branch, number), known in sorted(self._own.items(), key=lambda item: item[0][1])
                if branch == place.branch and number > place.number
            )
            raise self._mismatch(place, name, later)
        return None

    def left(self, asked: int) -> Known | None:
        """A recorded effect of the body that was not asked for, now that it returned after asking so often."""
        return next((known for (branch, n), known in self._own.items() if branch == "" and n >= asked), None)

    def _doubt(self, record: Known) -> None:
        """Note what was begun and not ended. Begun again, in a next attempt, it is one thing still."""
        begun = self._doubtful.setdefault((record.name, record.digest), [])
        same = [it for it in begun if (it.attempt, it.path) == (record.attempt, record.path)]
        older = [it for it in begun if it.attempt < record.attempt]
        for it in same or (older[:1] if isinstance(record, EffectOpened) else []):
            begun.remove(it)
        if isinstance(record, EffectOpened) and record.kind is EffectKind.STEP:
            begun.append(record)

    def _learn(self, record: Known) -> None:
        place = place_of(record.path)
        if place.beside:
            self._beside[place.branch, place.number, record.name, record.digest] = record
        else:
            self._own[place.branch, place.number] = record
            self._ends[place.branch] = max(place.number, self._ends.get(place.branch, -1))

    def _mismatch(self, place: Place, name: str, known: Known) -> ReplayMismatchError:
        what = f"{name!r}" if name != known.name else f"{name!r} with other arguments"
        return ReplayMismatchError(
            self._activation,
            f"asks for {what} at {place.path}, where {known.name!r} is recorded (at {known.path})",
        )


def _reusable(record: EffectRecorded, *, reuse_all: bool) -> bool:
    return record.error is None and (reuse_all or record.kind not in _ANEW)
