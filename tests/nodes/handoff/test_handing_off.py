"""Handing off: who is told what, what of the conversation goes along, and how answers come back."""

from typing import Annotated

import pytest
from pydantic import BaseModel
from tenacity import AsyncRetrying, stop_after_attempt

from backedge import END, START, Graph, GraphError, RunFailedError, add
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent, KeepTurns, Leave, Summarise, Summary
from backedge.nodes.handoff import Handoff, SwarmState, everything, last, only_message, swarm, without_tools
from backedge.nodes.handoff.viewing import filtered
from backedge.nodes.tools import tool
from backedge.providers import Message, Model, ScriptedModel

from ..agents.scripts import call, calls
from .teams import Team, handing, line, to, trail

ASKED = ["user: why?", "assistant: transfer_to_b", "tool: b has the work now"]


async def test_the_next_agent_goes_on_with_what_was_said_and_what_it_is_told():
    team = Team("ab", handing("b", "it is about money"), "42")
    result = await team.ran()
    assert team.worked() == "ab"
    assert team.shown() == [*ASKED, "user: a gives the work to you: it is about money"]
    assert (result.state.answer, result.state.active, trail(result)) == ("42", "b", ["a>b"])
    assert [one.role for one in result.state.talk] == ["user", "assistant", "tool", "user", "assistant"]


def quiet(seen):
    return [one for one in seen if one.role == "user"]


def in_short(seen):
    return [Message.of("user", f"{len(seen)} messages"), seen[0]]


@pytest.mark.parametrize(
    ("context", "shown"),
    [
        (everything, ASKED),
        (only_message, []),
        (last(1), ASKED[1:]),
        (last(2), ASKED),
        (without_tools, ["user: why?"]),
        (quiet, ["user: why?"]),
        (in_short, ["user: 3 messages", "user: why?"]),
    ],
)
async def test_a_filter_says_what_of_the_conversation_goes_along(context, shown):
    team = Team("ab", handing("b"), "42")
    result = await team.ran(handoffs={"a": [Handoff(to="b", context=context)]})
    assert team.shown() == [*shown, "user: a gives the work to you: go on"]
    assert len(result.state.talk) == 5 + (context is in_short), "what a filter makes up is kept with the rest"


async def test_what_a_filter_left_out_stays_left_out_further_on():
    script = (handing("b"), handing("c"), "done")
    team = Team("abc", *script)
    await team.ran(handoffs={"a": [Handoff(to="b", context=only_message)], "b": ["c"]})
    assert team.shown() == [
        "user: a gives the work to you: go on",
        "assistant: transfer_to_c",
        "tool: c has the work now",
        "user: b gives the work to you: go on",
    ]


async def test_without_tools_words_beside_a_call_stay():
    beside = Message.of("assistant", "One moment.", to("b"))
    team = Team("ab", beside, "42")
    await team.ran(handoffs={"a": [Handoff(to="b", context=without_tools)]})
    assert team.shown()[:-1] == ["user: why?", "assistant: One moment."]


def test_entries_that_are_one_and_the_same_keep_their_places():
    same, other = Message.of("user", "same"), Message.of("user", "other")
    assert filtered([same, other, same], [(0, 3)], everything) == (((0, 3),), [])
    assert filtered([same, other], [(0, 2)], lambda seen: [seen[1], seen[1]]) == (((1, 2), (1, 2)), [])


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["a text"], "the context filter wrong gives entries of a conversation, not 'a text'"),
        (None, "the context filter wrong gives a list of entries of a conversation, not None"),
    ],
)
async def test_a_filter_that_gives_no_entries_is_an_error_that_names_it(given, problem):
    def wrong(seen):
        return given

    with pytest.raises(RunFailedError, match=problem):
        await Team("ab", handing("b")).ran(handoffs={"a": [Handoff(to="b", context=wrong)]})


def test_the_last_none_is_an_error():
    with pytest.raises(ValueError, match="from 1, not 0; for none say only_message"):
        last(0)


class Ticket(BaseModel):
    order: int
    urgent: bool = False


async def test_a_structured_input_is_checked_and_told_as_json():
    bad, good = {"details": {"order": "x"}}, {"details": {"order": 7, "urgent": True}}
    team = Team("ab", handing("b", **bad), handing("b", **good), "42")
    result = await team.ran(handoffs={"a": [Handoff(to="b", input=Ticket)]})
    assert "transfer_to_b was not called, its arguments do not fit:\n- details.order" in team.results(1)[0]
    assert result.state.trail[0].told == '{\n "order": 7,\n "urgent": true\n}'
    assert '"order": 7' in team.shown()[-1]
    told = team.model.requests[0].tools[0]
    assert "order" in str(told.parameters)


async def test_a_model_is_told_whom_it_may_hand_off_to_and_what_for():
    team = Team("abc", "no need")
    handoffs = {"a": ["b", Handoff(to=team.c, when="Money.", returns=True)]}
    await team.ran(handoffs=handoffs)
    assert {one.name: one.description for one in team.model.requests[0].tools} == {
        "transfer_to_b": "Give the work to b. You are b.",
        "transfer_to_c": "Ask c and get the answer. Money.",
    }


async def test_of_several_handoffs_in_one_turn_the_first_counts_and_the_others_are_told_so():
    team = Team("abc", Message.of("assistant", to("c"), to("b")), "42")
    result = await team.ran()
    assert (team.worked(), trail(result)) == ("ac", ["a>c"])
    assert team.shown()[2] == (
        "tool: c has the work now transfer_to_b was not called: transfer_to_c came first, and only one of them counts"
    )


@pytest.mark.parametrize("name", ["a", "nobody"])
async def test_who_hands_off_to_itself_or_to_nobody_there_is_told_whom_there_is(name):
    team = Team("ab", handing(name), "then I do it")
    result = await team.ran()
    assert (result.state.answer, trail(result)) == ("then I do it", [])
    assert "did you mean transfer_to_b? there are: transfer_to_b" in team.results()[0]


async def test_an_answer_comes_back_to_who_waits_and_goes_on_with_what_he_had_seen():
    team = Team("ab", handing("b", "how much?"), "7 euros", "It costs 7 euros.")
    result = await team.ran(handoffs={"a": [Handoff(to="b", returns=True)]})
    assert (team.worked(), trail(result)) == ("aba", ["a?b", "a<b"])
    assert team.shown(1)[-1] == "user: a asks you, and waits for your answer: how much?"
    asked = ["user: why?", "assistant: transfer_to_b", "tool: b was asked"]
    assert team.shown(2) == [*asked, "user: b answers: 7 euros"], "and not what b did for it"
    assert (result.state.answer, result.state.active) == ("It costs 7 euros.", "a")


async def test_answers_of_nested_calls_come_back_one_after_the_other():
    ask = {"returns": True, "context": only_message}
    team = Team("abc", handing("b"), handing("c"), "c says", "b says", "a says")
    result = await team.ran(handoffs={"a": [Handoff(to="b", **ask)], "b": [Handoff(to="c", **ask)]})
    assert (team.worked(), trail(result)) == ("abcba", ["a?b", "b?c", "b<c", "a<b"])
    assert team.shown(3)[0] == "user: a asks you, and waits for your answer: go on", "what b was shown before"
    assert team.shown(3)[-1] == "user: c answers: c says"
    assert team.shown(4)[-1] == "user: b answers: b says"


async def test_who_is_asked_may_give_the_work_away_and_the_answer_still_comes_back():
    team = Team("abc", handing("b"), handing("c"), "c says", "a says")
    result = await team.ran(handoffs={"a": [Handoff(to="b", returns=True)], "b": ["c"]})
    assert trail(result) == ["a?b", "b>c", "a<c"]
    assert result.state.answer == "a says"


async def test_who_waits_for_an_answer_may_get_the_work_and_then_answers_himself():
    team = Team("ab", handing("b"), handing("a"), "to myself", "the end")
    result = await team.ran(handoffs={"a": [Handoff(to="b", returns=True)], "b": ["a"]})
    assert (trail(result), result.state.answer) == (["a?b", "b>a", "a<a"], "the end")


class Price(BaseModel):
    euros: int


async def test_answers_of_a_type_come_back_as_json_and_the_last_one_as_itself():
    model = ScriptedModel([handing("b"), '{"euros": 7}', handing("c"), '{"euros": 9}'])
    agents = [
        Agent(model, instructions=f"You are {name}.", output=kind, name=name)
        for name, kind in (("a", str), ("b", Price), ("c", Price))
    ]
    flow = swarm(agents, handoffs={"a": [Handoff(to="b", returns=True), "c"]}).compile()
    result = await flow.run({"question": "?"}, journal=(journal := MemoryJournal()), run_id="r")
    assert result.state.trail[1].told == '{\n "euros": 7\n}'
    assert result.state.answer == Price(euros=9)
    assert await flow.replay("r", journal=journal, rerun="all")


@tool(permission="read")
def nothing() -> str:
    """Do nothing."""
    return "nothing"


def summarising(*script):
    """Agents that show the model a summary and their last answer; and what they were shown, for each turn of the script."""
    memory = Summarise(over=KeepTurns(1), keep=KeepTurns(1))
    team, turns = Team("ab", memory=memory, tools=[nothing]), []

    def answer(request):
        if "You are" not in request.messages[0].text:
            return "a summary"
        turns.append([line(one) for one in request.messages[1:]])
        return script[len(turns) - 1]

    team.model._script = answer
    return team, turns


NOTHING = calls(call("nothing"))


def summaries(state):
    return [one.covers for one in state.talk if isinstance(one, Summary)]


async def test_a_summary_of_the_whole_conversation_is_kept_and_counts_for_the_next_agent():
    team, turns = summarising(NOTHING, NOTHING, handing("b", "one"), "end")
    state = (await team.ran()).state
    assert summaries(state)
    assert any("a summary" in one for one in turns[3])
    asked = [one.messages[-1].text for one in team.model.requests if "You are" not in one.messages[0].text]
    assert asked[-1].startswith("What was said before, in short:\na summary"), "b begins with that of a"


async def test_a_summary_of_a_part_of_the_conversation_is_not_kept():
    """For others it would stand for other messages than it was made of."""
    team, turns = summarising(handing("b", "one"), NOTHING, NOTHING, handing("a"), "end")
    state = (await team.ran(handoffs={"a": [Handoff(to="b", context=only_message)], "b": ["a"]})).state
    assert any("a summary" in one for one in turns[3]), "b made one for itself"
    assert (summaries(state), state.answer) == ([], "end")


async def test_who_is_shown_a_part_of_the_conversation_is_shown_no_summary_of_all_of_it():
    """It would stand for messages that he is not shown, and hide those that he is."""
    team, turns = summarising(NOTHING, NOTHING, handing("b", "one"), "end")
    await team.ran(handoffs={"a": [Handoff(to="b", context=last(1))]})
    assert any("a summary" in one for one in turns[2])
    assert turns[3] == [*ASKED[1:], "user: a gives the work to you: one"]


async def test_leave_that_a_person_gave_counts_when_the_agent_has_the_work_again():
    @tool(permission="write")
    def delete(path: str) -> str:
        """Delete."""
        return f"deleted {path}"

    wanted = calls(call("delete", '{"path": "x"}'))
    team = Team("ab", wanted, handing("b"), handing("a"), wanted, "done", tools=[delete])
    handoffs = {"a": [Handoff(to="b", context=only_message)], "b": ["a"]}
    flow, journal = team.graph(handoffs=handoffs).compile(), MemoryJournal()
    waiting = await flow.run({"question": "?"}, journal=journal, run_id="r")
    assert "a wants to call delete" in waiting.questions[0].text
    result = await flow.resume("r", journal=journal, answers={waiting.questions[0].id: "always"})
    assert result.state.answer == "done"
    assert sum(isinstance(one, Leave) for one in result.state.talk) == 1


async def test_a_further_question_goes_to_who_had_the_work_with_all_that_was_said():
    team = Team("ab", handing("b"), "42", "as I said")
    first = (await team.ran(go_on=True)).state
    again = {"question": "sure?", "talk": first.talk, "active": first.active}
    second = await team.ran(again, go_on=True)
    assert (team.worked(), second.state.answer) == ("abb", "as I said")
    assert team.shown()[-2:] == ["assistant: 42", "user: sure?"]


async def test_with_a_further_question_anybody_may_begin():
    team = Team("ab", "b")
    assert (await team.ran({"active": "b"}, go_on=True, handoffs={})).state.answer == "b"


async def test_an_agent_whose_answer_was_no_use_may_be_asked_anew_and_nobody_else_is():
    team, journal = Team("ab", handing("b"), "", "42", repairs=0), MemoryJournal()
    flow = team.graph(reuse="completed").compile()
    with pytest.raises(RunFailedError, match="the answer is empty"):
        await flow.run({"question": "?"}, journal=journal, run_id="r")
    assert (await flow.resume("r", journal=journal)).state.answer == "42"
    assert team.worked() == "abb"
    team = Team("ab", handing("b"), "", "42", repairs=0)
    again = AsyncRetrying(stop=stop_after_attempt(2))
    assert (await team.ran(reuse="completed", retry=again)).state.answer == "42"


async def test_a_swarm_goes_round_in_a_loop_around_it():
    class Outer(BaseModel):
        question: str
        answer: str = ""
        rounds: Annotated[int, add] = 0

    team = Team("ab", handing("b"), "first", handing("b"), "second")
    graph, journal = Graph(Outer), MemoryJournal()
    inner = graph.subgraph(team.graph(), name="team")

    @graph.node(writes="rounds")
    async def look(answer: str) -> int:
        return 1

    graph.chain(START, inner, look)
    graph.feedback(look, inner, when=lambda answer: answer == "first", limit=1)
    graph.edge(look, END, when=lambda answer: answer == "second")
    flow = graph.compile()
    result = await flow.run({"question": "?"}, journal=journal, run_id="r")
    assert (result.state.answer, result.state.rounds, team.worked()) == ("second", 2, "abab")
    assert await flow.replay("r", journal=journal, rerun="all")


async def test_a_swarm_is_a_node_of_another_graph_and_its_models_may_be_resources():
    class Outer(BaseModel):
        question: str
        reply: str = ""

    agents = [Agent("brain", instructions=f"You are {name}.", name=name) for name in "ab"]
    model = ScriptedModel([handing("b"), "42"])
    graph = Graph(Outer, resources={"brain": Model})
    inner = graph.subgraph(swarm(agents), name="team", writes={"answer": "reply"})
    graph.chain(START, inner, END)
    result = await graph.compile().run({"question": "?"}, resources={"brain": model})
    assert result.state.reply == "42"


def test_a_swarm_is_drawn_with_an_edge_for_each_handoff_and_a_round_for_each_turn():
    flow = Team("abc").graph(handoffs={"a": ["b", Handoff(to="c", returns=True)]}).compile()
    edges = {one.id: one for one in flow.definition.edges}
    assert set(edges) == {"START->a", "a->b", "a->c", "c->a", "a->END", "b->END"}
    assert {name for name, one in edges.items() if one.feedback} == {"a->c", "c->a"}
    assert edges["a->c"].limit == 10


def test_all_that_does_not_fit_together_is_told_at_once():
    @tool(permission="read", name="transfer_to_b")
    def own() -> str:
        """Own."""
        return ""

    model = ScriptedModel([])
    a, b, c = Agent(model, [own], name="a"), Agent(model, name="b"), Agent(model, name="c")
    stranger = Agent(model, name="b")
    with pytest.raises(GraphError) as caught:
        swarm(
            [a, b, b, c],
            start="d",
            handoffs={
                a: ["a", b, c, Handoff(to="c")],
                stranger: [c],
                "b": ["e"],
                c: [Handoff(to=b, input=Agent)],
            },
            at_limit="never",
        )
    told = "\n".join(caught.value.problems)
    for problem in (
        "two agents are called 'b'",
        "start= names 'd', who is not in the swarm; there is a, b, c",
        "a cannot hand off to itself",
        "a has a tool 'transfer_to_b' of its own",
        "a has two handoffs to c",
        "handoffs= names <agent b>, who is not in the swarm",
        "handoffs= of b names 'e'",
        "c cannot hand off to b: ",
        "at_limit= wants",
    ):
        assert problem in told
    assert len(caught.value.problems) == 9


@pytest.mark.parametrize(
    ("names", "options", "problem"),
    [
        ("", {}, "a swarm has one agent at least"),
        ("abc", {"handoffs": {"a": ["b"]}}, "nobody hands off to c"),
        ("ab", {"handoffs": ["a"]}, "handoffs= wants \"all\", or agents to agents, not ['a']"),
        ("ab", {"handoffs": {"a": "b"}}, "handoffs= of a is a list, such as ['b']"),
        ("ab", {"handoffs": {"a": Handoff(to="b")}}, "handoffs= of a is a list, such as [Handoff(to='b')]"),
        ("ab", {"limits": 5}, "limits= takes Limits(handoffs=10, depth=5, pair=None), not 5"),
    ],
)
def test_what_can_never_work_is_refused(names, options, problem):
    with pytest.raises(GraphError) as caught:
        Team(names).graph(**options)
    assert problem in str(caught.value)


def test_names_that_no_node_or_no_tool_can_have_are_refused():
    agents = [Agent(ScriptedModel([]), name=name) for name in ("a", "END", "b" * 60)]
    with pytest.raises(GraphError) as caught:
        swarm(agents)
    assert "no agent of a swarm can be called 'END'" in str(caught.value)
    assert f"a cannot hand off to {'b' * 60}: a tool's name has 1 to 64 letters" in str(caught.value)


@pytest.mark.parametrize(
    ("agents", "problem"),
    [
        (["a"], "a swarm is of agents, and 'a' is none"),
        (Agent(ScriptedModel([]), name="a"), "a swarm is of a list of agents, not <agent a>"),
    ],
)
def test_what_is_no_agent_is_refused(agents, problem):
    with pytest.raises(GraphError) as caught:
        swarm(agents)
    assert caught.value.problems == (problem,) or caught.value.problems == [problem]


async def slow(seen):
    return seen


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"to": 5}, "takes an agent, or the name of one, not 5"),
        ({"to": "b", "context": "last"}, "takes a filter, such as last\\(5\\) or only_message, not 'last'"),
        ({"to": "b", "context": slow}, "takes a plain function"),
    ],
)
def test_a_handoff_of_what_it_cannot_be_is_refused_where_it_is_made(options, problem):
    with pytest.raises(TypeError, match=problem):
        Handoff(**options)


async def test_one_agent_alone_is_a_swarm_too():
    result = await Team("a", "42").ran()
    assert (result.state.answer, result.state.trail) == ("42", [])
    assert type(result.state) is SwarmState
