"""What a tracker says of runs whose events are written out, and of what they make of time."""

import math
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from backedge import END, START, EventsDropped, Graph, InputError, RunStatus
from backedge.engine.execution.events import CustomEvent
from backedge.engine.records import EffectKind
from backedge.nodes.tracking import DeadlineStatus, Eta, State, Tracker

from .events import began, cancelled, ended, failed, finished, question, ready, waits, who


class Fields(BaseModel):
    count: int = 0
    items: list[int] = []


def node(graph, name):
    return graph.node(lambda: None, name=name, inline=True)


def chain():
    """a -> b -> c."""
    graph = Graph(Fields)
    graph.chain(START, *(node(graph, name) for name in "abc"), END)
    return graph.compile()


def fork():
    """a; then b and c beside each other, then d."""
    graph = Graph(Fields)
    a, b, c, d = (node(graph, name) for name in "abcd")
    graph.chain(START, a, b, d, END)
    graph.chain(a, c, d)
    return graph.compile()


def loop(limit=3):
    """a, which may go round."""
    graph = Graph(Fields)
    a = node(graph, "a")
    graph.chain(START, a)
    graph.feedback(a, a, when=lambda count: count < 0, limit=limit)
    graph.edge(a, END, when=lambda count: count >= 0)
    return graph.compile()


def mapped():
    graph = Graph(Fields)
    graph.chain(START, graph.map(lambda item: None, over="items", item="item", name="m"), END)
    return graph.compile()


CHAIN, FORK, LOOP, ENDLESS, MAPPED = chain(), fork(), loop(), loop(None), mapped()


def fed(flow, *events, **options):
    return Tracker(flow, **options).feed_all(events)


HALF = (ready(10, "a", after="START"), began(10, "a"), finished(14, "a", 4), ready(14, "b", after="a"))


# --------------------------------------------------------------------------- how far it is


def test_progress_is_what_is_over_of_what_there_can_be():
    tracker = fed(CHAIN, *HALF, began(15, "b"))
    now = tracker.progress()
    assert (now.done, now.known, now.most, now.fraction) == (1, 2, 3, 1 / 3)
    assert (now.running, now.ready, now.began, now.now) == (("b",), (), 10, 15)
    assert now.nodes["a"].states == {State.FINISHED: 1}
    assert (now.nodes["a"].median, now.nodes["b"].median) == (4, None)
    tracker.feed_all([finished(16, "b", 1), ready(16, "c", after="b"), finished(17, "c", 1), ended(17)])
    done = tracker.progress()
    assert (done.status, done.done, done.most, done.fraction) == (RunStatus.COMPLETED, 3, 3, 1.0)


def test_before_the_first_event_all_is_still_to_come():
    now = Tracker(CHAIN, typical={"a": 4.0}).progress()
    assert (now.done, now.most, now.fraction, now.began, now.eta) == (0, 3, 0.0, None, None)
    assert now.why_no_eta == "nothing was heard of the run yet"


def test_a_loop_counts_with_all_rounds_that_it_may_go_and_jumps_when_it_is_left():
    tracker = fed(LOOP, ready(0, "a@0", after="START"), finished(1, "a@0", 1), ready(1, "a@1", after="a@0"))
    assert (tracker.progress().done, tracker.progress().most) == (1, 4)
    tracker.feed_all([finished(2, "a@1", 1), ended(2)])
    assert tracker.progress().fraction == 1.0


def test_without_a_limit_or_a_graph_nobody_knows_how_much_there_is():
    for flow in (ENDLESS, None):
        now = fed(flow, ready(0, "a@0", after="START"), began(0, "a@0")).progress()
        assert (now.most, now.fraction, now.known) == (None, None, 1)


def test_the_number_of_items_is_unknown_until_the_map_has_found_them():
    begin = [ready(0, "m/MAP", after="START"), began(0, "m/MAP")]
    assert fed(MAPPED, *begin).progress().most is None
    found = [finished(1, "m/MAP", 1, "m/MAP->m", "m/MAP->m/JOIN")]
    assert fed(MAPPED, *begin, *found).progress().most is None
    items = [who("m")._replace(instance=(str(number),)) for number in range(3)]
    come = ready(1, after="m/MAP")._replace(activations=tuple(items))
    assert fed(MAPPED, *begin, *found, come).progress().most == 5


def test_events_that_were_dropped_are_told():
    tracker = fed(CHAIN, EventsDropped(3), *HALF[2:], EventsDropped(2))
    now = tracker.progress()
    assert (now.missing, now.complete, now.done) == (5, False, 1)
    assert "5 events were dropped" in str(now)
    assert fed(CHAIN, *HALF, ended(20)).progress().fraction == 1.0, "what was lost is over all the same"


# --------------------------------------------------------------------------- who does what


def test_who_is_ready_runs_waits_or_failed_is_told_apart():
    tracker = fed(
        FORK,
        *HALF[:3],
        ready(14, "b", "c", after="a"),
        began(14, "b"),
        waits(15, "b"),
    )
    now = tracker.progress()
    assert (now.ready, now.running) == (("c",), ())
    (waiting,) = now.waiting
    assert (waiting.activation, waiting.person, waiting.since) == ("b", True, 5.0)
    assert "1 ready, 1 waiting for a person" in str(now)
    tracker.feed_all([began(16, "c"), failed(17, "c", 1)])
    assert tracker.progress().retrying == ("c",)
    tracker.feed_all(
        [began(18, "c", 2), failed(19, "c", 1, final=True, attempt=2), ended(19, RunStatus.FAILED)]
    )
    over = tracker.progress()
    assert (over.status, over.failed) == (RunStatus.FAILED, {"c": "ValueError: no"})
    assert over.nodes["c"].failures == 2
    tracker.feed_all([ready(30, "c"), began(30, "c", 3)])
    again = tracker.progress()
    assert (again.status, again.running, again.failed) == (RunStatus.RUNNING, ("c",), {})


def test_a_signal_or_a_timer_is_no_person():
    for kind in (EffectKind.SIGNAL, EffectKind.TIMER):
        now = fed(CHAIN, *HALF, waits(15, "b", question("b", kind, due=20.0))).progress()
        assert not now.waiting[0].person
        assert "1 waiting" in str(now)
        assert "person" not in str(now)


def test_an_error_that_an_edge_takes_on_and_what_is_cancelled_are_over():
    now = fed(FORK, *HALF[:3], ready(14, "b", "c", after="a"), failed(15, "b", 1, "b->d"), cancelled(16, "c"))
    assert now.progress().done == 3
    assert now.progress().nodes["b"].states == {State.HANDLED: 1}
    assert now.progress().nodes["c"].states == {State.CANCELLED: 1}


def test_what_ran_when_the_run_was_stopped_is_stopped_and_goes_on_later():
    tracker = fed(CHAIN, *HALF, began(15, "b"), ended(16, RunStatus.INTERRUPTED))
    now = tracker.progress()
    assert (now.status, now.running, now.known - now.done) == (RunStatus.INTERRUPTED, (), 1)
    assert now.nodes["b"].states == {State.STOPPED: 1}
    tracker.feed_all([ready(20, "b"), began(20, "b"), finished(22, "b", 2)])
    assert [(bar.began, bar.ended, bar.outcome) for bar in tracker.timeline().rows if bar.node == "b"] == [
        (15, 16, State.STOPPED),
        (20, 22, State.FINISHED),
    ]


def test_what_ran_when_a_process_died_is_begun_anew_and_keeps_what_it_came_from():
    tracker = fed(CHAIN, *HALF, began(15, "b"), ready(40, "b"), began(41, "b"), finished(43, "b", 2))
    assert [(bar.began, bar.ended, bar.outcome) for bar in tracker.timeline().rows if bar.node == "b"] == [
        (15, 40, State.STOPPED),
        (41, 43, State.FINISHED),
    ]
    assert [leg.activation for leg in tracker.bottlenecks().path] == ["a", "b"]


def test_an_end_that_is_told_twice_counts_once():
    now = fed(CHAIN, *HALF, finished(14, "a", 4), ready(15, "a"), began(15, "a")).progress()
    assert (now.done, now.known, now.running) == (1, 2, ())
    assert now.nodes["a"].seconds == 4


def test_what_nodes_emit_changes_nothing():
    before = fed(CHAIN, *HALF)
    assert fed(CHAIN, *HALF, CustomEvent(who("b"), "hello")).progress() == before.progress()


# --------------------------------------------------------------------------- when it will be done

TIMER = EffectKind.TIMER
GO = question("b", EffectKind.SIGNAL)._replace(text="go")
TIMES = {"a": 4.0, "b": 10.0, "c": 3.0, "d": 2.0}


def test_the_end_is_estimated_along_the_longest_way_by_what_nodes_took():
    tracker = fed(
        FORK, *HALF[:3], ready(14, "b", "c", after="a"), began(14, "b"), began(14, "c"), typical=TIMES
    )
    assert tracker.progress().eta == Eta(at=26.0, latest=14 + 10 + 3 + 2, sure="measured")
    assert tracker.progress(now=20.0).eta.at == 26.0, "b has been running for 6 s"
    late = Eta(at=42.0, latest=42.0, sure="measured")
    assert tracker.progress(now=40.0).eta == late, "what is late may be done at any moment"


def test_between_an_end_and_what_it_made_ready_the_rest_is_not_forgotten():
    tracker = fed(CHAIN, *HALF[:3], typical=TIMES)
    assert tracker.progress().eta == Eta(at=14 + 10 + 3, latest=14 + 10 + 3, sure="measured")


def test_a_node_that_a_graph_lacks_has_nothing_behind_it():
    other = fed(FORK, ready(10, "x"), finished(14, "x", 4), ready(14, "y", after="x"), began(14, "y"))
    assert other.progress().eta.at == 18
    assert other.progress().known == 2


def test_what_waits_for_slots_is_estimated_to_go_through_as_many_places_as_are_busy():
    tracker = fed(
        FORK, *HALF[:3], ready(14, "b", "c", after="a"), began(14, "c"), typical={**TIMES, "c": 30.0}
    )
    assert tracker.progress().eta.at == 14 + 30 + 10, "b and c through one place"


def test_who_waits_for_a_time_takes_no_place_and_who_is_tried_again_keeps_his():
    timer = waits(14, "c", question("c", TIMER, due=34.0))
    both = [*HALF[:3], ready(14, "b", "c", after="a"), timer]
    at_work = fed(FORK, *both, began(14, "b"), typical=TIMES)
    assert at_work.progress().eta.at == 34 + 2, "beside each other"
    assert fed(FORK, *both, typical=TIMES).progress().eta.at == 34 + 2, "b is done by then"
    again = [*HALF[:3], ready(14, "b", "c", after="a"), began(14, "b"), failed(15, "b", 1), began(15, "c")]
    more = ready(15, "d", after="b")
    assert fed(FORK, *again, more, typical=TIMES).progress().eta.at == 15 + 10, "through two places"


def test_the_last_round_of_a_loop_is_no_longer_rough():
    events = []
    for lap in range(3):
        events += [ready(lap, f"a@{lap}"), finished(lap + 1, f"a@{lap}", 1.0)]
    assert fed(LOOP, *events, began(3, "a@3")).progress().eta == Eta(at=4.0, latest=4.0, sure="measured")


def test_what_only_hands_items_in_and_out_takes_no_time():
    items = tuple(who("m")._replace(instance=(str(number),)) for number in range(3))
    begun = [
        finished(1, "m/MAP", 0.0),
        ready(1, after="m/MAP")._replace(activations=items),
        finished(5, "x", 0.0)._replace(activation=items[0], seconds=4.0),
        began(5, "x")._replace(activation=items[1]),
        began(5, "x")._replace(activation=items[2]),
    ]
    assert fed(MAPPED, *begun).progress().eta == Eta(at=9.0, latest=13.0, sure="measured")


def test_a_loop_makes_an_estimate_rough_and_one_without_limit_has_no_latest_end():
    begun = [
        ready(0, "a@0", after="START"),
        finished(2, "a@0", 2),
        ready(2, "a@1", after="a@0"),
        began(2, "a@1"),
    ]
    assert fed(LOOP, *begun).progress().eta == Eta(at=4.0, latest=8.0, sure="rough")
    assert fed(ENDLESS, *begun).progress().eta == Eta(at=4.0, latest=None, sure="rough")


def test_nodes_that_were_never_timed_make_an_estimate_a_guess():
    eta = fed(CHAIN, *HALF, began(14, "b")).progress().eta
    assert eta == Eta(at=22.0, latest=22.0, sure="guess"), "b and c count like a"


def test_the_median_of_what_finished_counts_more_than_what_was_known_before():
    events = []
    for lap, seconds in enumerate([1, 9, 2]):
        events += [ready(lap, f"a@{lap}"), finished(lap, f"a@{lap}", seconds)]
    tracker = fed(LOOP, *events, typical={"a": 50.0, "z": 1.0})
    assert tracker.typical == {"a": 2.0, "z": 1.0}


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([*HALF, waits(15, "b")], "b waits for 'Shall we?'"),
        ([*HALF, waits(15, "b", question("z", TIMER, due=20.0), GO)], "b waits for 'go'"),
        ([*HALF, failed(15, "b", 1, final=True)], "b failed"),
        ([ready(0, "a", after="START")], "nothing has finished yet"),
        ([*HALF, ended(15, RunStatus.INTERRUPTED)], "the run is not under way"),
    ],
)
def test_where_the_end_cannot_be_known_there_is_none_and_why(events, why):
    now = fed(CHAIN, *events).progress()
    assert now.eta is None
    assert why in now.why_no_eta


def test_without_the_graph_there_is_no_estimate():
    assert "Tracker(flow)" in fed(None, *HALF).progress().why_no_eta


def test_a_timer_is_waited_for_until_it_is_due():
    timer = waits(15, "b", question("b", EffectKind.TIMER, due=115.0))
    assert fed(CHAIN, *HALF, timer, typical=TIMES).progress().eta.at == 115 + 3
    two = [question("b", EffectKind.TIMER, due=due) for due in (90.0, 100.0)]
    tracker = fed(CHAIN, *HALF, waits(15, "b", *two), typical=TIMES)
    assert tracker.progress().eta.at == 100 + 3
    assert tracker.progress(now=200).eta == Eta(at=203, latest=203, sure="measured"), "it is due"


@pytest.mark.parametrize(
    ("deadline", "now", "expected"),
    [(30, 14, "on time"), (26, 14, "at risk"), (20, 21, "missed"), (27, 14, "on time")],
)
def test_a_deadline_is_at_risk_where_the_likely_end_is_after_it(deadline, now, expected):
    tracker = fed(CHAIN, *HALF, began(14, "b"), typical=TIMES, deadline=deadline)
    assert tracker.progress(now).deadline == expected


def test_a_deadline_was_met_or_missed_when_the_run_is_over():
    for deadline, expected in (
        (20, DeadlineStatus.MET),
        (datetime.fromtimestamp(19, UTC), DeadlineStatus.MISSED),
    ):
        tracker = fed(CHAIN, *HALF, ended(20), deadline=deadline)
        assert tracker.progress(now=1000).deadline is expected
    waiting = fed(CHAIN, *HALF, waits(15, "b"), deadline=100)
    assert waiting.progress().deadline is DeadlineStatus.UNKNOWN
    assert fed(CHAIN, *HALF).progress().deadline is None


def test_time_does_not_run_backwards():
    tracker = fed(CHAIN, *HALF)
    assert tracker.progress(now=3).now == 14
    tracker.feed(began(5, "b"))  # by a clock that somebody set
    assert tracker.progress().now == 14
    assert tracker.progress(now=math.nan).now == 14


def test_what_is_kept_is_bounded_and_what_is_counted_is_not():
    tracker = Tracker(ENDLESS, keep=10)
    for lap in range(200):
        tracker.feed_all([ready(lap, f"a@{lap}"), finished(lap + 0.5, f"a@{lap}", 0.5)])
    assert tracker.progress().done == 200
    assert tracker.progress().nodes["a"].seconds == 100
    timeline = tracker.timeline()
    assert (len(timeline.rows), timeline.older) == (10, 190)
    assert "190 earlier" in timeline.bars()
    assert timeline.bars(most=0) == "(not shown: 200 earlier)"
    assert len(tracker.bottlenecks().path) <= 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"keep": 0},
        {"keep": True},
        {"deadline": datetime(2030, 1, 1)},
        {"deadline": "tomorrow"},
        {"deadline": math.nan},
        {"typical": {"a": -1.0}},
        {"typical": {"a": "4"}},
    ],
)
def test_options_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match=f"{next(iter(wrong))}="):
        Tracker(CHAIN, **wrong)


def test_what_is_no_flow_is_refused():
    with pytest.raises(InputError, match="of a Flow, not of a Graph: compile"):
        Tracker(Graph(Fields))
