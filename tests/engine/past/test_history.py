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


def looping():
    graph = Graph(State)

    @graph.node(writes="log")
    async def work(log: list[str]) -> list[str]:
        return [f"{len(log)} before"]

    graph.edge(START, work)
    graph.feedback(work, work, when=lambda log: len(log) < 3, limit=9)
    graph.edge(work, END, when=lambda log: len(log) >= 3)
    return graph.compile()


def test_each_checkpoint_has_the_state_before_and_after_it_in_any_order():
    flow = looping()

    async def go():
        journal = MemoryJournal()
        await flow.run({"spec": "x"}, journal=journal, run_id="r")
        forked = await flow.fork("r", journal=journal, at=2, edit={"log": ["mine"]})
        return await flow.history("r", journal=journal), await flow.history(forked.run_id, journal=journal)

    parent, fork = run_virtual(go())
    assert [len(checkpoint.after.log) for checkpoint in parent] == [0, 1, 2, 3, 3]
    assert [len(checkpoint.before.log) for checkpoint in reversed(parent)] == [3, 2, 1, 0, 0]
    assert isinstance(parent[0].after, State)
    assert [(c.what, c.after.log) for c in fork[2:5]] == [
        ("finished", ["0 before", "1 before"]),
        ("forked", ["mine"]),
        ("routed", ["mine"]),
    ]
    assert fork[3].updates == {"log": ["mine"]}
    assert fork[3].before.log == ["0 before", "1 before"]


def test_the_states_of_a_long_run_are_worked_out_in_one_go(monkeypatch):
    from backedge.engine import recovery

    flow = looping()

    async def go():
        journal = MemoryJournal()
        await flow.run({"spec": "x"}, journal=journal, run_id="r")
        checkpoints = await flow.history("r", journal=journal)
        applied = []
        advance = recovery.advance
        monkeypatch.setattr(recovery, "advance", lambda *args: applied.append(args) or advance(*args))
        for checkpoint in checkpoints[:-1]:
            assert checkpoint.before
            assert checkpoint.after
        return len(applied), len(checkpoints)

    applied, count = run_virtual(go())
    assert applied == count - 2


def test_a_checkpoint_that_was_made_by_hand_has_no_states():
    from backedge import Checkpoint

    with pytest.raises(AttributeError, match="without its run"):
        Checkpoint(0, "started", "START", 1, 0.0, 0.0, {}).before  # noqa: B018


def test_what_an_activation_spent_is_told():
    from backedge.engine.past.history import history_of
    from backedge.engine.records import ActivationId, NodeFinished, RunStarted

    flow = looping()
    work = ActivationId("work", (("work", 0),))
    spent = NodeFinished(1, work, 1, 5.0, 7.5, {}, (), usage=b'{"tokens":12}')
    records = [RunStarted(0, 1.0, {}, ("START->work",)), spent]
    checkpoint = history_of(flow.graph, records, lambda snapshot: snapshot)[1]
    assert (checkpoint.usage, checkpoint.seconds) == ({"tokens": 12}, 2.5)
