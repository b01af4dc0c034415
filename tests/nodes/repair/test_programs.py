"""The search on whole programs: ten defective ones, four with two defects, and three with test files."""

from pathlib import Path

import pytest

from backedge.nodes.repair.graph import Request, repair_graph
from backedge.nodes.repair.judge import Rules
from backedge.nodes.repair.patch import patch
from backedge.nodes.repair.programmer import SearchProgrammer
from backedge.nodes.repair.runner import Runner
from backedge.nodes.sandbox import BubblewrapSandbox

from .inprocess import candidates_needed

FOLDER = Path(__file__).parent / "programs"

FUNCTIONS = {
    "change": "ways",
    "choose": "selections",
    "fields": "split_fields",
    "hops": "hops",
    "intervals": "union",
    "outline": "numbered",
    "power": "power",
    "roman": "roman_value",
    "runs": "runs",
    "settings": "merged",
}


TWO = {"search": "place", "stock": "left", "words": "wrapped", "yeardays": "days"}
"""Programs with two defects, in a folder of their own."""


def cases_of(name):
    folder, function = (FOLDER / "two", TWO[name]) if name in TWO else (FOLDER, FUNCTIONS[name])
    return Request(program=str(folder / f"{name}.py"), function=function, cases=str(folder / f"{name}.jsonl"))


async def repaired(request, runner, *, further=0):
    """The end of a repair. However busy the machine is: what is tested is that a patch is found, not how soon."""
    flow = repair_graph().compile()
    resources = {"programmer": SearchProgrammer(), "runner": runner}
    rules = Rules(seconds=300.0, further=further)
    result = await flow.run({"request": request, "rules": rules}, resources=resources)
    return result.state


QUICK = {"change", "choose", "outline", "roman"}
"""Those of which hardly a candidate is endless: each of these costs the time it is given."""


IN_PROCESS = {"fields", "hops", "runs", "settings"}
"""Those that are not quick, but can be searched in this process soon enough."""


@pytest.mark.parametrize(
    "name",
    [
        name if name in IN_PROCESS else pytest.param(name, marks=pytest.mark.soak)
        for name in FUNCTIONS
        if name != "power"
    ],
)
def test_the_search_comes_upon_a_patch(name):
    assert candidates_needed(cases_of(name).read(), guided=True, most=3000)


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.soak) for name in FUNCTIONS]
)
async def test_a_defective_program_is_repaired(name, runner):
    state = await repaired(cases_of(name), runner)
    assert state.verdict.status == "repaired"
    text = patch(state.specification, state.memory.winners[0].candidate)
    assert text.startswith(f"--- a/{name}.py\n+++ b/{name}.py\n@@")


@pytest.mark.parametrize(
    "name", ["words", *(pytest.param(name, marks=pytest.mark.soak) for name in TWO if name != "words")]
)
async def test_a_program_with_two_defects_is_repaired(name, runner):
    state = await repaired(cases_of(name), runner)
    assert state.verdict.status == "repaired"


@pytest.mark.parametrize(
    "name", ["chain", *(pytest.param(name, marks=pytest.mark.soak) for name in ("hops", "roman"))]
)
async def test_a_program_with_a_test_file_is_repaired(name, runner):
    request = Request(program=str(FOLDER / f"{name}.py"), tests=str(FOLDER / f"{name}_checks.py"))
    state = await repaired(request, runner)
    assert state.verdict.status == "repaired"


async def test_the_example_is_repaired_as_its_price_list_says(runner):
    folder = Path(__file__).parents[3] / "examples" / "repair"
    request = Request(program=str(folder / "parking.py"), function="fee", cases=str(folder / "parking.jsonl"))
    state = await repaired(request, runner, further=1)
    source = state.memory.winners[0].candidate.source(state.specification.source)
    assert "hours = (minutes + 59) // 60" in source
    assert "return min(fee, DAY)" in source
    assert state.memory.round >= 4


async def test_a_repair_works_inside_bubblewrap():
    sandbox = BubblewrapSandbox()
    try:
        state = await repaired(cases_of("outline"), Runner(sandbox=sandbox))
    finally:
        await sandbox.close()
    assert state.verdict.status == "repaired"
