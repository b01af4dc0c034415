"""Edits of a frontier, and of what one activation runs on, as the schedule sees them."""

import pytest
from pydantic import BaseModel

from backedge.engine.activation import Phase
from backedge.engine.errors import ScheduleError
from backedge.engine.facts import (
    FrontierEdited,
    NodeEdited,
    NodeFailed,
    NodeRetried,
    NodeReturned,
    NodeSucceeded,
    StartNode,
)
from backedge.engine.state.fields import StateSchema

from .drive import FIELDS, LOG, NOTE, plan_of, schedule_of
from .graphs import read_graph

DIAMOND = plan_of(read_graph("START>a START>b a>c b>c c>END"))
A, B, C = (DIAMOND.number[name] for name in "abc")
START, END = DIAMOND.number["START"], DIAMOND.number["END"]


def begun():
    schedule = schedule_of(DIAMOND)
    schedule.apply(NodeSucceeded(START, (), {LOG: "s"}, DIAMOND.outgoing[START]))
    return schedule


def edit(schedule, fact):
    orders = schedule.edit(fact)
    schedule.validate()
    return orders


def all_of(**values):
    return FrontierEdited(FIELDS.edit(values))


def done(schedule, node, **updates):
    orders = schedule.apply(NodeSucceeded(node, (), updates, DIAMOND.outgoing[node]))
    schedule.validate()
    return orders


def test_what_runs_begins_anew_on_what_was_edited_in_order_of_position():
    schedule = begun()
    orders = edit(schedule, all_of(note="new", log=("only",)))
    assert [(order.node, order.snapshot.read(NOTE), order.snapshot.read(LOG)) for order in orders] == [
        (A, "new", ("only",)),
        (B, "new", ("only",)),
    ]


def test_tokens_that_wait_are_edited_too():
    schedule = begun()
    assert done(schedule, A, log="a") == []
    (order,) = edit(schedule, all_of(note="new", log=("only",)))
    assert order.node == B
    (order,) = done(schedule, B, log="b")
    assert (order.node, order.snapshot.read(LOG), order.snapshot.read(NOTE)) == (C, ("only", "b"), "new")


def test_what_returned_carries_the_edit_on():
    schedule = begun()
    schedule.apply(NodeReturned(A, (), {LOG: "a"}))
    edit(schedule, all_of(log=("only",)))
    assert schedule.snapshot(A, ()).read(LOG) == ("only",)
    assert schedule.phase(A, ()) is Phase.RETURNED


def test_a_failed_activation_is_edited_and_not_started():
    schedule = begun()
    schedule.apply(NodeFailed(A, ()))
    assert [order.node for order in edit(schedule, all_of(note="new"))] == [B]
    (order,) = schedule.apply(NodeRetried(A, ()))
    assert order.snapshot.read(NOTE) == "new"


def test_an_activation_that_waits_gets_its_edit_when_it_runs_and_on_every_retry():
    schedule = begun()
    done(schedule, A, log="a", note="from a")
    assert edit(schedule, NodeEdited(C, (), {NOTE: "new", LOG: ("only",)})) == []
    (order,) = done(schedule, B, log="b")
    assert (order.snapshot.read(NOTE), order.snapshot.read(LOG)) == ("new", ("only",))
    schedule.apply(NodeFailed(C, ()))
    (again,) = schedule.apply(NodeRetried(C, ()))
    assert isinstance(again, StartNode)
    assert again.snapshot.values() == order.snapshot.values()
    done(schedule, C, log="c")
    assert schedule.result.read(LOG) == ("only", "c")


def test_a_second_edit_replaces_the_first_where_it_is_of_the_same_field():
    schedule = begun()
    first = edit(schedule, NodeEdited(B, (), {NOTE: "one", LOG: ("x",)}))[0]
    (second,) = edit(schedule, NodeEdited(B, (), {LOG: ("y",)}))
    assert first.snapshot.read(LOG) == ("x",)
    assert (second.snapshot.read(NOTE), second.snapshot.read(LOG)) == ("one", ("y",))


def test_edits_of_two_that_run_at_once_meet_in_the_order_of_the_graph():
    schedule = begun()
    edit(schedule, NodeEdited(B, (), {LOG: ("b only",)}))
    edit(schedule, NodeEdited(A, (), {LOG: ("a only",)}))
    done(schedule, B, log="b")
    (order,) = done(schedule, A, log="a")
    assert order.snapshot.read(LOG) == ("b only", "a", "b")


def test_an_edit_of_one_and_a_write_of_another_conflict():
    schedule = begun()
    edit(schedule, NodeEdited(B, (), {NOTE: "mine"}))
    done(schedule, A, note="a")
    (order,) = done(schedule, B)
    assert {str(writer) for writer in order.reason.writers} == {"a", "the edit of b"}


def test_a_preview_does_not_outlive_an_edit():
    schedule = begun()
    schedule.preview(A, (), {LOG: "lost"})
    edit(schedule, all_of(log=("only",)))
    done(schedule, B)
    (order,) = done(schedule, A, log="a")
    assert order.snapshot.read(LOG) == ("only", "a")


@pytest.mark.parametrize("node", [START, C, END])
def test_what_does_not_wait_to_run_cannot_be_edited(node):
    schedule = begun()
    with pytest.raises(ScheduleError):
        schedule.edit(NodeEdited(node, (), {NOTE: "new"}))
    schedule.validate()


def test_where_nothing_is_alive_there_is_nothing_to_edit():
    schedule = begun()
    for node in (A, B, C):
        done(schedule, node)
    with pytest.raises(ScheduleError, match="nothing is alive"):
        schedule.edit(all_of(note="new"))
    schedule = begun()
    schedule.apply(NodeReturned(A, (), {}))
    with pytest.raises(ScheduleError, match="not waiting to run"):
        schedule.edit(NodeEdited(A, (), {NOTE: "new"}))


def test_values_are_stored_as_values_and_not_as_updates():
    from typing import Annotated

    from backedge import append

    class State(BaseModel):
        log: Annotated[list[int], append] = []

    schema = StateSchema(State)
    raw = schema.encode_value("log", [1, 2])
    assert schema.decode_values({"log": raw}) == {"log": [1, 2]}
    with pytest.raises(ValueError, match="log"):
        schema.encode_value("log", 1)
    assert schema.decode("log", schema.encode("log", 1)) == 1
