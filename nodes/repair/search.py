"""The embedded coder: a search for the edit that makes all cases pass.

Edits come from pools, one for each starting program and tier. Pools are opened from cheap to rich: the original's
tiers first, then second edits on candidates that made some failing case pass. Among all open pools the most
promising edits go first: by how suspicious their line is, how likely their kind is, and what earlier rounds taught
about both. All of it is a pure function of specification, survey and memory; pools are kept only to save time.
"""

from __future__ import annotations

import heapq
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from .edits import TIERS, Edit, pool
from .localise import line_map, suspicion
from .memory import Base, Memory, Tally
from .models import Candidate, Replacement, Survey, replaced
from .spec import Specification

FIRST_BATCH, LEAST_BATCH, MOST_BATCH = 40, 40, 800
"""Candidates in a round."""

ROUND_SECONDS = 0.7
"""How long a round should take, once the pace is known."""

MOST_SLOW = 2
"""Candidates in a round that get another try with more time."""

BOREDOM = 1000
"""Candidates in vain after which a line counts for half."""

BEST_PRIOR = (1.0, 0.6, 0.5, 0.4)
"""For each tier what its best edits count for before anything is learned; decides when a tier is looked at."""


def batch_size(memory: Memory) -> int:
    """How many candidates the next round should have, from the pace of the last."""
    if memory.round <= 1:
        return FIRST_BATCH
    grown = FIRST_BATCH * 2 ** (memory.round - 1)
    return int(min(max(LEAST_BATCH, memory.rate * ROUND_SECONDS), MOST_BATCH, grown))


@dataclass(frozen=True, slots=True)
class Start:
    """A program that edits start from: its text, its suspicious lines, and where they are in the original."""

    text: str
    suspects: dict[int, float]
    lines: dict[int, int]
    replacements: tuple[Replacement, ...]
    gain: float
    size: float


@dataclass
class Search:
    """Proposes candidates.

    Attributes:
        spec: What is to be repaired.
        survey: How the original did.
    """

    spec: Specification
    survey: Survey
    _pools: dict[tuple[int, int], Pool] = field(default_factory=dict, repr=False)
    _starts: dict[int, Start] = field(default_factory=dict, repr=False)

    def propose(self, memory: Memory, size: int) -> list[Candidate]:
        """The next candidates, the most promising first; none when there is nothing left to try.

        Args:
            memory: What was learned so far.
            size: How many are wanted.
        """
        chosen = list(memory.slow[:MOST_SLOW])
        seen = {one.replacements for one in chosen}
        for base, tier, place in self._ranked(memory):
            if len(chosen) >= size:
                break
            candidate = self._candidate(memory, base, tier, place)
            if candidate is not None and candidate.replacements not in seen:
                seen.add(candidate.replacements)
                chosen.append(candidate)
        return chosen or list(memory.late[:MOST_SLOW])

    # ----------------------------------------------------------------------- ranking

    def _ranked(self, memory: Memory) -> Iterator[tuple[int, int, int]]:
        """All untried edits, best first: base, tier and place.

        Edits of one line and kind share what was learned and keep their order, so only the heads of these groups are
        compared. A pool is made only when its best edit could be the next.
        """
        factors = _Factors(memory)
        streams = self._streams(memory, factors)
        heads: list[tuple[float, int, int, int, int]] = []
        rows: list[tuple[list[tuple[float, int]], float]] = []
        following = next(streams, None)
        while heads or following:
            while following and (not heads or -heads[0][0] < following[0]):
                _, share, base, tier = following
                for left, factor in self._groups(memory, base, tier, share, factors):
                    heapq.heappush(heads, (-factor * left[0][0], base, tier, len(rows), 0))
                    rows.append((left, factor))
                following = next(streams, None)
            if heads:
                _, base, tier, row, position = heapq.heappop(heads)
                left, factor = rows[row]
                yield base, tier, left[position][1]
                if position + 1 < len(left):
                    heapq.heappush(heads, (-factor * left[position + 1][0], base, tier, row, position + 1))

    def _streams(self, memory: Memory, factors: _Factors) -> Iterator[tuple[float, float, int, int]]:
        """All pools in the order in which they are opened: what their best edit may be worth, share, base, tier.

        Base 0 is the original. A second edit counts for less than a first one, the more so the less its base gained.
        """
        order = sorted(range(len(memory.bases)), key=lambda number: (-memory.bases[number].gain, number))
        shares = {0: 1.0}
        for rank, number in enumerate(order):
            shares[number + 1] = (0.2 + 0.4 * memory.bases[number].gain) * 0.93**rank
        most = max(suspicion(self.survey).values(), default=0.0) * factors.most()
        found = [
            (share * most * BEST_PRIOR[tier], share, base, tier)
            for base, share in shares.items()
            for tier in range(len(TIERS))
        ]
        yield from sorted(found, key=lambda stream: (-stream[0], stream[2:]))

    def _groups(
        self, memory: Memory, base: int, tier: int, share: float, factors: _Factors
    ) -> Iterator[tuple[list[tuple[float, int]], float]]:
        """The untried edits of one pool by line and kind, best first, and the factor on their worth."""
        edits = self._pool(memory, base, tier)
        tried = int(memory.tried.get(f"{base}.{tier}", "0"), 16)
        bits = tried.to_bytes(len(edits.edits) // 8 + 1, "little")
        for (line, kind), group in edits.groups.items():
            left = [(value, place) for value, place in group if not bits[place >> 3] >> (place & 7) & 1]
            if left:
                yield left, share * factors.of(line, kind)

    def _start(self, memory: Memory, base: int) -> Start:
        if base not in self._starts:
            lines = suspicion(self.survey)
            if base == 0:
                own = {line: line for line in range(1, self.spec.source.count("\n") + 2)}
                self._starts[0] = Start(self.spec.source, lines, own, (), 0.0, 0.0)
            else:
                self._starts[base] = _start_from(self.spec.source, memory.bases[base - 1], lines)
        return self._starts[base]

    def _pool(self, memory: Memory, base: int, tier: int) -> Pool:
        if (base, tier) not in self._pools:
            start = self._start(memory, base)
            known = {
                edit.replacements for lower in range(tier) for edit in self._pool(memory, base, lower).edits
            }
            edits = pool(start.text, self.survey.types, start.suspects, tier)
            fresh = [edit for edit in edits if edit.replacements not in known]
            self._pools[base, tier] = Pool.of(fresh, start)
        return self._pools[base, tier]

    # ----------------------------------------------------------------------- candidates

    def _candidate(self, memory: Memory, base: int, tier: int, place: int) -> Candidate | None:
        """The candidate for an edit; None when the text it gives is no program."""
        start, edit = self._start(memory, base), self._pool(memory, base, tier).edits[place]
        text = replaced(start.text, edit.replacements)
        if not compiles(text):
            return None
        replacements = edit.replacements if base == 0 else difference(self.spec.source, text)
        return Candidate(
            id=f"{base}.{tier}.{place}",
            replacements=tuple(sorted(replacements)),
            line=start.lines.get(edit.line, edit.line),
            kind=edit.kind,
            size=round(edit.size + 1.0 - edit.prior + start.size, 3),
        )


@dataclass(frozen=True, slots=True)
class Pool:
    """The edits of one starting program and tier.

    Attributes:
        edits: All of them; a place in this list names an edit for good.
        groups: By line of the original and kind: what each is worth before anything is learned, and its place, the
            best first.
    """

    edits: list[Edit]
    groups: dict[tuple[int, str], list[tuple[float, int]]]

    @classmethod
    def of(cls, edits: list[Edit], start: Start) -> Self:
        """Sort edits into groups."""
        groups: dict[tuple[int, str], list[tuple[float, int]]] = {}
        for place, edit in enumerate(edits):
            line = start.lines.get(edit.line, edit.line)
            worth = edit.prior * start.suspects.get(edit.line, 0.05)
            groups.setdefault((line, edit.kind), []).append((worth, place))
        for group in groups.values():
            group.sort(key=lambda item: (-item[0], item[1]))
        return cls(edits, groups)


class _Factors:
    """What the memory says about lines and kinds, as factors on the worth of untried edits."""

    def __init__(self, memory: Memory) -> None:
        self._lines, self._kinds = memory.lines, memory.kinds
        self._best_line = max(map(_gain, memory.lines.values()), default=0.0)
        self._best_kind = max(map(_gain, memory.kinds.values()), default=0.0)
        self._most_changed = max(map(_changed, memory.lines.values()), default=1.0)
        self._known: dict[tuple[int, str], float] = {}

    def most(self) -> float:
        """No less than any factor that was asked for, nor than that of a line never tried."""
        return max([1.3, *(self.of(line, "") for line in self._lines)])

    def of(self, line: int, kind: str) -> float:
        """Above 1 where edits helped, below 1 where they changed nothing or were many."""
        key = (line, kind)
        if key not in self._known:
            by_line, by_kind = self._lines.get(line, Tally()), self._kinds.get(kind, Tally())
            helped = 1.0 + 2.0 * _ratio(_gain(by_line), self._best_line)
            mattered = 0.3 + _ratio(_changed(by_line), self._most_changed) if by_line.tried else 1.3
            liked = 1.0 + _ratio(_gain(by_kind), self._best_kind)
            self._known[key] = helped * mattered * liked / (1.0 + by_line.tried / BOREDOM)
        return self._known[key]


def _gain(tally: Tally) -> float:
    """The mean gain of a candidate, drawn towards 0 while there are few."""
    return tally.gained / (tally.tried + 10)


def _changed(tally: Tally) -> float:
    """The share of candidates that changed what a failing case does, drawn towards a half while there are few."""
    return (tally.changed + 1) / (tally.tried + 2)


def _ratio(value: float, most: float) -> float:
    return value / most if most else 0.0


def _start_from(original: str, base: Base, lines: dict[int, float]) -> Start:
    text = replaced(original, base.replacements)
    mapped = line_map(original, text)
    suspects = {line: lines[own] for line, own in mapped.items() if own in lines}
    return Start(text, suspects, mapped, base.replacements, base.gain, base.size)


def compiles(text: str) -> bool:
    """Whether a text is a program."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text, "candidate", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError):
            return False
    return True


def difference(original: str, changed: str) -> tuple[Replacement, ...]:
    """The one replacement of whole lines that turns a text into another; none when they are equal."""
    if original == changed:
        return ()
    left, right = original.splitlines(keepends=True), changed.splitlines(keepends=True)
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    begin = sum(map(len, left[:start]))
    stop = sum(map(len, left[: len(left) - end]))
    return (Replacement(begin, stop, "".join(right[start : len(right) - end])),)
