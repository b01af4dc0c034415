"""Flows of one node with effects, an account of what was done, and runs that break off wherever one likes."""

import asyncio
import json
import time

from pydantic import BaseModel, JsonValue

from backedge import END, START, Graph, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import EffectRecorded, Letter, LetterKind

from ...virtual import run_virtual


class State(BaseModel):
    out: JsonValue = None
    given: int = 0
    text: str = ""


class World:
    """What was done outside, in order: what a crash cannot undo."""

    def __init__(self):
        self.done = []

    async def fetch(self, what: str) -> str:
        await asyncio.sleep(0)
        self.done.append(what)
        return what.upper()

    async def slow(self, what: str, seconds: float) -> str:
        await asyncio.sleep(seconds)
        self.done.append(what)
        return what.upper()

    def plain(self, what: str) -> str:
        self.done.append(what)
        return what.upper()

    async def fail(self, what: str) -> str:
        self.done.append(what)
        raise ValueError(f"no {what}")


def flow_of(body, **options):
    """A flow of one node."""
    graph = Graph(State)
    graph.chain(START, graph.node(body, name="node", writes="out", **options), END)
    return graph.compile()


async def broken_off(records, header, letters=()):
    """A journal in which a run broke off after these records."""
    journal = MemoryJournal()
    log = await journal.create(header, records[0])
    if records[1:]:
        await log.append(*records[1:])
    await log.release()
    for letter in letters:
        await journal.post(header.run_id, letter)
    return journal


def letter(kind, name, value):
    return Letter(LetterKind(kind), name, json.dumps(value).encode(), time.time())


async def to_the_end(flow, journal, *, answers=None, signals=(), run_id="r", most=50, **options):
    """Resume until the run completes; questions get their answers by their text."""
    for name, value in signals:
        await journal.post(run_id, letter("signal", name, value))
    told = {}
    for _ in range(most):
        result = await flow.resume(run_id, journal=journal, answers=told, **options)
        if result.status is RunStatus.COMPLETED:
            return result
        told = {each.id: answers[each.text] for each in result.questions if each.text in (answers or {})}
        assert told, f"nobody answers {result.questions}"
    raise AssertionError("it never ends")


async def whole(flow, inputs=None, *, answers=None, signals=(), **options):
    """A run to its end, its records and its header; whatever it waits for is given to it."""
    journal = MemoryJournal()
    result = await flow.run(inputs, journal=journal, run_id="r", **options)
    if result.status is not RunStatus.COMPLETED or signals:
        result = await to_the_end(flow, journal, answers=answers, signals=signals, **options)
    return result, await journal.read("r"), await journal.header("r")


def completed(records):
    """What these records say was done by steps, by its result."""
    return [
        json.loads(record.result).lower()
        for record in records
        if isinstance(record, EffectRecorded) and record.kind == "step" and record.error is None
    ]


def crash_everywhere(make, inputs=None, *, answers=None, signals=()):
    """Break a run off after every record, and resume it: it ends as it would have, and does nothing twice.

    `make` gives a world and a flow whose steps append to ``world.done`` what they return, in lower case.
    """

    async def go():
        world, flow = make()
        expected, records, header = await whole(flow, inputs, answers=answers, signals=signals)
        assert len(set(world.done)) == len(world.done), "the steps of the test are to differ"
        for count in range(1, len(records)):
            again, same = make()
            journal = await broken_off(records[:count], header)
            left = _not_taken(signals, records[:count])
            result = await to_the_end(same, journal, answers=answers, signals=left)
            assert result.state == expected.state, count
            assert not set(completed(records[:count])) & set(again.done), count
            assert len(set(again.done)) == len(again.done), count
            assert set(completed(await journal.read("r"))) == set(completed(records)), count
        return expected.state.out, world.done

    return run_virtual(go(), thorough=True)


def _not_taken(signals, records):
    """The signals that the journal would still hold."""
    taken = [
        (record.name, json.loads(record.result))
        for record in records
        if isinstance(record, EffectRecorded) and record.kind == "signal"
    ]
    left = list(signals)
    for each in taken:
        left.remove(each)
    return left
