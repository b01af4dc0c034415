"""However a run ends, no task, thread or file is left behind."""

import asyncio
import gc
import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import END, START, BackedgeError, Graph, add


class State(BaseModel):
    total: Annotated[int, add] = 0


def build(*, broken=False):
    """An async node, one in a thread, one that waits until it is stopped."""
    graph = Graph(State)
    started = asyncio.Event()

    @graph.node(writes="total")
    def in_thread() -> int:
        return 1

    @graph.node(writes="total")
    async def quick() -> int:
        if broken:
            raise ValueError
        return 1

    @graph.node
    async def waits(total: int) -> None:
        started.set()
        if not broken:
            await asyncio.sleep(600)

    @graph.node
    async def last() -> None: ...

    graph.chain(START, in_thread, waits, last, END)
    graph.chain(START, quick, END)
    return graph.compile(), started


async def completes(where):
    graph = Graph(State)

    @graph.node(writes="total")
    def one() -> int:
        return 1

    graph.chain(START, one, END)
    await graph.compile().run(journal=where)


async def fails(where):
    flow, _ = build(broken=True)
    await flow.run(journal=where)


async def is_cancelled(where):
    flow, started = build()
    async with flow.start(journal=where) as run:
        await started.wait()
        run.cancel()
        await run.result()


async def is_cancelled_with_grace(where):
    flow, started = build()
    async with flow.start(journal=where) as run:
        await started.wait()
        run.cancel(grace=0.01)
        await run.result()


async def is_left(where):
    flow, started = build()
    async with flow.start(journal=where):
        await started.wait()


async def loses_its_task(where):
    flow, started = build()
    task = asyncio.ensure_future(flow.run(journal=where))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def loses_its_task_twice(where):
    flow, started = build()
    task = asyncio.ensure_future(flow.run(journal=where))
    await started.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def meets_its_deadline(where):
    flow, _ = build()
    await flow.run(journal=where, deadline=0.05)


async def is_refused(where):
    flow, _ = build()
    await flow.run({"total": "no number"}, journal=where)


async def finds_its_name_taken(where):
    await completes(where)
    flow, _ = build()
    await flow.resume("no such run", journal=where)


ENDINGS = [
    completes,
    fails,
    is_cancelled,
    is_cancelled_with_grace,
    is_left,
    loses_its_task,
    loses_its_task_twice,
    meets_its_deadline,
    is_refused,
    finds_its_name_taken,
]


def what_is_open():
    """What the process's file descriptors lead to; the one that lists them is gone by then."""
    return sorted(str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.exists())


def threads_since(before):
    """The threads that were started since; those that were told to end get the time to."""
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    return set(threading.enumerate()) - before


@pytest.mark.parametrize("ending", ENDINGS)
async def test_nothing_is_left_behind_after_a_run_that(ending, tmp_path):
    await asyncio.sleep(0)
    gc.collect()  # files that another test let go of are closed now, and not meanwhile
    files, threads = what_is_open(), set(threading.enumerate())  # of which those of another test may yet end
    for where in (None, tmp_path / "runs.db"):
        if where is None and ending is finds_its_name_taken:
            continue
        with suppress(BackedgeError):
            await ending(where)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert what_is_open() == files
        assert threads_since(threads) == set()
