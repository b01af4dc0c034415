"""Answers become values of a type, or errors that say why not and what was spent."""

import json
from datetime import date
from typing import Annotated

import pytest
from annotated_types import Ge
from pydantic import BaseModel, TypeAdapter

from backedge.providers import (
    Message,
    ModelRequest,
    ModelResponse,
    OutputSpec,
    ScriptedModel,
    Structured,
    ToolCall,
    ToolSpec,
    Usage,
    respond_as,
)
from backedge.providers.errors import BadOutputError, BadToolCallError, RateLimitError


class Report(BaseModel):
    score: Annotated[int, Ge(0)]
    day: date


GOOD = '{"score": 3, "day": "2026-01-02"}'
VALUE = Report(score=3, day=date(2026, 1, 2))
ASK = ModelRequest(messages=(Message.of("user", "judge it"),))


def answer(*parts, finish="stop", tokens=10):
    return ModelResponse(
        message=Message.of("assistant", *parts),
        finish=finish,
        usage=Usage(output_tokens=tokens),
        by="m",
        id="r",
    )


def called(arguments, name="Report"):
    return answer(ToolCall(id="1", name=name, arguments=arguments), finish="tool_calls")


async def test_the_form_is_asked_for_and_the_value_read():
    model = ScriptedModel([answer(GOOD)])
    found = await respond_as(model, ASK, Report)
    assert found == Structured(VALUE, (answer(GOOD),), Usage(output_tokens=10))
    (asked,) = model.requests
    assert asked.messages == ASK.messages
    assert asked.output.name == "Report"
    assert asked.output.parameters["additionalProperties"] is False


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"Here {{you}} are:\n```\n{GOOD}\n```\nBye {{}}.",
        f"It is {GOOD}, I think.",
        f"First {{}} then {GOOD}",
        f"``` \n ```\n{GOOD}",
    ],
)
async def test_an_answer_is_found_in_fences_and_between_words(text):
    assert (await respond_as(ScriptedModel([text]), ASK, Report)).value == VALUE


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (list[int], '{"value": [1, 2]}', [1, 2]),
        (TypeAdapter(int | None), '{"value": null}', None),
        (tuple[str, int], '{"value": ["a", 1]}', ("a", 1)),
    ],
)
async def test_any_type_can_be_asked_for(kind, text, value):
    model = ScriptedModel([text])
    assert (await respond_as(model, ASK, kind)).value == value
    assert list(model.requests[0].output.parameters["properties"]) == ["value"]
    assert model.requests[0].output.name.replace("_", "").isalnum()


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (
            '{"score": -1, "day": "2026-01-02"}',
            "- score: Input should be greater than or equal to 0 (found -1)",
        ),
        ('{"score": 1}', "- day: Field required\n"),
        ("I will not say", "there is no JSON object in it: not JSON"),
        (
            '{"score": 1, "score": 2, "day": "2026-01-02"}',
            "there is no JSON object in it: the key 'score' comes twice",
        ),
        ('[{"score": 1}]', "- day: Field required"),
        ("{" * 100_000, "there is no JSON object in it"),
        (" ", "the answer is empty"),
    ],
)
async def test_an_answer_that_does_not_fit_is_sent_back_once(bad, told):
    model = ScriptedModel([answer(bad), answer(GOOD, tokens=5)])
    found = await respond_as(model, ASK, Report)
    assert found.value == VALUE
    assert found.usage == Usage(output_tokens=15)
    assert len(found.responses) == 2
    first, repair = model.requests
    assert repair.output == first.output
    assert repair.messages[:2] == (*ASK.messages, found.responses[0].message)
    assert told in repair.messages[2].text
    with pytest.raises(BadOutputError, match="no Report in the answer, after a repair turn too: ") as caught:
        await respond_as(ScriptedModel([answer(bad), answer(bad)]), ASK, Report)
    assert caught.value.usage == Usage(output_tokens=20)
    assert (caught.value.model, caught.value.request_id) == ("m", "r")


async def test_how_often_an_answer_is_sent_back_can_be_said():
    with pytest.raises(BadOutputError, match="answer: the answer is empty"):
        await respond_as(ScriptedModel([""]), ASK, Report, repairs=0)
    with pytest.raises(BadOutputError, match="after 2 repair turns too"):
        await respond_as(ScriptedModel([""] * 3), ASK, Report, repairs=2)
    with pytest.raises(ValueError, match="0 or more"):
        await respond_as(ScriptedModel([]), ASK, Report, repairs=-1)


async def test_an_answer_without_parts_is_not_sent_back_itself():
    model = ScriptedModel([answer(), answer(GOOD)])
    await respond_as(model, ASK, Report)
    assert [message.role for message in model.requests[1].messages] == ["user", "user"]


async def test_a_wrapped_value_must_stand_alone():
    model = ScriptedModel(['{"values": [1]}', '{"value": [1]}'])
    assert (await respond_as(model, ASK, list[int])).value == [1]
    assert "should have one member, 'value'" in model.requests[1].messages[-1].text


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (answer("I cannot help.", finish="refusal"), "the model refused: I cannot help."),
        (answer(finish="filtered"), "the provider filtered the answer"),
        (
            answer('{"score": 3, "da', finish="length"),
            "the answer was cut off at the token limit, after 10 tokens; raise max_tokens",
        ),
        (answer("hm", finish="pause"), "the provider paused the turn"),
        (called("{}", "search"), "it calls search, and nobody runs tools here"),
    ],
)
async def test_what_asking_again_cannot_mend_is_told_at_once(response, why):
    with pytest.raises(BadOutputError, match=f"no Report in the answer: {why}") as caught:
        await respond_as(ScriptedModel([response]), ASK, Report)
    assert caught.value.usage == Usage(output_tokens=10)


async def test_an_answer_that_is_whole_at_the_token_limit_counts():
    assert (await respond_as(ScriptedModel([answer(GOOD, finish="length")]), ASK, Report)).value == VALUE


async def test_a_tool_that_must_be_called_can_carry_the_form():
    other = ToolSpec(name="search", description="", parameters={"type": "object"})
    model = ScriptedModel([called('{"score": -1, "day": "2026-01-02"}'), called(GOOD)])
    found = await respond_as(model, ASK.model_copy(update={"tools": (other,)}), Report, mode="tool")
    assert found.value == VALUE
    first, repair = model.requests
    assert (first.tools[0], first.tools[1].name, first.tool_choice, first.output) == (
        other,
        "Report",
        "Report",
        None,
    )
    (result,) = repair.messages[-1].parts
    assert (repair.messages[-1].role, result.id, result.failed) == ("tool", "1", True)
    assert "- score: Input should be greater" in result.text
    free = ScriptedModel([called('{"a": 1}', "answer")])
    assert (await respond_as(free, ASK, dict[str, int], mode="tool")).value == {"a": 1}
    assert (await respond_as(ScriptedModel([GOOD]), ASK, Report, mode="tool")).value == VALUE


class Failing(ScriptedModel):
    """Raises what is an error in its script."""

    async def respond(self, request):
        if isinstance(self._script[len(self.requests)], Exception):
            self.requests.append(request)
            raise self._script[len(self.requests) - 1]
        return await super().respond(request)


async def test_a_tool_call_that_cannot_be_read_is_asked_for_again():
    def broken():
        return BadToolCallError("the arguments are cut", usage=Usage(output_tokens=7))

    model = Failing([broken(), called(GOOD)])
    found = await respond_as(model, ASK, Report, mode="tool")
    assert (found.value, found.usage, len(found.responses)) == (VALUE, Usage(output_tokens=17), 1)
    assert "the arguments are cut" in model.requests[1].messages[-1].text
    with pytest.raises(BadToolCallError) as caught:
        await respond_as(Failing([broken(), broken()]), ASK, Report, mode="tool")
    assert caught.value.usage == Usage(output_tokens=14)
    with pytest.raises(BadToolCallError):
        await respond_as(Failing([broken()]), ASK, Report)


async def test_an_error_in_the_repair_turn_tells_what_was_spent_before_it():
    model = Failing([answer("no"), RateLimitError("slow down", usage=Usage(input_tokens=1))])
    with pytest.raises(RateLimitError) as caught:
        await respond_as(model, ASK, Report)
    assert caught.value.usage == Usage(input_tokens=1, output_tokens=10)


async def test_words_can_carry_the_form_of_any_type():
    model = ScriptedModel(['{"a": 1}'])
    assert (await respond_as(model, ASK, dict[str, int], mode="prompt")).value == {"a": 1}
    (asked,) = model.requests
    assert (asked.output, asked.tools, asked.messages[:1]) == (None, (), ASK.messages)
    schema = json.loads(asked.messages[1].text.split("\n", 1)[1])
    assert schema["additionalProperties"] == {"type": "integer"}


async def test_a_request_that_has_a_form_is_not_given_another():
    taken = ASK.model_copy(update={"output": OutputSpec(name="x", parameters={})})
    with pytest.raises(ValueError, match="has an output already"):
        await respond_as(ScriptedModel([]), taken, Report)


async def test_many_problems_are_counted_and_long_values_cut():
    bad = json.dumps({"value": ["x" * 200] * 30})
    model = ScriptedModel([bad, '{"value": []}'])
    await respond_as(model, ASK, list[int])
    told = model.requests[1].messages[-1].text
    assert "and 10 more problems" in told
    assert len(told) < 5000
