"""Results of effects: what the body gets is what the record holds, of every type, or a clear refusal."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from backedge import Context, Graph, GraphError, RunFailedError, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.engine.effects.results import codec_for
from backedge.engine.records import EffectRecorded
from backedge.engine.state.copiers import same

from ...virtual import run_virtual
from ..sizes import examples
from ..test_values import COMES_BACK, annotated_values
from .kit import State, World, broken_off, flow_of


async def through_a_record(annotation, value):
    """What the body got from a step live, and what it gets when it runs again."""
    got = []

    async def make() -> object:
        return value

    async def body(ctx: Context) -> None:
        got.append(await ctx.step("make", make, returns=annotation))

    journal, flow = MemoryJournal(), flow_of(body)
    await flow.run(journal=journal, run_id="r")
    records = [r for r in await journal.read("r") if r.seq == 0 or isinstance(r, EffectRecorded)]
    await flow.resume("r", journal=await broken_off(records, await journal.header("r")))
    return got


@pytest.mark.parametrize(("annotation", "value"), COMES_BACK)
def test_a_result_comes_back_equal_and_of_the_same_type(annotation, value):
    live, again = run_virtual(through_a_record(annotation, value))
    assert same(live, value)
    assert same(again, value)
    assert type(again) is type(live)


@settings(max_examples=examples(20), deadline=None)
@given(st.data())
def test_results_and_answers_of_made_up_types_come_back(data):
    annotation, values = data.draw(annotated_values())
    value = data.draw(values)
    live, again = run_virtual(through_a_record(annotation, value))
    assert same(live, value)
    assert same(again, value)
    codec = codec_for(annotation)
    assert same(codec.decode(codec.encode(value)), value)


class Opaque:
    pass


@pytest.mark.parametrize(
    ("value", "returns", "told"),
    [
        ("x", int, "'make' takes int, but got str 'x'"),
        (object(), object, "'make'.*object"),
        ((1, 2), list[str], "'make' takes list"),
    ],
)
def test_a_result_that_cannot_be_stored_names_the_step_and_the_type_and_can_be_mended(value, returns, told):
    calls = []

    def flow(result, kind):
        async def make() -> object:
            calls.append(1)
            return result

        async def body(ctx: Context) -> str:
            await ctx.step("before", World().fetch, "a")
            return str(await ctx.step("make", make, returns=kind))

        return flow_of(body)

    async def go():
        journal = MemoryJournal()
        with pytest.raises(RunFailedError, match=told):
            await flow(value, returns).run(journal=journal, run_id="r")
        effects = [r.name for r in await journal.read("r") if isinstance(r, EffectRecorded)]
        assert effects == ["before"], "nothing is half-written"
        return (await flow("fine", str).resume("r", journal=journal)).state.out

    assert run_virtual(go()) == "fine"
    assert calls == [1, 1]


def test_an_unsafe_step_whose_result_cannot_be_stored_is_in_doubt_afterwards():
    calls = []

    async def make() -> int:
        calls.append(1)
        return "x"

    async def body(ctx: Context) -> int:
        return await ctx.step("make", make, safety="unsafe")

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        with pytest.raises(RunFailedError, match="takes int"):
            await flow.run(journal=journal, run_id="r")
        assert (await flow.resume("r", journal=journal)).status is RunStatus.IN_DOUBT
        return (await flow.resume("r", journal=journal, answers={"node": {"done": 5}})).state.out

    assert run_virtual(go()) == 5
    assert calls == [1]


def test_a_body_that_changes_a_result_changes_no_record():
    class Box(BaseModel):
        items: list[int]

    kept = []

    async def make() -> Box:
        box = Box(items=[1])
        kept.append(box)
        return box

    async def body(ctx: Context) -> list:
        box = await ctx.step("make", make)
        box.items.append(2)
        kept[0].items.append(3)
        seen = list(box.items)
        return [seen, await ctx.ask("ok?")]

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        await flow.run(journal=journal, run_id="r")
        result = await flow.resume("r", journal=journal, answers={"node": "yes"})
        (made,) = [r for r in await journal.read("r") if isinstance(r, EffectRecorded) and r.name == "make"]
        assert json.loads(made.result) == {"items": [1]}
        return result.state.out

    assert run_virtual(go()) == [[1, 2], "yes"]


def test_fields_whose_type_cannot_be_stored_are_refused_when_the_graph_is_compiled():
    class Bad(State):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        thing: Opaque = Opaque()

    graph = Graph(Bad)
    with pytest.raises(GraphError, match="'thing'"):
        graph.compile()
    with pytest.raises(TypeError, match="cannot be stored"):
        codec_for(Opaque)
