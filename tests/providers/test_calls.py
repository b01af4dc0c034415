"""The events of a call say what happened, in order, and no more than they may."""

import dataclasses

import pytest

from backedge.providers import (
    Code,
    Finished,
    Image,
    Message,
    ModelRequest,
    Other,
    Reasoning,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolResult,
    ToolSpec,
    Usage,
)
from backedge.providers.calls import Call, CallAttempt, CallDelta, CallEnded, CallFailed, CallStarted
from backedge.providers.errors import Attempt, ServerError

from .wrappers.kit import Clock, ask, says

KEY = "sk-canary-aaaaaaaaaaaaaaaa"


def telling(texts="all", redact=lambda text: text.replace(KEY, "***")):
    events, wall, clock = [], Clock(), Clock()
    call = Call("m", events.append, redact=redact, texts=texts, now=wall, clock=clock)
    return call, events, wall, clock


def deltas(events):
    return [(one.part, one.index, one.text) for one in events if isinstance(one, CallDelta)]


def test_every_event_names_its_call_its_model_and_its_time():
    call, events, wall, _ = telling()
    call.started(ask())
    wall.pass_by(5)
    call.done(says("hi"))
    other, others, _, _ = telling()
    other.started(ask())
    assert [(one.kind, one.model, one.at) for one in events] == [("start", "m", 1000), ("end", "m", 1005)]
    assert len({one.call for one in events}) == 1
    assert others[0].call != events[0].call
    with pytest.raises(dataclasses.FrozenInstanceError):
        events[0].model = "x"


def test_the_start_tells_the_conversation_part_by_part_and_the_tools():
    call, events, _, _ = telling()
    messages = (
        Message.of("system", "be brief"),
        Message.of("user", f"my key is {KEY}", Image(media_type="image/png", data=b"123")),
        Message.of(
            "assistant",
            Reasoning(text="hm"),
            Code(text="x = 1"),
            ToolCall(id="1", name="add", arguments="{}"),
            Other(origin="w", raw={"k": KEY}),
        ),
        Message.of("tool", ToolResult(id="1", content="3")),
    )
    tool = ToolSpec(name="add", description="adds", parameters={})
    call.started(ModelRequest(messages=messages, tools=(tool,)), streamed=True)
    (start,) = events
    assert start.messages == (
        ("system", "be brief"),
        ("user", "my key is ***\nImage(image/png, 3 bytes)"),
        ("assistant", "hm\nx = 1\nadd {}\n<w>"),
        ("tool", "3"),
    )
    assert (start.tools, start.streamed) == (("add",), True)


def test_pieces_are_told_word_by_word_and_a_key_in_pieces_is_still_seen():
    call, events, _, _ = telling()
    for piece in ("so ", "it is ", KEY[:9], KEY[9:], " ok", "?"):
        call.came(TextDelta(text=piece))
    call.done(says("x"))
    assert deltas(events) == [("text", 0, one) for one in ("so ", "it is ", "*** ", "ok?")]


def test_the_end_of_a_stream_is_no_piece():
    call, events, _, _ = telling()
    call.came(Finished(response=says("hi")))
    assert events == []


def test_what_is_held_back_comes_before_a_piece_of_something_else_and_before_the_end():
    call, events, _, _ = telling()
    call.came(ReasoningDelta(text="let me"))
    call.came(TextDelta(text="well"))
    call.came(ToolCallDelta(index=0, id="1", name="add", arguments="{"))
    call.came(ToolCallDelta(index=0, arguments="}"))
    call.came(ToolCallDelta(index=1, id="2", name="sub"))
    call.failed(ServerError("x"))
    assert deltas(events) == [
        ("reasoning", 0, "let "),
        ("reasoning", 0, "me"),
        ("text", 0, "well"),
        ("tool_call", 0, "add "),
        ("tool_call", 0, "{}"),
        ("tool_call", 1, "sub "),
    ]
    assert events[-1].kind == "failed"


def test_the_end_says_who_answered_what_it_took_and_what_was_tried():
    call, events, _, clock = telling()
    tried = (Attempt(model="a", error="server"), Attempt(model="b"))
    clock.pass_by(2)
    call.done(says(f"it is {KEY}", tokens=3, by="b", cost=0.5, attempts=tried, cached=True, finish="length"))
    *attempts, end = events
    assert [(one.number, one.attempt) for one in attempts] == [(1, tried[0]), (2, tried[1])]
    assert all(isinstance(one, CallAttempt) for one in attempts)
    assert isinstance(end, CallEnded)
    assert (end.by, end.seconds, end.usage, end.cost) == ("b", 2, Usage(output_tokens=3), 0.5)
    assert (end.finish, end.attempts, end.cached, end.text) == ("length", 2, True, "it is ***")


def test_an_answer_at_the_first_try_is_one_try_by_the_model_asked():
    call, events, _, _ = telling()
    call.done(says("hi"))
    (end,) = events
    assert (end.attempts, end.by) == (1, "m")


@pytest.mark.parametrize(
    ("error", "kind", "attempts"),
    [
        (ServerError(f"x {KEY}", usage=Usage(input_tokens=1)), "server", 1),
        (
            ServerError(f"x {KEY}", usage=Usage(input_tokens=1), attempts=(Attempt(model="a"),) * 2),
            "server",
            2,
        ),
    ],
)
def test_a_failure_says_how_and_what_it_took(error, kind, attempts):
    call, events, _, clock = telling()
    clock.pass_by(3)
    call.failed(error)
    failed = events[-1]
    assert isinstance(failed, CallFailed)
    assert (failed.error, failed.seconds, failed.usage.input_tokens, failed.attempts) == (
        kind,
        3,
        1,
        attempts,
    )
    assert failed.message.startswith("x ***")
    assert sum(isinstance(one, CallAttempt) for one in events) == len(error.attempts)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(KeyError("k"), "KeyError"), (GeneratorExit(), "cancelled"), (KeyboardInterrupt(), "cancelled")],
)
def test_other_exceptions_are_told_by_name_and_being_given_up_as_cancelled(error, kind):
    call, events, _, _ = telling()
    call.failed(error)
    assert events[0].error == kind


WORDS = ("question", "piece", "argument", "answer", "because")


def everything(texts):
    call, events, _, _ = telling(texts)
    call.started(ask("question"))
    call.came(TextDelta(text="piece "))
    call.came(ToolCallDelta(index=0, name="add", arguments="argument"))
    call.done(says("answer"))
    call.failed(ServerError("because"))
    assert isinstance(events[0], CallStarted)
    return {word for word in WORDS if word in repr(events)}


def test_contents_are_told_as_far_as_they_may():
    assert everything("all") == set(WORDS)
    assert everything("pieces") == {"piece", "argument", "because"}
    assert everything("none") == set()
