"""What becomes of a crew when a task fails."""

import pytest
import tenacity

from backedge import RunFailedError, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.nodes.crew import Crew, Job, Missed, Task

from .members import ran, told


class Failing:
    """Fails so often."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.calls: list[str] = []

    async def __call__(self, job: Job) -> str:
        self.calls.append(job.task)
        if job.task == "bad" and self.times:
            self.times -= 1
            raise ValueError("broken")
        return job.task


TASKS = (Task("good", "x"), Task("bad", "x"), Task("last", "x", needs=["good", "bad"]))


@pytest.mark.parametrize("process", ["sequential", "parallel"])
async def test_a_run_whose_task_failed_goes_on_with_that_task_and_does_no_other_twice(process):
    member = Failing(1)
    flow, journal = Crew(TASKS, roles={"x": member}, process=process).compile(), MemoryJournal()
    with pytest.raises(RunFailedError, match="broken"):
        await flow.run({}, journal=journal, run_id="r")
    result = await flow.resume("r", journal=journal)
    assert result.status is RunStatus.COMPLETED
    assert sorted(member.calls) == ["bad", "bad", "good", "last"]
    assert await flow.replay("r", journal=journal)


@pytest.mark.parametrize("process", ["sequential", "parallel"])
def test_others_go_on_without_an_optional_task_and_its_error_is_told(process):
    tasks = [
        Task("bad", "x", optional=True),
        Task("last", "x", role=(), needs="bad"),
        Task("more", "x", needs=["last", "bad"]),
    ]
    given = {}

    async def member(job: Job) -> str:
        given[job.task] = job.needs.get("bad", "-")
        if job.task == "bad":
            raise ValueError("broken")
        return job.task

    state, _ = ran(Crew(tasks, roles={"x": member}, process=process))
    assert (state.bad, state.last, state.more) == (None, "last", "more")
    assert given == {"bad": "-", "last": None, "more": None}
    assert state.missed == [Missed(task="bad", error="broken")]


def test_an_optional_task_that_is_done_is_like_any():
    state, _ = ran(Crew([Task("a", "x", optional=True), Task("b", "x", needs="a")], roles={"x": told}))
    assert (state.b, state.missed) == ("b(a=a())", [])


def test_an_optional_task_that_is_the_last_may_fail_too():
    state, _ = ran(Crew([Task("bad", "x", optional=True)], roles={"x": Failing(1)}, process="parallel"))
    assert state.bad is None


def test_a_task_is_tried_again_as_often_as_it_says():
    again = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_fixed(5))
    member = Failing(2)
    _, seconds = ran(Crew([Task("bad", "x", retry=again)], roles={"x": member}))
    assert (member.calls, seconds) == (["bad"] * 3, 10)


def test_a_task_that_takes_too_long_fails():
    import asyncio

    async def slow(job: Job) -> str:
        await asyncio.sleep(100)
        return ""

    state, seconds = ran(Crew([Task("a", "x", timeout=3, optional=True)], roles={"x": slow}))
    assert (state.a, seconds) == (None, 3)
    assert "3" in state.missed[0].error


async def test_a_person_may_be_asked_before_a_task_is_begun():
    flow = Crew([Task("a", "x", approve=True, optional=True)], roles={"x": told}).compile()
    for answer, given in ((True, "a()"), (False, None)):
        journal = MemoryJournal()
        waiting = await flow.run({}, journal=journal, run_id="r")
        assert waiting.status is RunStatus.SUSPENDED
        assert (await flow.resume("r", journal=journal, answers={"a": answer})).state.a == given


def test_a_version_of_a_task_is_part_of_what_a_run_is_resumed_with():
    def digest(**options):
        return Crew([Task("a", "x", **options)], roles={"x": told}).compile().graph.digest

    assert digest() == digest(timeout=3)
    assert digest() != digest(version="2")
