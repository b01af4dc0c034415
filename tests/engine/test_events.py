"""Queues of events, and who listens."""

import asyncio
import threading
from contextlib import suppress
from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, ActivationFinished, Context, Graph, RunFailedError, extend
from backedge.checkpoints import MemoryJournal
from backedge.engine.execution.events import (
    ActivationsReady,
    ActivationStarted,
    ActivationSuspended,
    Announcer,
    CustomEvent,
    EventQueue,
    EventsDropped,
)
from backedge.engine.records import ActivationId

from ..virtual import run_virtual

WHO = ActivationId("node", ())


def event(data):
    return CustomEvent(WHO, data)


async def everything(queue):
    return [each.count if isinstance(each, EventsDropped) else each.data async for each in queue]


async def test_the_oldest_events_fall_out_and_their_number_is_told():
    queue = EventQueue(2)
    for number in range(5):
        queue.put(event(str(number)))
    queue.close()
    assert await everything(queue) == [3, "3", "4"]


async def test_nothing_comes_after_the_end():
    queue = EventQueue(2)
    queue.close()
    queue.put(event("late"))
    assert await everything(queue) == []
    assert await everything(queue) == []


async def test_several_may_wait_at_one_queue_and_each_event_goes_to_one_of_them():
    queue = EventQueue(10)
    tasks = [asyncio.ensure_future(everything(queue)) for _ in range(3)]
    await asyncio.sleep(0)
    for number in range(4):
        queue.put(event(number))
        await asyncio.sleep(0)
    queue.close()
    seen = await asyncio.gather(*tasks)
    assert sorted(number for each in seen for number in each) == [0, 1, 2, 3]


async def test_waiting_may_be_given_up_and_taken_up_again():
    queue = EventQueue(10)
    waiting = asyncio.ensure_future(anext(queue))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    queue.put(event("x"))
    assert (await anext(queue)).data == "x"


async def test_who_lets_go_of_its_queue_is_no_listener_any_more():
    announcer = Announcer(asyncio.get_running_loop())
    one, two = announcer.listen(10), announcer.listen(10)
    del one
    assert len(announcer.listeners) == 1
    announcer.tell(event("x"))
    announcer.close()
    assert await everything(two) == ["x"]
    del two
    assert announcer.listeners == ()


async def test_an_event_from_a_thread_keeps_its_place_and_one_after_the_end_of_the_loop_is_lost_in_silence():
    announcer = Announcer(asyncio.get_running_loop())
    queue = announcer.listen(10)
    await asyncio.to_thread(lambda: [announcer.tell_from_anywhere(event(n)) for n in range(3)])
    announcer.tell_from_anywhere(event("here"))
    await asyncio.sleep(0)
    announcer.close()
    assert sorted(map(str, await everything(queue))) == ["0", "1", "2", "here"]


def test_an_event_for_a_loop_that_is_closed_is_lost_and_hurts_nobody():
    async def make():
        announcer = Announcer(asyncio.get_running_loop())
        return announcer, announcer.listen(10)

    announcer, _queue = asyncio.run(make())
    errors = []
    thread = threading.Thread(
        target=lambda: errors.append(announcer.tell_from_anywhere(event("late"))), daemon=True
    )
    thread.start()
    thread.join(10)
    assert errors == [None]


class State(BaseModel):
    text: str = ""


def test_what_a_node_emits_last_comes_before_its_end():
    graph = Graph(State)

    @graph.node
    async def node(ctx: Context) -> None:
        ctx.emit("last words")

    graph.chain(START, node, END)

    async def go():
        async with graph.compile().start() as run:
            return [type(each).__name__ async for each in run.events()]

    expected = ["ActivationsReady", "ActivationStarted", "CustomEvent", "ActivationFinished", "RunFinished"]
    assert run_virtual(go()) == expected


class Lists(BaseModel):
    plain: dict[str, list[int]] = {}
    grown: Annotated[list[list[int]], extend] = []


def test_what_a_listener_does_to_an_event_does_not_reach_the_run():
    graph = Graph(Lists)

    @graph.node(writes=("plain", "grown"))
    async def write() -> dict[str, object]:
        return {"plain": {"a": [1]}, "grown": [[1]]}

    @graph.node(writes="grown")
    async def read(plain: dict[str, list[int]], grown: list[list[int]]) -> list[list[int]]:
        return [plain["a"] + grown[0]]

    graph.chain(START, write, read, END)

    async def go():
        async with graph.compile().start() as run:
            async for each in run.events():
                if isinstance(each, ActivationFinished):
                    for value in each.updates.values():
                        (value["a"] if isinstance(value, dict) else value[0]).append(666)
            return (await run.result()).state

    state = run_virtual(go())
    assert (state.plain, state.grown) == ({"a": [1]}, [[1], [1, 1]])


def test_what_becomes_ready_is_told_at_once_also_where_it_has_to_wait_for_a_slot():
    graph = Graph(State)

    async def work() -> None:
        await asyncio.sleep(2)

    last = graph.node(work, name="last")
    for name in ("a", "b"):
        graph.chain(START, graph.node(work, name=name, uses="desk"), last)
    graph.edge(last, END)

    async def go():
        async with graph.compile().start(slots={"desk": 1}) as run:
            return [
                each async for each in run.events() if isinstance(each, ActivationsReady | ActivationStarted)
            ]

    ready, *begun, joined, _ = run_virtual(go())
    assert isinstance(ready, ActivationsReady)
    assert ([str(each) for each in ready.activations], str(ready.after)) == (["a", "b"], "START")
    assert [str(each.activation) for each in begun] == ["a", "b"]
    assert ([str(each) for each in joined.activations], str(joined.after)) == (["last"], "b")


async def ask(ctx: Context) -> str:
    return str(await ctx.ask("Shall we?"))


async def test_a_node_that_waits_is_told_with_what_for_and_again_when_the_run_goes_on():
    graph = Graph(State)
    graph.chain(START, graph.node(ask, writes="text"), END)
    flow, journal = graph.compile(), MemoryJournal()

    async def told(run):
        async with run:
            return [each async for each in run.events()]

    *_, waits, _ = await told(flow.start(journal=journal, run_id="r"))
    assert isinstance(waits, ActivationSuspended)
    assert (str(waits.activation), waits.attempt) == ("ask", 1)
    assert [(each.id, each.text) for each in waits.waits] == [("ask:0", "Shall we?")]
    again, _ = await told(flow.reopen("r", journal=journal))
    assert again._replace(at=waits.at) == waits
    ready, begun, done, _ = await told(flow.reopen("r", journal=journal, answers={"ask": "yes"}))
    assert ready.activations == (begun.activation,)
    assert ready.after is None
    assert done.updates == {"text": "yes"}


async def test_routing_that_was_made_up_for_is_told_as_an_end_with_the_edges_taken():
    class Open:
        yes = False

    graph = Graph(State, resources={"gate": Open})

    @graph.node(writes="text")
    async def node() -> str:
        return "done"

    graph.edge(START, node)
    graph.edge(node, END, when=lambda gate: gate.yes)
    flow, journal, gate = graph.compile(), MemoryJournal(), Open()

    async def told(run):
        events = []
        with suppress(RunFailedError):
            async with run:
                async for each in run.events():
                    events.append(each)
        return events

    *_, failed, _ = await told(flow.start(journal=journal, run_id="r", resources={"gate": gate}))
    assert (failed.error.type_name.rpartition(".")[2], failed.final) == ("DeadEndError", True)
    gate.yes = True
    finished, _ = await told(flow.reopen("r", journal=journal, resources={"gate": gate}))
    assert isinstance(finished, ActivationFinished)
    assert (finished.attempt, finished.updates, finished.taken) == (0, {}, ("node->END",))
