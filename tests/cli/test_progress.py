from backedge.cli.progress import Progress, line_of, targets
from backedge.engine.execution.desk import Question
from backedge.engine.execution.events import (
    ActivationCancelled,
    ActivationFailed,
    ActivationFinished,
    ActivationStarted,
    ActivationSuspended,
    CustomEvent,
    EventsDropped,
    RunFinished,
)
from backedge.engine.records import ActivationId, EffectKind, ErrorInfo, RunStatus


def at(node: str, number: int = 0) -> ActivationId:
    return ActivationId(node, (("loop", number),))


def started(node: str, number: int = 0, when: float = 10.0) -> ActivationStarted:
    return ActivationStarted(at(node, number), 1, when)


def finished(node: str, number: int = 0, *taken: str) -> ActivationFinished:
    return ActivationFinished(at(node, number), 1, 11.0, 0.5, {}, taken)


def failed(node: str, *taken: str, final: bool = False) -> ActivationFailed:
    return ActivationFailed(at(node), 2, 11.0, 0.5, ErrorInfo("ValueError", "no\nluck"), final, taken)


def heard(*events: object) -> Progress:
    progress = Progress()
    for event in events:
        progress.hear(event)
    return progress


def test_a_row_tells_what_runs_and_for_how_long():
    progress = heard(
        started("a"), started("a", 1, when=11.0), started("b"), finished("b", 0, "b->c", "b->END")
    )
    assert progress.rows(12.5, 9) == [
        ("a", "0", "a@0 and 1 more, 2.5 s", ""),
        ("b", "1", "", "b@0 -> c, END"),
    ]
    assert (progress.finished, progress.running) == (1, 2)


def test_failures_are_counted_and_what_follows_is_told():
    assert heard(started("a"), failed("a")).rows(12.0, 9) == [
        ("a", "0 (+1 failed)", "", "ValueError; it is tried again")
    ]
    assert heard(failed("a", final=True)).rows(12.0, 9)[0][3] == "ValueError"
    assert heard(failed("a", "a->b!ValueError")).rows(12.0, 9)[0][3] == "ValueError -> b!ValueError"


def waits(node: str, number: int = 0) -> ActivationSuspended:
    asked = Question(f"{node}:0", node, EffectKind.QUESTION, "Shall we?", {}, 11.0)
    return ActivationSuspended(at(node, number), 1, 11.0, (asked,))


def test_who_waits_does_not_run_until_it_goes_on():
    progress = heard(started("a"), waits("a"))
    assert progress.rows(12.5, 9) == [("a", "0", "a@0 waits for question Shall we?", "")]
    assert progress.running == 0
    progress.hear(started("a", 1))
    progress.hear(waits("a", 1))
    assert progress.rows(12.5, 9)[0][2] == "a@0 and 1 more wait"
    progress.hear(started("a", when=12.0))
    assert progress.rows(12.5, 9)[0][2] == "a@0, 0.5 s"
    for end in (finished("a"), finished("a", 1)):
        progress.hear(end)
    assert progress.rows(12.5, 9)[0][:3] == ("a", "2", "")
    assert line_of(waits("a")) == "a@0 waits for question Shall we?"
    assert line_of(ActivationSuspended(at("a"), 1, 11.0, ())) == "a@0 waits for something"


def test_who_was_cancelled_runs_no_more():
    progress = heard(started("a"), started("b"), waits("b"))
    for name in "ab":
        progress.hear(ActivationCancelled(at(name), 11.0))
    assert progress.rows(12.5, 9) == [("a", "0", "", "a@0 cancelled"), ("b", "0", "", "b@0 cancelled")]


def test_where_room_is_short_the_nodes_touched_last_are_shown_in_their_old_order():
    progress = heard(started("a"), started("b"), started("c"), finished("a"), finished("c"))
    assert [row[0] for row in progress.rows(12.0, 2)] == ["a", "c"]


def test_events_as_lines():
    assert line_of(started("a")) is None
    assert line_of(RunFinished("demo", RunStatus.COMPLETED, 1.0)) is None
    assert line_of(finished("a", 1, "a->b")) == "a@1 finished in 500 ms -> b"
    assert line_of(failed("a")) == "a@0 failed (attempt 2, 500 ms): ValueError: no\\nluck; it is tried again"
    assert (
        line_of(failed("a", "a->b!ValueError"))
        == "a@0 failed (attempt 2, 500 ms): ValueError: no\\nluck -> b!ValueError"
    )
    assert line_of(CustomEvent(at("a"), {"x": [1]})) == 'a@0: {"x": [1]}'
    assert line_of(CustomEvent(at("a"), "plain")) == "a@0: plain"
    assert line_of(CustomEvent(at("a"), {1, 2})) == "a@0: {1, 2}"
    assert line_of(EventsDropped(3)) == "(3 events came too fast to be shown)"


def test_where_edges_lead_is_told():
    assert targets(["checker->coder", "checker->mend!ValueError", "a->END"]) == "coder, mend!ValueError, END"
    assert targets(["build/END->check", "build/coder!build->mend!OSError"]) == "check, mend!OSError"
    assert targets(["worker/MAP->worker", "worker/MAP->worker/JOIN"]) == "worker, worker/JOIN"
    assert targets([]) == ""


def test_what_is_cancelled_is_told_apart_from_where_edges_lead():
    assert targets(["stop->next", "stop->ask!cancel", "stop->tell!cancel"]) == "next; cancels ask, tell"
    assert targets(["stop->ask!cancel"]) == "cancels ask"


def test_activations_with_coordinates_are_told_by_their_ids():
    mapped = ActivationId("worker", (("loop", 0),), ("17",))
    event = ActivationFinished(mapped, 1, 11.0, 0.5, {}, ("worker->worker/JOIN",))
    assert line_of(event) == "worker@0[17] finished in 500 ms -> worker/JOIN"
