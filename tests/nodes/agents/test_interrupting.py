"""Runs that are stopped in the middle of a tool, of another agent, of a stream: what was done counts, and nothing else."""

import asyncio

import pytest

from backedge import BlockingContext, Context, EffectKey, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.engine.execution.steps import NOT_DONE
from backedge.nodes.agents import Agent
from backedge.nodes.tools import tool
from backedge.providers import ScriptedModel

from .scripts import call, calls, flow_of, ran, told_last


class Slow:
    """Something outside, in which the first one to come stays."""

    def __init__(self):
        self.came = asyncio.Event()
        self.done = []

    async def do(self, what):
        first = not self.came.is_set()
        self.came.set()
        self.done.append(what)
        if first:
            await asyncio.Event().wait()
        return f"did {what}"


async def stopped_and_resumed(flow, slow, **more):
    journal = MemoryJournal()
    async with flow.start({}, journal=journal, run_id="r"):
        await asyncio.wait_for(slow.came.wait(), 5)
    return await flow.resume("r", journal=journal, **more), journal


@pytest.fixture
def slow():
    return Slow()


async def test_a_tool_that_may_be_called_again_is(slow):
    keys = []

    @tool(permission="write", safety="idempotent")
    async def work(key: EffectKey) -> str:
        """Work."""
        keys.append(key)
        return await slow.do("it")

    model = ScriptedModel([calls(call("work")), "ok"])
    flow = flow_of(Agent(model, [work], allow="write"))
    result, journal = await stopped_and_resumed(flow, slow)
    assert (result.state.answer, len(model.requests), len(keys), len(set(keys))) == ("ok", 2, 2, 1)
    assert await flow.replay("r", journal=journal, rerun="all")


async def test_of_a_tool_that_may_not_a_person_says_whether_it_was_done(slow):
    @tool(permission="write")
    async def pay(amount: int) -> str:
        """Pay."""
        return await slow.do(amount)

    model = ScriptedModel([calls(call("pay", '{"amount": 5}')), "ok"])
    flow = flow_of(Agent(model, [pay], allow="write"))
    result, journal = await stopped_and_resumed(flow, slow)
    assert result.status is RunStatus.IN_DOUBT
    done = {"done": [{"kind": "text", "text": "paid by hand"}]}
    result = await flow.resume("r", journal=journal, answers={result.questions[0].id: done})
    assert (result.state.answer, slow.done) == ("ok", [5])
    assert told_last(model)[0].text == "paid by hand"


async def test_a_tool_that_can_be_asked_is_asked(slow):
    async def was_paid(amount: int) -> object:
        return f"found {amount}" if amount in slow.done else NOT_DONE

    @tool(permission="write", query=was_paid)
    async def pay(amount: int) -> str:
        """Pay."""
        return await slow.do(amount)

    model = ScriptedModel([calls(call("pay", '{"amount": 5}')), "ok"])
    result, _ = await stopped_and_resumed(flow_of(Agent(model, [pay], allow="write")), slow)
    assert (result.state.answer, slow.done, told_last(model)[0].text) == ("ok", [5], "found 5")


async def test_another_agent_goes_on_inside(slow):
    made = []

    @tool(permission="read")
    async def quick() -> str:
        """Be quick."""
        made.append("quick")
        return "quick"

    @tool(permission="read")
    async def work() -> str:
        """Work."""
        return await slow.do("it")

    inner = ScriptedModel([calls(call("quick")), calls(call("work")), "inner ok"])
    helper = Agent(inner, [quick, work], "Help.", name="helper")
    outer = ScriptedModel([calls(call("helper", '{"request": "go"}')), "ok"])
    flow = flow_of(Agent(outer, [helper], name="boss"))
    result, journal = await stopped_and_resumed(flow, slow)
    assert (result.state.answer, made, slow.done) == ("ok", ["quick"], ["it", "it"])
    assert (len(inner.requests), len(outer.requests)) == (3, 2)
    assert await flow.replay("r", journal=journal, rerun="all")


async def test_a_stream_that_was_recorded_is_not_asked_for_again(slow):
    @tool(permission="read")
    async def work() -> str:
        """Work."""
        return await slow.do("it")

    model = ScriptedModel([calls(call("work")), "ok at last"])
    flow = flow_of(Agent(model, [work], stream=True))
    result, journal = await stopped_and_resumed(flow, slow)
    assert (result.state.answer, len(model.requests)) == ("ok at last", 2)
    assert await flow.replay("r", journal=journal, rerun="all")


async def test_tools_do_what_they_do_through_their_context_as_effects_of_the_node():
    made = []

    @tool(permission="read")
    async def twice(number: int, ctx: Context) -> list[int]:
        """Take two steps."""
        return [await ctx.step("step", step, number), await ctx.step("step", step, number + 1)]

    @tool(permission="read")
    def blocking(number: int, ctx: BlockingContext) -> int:
        """Take a step in a thread."""
        return ctx.step("step", step, number)

    async def step(number: int) -> int:
        made.append(number)
        if number < 0:
            raise ValueError("negative")
        return number * 10

    wanted = [
        call("twice", '{"number": 1}', "1"),
        call("blocking", '{"number": 5}', "2"),
        call("blocking", '{"number": 5}', "3"),
        call("twice", '{"number": -1}', "4"),
    ]
    model = ScriptedModel([calls(*wanted), "ok"])
    await ran(Agent(model, [twice, blocking]))
    one, two, three, four = told_last(model)
    assert (one.text, two.text, three.text) == ("[10,20]", "50", "50")
    assert four.failed
    assert four.text == "twice failed with ValueError: negative"
    assert sorted(made) == [-1, 1, 2, 5, 5]


async def test_half_a_character_in_an_error_does_no_harm():
    @tool(permission="read")
    async def odd(ctx: Context) -> str:
        """Be odd."""
        raise ValueError("half \ud800 a character")

    model = ScriptedModel([calls(call("odd")), "ok"])
    assert (await ran(Agent(model, [odd]))).state.answer == "ok"
    assert told_last(model)[0].text == "odd failed with ValueError: half ? a character"
