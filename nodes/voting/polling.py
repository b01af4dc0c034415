"""The graph of a vote: a node for each voter, side by side, whose ballots go into the state, and one that counts.

Who votes is what the graph says: whatever a voter returns, its ballot bears the voter's name, the time of the run and the
versions of the options that it was shown.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel

from backedge.engine.context import Context
from backedge.engine.errors import GraphError, InputError, JournalError, ReplayMismatchError
from backedge.engine.graph import END, START, Graph
from backedge.engine.state.reducers import extend

from .admitting import BallotError, problem
from .ballot import Ballot, Opinion
from .counting import count
from .election import READS, Election
from .result import Result

Voter: TypeAlias = Callable[[Election, Context], Awaitable[Opinion | None]]
"""Who votes: given the election and the node's context, it returns an `Opinion` (a `Ballot` will do), or None for no ballot.
Whatever it does to the world goes through the context, as in any node."""

NEVER_ABSENT: Final = (InputError, JournalError, ReplayMismatchError)
"""Errors of the run itself, of which nobody who was asked can be said to be absent."""
_COUNT: Final = "count"


class Poll(BaseModel):
    """The state of a vote.

    Attributes:
        election: What is voted on, and how.
        ballots: What was cast.
        result: What came out.
    """

    election: Election
    ballots: Annotated[list[Ballot], extend] = []
    result: Result


def poll(
    voters: Mapping[str, Voter], *, name: str = "poll", absent: tuple[type[Exception], ...] = ()
) -> Graph[Poll]:
    """The graph of a vote: all voters at once, then the count. Use it as a graph, or as a subgraph of another.

    Where the election has a deadline, who has not answered by then is absent, and who is to be asked after it is not asked.

    Args:
        voters: Who is asked, by name. A node is called as its voter, so names are without blanks.
        name: What the graph is called.
        absent: Errors after which a voter is taken as absent; others fail the run, which can be resumed.

    Raises:
        GraphError: It cannot work: there are no voters, one is no function, a name cannot be that of a node ...

    Example:
        >>> from backedge.nodes.voting import Election, Opinion, poll
        >>> async def ann(election, ctx): return Opinion(approve=("tea",))
        >>> async def bob(election, ctx): return Opinion(approve=("tea",))
        >>> flow = poll({"ann": ann, "bob": bob}).compile()
        >>> flow.run_sync({"election": Election(options=["tea", "coffee"], quorum=2)}).state.result.winner
        'tea'
    """
    if found := list(_problems(voters, absent)):
        raise GraphError(found)
    graph: Graph[Poll] = Graph(Poll, name=name)
    counting = graph.node(count, name=_COUNT, writes="result", inline=True)
    for called, voter in voters.items():
        booth = graph.node(_Booth(called, voter, absent), name=called, writes="ballots")
        graph.chain(START, booth, counting)
    graph.edge(counting, END)
    return graph


def _problems(voters: Any, absent: Any) -> Iterator[str]:
    if not isinstance(voters, Mapping) or not voters:
        yield f"a poll asks somebody: give it voters by name, as in poll({{'ann': ann}}), not {voters!r:.100}"
        return
    for name, voter in voters.items():
        if name == _COUNT:
            yield f"a voter cannot be called {name!r}, as the node that counts is: give them another name"
        if not callable(voter):
            yield f"voter {name!r} is an async function of the election and the context, not {voter!r:.100}"
    if not isinstance(absent, tuple) or not all(
        isinstance(one, type) and issubclass(one, Exception) for one in absent
    ):
        yield f"absent= is a tuple of classes of exceptions, such as (TimeoutError,), not {absent!r:.100}"


class _Booth:
    """A node that asks one voter."""

    def __init__(self, name: str, voter: Voter, absent: tuple[type[Exception], ...]) -> None:
        self._name = name
        self._voter = voter
        self._absent = absent

    async def __call__(self, election: Election, ctx: Context) -> list[Ballot]:
        try:
            opinion = await self._in_time(election, ctx)
        except NEVER_ABSENT:
            raise
        except self._absent as error:
            ctx.emit({"absent": self._name, "error": f"{type(error).__name__}: {error}"})
            return []
        return [] if opinion is None else [_ballot(self._name, opinion, election, ctx)]

    async def _in_time(self, election: Election, ctx: Context) -> Opinion | None:
        """What the voter says before the deadline; restarts do not move that."""
        if election.deadline is None:
            return await self._said(election, ctx)
        left = (election.deadline - ctx.now()).total_seconds()
        which, opinion = (
            await ctx.first(self._said(election, ctx), ctx.sleep(left)) if left > 0 else (1, None)
        )
        if which == 1:
            ctx.emit({"absent": self._name, "error": f"no ballot until {election.deadline}"})
            return None
        said: Opinion | None = opinion
        return said

    async def _said(self, election: Election, ctx: Context) -> Opinion | None:
        given: Any = self._voter(election, ctx)
        said = await given if inspect.isawaitable(given) else given
        if said is given:
            raise TypeError(f"voter {self._name!r} is no async function: write async def, not def")
        if said is not None and not isinstance(said, Opinion):
            raise TypeError(
                f"voter {self._name!r} returns an Opinion, such as Opinion(approve=('plan',)), or None, not {said!r:.100}"
            )
        return said


def _ballot(name: str, opinion: Opinion, election: Election, ctx: Context) -> Ballot:
    said = opinion.model_dump(include=set(Opinion.model_fields))
    return Ballot(**said, voter=name, seen=election.stamps, at=ctx.now())


def person(name: str, *, question: str = "") -> Voter:
    """A voter who is a person: the run is suspended until they answer, at most until the election's deadline.

    An answer that would not count is asked for anew, with what was wrong. Who does not answer in time is absent. A name that
    is no voter of the election is a `BallotError`.

    Args:
        name: The voter's name; the one that `poll` calls it.
        question: What to ask; by default the election's question.

    Example::

        flow = poll({"ann": person("ann"), "bob": agent}).compile()
        result = await flow.run({"election": election}, journal="votes.db", run_id="vote")   # suspended
        answers = {"ann": {"reject": ["plan"], "reason": "too dear"}}
        await flow.resume("vote", journal="votes.db", answers=answers)
    """

    async def vote(election: Election, ctx: Context) -> Opinion:
        empty = _ballot(name, Opinion(), election, ctx)
        if problem(election, empty):
            raise BallotError(empty, f"{problem(election, empty)}")
        told = question or ballot_paper(election)
        wrong = ""
        while True:
            opinion: Opinion = await ctx.ask(f"{wrong}{told}", schema=Opinion)
            why = problem(election, _ballot(name, opinion, election, ctx))
            if why is None:
                return opinion
            wrong = f"Your ballot would not count: {why}.\n\n"

    return vote


def ballot_paper(election: Election) -> str:
    """What a voter has to know, in words, for people and models.

    Example:
        >>> print(ballot_paper(Election(options={"tea": "hot", "juice": "cold"}, question="What to drink?")))
        What to drink?
        <BLANKLINE>
        The options:
        tea: hot
        juice: cold
        <BLANKLINE>
        It is counted by majority, which reads approve or reject. Leave all empty to abstain.
    """
    options = [f"{one.name}: {one.text}" if one.text else one.name for one in election.options]
    low, high = election.scale
    reads = READS[election.method]
    scale = f" from {low:g} to {high:g}" if reads == "scores" else ""
    how = f"It is counted by {election.method}, which reads {reads}{scale}. Leave all empty to abstain."
    until = f" The vote ends at {election.deadline}." if election.deadline else ""
    question = election.question or "How do you vote?"
    return "\n".join([question, "", "The options:", *options, "", how + until])
