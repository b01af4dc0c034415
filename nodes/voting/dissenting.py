"""Who was against what came out, and why."""

from __future__ import annotations

from collections.abc import Sequence

from .ballot import Ballot
from .result import Dissent


def dissent(ballots: Sequence[Ballot], winner: str | None, reads: str) -> tuple[Dissent, ...]:
    """Those whose ballot wants something else than the winner, in the ballots' order.

    Against a winner is who rejects it, and who, in the part of the ballot that is counted (`reads`), approves others but
    not it, scores another one higher, or ranks another one higher.
    Where nothing won, it is who rejects or vetoes anything. (A veto of another option than the winner is no dissent.)
    """
    found = ((one, _against(one, winner, reads) if winner is not None else _negative(one)) for one in ballots)
    return tuple(
        Dissent(voter=one.voter, stance=stance, reason=one.reason) for one, stance in found if stance
    )


def _negative(ballot: Ballot) -> str:
    parts = [("rejects", ballot.reject), ("vetoes", ballot.veto)]
    return ", ".join(f"{verb} {', '.join(names)}" for verb, names in parts if names)


def _against(ballot: Ballot, winner: str, reads: str) -> str:
    if winner in ballot.reject:
        return f"rejects {winner}"
    if reads == "approve or reject" and ballot.approve and winner not in ballot.approve:
        return f"approves {', '.join(ballot.approve)}"
    if reads == "scores" and winner in ballot.scores:
        mine = ballot.scores[winner]
        better = sorted(name for name, given in ballot.scores.items() if given > mine)
        if better:
            return f"scores {', '.join(better)} higher"
    if reads == "ranking" and ballot.ranking:
        place = ballot.ranking.index(winner) if winner in ballot.ranking else len(ballot.ranking)
        if place:
            return f"prefers {', '.join(ballot.ranking[:place])}"
    return ""
