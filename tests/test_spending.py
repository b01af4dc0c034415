"""What a run's calls of models took and cost: by run, node, agent and model, from the wrappers and from the journal."""

import asyncio

import pytest
from pydantic import BaseModel

from backedge import END, START, Graph, RunFailedError, spent
from backedge.checkpoints import MemoryJournal
from backedge.engine.errors import RunNotFoundError
from backedge.providers import Message, Model, ModelRequest, ModelResponse, ScriptedModel, Usage
from backedge.providers.errors import BadRequestError, BudgetExceededError, ServerError
from backedge.providers.wrappers import Budget, Budgeted, Fallback, Ledger, Priced, Retrying, Router, price_of

ASK = ModelRequest(messages=(Message.of("user", "Hello"),), max_tokens=100)
USAGE = Usage(input_tokens=1000, output_tokens=100)
ANSWER = ModelResponse(message=Message.of("assistant", "ok"), usage=USAGE)
ONE = price_of("gpt-5", "openai", USAGE)
DOWN = ServerError("down", usage=Usage(input_tokens=500))


class State(BaseModel):
    plan: str = ""
    code: str = ""


def two_nodes():
    graph = Graph(State, resources={"thinker": Model, "writer": Model})

    @graph.node(writes="plan")
    async def planner(thinker: Model) -> str:
        await thinker.respond(ASK)
        return (await thinker.respond(ASK)).text

    @graph.node(writes="code")
    async def coder(plan: str, writer: Model) -> str:
        return (await writer.respond(ASK)).text

    graph.chain(START, planner, coder, END)
    return graph.compile()


def models(*, writer=(ANSWER,), around=lambda model: model):
    known = around(ScriptedModel([ANSWER, ANSWER], name="openai:gpt-5"))
    unknown = around(ScriptedModel(list(writer), name="compatible:own@host"))
    return known, unknown


async def test_two_nodes_two_models_and_a_price_that_is_not_known():
    ledger, journal = Ledger(), MemoryJournal()
    thinker, writer = models(around=lambda model: Priced(model, ledger=ledger))
    resources = {"thinker": thinker.labelled(agent="ann"), "writer": writer.labelled(agent="bob")}
    await two_nodes().run({}, journal=journal, run_id="r", resources=resources)
    for found, agents in ((ledger, ("ann", "bob")), (await spent("r", journal=journal), ("", ""))):
        assert found.total.cost == found.by("run")["r"].cost == pytest.approx(2 * ONE)
        assert (found.total.calls, found.total.unpriced) == (3, 1)
        for by, (one, other) in {
            "node": ("planner", "coder"),
            "model": ("openai:gpt-5", "compatible:own@host"),
            "agent": agents,
        }.items():
            sums = found.by(by)
            assert set(sums) == {one, other}
            if one != other:
                assert (sums[one].calls, sums[one].cost, sums[one].unpriced) == (2, pytest.approx(2 * ONE), 0)
                assert str(sums[other]) == "unknown for 1 call (1 without a known price)"
                assert sums[other].usage == USAGE


async def test_what_a_run_took_before_it_failed_is_in_its_journal_and_counts_after_it_is_resumed():
    journal = MemoryJournal()
    flow = two_nodes()
    thinker, writer = models(writer=[DOWN])
    with pytest.raises(RunFailedError):
        await flow.run({}, journal=journal, run_id="r", resources={"thinker": thinker, "writer": writer})
    earlier = await spent("r", journal=journal)
    assert earlier.total.usage == Usage(input_tokens=2500, output_tokens=200)
    assert (earlier.total.calls, earlier.total.failed, earlier.total.unpriced) == (3, 1, 1)
    assert earlier.by("node")["coder"].usage == DOWN.usage
    assert earlier.total.cost == pytest.approx(2 * ONE)

    budget = Budget(tokens=2750, per="run")
    budget.count(earlier)
    assert budget.state(run="r").tokens == 2700
    frugal = Budgeted(ScriptedModel([ANSWER]), budget=budget)
    with pytest.raises(RunFailedError) as caught:
        await flow.resume("r", journal=journal, resources={"thinker": thinker, "writer": frugal})
    assert BudgetExceededError.__name__ in str(caught.value)
    assert (await spent("r", journal=journal)).total.usage == earlier.total.usage


async def test_tries_that_failed_count_though_their_process_died_before_the_next_and_count_once_when_it_did_not():
    journal, dying = MemoryJournal(), asyncio.Event()

    async def never(seconds):
        dying.set()
        await asyncio.Event().wait()

    async def at_once(seconds):
        pass

    graph = Graph(State, resources={"model": Model})

    @graph.node(writes="plan")
    async def planner(model: Model) -> str:
        return (await model.respond(ASK)).text

    graph.chain(START, planner, END)
    flow = graph.compile()
    first = Fallback([Retrying(ScriptedModel([DOWN], name="openai:gpt-5"), sleep=never)])
    async with flow.start({}, journal=journal, run_id="r", resources={"model": first}) as run:
        await asyncio.wait_for(dying.wait(), 5)
    assert run is not None
    earlier = await spent("r", journal=journal)
    assert (earlier.total.calls, earlier.total.failed, earlier.total.usage) == (1, 1, DOWN.usage)
    assert earlier.by("node")["planner"].cost == price_of("gpt-5", "openai", DOWN.usage)

    other = ServerError("down again", usage=Usage(input_tokens=70))
    bare = ScriptedModel([other], name="openai:gpt-5")
    await asyncio.sleep(0.01)  # time is told in milliseconds
    with pytest.raises(RunFailedError):
        await flow.resume("r", journal=journal, resources={"model": bare})
    assert (await spent("r", journal=journal)).total.usage == DOWN.usage + other.usage

    tried = Retrying(ScriptedModel([other, DOWN, ANSWER], name="openai:gpt-5"), sleep=at_once)
    result = await flow.resume("r", journal=journal, resources={"model": Fallback([tried])})
    assert result.state.plan == "ok"
    found = (await spent("r", journal=journal)).total
    assert found.usage == DOWN.usage + other.usage + other.usage + DOWN.usage + USAGE
    assert (found.calls, found.failed) == (
        3,
        2,
    )  # the one that died, the bare one, and the one with three tries


async def test_a_call_that_failed_at_its_only_try_counts_once():
    journal, flow = MemoryJournal(), two_nodes()
    refused = BadRequestError("no", usage=Usage(input_tokens=30))
    thinker, writer = models(writer=[refused], around=lambda model: Router([Fallback([Retrying(model)])]))
    with pytest.raises(RunFailedError):
        await flow.run({}, journal=journal, run_id="r", resources={"thinker": thinker, "writer": writer})
    coder = (await spent("r", journal=journal)).by("node")["coder"]
    assert (coder.calls, coder.failed, coder.usage) == (1, 1, refused.usage)


async def test_a_fork_did_not_pay_for_what_it_has_from_its_parent():
    journal = MemoryJournal()
    flow = two_nodes()
    thinker, writer = models(writer=[ANSWER, ANSWER])
    resources = {"thinker": thinker, "writer": writer}
    await flow.run({}, journal=journal, run_id="r", resources=resources)
    done = [one.seq for one in await journal.read("r") if getattr(one, "activation", ("",))[0] == "planner"]
    fork = await flow.fork("r", at=done[-1], journal=journal, resources=resources, run_id="f")
    assert fork.state.code == "ok"
    assert set((await spent("f", journal=journal)).by("node")) == {"coder"}


async def test_calls_before_a_time_are_left_out_and_a_run_that_is_not_there_is_told():
    journal = MemoryJournal()
    thinker, writer = models()
    await two_nodes().run({}, journal=journal, run_id="r", resources={"thinker": thinker, "writer": writer})
    assert (await spent("r", journal=journal, since=4e9)).total.calls == 0
    with pytest.raises(RunNotFoundError):
        await spent("nobody", journal=journal)
