"""Votes: ballots by agents, functions and people, counted by a rule that is written down.

`count` makes a `Result` of an `Election` and its ballots; it is pure, and knows neither graphs nor clocks. `poll` is the
graph of a vote: it asks voters, keeps their ballots in the state, and counts.

Example:
    >>> from backedge.nodes.voting import Election, approve, count, reject
    >>> election = Election(options=["merge it"], voters=["ann", "bob", "cy"], quorum=2)
    >>> result = count(election, [approve("ann", "merge it"), reject("bob", "merge it", reason="no tests")])
    >>> result.status, result.dissent[0].voter
    ('below_threshold', 'bob')
"""

from __future__ import annotations

from .admitting import BallotError, check
from .ballot import Ballot, Opinion, abstain, approve, rank, reject, score, veto
from .counting import count
from .election import Election, Method, Option
from .polling import Poll, Voter, ballot_paper, person, poll
from .result import Dissent, Refused, Result, Round, Status, Vetoed

__all__ = [
    "Ballot",
    "BallotError",
    "Dissent",
    "Election",
    "Method",
    "Opinion",
    "Option",
    "Poll",
    "Refused",
    "Result",
    "Round",
    "Status",
    "Vetoed",
    "Voter",
    "abstain",
    "approve",
    "ballot_paper",
    "check",
    "count",
    "person",
    "poll",
    "rank",
    "reject",
    "score",
    "veto",
]
