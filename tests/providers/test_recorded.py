"""A node's calls of a model: journaled once, told to those who watch the run, and failing with the model's own errors."""

import asyncio
import json
from contextlib import aclosing

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, CustomEvent, Graph, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import EffectKind, EffectRecorded
from backedge.providers import (
    Finished,
    Message,
    Model,
    ModelResponse,
    Reasoning,
    ScriptedModel,
    ScriptError,
    ToolCall,
    Usage,
)
from backedge.providers.errors import (
    AllFailedError,
    ModelError,
    ServerError,
    StreamBrokenError,
)
from backedge.providers.recorded import RecordedModel
from backedge.providers.wrappers.fallback import Fallback
from backedge.providers.wrappers.retry import Retrying

from .wrappers.kit import Clock, Played, ask, heard

KEY = "sk-canary-aaaaaaaaaaaaaaaa"
DOWN = ServerError("down", usage=Usage(input_tokens=7), status=503, retry_after=1.0)


class State(BaseModel):
    out: str = ""


def flow_of(body):
    graph = Graph(State, resources={"model": Model})
    graph.chain(START, graph.node(body, name="node", writes="out"), END)
    return graph.compile()


async def watched(flow, model, journal, **options):
    """A run's result, and what it told of calls of models."""
    told = []
    async with flow.start({}, journal=journal, run_id="r", resources={"model": model}, **options) as run:
        async for event in run.events():
            if isinstance(event, CustomEvent):
                told.append(event.data)
        return await run.result(), told


async def calls_in(journal):
    records = await journal.read("r")
    return [one for one in records if isinstance(one, EffectRecorded) and one.kind is EffectKind.MODEL]


async def streams(model: Model) -> str:
    async with aclosing(model.stream(ask("q"))) as events:
        return "|".join([event.text async for event in events if not isinstance(event, Finished)])


async def responds(model: Model) -> str:
    return (await model.respond(ask("q"))).text


async def test_who_watches_a_run_sees_its_models_at_work_and_the_journal_holds_the_answer_once():
    clock = Clock()
    script = [DOWN, "three short words"]
    model = Retrying(ScriptedModel(script, name="inner"), now=clock, sleep=clock.sleep)
    journal = MemoryJournal()
    result, told = await watched(flow_of(streams), model, journal)
    assert result.state.out == "three |short |words"
    assert [event.kind for event in told] == ["start", "attempt", *["delta"] * 3, "attempt", "end"]
    assert [event.text for event in told[2:5]] == ["three ", "short ", "words"]
    assert {event.model for event in told} == {"inner"}
    assert len({event.call for event in told}) == 1
    assert (told[-1].usage, told[-1].attempts) == (Usage(input_tokens=7, output_tokens=3), 2)

    (record,) = await calls_in(journal)
    kept = ModelResponse.model_validate_json(record.result)
    assert [attempt.error for attempt in kept.attempts] == ["server", ""]
    assert json.loads(record.usage) == kept.usage.model_dump() == told[-1].usage.model_dump()
    assert record.name == "inner"


async def test_a_whole_answer_is_told_by_its_start_and_end():
    journal = MemoryJournal()
    result, told = await watched(flow_of(responds), ScriptedModel(["hi"]), journal)
    assert result.state.out == "hi"
    assert [event.kind for event in told] == ["start", "end"]
    assert not told[0].streamed
    (record,) = await calls_in(journal)
    assert ModelResponse.model_validate_json(record.result).text == "hi"


async def test_neither_the_conversation_nor_keys_are_told():
    async def body(model: Model) -> str:
        async with aclosing(model.stream(ask("a private question"))) as events:
            return "".join([event.text async for event in events if not isinstance(event, Finished)])

    result, told = await watched(flow_of(body), ScriptedModel([f"use {KEY} now"]), MemoryJournal())
    assert KEY in result.state.out
    assert "canary" not in repr(told)
    assert "[masked]" in repr(told)
    assert "private" not in repr(told)


WHOLE = Message.of(
    "assistant", Reasoning(text="hm"), "one two", Reasoning(), ToolCall(id="1", name="add", arguments="{}")
)


async def test_a_recorded_answer_is_given_in_few_pieces_and_told_of_no_more():
    seen = []

    async def body(model: Model, ctx: Context) -> str:
        async with aclosing(model.stream(ask("q"))) as events:
            seen.append([event.kind async for event in events])
        return await ctx.ask("go on?")

    flow, journal, model = flow_of(body), MemoryJournal(), ScriptedModel([WHOLE])
    result, told = await watched(flow, model, journal)
    assert result.status is RunStatus.SUSPENDED
    assert told
    answers = {result.questions[0].id: "yes"}
    options = {"resources": {"model": model}, "answers": answers}
    async with flow.reopen("r", journal=journal, **options) as run:
        events = [event async for event in run.events()]
        assert (await run.result()).state.out == "yes"
    assert not any(isinstance(event, CustomEvent) for event in events)
    assert seen == [
        ["reasoning", "text", "text", "tool_call", "finished"],
        ["reasoning", "text", "tool_call", "finished"],
    ]
    assert len(model.requests) == 1


@pytest.mark.parametrize("how", [responds, streams])
async def test_a_node_gets_the_errors_of_models_as_they_are_live_and_recorded(how):
    caught = []

    async def body(model: Model, ctx: Context) -> str:
        try:
            await how(model)
        except ModelError as error:
            caught.append(error)
        return await ctx.ask("go on?")

    clock = Clock()
    model = Retrying(ScriptedModel([DOWN, DOWN]), attempts=2, now=clock, sleep=clock.sleep)
    flow, journal = flow_of(body), MemoryJournal()
    result, told = await watched(flow, model, journal)
    answers = {result.questions[0].id: "yes"}
    await flow.resume("r", journal=journal, resources={"model": model}, answers=answers)
    live, recorded = caught
    assert type(live) is type(recorded) is ServerError
    assert vars(live) == vars(recorded)
    assert (live.status, live.usage.input_tokens, len(live.attempts)) == (503, 14, 2)
    assert [event.kind for event in told] == ["start", "attempt", "attempt", "failed"]
    (record,) = await calls_in(journal)
    assert record.error.type_name.endswith("ServerError")


async def test_the_reasons_of_several_models_survive_the_journal():
    caught = []

    async def body(model: Model, ctx: Context) -> str:
        try:
            return await responds(model)
        except AllFailedError as error:
            caught.append([(type(one), str(one)) for one in error.errors])
        return await ctx.ask("go on?")

    model = Fallback([ScriptedModel([DOWN]), ScriptedModel([StreamBrokenError("cut")])])
    flow, journal = flow_of(body), MemoryJournal()
    result, _ = await watched(flow, model, journal)
    answers = {result.questions[0].id: "yes"}
    await flow.resume("r", journal=journal, resources={"model": model}, answers=answers)
    assert caught == [[(ServerError, "down (status 503)"), (StreamBrokenError, "cut")]] * 2


class Plain:
    """The least of a context: a step, and nothing to emit with."""

    def __init__(self):
        self.asked = []

    async def step(self, name, function, /, *args, **options):
        self.asked.append((name, options["kind"], ServerError in options["raises"]))
        return await function(*args)


class Emitting(Plain):
    def __init__(self):
        super().__init__()
        self.told = []

    def emit(self, data):
        self.told.append(data)


async def test_a_context_need_not_emit():
    context = Plain()
    model = RecordedModel(ScriptedModel(["a", "b c"]), context)
    assert isinstance(model, Model)
    assert (await model.respond(ask())).text == "a"
    assert (await heard(model.stream(ask())))[0] == ["b ", "c"]
    assert context.asked == [("scripted", "model", True)] * 2


async def test_a_stream_that_just_ends_is_broken():
    context = Emitting()
    model = Played(["one "], whole=False).for_activation(context)
    with pytest.raises(StreamBrokenError, match="played: the stream ended without"):
        await heard(model.stream(ask()))
    assert [event.kind for event in context.told] == ["start", "delta", "failed"]


async def test_what_is_no_error_of_a_model_is_told_by_its_name():
    context = Emitting()
    with pytest.raises(ScriptError):
        await ScriptedModel([]).for_activation(context).respond(ask())
    assert context.told[-1].error == "ScriptError"


async def test_leaving_a_stream_cancels_the_call_and_closes_what_is_within():
    context, inner = Emitting(), Played(["one ", None])
    async with aclosing(inner.for_activation(context).stream(ask())) as events:
        assert (await anext(events)).text == "one "
    assert inner.closed == 1
    assert [event.kind for event in context.told] == ["start", "delta", "failed"]
    assert context.told[-1].error == "cancelled"


async def test_cancelling_a_call_is_told_and_passes_through():
    context = Emitting()
    task = asyncio.create_task(Played([None]).for_activation(context).respond(ask()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert context.told[-1].error == "cancelled"
