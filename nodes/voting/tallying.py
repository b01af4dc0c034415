"""Counting by approvals and by scores. Numbers are exact fractions, so that nothing depends on the order of sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from .ballot import Ballot
from .election import Election, exact
from .result import Round


@dataclass(frozen=True, slots=True)
class Voice:
    """A ballot that counts, with what the election says of its voter: looked up once, since there may be thousands.

    Attributes:
        ballot: The ballot.
        weight: What it weighs.
        own: The options on which the voter has no vote.
    """

    ballot: Ballot
    weight: Fraction
    own: frozenset[str]


def voices(election: Election, ballots: Iterable[Ballot]) -> list[Voice]:
    """These ballots as voices, in their order."""
    return [Voice(one, election.weight(one.voter), election.own(one.voter)) for one in ballots]


def weight_of(heard: Iterable[Voice]) -> Fraction:
    """What voices weigh together."""
    return sum((one.weight for one in heard), Fraction(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What a method made of the ballots.

    Attributes:
        tally: What it counted for each option that could win.
        ahead: The options equally far ahead; several are a tie, none means that none has enough.
        told: What was counted, in words, of the option ahead.
        needed: What was needed, in words; empty where being ahead is enough.
        shares: The tally as shares, where it has them.
        rounds: The rounds of ranked choice.
        empty: Whether no ballot said anything that counts.
    """

    tally: Mapping[str, Fraction]
    ahead: tuple[str, ...]
    told: str = ""
    needed: str = ""
    shares: Mapping[str, Fraction] = field(default_factory=dict)
    rounds: tuple[Round, ...] = ()
    empty: bool = False


def by_shares(election: Election, heard: Sequence[Voice], standing: Sequence[str]) -> Count:
    """Majority, approval and consensus.

    An option's share is the weight of those who approve it, of the weight of all who approve or reject anything and are
    not its authors.
    """
    voting = [one for one in heard if one.ballot.approve or one.ballot.reject]
    needed = election.share_needed()
    tally = dict.fromkeys(standing, Fraction(0))
    cast = dict.fromkeys(standing, weight_of(voting))
    for one in voting:
        for name in one.own & cast.keys():
            cast[name] -= one.weight
        for name in one.ballot.approve:
            if name in tally:
                tally[name] += one.weight
    shares = {name: tally[name] / cast[name] if cast[name] else Fraction(0) for name in standing}
    more = election.method == "majority"
    enough = {
        name: share
        for name, share in shares.items()
        if share and (share > needed if more else share >= needed)
    }
    ahead = _best(enough)
    best = max(shares.values(), default=Fraction(0))
    return Count(
        tally=tally,
        ahead=ahead,
        shares=shares,
        told=f"{_percent(best)} of the weight that was cast approve",
        needed=f"{'more than' if more or not needed else 'at least'} {_percent(needed)}",
        empty=not voting,
    )


def by_average(election: Election, heard: Sequence[Voice], standing: Sequence[str]) -> Count:
    """The weighted mean of the scores that an option was given."""
    points = dict.fromkeys(standing, Fraction(0))
    weights = dict.fromkeys(standing, Fraction(0))
    for one in heard:
        for name in one.ballot.scores.keys() & points.keys():
            points[name] += one.weight * exact(one.ballot.scores[name])
            weights[name] += one.weight
    tally = {name: points[name] / weights[name] for name in standing if weights[name]}
    needed = None if election.threshold is None else exact(election.threshold)
    return Count(
        tally=tally,
        ahead=_best({name: mean for name, mean in tally.items() if needed is None or mean >= needed}),
        told=f"its average is {_number(max(tally.values(), default=Fraction(0)))}",
        needed="" if needed is None else f"at least {_number(needed)}",
        empty=not tally,
    )


def by_sum(election: Election, heard: Sequence[Voice], standing: Sequence[str]) -> Count:
    """The weighted sum of scores; an option that a ballot leaves out gets the lowest score from it."""
    scoring = [one for one in heard if one.ballot.scores]
    low = exact(election.scale[0])
    tally = dict.fromkeys(standing, low * weight_of(scoring))
    for one in scoring:
        for name in one.ballot.scores.keys() & tally.keys():
            tally[name] += one.weight * (exact(one.ballot.scores[name]) - low)
    return Count(
        tally=tally,
        ahead=_best(tally) if scoring else (),
        told=f"its scores add up to {_number(max(tally.values(), default=Fraction(0)))}",
        empty=not scoring,
    )


def _best(tally: Mapping[str, Fraction]) -> tuple[str, ...]:
    highest = max(tally.values(), default=None)
    return tuple(name for name, value in tally.items() if value == highest)


def _percent(share: Fraction) -> str:
    return f"{float(100 * share):.4g} %"


def _number(value: Fraction) -> str:
    return f"{float(value):.6g}"
