"""Runs that go on before their records are on disk: what is there when, in which order, and what a failure does."""

import asyncio
import functools
from contextlib import asynccontextmanager
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, extend
from backedge.checkpoints import MemoryJournal, SqliteJournal
from backedge.engine.errors import FencedError, InputError, JournalWriteError, RunError
from backedge.engine.execution import durability as module
from backedge.engine.execution.durability import LaggingLog
from backedge.engine.records import (
    ActivationId,
    EffectKind,
    EffectOpened,
    EffectRecorded,
    NodeFinished,
    RunStatus,
)

from ..checkpoints.samples import ended, finished, header, letter, started
from ..virtual import VirtualLoop, run_virtual
from .journals import FaultyJournal, SlowJournal

LAGGING = ["batched", "exit"]
WHERE = ActivationId("coder")


class State(BaseModel):
    log: Annotated[list[str], extend] = []


@functools.cache
def loop_of(rounds, body=None):
    """A loop of two nodes, each of which notes that it ran."""
    graph = Graph(State)

    @graph.node(writes="log")
    async def first(ctx: Context) -> list[str]:
        return [str(ctx.activation)]

    @graph.node(writes="log")
    async def second(ctx: Context) -> list[str]:
        if body is not None:
            await body(ctx)
        return [str(ctx.activation)]

    graph.chain(START, first, second)
    graph.feedback(second, first, when=lambda log: len(log) < 2 * rounds, limit=None)
    graph.edge(second, END, when=lambda log: len(log) >= 2 * rounds)
    return graph.compile()


@asynccontextmanager
async def a_journal(kind, tmp_path):
    if kind == "memory":
        async with MemoryJournal() as journal:
            yield journal
    else:
        async with await SqliteJournal.open(tmp_path / "runs.db", synchronous="normal") as journal:
            yield journal


both = pytest.mark.parametrize("kind", ["memory", "sqlite"])
lagging = pytest.mark.parametrize("durability", LAGGING)


def seqs(records):
    return [record.seq for record in records]


# ------------------------------------------------------------------ whole runs


@both
@pytest.mark.parametrize("durability", ["step", *LAGGING])
async def test_a_run_that_has_ended_is_in_the_journal_to_its_last_record(kind, durability, tmp_path):
    async with a_journal(kind, tmp_path) as journal:
        result = await loop_of(5).run(journal=journal, run_id="r", durability=durability)
        records = await journal.read("r")
        assert seqs(records) == list(range(12))
        names = [str(record.activation) for record in records if isinstance(record, NodeFinished)]
        assert names == result.state.log
        assert (await journal.runs())[0].status is RunStatus.COMPLETED


@both
@lagging
async def test_a_run_that_failed_is_in_the_journal_and_goes_on_where_it_failed(kind, durability, tmp_path):
    broken = True

    async def body(ctx):
        if broken and str(ctx.activation) == "second@3":
            raise ValueError("no")

    flow = loop_of(5, body)
    async with a_journal(kind, tmp_path) as journal:
        with pytest.raises(RunError):
            await flow.run(journal=journal, run_id="r", durability=durability)
        assert seqs(await journal.read("r")) == list(range(10))
        broken = False
        result = await flow.resume("r", journal=journal, durability=durability)
        assert len(result.state.log) == 10
        assert len([1 for record in await journal.read("r") if isinstance(record, NodeFinished)]) == 10


@both
@lagging
async def test_a_run_that_was_interrupted_is_in_the_journal(kind, durability, tmp_path):
    arrived = asyncio.Event()

    async def body(ctx):
        if str(ctx.activation) == "second@3":
            arrived.set()
            await asyncio.Event().wait()

    async with a_journal(kind, tmp_path) as journal:
        async with loop_of(5, body).start(journal=journal, run_id="r", durability=durability):
            await arrived.wait()
        assert (await journal.runs())[0].status is RunStatus.INTERRUPTED
        assert len([1 for record in await journal.read("r") if isinstance(record, NodeFinished)]) == 7
        assert len((await loop_of(5).resume("r", journal=journal)).state.log) == 10


@both
@lagging
async def test_a_suspended_run_is_in_the_journal_and_an_answer_is_there_before_what_follows_it(
    kind, durability, tmp_path
):
    seen = []

    async def body(ctx):
        if str(ctx.activation) == "second@1":
            assert await ctx.ask("go on?", schema=bool)
            seen.append(await journal.read("r"))
            seen.append(await journal.letters("r"))

    flow = loop_of(3, body)
    async with a_journal(kind, tmp_path) as journal:
        result = await flow.run(journal=journal, run_id="r", durability=durability)
        assert result.status is RunStatus.SUSPENDED
        before = await journal.read("r")
        assert len([1 for record in before if isinstance(record, NodeFinished)]) == 3
        (question,) = result.questions
        result = await flow.resume("r", journal=journal, durability=durability, answers={question.id: True})
        assert result.status is RunStatus.COMPLETED
        records, letters = seen
        assert isinstance(records[-1], EffectRecorded)
        assert records[-1].kind is EffectKind.QUESTION
        assert letters == []


@both
@lagging
async def test_the_intent_of_an_unsafe_step_is_there_when_it_is_done_with_all_before_it(
    kind, durability, tmp_path
):
    seen = []

    async def look():
        seen.append(await journal.read("r"))

    async def body(ctx):
        if str(ctx.activation) == "second@2":
            await ctx.step("pay", look, safety="unsafe")
            seen.append(await journal.read("r"))

    async with a_journal(kind, tmp_path) as journal:
        await loop_of(4, body).run(journal=journal, run_id="r", durability=durability)
    during, after = seen
    assert seqs(during) == list(range(7))
    assert isinstance(during[-1], EffectOpened)
    assert seqs(after) == list(range(8))
    assert isinstance(after[-1], EffectRecorded)


async def commits(path, rounds, durability):
    """How many transactions a run takes, from its first to its last."""
    async with await SqliteJournal.open(path, synchronous="normal") as journal:
        before = journal.commits
        await loop_of(rounds).run(journal=journal, durability=durability)
        return journal.commits - before


async def test_with_exit_the_number_of_commits_does_not_depend_on_the_number_of_rounds(tmp_path):
    assert await commits(tmp_path / "short.db", 5, "exit") == 2
    assert await commits(tmp_path / "long.db", 100, "exit") <= 3  # and its frontier


async def test_with_batched_there_are_no_more_commits_than_steps(tmp_path):
    assert await commits(tmp_path / "step.db", 60, "step") == 122
    assert await commits(tmp_path / "batched.db", 60, "batched") <= 122


def test_with_batched_what_follows_a_record_does_not_wait_for_it_and_much_goes_into_one_write():
    began = []

    async def look():
        began.append(asyncio.get_running_loop().time())

    async def body(ctx):
        await ctx.step("look", look)

    async def go():
        journal = SlowJournal(seconds=10)
        await loop_of(50, body).run(journal=journal, run_id="r", durability="batched")
        assert seqs(journal.committed) == list(range(1, 152))
        return asyncio.get_running_loop().time()

    took = run_virtual(go(), loop=VirtualLoop)
    assert len(began) == 50
    assert set(began) == {10.0}, "it waited for nothing but the run's creation"
    assert took == 20.0, "its creation, and two writes that went side by side"


# ------------------------------------------------------------------ failures


@lagging
@pytest.mark.parametrize("how", ["raise", "future", "late"])
def test_a_journal_may_fail_at_any_call(durability, how):
    def counted():
        async def count():
            journal = FaultyJournal(MemoryJournal())
            await loop_of(4).run(journal=journal, run_id="r", durability=durability)
            return journal.calls

        return run_virtual(count())

    async def fail(number):
        inner = MemoryJournal()
        journal = FaultyJournal(inner, number, how)
        with pytest.raises(JournalWriteError, match=f"call {number}, "):
            await loop_of(4).run(journal=journal, run_id="r", durability=durability)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        known = await inner.runs()
        if not known:
            return
        assert known[0].owner is None, "the log was not released"
        records = await inner.read("r")
        assert seqs(records) == list(range(len(records)))
        result = await loop_of(4).resume("r", journal=inner)
        assert result.state.log == [f"{node}@{number}" for number in range(4) for node in ("first", "second")]

    calls = counted()
    assert calls.count("append") >= 1
    for number in range(1, len(calls) + 1):
        run_virtual(fail(number), thorough=True)


def test_a_write_that_fails_in_the_background_stops_the_run_at_once():
    async def body(ctx):
        await asyncio.sleep(1000)

    async def go():
        journal = FaultyJournal(MemoryJournal(), 2, "future")
        with pytest.raises(JournalWriteError, match="call 2, append"):
            await loop_of(4, body).run(journal=journal, run_id="r", durability="batched")
        assert len(await journal.inner.read("r")) == 1
        return asyncio.get_running_loop().time()

    assert run_virtual(go()) < 1000


@both
@lagging
async def test_a_run_that_was_taken_over_writes_nothing_and_ends(kind, durability, tmp_path):
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def body(ctx):
        if str(ctx.activation) == "second@2":
            arrived.set()
            await go_on.wait()

    async with a_journal(kind, tmp_path) as journal:
        running = asyncio.create_task(
            loop_of(4, body).run(journal=journal, run_id="r", durability=durability)
        )
        await arrived.wait()
        log = await journal.acquire("r", takeover=True)
        there = await journal.read("r")
        go_on.set()
        with pytest.raises(FencedError):
            await running
        assert await journal.read("r") == there
        await log.release()
        assert len((await loop_of(4).resume("r", journal=journal)).state.log) == 8


@both
@lagging
async def test_a_run_that_was_taken_over_begins_no_effect(kind, durability, tmp_path):
    arrived, go_on, done = asyncio.Event(), asyncio.Event(), []

    async def body(ctx):
        if str(ctx.activation) == "second@2":
            arrived.set()
            await go_on.wait()
            await ctx.step("look", lambda: done.append(1))

    async with a_journal(kind, tmp_path) as journal:
        running = asyncio.create_task(
            loop_of(4, body).run(journal=journal, run_id="r", durability=durability)
        )
        await arrived.wait()
        log = await journal.acquire("r", takeover=True)
        go_on.set()
        with pytest.raises(FencedError):
            await running
        assert done == []
        await log.release()


@pytest.mark.parametrize("wrong", ["full", "", None, 3])
async def test_an_unknown_setting_is_refused_in_one_line_before_anything_is_stored(wrong):
    async with MemoryJournal() as journal:
        with pytest.raises(InputError) as raised:
            await loop_of(1).run(journal=journal, durability=wrong)
        assert str(raised.value) == f'durability is "step", "batched" or "exit", not {wrong!r}'
        assert await journal.runs() == []


# ------------------------------------------------------------------ the log alone


async def slow_log(eager):
    """A lagging log, the journal behind it, and a function that lets that commit once."""
    journal = SlowJournal(seconds=0)
    log = await journal.create(header(), started())
    journal.seconds = 3600
    return LaggingLog(log, eager=eager), journal, log


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


def opened(seq, kind=EffectKind.STEP):
    return EffectOpened(seq, WHERE, 1, "1", "pay", "d", 5.0, kind, b"{}")


def recorded(seq, kind=EffectKind.STEP):
    return EffectRecorded(seq, WHERE, 1, "1", "pay", "d", 6.0, b"1", kind=kind)


async def test_exit_writes_nothing_until_the_log_is_released():
    log, journal, _ = await slow_log(eager=False)
    waits = [log.append(finished(seq)) for seq in range(1, 50)]
    assert all(wait.done() for wait in waits)
    await turns()
    assert len(await journal.inner.read("demo")) == 1
    await log.release()
    assert seqs(journal.committed) == list(range(1, 50))


async def test_batched_has_one_write_under_way_and_the_rest_in_the_next():
    log, _, slow = await slow_log(eager=True)
    for seq in range(1, 50):
        log.append(finished(seq))
    assert [seqs(records) for records, *_ in slow.waiting] == [[1]]
    slow._commit()
    await turns()
    assert [seqs(records) for records, *_ in slow.waiting] == [list(range(2, 50))]
    slow._commit()
    await turns()
    await log.release()


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize(
    "lasting",
    [
        pytest.param([ended(2)], id="the end"),
        pytest.param([opened(2)], id="an intent"),
        pytest.param([recorded(2, EffectKind.QUESTION)], id="an answer"),
        pytest.param([recorded(2, EffectKind.SIGNAL)], id="a signal"),
        pytest.param([recorded(2, EffectKind.APPROVAL)], id="an approval"),
    ],
)
async def test_what_must_last_is_done_when_it_is_committed_with_all_before_it(eager, lasting):
    log, journal, slow = await slow_log(eager)
    assert log.append(finished(1)).done()
    waiting = log.append(*lasting)
    while slow.waiting:
        assert not waiting.done()
        slow._commit()
        await turns()
    assert waiting.done()
    assert seqs(journal.committed) == [1, 2]
    await log.release()


async def test_how_an_opened_effect_ended_is_committed_but_not_how_another_one_did():
    log, _, slow = await slow_log(eager=False)
    log.append(opened(1))
    slow._commit()
    await turns()
    ending = log.append(recorded(2))
    assert not ending.done()
    slow._commit()
    await turns()
    assert ending.done()
    assert log.append(recorded(3)).done(), "nothing was opened before it any more"
    slow.journal.seconds = 0
    await log.release()


async def test_a_letter_goes_in_the_write_that_stores_what_took_it():
    async with MemoryJournal() as journal:
        log = LaggingLog(await journal.create(header(), started()), eager=False)
        number = await journal.post("demo", letter())
        log.append(finished(1))
        await log.append(recorded(2), taken=[number])
        assert await journal.letters("demo") == []
        assert seqs(await journal.read("demo")) == [0, 1, 2]
        await log.release()


async def test_appends_are_done_in_order_also_after_one_that_is_committed_first():
    log, _, slow = await slow_log(eager=False)
    order = []
    for seq, record in enumerate([finished(1), opened(2), finished(3), recorded(4), finished(5)], 1):
        log.append(record).add_done_callback(lambda _, seq=seq: order.append(seq))
    await turns()
    assert order == [1]
    while slow.waiting:
        slow._commit()
        await turns()
    assert order == [1, 2, 3, 4, 5]
    slow.journal.seconds = 0
    await log.release()


@pytest.mark.parametrize("eager", [True, False])
async def test_no_more_waits_than_there_is_room_for(eager, monkeypatch):
    monkeypatch.setattr(module, "MOST", 100_000)
    log, _, slow = await slow_log(eager)
    done = [log.append(finished(seq, b'"' + b"x" * 10_000 + b'"')).done() for seq in range(1, 40)]
    assert 5 <= done.index(False) <= 15
    assert not any(done[done.index(False) :]), "what comes later is not done first"
    slow.journal.seconds = 0
    await log.release()


@pytest.mark.parametrize("eager", [True, False])
async def test_what_was_written_takes_no_room_any_more(eager, monkeypatch):
    monkeypatch.setattr(module, "MOST", 100_000)
    log, _, slow = await slow_log(eager)
    for seq in range(1, 40):
        wait = log.append(finished(seq, b'"' + b"x" * 40_000 + b'"'))
        if wait.done():
            continue
        while slow.waiting:
            slow._commit()
            await turns()
        assert seq < 39
        assert log.append(finished(seq + 1)).done()
        break
    slow.journal.seconds = 0
    await log.release()


async def test_a_frontier_is_kept_after_the_records_that_led_to_it():
    async with MemoryJournal() as journal:
        log = LaggingLog(await journal.create(header(), started()), eager=False)
        log.append(finished(1))
        log.keep(1, b"one")
        assert await journal.frontier("demo") is None
        log.append(finished(2))
        await log.append(opened(3))
        assert await journal.frontier("demo") == (1, b"one")
        log.keep(3, b"three")
        assert await journal.frontier("demo") == (3, b"three")
        await log.release()


@pytest.mark.parametrize("eager", [True, False])
async def test_after_a_write_failed_every_append_fails_with_its_error_and_who_listens_is_told(eager):
    journal = FaultyJournal(MemoryJournal(), 2, "future")
    log = LaggingLog(await journal.create(header(), started()), eager=eager)
    told = []
    log.broken = told.append
    log.append(finished(1))
    failing = log.append(opened(2))
    following = log.append(finished(3))
    await turns()
    errors = {failing.exception(), following.exception(), log.append(finished(4)).exception(), *told}
    assert len(errors) == 1
    assert isinstance(errors.pop(), JournalWriteError)
    assert journal.calls.count("append") <= 2
    await log.release()
    assert len(await journal.inner.read("demo")) == 1
