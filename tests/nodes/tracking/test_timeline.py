"""Lanes and gaps, the critical path, the slowest."""

from hypothesis import given
from hypothesis import strategies as st

from backedge.nodes.tracking import Leg, State, Tracker
from backedge.nodes.tracking.story import Span, Tale
from backedge.nodes.tracking.timeline import timeline_of

from .events import began, failed, finished, ready, who

RUN = [
    ready(0, "a", after="START"),
    began(0, "a"),
    finished(4, "a", 4),
    ready(4, "b", "c", after="a"),
    began(4, "b"),
    finished(6, "b", 2),
    began(9, "c"),  # it waited for a slot
    failed(10, "c", 1),
    began(12, "c", 2),
    finished(17, "c", 5, attempt=2),
    ready(17, "d", after="c"),
    began(17, "d"),
]


def test_each_stretch_has_a_bar_and_the_times_when_nothing_ran_are_gaps():
    timeline = Tracker().feed_all(RUN).timeline(now=20)
    assert [(bar.activation, bar.attempt, bar.began, bar.ended, bar.outcome) for bar in timeline.rows] == [
        ("a", 1, 0, 4, State.FINISHED),
        ("b", 1, 4, 6, State.FINISHED),
        ("c", 1, 9, 10, State.RETRYING),
        ("c", 2, 12, 17, State.FINISHED),
        ("d", 1, 17, 20, State.RUNNING),
    ]
    assert timeline.gaps == ((6, 9), (10, 12))
    assert (timeline.idle, timeline.lanes, timeline.began, timeline.ended) == (5, 1, 0, 20)


def test_bars_are_drawn_in_their_place_with_how_they_ended():
    drawn = Tracker().feed_all(RUN).timeline(now=20).bars(width=20)
    assert drawn.splitlines() == [
        "a |####                | 4.00 s",
        "b |    ##              | 2.00 s",
        "c |         !          | 1.00 s",
        "c |            #####   | 5.00 s",
        "d |                 ##>| 3.00 s",
    ]
    assert Tracker().timeline().bars() == ""


def test_only_the_last_bars_are_drawn_where_there_are_many():
    drawn = Tracker().feed_all(RUN).timeline(now=20).bars(width=20, most=2).splitlines()
    assert drawn[0] == "(not shown: 3 earlier)"
    assert len(drawn) == 3


TIMES = st.integers(0, 40).map(lambda tenths: tenths / 10)


@given(st.lists(st.tuples(TIMES, TIMES), max_size=12))
def test_no_two_on_one_lane_overlap_and_no_lane_is_needless(pairs):
    tales = [
        Tale(who(f"n{number}"), State.FINISHED, spans=[Span(1, begin, begin + length)])
        for number, (begin, length) in enumerate(pairs)
    ]
    timeline = timeline_of(tales, 100.0)
    assert len(timeline.rows) == len(pairs)
    for bar in timeline.rows:
        for other in timeline.rows:
            if bar is not other and bar.lane == other.lane:
                assert bar.ended <= other.began or other.ended <= bar.began
    moments = {bar.began for bar in timeline.rows}
    most = max((sum(bar.began <= at < bar.ended for bar in timeline.rows) for at in moments), default=0)
    instants = any(bar.began == bar.ended for bar in timeline.rows)
    assert timeline.lanes == most or (instants and timeline.lanes >= most)
    for since, until in timeline.gaps:
        assert not any(bar.began < until and bar.ended > since for bar in timeline.rows)


def test_the_critical_path_goes_back_from_what_ended_last_to_what_made_it_ready():
    found = Tracker().feed_all(RUN).bottlenecks(now=20)
    assert found.path == (Leg("a", 0, 4), Leg("c", 5, 6), Leg("d", 0, 3))
    assert found.waits == (Leg("c", 5, 6),)
    assert [(slow.node, slow.seconds) for slow in found.by_total] == [("c", 6), ("a", 4), ("d", 3), ("b", 2)]
    assert [(slow.node, slow.median) for slow in found.by_median] == [("c", 5), ("a", 4), ("b", 2)]
    assert str(found).splitlines() == [
        "critical path: a 4.00 s -> c 6.00 s -> d 3.00 s",
        "slowest nodes: c 6.00 s, a 4.00 s, d 3.00 s, b 2.00 s",
        "longest waits for slots: c 5.00 s",
    ]


def test_only_as_many_as_asked_for_are_told():
    found = Tracker().feed_all(RUN).bottlenecks(top=1, now=20)
    assert [slow.node for slow in found.by_total] == ["c"]
    assert [slow.node for slow in found.by_median] == ["c"]


def test_what_is_ready_and_waits_still_counts_as_waiting():
    found = Tracker().feed_all(RUN[:6]).bottlenecks(now=14)
    assert found.waits == (Leg("c", 10, 0),)


def test_a_run_of_which_nothing_is_known_has_no_bottlenecks():
    found = Tracker().bottlenecks()
    assert (found.path, found.waits, found.by_total, found.by_median) == ((), (), (), ())
    assert "nothing ran" in str(found)
