"""Parts whose work does not keep to the rules: who catches its cancellation, outlives it, or is told while it is at it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from backedge import END, START, BackedgeError, Context, Graph, RunCancelledError, RunFailedError
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import EffectRecorded
from backedge.nodes.cancelling import Cancel, CancelToken, cancellable, partial_results

from ...engine.journals import SlowJournal
from ...virtual import run_virtual
from .running import Ran, Scene, State, flow_of


def test_from_where_its_signal_is_on_record_work_passes_no_checkpoint():
    async def main():
        scene, passed, journal = Scene(), [], SlowJournal(seconds=1)

        def make(ctx):
            async def work(part):
                scene.inside.set()
                while not any(isinstance(one, EffectRecorded) for one in journal.committed):  # noqa: ASYNC110 - a journal tells nobody
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.1)  # it is on record; why it was cancelled will be in a second
                await part.checkpoint()
                passed.append("checkpoint")

            return work

        flow = flow_of(make, signal="stop")
        async with flow.start({}, journal=journal, run_id="r", resources={"token": CancelToken()}) as run:
            await scene.inside.wait()
            await run.send("stop", {"reason": "enough", "how": "graceful"})
            assert (await run.result()).state.reason == "enough"
        assert passed == []

    run_virtual(main())


def test_what_outlives_its_part_is_not_held_in_a_guard():
    async def main():
        scene, left = Scene(0), []

        def make(ctx):
            async def straggler(part):
                async with part.guard("never"):
                    await asyncio.sleep(5)
                left.append("the guard")

            async def work(part):
                left.append(asyncio.create_task(straggler(part)))
                await ctx.step("job", scene.job, 0)
                return "done"

            return work

        async def act(run):
            ran.token.cancel("too late")
            scene.go.set()

        ran = Ran(flow_of(make), scene)
        ran.replayed = _nothing
        assert (await ran(act)).value == "done"
        async with asyncio.timeout(10):
            await left[0]
        assert left[1:] == ["the guard"]

    run_virtual(main())


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"token": "cancel"}, "token= of 'search' is a CancelToken, not 'cancel'"),
        (
            {"work": lambda part: "done"},
            "the work of 'search' is an async function of its part; it gave 'done'",
        ),
    ],
)
def test_what_is_no_token_and_no_async_function_is_refused(given, why):
    async def work(part):
        return "done"

    graph = Graph(State)

    @graph.node(writes="value")
    async def node(ctx: Context) -> str:
        how = {"work": work, "token": CancelToken(), **given}
        return (await cancellable(ctx, name="search", **how)).result()

    graph.chain(START, node, END)
    with pytest.raises(RunFailedError) as caught:
        graph.compile().run_sync()
    assert why in str(caught.value)


async def _nothing():
    """No replay."""


def test_work_that_swallows_its_cancellation_and_that_of_its_run_does_not_hold_up_the_end():
    async def main():
        scene, tidying = Scene(), asyncio.Event()

        def make(ctx):
            async def work(part):
                scene.inside.set()
                for told in (tidying, asyncio.Event()):
                    try:
                        await asyncio.sleep(3600)
                    except asyncio.CancelledError:
                        told.set()
                return "as if nothing had been"

            return work

        async def act(run):
            ran.token.cancel("enough")
            await tidying.wait()
            run.cancel()

        ran = Ran(flow_of(make), scene)
        with pytest.raises(RunCancelledError):
            await ran(act)
        assert asyncio.all_tasks() == {asyncio.current_task()}, "nobody waits for it any more"

    run_virtual(main())


@pytest.mark.parametrize("effects", [1, 0])
def test_of_what_a_later_attempt_brought_to_its_end_there_is_nothing_left(effects):
    async def main():
        scene, token = Scene(1), CancelToken()
        graph = Graph(State)

        @graph.node(writes="value")
        async def node(ctx: Context) -> str:
            if ctx.attempt == 1:
                (await cancellable(ctx, scene.counting(ctx), token, name="search")).result()
            for _ in range(effects):
                await ctx.step("other", scene.job, 9)
            return "done without"

        graph.chain(START, node, END)
        flow, journal = graph.compile(), MemoryJournal()
        async with flow.start({}, journal=journal, run_id="r") as run:
            await scene.inside.wait()
            token.cancel("enough")
            with pytest.raises(RunFailedError):
                await run.result()
        assert [left.part for left in await partial_results("r", journal=journal)] == ["search"]
        assert (await flow.resume("r", journal=journal)).state.value == "done without"
        assert await partial_results("r", journal=journal) == []

    run_virtual(main())


def test_a_guard_with_a_deadline_counts_from_when_it_was_asked_for_and_not_from_when_that_is_heard():
    async def main():
        scene, loop = Scene(0), asyncio.get_running_loop()

        def make(ctx):
            async def work(part):
                async with part.guard("graceful", deadline=3600):
                    await ctx.step("job", scene.job, 0)

            return work

        async def act(run):
            ran.began = loop.time()
            ran.token.apply(Cancel(reason="long ago", at=datetime.now(UTC) - timedelta(seconds=3500)))

        ran = Ran(flow_of(make), scene)
        assert (await ran(act)).reason == "long ago"
        assert loop.time() - ran.began == pytest.approx(100, abs=10)

    run_virtual(main())


async def test_a_run_of_which_many_parts_wait_names_some_of_them():
    def make(ctx):
        async def work(part):
            return await ctx.gather(*(ctx.ask(f"{number}?") for number in range(40)))

        return work

    flow = flow_of(make, tokened=False, signal="stop")
    result = await flow.run({}, journal=MemoryJournal(), resources={"token": CancelToken()})
    with pytest.raises(BackedgeError, match="and 36 more; it has no final state yet") as caught:
        _ = result.state
    assert len(str(caught.value)) < 400
