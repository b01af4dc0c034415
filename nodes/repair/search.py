"""The embedded coder: a search for the edit that makes all cases pass.

Edits come from pools, one for each starting program and tier. Pools are opened from cheap to rich, and second edits
on candidates that made failing cases pass have their place in this order, see `streams`. Among all open pools the most
promising edits go first: by how suspicious their line is, how likely their kind is, and what earlier rounds taught
about both. All of it is a pure function of specification, survey and memory; pools are kept only to save time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import inf
from typing import Self

from .edits import TIERS, Edit, pool
from .localise import line_map, suspicion
from .memory import MORE_PATIENCE, Base, Memory, Tally
from .models import PASSED, Candidate, Replacement, Survey, lines_of, replaced
from .spec import Specification
from .streams import Stream, streams

FIRST_BATCH, LEAST_BATCH, MOST_BATCH = 40, 40, 800
"""Candidates in a round."""

ROUND_SECONDS, LONGEST_ROUND, ROUNDS = 0.7, 2.0, 10
"""How long a round should take once the pace is known, at first and at most, and in how many rounds it grows by the first.

A round has costs of its own, the start of the sandboxes above all. They weigh the more the slower candidates are, and a
search that has gone on for long may learn a little later.
"""

LEAST_SUSPICION = 0.05
"""Of a line that is not under suspicion but in a statement that is."""

LINE_WEIGHT, KIND_WEIGHT, KIND_PATIENCE = 6.0, 6.0, 800
"""How much a gain counts for its line and its kind of edit, and how many edits of a kind halve its worth.

A line does not lose by being tried: the best edits of the right line come early and fail like all others.
"""

MOST_SLOW = 2
"""Candidates in a round that get another try with more time."""


def batch_size(memory: Memory) -> int:
    """How many candidates the next round should have, from the pace of the last."""
    if memory.round <= 1:
        return FIRST_BATCH
    seconds = min(LONGEST_ROUND, ROUND_SECONDS * (1 + (memory.round - 1) / ROUNDS))
    grown = FIRST_BATCH * 2 ** (memory.round - 1)
    return int(min(max(LEAST_BATCH, memory.rate * seconds), MOST_BATCH, grown))


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
        order = list(streams(memory.bases, len(TIERS)))
        opened = 0
        chosen: list[Candidate] = []
        while len(chosen) < size and opened < len(order):
            opened = self._opened(memory, order, opened, size)
            chosen = list(memory.slow[:MOST_SLOW])
            seen = {one.replacements for one in chosen}
            left = {stream: self._untried(memory, *stream) for stream in order[:opened]}
            for base, tier, place in self._ranked(memory, left):
                if len(chosen) >= size:
                    break
                candidate = self._candidate(memory, base, tier, place)
                if candidate.replacements not in seen:
                    seen.add(candidate.replacements)
                    chosen.append(candidate)
        return chosen or list(memory.late[:MOST_SLOW]) or self._again(memory, size)

    def _again(self, memory: Memory, size: int) -> list[Candidate]:
        """Candidates that lacked time and nothing else, with more of it."""
        left = {}
        for stream, mask in memory.doubted.items():
            base, _, tier = stream.partition(".")
            if tier:  # a model's candidates are in no stream of ours
                left[int(base), int(tier)] = int(mask, 16)
        chosen = (self._candidate(memory, *one) for one in islice(self._ranked(memory, left), size))
        return [one._replace(patience=MORE_PATIENCE) for one in chosen]

    def _opened(self, memory: Memory, order: Sequence[Stream], least: int, size: int) -> int:
        """How many streams to open: more than `least`, all that were used before, and enough for a batch."""
        left = 0
        for number, (base, tier) in enumerate(order, 1):
            left += self._untried(memory, base, tier).bit_count()
            later = order[number:]
            if left >= size and number > least and not any(f"{b}.{t}" in memory.tried for b, t in later):
                return number
        return len(order)

    def _untried(self, memory: Memory, base: int, tier: int) -> int:
        """The places of a pool that were not tried, as bits."""
        tried = int(memory.tried.get(f"{base}.{tier}", "0"), 16)
        return ((1 << len(self._pool(memory, base, tier).edits)) - 1) & ~tried

    # ----------------------------------------------------------------------- ranking

    def _ranked(self, memory: Memory, wanted: Mapping[Stream, int]) -> Iterator[tuple[int, int, int]]:
        """Edits of some pools, best first: base, tier and place. Wanted are, by pool, the places given as bits.

        Edits of one line and kind share what was learned and keep their order, so only the heads of these groups
        are compared.
        """
        heads: list[tuple[float, int, int, int, int]] = []
        rows: list[tuple[int, int, list[tuple[float, int]], float]] = []
        factors = _Factors(memory)
        for (base, tier), places in wanted.items():
            start, edits = self._start(memory, base), self._pool(memory, base, tier)
            share = 1.0 if base == 0 else (0.3 + start.gain) / (1 + 0.1 * base)
            bits = places.to_bytes(len(edits.edits) // 8 + 1, "little")
            for (line, kind), group in edits.groups.items():
                left = [(value, place) for value, place in group if bits[place >> 3] >> (place & 7) & 1]
                if left:
                    factor = share * factors.of(line, kind)
                    heapq.heappush(heads, (-factor * left[0][0], base, tier, len(rows), 0))
                    rows.append((base, tier, left, factor))
        while heads:
            _, base, tier, row, position = heapq.heappop(heads)
            left, factor = rows[row][2:]
            yield base, tier, left[position][1]
            if position + 1 < len(left):
                heapq.heappush(heads, (-factor * left[position + 1][0], base, tier, row, position + 1))

    def _start(self, memory: Memory, base: int) -> Start:
        if base not in self._starts:
            if base == 0:
                own = {line: line for line in range(1, self.spec.source.count("\n") + 2)}
                self._starts[0] = Start(self.spec.source, suspicion(self.survey), own, (), 0.0, 0.0)
            else:
                self._starts[base] = _start_from(self.spec.source, memory.bases[base - 1], self.survey)
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

    def _candidate(self, memory: Memory, base: int, tier: int, place: int) -> Candidate:
        """The candidate for an edit. Hardly one in a thousand is no program, which running it tells soonest."""
        start, edit = self._start(memory, base), self._pool(memory, base, tier).edits[place]
        text = replaced(start.text, edit.replacements)
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
            worth = edit.prior * start.suspects.get(edit.line, LEAST_SUSPICION)
            groups.setdefault((line, edit.kind), []).append((worth, place))
        for group in groups.values():
            group.sort(key=lambda item: (-item[0], item[1]))
        return cls(edits, groups)


class _Factors:
    """What the memory says about lines and kinds, as factors."""

    def __init__(self, memory: Memory) -> None:
        self._lines, self._kinds = memory.lines, memory.kinds
        self._known: dict[tuple[int, str], float] = {}

    def of(self, line: int, kind: str) -> float:
        key = (line, kind)
        if key not in self._known:
            by_line = _factor(self._lines.get(line), LINE_WEIGHT, inf)
            by_kind = _factor(self._kinds.get(kind), KIND_WEIGHT, KIND_PATIENCE)
            self._known[key] = by_line * by_kind
        return self._known[key]


def _factor(tally: Tally | None, weight: float, patience: float) -> float:
    """Above 1 where gains were seen, falling as more is tried in vain."""
    if tally is None:
        return 1.0
    return (1 + weight * min(tally.gained, 2.0)) / (1 + tally.tried / patience)


def _start_from(original: str, base: Base, survey: Survey) -> Start:
    """A base as a start. Its suspicious lines are those of the cases that still fail, the others come last."""
    text = replaced(original, base.replacements)
    mapped = line_map(original, text)
    codes = [own if own != "-" else seen.code for own, seen in zip(base.outcomes, survey.cases, strict=True)]
    still = suspicion(survey, [case for case, code in enumerate(codes) if code != PASSED])
    lines = {line: still.get(line, LEAST_SUSPICION) for line in suspicion(survey)}
    suspects = {line: lines[own] for line, own in mapped.items() if own in lines}
    return Start(text, suspects, mapped, base.replacements, base.gain, base.size)


def difference(original: str, changed: str) -> tuple[Replacement, ...]:
    """The one replacement of whole lines that turns a text into another; none when they are equal."""
    if original == changed:
        return ()
    left, right = lines_of(original), lines_of(changed)
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    begin = sum(map(len, left[:start]))
    stop = sum(map(len, left[: len(left) - end]))
    return (Replacement(begin, stop, "".join(right[start : len(right) - end])),)
