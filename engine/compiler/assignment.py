"""Definite assignment: which fields a run must be given, and which reads could find a field unset.

A field without default is unset until it is written. A compiler's definite assignment intersects over a join's
incoming edges; here a join waits for all branches that are alive, so a field is set if any of them is *bound* to come
and to bring it. Three questions are answered, for all nodes at once, with a bit mask over nodes for each node.

**Bound to reach.** Of an activation of `n`: is some chain of edges bound to lead from it to an activation of `g`? It is
along an edge that is sure to be taken, and where an alternative is open, if all of them are bound. Runs end, so the
greatest solution is right: a chain that stays within nodes that are bound arrives, or the run fails while `g` waits for
it. Likewise, for one field, *bound to bring*: to reach `g` by way of somebody who is sure to write the field.

**In the same round.** Two chains that part at an activation and both reach `g` meet in the same activation of `g` if
neither takes a feedback edge of a loop around `g`. So such an edge leads nowhere as far as the nodes of its loop are
concerned, and a way to `g` starts afresh behind it.

**Possibly unset.** `g` may find the field unset if some way leads to it from START, through nodes that may find it
unset and do not write it, such that at none of them something is sure to start that is bound to bring the field to `g`.

Nothing is missed (a read that is called set is set in every run); what conditions have to do with each other is not
known, so a read may be reported although no run reaches it unset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import and_, or_
from typing import NamedTuple, TypeAlias

from ..definition import END
from ..plan import Plan

_TOLD = 100  # reads of one field told at once
_LOOKED_AT = (
    300_000  # nodes of mended graphs looked at before the reads that are left wait for the graph to be mended
)


class Way(NamedTuple):
    """An edge that may be taken.

    Attributes:
        target: The node it leads to.
        loop: The nodes in which what comes this way meets nothing that came another way, a bit mask: for a feedback
            edge those of its loop, for one to a node that does not wait for all that is alive all nodes, else 0.
        back: For a feedback edge the nodes of its loop.
    """

    target: int
    loop: int
    back: int = 0


class Outcome(NamedTuple):
    """One way in which a node may end: that it succeeds, or fails in a way that error edges take on.

    Attributes:
        ways: The edges that may be taken then.
        choices: Disjoint groups of them, by place in `ways`; of each group at least one edge is taken.
        success: Whether what the node writes goes along.
        cancelled: The nodes that do not run on if it ends so, a bit mask: what they would find does not matter.
    """

    ways: tuple[Way, ...]
    choices: tuple[tuple[int, ...], ...]
    success: bool
    cancelled: int = 0


class Read(NamedTuple):
    """Somebody reads a field.

    Attributes:
        node: The node that reads, or whose outgoing edge's condition does.
        after: Whether it is such a condition: then what the node writes is there.
        field: The field.
        what: Who reads, for messages.
    """

    node: int
    after: bool
    field: str
    what: str


@dataclass(frozen=True)
class Traffic:
    """A graph as this analysis sees it.

    Attributes:
        plan: Its order. Numbers are a topological order of the forward edges.
        start: Number of START.
        outcomes: For each node the ways in which it may end.
        writes: For each node the fields it is sure to write when it succeeds.
        may_write: For each node the fields it may write.
    """

    plan: Plan
    start: int
    outcomes: Sequence[Sequence[Outcome]]
    writes: Sequence[frozenset[str]]
    may_write: Sequence[frozenset[str]]

    @cached_property
    def in_order(self) -> bool:
        """Whether no edge leads back, nor to a lower number: then one sweep finds what else takes several."""
        return all(
            way.target > node
            for node, outcomes in enumerate(self.outcomes)
            for outcome in outcomes
            for way in outcome.ways
        )

    @cached_property
    def writers(self) -> Mapping[str, tuple[int, ...]]:
        """The nodes that may write a field, for each field that somebody may write."""
        return _by_field(self.may_write)

    @cached_property
    def ahead(self) -> tuple[int, ...]:
        """For each node those that it can lead to in the same rounds of the loops around them."""
        return self._spread([[[way.back for way in each.ways] for each in its] for its in self.outcomes])

    @cached_property
    def after(self) -> tuple[int, ...]:
        """As `ahead`, but only those where what it wrote meets whatever else comes."""
        return self._spread([[[way.loop for way in each.ways] for each in its] for its in self.outcomes])

    def _spread(self, closed: Sequence[Sequence[Sequence[int]]]) -> tuple[int, ...]:
        """For each node those that ways lead to, but for what is closed to each way."""
        masks = [0] * len(self.outcomes)
        whole = [1 << node for node in range(len(masks))]  # the same with the node itself
        changed = True
        while changed:
            changed = False
            for node in reversed(range(len(masks))):
                found = masks[node]
                for outcome, loops in zip(self.outcomes[node], closed[node], strict=True):
                    for way, loop in zip(outcome.ways, loops, strict=True):
                        found |= whole[way.target] & ~loop if loop else whole[way.target]
                if found != masks[node]:
                    masks[node], whole[node] = found, found | 1 << node
                    changed = not self.in_order
        return tuple(masks)

    @cached_property
    def reach(self) -> tuple[int, ...]:
        """For each node those that an activation of it is bound to reach, itself included."""
        masks = [mask | 1 << node for node, mask in enumerate(self.after)]
        changed = True
        while changed:
            changed = False
            for node in reversed(range(len(masks))):
                found = masks[node] & _in_every_case(self.outcomes[node], masks, masks) | 1 << node
                if found != masks[node]:
                    masks[node] = found
                    changed = not self.in_order
        return tuple(masks)

    def bring(self, field: str, goals: int = -1) -> tuple[int, ...]:
        """For each node those of `goals` that an activation of it is bound to reach with the field set on the way."""
        masks = [mask & goals for mask in self.after]
        changed = True
        while changed:
            changed = False
            for node in reversed(range(len(masks))):
                if not masks[node]:
                    continue
                written = self.reach if field in self.writes[node] else masks
                found = masks[node] & _in_every_case(self.outcomes[node], written, masks)
                if found != masks[node]:
                    masks[node] = found
                    changed = not self.in_order
        return tuple(masks)


def inputs_of(traffic: Traffic, reads: Sequence[Read], without_default: Sequence[str]) -> tuple[str, ...]:
    """The fields a run must be given: those nobody writes, and those read before anybody can have written them."""
    readers: dict[str, list[Read]] = {}
    for read in reads:
        readers.setdefault(read.field, []).append(read)
    inputs = []
    for field in without_default:
        writers = traffic.writers.get(field, ())
        reached = reduce(or_, (traffic.ahead[node] for node in writers), 0)
        early = any(
            not (reached >> read.node & 1 or (read.after and read.node in writers))
            for read in readers.get(field, ())
        )
        if not writers or early:
            inputs.append(field)
    return tuple(inputs)


def _by_field(written: Sequence[frozenset[str]]) -> dict[str, tuple[int, ...]]:
    """From the fields of nodes to the nodes of fields."""
    nodes: dict[str, list[int]] = {}
    for node, fields in enumerate(written):
        for field in fields:
            nodes.setdefault(field, []).append(node)
    return {field: tuple(its) for field, its in nodes.items()}


Mend: TypeAlias = Callable[[Traffic, Read], Traffic]
"""How a graph with edges missing may be meant, at best for a read; the graph itself where that is no better."""


def unset_reads(
    traffic: Traffic, reads: Sequence[Read], fields: frozenset[str], mend: Mend | None = None
) -> Iterator[tuple[Read, tuple[int, ...]]]:
    """Reads of `fields` that some way reaches unset, each with such a way: the nodes from START to the reader.

    With `mend`, those of them that do not depend on what is missing of the graph: along its ways as they are the field
    may be unset, even if as much is sure to start and to bring it as in the graph that `mend` makes.

    Who reads what a whole graph reads unset hears of a hundred reads; the others are told when those are mended. So
    is what would take too long to find out of a large graph whose edges are missing.
    """
    found: dict[int, tuple[int, ...]] = {}
    tries = max(10, _LOOKED_AT // len(traffic.outcomes))
    for field, doubtful in _doubtful(traffic, reads, fields).items():
        goals = reduce(or_, (traffic.plan.ancestors[reads[at].node] | 1 << reads[at].node for at in doubtful))
        plain, told = _Search(traffic, field, goals), 0
        for place in doubtful:
            search, read = plain, reads[place]
            if mend is not None and search.way(read.node) is not None:
                if tries == 0:
                    break
                tries -= 1
                mended = mend(traffic, read)
                search = search if mended is traffic else _Search(traffic, field, goals, mended)
            way = search.way(read.node)
            if way is not None:
                found[place] = way
                told += 1
                if told == _TOLD:
                    break
    for place in sorted(found):
        yield reads[place], found[place]


def _doubtful(traffic: Traffic, reads: Sequence[Read], fields: frozenset[str]) -> dict[str, list[int]]:
    """The places of those reads of `fields` to which not every single way sets the field, by field."""
    doubtful: dict[str, list[int]] = {}
    wanted = [place for place, read in enumerate(reads) if read.field in fields]
    if not wanted:
        return doubtful
    bits = {
        field: 1 << number for number, field in enumerate(sorted({reads[place].field for place in wanted}))
    }
    always = _always_set(traffic, bits)
    for place in wanted:
        node, after, field, _ = reads[place]
        if not always[node] & bits[field] and not (after and field in traffic.writes[node]):
            doubtful.setdefault(field, []).append(place)
    return doubtful


def concurrent_writes(traffic: Traffic, plain: frozenset[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Plain fields that branches are bound to write concurrently before they meet: field and writers."""
    sure = _by_field(traffic.writes)
    for field in sorted(plain.intersection(sure)):
        rivals = _rivals(traffic, sure[field])
        if rivals and (found := _colliding(traffic, rivals)):
            yield field, tuple(_bits(found))


def _rivals(traffic: Traffic, writers: Sequence[int]) -> dict[int, int]:
    """For each writer those that it does not lead to, nor they to it, and that are bound to meet it somewhere.

    They are concurrent with it if there is a fork at which both begin. Where both are bound to reach END they meet
    there, and need not be compared.
    """
    if len(writers) < 2:
        return {}
    reach, end = traffic.reach, traffic.plan.number[END.name]
    every = sum(1 << writer for writer in writers)
    ending = sum(1 << writer for writer in writers if reach[writer] >> end & 1)
    rivals: dict[int, int] = {}
    for writer, before in zip(writers, _before(traffic, writers), strict=True):
        concurrent = every & ~traffic.after[writer] & ~before & ~(1 << writer)
        meeting = concurrent & ending if ending >> writer & 1 else 0
        for other in _bits(concurrent & ~meeting):
            if reach[writer] & reach[other]:
                meeting |= 1 << other
        if meeting:
            rivals[writer] = meeting
    return rivals


def _before(traffic: Traffic, nodes: Sequence[int]) -> list[int]:
    """For each of these nodes those of them that can lead to it in the same rounds."""
    ways = [[way for outcome in outcomes for way in outcome.ways] for outcomes in traffic.outcomes]
    everything = (1 << len(ways)) - 1
    if not traffic.in_order or any(way.loop not in (0, everything) for its in ways for way in its):
        return [sum(1 << other for other in nodes if traffic.after[other] >> node & 1) for node in nodes]
    masks = [0] * len(ways)
    for node, its in enumerate(ways):
        whole = masks[node] | 1 << node
        for way in its:
            if not way.loop:
                masks[way.target] |= whole
    return [masks[node] for node in nodes]


def _colliding(traffic: Traffic, rivals: Mapping[int, int]) -> int:
    """The writers that are bound to write on different sides of some fork, each with one of its rivals.

    Inner forks go first: who is found there need not be looked at again further out.
    """
    found, left = 0, sum(1 << writer for writer in rivals)
    for outcomes in reversed(traffic.outcomes):
        for outcome in outcomes:
            if len(outcome.choices) < 2:
                continue
            arriving = [_arriving(outcome, choice, traffic.reach) for choice in outcome.choices]
            for ones, others in _opposed(arriving):
                for one in _bits(ones & left):
                    if rivals[one] & others:
                        found |= 1 << one
                        left ^= 1 << one
            if not left:
                return found
    return found


def _opposed(sides: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Writers, and those on another side of a fork than they. Who is on several sides is opposed to all."""
    every = shared = 0
    for side in sides:
        shared |= every & side
        every |= side
    yield shared, every
    for side in sides:
        alone = side & ~shared
        if alone:
            yield alone, every & ~alone


def _in_every_case(outcomes: Sequence[Outcome], succeeding: Sequence[int], failing: Sequence[int]) -> int:
    """The nodes that are arrived at however a node ends, given where its targets arrive."""
    return reduce(
        and_,
        (
            _sure(outcome, succeeding if outcome.success else failing) | outcome.cancelled
            for outcome in outcomes
        ),
    )


def _sure(outcome: Outcome, masks: Sequence[int]) -> int:
    """The nodes that are arrived at if a node ends so, whichever edges are taken."""
    found = 0
    for choice in outcome.choices:
        found |= _arriving(outcome, choice, masks)
    return found


def _arriving(outcome: Outcome, choice: Sequence[int], masks: Sequence[int]) -> int:
    """The nodes that are arrived at whichever edge of a choice is taken."""
    found = -1
    for place in choice:
        target, loop, _ = outcome.ways[place]
        found &= masks[target] & ~loop if loop else masks[target]
    return found


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        mask ^= lowest
        yield lowest.bit_length() - 1


def _always_set(traffic: Traffic, bits: Mapping[str, int]) -> list[int]:
    """For each node the fields that every single way to it sets: quick, and enough for most reads."""
    written = [sum(bits.get(field, 0) for field in fields) for fields in traffic.writes]
    known = [-1] * len(traffic.outcomes)
    known[traffic.start] = 0
    changed = True
    while changed:
        changed = False
        for node, outcomes in enumerate(traffic.outcomes):
            for outcome in outcomes:
                carried = known[node] | written[node] if outcome.success else known[node]
                for way in outcome.ways:
                    if known[way.target] & ~carried:
                        known[way.target] &= carried
                        changed = not traffic.in_order
    return known


class _Search:
    """The nodes that may find one field unset."""

    def __init__(self, traffic: Traffic, field: str, goals: int, sure: Traffic | None = None) -> None:
        """Search the ways of `traffic` that lead to `goals` and stay among them.

        What is sure to start and to bring the field is as in `sure`.
        """
        sure = traffic if sure is None else sure
        brought = sure.bring(field, goals)
        self._start = traffic.start
        # For each node the edges along which the field may stay unset, and for each of them the nodes to which the
        # field is brought by what is sure to start there.
        self._open = [
            [
                (way, closed)
                for outcome, meant in zip(outcomes, sure.outcomes[node], strict=True)
                if goals >> node & 1 and not (outcome.success and field in traffic.writes[node])
                for closed in [_sure(meant, brought)]
                for way in outcome.ways
                if goals >> way.target & 1
            ]
            for node, outcomes in enumerate(traffic.outcomes)
        ]
        # Each node that may find it unset, and how many were found before it.
        self._unset: dict[int, int] = {}
        self._spread()

    def _spread(self) -> None:
        """Find the least solution, by sweeps in order of position until nothing is new."""
        goals = [0] * len(
            self._open
        )  # for each node the nodes for which a way that is open to them leads here
        goals[self._start] = -1
        changed = True
        while changed:
            changed = False
            for node, edges in enumerate(self._open):
                if not goals[node] >> node & 1:
                    continue
                self._unset.setdefault(node, len(self._unset))
                for way, closed in edges:
                    gained = goals[way.target] | goals[node] & ~closed | way.loop
                    if gained != goals[way.target]:
                        goals[way.target] = gained
                        changed = True

    def way(self, reader: int) -> tuple[int, ...] | None:
        """The nodes from START to the reader along which it may find the field unset; None if it cannot."""
        if reader not in self._unset:
            return None
        way: tuple[int, ...] = ()
        goal = reader
        while goal != self._start:
            part, goal = self._last_part(goal)
            way = (*part, *way)
        return (self._start, *way)

    def _last_part(self, goal: int) -> tuple[list[int], int]:
        """The end of a way to `goal`: what lies behind START or the last feedback edge of its loops, and that source."""
        came = {self._start: self._start}
        laps: set[int] = set()
        if not self._flood([self._start], goal, came):
            for node, place in self._unset.items():
                for way, _ in self._open[node]:
                    if place < self._unset[goal] and way.loop >> goal & 1 and way.target not in came:
                        came[way.target] = node
                        laps.add(way.target)
            self._flood(sorted(laps), goal, came)
        part = [goal]
        while part[-1] not in laps and came[part[-1]] != self._start:
            part.append(came[part[-1]])
        return part[::-1], came[part[-1]]

    def _flood(self, queue: list[int], goal: int, came: dict[int, int]) -> bool:
        """Note where each node that edges open to `goal` lead to was come from; whether `goal` is among them."""
        for node in queue:
            for way, closed in self._open[node] if node in self._unset else ():
                if not (closed | way.loop) >> goal & 1 and way.target not in came:
                    came[way.target] = node
                    queue.append(way.target)
        return goal in came
