"""Which ballots count: who may say what, until when, about which version, and which of several by one voter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from .ballot import Ballot
from .election import READS, Election
from .result import Refused

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class BallotError(ValueError):
    """A ballot does not count, by the voter's doing. The message tells the voter why and what to do."""

    def __init__(self, ballot: Ballot, why: str) -> None:
        self.ballot = ballot
        self.why = why
        super().__init__(f"the ballot of {ballot.voter!r} does not count: {why}")


def check(election: Election, ballot: Ballot) -> None:
    """Look at one ballot before it is cast, so that the voter can still change it.

    Raises:
        BallotError: It would not count.

    Example:
        >>> from backedge.nodes.voting import Election, approve, check
        >>> check(Election(options=["tea", "coffee"]), approve("ann", "milk"))
        Traceback (most recent call last):
        backedge.nodes.voting.admitting.BallotError: the ballot of 'ann' does not count: there is no option 'milk': the options are 'tea', 'coffee'
    """
    why = problem(election, ballot)
    if why:
        raise BallotError(ballot, why)


def problem(election: Election, ballot: Ballot) -> str | None:
    """Why a ballot does not count, taken by itself; None if it does."""
    return (
        _voter_problem(election, ballot)
        or _time_problem(election, ballot)
        or _option_problem(election, ballot)
        or _version_problem(election, ballot)
        or _content_problem(election, ballot)
    )


def _voter_problem(election: Election, ballot: Ballot) -> str | None:
    if election.voters and ballot.voter not in election.voters:
        return f"{ballot.voter!r} is no voter of this election"
    if ballot.veto and ballot.voter not in election.vetoes:
        entitled = ", ".join(election.vetoes) or "nobody"
        return f"{ballot.voter!r} may not veto; {entitled} may: reject instead"
    own = sorted(election.own(ballot.voter) & (ballot.options - set(ballot.veto)))
    if own:
        return f"{ballot.voter!r} is an author of {own[0]!r}, and nobody votes on their own: leave it out"
    return None


def _time_problem(election: Election, ballot: Ballot) -> str | None:
    if election.deadline is None:
        return None
    if ballot.at is None:
        return f"it does not say when it was cast, and there is a deadline, {election.deadline}: give at="
    if ballot.at > election.deadline:
        return f"it was cast at {ballot.at}, after the deadline, {election.deadline}"
    return None


def _option_problem(election: Election, ballot: Ballot) -> str | None:
    unknown = sorted(ballot.options - set(election.names))
    if unknown:
        return f"there is no option {unknown[0]!r}: the options are {', '.join(map(repr, election.names))}"
    return None


def _version_problem(election: Election, ballot: Ballot) -> str | None:
    spoken = ballot.options
    for option in sorted((one for one in election.options if one.name in spoken), key=lambda one: one.name):
        name, now, seen = option.name, option.stamp, ballot.seen.get(option.name)
        if now and seen is None:
            return f"it does not say which version of {name!r} it judges: give seen=election.stamps"
        if now and seen != now:
            return f"{name!r} has changed since: it judges version {seen}, and now it is {now}: vote again"
    return None


def _content_problem(election: Election, ballot: Ballot) -> str | None:
    if ballot.abstains or ballot.veto:
        return None
    readable = {
        "approve or reject": bool(ballot.approve or ballot.reject),
        "scores": bool(ballot.scores),
        "ranking": bool(ballot.ranking),
    }
    wanted = READS[election.method]
    if not readable[wanted]:
        return f"{election.method} reads {wanted}, of which it has nothing: fill that, or leave all empty to abstain"
    if election.method == "majority" and len(ballot.approve) > 1:
        return f"majority is one vote for one option, and it approves {len(ballot.approve)}: choose, or count by approval"
    low, high = election.scale
    for name, given in sorted(ballot.scores.items()):
        if not low <= given <= high:
            return f"it gives {name!r} a score of {given}: scores go from {low} to {high}"
    return None


@dataclass(frozen=True, slots=True)
class Admitted:
    """The ballots that count, one for each voter, by the voters' names; and the others."""

    ballots: tuple[Ballot, ...]
    refused: tuple[Refused, ...]


def admit(election: Election, ballots: Iterable[Ballot]) -> Admitted:
    """Find out which ballots count; in which order they come does not matter.

    Of several by one voter that each would count, the one that was cast last does; one without a time was cast before all
    that have one. Different ones cast at the same time contradict each other, and none of that voter counts. Ballots that are
    equal in all are one.
    """
    good: dict[str, list[Ballot]] = {}
    refused: list[Refused] = []
    for _, ballot in sorted({_key(one): one for one in ballots}.items()):
        why = problem(election, ballot)
        if why:
            refused.append(Refused(ballot=ballot, why=why))
        else:
            good.setdefault(ballot.voter, []).append(ballot)
    counting = []
    for voter in sorted(good):
        *earlier, last = good[voter]
        rivals = [one for one in earlier if _time(one) == _time(last)]
        if rivals:
            why = (
                f"{voter!r} cast {len(rivals) + 1} different ballots at the same time: cast one that is later"
            )
            refused += [Refused(ballot=one, why=why) for one in (*rivals, last)]
            rest = [one for one in earlier if _time(one) != _time(last)]
            refused += [
                Refused(ballot=one, why="later ones, which contradict each other, replace it") for one in rest
            ]
        else:
            counting.append(last)
            refused += [
                Refused(ballot=one, why="a later ballot of the same voter replaces it") for one in earlier
            ]
    return Admitted(tuple(counting), tuple(sorted(refused, key=lambda one: _key(one.ballot))))


def _time(ballot: Ballot) -> datetime:
    return ballot.at or _BEFORE_ALL


def _key(ballot: Ballot) -> tuple[str, datetime, str]:
    """What orders ballots, whichever order they come in; equal for ballots that say the same at the same time."""
    plain = ballot.model_copy(
        update={
            **{part: tuple(sorted(getattr(ballot, part))) for part in ("approve", "reject", "veto")},
            **{part: dict(sorted(getattr(ballot, part).items())) for part in ("scores", "seen")},
            "at": None,
        }
    )
    return ballot.voter, _time(ballot), plain.model_dump_json()
