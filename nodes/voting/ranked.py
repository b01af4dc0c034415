"""Counting rankings: instant runoff and Borda.

Instant runoff is what W. R. Ware proposed in 1871 (the single transferable vote of Hare with one seat); the count after
J.-C. de Borda, "Mémoire sur les élections au scrutin", 1781. Options that were vetoed, and a voter's own, are struck from
a ranking before it is counted, as if they had never stood. Neither elects a Condorcet loser, an option that each other one
beats in a contest of two. Borda is monotone; instant runoff, as every elimination by first places, is not: a winner who is
ranked higher may lose by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from .election import Election
from .result import Round
from .tallying import Count, Voice, _best, _number, _percent


def instant_runoff(election: Election, heard: Sequence[Voice], standing: Sequence[str]) -> Count:
    """Ranked choice: until one option has more than half, the one with the fewest first places leaves.

    Half is half of the weight of the ballots that still rank an option which is left. If all that are left have equally
    much, they are tied. If several have the fewest, the one leaves that had fewer in the latest earlier round in which
    they differ; where they never do, the one that stands last in the election's options.
    """
    there = frozenset(standing)
    ranked = [(one.weight, tuple(name for name in one.ballot.ranking if name in there)) for one in heard]
    ranked = [(weight, order) for weight, order in ranked if order]
    tally = dict.fromkeys(standing, Fraction(0))
    piles: dict[str, list[tuple[Fraction, tuple[str, ...]]]] = {name: [] for name in standing}
    counts, rounds, moving = [], [], ranked
    while True:
        for weight, order in moving:
            top = next((name for name in order if name in tally), None)
            if top is not None:
                tally[top] += weight
                piles[top].append((weight, order))
        counts.append(dict(tally))
        told = {name: float(weight) for name, weight in tally.items()}
        ahead, cast = _best(tally), sum(tally.values(), Fraction(0))
        if 2 * tally[ahead[0]] > cast or len(ahead) == len(tally):
            rounds.append(Round(tally=told))
            break
        out, why = _last(counts)
        rounds.append(Round(tally=told, out=out, why=why))
        del tally[out]
        moving = piles.pop(out)  # the others stay where they are
    share = _percent(tally[ahead[0]] / cast) if cast else ""
    return Count(
        tally=tally,
        ahead=ahead if ranked else (),
        told=f"it is first on {share} of the weight in round {len(rounds)}",
        rounds=tuple(rounds),
        empty=not ranked,
    )


def _last(counts: Sequence[dict[str, Fraction]]) -> tuple[str, str]:
    """Who leaves after the last of these counts, and why."""
    fewest = min(counts[-1].values())
    losers = [name for name, weight in counts[-1].items() if weight == fewest]
    if len(losers) == 1:
        return losers[0], f"the fewest first places: {_number(fewest)}"
    for number in range(len(counts) - 1, 0, -1):
        earlier = counts[number - 1]
        least = min(earlier[name] for name in losers)
        losers = [name for name in losers if earlier[name] == least]
        if len(losers) == 1:
            return losers[0], f"the fewest first places, as others, but fewer in round {number}"
    return losers[-1], "the fewest first places, as others in all rounds; it stands last among the options"


def borda(election: Election, heard: Sequence[Voice], standing: Sequence[str]) -> Count:
    """Of n options the first gets n - 1 points from a ballot, the next one less, the last 0.

    Those that the ballot leaves out share equally what is left, so that every ballot gives as many points in all.
    """
    tally = dict.fromkeys(standing, Fraction(0))
    everybody = Fraction(0)  # what each option gets of all ballots as a share of what is left
    counting = 0
    for one in heard:
        own = one.own & tally.keys()
        order = [name for name in one.ballot.ranking if name in tally and name not in own]
        if not order:
            continue
        counting += 1
        judged = len(tally) - len(own)
        share = one.weight * Fraction(judged - len(order) - 1, 2)
        everybody += share
        for place, name in enumerate(order):
            tally[name] += one.weight * (judged - 1 - place) - share
        for name in own:
            tally[name] -= share
    tally = {name: points + everybody for name, points in tally.items()}
    return Count(
        tally=tally,
        ahead=_best(tally) if counting else (),
        told=f"it has {_number(max(tally.values(), default=Fraction(0)))} points",
        empty=not counting,
    )
