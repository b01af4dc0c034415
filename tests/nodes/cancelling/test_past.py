"""What a journal tells of what was cancelled, whatever cancelled it."""

import asyncio

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, RunCancelledError, RunNotFoundError
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent
from backedge.nodes.cancelling import CancelToken, Deed, partial_results
from backedge.providers import ScriptedModel

from ...virtual import run_virtual
from .running import Ran, Scene, flow_of
from .test_agents import Slow, call, look


def test_of_a_part_there_is_why_and_what_it_kept_and_what_it_did():
    async def main():
        scene = Scene(2)

        async def act(run):
            ran.token.cancel("enough")

        ran = Ran(flow_of(scene.counting, name="search"), scene)
        await ran(act)
        (left,) = await partial_results("r", journal=ran.journal)
        assert (left.activation, left.part, left.cancel.reason) == ("node", "search", "enough")
        assert left.partial == [0, 1]
        assert left.done == (Deed(name="job", result=0), Deed(name="job", result=1))

    run_virtual(main())


def test_of_what_was_done_there_is_nothing_even_if_somebody_had_wanted_to_stop_it():
    async def main():
        scene = Scene(3)

        async def act(run):
            ran.token.cancel("too late", how="graceful")
            await asyncio.sleep(1)
            scene.go.set()

        ran = Ran(flow_of(scene.counting), scene)
        assert (await ran(act)).value == [0, 1, 2, 3]
        assert await partial_results("r", journal=ran.journal) == []

    run_virtual(main())


class State(BaseModel):
    question: str = "why?"
    answer: str = ""


def agent_flow(model, tools=(look,)):
    graph = Graph(State)
    graph.chain(START, Agent(model, tools).node(graph, reads="question", writes="answer"), END)
    return graph.compile()


def test_of_a_run_that_was_cancelled_there_is_what_its_agents_had_said_and_found():
    async def main():
        model, journal = Slow([call("1"), call("2"), "cut off", "done"], 3), MemoryJournal()
        flow = agent_flow(model)
        async with flow.start({}, journal=journal, run_id="r") as run:
            await model.inside.wait()
            run.cancel()
            with pytest.raises(RunCancelledError):
                await run.result()
        (left,) = await partial_results("r", journal=journal)
        assert (left.activation, left.part, left.cancel) == ("agent", "", None)
        assert left.said == ("I look (1).", "I look (2).")
        assert [deed.name for deed in left.done] == ["look", "look"]
        assert left.done[0].result == [{"kind": "text", "text": "nothing there", "raw": None}]
        # What it had is not lost: a fork begins it again, and asks for nothing that was answered.
        model.slow = ()
        asked = len(model.requests)
        last = len(await journal.read("r")) - 2  # before its end
        forked = await flow.fork("r", at=last, journal=journal, run_id="again")
        assert forked.state.answer == "done"
        assert len(model.requests) == asked + 1

    run_virtual(main())


def test_of_a_node_that_another_one_made_needless_there_is_what_it_did():
    async def main():
        graph, inside = Graph(State), asyncio.Event()

        async def find(what: str) -> str:
            if what == "b":
                inside.set()
                await asyncio.Event().wait()
            if what == "x":
                raise ValueError("no x")
            return f"found {what}"

        @graph.node
        async def search(ctx: Context) -> None:
            for what in "axb":
                try:
                    await ctx.step("find", find, what)
                except Exception:
                    continue

        @graph.node
        async def quick() -> None:
            await inside.wait()

        graph.chain(START, search, END)
        graph.chain(START, quick, END)
        graph.cancel(quick, search)
        journal = MemoryJournal()
        await graph.compile().run({}, journal=journal, run_id="r")
        (left,) = await partial_results("r", journal=journal)
        assert left.activation == "search"
        assert [(deed.result, deed.error) for deed in left.done] == [
            ("found a", ""),
            (None, "ValueError: no x"),
        ]

    run_virtual(main())


def test_what_must_not_be_done_twice_and_was_cut_off_is_in_doubt():
    async def main():
        graph, inside = Graph(State), asyncio.Event()

        async def pay() -> None:
            inside.set()
            await asyncio.Event().wait()

        @graph.node
        async def node(ctx: Context) -> None:
            await ctx.step("pay", pay, safety="unsafe")

        graph.chain(START, node, END)
        journal = MemoryJournal()
        async with graph.compile().start({}, journal=journal, run_id="r") as run:
            await inside.wait()
            run.cancel()
            with pytest.raises(RunCancelledError):
                await run.result()
        (left,) = await partial_results("r", journal=journal)
        assert left.done == (Deed(name="pay", doubtful=True),)

    run_virtual(main())


async def test_of_a_run_in_which_nothing_was_cancelled_there_is_nothing():
    journal = MemoryJournal()
    await agent_flow(ScriptedModel([call("1"), "done"])).run({}, journal=journal, run_id="r")
    assert await partial_results("r", journal=journal) == []
    with pytest.raises(RunNotFoundError):
        await partial_results("another", journal=journal)


async def test_a_step_that_happens_to_be_called_like_ours_is_a_step():
    graph = Graph(State)

    @graph.node(writes="answer")
    async def node(ctx: Context) -> str:
        with ctx.branch("a"):
            await ctx.first(ctx.gather(cancelled(ctx)), ctx.sleep(1000))
        return "done"

    async def cancelled(ctx):
        with ctx.branch("ending"):
            return await ctx.step("cancelled", lambda: True, returns=bool)

    graph.chain(START, node, END)
    journal = MemoryJournal()
    await graph.compile().run({}, journal=journal, run_id="r", resources={})
    assert await partial_results("r", journal=journal) == []
    assert CancelToken().name == ""
