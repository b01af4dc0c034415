"""Where two runs part."""

import asyncio
import random
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, GraphChangedError, RunFailedError, RunNotFoundError, extend
from backedge.checkpoints import MemoryJournal

from ...virtual import run_virtual


class State(BaseModel):
    goal: int = 2
    text: str = ""
    notes: Annotated[list[str], extend] = []


def loop(say=lambda n: f"text {n}", delays=None):
    """A writer, then two who look at once, round and round."""
    graph = Graph(State)
    delays = delays or random.Random(0)

    @graph.node(writes="text")
    async def writer(notes: list[str]) -> str:
        return say(len(notes))

    def looker(name):
        async def look(text: str, ctx: Context) -> list[str]:
            await asyncio.sleep(delays.random())
            ctx.random()
            return [f"{name} {text}"]

        return graph.node(look, name=name, writes="notes")

    @graph.node
    async def join() -> None: ...

    graph.edge(START, writer)
    for name in ("left", "right"):
        graph.chain(writer, looker(name), join)
    graph.feedback(join, writer, when=lambda notes, goal: len(notes) < 2 * goal, limit=9)
    graph.edge(join, END, when=lambda notes, goal: len(notes) >= 2 * goal)
    return graph.compile()


def differed(one, other, inputs=({}, {})):
    async def go():
        journal = MemoryJournal()
        for name, flow, given in zip(("one", "two"), (one, other), inputs, strict=True):
            await flow.run(given, journal=journal, run_id=name)
        return await one.diff("one", "two", journal=journal)

    return run_virtual(go())


def test_runs_that_took_other_times_do_not_differ():
    diff = differed(loop(), loop(delays=random.Random(3)))
    assert not diff
    assert (diff.parting, diff.final, diff.only) == (None, (), ((), ()))
    assert str(diff) == "runs 'one' and 'two' do not differ"


def test_the_first_thing_that_differs_is_named_with_both_sides_and_the_states_there():
    diff = differed(loop(), loop(lambda n: "other" if n else "text 0"))
    assert diff
    parting = diff.parting
    assert (parting.activation, parting.what) == ("writer@1", "what it wrote")
    assert (parting.one, parting.other) == ('text="text 2"', 'text="other"')
    assert parting.seqs[0] == parting.seqs[1]
    assert [(f.field, f.one, f.other) for f in parting.fields] == [("text", '"text 2"', '"other"')]
    assert [f.field for f in diff.final] == ["text", "notes"]
    assert "part at record" in str(diff)
    assert 'two: text="other"' in str(diff)


def test_inputs_that_differ_are_the_first_thing():
    diff = differed(loop(), loop(), ({"goal": 1}, {"goal": 2}))
    assert (diff.parting.activation, diff.parting.what, diff.parting.seqs) == ("START", "the inputs", (0, 0))
    assert diff.only == ((), ("writer@1", *diff.only[1][1:]))
    assert "only 'two' ran writer@1" in str(diff)


def test_texts_of_several_lines_are_shown_as_a_difference_of_lines():
    diff = differed(loop(lambda n: "a\nb"), loop(lambda n: "a\nc"))
    assert "-b" in str(diff)
    assert "+c" in str(diff)
    assert "record" in str(diff)


def test_a_fork_parts_from_its_parent_at_its_edit():
    flow = loop()

    async def go():
        journal = MemoryJournal()
        await flow.run(journal=journal, run_id="one")
        await flow.fork("one", journal=journal, run_id="same", at=4)
        await flow.fork("one", journal=journal, run_id="two", at=4, edit={"goal": 1})
        return await flow.diff("one", "same", journal=journal), await flow.diff("one", "two", journal=journal)

    same, other = run_virtual(go())
    assert not same
    parting = other.parting
    assert (parting.what, parting.one, parting.other, parting.seqs) == ("an edit", None, "goal=1", (None, 5))
    assert [f.field for f in other.final] == ["goal", "text", "notes"]
    assert other.only[1] == ()


def test_an_edit_that_changes_no_edge_is_where_they_part():
    flow = loop()

    async def go():
        journal = MemoryJournal()
        await flow.run(journal=journal, run_id="one")
        await flow.fork("one", journal=journal, run_id="two", before="writer@1", edit={"notes": ["x", "y"]})
        return await flow.diff("two", "one", journal=journal)

    diff = run_virtual(go())
    assert (diff.parting.activation, diff.parting.what) == ("writer@1", "an edit")
    assert (diff.parting.one, diff.parting.other) == ('notes=["x","y"]', None)
    assert diff.parting.seqs[1] is None
    assert "one: nothing" in str(diff)


def test_failures_and_effects_count():
    def flow_asking(answer, fail=False):
        graph = Graph(State)

        async def fetch() -> str:
            return answer

        @graph.node(writes="text")
        async def asks(ctx: Context) -> str:
            text = await ctx.step("fetch", fetch)
            if fail:
                raise ValueError("no")
            return text

        graph.chain(START, asks, END)
        return graph.compile()

    async def go():
        journal = MemoryJournal()
        flow = flow_asking("a")
        await flow.run(journal=journal, run_id="a")
        await flow_asking("b").run(journal=journal, run_id="b")
        with pytest.raises(RunFailedError):
            await flow_asking("a", fail=True).run(journal=journal, run_id="c")
        return [await flow.diff(*pair, journal=journal) for pair in (("a", "b"), ("a", "c"))]

    effects, failure = run_virtual(go())
    assert (effects.parting.what, effects.parting.one, effects.parting.other) == (
        "effect 'fetch'",
        '"a"',
        '"b"',
    )
    assert failure.parting.activation == "asks"
    assert failure.only == (("asks",), ())


def test_a_run_that_is_not_there_or_not_of_this_graph_is_told():
    flow, other = loop(), Graph(State)

    @other.node(writes="text")
    async def strange() -> str:
        return "x"

    other.chain(START, strange, END)

    async def go():
        journal = MemoryJournal()
        await flow.run(journal=journal, run_id="one")
        with pytest.raises(RunNotFoundError):
            await flow.diff("one", "two", journal=journal)
        await other.compile().run(journal=journal, run_id="two")
        with pytest.raises(GraphChangedError, match="strange"):
            await flow.diff("one", "two", journal=journal)

    run_virtual(go())


def test_edges_looked_at_again_after_an_edit_are_not_where_they_part():
    flow = loop()

    async def go():
        journal = MemoryJournal()
        await flow.run(journal=journal, run_id="one")
        records = await journal.read("one")
        at = next(r.seq for r in records if str(getattr(r, "activation", "")) == "join@0")
        await flow.fork("one", journal=journal, run_id="two", at=at, edit={"goal": 1})
        return at, await flow.diff("one", "two", journal=journal)

    at, diff = run_virtual(go())
    assert (diff.parting.what, diff.parting.seqs) == ("an edit", (None, at + 1))
    assert "writer@1" in diff.only[0]
