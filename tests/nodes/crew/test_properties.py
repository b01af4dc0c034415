"""Crews of any shape: who waits for whom, how many are at work, how long it takes, and what comes of it."""

import asyncio
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from backedge import Context
from backedge.nodes.crew import Crew, Job, Role, Task

from .members import ran

ROLES = "abc"


@st.composite
def works(draw):
    """Tasks with needs, roles and running times, and how many there are of each role."""
    count = draw(st.integers(1, 14))
    needs = [draw(st.sets(st.integers(0, n - 1), max_size=2)) if n else set() for n in range(count)]
    role = [draw(st.sampled_from(ROLES)) for _ in range(count)]
    seconds = [draw(st.integers(1, 9)) for _ in range(count)]
    return needs, role, seconds, {name: draw(st.integers(1, 3)) for name in ROLES}


class Shift:
    """Does the work, and notes when each was begun and done."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.times = {}

    async def __call__(self, job: Job) -> str:
        clock, number = asyncio.get_running_loop().time, int(job.task[1:])
        began = clock()
        await asyncio.sleep(self.seconds[number])
        self.times[number] = (began, clock())
        return f"{job.task}({','.join(job.needs.values())})"


def done(work, *, seconds=None, **options):
    needs, role, usual, counts = work
    shift = Shift(seconds or usual)
    tasks = [
        Task(f"t{n}", "x", role=role[n], needs=[f"t{need}" for need in sorted(needs[n])])
        for n in range(len(role))
    ]
    roles = {name: Role(shift, count=count) for name, count in counts.items()}
    state, took = ran(Crew(tasks, roles=roles, process="parallel", **options))
    return shift.times, state, took


@settings(max_examples=15)
@given(works(), st.none() | st.integers(1, 5))
def test_needs_come_first_places_suffice_and_none_is_idle_for_longer_than_it_must(work, limit):
    needs, role, seconds, counts = work
    times, _, took = done(work, limit=limit)
    busy = {name: count for name, count in counts.items() if name in role}
    places = limit or sum(busy.values())
    for number, before in enumerate(needs):
        assert all(times[need][1] <= times[number][0] for need in before)
    moments = sorted([(end, -1) for _, end in times.values()] + [(begin, 1) for begin, _ in times.values()])
    at_work = 0
    for _, change in moments:
        at_work += change
        assert at_work <= places
    ends = []
    for number, before in enumerate(needs):
        ends.append(seconds[number] + max((ends[need] for need in before), default=0))
    longest = max(ends)
    # Graham's bound: no place is idle while anything is ready.
    assert max(longest, sum(seconds) / places) <= took <= sum(seconds) / places + longest * (1 - 1 / places)


@settings(max_examples=10)
@given(works(), st.randoms(use_true_random=False))
def test_what_comes_of_it_depends_neither_on_how_long_anything_takes_nor_on_the_places(work, chance):
    first = done(work)[1]
    others = [chance.randint(1, 9) for _ in work[2]]
    assert done(work, seconds=others, limit=chance.randint(1, 6))[1].model_dump() == first.model_dump()


@settings(max_examples=5)
@given(works())
def test_a_sequence_fits_what_tasks_need_and_takes_as_long_as_all_of_them(work):
    needs, role, seconds, counts = work
    shift = Shift(seconds)
    tasks = [
        Task(f"t{n}", "x", role=role[n], needs=[f"t{need}" for need in needs[n]]) for n in range(len(role))
    ]
    roles = {name: Role(shift, count=count) for name, count in counts.items()}
    _, took = ran(Crew(tasks, roles=roles))
    assert took == sum(seconds)
    assert all(shift.times[one][1] == shift.times[other][0] for one, other in pairwise(range(len(role))))


def reviewed(lead, boss, limit):
    """What a lead and a manager say who find these things, in plain words: reviewer, round, and whether it passed."""
    left = {"lead": [*lead], "boss": [*boss]}
    sent_back, log, round_ = {"lead": 0, "boss": 0}, [], 0
    while True:
        for name in ("lead", "boss"):
            passed = left[name].pop(0) if left[name] else True
            log.append((name, round_, passed))
            if not passed and sent_back[name] < limit:
                sent_back[name] += 1
                round_ += 1
                break
        else:
            return log


@settings(max_examples=15)
@given(st.lists(st.booleans(), max_size=5), st.lists(st.booleans(), max_size=5), st.integers(0, 3))
def test_reviews_go_up_and_back_as_often_as_they_may(lead, boss, limit):
    left = {"lead": [*lead], "boss": [*boss]}

    def reviewer(name):
        async def review(job: Job, result: int, ctx: Context) -> bool:
            assert result == ctx.round(), "the latest is reviewed"
            return left[name].pop(0) if left[name] else True

        return Role(None, reviews=review)

    async def work(job: Job, ctx: Context) -> int:
        return ctx.round()

    roles = {"x": Role(work, reports_to="lead"), "lead": reviewer("lead"), "boss": reviewer("boss")}
    tasks = [Task("a", "x", role="x")]
    state, _ = ran(Crew(tasks, roles=roles, process="hierarchical", manager="boss", rejections=limit))
    log = reviewed(lead, boss, limit)
    assert [(one.reviewer, one.round, one.passed) for one in state.reviews] == log
    assert state.a == log[-1][1]
