"""Facts that are illegal, one by one; everything else is in test_schedule_properties.py."""

import pytest

from backedge.engine.activation import Phase
from backedge.engine.errors import ScheduleError
from backedge.engine.facts import NodeFailed, NodeRetried, NodeReturned, NodeRouted, NodeSucceeded, StartNode
from backedge.engine.schedule import TRANSITIONS

from .drive import plan_of, schedule_of
from .graphs import read_graph


@pytest.fixture
def schedule():
    return schedule_of(plan_of(read_graph("START>a a>b a>END b>END")))


def number(schedule, name):
    return schedule._plan.number[name]


def begin(schedule):
    plan = schedule._plan
    start = NodeSucceeded(plan.number["START"], (), {}, tuple(plan.outgoing[plan.number["START"]]))
    return schedule.apply(start)


def test_a_token_starts_its_target(schedule):
    [order] = begin(schedule)
    assert isinstance(order, StartNode)
    assert (order.node, order.rounds) == (number(schedule, "a"), ())


@pytest.mark.parametrize("twice", [True, False])
def test_edges_are_the_nodes_own_and_each_is_taken_once(schedule, twice):
    begin(schedule)
    node = number(schedule, "a")
    own = schedule._plan.outgoing[node]
    wrong = (own[0], own[0]) if twice else tuple(schedule._plan.outgoing[number(schedule, "b")])
    with pytest.raises(ScheduleError, match="twice" if twice else "does not have"):
        schedule.apply(NodeSucceeded(node, (), {}, wrong))
    schedule.validate()
    assert schedule.phase(node, ()) is Phase.RUNNING


def test_start_cannot_fail(schedule):
    with pytest.raises(ScheduleError, match="START"):
        schedule.apply(NodeFailed(number(schedule, "START"), ()))


def test_a_fact_about_what_is_not_alive_tells_the_last_fact(schedule):
    begin(schedule)
    with pytest.raises(ScheduleError, match=r"NodeFailed\(b\): it is not alive.*\n.*NodeSucceeded") as caught:
        schedule.apply(NodeFailed(number(schedule, "b"), ()))
    assert len(caught.value.history) == 1


@pytest.mark.parametrize("fact", [NodeRetried, NodeRouted])
def test_what_a_phase_does_not_allow_is_refused(schedule, fact):
    begin(schedule)
    arguments = ((),) if fact is NodeRouted else ()
    with pytest.raises(ScheduleError, match="it is running"):
        schedule.apply(fact(number(schedule, "a"), (), *arguments))


def test_the_table_of_transitions_is_complete():
    for phase in (Phase.RUNNING, Phase.RETURNED, Phase.FAILED):
        assert any(known is phase for known, _ in TRANSITIONS.values())
    assert not any(known is Phase.WAITING for known, _ in TRANSITIONS.values())


def test_a_node_that_returned_is_routed_later_with_what_it_wrote(schedule):
    begin(schedule)
    node = number(schedule, "a")
    assert schedule.apply(NodeReturned(node, (), {"note": "written"})) == []
    assert schedule.snapshot(node, ()).read("note") == "written"
    to_b = [
        edge
        for edge in schedule._plan.outgoing[node]
        if schedule._plan.edges[edge].target == number(schedule, "b")
    ]
    [order] = schedule.apply(NodeRouted(node, (), tuple(to_b)))
    assert order.snapshot.read("note") == "written"
