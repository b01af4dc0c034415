"""Votes as graphs: voters are asked side by side, ballots are kept, and a run that stops goes on with those it has."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import (
    END,
    START,
    CustomEvent,
    Graph,
    GraphError,
    InputError,
    ReplayMismatchError,
    RunFailedError,
    RunStatus,
    extend,
)
from backedge.nodes.voting import (
    Ballot,
    Election,
    Opinion,
    Option,
    Result,
    approve,
    ballot_paper,
    count,
    person,
    poll,
    veto,
)
from backedge.providers import Message, ModelRequest, ScriptedModel
from backedge.providers.structured import respond_as

ELECTION = Election(
    options={"plan": "by train"}, voters=["ann", "bob", "cy"], vetoes=["cy"], quorum=3, question="Shall we?"
)


def saying(told=None, **opinion):
    async def vote(election, ctx):
        if told is not None:
            told.append(ctx.activation.node)
        return Opinion(**opinion)

    return vote


def said_by(said):
    async def vote(election, ctx):
        return said

    return vote


def test_functions_vote_and_their_ballots_bear_name_time_and_version():
    flow = poll(
        {"ann": saying(approve=("plan",)), "bob": saying(approve=("plan",)), "cy": saying()}
    ).compile()
    state = flow.run_sync({"election": ELECTION}).state
    assert state.result.winner == "plan"
    assert [one.voter for one in state.ballots] == ["ann", "bob", "cy"]
    assert all(one.seen == ELECTION.stamps and one.at is not None for one in state.ballots)


def test_a_voter_cannot_vote_in_anothers_name():
    async def eve(election, ctx):
        return veto("cy", "plan")

    flow = poll({"ann": saying(approve=("plan",)), "bob": eve, "cy": saying(approve=("plan",))}).compile()
    result = flow.run_sync({"election": ELECTION.model_copy(update={"quorum": 2})}).state.result
    assert result.winner == "plan"
    assert [(one.ballot.voter, one.why) for one in result.refused] == [
        ("bob", "'bob' may not veto; cy may: reject instead")
    ]


def test_a_vote_waits_for_a_person_and_asks_nobody_twice(tmp_path):
    asked, journal = [], tmp_path / "votes.db"
    voters = {
        "ann": saying(asked, approve=("plan",)),
        "bob": saying(asked, approve=("plan",)),
        "cy": person("cy"),
    }
    flow = poll(voters).compile()
    waiting = flow.run_sync({"election": ELECTION}, journal=journal, run_id="vote")
    assert waiting.status is RunStatus.SUSPENDED
    (question,) = waiting.questions
    assert question.text.startswith("Shall we?\n\nThe options:\nplan: by train\n\nIt is counted by majority")

    again = poll(voters).compile()
    answers = {"cy": {"veto": ["plan"], "reason": "no night trains"}}
    done = again.resume_sync("vote", journal=journal, answers=answers)
    assert (done.state.result.status, done.state.result.winner) == ("vetoed", None)
    assert done.state.result.reason == "no option is left: cy vetoed plan (no night trains)"
    assert sorted(asked) == ["ann", "bob"]


def test_a_person_whose_ballot_would_not_count_is_told_why_and_asked_anew(tmp_path):
    journal = tmp_path / "votes.db"
    flow = poll({"ann": person("ann")}).compile()
    election = Election(options=["plan"])
    flow.run_sync({"election": election}, journal=journal, run_id="vote")
    again = flow.resume_sync("vote", journal=journal, answers={"ann": {"veto": ["plan"]}})
    assert again.status is RunStatus.SUSPENDED
    assert "'ann' may not veto; nobody may: reject instead" in again.questions[0].text
    done = flow.resume_sync("vote", journal=journal, answers={"ann": {"reject": ["plan"]}})
    assert done.state.result.dissent[0].voter == "ann"


def test_who_says_nothing_until_the_deadline_is_absent_and_who_would_be_late_is_not_asked(tmp_path):
    asked, given_up = [], []

    async def slow(election, ctx):
        asked.append("slow")
        try:
            await asyncio.sleep(60)
        finally:
            given_up.append("slow")

    voters = {"ann": person("ann"), "slow": slow, "bob": saying(asked, approve=("plan",))}
    flow = poll(voters).compile()
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    for deadline, counted in ((soon, ("bob",)), (soon - timedelta(days=1), ())):
        election = Election(options=["plan"], voters=list(voters), quorum=1, deadline=deadline)
        result = flow.run_sync({"election": election}, journal=tmp_path / "votes.db").state.result
        assert (result.counted, result.status) == (counted, "won" if counted else "no_quorum")
        assert set(result.absent) == set(voters) - set(counted)
    assert (sorted(asked), given_up) == (["bob", "slow"], ["slow"])


def test_a_person_may_answer_until_the_deadline(tmp_path):
    journal, later = tmp_path / "votes.db", datetime.now(UTC) + timedelta(hours=1)
    election = Election(options=["plan"], deadline=later)
    flow = poll({"ann": person("ann")}).compile()
    waiting = flow.run_sync({"election": election}, journal=journal, run_id="vote", patience=0)
    assert waiting.status is RunStatus.SUSPENDED
    assert f"The vote ends at {later}." in waiting.questions[0].text
    done = flow.resume_sync("vote", journal=journal, answers={"ann": {"approve": ["plan"]}})
    assert done.state.result.winner == "plan"
    assert done.state.ballots[0].at <= later


def test_to_ask_a_person_who_has_no_vote_is_an_error():
    flow = poll({"eve": person("eve")}).compile()
    with pytest.raises(RunFailedError, match="'eve' is no voter of this election"):
        flow.run_sync({"election": ELECTION})


def test_a_voter_that_fails_is_absent_where_that_was_agreed_and_else_can_be_resumed(tmp_path):
    broken, asked = [True], []

    async def bob(election, ctx):
        if broken:
            raise TimeoutError("no answer")
        return Opinion(approve=("plan",))

    voters = {"ann": saying(asked, approve=("plan",)), "bob": bob, "cy": saying(asked, approve=("plan",))}
    result = poll(voters, absent=(TimeoutError,)).compile().run_sync({"election": ELECTION}).state.result
    assert (result.status, result.absent) == ("no_quorum", ("bob",))

    asked.clear()
    flow, journal = poll(voters).compile(), tmp_path / "votes.db"
    with pytest.raises(RunFailedError):
        flow.run_sync({"election": ELECTION}, journal=journal, run_id="vote")
    broken.clear()
    assert flow.resume_sync("vote", journal=journal).state.result.winner == "plan"
    assert sorted(asked) == ["ann", "cy"]


async def test_why_somebody_is_absent_is_told_while_it_runs():
    async def broken(election, ctx):
        raise TimeoutError("no answer")

    over = datetime(2026, 1, 1, tzinfo=UTC)
    for deadline, why in ((None, "TimeoutError: no answer"), (over, f"no ballot until {over}")):
        flow = poll({"ann": broken}, absent=(TimeoutError,)).compile()
        async with flow.start({"election": Election(options=["plan"], deadline=deadline)}) as run:
            told = [event.data async for event in run.events() if isinstance(event, CustomEvent)]
        assert told == [{"absent": "ann", "error": why}]


def test_voters_are_told_what_is_counted_and_on_which_scale():
    how = {
        method: ballot_paper(Election(options=["a"], method=method, scale=(1, 5))).rpartition("\n")[2]
        for method in ("highest_score", "borda")
    }
    assert how == {
        "highest_score": "It is counted by highest_score, which reads scores from 1 to 5. Leave all empty to abstain.",
        "borda": "It is counted by borda, which reads ranking. Leave all empty to abstain.",
    }


def test_a_model_votes():
    model = ScriptedModel(['{"approve": ["plan"], "reason": "fast"}'])

    async def ann(election, ctx):
        request = ModelRequest(messages=(Message.of("user", election.question),))
        return (await respond_as(model.for_activation(ctx), request, Opinion, mode="prompt")).value

    result = poll({"ann": ann}).compile().run_sync({"election": Election(options=["plan"])}).state
    assert (result.result.winner, result.ballots[0].reason) == ("plan", "fast")


def test_a_poll_is_a_node_of_another_graph():
    class Trip(BaseModel):
        draft: str
        election: Election
        decision: Result

    graph = Graph(Trip)

    @graph.node(writes="election")
    async def propose(draft: str) -> Election:
        return Election(options=[Option(name="trip", text=draft)])

    vote = graph.subgraph(
        poll({"ann": saying(approve=("trip",))}), name="vote", writes={"result": "decision"}
    )
    graph.chain(START, propose, vote, END)
    assert graph.compile().run_sync({"draft": "by train"}).state.decision.winner == "trip"


def test_count_itself_is_a_node_and_votes_for_an_earlier_draft_fall():
    class Review(BaseModel):
        election: Election
        ballots: Annotated[list[Ballot], extend] = []
        result: Result
        number: int = 0

    graph = Graph(Review)

    @graph.node(writes=("election", "number"))
    async def write(number: int) -> dict[str, object]:
        return {"election": Election(options={"draft": f"draft {number}"}), "number": number + 1}

    @graph.node(writes="ballots")
    async def review(election: Election, number: int) -> list[Ballot]:
        by = ("ann", "bob")[number - 1]
        return [approve(by, "draft", seen=election.stamps)]

    counting = graph.node(count, writes="result")
    graph.chain(START, write, review, counting)
    graph.feedback(counting, write, when=lambda number: number < 2, limit=2)
    graph.edge(counting, END, when=lambda number: number >= 2)
    state = graph.compile().run_sync({}).state
    assert len(state.ballots) == 2
    assert state.result.counted == ("bob",)
    assert "'draft' has changed since" in state.result.refused[0].why


@pytest.mark.parametrize(
    ("voter", "told"),
    [
        (lambda election, ctx: Opinion(), "voter 'ann' is no async function: write async def, not def"),
        (said_by("plan"), "voter 'ann' returns an Opinion, such as Opinion"),
        (said_by({"approve": ["plan"]}), "or None, not {'approve': \\['plan'\\]}"),
    ],
)
def test_a_voter_that_gives_no_opinion_fails_the_run_with_what_it_should_give(voter, told):
    with pytest.raises(RunFailedError, match=told):
        poll({"ann": voter}).compile().run_sync({"election": ELECTION})


@pytest.mark.parametrize("error", [InputError("no"), ReplayMismatchError("ann@0", "no")])
def test_of_an_error_of_the_run_itself_nobody_is_absent(error):
    async def ann(election, ctx):
        raise error

    with pytest.raises((RunFailedError, ReplayMismatchError)):
        poll({"ann": ann}, absent=(Exception,)).compile().run_sync({"election": ELECTION})


def test_a_poll_that_cannot_work_is_told_with_all_that_is_wrong():
    for nobody in ({}, [saying()]):
        with pytest.raises(GraphError, match="a poll asks somebody: give it voters by name"):
            poll(nobody)
    with pytest.raises(GraphError) as caught:
        poll({"count": saying(), "bob": "bob"}, absent=TimeoutError)
    assert caught.value.problems == (
        "a voter cannot be called 'count', as the node that counts is: give them another name",
        "voter 'bob' is an async function of the election and the context, not 'bob'",
        "absent= is a tuple of classes of exceptions, such as (TimeoutError,), not <class 'TimeoutError'>",
    )
    with pytest.raises(GraphError, match="without blanks"):
        poll({"ann lee": saying()})
