"""What a repair may use is time on the clock, with everything in it, and what was used before a resume counts."""

import time

import pytest

from backedge import RunInterruptedError
from backedge.engine.execution.events import ActivationFinished
from backedge.nodes.repair.graph import Request, repair_graph
from backedge.nodes.repair.judge import Rules
from backedge.nodes.repair.models import Batch, Candidate
from backedge.nodes.repair.runner import CONFIRM_SECONDS, Runner
from backedge.nodes.repair.search import difference
from backedge.nodes.repair.stopwatch import Stopwatch
from backedge.nodes.sandbox import Ended, Outcome

from .samples import DOUBLE, spec_of, survey_of


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_laps_add_up_to_all_the_time_there_was():
    clock = Clock()
    watch = Stopwatch(clock)
    clock.now += 2
    assert watch.seconds == 2
    assert watch.lap() == 2
    clock.now += 3
    assert watch.lap() == 3
    assert watch.seconds == 0


class Dawdler:
    """A programmer that needs half a minute for each proposal, and never has a good one."""

    def __init__(self, clock):
        self.clock = clock
        self.proposals = 0

    async def propose(self, spec, survey, memory):
        self.clock.now += 30
        self.proposals += 1
        wrong = DOUBLE.replace("3", str(100 + self.proposals))
        one = Candidate(f"0.0.{memory.round}", difference(spec.source, wrong), 1, "constant", 1.0)
        return Batch(candidates=(one,))


@pytest.fixture
def request_(tmp_path):
    (tmp_path / "program.py").write_text(DOUBLE)
    (tmp_path / "cases.jsonl").write_text("[[0], 0]\n[[1], 2]\n")
    return Request(
        program=str(tmp_path / "program.py"), function="double", cases=str(tmp_path / "cases.jsonl")
    )


async def test_time_outside_the_sandbox_counts(runner, request_):
    clock = Clock()
    dawdler = Dawdler(clock)
    own = Runner(sandbox=runner.sandbox, watch=Stopwatch(clock))
    flow = repair_graph().compile()
    state = (
        await flow.run(
            {"request": request_, "rules": Rules(seconds=75)},
            resources={"programmer": dawdler, "runner": own},
        )
    ).state
    assert state.verdict.status == "out of time"
    assert dawdler.proposals == 3
    assert state.memory.candidates == 2  # for the third there was no time
    assert state.memory.seconds == 90


async def test_after_a_resume_the_time_used_before_counts_and_the_time_between_does_not(
    runner, request_, tmp_path
):
    clock = Clock()
    dawdler = Dawdler(clock)
    flow = repair_graph().compile()

    def options():
        own = Runner(sandbox=runner.sandbox, watch=Stopwatch(clock))
        return {"journal": str(tmp_path / "runs.db"), "resources": {"programmer": dawdler, "runner": own}}

    inputs = {"request": request_, "rules": Rules(seconds=75)}
    with pytest.raises(RunInterruptedError):  # noqa: PT012 - leaving the block is what raises
        async with flow.start(inputs, run_id="it", **options()) as run:
            async for event in run.events():
                if isinstance(event, ActivationFinished) and str(event.activation) == "checker@1":
                    run.interrupt()
            await run.result()
    clock.now += 100_000
    async with flow.reopen("it", **options()) as run:
        state = (await run.result()).state
    assert state.verdict.status == "out of time"
    assert state.memory.seconds == 90


ENDLESS = "def double(x):\n    while True:\n        pass\n"


async def test_a_batch_is_given_up_when_the_time_is_up(runner):
    spec = spec_of(DOUBLE, "double", ([0], 0), ([1], 2))
    survey = survey_of("p", "f")
    batch = [
        Candidate(f"0.0.{number}", difference(DOUBLE, ENDLESS), 1, "whole", 1.0, 1000.0)
        for number in range(40)
    ]
    began = time.monotonic()
    report = await runner.trial(spec, survey, batch, within=0.5)
    assert len(report.results) < len(batch)
    assert report.elapsed == pytest.approx(time.monotonic() - began, abs=0.5)


async def test_without_time_nothing_is_run():
    class Untouched:
        async def run(self, program):
            raise AssertionError

    spec = spec_of(DOUBLE, "double", ([0], 0), ([1], 2))
    batch = [Candidate("0.0.0", (), 1, "whole", 1.0)]
    report = await Runner(sandbox=Untouched()).trial(spec, survey_of("p", "f"), batch, within=-1.0)
    assert report.results == ()


async def test_a_patch_found_at_the_very_end_is_still_confirmed(runner):
    spec = spec_of(DOUBLE, "double", ([0], 0), ([1], 2))
    right = Candidate("0.0.0", difference(DOUBLE, DOUBLE.replace("3", "2")), 2, "constant", 1.0)
    asked = []

    class Spy:
        async def run(self, program):
            asked.append(program.limits.wall)
            return await runner.sandbox.run(program)

    own = Runner(sandbox=Spy(), workers=1)
    report = await own.trial(spec, survey_of("p", "f"), [right], within=1.4)
    assert [one.id for one in report.confirmed] == ["0.0.0"]
    assert asked[0] <= 1.9 < CONFIRM_SECONDS < asked[1]


async def test_a_patch_there_was_no_time_to_confirm_counts_as_not_tried(runner):
    spec = spec_of(DOUBLE, "double", ([0], 0), ([1], 2))
    right = Candidate("0.0.0", difference(DOUBLE, DOUBLE.replace("3", "2")), 2, "constant", 1.0)
    wrong = Candidate("0.0.1", difference(DOUBLE, DOUBLE.replace("3", "4")), 2, "constant", 1.0)

    class NoSecondTime:
        ran = False

        async def run(self, program):
            if self.ran:
                return Outcome(
                    ended=Ended.WALL_LIMIT, exit_status=None, stdout=b"", stderr=b"", wall=0.6, cpu=0.1
                )
            self.ran = True
            return await runner.sandbox.run(program)

    hurried = Runner(sandbox=NoSecondTime(), workers=1)
    report = await hurried.trial(spec, survey_of("p", "f"), [right, wrong], within=10.0)
    assert report.confirmed == ()
    assert [result.id for result in report.results] == ["0.0.1"]


async def test_a_sandbox_killed_because_the_time_was_up_is_no_error():
    class Slow:
        async def run(self, program):
            return Outcome(
                ended=Ended.WALL_LIMIT, exit_status=None, stdout=b"", stderr=b"", wall=0.6, cpu=0.1
            )

    spec = spec_of(DOUBLE, "double", ([0], 0), ([1], 2))
    batch = [Candidate("0.0.0", (), 1, "whole", 1.0)]
    report = await Runner(sandbox=Slow()).trial(spec, survey_of("p", "f"), batch, within=0.1)
    assert report.results == ()


async def test_a_survey_leaves_cases_out_when_there_is_no_time(runner):
    spec = spec_of(ENDLESS, "double", *(([number], 0) for number in range(60)))
    survey = (await runner.survey(spec, within=0.8)).survey
    assert len(survey.cases) == 60
    assert {case.code for case in survey.cases} == {"t"}
    assert survey.cases[0].lines == (1, 2, 3)
    assert survey.cases[-1].text == "there was no time to run it"


async def test_one_failing_case_is_watched_however_little_time_there_is(runner):
    spec = spec_of(ENDLESS, "double", ([1], 0), ([2], 0))
    survey = (await runner.survey(spec, within=0.0)).survey
    assert [case.lines for case in survey.cases] == [(1, 2, 3), ()]
