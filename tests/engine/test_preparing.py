"""What can be wrong before a run begins, or goes on."""

from contextlib import nullcontext
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, GraphChangedError, InputError, RunFailedError, extend
from backedge.checkpoints import MemoryJournal
from backedge.engine.errors import JournalCorruptError
from backedge.engine.records import ActivationId, NodeFinished, Routed

from ..virtual import run_virtual


class State(BaseModel):
    text: str = ""
    log: Annotated[list[str], extend] = []


class Other(BaseModel):
    text: int = 0


def refuses(value: list[str], update: list[str]) -> list[str]:
    raise ValueError("not this one")


class Strict(BaseModel):
    log: Annotated[list[str], refuses] = []


class Less(BaseModel):
    log: Annotated[list[str], extend] = []


def build(model=State, *, names=("a", "b"), writes="text"):
    graph = Graph(model)
    fail = {"fail": True}

    async def first():
        return "text"

    async def last() -> None:
        if fail["fail"]:
            raise ValueError

    one = graph.node(first, name=names[0], writes=writes)
    graph.chain(START, one, graph.node(last, name=names[1]), END)
    return graph.compile(), fail


async def failed_run():
    journal = MemoryJournal()
    with pytest.raises(RunFailedError):
        await build()[0].run(journal=journal, run_id="r")
    return journal


@pytest.mark.parametrize(
    ("other", "told", "unreadable"),
    [
        (lambda: build(names=("a", "c"))[0], "node 'b'", False),
        (lambda: build(names=("b", "a"))[0], "does not fit any more", False),
        (lambda: build(Other)[0], "does not fit any more", True),
        (lambda: build(Less, writes="log")[0], "field 'text' is gone", True),
    ],
)
@pytest.mark.parametrize("look", ["resume", "state_at", "history"])
def test_records_that_do_not_fit_a_changed_graph_are_told_and_the_run_is_let_go_of(
    other, told, unreadable, look
):
    async def go():
        journal = await failed_run()
        before = await journal.read("r")
        flow = other()
        if look == "resume":
            with pytest.raises(GraphChangedError, match=told):
                await flow.resume("r", journal=journal, on_change="continue")
        elif look == "state_at":
            with pytest.raises(GraphChangedError, match=told):
                await flow.state_at("r", len(before) - 1, journal=journal)
        else:
            with pytest.raises(GraphChangedError, match="does not fit") if unreadable else nullcontext():
                await flow.history("r", journal=journal)
        assert await journal.read("r") == before
        assert (await journal.runs())[0].owner is None

    run_virtual(go())


def test_records_that_make_no_run_are_damage():
    async def go():
        journal = await failed_run()
        log = await journal.acquire("r")
        seq = len(await journal.read("r"))
        await log.append(Routed(seq, ActivationId("a", ()), 0.0, ()))
        await log.release()
        with pytest.raises(JournalCorruptError, match="make no run of this graph"):
            await build()[0].resume("r", journal=journal)
        assert (await journal.runs())[0].owner is None

    run_virtual(go())


def test_a_reducer_that_refuses_an_input_is_told_before_anything_is_stored():
    graph = Graph(Strict)
    graph.edge(START, END)

    async def go():
        journal = MemoryJournal()
        with pytest.raises(InputError, match="not this one"):
            await graph.compile().run({"log": ["x"]}, journal=journal)
        assert await journal.runs() == []

    run_virtual(go())


@pytest.mark.parametrize(
    "options",
    [
        {"deadline": -1},
        {"deadline": "soon"},
        {"deadline": float("nan")},
        {"grace": None},
        {"grace": True},
        {"buffer": 0},
        {"buffer": 1.5},
        {"slots": ["threads"]},
        {"slots": {"threads": None}},
        {"limits": {"a->a": "many"}},
        {"limits": {"a->a": -1}},
    ],
    ids=str,
)
def test_an_option_of_the_wrong_kind_is_told_before_anything_is_stored(options):
    graph = Graph(State)

    @graph.node
    async def a() -> None: ...

    graph.edge(START, a)
    graph.feedback(a, a, when=lambda: False, limit=3)
    graph.edge(a, END)
    [name] = options

    async def go():
        journal = MemoryJournal()
        with pytest.raises(InputError, match="slots|threads" if name == "slots" else name):
            await graph.compile().run(journal=journal, **options)
        assert await journal.runs() == []

    run_virtual(go())


@pytest.mark.parametrize("seq", [-5, -1, 99])
def test_a_record_that_is_not_there_is_told_with_those_that_are(seq):
    async def go():
        journal = await failed_run()
        last = len(await journal.read("r")) - 1
        with pytest.raises(InputError, match=f"no record {seq}; its records go from 0 to {last}"):
            await build()[0].state_at("r", seq, journal=journal)

    run_virtual(go())


def test_finished_is_what_the_records_say():
    async def go():
        journal = await failed_run()
        return [str(r.activation) for r in await journal.read("r") if isinstance(r, NodeFinished)]

    assert run_virtual(go()) == ["a"]


def test_a_node_of_a_run_that_goes_on_can_read_what_the_run_asked_for_before_and_a_fork_only_its_own():
    pasts = []
    graph = Graph(State)

    @graph.node(writes="text")
    async def a(ctx: Context) -> str:
        pasts.append(ctx.past)
        return await ctx.step("early", str, "x")

    @graph.node(writes="log")
    async def b(text: str, ctx: Context) -> list[str]:
        pasts.append(ctx.past)
        await ctx.step("late", str, "y")
        raise ValueError("no")

    graph.chain(START, a, b, END)
    flow = graph.compile()

    async def names(past):
        return [effect.name for effect in await past()]

    async def go():
        journal = MemoryJournal()
        with pytest.raises(RunFailedError):
            await flow.run(journal=journal, run_id="r")
        assert pasts == [None, None]  # there is nothing before
        with pytest.raises(RunFailedError):
            await flow.resume("r", journal=journal)
        assert await names(pasts[-1]) == ["early", "late"]
        done = [one.seq for one in await journal.read("r") if isinstance(one, NodeFinished)]
        with pytest.raises(RunFailedError):
            await flow.fork("r", at=done[0], run_id="f", journal=journal)
        assert await names(pasts[-1]) == []
        with pytest.raises(RunFailedError):
            await flow.resume("f", journal=journal)
        assert await names(pasts[-1]) == ["late"]

    run_virtual(go())
