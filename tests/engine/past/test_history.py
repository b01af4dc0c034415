"""A run's past: every record is a checkpoint that tells what happened."""

from typing import Annotated

import pytest
import tenacity
from pydantic import BaseModel

from backedge import END, START, Context, Graph, RunFailedError, RunNotFoundError, extend
from backedge.checkpoints import MemoryJournal

from ...virtual import run_virtual


class State(BaseModel):
    spec: str
    log: Annotated[list[str], extend] = []


def test_every_sort_of_record_is_told():
    graph = Graph(State)
    broken = True

    @graph.node(writes="log", retry=tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(2)))
    async def flaky(ctx: Context) -> list[str]:
        if ctx.attempt == 1:
            raise ConnectionError("first")
        return ["flaky"]

    @graph.node
    async def risky() -> None:
        raise KeyError("risky")

    @graph.node(writes="log")
    async def rescue(error: KeyError) -> list[str]:
        return ["rescue"]

    @graph.node
    async def fragile() -> None:
        if broken:
            raise ValueError("fragile")

    def condition(log):
        if broken:
            raise RuntimeError("condition")
        return True

    graph.edge(START, flaky)
    graph.chain(START, risky, END)
    graph.on_error(risky, rescue, error=KeyError)
    graph.edge(rescue, END)
    graph.edge(flaky, fragile, when=condition)
    graph.edge(fragile, END)
    flow = graph.compile()

    async def go():
        nonlocal broken
        journal = MemoryJournal()
        with pytest.raises(RunFailedError):
            await flow.run({"spec": "x"}, journal=journal, run_id="r")
        broken = False
        await flow.resume("r", journal=journal)
        return await flow.history("r", journal=journal)

    checkpoints = run_virtual(go())
    assert [checkpoint.seq for checkpoint in checkpoints] == list(range(len(checkpoints)))
    told = {(checkpoint.what, checkpoint.activation, checkpoint.attempt) for checkpoint in checkpoints}
    assert told >= {
        ("started", "START", 1),
        ("attempt failed", "flaky", 1),
        ("finished", "flaky", 2),
        ("not routed", "flaky", 0),
        ("failed, handled", "risky", 1),
        ("failed", "", 0),
        ("resumed", "", 0),
        ("routed", "flaky", 0),
        ("completed", "", 0),
    }
    by_name = {(checkpoint.what, checkpoint.activation): checkpoint for checkpoint in checkpoints}
    assert by_name["started", "START"].updates == {"spec": "x"}
    assert by_name["finished", "flaky"].updates == {"log": ["flaky"]}
    assert by_name["finished", "flaky"].taken is None
    assert by_name["routed", "flaky"].taken == ("flaky->fragile",)
    assert by_name["failed, handled", "risky"].error.message == "'risky'"
    assert by_name["failed, handled", "risky"].taken == ("risky->rescue!KeyError",)
    assert by_name["not routed", "flaky"].error.type_name.endswith("RoutingError")


def test_a_run_that_is_not_there_is_told():
    graph = Graph(State)
    graph.edge(START, END)
    with pytest.raises(RunNotFoundError):
        run_virtual(graph.compile().history("r", journal=MemoryJournal()))
