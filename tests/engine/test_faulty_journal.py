"""Whatever call of a journal fails, and however: a clear error, nothing left, and the run can be resumed."""

import asyncio
import functools
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import END, START, BackedgeError, Graph, extend
from backedge.checkpoints import MemoryJournal
from backedge.engine.errors import JournalWriteError
from backedge.engine.records import NodeFinished, RunStatus

from ..virtual import SteppingLoop, run_virtual
from .journals import FaultyJournal, SlowJournal
from .sizes import grows, some


class State(BaseModel):
    log: Annotated[list[str], extend] = []


ENDED = []
"""What nodes ended since it was last cleared."""


@functools.cache
def build():
    graph = Graph(State)

    def node(name, seconds, *, inline=False):
        async def work() -> list[str]:
            await asyncio.sleep(seconds)
            ENDED.append(name)
            return [name]

        def quick() -> list[str]:
            ENDED.append(name)
            return [name]

        return graph.node(quick if inline else work, name=name, writes="log", inline=inline)

    first, last = node("first", 1), node("last", 1)
    graph.chain(START, first, node("quick", 0, inline=True), last, END)
    graph.chain(first, node("slow", 5), last)
    graph.feedback(last, first, when=lambda log: len(log) < 6, limit=3)
    return graph.compile()


async def ran(flow, journal):
    await flow.run(journal=journal, run_id="r")


async def handled(flow, journal):
    async with flow.start(journal=journal, run_id="r") as run:
        async for _ in run.events():
            pass


async def left(flow, journal):
    async with flow.start(journal=journal, run_id="r"):
        await asyncio.sleep(2.5)


async def resumed(flow, journal):
    await flow.resume("r", journal=journal)


async def prepared(inner, go):
    """For a resume: a run that was interrupted before."""
    if go is resumed:
        async with build().start(journal=inner, run_id="r"):
            await asyncio.sleep(2.5)


def every_fault():
    for go in (ran, handled, left, resumed):
        for how in ("raise", "future", "late"):
            yield pytest.param(go, how, id=f"{go.__name__}-{how}")


def counted(go):
    async def count():
        inner = MemoryJournal()
        await prepared(inner, go)
        journal = FaultyJournal(inner)
        await go(build(), journal)
        return journal.calls

    return run_virtual(count(), loop=SteppingLoop)


@pytest.mark.parametrize(("go", "how"), list(every_fault()))
@grows
def test_a_journal_may_fail_at_any_call(go, how):
    async def fail(number):
        inner = MemoryJournal()
        await prepared(inner, go)
        ENDED.clear()
        journal = FaultyJournal(inner, number, how)
        with pytest.raises(JournalWriteError, match=f"call {number}, "):
            await go(build(), journal)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        known = await inner.runs()
        if not known:
            assert journal.calls == ["create"]
            assert ENDED == []
            return
        assert known[0].owner is None, "the log was not released"
        recorded = {str(r.activation) for r in await inner.read("r") if isinstance(r, NodeFinished)}
        ENDED.clear()
        result = await build().resume("r", journal=inner)
        assert result.status is RunStatus.COMPLETED
        assert sorted(result.state.log) == sorted(["first", "quick", "slow", "last"] * 2)
        finished = [str(r.activation) for r in await inner.read("r") if isinstance(r, NodeFinished)]
        assert len(finished) == len(set(finished)) == 8
        assert len(ENDED) == 8 - len(recorded)

    calls = counted(go)
    assert calls.count("release") == 1
    for number in some(range(1, len(calls) + 1), one_in=2):
        run_virtual(fail(number), loop=SteppingLoop, thorough=True)


def test_nothing_that_depends_on_a_record_starts_before_it_is_committed():
    graph = Graph(State)
    journal = SlowJournal(seconds=2)
    started = {}

    def node(name):
        async def work() -> list[str]:
            started[name] = {str(r.activation) for r in journal.committed if isinstance(r, NodeFinished)}
            await asyncio.sleep(1)
            return [name]

        return graph.node(work, name=name, writes="log")

    one, two, three, four = (node(name) for name in ("one", "two", "three", "four"))
    graph.chain(START, one, two, four, END)
    graph.chain(START, three, four)

    async def go():
        await graph.compile().run(journal=journal, run_id="r")
        return asyncio.get_running_loop().time()

    seconds = run_virtual(go())
    assert started["one"] == started["three"] == set()
    assert "one" in started["two"]
    assert started["four"] == {"one", "two", "three"}
    assert seconds == 2 + 3 * (1 + 2) + 2  # create, three nodes in a row with their commits, the end


def test_a_commit_whose_future_is_cancelled_breaks_the_run_and_says_so():
    journal = SlowJournal(seconds=1)

    async def go():
        async with build().start(journal=journal, run_id="r") as run:
            await asyncio.sleep(1.5)
            *_, future = journal.logs[0].waiting[0]
            future.cancel()
            with pytest.raises(JournalWriteError, match="'r'.*a commit was cancelled"):
                await run.result()

    run_virtual(go())


def test_a_journal_that_breaks_while_the_task_is_cancelled_leaves_the_cancellation_in_place(caplog):
    async def go():
        journal = FaultyJournal(MemoryJournal(), 4)
        task = asyncio.ensure_future(build().run(journal=journal, run_id="r"))
        await asyncio.sleep(1.5)
        assert journal.calls == ["create", "append", "append"]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(go())
    assert "append, failed" in caplog.text


def test_a_journal_that_breaks_while_a_run_is_left_early_is_told():
    async def go():
        journal = FaultyJournal(MemoryJournal(), 2)
        async with build().start(journal=journal, run_id="r"):
            await asyncio.sleep(0.5)

    with pytest.raises(BackedgeError, match="append, failed"):
        run_virtual(go())
