"""Runs are gone on with by themselves: which are, by whom, and how often."""

import asyncio
import contextlib
import time
from itertools import pairwise

import pytest
from pydantic import BaseModel

from backedge import (
    END,
    START,
    Context,
    Graph,
    GraphChangedError,
    InputError,
    ReplayMismatchError,
    RunAbandonedError,
    RunFailedError,
)
from backedge.checkpoints import MemoryJournal, SqliteJournal
from backedge.engine.letters import answer, cancel, send
from backedge.engine.records import (
    Cause,
    NodeFinished,
    RunEnded,
    RunHeader,
    RunResumed,
    RunStarted,
    RunStatus,
)
from backedge.engine.supervising import Supervisor

from ..virtual import run_virtual
from .journals import FaultyJournal


class State(BaseModel):
    told: str = ""


def build(body, name="flow", **more):
    graph = Graph(State, name=name)
    graph.chain(START, graph.node(writes="told", name="node", **more)(body), END)
    return graph.compile()


class Bench:
    """A flow whose node does as it is told, and what it did."""

    def __init__(self, name="flow", **more):
        self.began = []
        self.begun = asyncio.Event()
        self.behave = "wait"
        self.flow = build(self._node, name, **more)

    async def _node(self, ctx: Context) -> str:
        self.began.append(ctx.run_id)
        self.begun.set()
        match self.behave:
            case "wait":
                return await ctx.receive("go", schema=str)
            case "ask":
                return await ctx.ask("well?")
            case "sleep":
                await ctx.sleep(1000)
            case "fail":
                raise ValueError("no")
            case "hang":
                await asyncio.Event().wait()
        return "done"

    async def run(self, journal, behave, run_id="demo", **options):
        self.behave = behave
        try:
            return await self.flow.run(journal=journal, run_id=run_id, **options)
        finally:
            self.behave = "finish"

    async def crashed(self, journal, run_id="demo"):
        """A run whose owner died in the middle of its node."""
        graph = self.flow.graph
        header = RunHeader(run_id, self.flow.name, graph.digest, graph.shape, 1.0)
        taken = tuple(edge.id for edge in graph.plan.edges if edge.id.startswith("START"))
        log = await journal.create(header, RunStarted(0, 1.0, {}, taken))
        await log.release()
        self.behave = "finish"


def told(recovered):
    return sorted((it.run_id, it.cause, it.status) for it in recovered)


async def statuses(journal):
    return {run.header.run_id: run.status for run in await journal.runs()}


@pytest.fixture(params=[MemoryJournal, SqliteJournal])
async def journal(request, tmp_path):
    opened = (
        MemoryJournal() if request.param is MemoryJournal else await SqliteJournal.open(tmp_path / "runs.db")
    )
    async with opened:
        yield opened


# --------------------------------------------------------------------------- which runs


async def test_a_run_whose_owner_died_goes_on(journal):
    bench = Bench()
    await bench.crashed(journal)
    recovered = await bench.flow.recover(journal=journal)
    assert told(recovered) == [("demo", Cause.CRASHED, RunStatus.COMPLETED)]
    assert bench.began == ["demo"]
    assert await bench.flow.recover(journal=journal) == []


async def test_a_run_goes_on_once_its_signal_has_come(journal):
    bench = Bench()
    await bench.run(journal, "wait")
    assert await bench.flow.recover(journal=journal) == []
    await send("demo", "other", 1, journal=journal)
    assert await bench.flow.recover(journal=journal) == []
    bench.behave = "wait"
    await send("demo", "go", "now", journal=journal)
    recovered = await bench.flow.recover(journal=journal)
    assert told(recovered) == [("demo", Cause.LETTERS, RunStatus.COMPLETED)]
    result = await bench.flow.resume("demo", journal=journal)
    assert result.state.told == "now"


async def test_a_run_goes_on_once_it_is_answered(journal):
    bench = Bench()
    await bench.run(journal, "ask")
    bench.behave = "ask"
    await answer("demo", "node", "yes", journal=journal)
    assert told(await bench.flow.recover(journal=journal)) == [("demo", Cause.LETTERS, RunStatus.COMPLETED)]


async def test_an_answer_that_is_refused_leaves_the_run_waiting_and_is_not_tried_again(journal):
    bench = Bench()
    await bench.run(journal, "ask")
    bench.behave = "ask"
    await answer("demo", "node", 3, journal=journal)
    (recovered,) = await bench.flow.recover(journal=journal)
    assert (recovered.cause, recovered.status) == (Cause.LETTERS, RunStatus.SUSPENDED)
    assert list(recovered.refused) == ["node"]
    assert "string" in recovered.refused["node"]
    assert await bench.flow.recover(journal=journal) == []


async def test_a_run_goes_on_once_its_timer_is_due(journal, monkeypatch):
    bench = Bench()
    await bench.run(journal, "sleep", patience=0)
    assert await bench.flow.recover(journal=journal) == []
    bench.behave = "sleep"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 1001)
    assert told(await bench.flow.recover(journal=journal)) == [("demo", Cause.DUE, RunStatus.COMPLETED)]


async def test_a_run_is_cancelled_for_whoever_asked(journal):
    bench = Bench()
    await bench.run(journal, "wait")
    with contextlib.suppress(RunFailedError):
        await bench.run(journal, "fail", "failed")
    await bench.crashed(journal, "crashed")
    bench.began.clear()
    for run_id in ("demo", "failed", "crashed"):
        await cancel(run_id, journal=journal)
    recovered = await bench.flow.recover(journal=journal)
    assert {(it.run_id, it.status) for it in recovered} == {
        (run_id, RunStatus.CANCELLED) for run_id in ("demo", "failed", "crashed")
    }
    assert bench.began == []
    assert await bench.flow.recover(journal=journal) == []


async def test_runs_that_failed_or_were_interrupted_on_purpose_are_left_alone(journal):
    bench = Bench()
    with pytest.raises(RunFailedError):
        await bench.run(journal, "fail", "failed")
    bench.behave = "hang"
    async with bench.flow.start(journal=journal, run_id="interrupted"):
        pass
    await send("failed", "go", 1, journal=journal)
    assert await bench.flow.recover(journal=journal) == []
    assert await statuses(journal) == {"failed": RunStatus.FAILED, "interrupted": RunStatus.INTERRUPTED}


async def test_a_run_that_is_worked_on_is_left_alone(journal):
    bench = Bench()
    bench.behave = "hang"
    async with bench.flow.start(journal=journal, run_id="demo"):
        assert await bench.flow.recover(journal=journal) == []


async def test_runs_of_other_graphs_are_left_alone(journal):
    bench = Bench()
    await bench.crashed(journal)
    assert await Bench("other").flow.recover(journal=journal) == []


async def test_a_run_that_fails_is_told_with_its_error(journal):
    bench = Bench()
    await bench.crashed(journal)
    bench.behave = "fail"
    (recovered,) = await bench.flow.recover(journal=journal)
    assert recovered.status is RunStatus.FAILED
    assert isinstance(recovered.error, RunFailedError)
    assert await bench.flow.recover(journal=journal) == []


async def test_a_run_of_a_graph_that_changed_is_told_and_left_as_it_is(journal):
    await Bench().crashed(journal)
    changed = Bench(version="2")
    changed.behave = "finish"
    (recovered,) = await changed.flow.recover(journal=journal)
    assert recovered.status is None
    assert isinstance(recovered.error, GraphChangedError)
    assert len(await journal.read("demo")) == 1
    (recovered,) = await changed.flow.recover(journal=journal, on_change="continue")
    assert recovered.status is RunStatus.COMPLETED


async def test_one_run_that_breaks_does_not_keep_the_others(journal):
    bench = Bench()
    for run_id in ("one", "two", "three"):
        await bench.crashed(journal, run_id)
    letters = journal.letters

    async def breaking(run_id, *, after=0):
        if run_id == "two":
            raise OSError("broken")
        return await letters(run_id, after=after)

    journal.letters = breaking
    recovered = {it.run_id: it for it in await bench.flow.recover(journal=journal)}
    assert recovered["one"].status is recovered["three"].status is RunStatus.COMPLETED
    assert recovered["two"].status is None
    assert str(recovered["two"].error) == "broken"
    assert [it.run_id for it in await journal.pending(["flow"], 0.0)] == ["two"], "it was let go of"


# --------------------------------------------------------------------------- runs that end their processes


async def died(bench, journal, times, run_id="demo"):
    """A run whose owner died, and so many after him that went on with it."""
    await bench.crashed(journal, run_id)
    await died_again(journal, times, run_id)


async def died_again(journal, times, run_id="demo"):
    for _ in range(times):
        log = await journal.acquire(run_id)
        await log.append(RunResumed(len(await journal.read(run_id)), 1.0, log.epoch))
        await log.release()


async def test_a_run_is_left_alone_once_so_many_processes_died_of_it(journal):
    bench = Bench()
    await died(bench, journal, 3)
    before = await journal.read("demo")
    (recovered,) = await bench.flow.recover(journal=journal)
    assert (recovered.cause, recovered.status) == (Cause.CRASHED, None)
    assert isinstance(recovered.error, RunAbandonedError)
    assert (recovered.error.deaths, recovered.error.activations) == (3, ("node",))
    assert str(recovered.error) == (
        "run 'demo' is left alone: 3 processes in a row died at node without a new record; "
        "find out why, then go on by hand with resume('demo'), or raise max_deaths="
    )
    assert bench.began == []
    assert await journal.read("demo") == before


@pytest.mark.parametrize(("times", "most"), [(2, 3), (0, 1), (6, 7), (3, 4)])
async def test_a_run_of_which_fewer_died_goes_on(journal, times, most):
    bench = Bench()
    await died(bench, journal, times)
    assert told(await bench.flow.recover(journal=journal, max_deaths=most)) == [
        ("demo", Cause.CRASHED, RunStatus.COMPLETED)
    ]


async def test_a_run_that_is_left_alone_goes_on_by_hand(journal):
    bench = Bench()
    await died(bench, journal, 3)
    await bench.flow.recover(journal=journal)
    assert (await bench.flow.resume("demo", journal=journal)).status is RunStatus.COMPLETED


async def test_a_run_that_is_left_alone_can_be_cancelled(journal):
    bench = Bench()
    await died(bench, journal, 3)
    await cancel("demo", journal=journal)
    assert told(await bench.flow.recover(journal=journal)) == [("demo", Cause.CANCELLED, RunStatus.CANCELLED)]
    assert bench.began == []


async def test_a_run_that_is_left_alone_is_told_although_its_graph_changed(journal):
    await died(Bench(), journal, 3)
    (recovered,) = await Bench(version="2").flow.recover(journal=journal)
    assert isinstance(recovered.error, RunAbandonedError)


async def test_runs_that_are_left_alone_do_not_take_the_place_of_others(journal):
    bench = Bench()
    for number in range(5):
        await died(bench, journal, 3, f"deadly{number}")
    await bench.crashed(journal, "sound")
    recovered = await bench.flow.recover(journal=journal, at_once=1)
    assert len(recovered) == 6
    assert bench.began == ["sound"]


async def test_the_last_try_of_a_run_has_no_other_such_run_beside_it(journal):
    at_work, most, together = 0, [], asyncio.Barrier(3)

    async def node(ctx: Context) -> str:
        nonlocal at_work
        if ctx.run_id.startswith("other"):
            await together.wait()
            return ""
        at_work += 1
        await asyncio.sleep(0.02)
        most.append(at_work)
        at_work -= 1
        return ""

    flow = build(node)
    bench = Bench()
    bench.flow = flow
    for number in range(3):
        await died(bench, journal, 2, f"suspect{number}")
        await died(bench, journal, 1, f"other{number}")
    assert len(await flow.recover(journal=journal)) == 6
    assert most == [1, 1, 1]


def test_a_run_that_is_left_alone_is_told_once_until_somebody_has_gone_on_with_it():
    async def go():
        bench, recovered = Bench(), []
        async with MemoryJournal() as journal:
            await died(bench, journal, 3)
            supervisor = Supervisor([bench.flow.work({})], journal, tell=recovered.append)
            watching = asyncio.create_task(supervisor.watch(1.0))
            await asyncio.sleep(50)
            assert len(recovered) == 1
            await died_again(journal, 1)
            await asyncio.sleep(50)
            assert [it.error.deaths for it in recovered] == [3, 4]
            supervisor.stop()
            await watching
        assert bench.began == []

    run_virtual(go())


def test_a_run_is_found_also_behind_those_that_were_left_alone_before():
    async def go():
        bench = Bench()
        async with MemoryJournal() as journal:
            for number in range(5):
                await died(bench, journal, 3, f"deadly{number}")
            supervisor = Supervisor([bench.flow.work({})], journal, at_once=1)
            watching = asyncio.create_task(supervisor.watch(1.0))
            await asyncio.sleep(50)
            await bench.crashed(journal, "sound")
            await asyncio.sleep(50)
            supervisor.stop()
            await watching
        assert bench.began == ["sound"]

    run_virtual(go())


def test_a_run_that_breaks_and_lets_the_process_live_is_tried_again_as_ever():
    async def go():
        recovered = []

        async def node() -> str:
            raise ReplayMismatchError("node", "broken")

        flow = build(node)
        bench = Bench()
        bench.flow = flow
        async with MemoryJournal() as journal:
            await bench.crashed(journal)
            supervisor = Supervisor([flow.work({})], journal, tell=recovered.append)
            watching = asyncio.create_task(supervisor.watch(1.0))
            await asyncio.sleep(200)
            supervisor.stop()
            await watching
        assert len(recovered) > 5
        assert {type(it.error) for it in recovered} == {ReplayMismatchError}

    run_virtual(go())


# --------------------------------------------------------------------------- by whom


async def test_many_who_recover_at_once_do_nothing_twice(tmp_path):
    bench = Bench()
    path = tmp_path / "runs.db"
    async with await SqliteJournal.open(path) as journal:
        for number in range(40):
            await bench.crashed(journal, f"run{number}")
        recovered = await asyncio.gather(*(bench.flow.recover(journal=path, at_once=5) for _ in range(4)))
        assert sorted(bench.began) == sorted(f"run{number}" for number in range(40))
        assert sorted(it.run_id for each in recovered for it in each) == sorted(bench.began)
        for number in range(40):
            records = await journal.read(f"run{number}")
            assert [type(record) for record in records[1:]] == [RunResumed, NodeFinished, RunEnded]


async def test_a_run_that_came_to_its_end_while_it_was_found_is_left(journal):
    """Found while its owner lived, acquired after it had failed: the lock was free and the status old."""
    bench = Bench()
    await bench.crashed(journal)
    (found,) = await journal.pending(["flow"], 0.0)
    log = await journal.acquire("demo")
    await log.append(RunEnded(1, 1.0, RunStatus.FAILED))
    await log.release()

    async def stale(graphs, now, *, limit=1000):
        return [found._replace(epoch=epoch)]

    journal.pending = stale
    epoch = 1  # the look was before
    assert await bench.flow.recover(journal=journal) == []
    epoch = 2  # the look was in between
    assert await bench.flow.recover(journal=journal) == []
    assert bench.began == []
    assert len(await journal.read("demo")) == 2


async def test_a_run_that_somebody_went_on_with_and_that_rests_again_is_left(journal):
    bench = Bench()
    await bench.run(journal, "wait")
    await send("demo", "go", 1, journal=journal)  # no text: it is refused
    found = await journal.pending(["flow"], 0.0)
    bench.behave = "wait"
    assert told(await bench.flow.recover(journal=journal)) == [("demo", Cause.LETTERS, RunStatus.SUSPENDED)]
    before = await journal.read("demo")

    async def stale(graphs, now, *, limit=1000):
        return found

    journal.pending = stale
    assert await bench.flow.recover(journal=journal) == []
    assert await journal.read("demo") == before


async def test_no_more_are_worked_on_at_once_than_allowed_and_all_are(journal):
    most = []

    async def node(ctx: Context) -> str:
        most.append(supervisor.busy)
        await asyncio.sleep(0)
        return ""

    flow = build(node)
    bench = Bench()
    bench.flow = flow
    for number in range(20):
        await bench.crashed(journal, f"run{number}")
    recovered = []
    supervisor = Supervisor([flow.work({})], journal, at_once=3, tell=recovered.append)
    await supervisor.once()
    assert len(recovered) == 20
    assert max(most) == 3


def test_what_cannot_be_is_refused():
    async def go():
        async with MemoryJournal() as journal:
            with pytest.raises(InputError, match="at_once"):
                await Bench().flow.recover(journal=journal, at_once=0)
            for wrong in (0, True, None, 1.5):
                with pytest.raises(InputError, match="max_deaths"):
                    await Bench().flow.recover(journal=journal, max_deaths=wrong)
            with pytest.raises(InputError, match="on_change"):
                await Bench().flow.recover(journal=journal, on_change="whatever")
            with pytest.raises(InputError, match="one name"):
                Supervisor([Bench().flow.work({}), Bench().flow.work({})], journal)

    run_virtual(go())


# --------------------------------------------------------------------------- watching


class Looks(MemoryJournal):
    """Notes when it was looked for runs, in the loop's time."""

    def __init__(self):
        super().__init__()
        self.at = []

    async def pending(self, graphs, now, *, limit=1000):
        self.at.append(asyncio.get_running_loop().time())
        return await super().pending(graphs, now, limit=limit)


async def watching(supervisor, poll, seconds, chance=lambda: 1.0):
    task = asyncio.create_task(supervisor.watch(poll, chance=chance))
    await asyncio.sleep(seconds)
    supervisor.stop()
    await task


def test_who_watches_goes_on_with_runs_as_they_come():
    async def go():
        async with MemoryJournal() as journal:
            bench, recovered = Bench(), []
            supervisor = Supervisor([bench.flow.work({})], journal, tell=recovered.append)
            task = asyncio.create_task(supervisor.watch(1.0))
            for number in range(3):
                await asyncio.sleep(5)
                await bench.crashed(journal, f"run{number}")
            await asyncio.sleep(5)
            assert [it.run_id for it in recovered] == ["run0", "run1", "run2"]
            supervisor.stop()
            await task

    run_virtual(go())


def test_looks_become_rarer_while_there_is_nothing_to_do():
    async def go():
        async with Looks() as journal:
            await watching(Supervisor([Bench().flow.work({})], journal), 2.0, 100)
            apart = [b - a for a, b in pairwise(journal.at)]
            assert apart == pytest.approx(sorted(apart))
            assert apart[0] == pytest.approx(0.1)
            assert apart[-1] == pytest.approx(2.0)
            assert len(journal.at) < 60

    run_virtual(go())


def test_two_who_watch_do_not_look_at_the_same_moments():
    async def go():
        async with Looks() as journal:
            await watching(Supervisor([Bench().flow.work({})], journal), 2.0, 50, chance=lambda: 0.0)
            early = len(journal.at)
            await watching(Supervisor([Bench().flow.work({})], journal), 2.0, 50, chance=lambda: 1.0)
            assert early > 1.5 * (len(journal.at) - early)

    run_virtual(go())


def test_looks_that_take_long_are_far_between():
    class Slow(Looks):
        async def pending(self, graphs, now, *, limit=1000):
            found = await super().pending(graphs, now, limit=limit)
            await asyncio.sleep(3)
            return found

    async def go():
        async with Slow() as journal:
            await watching(Supervisor([Bench().flow.work({})], journal), 1.0, 200)
            assert all(b - a == pytest.approx(33) for a, b in pairwise(journal.at))
            assert len(journal.at) > 3

    run_virtual(go())


@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_who_stops_hands_its_runs_over_to_others(journal, how):
    bench = Bench()
    await bench.crashed(journal)
    bench.behave = "hang"
    supervisor = Supervisor([bench.flow.work({})], journal)
    task = asyncio.create_task(supervisor.watch(0.01))
    await bench.begun.wait()
    if how == "stop":
        supervisor.stop()
        await task
    else:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await statuses(journal) == {"demo": RunStatus.INTERRUPTED}
    bench.behave = "finish"
    assert told(await bench.flow.recover(journal=journal)) == [("demo", Cause.LETTERS, RunStatus.COMPLETED)]


def test_a_run_that_breaks_is_tried_again_later_and_later():
    async def go():
        async with MemoryJournal() as inner:
            bench = Bench()
            await bench.crashed(inner)
            journal, recovered = FaultyJournal(inner), []
            tries = []

            async def failing(run_id):
                tries.append(asyncio.get_running_loop().time())
                raise OSError("no disk")

            journal.header = failing
            supervisor = Supervisor([bench.flow.work({})], journal, tell=recovered.append)
            await watching(supervisor, 0.1, 60)
            assert 4 <= len(tries) <= 7
            apart = [b - a for a, b in pairwise(tries)]
            assert all(b > 1.5 * a for a, b in pairwise(apart))
            assert len(recovered) == len(tries)

    run_virtual(go())


def test_a_run_of_a_graph_that_changed_is_told_once():
    async def go():
        async with MemoryJournal() as journal:
            await Bench().crashed(journal)
            recovered = []
            supervisor = Supervisor([Bench(version="2").flow.work({})], journal, tell=recovered.append)
            await watching(supervisor, 1.0, 200)
            assert len(recovered) == 1

    run_virtual(go())


def test_what_the_one_who_is_told_raises_ends_the_watch():
    async def go():
        def tell(_):
            raise BrokenPipeError

        async with MemoryJournal() as journal:
            bench = Bench()
            await bench.crashed(journal)
            with pytest.raises(BrokenPipeError):
                await Supervisor([bench.flow.work({})], journal, tell=tell).watch(1.0)

    run_virtual(go())
