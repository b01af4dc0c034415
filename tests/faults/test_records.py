"""What cannot be stored, what was damaged, and who cancels: told clearly, and nothing is half-written."""

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from typing import Annotated

import pytest
from pydantic import BaseModel, JsonValue

from backedge import END, START, Graph, cancel, extend
from backedge.checkpoints import SqliteJournal
from backedge.engine.errors import JournalCorruptError, RunCancelledError, RunFailedError, UpdateError
from backedge.engine.records import AttemptFailed, NodeFinished, RunEnded, RunStatus

from .kit import RUN, durable, injection, is_stopped, needs_strace, program, stopped

waiting = program("waiting")


class Part(BaseModel):
    size: int = 0


class Larger(Part):
    more: int = 0


class State(BaseModel):
    text: str = ""
    data: JsonValue = None
    part: Part = Part()
    done: Annotated[list[str], extend] = []


def build(ran, **writes):
    graph = Graph(State)

    @graph.node(writes="done")
    async def before() -> list[str]:
        ran.append("before")
        return ["before"]

    @graph.node(writes=("text", "data", "part", "done"))
    async def worker() -> dict[str, object]:
        ran.append("worker")
        return {"done": ["worker"], **writes}

    graph.chain(START, before, worker, END)
    return graph.compile()


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("text", "\ud800", "str"),
        ("data", object(), "object"),
        ("data", {"deep": ["\ud800"]}, "dict"),
        ("part", Larger(more=1), "Larger"),
    ],
)
async def test_what_cannot_be_stored_is_named_and_the_run_goes_on_once_it_is_mended(
    place, field, value, kind
):
    ran = []
    async with await SqliteJournal.open(place.database) as journal:
        with pytest.raises(RunFailedError) as told:
            await build(ran, **{field: value}).run(journal=journal, run_id=RUN)
        error = told.value.failures["worker"]
        assert isinstance(error, UpdateError)
        assert f"field {field!r}" in str(error)
        assert kind in str(error)
        kept = await journal.read(RUN)
        assert [str(each.activation) for each in kept if isinstance(each, NodeFinished)] == ["before"]
        assert [each.final for each in kept if isinstance(each, AttemptFailed)] == [True]
        assert isinstance(kept[-1], RunEnded)
        assert kept[-1].status is RunStatus.FAILED
        result = await build(ran, text="mended").resume(RUN, journal=journal)
    assert result.state == State(text="mended", done=["before", "worker"])
    assert ran == ["before", "worker", "worker"]
    assert place.intact()


@needs_strace
class TestADamagedRecord:
    @pytest.fixture
    def cut_short(self, warm, place):
        place.make()
        ended = warm.run(place, trace=injection(place, "fdatasync", "signal=KILL", 12))
        assert ended.code == -signal.SIGKILL
        return place

    async def test_a_run_does_not_go_on_from_it_and_it_is_named(self, cut_short):
        whole = await cut_short.records()
        damaged = whole[-2].seq
        with closing(sqlite3.connect(cut_short.database)) as db:
            query = "SELECT place, body FROM records WHERE place & 4294967295 = ?"
            at, body = db.execute(query, (damaged,)).fetchone()
            body = bytearray(body)
            body[len(body) // 2] ^= 1
            db.execute("UPDATE records SET body = ? WHERE place = ?", (bytes(body), at))
            db.commit()
        effects = cut_short.effects
        async with await SqliteJournal.open(cut_short.database) as journal:
            for _ in range(2):
                with pytest.raises(
                    JournalCorruptError, match=f"record {damaged} of run 'run' is damaged"
                ) as told:
                    await durable.go(journal, RUN, cut_short.log)
                assert (told.value.run_id, told.value.seq) == (RUN, damaged)
            assert list(await journal.read(RUN, before=damaged)) == whole[:damaged]
            other = durable.build(cut_short.folder / "other")
            assert (await other.run(journal=journal, run_id="other")).status is RunStatus.COMPLETED
        assert cut_short.effects == effects, "something was done though the run could not be read"


def test_a_run_cancelled_from_another_process_while_stopped_ends_for_good(warm, place):
    before = {}

    async def meanwhile(pid):
        await stopped(lambda: is_stopped(pid))
        before["effects"] = place.effects
        await cancel(RUN, journal=place.database)
        os.kill(pid, signal.SIGCONT)

    ended = warm.run(place, program="waiting", more=[], meanwhile=meanwhile)
    assert ended.code == 3
    assert ended.errors.startswith("RunCancelledError: run 'run' was cancelled")
    assert place.effects == before["effects"] == ["begun"]
    records = asyncio.run(place.records())
    assert records[-1].status is RunStatus.CANCELLED
    with pytest.raises(RunCancelledError, match="cancelled, which is final; fork it"):
        asyncio.run(waiting.build(place.log).resume(RUN, journal=place.database))
    assert asyncio.run(place.records()) == records
