"""Exits: tools whose call ends an agent without an answer."""

from typing import Any

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent, AgentExit, TurnLimitError
from backedge.nodes.tools import ToolError, tool
from backedge.providers import ScriptedModel

from .scripts import call, calls, results_in


class State(BaseModel):
    question: str = "why?"
    out: str = ""


@tool(permission="read")
async def leave(reason: str, context: Context) -> str:
    """Go."""
    if reason == "no":
        raise ToolError("not for that reason")
    return f"left: {reason}"


@tool(permission="read")
async def vanish(context: Context) -> str:
    """Go, too."""
    return "gone"


async def left_by(agent: Agent[Any], exits: Any = (leave, vanish)) -> Any:
    """What comes of an agent with exits; run anew from its records it has to be the same."""
    graph, came = Graph(State), []

    @graph.node(writes="out")
    async def work(question: str, ctx: Context) -> str:
        came.append(await agent.run_or_exit(question, ctx, exits=exits))
        return repr(came[-1].conversation)

    graph.chain(START, work, END)
    flow, journal = graph.compile(), MemoryJournal()
    await flow.run(journal=journal, run_id="r")
    report = await flow.replay("r", journal=journal, rerun="all")
    assert report, str(report)
    assert came[0] == came[1]
    return came[0]


async def test_an_agent_ends_as_soon_as_it_calls_an_exit_and_says_which():
    model = ScriptedModel([calls("Bye.", call("leave", '{"reason": "done"}')), "never asked for"])
    out = await left_by(Agent(model))
    assert isinstance(out, AgentExit)
    assert (out.call.name, out.said, out.turns, out.calls) == ("leave", "Bye.", 1, 1)
    assert [one.role for one in out.conversation] == ["user", "assistant", "tool"]
    assert results_in(out.conversation[-1])[0].text == "left: done"
    assert len(model.requests) == 1


async def test_an_agent_that_calls_no_exit_answers_as_ever():
    out = await left_by(Agent(ScriptedModel(["because"])))
    assert out.output == "because"


async def test_of_several_exits_in_one_answer_the_first_that_succeeds_counts():
    wanted = [call("leave", '{"reason": "no"}', "1"), call("vanish", ident="2")]
    wanted += [call("leave", '{"reason": "late"}', "3")]
    out = await left_by(Agent(ScriptedModel([calls(*wanted)])))
    assert out.call.id == "2"
    told = [(one.text, one.failed) for one in results_in(out.conversation[-1])]
    assert told == [
        ("not for that reason", True),
        ("gone", False),
        ("leave was not called: vanish came first, and only one of them counts", True),
    ]


async def test_other_calls_of_the_answer_are_carried_out_and_their_results_kept():
    done = []

    @tool(permission="read")
    async def note(text: str) -> str:
        """Note."""
        done.append(text)
        return "noted"

    model = ScriptedModel([calls(call("vanish", ident="1"), call("note", '{"text": "x"}', "2"))])
    out = await left_by(Agent(model, [note]))
    assert [one.text for one in results_in(out.conversation[-1])] == ["gone", "noted"]
    assert done == ["x"], "the second time it comes from the records"


async def test_an_exit_that_refuses_or_does_not_fit_is_told_and_the_agent_goes_on():
    model = ScriptedModel(
        [calls(call("leave", '{"reason": "no"}')), calls(call("leave", "{}")), calls(call("leav")), "then so"]
    )
    out = await left_by(Agent(model))
    assert out.output == "then so"
    told = [results_in(request.messages[-1])[0].text for request in model.requests[1:]]
    assert told[0] == "not for that reason"
    assert told[1].startswith("leave was not called, its arguments do not fit")
    assert "did you mean leave?" in told[2]


async def test_there_is_no_way_out_in_the_last_turn():
    seen = []

    def script(request: Any) -> Any:
        seen.append(request.tool_choice)
        return calls(call("leave", '{"reason": "no"}' if len(seen) == 1 else '{"reason": "late"}'))

    graph = Graph(State)
    agent = Agent(ScriptedModel(script), max_turns=2)

    @graph.node(writes="out")
    async def work(question: str, ctx: Context) -> str:
        with pytest.raises(TurnLimitError):
            await agent.run_or_exit(question, ctx, exits=[leave])
        return "limit"

    graph.chain(START, work, END)
    assert (await graph.compile().run()).state.out == "limit"
    assert seen[-1] == "none"


async def test_an_exit_with_the_name_of_a_tool_is_an_error():
    graph = Graph(State)

    @graph.node(writes="out")
    async def work(question: str, ctx: Context) -> str:
        with pytest.raises(ValueError, match="agent has two tools called 'leave'"):
            await Agent(ScriptedModel([]), [leave]).run_or_exit(question, ctx, exits=[leave])
        return "refused"

    graph.chain(START, work, END)
    assert (await graph.compile().run()).state.out == "refused"
