"""What happens when agents would hand off once more than they may."""

import pytest
from pydantic import BaseModel

from backedge import END, START, Graph, GraphError, RunFailedError
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent
from backedge.nodes.handoff import Handoff, HandoffLimitError, Limits, swarm
from backedge.providers import Message, ScriptedModel

from .teams import Team, handing, to, trail

PING_PONG = [handing("b"), handing("a"), handing("b"), handing("a")]


@pytest.mark.parametrize(
    ("limits", "named"), [(Limits(handoffs=2), "handoffs=2"), (Limits(pair=2), "pair=2")]
)
async def test_at_a_limit_the_agent_is_told_and_answers_itself(limits, named):
    team = Team("ab", *PING_PONG[:3], "my own answer")
    result = await team.ran(limits=limits)
    assert team.results() == [f"b did not get the work: {named} is reached. Answer yourself."]
    assert (trail(result), result.state.answer, result.state.active) == (["a>b", "b>a"], "my own answer", "a")


async def test_a_limit_of_a_pair_counts_both_directions_and_no_others():
    team = Team("abc", handing("b"), handing("c"), handing("b"), handing("a"), handing("c"), "c")
    result = await team.ran(limits=Limits(pair=2))
    assert trail(result) == ["a>b", "b>c", "c>b", "b>a", "a>c"]


async def test_the_stack_is_no_deeper_than_allowed_and_who_waits_still_gets_answers():
    team = Team("abc", handing("b"), handing("c"), "b alone", "a")
    handoffs = {"a": [Handoff(to="b", returns=True)], "b": [Handoff(to="c", returns=True)]}
    result = await team.ran(handoffs=handoffs, limits=Limits(depth=1))
    assert trail(result) == ["a?b", "a<b"]
    assert "depth=1 is reached" in team.shown(2)[-1]


async def test_answers_that_come_back_count_as_no_handoff():
    ask = [Handoff(to="b", returns=True)]
    team = Team("ab", handing("b"), "1", handing("b"), "2", "3")
    result = await team.ran(handoffs={"a": ask}, limits=Limits(handoffs=2))
    assert trail(result) == ["a?b", "a<b", "a?b", "a<b"]


async def test_a_run_may_fail_at_a_limit_and_go_on_when_there_are_higher_ones():
    team = Team("ab", *PING_PONG, "done")
    journal = MemoryJournal()
    low = team.graph(limits=Limits(handoffs=3), at_limit="fail").compile()
    with pytest.raises(RunFailedError, match="b wants to hand off to a, but handoffs=3 is reached") as caught:
        await low.run({"question": "?"}, journal=journal, run_id="r")
    assert isinstance(caught.value.__cause__, HandoffLimitError)
    high = team.graph(limits=Limits(handoffs=4), at_limit="fail").compile()
    result = await high.resume("r", journal=journal)
    assert (result.state.answer, team.worked()) == ("done", "ababa"), "nobody is asked twice"
    assert trail(result) == ["a>b", "b>a", "a>b", "b>a"]


async def test_the_error_tells_its_parts_to_a_handler_of_an_error_edge():
    team = Team("ab", *PING_PONG)
    inner = team.graph(limits=Limits(handoffs=1), at_limit="fail")
    graph, caught = Graph(inner.state), []
    node = graph.subgraph(inner, name="team")

    @graph.node
    async def handler(error: HandoffLimitError) -> None:
        caught.append(error)

    graph.chain(START, node, END)
    graph.on_error(node, handler, error=HandoffLimitError)
    graph.edge(handler, END)
    await graph.compile().run({"question": "?"}, journal=MemoryJournal())
    assert (caught[0].agent, caught[0].target, caught[0].limit) == ("b", "a", "handoffs=1")


async def test_a_run_may_end_at_a_limit_with_what_was_said_last():
    script = [Message.of("assistant", f"I think {name}.", to(name)) for name in "ba"]
    team = Team("ab", *script)
    handoffs = {"a": [Handoff(to="b", returns=True)], "b": ["a"]}
    state = (await team.ran(handoffs=handoffs, limits=Limits(handoffs=1), at_limit="end")).state
    assert (state.answer, state.limit, state.active) == ("I think a.", "handoffs=1", "b")
    assert state.stack == (), "nobody waits any more"
    silent = Team("ab", handing("b"), handing("a"))
    result = await silent.ran(limits=Limits(handoffs=1), at_limit="end")
    assert result.state.answer == ""


async def test_a_fallback_gets_the_work_at_a_limit_and_may_not_hand_off():
    team = Team("abc", handing("b"), handing("a", "I give up"), handing("a"), "The desk answers.")
    handoffs = {"a": [Handoff(to="b", returns=True)], "b": ["a"], "c": ["a"]}
    result = await team.ran(handoffs=handoffs, limits=Limits(handoffs=1), at_limit=team.c)
    assert (team.worked(), trail(result)) == ("abcc", ["a?b", "b!c"])
    assert team.model.requests[-1].tools == ()
    assert team.shown(2)[-1].endswith("nobody may hand off any more. b said: I give up")
    assert (result.state.answer, result.state.stack) == ("The desk answers.", ()), "nobody waits any more"


async def test_the_fallback_may_be_who_wanted_to_hand_off():
    team = Team("ab", handing("b"), handing("a"), "then I do")
    result = await team.ran(limits=Limits(handoffs=1), at_limit=team.b)
    assert (trail(result), result.state.answer) == (["a>b", "b!b"], "then I do")


async def test_a_fallback_that_was_asked_before_as_often_as_may_be_still_gets_the_work():
    team = Team("ab", handing("b"), "7", handing("b"), "then 8")
    ask = {"a": [Handoff(to="b", returns=True)]}
    result = await team.ran(handoffs=ask, limits=Limits(handoffs=1), at_limit=team.b)
    assert (trail(result), result.state.answer) == (["a?b", "a<b", "a!b"], "then 8")


async def test_after_a_fallback_a_further_question_may_be_handed_off_again():
    team = Team("ab", handing("b"), handing("a"), "desk", handing("a"), "a again")
    limits = Limits(handoffs=1)
    first = (await team.ran(limits=limits, at_limit=team.b, go_on=True)).state
    again = {"question": "more?", "talk": first.talk, "active": first.active}
    result = await team.ran(again, limits=limits, at_limit=team.b, go_on=True)
    assert (trail(result), result.state.answer) == (["b>a"], "a again")


@pytest.mark.parametrize(
    "wrong", [{"handoffs": 0}, {"depth": 0}, {"pair": 0}, {"handoffs": None}, {"depth": "5"}]
)
def test_limits_are_numbers_from_one(wrong):
    ((name, given),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name}= wants a number from 1, not {given!r}"):
        Limits(**wrong)


def test_the_last_words_are_no_answer_of_a_type():
    class Price(BaseModel):
        euros: int

    agents = [Agent(ScriptedModel([]), output=Price, name=name) for name in "ab"]
    with pytest.raises(GraphError, match="no agent answers in words"):
        swarm(agents, at_limit="end")


def test_a_fallback_is_one_of_the_swarm():
    with pytest.raises(GraphError, match="at_limit= names <agent x>, who is not in the swarm"):
        Team("ab").graph(at_limit=Agent(ScriptedModel([]), name="x"))
