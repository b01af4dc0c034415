"""From records back to a machine."""

import pytest
from pydantic import BaseModel

from backedge import END, START, Graph
from backedge.engine.activation import Phase
from backedge.engine.records import (
    ActivationId,
    AttemptFailed,
    ErrorInfo,
    NodeFinished,
    Routed,
    RoutingFailed,
    RunEnded,
    RunResumed,
    RunStarted,
    RunStatus,
)
from backedge.engine.recovery import UNFIT, UnknownActivationError, key_of, recover


class State(BaseModel):
    text: str = "unset"


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


def key(activation):
    return key_of(GRAPH, activation)


def finished(seq, activation, text, taken):
    return NodeFinished(seq, activation, 1, 0.0, 0.0, {"text": f'"{text}"'.encode()}, taken)


def failed(seq, attempt, final):
    return AttemptFailed(seq, A0, attempt, 0.0, 0.0, WRONG, final)


def test_what_was_ordered_and_not_finished_is_in_flight():
    run = recover(GRAPH, [STARTED])
    assert (run.seq, run.status, list(run.orders)) == (1, RunStatus.RUNNING, [key(A0)])
    run = recover(GRAPH, [STARTED, finished(1, A0, "x", ("a->b",))])
    assert (run.seq, list(run.orders)) == (2, [key(B0)])


def test_the_tries_behind_an_activation_are_counted_and_a_failure_begins_anew():
    run = recover(GRAPH, [STARTED, failed(1, 1, False), failed(2, 2, False)])
    assert (run.tries[key(A0)].next, run.tries[key(A0)].seen) == (3, 2)
    run = recover(GRAPH, [STARTED, failed(1, 1, False), failed(2, 2, True)])
    assert (run.tries[key(A0)].next, run.tries[key(A0)].seen) == (3, 0)
    assert run.in_phase(Phase.FAILED) == [key(A0)]
    assert run.orders == {}
    run = recover(
        GRAPH, [STARTED, failed(1, 1, True), RunResumed(2, 0.0, 2), finished(3, A0, "x", ("a->b",))]
    )
    assert key(A0) not in run.tries


def test_a_resume_puts_what_had_failed_in_flight_and_keeps_its_limits():
    edge = GRAPH.plan.edge_number["b->a"]
    limits = {"b->a": 7, "gone->a": 1}
    run = recover(GRAPH, [STARTED, failed(1, 1, True), RunResumed(2, 0.0, 2, limits)])
    assert list(run.orders) == [key(A0)]
    assert run.schedule.limits[edge] == 7


def test_what_returned_and_was_not_routed_owes_that():
    records = [STARTED, finished(1, A0, "x", None), RoutingFailed(2, A0, 0.0, WRONG)]
    assert recover(GRAPH, records).in_phase(Phase.RETURNED) == [key(A0)]
    assert list(recover(GRAPH, [*records, Routed(3, A0, 0.0, ("a->b",))]).orders) == [key(B0)]


def test_the_status_is_that_of_the_last_end_unless_it_was_resumed():
    ended = RunEnded(1, 0.0, RunStatus.INTERRUPTED)
    assert recover(GRAPH, [STARTED, ended]).status is RunStatus.INTERRUPTED
    assert recover(GRAPH, [STARTED, ended, RunResumed(2, 0.0, 2)]).status is RunStatus.RUNNING


@pytest.mark.parametrize(
    "wrong",
    [
        finished(1, ActivationId("gone", ()), "x", ()),
        finished(1, A0, "x", ("a->gone",)),
        finished(1, B0, "x", ()),
        NodeFinished(1, A0, 1, 0.0, 0.0, {"gone": b"1"}, ("a->b",)),
        NodeFinished(1, A0, 1, 0.0, 0.0, {"text": b"1"}, ("a->b",)),
        object(),
    ],
    ids=["node", "edge", "not alive", "field", "type", "kind"],
)
def test_records_of_something_else_are_refused_in_a_known_way(wrong):
    if type(wrong) is object:
        wrong = type("Strange", (), {"seq": 1})()
    with pytest.raises(UNFIT):
        recover(GRAPH, [STARTED, wrong])


def test_a_node_that_is_gone_is_named_as_it_ran():
    with pytest.raises(UnknownActivationError, match="gone@3"):
        key_of(GRAPH, ActivationId("gone", (("a", 3),)))


def test_a_loop_that_was_put_around_a_node_since_counts_as_its_round_0():
    assert key_of(GRAPH, ActivationId("a", ())) == key(A0)
