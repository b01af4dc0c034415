"""Answers that nobody could act on: whether they are found out, and what is said of them."""

import pytest

from backedge.providers import Message, ModelRequest, Other, Text, ToolCall, ToolSpec, Usage
from backedge.providers.checking import DEEPEST_RAW, MOST_CHARACTERS, MOST_DEPTH, arguments_of, checked
from backedge.providers.errors import BadAnswerError, BadToolCallError
from backedge.providers.protocol import ModelResponse

ADD = ToolSpec(name="add", description="Adds.", parameters={"type": "object"})
SPENT = Usage(input_tokens=7, output_tokens=3)


def request(*tools, **more):
    return ModelRequest(messages=(Message.of("user", "?"),), tools=tools, **more)


def answer(*parts, **more):
    return ModelResponse(message=Message.of("assistant", *parts), usage=SPENT, by="test:m", id="r1", **more)


def call(arguments="{}", *, named="1", name="add"):
    return ToolCall(id=named, name=name, arguments=arguments)


def refused(response, asked):
    with pytest.raises(BadAnswerError) as caught:
        checked(response, asked)
    error = caught.value
    assert (error.model, error.request_id, error.usage) == ("test:m", "r1", SPENT)
    return error


def test_an_answer_that_can_be_used_is_given_back_itself():
    response = answer("well", call('{"a": 1}'), call("", named="2"))
    assert checked(response, request(ADD)) is response


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        ([call(named="")], "has no id"),
        ([call(), call()], "two tool calls have the id '1'"),
        ([call(name="subtract")], "'subtract', which it was not offered (offered: add)"),
        ([call('{"a": ')], "they are not JSON"),
    ],
)
def test_a_call_that_cannot_be_used_is_an_error_that_says_why(calls, told):
    error = refused(answer(*calls), request(ADD))
    assert type(error) is BadToolCallError
    assert told in str(error)


def test_where_no_tool_was_offered_it_says_none():
    assert "(offered: none)" in str(refused(answer(call()), request()))


def test_a_call_that_was_cut_off_at_the_token_limit_is_told_as_that():
    told = "the answer was cut off at the token limit"
    assert told in str(refused(answer(call('{"a"'), finish="length"), request(ADD)))
    assert told not in str(refused(answer(call('{"a"')), request(ADD)))


@pytest.mark.parametrize(
    "asked",
    [
        request(extra={"tools": [{"name": "add"}]}),
        request(extra={"tools": [{"type": "function", "function": {"name": "add"}}]}),
        ModelRequest(
            messages=(Message.of("user", Other(origin="responses", raw={"tools": [{"name": "add"}, "odd"]})),)
        ),
    ],
)
def test_tools_may_be_offered_in_the_providers_own_words(asked):
    assert checked(answer(call()), asked)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("[1]", "they are no JSON object but list"),
        ("1 2", "they are not JSON"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' comes twice"),
        ('{"a": NaN}', "NaN is no JSON value"),
        ('{"a": -Infinity}', "-Infinity is no JSON value"),
        ('{"a": ["\\ud800"]}', "a lone surrogate"),
        ('{"\\udfff": 1}', "a lone surrogate"),
        ('{"a": ' + "[" * MOST_DEPTH + "]" * MOST_DEPTH + "}", f"nested deeper than {MOST_DEPTH}"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", f"nested deeper than {MOST_DEPTH}"),
        (f'{{"a": "{"x" * MOST_CHARACTERS}"}}', "characters long, the most is 1,000,000"),
    ],
)
def test_arguments_that_are_not_one_proper_object_are_refused(arguments, told):
    with pytest.raises(ValueError) as caught:  # what it says is looked at below
        arguments_of(call(arguments))
    assert told in str(caught.value)


def test_arguments_are_what_the_model_wrote_and_none_are_an_empty_object():
    assert arguments_of(call('{"a": [1, {"b": "é😀"}], "c": null}')) == {"a": [1, {"b": "é😀"}], "c": None}
    assert arguments_of(call(" \n")) == {}
    as_deep_as_may_be = '{"a": ' + "[" * (MOST_DEPTH - 2) + "]" * (MOST_DEPTH - 2) + "}"
    assert arguments_of(call(as_deep_as_may_be))


@pytest.mark.parametrize(
    "response",
    [
        answer(Text(text="half: \ud83d")),
        answer("well", raw={"said": ["half: \ud83d"]}),
        answer("é", raw={"half \udc00": 1}),
    ],
)
def test_an_answer_that_nothing_can_write_down_is_none(response):
    assert "a lone surrogate" in str(refused(response, request()))


def test_an_answer_with_letters_of_all_sorts_is_fine():
    assert checked(answer("é😀", raw={"said": "中", "deep": [{"x": "ß"}]}), request())


@pytest.mark.parametrize("words", ["plain", "é"])
def test_an_answer_whose_raw_form_could_not_be_read_again_is_none(words):
    def nested(levels):
        raw = {"many": [{} for _ in range(2 * DEEPEST_RAW)], "deep": []}
        inner = raw["deep"]
        for _ in range(levels - 2):
            inner.append([])
            inner = inner[0]
        return answer(words).model_copy(update={"raw": raw})

    kept = checked(nested(DEEPEST_RAW), request())
    assert ModelResponse.model_validate_json(kept.model_dump_json()) == kept
    assert f"nested deeper than {DEEPEST_RAW}" in str(refused(nested(DEEPEST_RAW + 1), request()))
