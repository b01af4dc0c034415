"""Crews of models and agents, on scripts."""

import pytest
import tenacity
from pydantic import BaseModel

from backedge import RunFailedError, spent
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent
from backedge.nodes.crew import Crew, Role, Task
from backedge.nodes.tools import tool
from backedge.providers import Message, ModelResponse, ScriptedModel, ToolCall, Usage
from backedge.providers.errors import OverloadedError

from .members import Topic


def said(text, tokens=1):
    return ModelResponse(message=Message.of("assistant", text), usage=Usage(output_tokens=tokens), cost=0.0)


class Page(BaseModel):
    title: str


async def test_a_model_is_told_the_task_and_what_it_needs_and_gives_what_the_task_wants():
    scout, writer = ScriptedModel([said("They close.")]), ScriptedModel([said('{"title": "Loops"}')])
    crew = Crew(
        [
            Task("facts", "Find out about the topic.", role="scout", needs="topic"),
            Task("page", "Write a page.", role="writer", needs=["facts", "topic"], output=Page),
        ],
        roles={"scout": scout, "writer": Role(writer, instructions="You write well.")},
        inputs=Topic,
    )
    state = (await crew.compile().run({"topic": "loops"})).state
    assert (state.facts, state.page) == ("They close.", Page(title="Loops"))
    system, asked = scout.requests[0].messages
    assert "You are the scout of a crew" in system.text
    assert asked.text == "what to do:\nFind out about the topic.\n\ntopic:\nloops\n\n"
    system, asked = writer.requests[0].messages
    assert system.text == "You write well."
    assert asked.text == "what to do:\nWrite a page.\n\nfacts:\nThey close.\n\ntopic:\nloops\n\n"


async def test_a_manager_that_is_a_model_chooses_and_reviews_and_what_it_says_is_told_on():
    coder = ScriptedModel([said("a loop"), said("a better loop")])
    boss = ScriptedModel(
        [
            said('{"role": "coder"}'),
            said('{"passed": false, "feedback": "it never ends"}'),
            said('{"role": "coder"}'),
            said('{"passed": true}'),
        ]
    )
    crew = Crew(
        [Task("code", "Write a loop.")],
        roles={
            "coder": Role(coder, instructions="You write code."),
            "tester": Agent(coder, instructions="You break it.", name="tester"),
            "boss": Role(boss, instructions="You are strict."),
        },
        process="hierarchical",
        manager="boss",
    )
    state = (await crew.compile().run()).state
    assert state.code == "a better loop"
    assert coder.requests[1].messages[-1].text == (
        "what to do:\nWrite a loop.\n\nwhat was done before by the coder:\na loop\n\n"
        'what is wrong with it:\n[\n "it never ends"\n]\n\n'
    )
    chosen, reviewed, again, passed = [request.messages[-1].text for request in boss.requests]
    assert 'who there is:\n[\n "coder: You write code.",\n "tester: You break it."\n]' in chosen
    assert reviewed == "what to do:\nWrite a loop.\n\nthe work of the coder:\na loop\n\n"
    assert "what was done before by the coder:\na loop" in again
    assert passed.startswith(
        "what to do:\nWrite a loop.\n\nthe work of the coder:\na better loop\n\nwhat was wrong before"
    )
    assert all(request.messages[0].text.startswith("You are strict.") for request in boss.requests)


async def test_what_each_role_and_each_task_cost_is_told_by_agents_and_nodes():
    writer, boss = (
        ScriptedModel([said("x", 5), said("y", 7)]),
        ScriptedModel([said('{"passed": true}', 2)] * 2),
    )
    crew = Crew(
        [Task("one", "x", role="writer"), Task("two", "x", role="writer", needs="one")],
        roles={"writer": writer, "boss": boss},
        process="hierarchical",
        manager="boss",
    )
    journal = MemoryJournal()
    await crew.compile().run(journal=journal, run_id="r")
    ledger = await spent("r", journal=journal)
    assert {name: one.usage.output_tokens for name, one in ledger.by("agent").items()} == {
        "writer": 12,
        "boss": 4,
    }
    assert {name: one.usage.output_tokens for name, one in ledger.by("node").items()} == {
        "one/writer": 5,
        "one/boss-reviews": 2,
        "two/writer": 7,
        "two/boss-reviews": 2,
    }


async def test_models_of_a_role_may_have_tools_and_be_resources():
    @tool(permission="read")
    async def look(place: str) -> str:
        """Look somewhere."""
        return f"{place} is empty"

    call = Message.of("assistant", ToolCall(id="1", name="look", arguments='{"place": "the box"}'))
    crew = Crew(
        [Task("a", "Look.", role="scout"), Task("b", "Look.", role="agent", needs="a")],
        roles={"scout": Role("mind", tools=[look]), "agent": Agent("mind", name="agent")},
    )
    mind = ScriptedModel([call, said("empty"), said("seen")])
    state = (await crew.compile().run(resources={"mind": mind})).state
    assert (state.a, state.b) == ("empty", "seen")


async def test_agents_among_the_tools_of_a_role_may_name_resources_as_their_models():
    helper = Agent("mind", name="helper")
    call = Message.of("assistant", ToolCall(id="1", name="helper", arguments='{"request": "help"}'))
    own, mind = ScriptedModel([call, said("done")]), ScriptedModel([said("so")])
    crew = Crew([Task("a", "x")], roles={"x": Role(own, tools=[helper])})
    assert (await crew.compile().run(resources={"mind": mind})).state.a == "done"
    assert len(mind.requests) == 1


async def test_an_agent_goes_on_in_its_second_turn_when_its_run_is_resumed():
    @tool(permission="read")
    async def look() -> str:
        """Look."""
        return "seen"

    call = Message.of("assistant", ToolCall(id="1", name="look", arguments="{}"))
    model = ScriptedModel([call, OverloadedError("full"), said("done")])
    flow, journal = Crew([Task("a", "x")], roles={"x": Role(model, tools=[look])}).compile(), MemoryJournal()
    with pytest.raises(RunFailedError, match="full"):
        await flow.run({}, journal=journal, run_id="r")
    assert (await flow.resume("r", journal=journal)).state.a == "done"
    assert [message.role for message in model.requests[2].messages] == ["system", "user", "assistant", "tool"]


async def test_a_task_that_is_tried_again_asks_its_model_anew():
    model = ScriptedModel([said("no page")] * 3 + [said('{"title": "t"}')])
    again = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(2))
    crew = Crew([Task("a", "x", retry=again)], roles={"x": Agent(model, output=Page)})
    assert (await crew.compile().run(journal=MemoryJournal())).state.a == Page(title="t")


@pytest.mark.parametrize("process", ["parallel", "hierarchical"])
async def test_a_crew_whose_model_could_not_be_reached_goes_on_with_that_call(process):
    first, second = ScriptedModel([said("one")]), ScriptedModel([OverloadedError("full"), said("two")])
    boss = ScriptedModel([said('{"passed": true}')] * 2)
    more = {"boss": Role("mind")} if process == "hierarchical" else {}
    crew = Crew(
        [Task("a", "x", role="first"), Task("b", "x", role="second", needs="a")],
        roles={"first": first, "second": second, **more},
        process=process,
        manager="boss" if more else "",
    )
    flow, journal = crew.compile(), MemoryJournal()
    options = {"journal": journal, "resources": {"mind": boss} if more else {}}
    with pytest.raises(RunFailedError, match="full"):
        await flow.run(run_id="r", **options)
    state = (await flow.resume("r", **options)).state
    assert (state.a, state.b, len(first.requests)) == ("one", "two", 1)
    assert await flow.replay("r", rerun="all", **options)
