"""Places that are lent: slots that have a share of a pool each, and who of those that wait gets the next free place.

A pool has a fixed number of places. Each of its slots (a crew's roles, say) has a share of them. What a share does not use
is lent to whoever has the most work waiting, and comes back as soon as a place is free and the share has work again:
nothing that runs is interrupted for that.

The rule, for each place that is free, among the slots that have work waiting and may start:

1. who runs fewer than its share comes before who would borrow;
2. of those, who uses the smallest part of its share; of equals, who was served longest ago. So nobody starves: a slot that
   runs nothing is served after each other slot was served at most once, as soon as what was borrowed has come back;
3. of those who would borrow, who has the most work waiting; of equals, whoever was declared first.

A slot may start unless that would take a place that another one has kept for itself (`least`), or it runs `most` already.
This is weighted fair sharing of a resource that cannot be taken away, as in the fair scheduler of Hadoop (Zaharia et al.,
"Job Scheduling for Multi-User MapReduce Clusters", Berkeley 2009) without its preemption.

Pure: what it decides depends on what it is told, not on any clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .definition import is_text
from .shown import shown


@dataclass(frozen=True, slots=True)
class Share:
    """A slot's share of a pool of places: given instead of a number in ``slots=`` of a graph.

    Attributes:
        count: How many places are its own; what it does not use of them is lent.
        of: The pool's name. In ``slots=`` it may have a number of its own; without one, the pool has as many places as its
            shares come to. With fewer, the shares say in which proportion they are handed out; with more, the others are
            for whoever has the most work waiting.
        least: How many of its own are never lent.
        most: How many it may use at once, lent ones included; None for as many as there are.

    Example::

        graph = Graph(State, slots={"coder": Share(3, of="crew"), "tester": Share(1, of="crew", least=1), "crew": 4})

        @graph.node(uses="coder")
        async def write(spec: str) -> str: ...
    """

    count: int
    of: str
    least: int = 0
    most: int | None = None


class Pool:
    """The places of one pool: who runs, and who is next. It starts nothing.

    Example:
        >>> pool = Pool({"coder": Share(1, of="crew"), "tester": Share(1, of="crew")}, 2)
        >>> pool.take("coder")
        >>> pool.next({"coder": 7, "tester": 1}), pool.next({"coder": 7})
        ('tester', 'coder')
    """

    def __init__(self, shares: Mapping[str, Share], total: int) -> None:
        self._shares = dict(shares)
        # Below 0 only where places were seized that there are none of.
        self._free = total
        # How many of each run.
        self._running = dict.fromkeys(shares, 0)
        # When each was served last, counted in servings; 0 for never.
        self._served = dict.fromkeys(shares, 0)
        self._servings = 0
        # How many of the free places each has kept for itself and does not use; and all of them.
        self._kept = {name: share.least for name, share in shares.items()}
        self._all_kept = sum(self._kept.values())

    def may(self, name: str) -> bool:
        """Whether one more of it could start now."""
        most = self._shares[name].most
        if most is not None and self._running[name] >= most:
            return False
        kept = self._kept[name]
        return self._free > 0 if kept else self._free > self._all_kept

    def next(self, waiting: Mapping[str, int]) -> str | None:
        """Who gets the next place, of those who have so much work waiting; None when nobody may start."""
        able = [name for name in self._shares if waiting.get(name, 0) > 0 and self.may(name)]
        return min(able, key=lambda name: self._rank(name, waiting[name]), default=None)

    def take(self, name: str) -> None:
        """One of it starts, whether it may or not."""
        self._servings += 1
        self._served[name] = self._servings
        self._add(name, 1)

    def give(self, name: str) -> None:
        """One of it has ended."""
        self._add(name, -1)

    def _add(self, name: str, one: int) -> None:
        self._free -= one
        self._running[name] += one
        kept = max(0, self._shares[name].least - self._running[name])
        self._all_kept += kept - self._kept[name]
        self._kept[name] = kept

    def _rank(self, name: str, work: int) -> tuple[float, ...]:
        """Lowest first. Equal fractions are equal as floats too."""
        running, count = self._running[name], self._shares[name].count
        if running < count:
            return (0, running / count, self._served[name], -work)
        return (1, -work)


def apportion(
    waiting: Mapping[str, int],
    running: Mapping[str, int],
    counts: Mapping[str, int],
    total: int,
    *,
    least: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """How many more of each may start at once.

    Args:
        waiting: How much work each has waiting.
        running: How many of each run.
        counts: The share of each, in the order that decides where nothing else does.
        total: How many places there are.
        least: How many of its share each keeps for itself.

    Example:
        >>> apportion({"coder": 9, "tester": 1}, {"coder": 2}, {"coder": 2, "tester": 2}, 4)
        {'coder': 1, 'tester': 1}
    """
    kept = least or {}
    pool = Pool({name: Share(count, of="", least=kept.get(name, 0)) for name, count in counts.items()}, total)
    for name, count in running.items():
        for _ in range(count):
            pool.take(name)
    left = {name: waiting.get(name, 0) for name in counts}
    starts = dict.fromkeys(counts, 0)
    while (chosen := pool.next(left)) is not None:
        pool.take(chosen)
        left[chosen] -= 1
        starts[chosen] += 1
    return starts


def pools_of(shares: Mapping[str, Share], totals: Mapping[str, int]) -> dict[str, Pool]:
    """For each slot that is a share its pool."""
    members: dict[str, dict[str, Share]] = {}
    for name, share in shares.items():
        members.setdefault(share.of, {})[name] = share
    pools = {of: Pool(each, total_of(of, each, totals)) for of, each in members.items()}
    return {name: pools[share.of] for name, share in shares.items()}


def total_of(pool: str, shares: Mapping[str, Share], totals: Mapping[str, int]) -> int:
    """How many places a pool has: as it is said, or as many as its shares come to."""
    return totals.get(pool, sum(share.count for share in shares.values() if share.of == pool))


# ---------------------------------------------------------------------- what may be wrong


def share_problems(slots: Mapping[str, int | Share], users: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """What is wrong with the shares among the slots.

    Args:
        slots: What ``slots=`` says.
        users: For each node the slots that it uses.
    """
    shares = {name: slot for name, slot in slots.items() if isinstance(slot, Share)}
    sound = True
    for name, share in shares.items():
        for problem in _problems_of(share):
            sound = False
            yield f"slots=: the share of {shown(name)} {problem}"
    if not sound:
        return
    for of in dict.fromkeys(share.of for share in shares.values()):
        own = {name: share for name, share in shares.items() if share.of == of}
        yield from _problems_of_pool(of, own, slots, users)


def _problems_of(share: Share) -> Iterator[str]:
    if not is_text(share.of):
        yield f"wants the name of a pool in of=, not {shown(share.of)}"
    if not _is_whole(share.count, 1):
        yield f"wants a whole number from 1 in count=, not {shown(share.count)}"
    elif not (_is_whole(share.least, 0) and share.least <= share.count):
        yield f"wants a whole number from 0 to its count, {share.count}, in least=, not {shown(share.least)}"
    elif share.most is not None and not _is_whole(share.most, max(share.least, 1)):
        yield f"wants a whole number from {max(share.least, 1)} in most=, or None, not {shown(share.most)}"


def _problems_of_pool(
    of: str, own: Mapping[str, Share], slots: Mapping[str, int | Share], users: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    if of == "threads":
        yield "slots=: no pool can be called 'threads', which are those of the run; rename it"
        return
    if isinstance(slots.get(of), Share) or any(of in uses for uses in users.values()):
        yield f"slots=: {shown(of)} is a pool, so no node can use it, and it is no share; rename one of them"
        return
    totals = {name: slot for name, slot in slots.items() if not isinstance(slot, Share)}
    total, kept = total_of(of, own, totals), sum(share.least for share in own.values())
    needed = kept + any(share.least == 0 for share in own.values())
    if _is_whole(total, 1) and needed > total:
        left = "" if kept > total else ", which leaves none for the others"
        yield (
            f"slots=: pool {shown(of)} has {total} places, but its shares keep {kept} for themselves{left}; "
            f"lower least=, or give it more places"
        )
    for node, uses in users.items():
        if len(two := [name for name in uses if name in own]) > 1:
            yield f"node {node!r} uses {' and '.join(map(repr, two))}, shares of one pool; let it use one of them"


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
