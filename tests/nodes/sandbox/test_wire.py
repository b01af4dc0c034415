"""The job and the report, without any process."""

import marshal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.nodes.sandbox import Limits, Program, SandboxError
from backedge.nodes.sandbox.wire import Report, encode_job, rlimits

REPORT = b"ready\nstarted 2\nended 256 0.250000 4096 1.500000\nfile 0 5\nab\ncdrefused 1 is too large\nfile 2 0\ndone\n"


def report(most: int = 100) -> Report:
    return Report(collect=("a", "b", "c"), most=most)


@given(st.lists(st.integers(1, len(REPORT) - 1)))
def test_a_report_means_the_same_however_it_is_cut_into_pieces(cuts):
    told = report()
    marks = [0, *sorted(cuts), len(REPORT)]
    for begin, end in pairwise(marks):
        told.feed(REPORT[begin:end])
    assert (told.ready, told.pid, told.status, told.cpu, told.memory, told.wall) == (
        True,
        2,
        256,
        0.25,
        4096,
        1.5,
    )
    assert told.files == {"a": b"ab\ncd", "c": b""}
    assert told.refused == {"b": "is too large"}
    assert told.done


@pytest.mark.parametrize(
    "line",
    [
        b"hello\n",
        b"started\n",
        b"started two\n",
        b"ended 0 1 2\n",
        b"ended 0 x 2 3\n",
        b"file 0 -1\n",
        b"file 3 1\n",
        b"file 0 101\n",
        b"refused 9 x\n",
        b"\xff\n",
        b"\n",
        b"x" * 200,
    ],
)
def test_what_no_supervisor_says_is_refused(line):
    with pytest.raises(SandboxError, match="report is damaged"):
        report().feed(line)


def test_a_report_cannot_bring_more_than_what_was_allowed_in_all():
    told = report(most=10)
    told.feed(b"file 0 6\nabcdef")
    with pytest.raises(SandboxError, match="report is damaged"):
        told.feed(b"file 1 5\n")


def test_a_report_that_never_ends_its_line_is_not_kept():
    told = report()
    told.feed(b"x" * 199)
    with pytest.raises(SandboxError, match="report is damaged"):
        told.feed(b"x")


def test_a_failure_tells_its_stage_and_error():
    told = report()
    told.feed(b"failed exec 2\n")
    assert told.failed == ("exec", 2)


def test_a_job_holds_plain_values_that_every_python_reads():
    program = Program(argv=("python",), files={"a": bytearray(b"x")}, collect=("b",), limits=Limits(disk=7))
    job = encode_job(program, argv=("/py",), folder="/w", environment={"A": "1"}, limits={"AS": (1, 2)})
    assert marshal.loads(job) == {
        "argv": ("/py",),
        "folder": "/w",
        "environment": {"A": "1"},
        "files": {"a": b"x"},
        "limits": {"AS": (1, 2)},
        "collect": ["b"],
        "most": 7,
    }


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize(("cpu", "soft", "hard"), [(0.2, 1, 2), (1, 1, 2), (1.01, 2, 3), (10, 10, 13)])
def test_processor_time_is_rounded_up_with_room_to_see_the_reason(cpu, soft, hard, counted):
    assert rlimits(Limits(cpu=cpu), count_processes=counted)["CPU"] == (soft, hard)


def test_the_supervisor_does_not_use_up_one_of_the_programs_processes():
    assert rlimits(Limits(processes=5), count_processes=True)["NPROC"] == (6, 6)


def test_processes_are_not_limited_where_the_kernel_would_count_the_innocent():
    assert "NPROC" not in rlimits(Limits(), count_processes=False)
