"""The scripted model keeps to the protocol, to its script, and keeps account."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.providers import (
    Finished,
    Message,
    Model,
    ModelRequest,
    ModelResponse,
    Reasoning,
    ReasoningDelta,
    ScriptedModel,
    ScriptError,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)
from backedge.providers.errors import ServerError


def ask(text):
    return ModelRequest(messages=(Message.of("user", text),))


async def test_answers_come_in_order_and_requests_are_kept():
    model = ScriptedModel(["one", Message.of("assistant", "two words")])
    assert isinstance(model, Model)
    assert (await model.respond(ask("a"))).text == "one"
    second = await model.respond(ask("b"))
    assert (second.text, second.finish, second.usage.output_tokens, second.model) == (
        "two words",
        "stop",
        2,
        "scripted",
    )
    assert [request.messages[-1].text for request in model.requests] == ["a", "b"]


async def test_a_function_answers_each_request():
    model = ScriptedModel(lambda request: request.messages[-1].text.upper(), name="loud")
    assert (await model.respond(ask("hey"))).text == "HEY"
    assert model.name == "loud"


async def test_a_response_is_given_as_it_is_and_a_tool_call_is_a_reason_to_stop():
    whole = ModelResponse(message=Message.of("assistant", "cut"), finish="length")
    call = Message.of("assistant", ToolCall(id="1", name="add", arguments="{}"))
    model = ScriptedModel([whole, call])
    assert await model.respond(ask("a")) is whole
    assert (await model.respond(ask("b"))).finish == "tool_calls"


async def test_a_script_that_is_used_up_says_so():
    model = ScriptedModel(["one"])
    await model.respond(ask("a"))
    with pytest.raises(ScriptError, match="asked 2 times, but its script has 1 answers.*'more'"):
        await model.respond(ask("more"))


async def test_an_exception_in_the_script_is_raised_and_each_time_a_fresh_one():
    error = ServerError("down", status=503)
    model = ScriptedModel([error, error, "hi"])
    raised = []
    for call in (model.respond(ask("a")), anext(model.stream(ask("b")))):
        with pytest.raises(ServerError, match="down .status 503.") as caught:
            await call
        raised.append(caught.value)
    assert len({id(one) for one in [error, *raised]}) == 3
    assert (await model.respond(ask("c"))).text == "hi"
    with pytest.raises(KeyError):
        await ScriptedModel(lambda request: KeyError("k")).respond(ask("d"))


async def test_it_says_by_whom_an_answer_is():
    assert (await ScriptedModel(["hi"], name="me").respond(ask("a"))).by == "me"


async def test_a_stream_comes_word_by_word():
    call = ToolCall(id="1", name="add", arguments='{"a": 1, "b": 2}')
    message = Message.of("assistant", Reasoning(text="let me  see"), " so,\nhere ", call)
    events = [event async for event in ScriptedModel([message]).stream(ask("a"))]
    assert events[:-1] == [
        ReasoningDelta(text="let "),
        ReasoningDelta(text="me  "),
        ReasoningDelta(text="see"),
        TextDelta(text=" so,\n"),
        TextDelta(text="here "),
        ToolCallDelta(index=0, id="1", name="add", arguments='{"a": '),
        ToolCallDelta(index=0, arguments="1, "),
        ToolCallDelta(index=0, arguments='"b": '),
        ToolCallDelta(index=0, arguments="2}"),
    ]
    assert events[-1].response.message == message


async def test_a_call_without_arguments_still_comes():
    message = Message.of("assistant", ToolCall(id="1", name="now", arguments=""))
    first, last = [event async for event in ScriptedModel([message]).stream(ask("a"))]
    assert first == ToolCallDelta(index=0, id="1", name="now")
    assert isinstance(last, Finished)


@given(st.text())
async def test_the_pieces_of_a_text_together_are_the_text(text):
    events = [event async for event in ScriptedModel([text]).stream(ask("a"))]
    assert "".join(event.text for event in events[:-1]) == events[-1].response.text == text
