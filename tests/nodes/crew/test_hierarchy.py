"""Crews under a manager: who does a task is chosen, and what was done is reviewed up the chain."""

import asyncio

import pytest

from backedge import LoopLimitError, RunFailedError
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Review
from backedge.nodes.crew import Crew, Job, Role, Task, Verdict

from .members import Slow, Topic, ran, told


async def again(job: Job) -> str:
    """Says what was sent back, and why."""
    return f"{job.last} + {job.feedback[-1]}" if job.feedback else job.task


def rejecting(*reasons):
    """Reviews that say this, one after the other, and then nothing."""
    left = list(reasons)

    async def review(job, result):
        return left.pop(0) if left else None

    return review


def crew(lead=(), boss=(), tasks=None, **options):
    roles = {
        "coder": Role(again, reports_to="lead"),
        "tester": again,
        "lead": Role(None, reviews=rejecting(*lead)),
        "boss": Role(None, reviews=rejecting(*boss)),
    }
    tasks = tasks or [Task("code", "Write it.", role="coder")]
    return Crew(tasks, roles=roles, process="hierarchical", manager="boss", **options)


def verdicts(state):
    return [(one.worker, one.reviewer, one.round, one.feedback or one.passed) for one in state.reviews]


def test_what_was_done_is_reviewed_up_the_chain_and_flows_on():
    tasks = [Task("code", "Write it.", role="coder"), Task("test", "Test it.", role="tester", needs="code")]
    state, _ = ran(crew(tasks=tasks))
    assert (state.code, state.test) == ("code", "test")
    assert verdicts(state) == [
        ("coder", "lead", 0, True),
        ("coder", "boss", 0, True),
        ("tester", "boss", 0, True),
    ]


def test_what_is_rejected_is_done_again_with_what_was_wrong_and_goes_up_anew():
    state, _ = ran(crew(lead=["too long"], boss=["too short"]))
    assert state.code == "code + too long + too short"
    assert verdicts(state) == [
        ("coder", "lead", 0, "too long"),
        ("coder", "lead", 1, True),
        ("coder", "boss", 1, "too short"),
        ("coder", "lead", 2, True),
        ("coder", "boss", 2, True),
    ]


def test_a_dependent_begins_only_when_all_above_have_passed_what_it_needs():
    given = []

    async def tester(job: Job) -> str:
        given.append(job.needs["code"])
        return ""

    roles = {
        "coder": again,
        "tester": tester,
        "boss": Role(None, reviews=rejecting("no", "no")),
    }
    tasks = [Task("code", "x", role="coder"), Task("test", "x", role="tester", needs="code")]
    ran(Crew(tasks, roles=roles, process="hierarchical", manager="boss"))
    assert given == ["code + no + no"]


def test_at_the_limit_of_a_lead_the_manager_decides_and_at_that_of_the_manager_it_is_accepted():
    state, _ = ran(crew(lead=["a", "b"], boss=["c", "d", "e"], rejections=1))
    assert verdicts(state) == [
        ("coder", "lead", 0, "a"),
        ("coder", "lead", 1, "b"),
        ("coder", "boss", 1, "c"),
        ("coder", "lead", 2, True),
        ("coder", "boss", 2, "d"),
    ]
    assert state.code == "code + a + c"


async def test_the_limit_may_be_a_failure_that_is_resumed_with_a_higher_one():
    flow, journal = crew(boss=["a", "b"], rejections=1, at_limit="fail").compile(), MemoryJournal()
    with pytest.raises(RunFailedError) as caught:
        await flow.run({}, journal=journal, run_id="r")
    (error,) = caught.value.failures.values()
    assert isinstance(error, LoopLimitError)
    edge = "code/boss-reviews->code/coder"
    state = (await flow.resume("r", journal=journal, limits={edge: 2})).state
    assert state.code == "code + a + b"


def test_an_optional_task_at_its_limit_is_missed_and_the_others_go_on():
    tasks = [Task("code", "x", role="coder", optional=True), Task("test", "x", role="tester", needs="code")]
    crew_ = crew(lead=["a", "b"], tasks=tasks, rejections=1, at_limit="fail")
    state, _ = ran(crew_)
    assert (state.code, state.test) == (None, "test")
    assert [(one.task, one.error) for one in state.missed] == [
        ("code", "code was rejected 2 times, at last by lead: b")
    ]


def test_the_manager_chooses_who_does_a_task_and_may_choose_another_when_it_is_sent_back():
    asked = []

    async def assigns(job: Job, names) -> str:
        asked.append((job.task, job.role, job.last, job.feedback, names))
        return names[len(job.feedback)]

    roles = {
        "coder": Role(again, reports_to="lead"),
        "tester": again,
        "lead": Role(None, reviews=rejecting("wrong one")),
        "boss": Role(None, reviews=rejecting(), assigns=assigns),
    }
    state, _ = ran(Crew([Task("any", "x")], roles=roles, process="hierarchical", manager="boss"))
    assert asked == [
        ("any", "", None, (), ("coder", "tester")),
        ("any", "coder", "any", ("wrong one",), ("coder", "tester")),
    ]
    assert verdicts(state) == [("coder", "lead", 0, "wrong one"), ("tester", "boss", 1, True)]
    assert state.any == "any + wrong one"


def test_who_is_chosen_has_to_be_one_of_those_there_are():
    roles = {
        "a": told,
        "b": told,
        "boss": Role(None, reviews=rejecting(), assigns=lambda job, names: "boss"),
    }
    with pytest.raises(RunFailedError, match="boss gave task 'any' to 'boss'; there are 'a', 'b'"):
        Crew([Task("any", "x")], roles=roles, process="hierarchical", manager="boss").compile().run_sync()


def test_a_manager_who_is_alone_does_everything():
    state, _ = ran(Crew([Task("a", "x")], roles={"boss": told}, process="hierarchical", manager="boss"))
    assert (state.a, state.reviews) == ("a()", [])


def test_what_the_manager_does_nobody_reviews_and_a_lead_may_work_too():
    tasks = [Task("own", "x", role="boss"), Task("led", "x", role="lead")]
    roles = {
        "coder": Role(told, reports_to="lead"),
        "lead": Role(told, reviews=rejecting()),
        "boss": Role(told, reviews=rejecting()),
    }
    state, _ = ran(Crew(tasks, roles=roles, process="hierarchical", manager="boss"))
    assert state.own == "own()"
    assert verdicts(state) == [("lead", "boss", 0, True)]


@pytest.mark.parametrize("given", [Review(passed=True), True, None, "  "])
def test_a_review_that_finds_nothing_passes(given):
    roles = {"x": told, "boss": Role(None, reviews=lambda job, result: given)}
    state = Crew([Task("a", "x", role="x")], roles=roles, process="hierarchical", manager="boss")
    assert state.compile().run_sync().state.reviews == [
        Verdict(task="a", worker="x", reviewer="boss", round=0, passed=True)
    ]


@pytest.mark.parametrize(
    ("given", "why"), [(False, "it does not do what is asked"), (Review(passed=False, feedback="w"), "w")]
)
def test_a_review_that_does_not_pass_always_says_why(given, why):
    async def review(job, result):
        return given if not job.feedback else True

    roles = {"x": again, "boss": Role(None, reviews=review)}
    state, _ = ran(Crew([Task("a", "x", role="x")], roles=roles, process="hierarchical", manager="boss"))
    assert state.a == f"a + {why}"


def test_a_review_that_is_none_is_an_error_that_names_the_reviewer():
    async def review(job, result):
        return 7

    roles = {"x": told, "boss": Role(None, reviews=review)}
    with pytest.raises(
        RunFailedError, match="boss should give a Review, a bool or what is wrong as a text, not 7"
    ):
        ran(Crew([Task("a", "x", role="x")], roles=roles, process="hierarchical", manager="boss"))


def test_reviews_take_places_of_the_reviewer_who_reviews_no_more_at_once_than_is_said():
    now = most = 0

    async def review(job, result):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(1)
        now -= 1

    tasks = [Task(f"t{number}", "x", role="x") for number in range(4)]
    roles = {"x": Role(Slow(), count=4), "boss": Role(None, reviews=review, most=1)}
    _, seconds = ran(Crew(tasks, roles=roles, process="hierarchical", manager="boss"))
    assert (most, seconds) == (1, 5)


def test_to_choose_takes_a_place_of_the_manager_too():
    async def assigns(job, names):
        await asyncio.sleep(1)
        return names[0]

    slow = Slow()
    tasks = [Task(f"t{number}", "x") for number in range(4)]
    boss = Role(None, reviews=rejecting(), assigns=assigns, most=1)
    ran(
        Crew(
            tasks,
            roles={"x": Role(slow, count=4), "y": slow, "boss": boss},
            process="hierarchical",
            manager="boss",
        )
    )
    assert sorted(slow.began.values()) == [1, 2, 3, 4]


def test_inputs_and_optional_results_are_given_as_they_are_to_reviewed_tasks():
    seen = {}

    async def look(job: Job) -> str:
        seen.update(job.needs)
        if job.task == "lost":
            raise ValueError("gone")
        return "found"

    tasks = [
        Task("lost", "x", role="x", needs="topic", optional=True),
        Task("result", "x", role="x", needs=["topic", "lost"]),
        Task("last", "x", role="x", needs="result"),
    ]
    roles = {"x": look, "boss": Role(None, reviews=rejecting())}
    state, _ = ran(
        Crew(tasks, roles=roles, process="hierarchical", manager="boss", inputs=Topic), {"topic": "t"}
    )
    assert seen == {"topic": "t", "lost": None, "result": "found"}
    assert state.missed[0].error == "gone"
