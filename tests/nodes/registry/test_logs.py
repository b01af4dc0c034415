"""Lines of a log."""

import pytest

from backedge import EventsDropped
from backedge.engine.execution.events import CustomEvent, RunFinished
from backedge.engine.records import RunStatus
from backedge.nodes.agents import ToolEnded, ToolStarted
from backedge.nodes.registry.logs import Log, line_of
from backedge.providers.calls import CallDelta, CallEnded, CallFailed, CallStarted
from backedge.providers.messages import Usage

from ..tracking.events import began, cancelled, failed, finished, ready, waits, who


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (began(0, "a@2"), "a@2 began"),
        (began(0, "a", 3), "a began, attempt 3"),
        (finished(0, "a", 1.25), "a finished in 1.25 s"),
        (failed(0, "a", 1), "a failed: ValueError: no; it is tried again"),
        (failed(0, "a", 1, final=True), "a failed: ValueError: no"),
        (failed(0, "a", 1, "a->b"), "a failed: ValueError: no"),
        (waits(0, "a"), "a waits for Shall we?"),
        (cancelled(0, "a"), "a cancelled"),
        (CustomEvent(who("a"), {"x": 1}), "a: {'x': 1}"),
        (EventsDropped(3), "(3 events came too fast to be kept)"),
        (ready(0, "a"), None),
        (RunFinished("r", RunStatus.COMPLETED, 0.0), None),
    ],
)
def test_an_event_is_one_line_or_none(event, line):
    assert line_of(event) == line


class Unshowable:
    def __str__(self):
        raise ValueError("never")


CALL = {"call": "c", "model": "m", "at": 0.0}


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (CallStarted(**CALL), None),
        (CallDelta(**CALL, part="text", text="one"), None),
        (
            CallEnded(
                **CALL,
                by="m",
                seconds=1.5,
                usage=Usage(input_tokens=3, output_tokens=7),
                cost=None,
                finish="stop",
                attempts=1,
                cached=False,
            ),
            "a: m answered in 1.50 s: 3 tokens read, 7 written",
        ),
        (
            CallFailed(**CALL, error="overloaded", message="come back", seconds=2, usage=Usage(), attempts=1),
            "a: m failed after 2.00 s: overloaded come back",
        ),
        (ToolStarted("ann", "c", "look", "{}"), None),
        (ToolEnded("ann", "c", "look", 0.5), "a: tool look done in 0.50 s"),
        (ToolEnded("ann", "c", "look", 0.5, "no file"), "a: tool look failed in 0.50 s: no file"),
        (Unshowable(), "a: (Unshowable, which cannot be shown: ValueError)"),
    ],
)
def test_what_is_emitted_is_one_line_or_none_whatever_it_is(data, line):
    assert line_of(CustomEvent(who("a"), data)) == line


def test_a_long_line_is_cut_and_old_lines_fall_out():
    log = Log(2)
    for text in ("first", "second", "x" * 1000):
        log.add(0.0, "j", text)
    assert [len(line.text) for line in log.lines] == [6, 500]
    assert log.lines[-1].text.endswith("x…")
