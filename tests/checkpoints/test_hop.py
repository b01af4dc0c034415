import asyncio
import sqlite3
import threading

import pytest

from backedge.checkpoints.hop import Hop, JobConnection


def connect():
    return sqlite3.connect(":memory:", isolation_level=None, factory=JobConnection)


@pytest.fixture
async def hop():
    hop = await Hop.open(connect)
    yield hop
    await hop.close()


async def test_jobs_run_in_order_on_one_thread_that_is_not_ours(hop):
    seen = []
    for number in range(5):
        hop.send(lambda _, number=number: seen.append((number, threading.current_thread())), lambda: None)
    await hop.run(lambda _: None)
    assert [number for number, _ in seen] == [0, 1, 2, 3, 4]
    assert len({thread for _, thread in seen} - {threading.current_thread()}) == 1


async def test_who_sends_a_job_is_told_on_the_event_loop_after_it(hop):
    seen = []
    hop.send(lambda _: seen.append("ran"), lambda: seen.append(threading.current_thread()))
    assert len(seen) < 2
    await hop.run(lambda _: None)
    assert seen == ["ran", threading.current_thread()]


async def test_a_job_gets_the_connection_and_its_result_comes_back(hop):
    assert await hop.run(lambda db: db.execute("SELECT 6 * 7").fetchone()) == (42,)


async def test_a_job_is_one_call_of_the_thread(hop, monkeypatch):
    calls = []
    monkeypatch.setattr(JobConnection, "commit", lambda db: (calls.append(1), db.jobs.popleft()(db))[0])
    await hop.run(lambda db: [db.execute("SELECT 1") for _ in range(10)])
    assert calls == [1]


async def test_what_a_job_raises_comes_back(hop):
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await hop.run(lambda db: db.execute("SELECT * FROM missing"))
    assert await hop.run(lambda _: 1) == 1


async def test_a_job_runs_though_nobody_waits_any_more(hop):
    gate, seen = threading.Event(), []
    hop.send(lambda _: gate.wait(5) and None, lambda: None)
    waiting = [asyncio.ensure_future(hop.run(lambda _: seen.append("ran")))]
    waiting.append(asyncio.ensure_future(hop.run(lambda _: 1 / 0)))
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    gate.set()
    await asyncio.wait(waiting)
    await hop.run(lambda _: None)
    assert seen == ["ran"]


async def test_what_the_connector_raises_is_raised_and_the_thread_ends():
    threads = []

    def refuse():
        threads.append(threading.current_thread())
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await Hop.open(refuse)
    await asyncio.to_thread(threads[0].join, 10)
    assert not threads[0].is_alive()


async def test_the_thread_does_not_keep_a_program_alive(hop):
    assert await hop.run(lambda _: threading.current_thread().daemon)
