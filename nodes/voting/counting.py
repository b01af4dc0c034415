"""From ballots to a result. Pure: the same election, ballots and time give the same result, in every order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Final, TypeAlias

from .admitting import admit
from .ballot import Ballot
from .dissenting import dissent
from .election import READS, Election
from .ranked import borda, instant_runoff
from .result import Result, Status, Vetoed
from .tallying import Count, Voice, by_average, by_shares, by_sum, voices, weight_of

Counter: TypeAlias = Callable[[Election, Sequence[Voice], Sequence[str]], Count]

_COUNTERS: Final[Mapping[str, Counter]] = {
    "majority": by_shares,
    "approval": by_shares,
    "consensus": by_shares,
    "weighted_average": by_average,
    "highest_score": by_sum,
    "ranked_choice": instant_runoff,
    "borda": borda,
}


def count(election: Election, ballots: Iterable[Ballot], now: datetime | None = None) -> Result:
    """Count a vote.

    Works as a node too: ``graph.node(count, writes="result")`` reads the fields ``election`` and ``ballots``.

    Args:
        election: What is voted on, by whom, how.
        ballots: All that were cast, in any order; those that do not count are in `Result.refused`.
        now: The time, with a zone. Up to the election's deadline the vote is open and has no winner yet. Without it the
            vote is over.

    Raises:
        ValueError: `now` has no time zone.

    Example:
        >>> from backedge.nodes.voting import Election, approve, count, veto
        >>> election = Election(options=["tea", "coffee"], vetoes=["cy"])
        >>> count(election, [approve("ann", "tea"), approve("bob", "tea")]).winner
        'tea'
        >>> count(election, [approve("ann", "tea"), veto("cy", "tea", reason="it is cold")]).winner is None
        True
    """
    if now is not None and now.tzinfo is None:
        raise ValueError(
            f"now= is {now}, which has no time zone: give datetime.now(UTC), or ctx.now() in a node"
        )
    admitted = admit(election, ballots)
    cast, heard = admitted.ballots, voices(election, admitted.ballots)
    banned = tuple(
        Vetoed(option=name, voter=one.voter, reason=one.reason)
        for name in election.names
        for one in cast
        if name in one.veto
    )
    struck = {one.option for one in banned}
    standing = [name for name in election.names if name not in struck]
    counted = _COUNTERS[election.method](election, heard, standing) if standing else Count(tally={}, ahead=())
    status, winner, reason = _ending(election, heard, now, banned, counted)
    return Result(
        status=status,
        winner=winner,
        reason=reason,
        tied=counted.ahead if len(counted.ahead) > 1 else (),
        tally=_floats(counted.tally),
        shares=_floats(counted.shares),
        rounds=counted.rounds,
        dissent=dissent(cast, winner, READS[election.method]),
        abstained=tuple(one.voter for one in cast if one.abstains),
        absent=tuple(sorted(set(election.voters) - {one.voter for one in cast})),
        vetoed=banned,
        counted=tuple(one.voter for one in cast),
        refused=admitted.refused,
    )


def _ending(
    election: Election, heard: Sequence[Voice], now: datetime | None, banned: Sequence[Vetoed], counted: Count
) -> tuple[Status, str | None, str]:
    """How it ended, who won, and why; the first reason against a winner that applies is told."""
    if now is not None and election.deadline is not None and now <= election.deadline:
        return "open", None, f"ballots are taken until {election.deadline}"
    missing = _missing(election, heard)
    if missing:
        return "no_quorum", None, missing
    vetoes = "; ".join(f"{one.voter} vetoed {one.option}" + _because(one.reason) for one in banned)
    if not counted.tally and banned:
        return "vetoed", None, f"no option is left: {vetoes}"
    if counted.empty:
        return (
            "no_votes",
            None,
            f"no ballot that counts has {READS[election.method]} for an option"
            + (f"; {vetoes}" if vetoes else ""),
        )
    if not counted.ahead:
        return (
            "below_threshold",
            None,
            f"no option has enough: of the best {counted.told}, and {counted.needed} is needed",
        )
    told = ", ".join(filter(None, [counted.told, counted.needed and f"{counted.needed} was needed", vetoes]))
    first, *others = counted.ahead
    if others and election.ties == "none":
        return "tie", None, f"{', '.join(counted.ahead)} are tied: of each {told}"
    if others:
        return "won", first, f"{first} wins a tie with {', '.join(others)}, since it stands first: {told}"
    return "won", first, f"{first} wins: {told}"


def _missing(election: Election, heard: Sequence[Voice]) -> str:
    """What is missing for a quorum, in words; empty if nothing is."""
    if len(heard) < election.quorum:
        return f"there is no quorum: {len(heard)} ballots count, and {election.quorum} are needed"
    if election.quorum_share:
        everything = sum((election.weight(name) for name in election.voters), Fraction(0))
        there = weight_of(heard) / everything
        needed = Fraction(repr(election.quorum_share)).limit_denominator(1_000_000)
        if there < needed:
            return (
                f"there is no quorum: voters with {float(there):.4g} of the weight have a ballot that counts, "
                f"and {float(needed):.4g} is needed"
            )
    return ""


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _floats(exact: Mapping[str, Fraction]) -> dict[str, float]:
    return {name: float(value) for name, value in exact.items()}
