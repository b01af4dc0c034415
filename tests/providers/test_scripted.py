"""The scripted model keeps to the protocol, to its script, and keeps account."""

import pytest

from backedge.providers import (
    Message,
    Model,
    ModelRequest,
    ModelResponse,
    ScriptedModel,
    ScriptError,
    ToolCall,
)


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
