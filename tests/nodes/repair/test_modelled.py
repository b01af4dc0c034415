"""A model as coder: the same graph, shown what fails and what became of its answers."""

import asyncio

import pytest

from backedge.checkpoints import MemoryJournal
from backedge.engine.records import EffectKind, EffectRecorded
from backedge.nodes.repair.graph import Request, repair_graph
from backedge.nodes.repair.judge import MOST_MISSES, Rules
from backedge.nodes.repair.memory import Attempt, Memory
from backedge.nodes.repair.modelled import ModelProgrammer
from backedge.nodes.repair.models import Candidate, Observed, Survey
from backedge.nodes.repair.search import difference
from backedge.nodes.repair.spec import Case, Specification
from backedge.providers import Message, ModelResponse, ScriptedModel, ToolCall, Usage
from backedge.providers.errors import AuthenticationError, RateLimitError, StreamBrokenError
from backedge.providers.wrappers.cost import Priced

from .samples import DOUBLE

WRONG, RIGHT = DOUBLE.replace("3", "7"), DOUBLE.replace("3", "2")

SPEC = Specification(
    program="p.py",
    source=DOUBLE,
    function="double",
    cases=(Case(arguments="[0]", expected="0"), Case(arguments="[1]", expected="2")),
)
SURVEY = Survey(
    cases=(
        Observed(code="p", text="0", seconds=0.0, lines=(2,)),
        Observed(code="f", text="3", seconds=0.0, lines=(2,)),
    )
)


def block(source):
    return f"Here it is:\n```python\n{source}```\n"


def response(text, **more):
    return ModelResponse(message=Message.of("assistant", text), **more)


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


async def proposed(model, memory=Memory(round=1), **options):  # noqa: B008 - frozen
    return await ModelProgrammer(model, **options).propose(SPEC, SURVEY, memory)


# ---------------------------------------------------------------------------- in the loop


async def test_a_model_repairs_by_the_feedback_it_gets(runner, inputs):
    model, run = repair(inputs, runner, [block(WRONG), block(RIGHT)])
    state = (await run).state
    assert state.verdict.status == "repaired"
    assert state.memory.winners[0].candidate.source(DOUBLE) == RIGHT
    first, second = (request.messages[-1].text for request in model.requests)
    assert "- double(1) == 2, but it gives 3" in first
    assert "earlier answer" not in first
    assert "+    y = x * 7" in second
    assert "It did not pass double(1) == 2: 7" in second
    assert "It made 0 of 2 failing cases pass." in second


async def test_a_model_is_not_asked_again_once_its_answer_passed(runner, inputs):
    model, run = repair(inputs, runner, [block(RIGHT)])
    assert (await run).state.memory.bill.calls == len(model.requests) == 1


async def test_more_patches_are_asked_for_as_long_as_there_are_too_few(runner, inputs):
    other = DOUBLE.replace("x * 3", "x + x")
    model, run = repair(
        {**inputs, "rules": Rules(alternatives=2)}, runner, [block(RIGHT), block(RIGHT), block(other)]
    )
    state = (await run).state
    assert {one.candidate.source(DOUBLE) for one in state.memory.winners} == {RIGHT, other}
    assert "it is a program that you gave before" in model.requests[2].messages[-1].text


async def test_answers_of_no_use_are_told_to_the_model_until_it_is_given_up(runner, inputs):
    answers = ["No idea.", block("def double(x:\n"), block(DOUBLE), "never asked for"]
    model, run = repair(inputs, runner, answers)
    verdict = (await run).state.verdict
    assert (verdict.status, len(model.requests)) == ("exhausted", MOST_MISSES)
    assert "gave nothing to try 3 times in a row; at last: it leaves the program as it is" in verdict.message
    second, third = (request.messages[-1].text for request in model.requests[1:])
    assert "could not be used: there is no code in it. It began:\nNo idea." in second
    assert "could not be used: it is not Python: '(' was never closed (line 1: 'def double(x:')" in third


async def test_an_answer_of_use_begins_the_count_anew(runner, inputs):
    answers = ["No.", "No.", block(WRONG), "No.", "No.", block(RIGHT)]
    model, run = repair(inputs, runner, answers)
    assert (await run).state.verdict.status == "repaired"
    assert len(model.requests) == 6


async def test_failed_calls_end_the_loop_after_a_few_in_a_row(runner, inputs):
    _, run = repair(inputs, runner, [RateLimitError("slow down")] * 3)
    verdict = (await run).state.verdict
    assert verdict.status == "exhausted"
    assert "the call failed: slow down" in verdict.message


async def test_a_client_that_breaks_ends_the_loop_and_not_the_run(runner, inputs):
    class Broken(ScriptedModel):
        async def respond(self, request):
            raise TypeError("unexpected argument")

    resources = {"programmer": ModelProgrammer(Broken([])), "runner": runner}
    state = (await repair_graph().compile().run(inputs, resources=resources)).state
    assert state.verdict.status == "exhausted"
    assert "the call failed: unexpected argument" in state.verdict.message


async def test_a_script_that_is_used_up_is_a_failed_call():
    batch = await proposed(ScriptedModel([]))
    assert batch.note.startswith("the call failed: scripted was asked 1 times, but its script has 0 answers")


async def test_a_failed_call_is_followed_by_another_and_nothing_is_told_to_the_model(runner, inputs):
    model, run = repair(inputs, runner, [RateLimitError("slow down"), block(RIGHT)])
    assert (await run).state.verdict.status == "repaired"
    first, second = (request.messages[-1].text for request in model.requests)
    assert first == second


async def test_what_a_model_said_is_journaled_and_not_asked_for_again(runner, inputs):
    journal = MemoryJournal()
    model, run = repair(inputs, runner, [block(WRONG), block(RIGHT)], journal=journal, run_id="r")
    await run
    records = await journal.read("r")
    said = [record for record in records if isinstance(record, EffectRecorded)]
    assert [record.kind for record in said] == [EffectKind.MODEL] * 2
    place = records.index(said[0]) + 1
    async with MemoryJournal() as crashed:
        log = await crashed.create(await journal.header("r"), *records[:place])
        await log.release()
        again = ScriptedModel([block(RIGHT)])
        resources = {"programmer": ModelProgrammer(again), "runner": runner}
        result = await repair_graph().compile().resume("r", journal=crashed, resources=resources)
    assert result.state.verdict.status == "repaired"
    assert again.requests == model.requests[1:]


# ---------------------------------------------------------------------------- budgets


async def test_a_budget_of_tokens_ends_the_loop_when_it_is_spent(runner, inputs):
    usage = Usage(input_tokens=600, output_tokens=100)
    answers = [response(block(WRONG.replace("7", str(n))), usage=usage) for n in range(7, 12)]
    model, run = repair({**inputs, "rules": Rules(tokens=1_000)}, runner, answers)
    verdict = (await run).state.verdict
    assert verdict.status == "exhausted"
    assert verdict.message == "the budget of 1,000 tokens is spent: 1,400"
    assert len(model.requests) == 2


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        (0.3, "the budget of $0.25 is spent: $0.3000"),
        (None, "what a call cost is unknown, so that a budget in dollars cannot be kept"),
    ],
)
async def test_a_budget_of_dollars_ends_the_loop_when_it_is_spent_or_cannot_be_kept(
    runner, inputs, cost, message
):
    _, run = repair(
        {**inputs, "rules": Rules(dollars=0.25)}, runner, [response(block(WRONG), cost=cost), "never"]
    )
    assert (await run).state.verdict.message == message


# ---------------------------------------------------------------------------- single answers


async def test_an_answer_is_a_candidate_with_its_bill():
    usage = Usage(input_tokens=10, output_tokens=5)
    batch = await proposed(ScriptedModel([response(block(RIGHT), usage=usage, cost=0.01)]))
    assert batch.candidates[0].source(DOUBLE) == RIGHT
    assert (batch.author, batch.note) == ("scripted", "")
    bill = batch.bill
    assert (bill.calls, bill.input_tokens, bill.output_tokens, bill.dollars, bill.unpriced) == (
        1,
        10,
        5,
        0.01,
        0,
    )


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (response("I must not.", finish="refusal"), "it was refused"),
        (response("", finish="filtered"), "it was held back by the provider's filter"),
        (
            response("```python\ndef double(x):\n    retu", finish="length"),
            "it was too long and was cut off: give only the functions that change",
        ),
        (
            response("Let me think about", finish="length"),
            "it was too long and was cut off: give only the functions that change",
        ),
        (
            Message.of("assistant", ToolCall(id="1", name="run", arguments="{}")),
            "it called a tool, and there is none: answer in words and code",
        ),
    ],
    ids=["refusal", "filtered", "cut off in code", "cut off in words", "tool call"],
)
async def test_an_answer_that_is_none_is_said_to_be_so(answer, note):
    batch = await proposed(ScriptedModel([answer]))
    assert (batch.candidates, batch.note) == ((), note)
    assert batch.said
    assert batch.bill.calls == 1


async def test_a_whole_answer_at_the_token_limit_is_taken():
    batch = await proposed(ScriptedModel([response(block(RIGHT), finish="length")]))
    assert batch.candidates


async def test_what_a_failed_call_took_is_counted():
    error = AuthenticationError("no", usage=Usage(input_tokens=7))
    batch = await proposed(ScriptedModel([error]))
    assert (batch.note, batch.said) == ("the call failed: no", "")
    assert (batch.bill.input_tokens, batch.bill.unpriced) == (7, 1)


@pytest.mark.parametrize(("error", "unpriced"), [(RateLimitError("no"), 0), (StreamBrokenError("no"), 1)])
async def test_a_call_that_was_turned_down_cost_nothing_and_one_that_broke_off_perhaps(error, unpriced):
    bill = (await proposed(ScriptedModel([error]))).bill
    assert (bill.calls, bill.unpriced) == (1, unpriced)


async def test_an_answer_that_was_refuted_before_is_refused():
    memory = Memory(round=2, attempts=(Attempt(replacements=difference(DOUBLE, WRONG), case=1, text="7"),))
    assert (
        await proposed(ScriptedModel([block(WRONG)]), memory)
    ).note == "it is a program that you gave before"


class Silent(ScriptedModel):
    """Never answers."""

    async def respond(self, request):
        self.requests.append(request)
        await asyncio.Event().wait()


@pytest.mark.parametrize("limits", [{"seconds": 5.0}, {"call_seconds": 0.0}])
async def test_a_call_is_given_up_when_its_time_or_that_of_the_repair_is_over(limits):
    batch = await proposed(Silent([]), Memory(round=1, seconds=5.0), **limits)
    assert batch.note == "it gave no answer in 0 s"
    assert batch.bill.unpriced == 1


async def test_an_answer_that_only_lacked_time_gets_more_before_the_model_is_asked_again():
    slow = Candidate("model.1", difference(DOUBLE, RIGHT), 2, "model", 1.0, 10.0)
    model = ScriptedModel([])
    batch = await proposed(model, Memory(round=2, slow=(slow,)))
    assert (batch.candidates, model.requests) == ((slow,), [])


async def test_the_price_of_a_call_is_on_its_bill():
    model = ScriptedModel([response(block(RIGHT), usage=Usage(output_tokens=3))])
    batch = await proposed(Priced(model, price=lambda usage: usage.output_tokens * 0.5))
    assert (batch.bill.dollars, batch.bill.unpriced) == (1.5, 0)
