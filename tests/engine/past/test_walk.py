"""The states that records led through."""

from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import END, START, Graph, extend
from backedge.engine.past.walk import Walk
from backedge.engine.records import (
    ActivationId,
    AttemptFailed,
    EffectRecorded,
    ErrorInfo,
    InputEdited,
    NodeFinished,
    Routed,
    RoutingFailed,
    RunEnded,
    RunForked,
    RunResumed,
    RunStarted,
    RunStatus,
)


class State(BaseModel):
    text: str = "unset"
    log: Annotated[list[str], extend] = []


def build():
    graph = Graph(State)

    @graph.node(writes="text")
    async def a() -> str: ...

    @graph.node(writes="text")
    async def b(text: str) -> str: ...

    graph.chain(START, a, b)
    graph.feedback(b, a, when=lambda text: text != "done", limit=2)
    graph.edge(b, END, when=lambda text: text == "done")
    return graph.compile().graph


GRAPH = build()
A0, B0 = ActivationId("a", (("a", 0),)), ActivationId("b", (("a", 0),))
WRONG = ErrorInfo("Error", "x")
STARTED = RunStarted(0, 0.0, {}, ("START->a",))
ENDED = RunEnded(2, 0.0, RunStatus.INTERRUPTED)


def finished(seq, activation, text, taken):
    return NodeFinished(seq, activation, 1, 0.0, 0.0, {"text": f'"{text}"'.encode()}, taken)


def forked(seq, text, before=None):
    return RunForked(seq, 0.0, {"text": f'"{text}"'.encode(), "log": b'["x"]'}, before)


A_DONE = finished(1, A0, "x", ("a->b",))
DONE = [STARTED, A_DONE, finished(2, B0, "done", ("b->END",)), RunEnded(3, 0.0, RunStatus.COMPLETED)]


@pytest.mark.parametrize(
    ("records", "before", "after"),
    [
        ([STARTED], "unset", "unset"),
        ([STARTED, A_DONE], "unset", "x"),
        ([STARTED, A_DONE, finished(2, B0, "y", ("b->a",))], "x", "y"),
        ([STARTED, AttemptFailed(1, A0, 1, 0.0, 0.0, WRONG, True)], "unset", "unset"),
        ([STARTED, A_DONE, ENDED], "x", "x"),
        ([STARTED, A_DONE, RunResumed(2, 0.0, 2)], "x", "x"),
        ([STARTED, A_DONE, EffectRecorded(2, B0, 1, "0", "n", "d", 0.0, b"1")], "x", "x"),
        ([STARTED, A_DONE, InputEdited(2, B0, 0.0, {"text": b'"mine"'})], "x", "mine"),
        ([STARTED, finished(1, A0, "x", None), RoutingFailed(2, A0, 0.0, WRONG)], "x", "x"),
        ([STARTED, A_DONE, forked(2, "mine")], "x", "mine"),
        ([STARTED, A_DONE, forked(2, "mine"), Routed(3, A0, 0.0, ("a->b",))], "mine", "mine"),
        ([STARTED, A_DONE, forked(2, "mine", B0)], "x", "mine"),
        ([STARTED, A_DONE, ENDED, forked(3, "mine")], "x", "mine"),
        (DONE, "done", "done"),
    ],
)
def test_the_state_at_a_record_is_what_its_activation_ran_on_and_left(records, before, after):
    walk = Walk(GRAPH, records)
    place = len(records) - 1
    assert walk.after(place).read("text") == after
    assert walk.before(place).read("text") == before
    assert walk.after(place).read("text") == after
    assert Walk(GRAPH, records).before(place).read("text") == before


def test_what_a_fork_edits_reaches_everything_after_it():
    records = [STARTED, A_DONE, forked(2, "mine"), Routed(3, A0, 0.0, ("a->b",)), finished(4, B0, "z", None)]
    walk = Walk(GRAPH, records)
    assert [walk.after(place).read("log") for place in range(5)] == [[], [], ["x"], ["x"], ["x"]]


def test_going_along_all_records_applies_each_one_once(monkeypatch):
    from backedge.engine import recovery

    applied = []
    advance = recovery.advance
    monkeypatch.setattr(
        recovery, "advance", lambda g, r, record, f: applied.append(record.seq) or advance(g, r, record, f)
    )
    walk = Walk(GRAPH, DONE)
    for place in range(len(DONE)):
        walk.before(place)
        walk.after(place)
    assert len(applied) <= len(DONE) + 3  # the states about the end are those of the record before
