"""The loop as a graph: journaled, resumable, and open to any programmer."""

import pytest

from backedge import RunFailedError, RunInterruptedError
from backedge.engine.execution.events import ActivationFinished
from backedge.nodes.repair.graph import Request, repair_graph
from backedge.nodes.repair.judge import Rules
from backedge.nodes.repair.models import Batch, Candidate
from backedge.nodes.repair.programmer import SearchProgrammer
from backedge.nodes.repair.search import difference

from .samples import DOUBLE


@pytest.fixture
def request_for(tmp_path):
    def make(source=DOUBLE, cases="[[0], 0]\n[[1], 2]\n[[4], 8]\n"):
        (tmp_path / "program.py").write_text(source)
        (tmp_path / "cases.jsonl").write_text(cases)
        return Request(
            program=str(tmp_path / "program.py"), function="double", cases=str(tmp_path / "cases.jsonl")
        )

    return make


HARD = "def double(x):\n    y = x * 3\n    z = y - 7\n    return z\n"


async def test_a_program_is_repaired(runner, request_for):
    flow = repair_graph().compile()
    result = await flow.run(
        {"request": request_for()}, resources={"programmer": SearchProgrammer(), "runner": runner}
    )
    state = result.state
    assert state.verdict.status == "repaired"
    assert state.memory.winners[0].candidate.source(DOUBLE) == DOUBLE.replace("3", "2")


async def test_a_program_that_is_right_is_told_so(runner, request_for):
    flow = repair_graph().compile()
    result = await flow.run(
        {"request": request_for(DOUBLE.replace("3", "2"))},
        resources={"programmer": SearchProgrammer(), "runner": runner},
    )
    assert result.state.verdict.status == "nothing to repair"


async def test_bad_cases_fail_the_run_with_a_clear_error(runner, request_for):
    flow = repair_graph().compile()
    with pytest.raises(RunFailedError, match=r"cases.jsonl:1: not JSON"):
        await flow.run(
            {"request": request_for(cases="[")},
            resources={"programmer": SearchProgrammer(), "runner": runner},
        )


async def test_a_stopped_repair_goes_on_where_it_was(runner, request_for, tmp_path):
    flow = repair_graph().compile()
    inputs = {"request": request_for(HARD), "rules": Rules(seconds=30)}
    options = {
        "journal": str(tmp_path / "runs.db"),
        "resources": {"programmer": SearchProgrammer(), "runner": runner},
    }
    seen = []
    with pytest.raises(RunInterruptedError):  # noqa: PT012 - leaving the block is what raises
        async with flow.start(inputs, run_id="it", **options) as run:
            async for event in run.events():
                if isinstance(event, ActivationFinished):
                    seen.append(str(event.activation))
                    if str(event.activation) == "checker@2":
                        run.interrupt()
            await run.result()
    again = []
    async with flow.reopen("it", **options) as run:
        async for event in run.events():
            if isinstance(event, ActivationFinished):
                again.append(str(event.activation))
        state = (await run.result()).state
    assert "spec" in seen
    assert not set(seen) & set(again)
    assert state.verdict.status == "repaired"
    assert state.memory.round == len([name for name in seen + again if name.startswith("checker")])


class Scripted:
    """A programmer that writes whole programs, as a model would."""

    def __init__(self, *sources):
        self.sources = list(sources)
        self.asked = []

    async def propose(self, spec, survey, memory):
        self.asked.append((survey.cases[1].text, memory.round))
        if not self.sources:
            return Batch()
        source = self.sources.pop(0)
        one = Candidate(f"scripted-{memory.round}", difference(spec.source, source), 1, "model", 1.0)
        return Batch(candidates=(one,), author="script")


async def test_another_programmer_fits_the_same_graph(runner, request_for):
    flow = repair_graph().compile()
    programmer = Scripted(DOUBLE.replace("3", "4"), "def double(n):\n    return n + n\n")
    result = await flow.run(
        {"request": request_for()}, resources={"programmer": programmer, "runner": runner}
    )
    state = result.state
    assert state.verdict.status == "repaired"
    assert state.memory.winners[0].candidate.source(DOUBLE) == "def double(n):\n    return n + n\n"
    assert programmer.asked == [("3", 1), ("3", 2)]


async def test_a_programmer_who_has_no_idea_left_ends_the_loop(runner, request_for):
    flow = repair_graph().compile()
    result = await flow.run(
        {"request": request_for()}, resources={"programmer": Scripted(), "runner": runner}
    )
    assert result.state.verdict.status == "exhausted"
