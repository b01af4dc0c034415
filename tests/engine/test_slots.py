"""Named counters and those who wait for them."""

import asyncio
import random
from contextlib import suppress

import pytest
import tenacity
from pydantic import BaseModel

from backedge import END, START, BackedgeError, Context, Graph
from backedge.checkpoints import MemoryJournal
from backedge.engine.execution.executor import Executor
from backedge.engine.execution.slots import Slots
from backedge.engine.shares import Share

from ..virtual import run_virtual


def test_one_of_each_slot_is_taken_or_none_at_all():
    slots = Slots({"a": 2, "b": 1})
    assert slots.acquire(("a", "b"))
    assert not slots.acquire(("a", "b"))
    assert slots.acquire(("a",))
    assert not slots.acquire(("a",))
    assert slots.acquire(())


def test_who_waits_is_served_by_priority_and_then_by_arrival():
    slots = Slots({"a": 1})
    slots.acquire(("a",))
    for priority, who in [((2,), "late"), ((1,), "first"), ((1,), "second")]:
        slots.wait(("a",), priority, who)
    assert [slots.release(("a",)) for _ in range(4)] == [["first"], ["second"], ["late"], []]


def test_who_cannot_be_served_holds_back_nobody_who_can():
    slots = Slots({"a": 1, "b": 1})
    slots.acquire(("a",))
    slots.acquire(("b",))
    slots.wait(("a", "b"), (0,), "both")
    slots.wait(("b",), (9,), "one")
    assert slots.release(("b",)) == ["one"]
    assert slots.release(("a",)) == []
    assert slots.release(("b",)) == ["both"]


def test_one_release_may_serve_several():
    slots = Slots({"a": 1, "b": 1})
    slots.acquire(("a", "b"))
    slots.wait(("b",), (1,), "b")
    slots.wait(("a",), (2,), "a")
    assert slots.release(("a", "b")) == ["b", "a"]


def test_those_who_are_forgotten_are_not_served():
    slots = Slots({"a": 1})
    slots.acquire(("a",))
    slots.wait(("a",), (1,), "gone")
    slots.clear()
    assert slots.release(("a",)) == []
    assert slots.acquire(("a",))


def test_somebody_who_waits_no_longer_is_passed_over_and_the_others_keep_their_order():
    slots = Slots({"a": 1})
    slots.acquire(("a",))
    who = {number: str(number) for number in (0, 5, 1, 6, 7, 2)}
    for number, name in who.items():
        slots.wait(("a",), (number,), name)
    assert slots.forget(who[0])
    assert not slots.forget("nobody")
    assert [slots.release(("a",)) for _ in range(6)] == [["1"], ["2"], ["5"], ["6"], ["7"], []]
    assert slots.acquire(("a",))
    slots.wait(("a",), (0,), "only")
    assert slots.forget("only")
    assert slots.release(("a",)) == []


def test_however_slots_are_taken_and_given_back_none_is_lost_or_made():
    order = random.Random(7)
    capacity = {"a": 2, "b": 1, "c": 3}
    slots, holding, waiting = Slots(capacity), [], 0
    for turn in range(2000):
        if order.random() < 0.5:
            needs = tuple(sorted(order.sample("abc", order.randint(1, 3))))
            if slots.acquire(needs):
                holding.append(needs)
            else:
                slots.wait(needs, (order.randint(0, 3),), (turn, needs))
                waiting += 1
        elif holding:
            served = slots.release(holding.pop(order.randrange(len(holding))))
            holding += [needs for _, needs in served]
            waiting -= len(served)
        used = {name: sum(name in needs for needs in holding) for name in capacity}
        assert all(used[name] <= count for name, count in capacity.items())
    while holding:
        served = slots.release(holding.pop())
        holding += [needs for _, needs in served]
        waiting -= len(served)
    assert waiting == 0
    assert slots.acquire(("a", "b", "c"))
    assert slots.acquire(("a", "c"))
    assert slots.acquire(("c",))


class State(BaseModel):
    text: str = ""


async def succeeds() -> None:
    await asyncio.sleep(1)


async def fails() -> None:
    raise ValueError


async def takes_long() -> None:
    await asyncio.sleep(100)


def blocks() -> None: ...


async def retries(ctx: Context) -> None:
    if ctx.attempt == 1:
        raise ValueError


def quick() -> None: ...


AGAIN = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(2), wait=tenacity.wait_fixed(1))


WAYS = pytest.mark.parametrize(
    ("work", "options"),
    [
        (succeeds, {}),
        (fails, {}),
        (takes_long, {"timeout": 2}),
        (takes_long, {}),
        (blocks, {}),
        (retries, {"retry": AGAIN}),
        (quick, {"inline": True}),
    ],
)


@pytest.mark.parametrize("cancel_after", [None, 0, 0.5, 50])
@WAYS
def test_every_path_of_a_node_gives_its_slots_back(work, options, cancel_after, monkeypatch):
    executors = []
    begin = Executor.begin
    monkeypatch.setattr(Executor, "begin", lambda self: (executors.append(self), begin(self))[1])
    graph = Graph(State)
    nodes = [graph.node(work, name=f"n{n}", uses="place", concurrency=1, **options) for n in range(5)]
    for node in nodes:
        graph.chain(START, node, END)

    async def go():
        try:
            async with graph.compile().start(concurrency=3, slots={"place": 2}) as run:
                if cancel_after is not None:
                    asyncio.get_running_loop().call_later(cancel_after, run.cancel)
                await run.result()
        except BackedgeError:
            pass

    run_virtual(go())
    slots = executors[0]._launcher.slots
    assert slots._free == {"place": 2, "threads": 3, "\0run": 3, **{f"\0node n{n}": 1 for n in range(5)}}


@pytest.mark.parametrize("kept", [False, True])
@WAYS
def test_every_outcome_of_a_node_gives_back_what_was_lent(work, options, kept, monkeypatch):
    executors = []
    begin = Executor.begin
    monkeypatch.setattr(Executor, "begin", lambda self: (executors.append(self), begin(self))[1])
    graph = Graph(State, slots={"one": Share(1, of="pool"), "other": Share(1, of="pool")})
    for number in range(4):
        uses = "one" if number else "other"
        graph.chain(START, graph.node(work, name=f"n{number}", uses=uses, **options), END)

    async def go():
        with suppress(BackedgeError):
            await graph.compile().run({}, journal=MemoryJournal() if kept else None)

    run_virtual(go())
    launcher = executors[0]._launcher
    assert {pool._free for pool in launcher.slots._pools.values()} == {2}
    assert not launcher._handing._kept


def test_a_slot_of_a_users_is_never_one_of_ours():
    graph = Graph(State)
    most = running = 0

    async def work() -> None:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1

    for number in range(4):
        graph.chain(START, graph.node(work, name=f"n{number}", uses=("run", "node n0")), END)
    run_virtual(graph.compile().run(concurrency=4, slots={"run": 2, "node n0": 4}))
    assert most == 2


def test_a_node_keeps_its_slots_while_it_waits_for_its_next_attempt():
    graph = Graph(State)
    graph.chain(START, graph.node(retries, name="a", retry=AGAIN), END)
    graph.chain(START, graph.node(succeeds, name="b"), END)

    async def go():
        await graph.compile().run(concurrency=1)
        return asyncio.get_running_loop().time()

    assert run_virtual(go()) == 2
