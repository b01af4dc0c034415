"""What comes from outside reaches a run, whoever works on it; nobody asks the journal without need."""

import asyncio
import time

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, RunCancelledError
from backedge.checkpoints import MemoryJournal, SqliteJournal, mail
from backedge.engine.execution.desk import Desk
from backedge.engine.letters import answer, cancel, send
from backedge.engine.records import Awaited, Cause, LetterKind, NodeFinished, RunEnded, RunStatus

from ..virtual import run_virtual


class State(BaseModel):
    told: str = ""


def build(body):
    graph = Graph(State)
    graph.chain(START, graph.node(writes="told", name="node")(body), END)
    return graph.compile()


async def forever(ctx: Context) -> str:
    await asyncio.Event().wait()
    return ""


async def receives(ctx: Context) -> str:
    return await ctx.receive("go", schema=str)


class Counting(MemoryJournal):
    """Counts how often letters are asked for."""

    asked = 0

    async def letters(self, run_id, *, after=0):
        self.asked += 1
        return await super().letters(run_id, after=after)


@pytest.fixture(params=["memory", "the same file", "another process's file"])
async def stores(request, tmp_path, monkeypatch):
    """Where a run is, and where letters to it are posted."""
    monkeypatch.setattr(mail, "POLL", 0.01)
    path = tmp_path / "runs.db"
    if request.param == "memory":
        async with MemoryJournal() as journal:
            yield journal, journal
    elif request.param == "the same file":
        async with await SqliteJournal.open(path) as journal:
            yield journal, journal
    else:
        async with await SqliteJournal.open(path) as one, await SqliteJournal.open(path) as two:
            yield one, two


async def test_a_run_that_waits_for_nothing_sees_that_it_is_cancelled(stores):
    mine, theirs = stores
    async with build(forever).start(journal=mine, run_id="demo") as run:
        await cancel("demo", journal=theirs)
        with pytest.raises(RunCancelledError):
            await asyncio.wait_for(run.result(), 30)
    last = (await mine.read("demo"))[-1]
    assert isinstance(last, RunEnded)
    assert last.status is RunStatus.CANCELLED
    assert await mine.letters("demo") == []


async def test_a_live_run_gets_signals_from_elsewhere(stores):
    mine, theirs = stores

    async def busy(ctx: Context) -> str:
        # An effect under way keeps the run from being suspended.
        got, _ = await ctx.gather(ctx.receive("go", schema=str), ctx.step("wait", opened.wait))
        return got

    opened = asyncio.Event()
    async with build(busy).start(journal=mine, run_id="demo") as run:
        await send("demo", "go", "now", journal=theirs)
        opened.set()
        assert (await asyncio.wait_for(run.result(), 30)).state.told == "now"


def test_a_run_to_which_nobody_writes_asks_for_no_letters():
    async def go():
        async with Counting() as journal:

            async def slow(ctx: Context) -> str:
                await asyncio.sleep(3600)
                return "done"

            await build(slow).run(journal=journal)
            assert journal.asked == 0

    run_virtual(go())


def test_a_run_that_comes_to_rest_looks_once():
    async def go():
        async with Counting() as journal:
            result = await build(receives).run(journal=journal, run_id="demo")
            assert result.status is RunStatus.SUSPENDED
            assert journal.asked == 1

    run_virtual(go())


async def awaited_by(body, **options):
    async with MemoryJournal() as journal:
        await build(body).run(journal=journal, run_id="demo", **options)
        (summary,) = await journal.runs()
        return summary.awaited


async def test_a_run_that_waits_for_a_signal_says_so():
    awaited = await awaited_by(receives)
    assert awaited == Awaited(None, frozenset({(LetterKind.SIGNAL, "go"), (LetterKind.SIGNAL, "node:0")}))


async def test_a_run_that_waits_for_an_answer_takes_it_by_both_names():
    async def asks(ctx: Context) -> str:
        return await ctx.ask("well?")

    awaited = await awaited_by(asks)
    assert awaited.due is None
    assert {kind for kind, _ in awaited.letters} == {LetterKind.ANSWER}
    names = {name for _, name in awaited.letters}
    assert "node" in names
    assert any(name.startswith("node:") for name in names)


async def test_a_run_that_waits_for_a_time_says_when():
    async def sleeps(ctx: Context) -> str:
        await ctx.sleep(1000)
        return ""

    before = time.time()
    awaited = await awaited_by(sleeps, patience=0)
    assert awaited.letters == frozenset()
    assert before + 1000 <= awaited.due <= time.time() + 1000


async def test_a_run_that_was_asked_to_be_cancelled_is_when_it_goes_on_and_no_node_runs():
    began = []

    async def asks(ctx: Context) -> str:
        began.append(1)
        return await ctx.ask("well?")

    flow = build(asks)
    async with MemoryJournal() as journal:
        await flow.run(journal=journal, run_id="demo")
        await answer("demo", "node", "yes", journal=journal)
        await cancel("demo", journal=journal)
        (found,) = await journal.pending([flow.name], 0.0)
        assert found.cause is Cause.CANCELLED
        with pytest.raises(RunCancelledError):
            await flow.resume("demo", journal=journal)
        assert began == [1]
        records = await journal.read("demo")
        assert not any(isinstance(record, NodeFinished) for record in records)
        assert await journal.pending([flow.name], 0.0) == []


@pytest.mark.parametrize("turns", range(40))
def test_a_letter_reaches_a_run_at_whatever_moment_of_its_suspension_it_comes(turns):
    async def go():
        async with MemoryJournal() as journal:
            flow = build(receives)
            async with flow.start(journal=journal, run_id="demo") as run:
                for _ in range(turns):
                    await asyncio.sleep(0)
                await send("demo", "go", "now", journal=journal)
                result = await run.result()
            if result.status is RunStatus.SUSPENDED:  # it had come to rest before
                assert await journal.pending([flow.name], 0.0)
                (recovered,) = await flow.recover(journal=journal)
                assert recovered.status is RunStatus.COMPLETED
                result = await flow.resume("demo", journal=journal)
            assert result.state.told == "now"
            assert await journal.letters("demo") == []

    run_virtual(go())


def test_a_letter_that_comes_while_the_others_are_read_is_not_missed():
    class Slow(MemoryJournal):
        async def letters(self, run_id, *, after=0):
            found = await super().letters(run_id, after=after)
            reading.set()
            await go_on.wait()
            return found

    async def go():
        nonlocal reading, go_on
        reading, go_on = asyncio.Event(), asyncio.Event()
        async with Slow() as journal, build(forever).start(journal=journal, run_id="demo") as run:
            await send("demo", "other", 1, journal=journal)
            await reading.wait()
            await cancel("demo", journal=journal)
            go_on.set()
            with pytest.raises(RunCancelledError):
                await asyncio.wait_for(run.result(), 30)

    reading = go_on = None
    run_virtual(go())


@pytest.mark.parametrize("receives_too", [True, False])
def test_who_begins_to_wait_does_not_look_at_what_all_others_wait_for(monkeypatch, receives_too):
    looked = []
    real = Desk.remaining
    monkeypatch.setattr(Desk, "remaining", lambda desk: looked.append(1) or real(desk))

    async def waits(ctx: Context) -> str:
        async def line(number):
            wait = ctx.sleep(30 - number)  # each is due before all those before it
            return await (ctx.first(ctx.receive("go"), wait) if receives_too else wait)

        await ctx.gather(*(line(number) for number in range(15)))
        return "all"

    async def go():
        async with build(waits).start(journal=MemoryJournal()) as run:
            await asyncio.sleep(5)  # all of them wait
            assert len(looked) < 10
            assert (await run.result()).state.told == "all"

    run_virtual(go())


def test_the_alarm_is_that_of_the_first_timer_in_whatever_order_they_begin():
    async def waits(ctx: Context) -> str:
        which, _ = await ctx.first(ctx.sleep(30), ctx.sleep(10), ctx.sleep(20))
        return str(which)

    async def go():
        loop = asyncio.get_running_loop()
        assert (await build(waits).run(journal=MemoryJournal())).state.told == "1"
        assert loop.time() == pytest.approx(10, abs=1)

    run_virtual(go())
