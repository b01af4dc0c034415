"""A model as coder: the same graph, shown what fails and what became of its answers."""

import pytest

from backedge.checkpoints import MemoryJournal
from backedge.engine.records import EffectKind, EffectRecorded
from backedge.nodes.repair.graph import Request, repair_graph
from backedge.nodes.repair.modelled import ModelProgrammer, program_in
from backedge.providers import ScriptedModel

from .samples import DOUBLE

WRONG, RIGHT = DOUBLE.replace("3", "7"), DOUBLE.replace("3", "2")


def block(source):
    return f"Here it is:\n```python\n{source}```\n"


@pytest.fixture
def inputs(tmp_path):
    (tmp_path / "program.py").write_text(DOUBLE)
    (tmp_path / "cases.jsonl").write_text("[[0], 0]\n[[1], 2]\n[[4], 8]\n")
    cases = str(tmp_path / "cases.jsonl")
    return {"request": Request(program=str(tmp_path / "program.py"), function="double", cases=cases)}


def repair(inputs, runner, answers, **options):
    model = ScriptedModel(answers)
    resources = {"programmer": ModelProgrammer(model), "runner": runner}
    return model, repair_graph().compile().run(inputs, resources=resources, **options)


async def test_a_model_repairs_by_the_feedback_it_gets(runner, inputs):
    model, run = repair(inputs, runner, [block(WRONG), block(RIGHT), "I have nothing better."] * 2)
    state = (await run).state
    assert state.verdict.status == "repaired"
    assert state.memory.winners[0].candidate.source(DOUBLE) == RIGHT
    first, second = (request.messages[-1].text for request in model.requests[:2])
    assert "double(1) == 2" in first
    assert "An earlier answer" not in first
    assert "x * 7" in second
    assert "It did not pass double(1) == 2: 7" in second


async def test_an_answer_without_a_new_program_is_asked_for_again_and_then_given_up(runner, inputs):
    answers = ["No idea.", block("def double(x:\n"), block(DOUBLE), "unused"]
    model, run = repair(inputs, runner, answers)
    assert (await run).state.verdict.status == "exhausted"
    told = [request.messages[-1].text for request in model.requests[1:]]
    assert [one.partition(".")[0] for one in told] == [
        "There was no code block in that",
        "That is not Python: '(' was never closed (<unknown>, line 1)",
    ]


async def test_what_a_model_said_is_journaled_and_not_asked_for_again(runner, inputs):
    journal = MemoryJournal()
    model, run = repair(
        inputs, runner, [block(WRONG), block(RIGHT), "no", "no", "no"], journal=journal, run_id="r"
    )
    await run
    records = await journal.read("r")
    said = [record for record in records if isinstance(record, EffectRecorded)]
    assert [record.kind for record in said] == [EffectKind.MODEL] * len(model.requests)
    assert all(record.usage for record in said)
    place = records.index(said[0]) + 1
    async with MemoryJournal() as crashed:
        log = await crashed.create(await journal.header("r"), *records[:place])
        await log.release()
        again = ScriptedModel([block(RIGHT), "no", "no", "no"])
        resources = {"programmer": ModelProgrammer(again), "runner": runner}
        result = await repair_graph().compile().resume("r", journal=crashed, resources=resources)
    assert result.state.verdict.status == "repaired"
    assert again.requests[0] == model.requests[1]


@pytest.mark.parametrize(
    ("answer", "program"),
    [
        ("x = 1", "x = 1\n"),
        ("```\nx = 1\n```", "x = 1\n"),
        ("```python\na\n```\nor\n```py\nlonger = 1\n```", "longer = 1\n"),
        ("What a pity.", None),
        ("", None),
    ],
)
def test_the_program_in_an_answer_is_found(answer, program):
    assert program_in(answer, "y = 2\n") == program
