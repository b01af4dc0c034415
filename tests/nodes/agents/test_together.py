"""Agents as tools of each other, their models by name, and what each of them cost."""

import asyncio

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, RunFailedError, RunStatus, spent
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent
from backedge.nodes.tools import tool
from backedge.providers import Model, ScriptedModel, Usage
from backedge.providers.errors import OverloadedError, ServerError
from backedge.providers.wrappers import Budget, Budgeted, Retrying

from .scripts import answered, call, calls, flow_of, ran, told_last


class Found(BaseModel):
    pages: list[int]


def asks(text, ident="1", name="researcher"):
    return call(name, f'{{"request": "{text}"}}', ident)


def delegate(*said, name="researcher", **more):
    model = ScriptedModel(list(said), name=name)
    return model, Agent(model, instructions="You look things up.", name=name, **more)


async def test_an_agent_is_a_tool_for_another():
    inner, researcher = delegate('{"pages": [1]}', '{"pages": [2, 3]}', output=Found)
    outer = ScriptedModel([calls(asks("one"), asks("two", "2")), "three pages"])
    result = await ran(Agent(outer, [researcher.as_tool(description="Finds pages.")], name="boss"))
    assert result.state.answer == "three pages"
    assert sorted(request.messages[1].text for request in inner.requests) == ["one", "two"]
    assert sorted(one.text for one in told_last(outer)) == ['{"pages":[1]}', '{"pages":[2,3]}']
    spec = outer.requests[0].tools[0]
    assert (spec.name, spec.description) == ("researcher", "Finds pages.")
    assert spec.parameters["properties"]["request"]["description"]


async def test_what_an_agent_as_a_tool_fails_with_is_told_to_the_other_and_others_go_on():
    _, lazy = delegate("", "", "", name="lazy", repairs=0)
    _, good = delegate("found", name="good")
    outer = ScriptedModel([calls(asks("a", "1", "lazy"), asks("b", "2", "good")), "half"])
    await ran(Agent(outer, [lazy.as_tool(), good.as_tool()]))
    one, other = told_last(outer)
    assert one.failed
    assert one.text.startswith("lazy has no answer that can be used: the answer is empty")
    assert (other.failed, other.text) == (False, "found")


async def test_a_model_of_another_agent_that_is_down_fails_the_run_which_goes_on_there():
    inner, researcher = delegate(OverloadedError("full"), "found")
    outer = ScriptedModel([calls(asks("a")), "done"])
    flow, journal = flow_of(Agent(outer, [researcher.as_tool()])), MemoryJournal()
    with pytest.raises(RunFailedError, match="full"):
        await flow.run({}, journal=journal, run_id="r")
    assert (await flow.resume("r", journal=journal)).state.answer == "done"
    assert (len(outer.requests), len(inner.requests)) == (2, 2)


async def test_an_agent_as_a_tool_asks_a_person_by_itself():
    made = []

    @tool(permission="write")
    async def write(path: str) -> str:
        """Write."""
        made.append(path)
        return "ok"

    _, helper = delegate(calls(call("write", '{"path": "a"}')), "written", tools=[write])
    outer = ScriptedModel([calls(asks("a")), "done"])
    result = await ran(
        Agent(outer, [helper.as_tool()], name="boss"), answers=lambda text: text.startswith("researcher")
    )
    assert (result.status, made) == (RunStatus.COMPLETED, ["a"])


async def test_models_that_are_named_come_from_the_graphs_resources_at_any_depth():
    worker = Agent("cheap", instructions="Work.", name="worker")
    middle = Agent("dear", [worker.as_tool()], "Lead.", name="middle")
    top = Agent("dear", [middle.as_tool()], name="top")
    assert top.models == {"cheap", "dear"}
    cheap = ScriptedModel(["done by worker"])
    script = [
        calls(asks("x", "1", "middle")),
        calls(asks("y", "1", "worker")),
        "middle says ok",
        "top says ok",
    ]
    result = await ran(top, cheap=cheap, dear=ScriptedModel(script))
    assert result.state.answer == "top says ok"
    assert cheap.requests[0].messages[-1].text == "y"


async def test_an_agent_that_names_its_model_says_so_where_it_has_none():
    class State(BaseModel):
        answer: str = ""

    agent, graph = Agent("coder", name="ann"), Graph(State)

    @graph.node(writes="answer")
    async def node(ctx: Context) -> str:
        return (await agent.run("go", ctx)).output

    graph.chain(START, node, END)
    with pytest.raises(RunFailedError, match="ann needs models="):
        await graph.compile().run({})


async def test_what_each_agent_took_is_told_by_the_journal():
    _, researcher = delegate(answered("found", tokens=7, cost=0.25), answered("more", tokens=5, cost=0.5))
    outer = ScriptedModel(
        [calls(asks("a"), asks("b", "2")), answered("done", tokens=100, cost=2.0)], name="outer"
    )
    flow, journal = flow_of(Agent(outer, [researcher.as_tool()], name="boss")), MemoryJournal()
    await flow.run({}, journal=journal, run_id="r")
    ledger = await spent("r", journal=journal)
    one, other = ledger.by("agent")["researcher"], ledger.by("agent")["boss"]
    assert (one.calls, one.cost, one.usage.output_tokens) == (2, 0.75, 12)
    assert (other.calls, other.cost, other.usage.output_tokens) == (2, 2.0, 100)
    assert ledger.by("node")["boss"].calls == 4


@pytest.mark.parametrize("stream", [False, True])
async def test_a_try_that_failed_counts_for_the_agent_whose_process_died_before_the_next(stream):
    dying = asyncio.Event()

    async def never(seconds):
        dying.set()
        await asyncio.Event().wait()

    down = ServerError("down", usage=Usage(input_tokens=70))
    shared = Retrying(ScriptedModel([answered("from ann", tokens=5), down], name="m"), sleep=never)
    ann, bob = (Agent(shared, instructions="x", name=name, stream=stream) for name in ("ann", "bob"))
    outer = ScriptedModel([calls(asks("a", "1", "ann")), calls(asks("b", "1", "bob"))], name="outer")
    flow, journal = flow_of(Agent(outer, [ann, bob], name="boss")), MemoryJournal()
    async with flow.start({}, journal=journal, run_id="r"):
        await asyncio.wait_for(dying.wait(), 5)
    sums = (await spent("r", journal=journal)).by("agent")
    assert (sums["bob"].calls, sums["bob"].failed, sums["bob"].usage.input_tokens) == (1, 1, 70)
    assert (sums["ann"].calls, sums["ann"].failed, sums["ann"].usage.output_tokens) == (1, 0, 5)
    assert (sums["boss"].calls, sums["boss"].failed) == (2, 0)


async def test_a_budget_may_be_kept_for_each_agent():
    def budgeted(*said, name):
        return Budgeted(ScriptedModel(list(said), name=name), budget=budget, output=0)

    budget = Budget(tokens=4000, per="agent")
    researcher = Agent(
        budgeted(answered("found", tokens=3990), "more", name="r"), instructions="x", name="ann"
    )
    outer = budgeted(calls(asks("a", "1", "ann")), calls(asks("b", "1", "ann")), "done", name="o")
    with pytest.raises(RunFailedError, match="BudgetExceeded"):
        await flow_of(Agent(outer, [researcher.as_tool()], name="boss")).run({})
    assert budget.state(agent="ann").tokens >= 3990
    assert budget.state(agent="boss").tokens < 1000


async def test_resources_may_be_models_that_know_nothing_of_recording():
    class Bare:
        name = "bare"

        async def respond(self, request):
            return answered("bare answer")

        async def stream(self, request):
            raise AssertionError
            yield

    assert isinstance(Bare(), Model)
    assert (await ran(Agent(Bare()))).state.answer == "bare answer"


async def test_of_two_agents_at_once_the_one_that_answered_is_not_asked_again_when_the_other_failed():
    ann, bob = (
        ScriptedModel(["from ann"], name="m1"),
        ScriptedModel([OverloadedError("full"), "from bob"], name="m2"),
    )
    team = [Agent(ann, instructions="x", name="ann"), Agent(bob, instructions="x", name="bob")]
    outer = ScriptedModel([calls(asks("a", "1", "ann"), asks("b", "2", "bob")), "done"])
    flow, journal = flow_of(Agent(outer, team, name="boss")), MemoryJournal()
    with pytest.raises(RunFailedError, match="full"):
        await flow.run({}, journal=journal, run_id="r")
    assert (await flow.resume("r", journal=journal)).state.answer == "done"
    assert [len(one.requests) for one in (ann, bob, outer)] == [1, 2, 2]
    assert [one.text for one in told_last(outer)] == ["from ann", "from bob"]
    assert await flow.replay("r", journal=journal, rerun="all")
