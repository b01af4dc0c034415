"""Signals: kept until received, from any process, each once, in order."""

import asyncio
import contextvars
import sys
from typing import Annotated
from unittest import mock

import pytest
from pydantic import BaseModel

from backedge import (
    END,
    START,
    Context,
    Graph,
    InputError,
    RunCancelledError,
    RunStatus,
    cancel,
    extend,
    send,
)
from backedge.checkpoints import MemoryJournal, SqliteJournal
from backedge.engine.records import EffectRecorded

from ...virtual import run_virtual
from ..journals import SlowJournal
from .conftest import Wall
from .kit import State, World, broken_off, flow_of, letter


def receiving(count, name="go", **how):
    async def body(ctx: Context) -> list:
        return [await ctx.receive(name, **how) for _ in range(count)]

    return flow_of(body)


def test_signals_sent_while_nobody_owns_the_run_wait_for_it_and_come_in_order():
    async def go():
        journal, flow = MemoryJournal(), receiving(3)
        assert (await flow.run(journal=journal, run_id="r")).status is RunStatus.SUSPENDED
        for number in range(3):
            await send("r", "go", number, journal=journal)
            await send("r", "other", number, journal=journal)
        result = await flow.resume("r", journal=journal)
        left = await journal.letters("r")
        return result.state.out, [each.name for each in left]

    assert run_virtual(go()) == ([0, 1, 2], ["other"] * 3)


def test_signals_sent_before_while_and_after_a_node_asks_are_each_received_once():
    async def body(ctx: Context) -> list:
        first = await ctx.receive("go")
        await asyncio.sleep(10)
        second = await ctx.receive("go")
        return [first, second, await ctx.receive("go")]

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        async with flow.start(journal=journal, run_id="r") as run:
            await run.send("go", "before")
            await asyncio.sleep(5)
            await run.send("go", "while")
            await asyncio.sleep(15)
            result = await run.result()
            assert result.status is RunStatus.SUSPENDED
        await send("r", "go", "after", journal=journal)
        result = await flow.resume("r", journal=journal)
        records = [r for r in await journal.read("r") if isinstance(r, EffectRecorded)]
        assert len(records) == 3
        assert await journal.letters("r") == []
        return result.state.out

    assert run_virtual(go()) == ["before", "while", "after"]


def test_two_activations_that_wait_for_the_same_signal_each_get_one_in_order_of_asking():
    graph = Graph(State)

    @graph.node(writes="out")
    async def one(ctx: Context) -> str:
        return await ctx.receive("go", schema=str)

    @graph.node(writes="text")
    async def other(ctx: Context) -> str:
        await asyncio.sleep(1)
        return await ctx.receive("go", schema=str)

    graph.chain(START, one, END)
    graph.chain(START, other, END)
    flow = graph.compile()

    async def go():
        journal = MemoryJournal()
        await flow.run(journal=journal, run_id="r")
        await send("r", "go", "x", journal=journal)
        result = await flow.resume("r", journal=journal)
        assert result.status is RunStatus.SUSPENDED
        assert len(result.questions) == 1
        await send("r", "go", "y", journal=journal)
        state = (await flow.resume("r", journal=journal)).state
        assert await journal.letters("r") == []
        return state.out, state.text

    assert run_virtual(go()) == ("x", "y")


class Order(BaseModel):
    amount: int


def test_a_signal_is_checked_and_one_that_does_not_fit_is_refused_for_good():
    async def body(ctx: Context) -> dict[str, int]:
        order = await ctx.receive("go", schema=Order)
        assert isinstance(order, Order)
        return order.model_dump()

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        await flow.run(journal=journal, run_id="r")
        await send("r", "go", {"amount": "many"}, journal=journal)
        result = await flow.resume("r", journal=journal)
        assert "amount" in result.questions[0].detail["refused"]
        assert await journal.letters("r") == []
        await send("r", "go", {"amount": 5}, journal=journal)
        return (await flow.resume("r", journal=journal)).state.out

    assert run_virtual(go()) == {"amount": 5}


@pytest.mark.parametrize("parts", [2, 5])
def test_a_first_takes_one_signal_even_when_all_have_come(parts):
    """What the losers would have taken is there for whoever asks next."""

    async def body(ctx: Context) -> list:
        taken = []
        for _ in range(parts):
            which, value = await ctx.first(*(ctx.receive(f"s{n}") for n in range(parts)))
            taken.append([which, value])
        return taken

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        await flow.run(journal=journal, run_id="r")
        for number in range(parts):
            await send("r", f"s{number}", number, journal=journal)
        result = await flow.resume("r", journal=journal)
        return result.state.out

    assert run_virtual(go()) == [[n, n] for n in range(parts)]


def test_a_first_loses_no_signal_whatever_record_it_crashes_after():
    async def body(ctx: Context) -> list:
        one = await ctx.first(ctx.receive("a"), ctx.receive("b"))
        return [list(one), list(await ctx.first(ctx.receive("a"), ctx.receive("b")))]

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        await flow.run(journal=journal, run_id="r")
        await send("r", "a", 1, journal=journal)
        await send("r", "b", 2, journal=journal)
        await flow.resume("r", journal=journal)
        records, header = await journal.read("r"), await journal.header("r")
        for count in range(1, len(records)):
            taken = {r.name for r in records[:count] if isinstance(r, EffectRecorded) and r.kind == "signal"}
            letters = [
                letter("signal", name, value) for name, value in (("a", 1), ("b", 2)) if name not in taken
            ]
            again = await broken_off(records[:count], header, letters)
            result = await flow.resume("r", journal=again)
            assert sorted(result.state.out) == [[0, 1], [1, 2]], count

    run_virtual(go())


def test_a_part_of_a_first_that_goes_on_after_its_signal_lets_the_others_take_theirs():
    async def two(ctx):
        return [await ctx.receive("a"), await ctx.receive("never")]

    async def body(ctx: Context) -> list:
        return list(await ctx.first(two(ctx), ctx.receive("b")))

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        await flow.run(journal=journal, run_id="r")
        await send("r", "a", 1, journal=journal)
        await send("r", "b", 2, journal=journal)
        return (await flow.resume("r", journal=journal)).state.out

    assert run_virtual(go()) == [1, 2]


def test_the_waits_of_those_that_did_not_come_first_are_closed():
    async def body(ctx: Context) -> list:
        first = await ctx.first(ctx.ask("a?"), ctx.receive("go"), ctx.gather(ctx.ask("b?"), ctx.sleep(5.0)))
        return [list(first), await ctx.ask("c?")]

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        result = await flow.run(journal=journal, run_id="r", patience=60)
        assert sorted(each.text for each in result.questions) == ["a?", "b?", "go"]
        await send("r", "go", 1, journal=journal)
        result = await flow.resume("r", journal=journal, patience=60)
        assert [each.text for each in result.questions] == ["c?"]
        with pytest.raises(InputError, match="nothing asks 'node:0.0.0'"):
            await flow.resume("r", journal=journal, answers={"node:0.0.0": "late"})
        return (await flow.resume("r", journal=journal, answers={"node": "yes"})).state.out

    assert run_virtual(go()) == [[1, 1], "yes"]


def test_the_questions_of_a_gather_that_failed_are_closed():
    world = World()

    async def body(ctx: Context) -> str:
        try:
            await ctx.gather(ctx.ask("a?"), ctx.step("fail", world.fail, "x"))
        except Exception as error:
            told = type(error).__name__
        return told + await ctx.ask("b?")

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        result = await flow.run(journal=journal, run_id="r")
        assert [each.text for each in result.questions] == ["b?"]
        out = (await flow.resume("r", journal=journal, answers={"node": "!"})).state.out
        return out, world.done

    assert run_virtual(go()) == ("EffectError!", ["x"])


def test_which_part_of_a_gather_failed_stays_so_whatever_crashes():
    async def go():
        def make(world):
            async def fails(ctx, name, seconds):
                await ctx.step("slow", world.slow, name, seconds)
                raise ValueError(name)

            async def body(ctx: Context) -> str:
                try:
                    await ctx.gather(fails(ctx, "a", 2.0), fails(ctx, "b", 1.0))
                except ValueError as error:
                    told = str(error)
                return told + await ctx.step("fetch", world.fetch, f"end {told}")

            return flow_of(body)

        journal, first = MemoryJournal(), World()
        expected = await make(first).run(journal=journal, run_id="r")
        assert first.done == ["b", "end b"]
        records, header = await journal.read("r"), await journal.header("r")
        for count in range(1, len(records)):
            again = World()
            result = await make(again).resume("r", journal=await broken_off(records[:count], header))
            if count > 2:  # the failure is recorded
                assert result.state == expected.state
                assert "a" not in again.done
                assert "b" not in again.done

    run_virtual(go())


def test_a_letter_of_cancellation_ends_a_run_that_is_resumed_before_anything_runs():
    ran = []

    async def body(ctx: Context) -> str:
        ran.append(1)
        return await ctx.ask("ok?")

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        await flow.run(journal=journal, run_id="r")
        await cancel("r", journal=journal)
        with pytest.raises(RunCancelledError):
            await flow.resume("r", journal=journal, answers={"node": "x"})
        assert ran == [1]
        assert await journal.letters("r") == []
        with pytest.raises(InputError, match="takes no signal any more"):
            await send("r", "go", journal=journal)

    run_virtual(go())


def test_a_run_that_is_over_takes_no_letters():
    async def go():
        journal = MemoryJournal()
        await flow_of(World().fetch and _nothing).run(journal=journal, run_id="r")
        for call in (send("r", "go", journal=journal), cancel("r", journal=journal)):
            with pytest.raises(InputError, match="run 'r' is completed"):
                await call

    run_virtual(go())


async def _nothing() -> None:
    pass


def test_a_signal_must_be_what_json_can_carry():
    async def go():
        journal = MemoryJournal()
        await receiving(1).run(journal=journal, run_id="r")
        with pytest.raises(InputError, match="the value is nothing that JSON can carry"):
            await send("r", "go", object(), journal=journal)

    run_virtual(go())


SENDER = """
import asyncio, sys
from backedge import send

async def main():
    for number in range(3):
        await send("r", "go", number, journal=sys.argv[1])

asyncio.run(main())
"""


def test_signals_from_another_process_reach_a_run_that_is_under_way(tmp_path):
    async def body(ctx: Context) -> list:
        return [await ctx.receive("go") for _ in range(3)]

    async def go():
        path = tmp_path / "runs.db"
        async with await SqliteJournal.open(path) as journal:
            graph = Graph(State)

            @graph.node
            async def keeps_it_alive() -> None:
                await seen.wait()

            seen = asyncio.Event()
            node = graph.node(body, name="node", writes="out")

            @graph.node
            async def after(out: list) -> None:
                seen.set()

            graph.chain(START, keeps_it_alive, END)
            graph.chain(START, node, after, END)
            async with graph.compile().start(journal=journal, run_id="r") as run:
                process = await asyncio.create_subprocess_exec(sys.executable, "-c", SENDER, str(path))
                assert await process.wait() == 0
                return (await run.result()).state.out

    assert asyncio.run(go()) == [0, 1, 2]


# ------------------------------------------------------------------ signals that are lost


def test_a_signal_that_is_not_kept_is_for_who_waits_for_it_now():
    async def go():
        journal, flow = MemoryJournal(), receiving(1)
        await flow.run(journal=journal, run_id="r")
        assert await send("r", "other", 0, journal=journal, keep=False) is False
        assert await send("r", "go", 1, journal=journal, keep=False) is True
        result = await flow.resume("r", journal=journal)
        return result.state.out, [each.name for each in await journal.letters("r")]

    assert run_virtual(go()) == ([1], [])


def test_a_signal_that_is_not_kept_and_comes_before_anybody_waits_is_lost():
    async def body(ctx: Context) -> list:
        await asyncio.sleep(10)
        return [await ctx.receive("go")]

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        async with flow.start(journal=journal, run_id="r") as run:
            await asyncio.sleep(5)
            assert await run.send("go", "early", keep=False) is False
            assert (await run.result()).status is RunStatus.SUSPENDED
        assert await send("r", "go", "in time", journal=journal, keep=False) is True
        return (await flow.resume("r", journal=journal)).state.out

    assert run_virtual(go()) == ["in time"]


def test_a_signal_for_one_that_waits_is_taken_by_no_other():
    async def body(ctx: Context) -> list:
        return [await ctx.receive("go"), await ctx.receive("go")]

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        await flow.run(journal=journal, run_id="r")
        for value in ("one", "two"):  # both for the first that waits
            assert await send("r", "go", value, journal=journal, keep=False)
        result = await flow.resume("r", journal=journal)
        return result.status, [question.text for question in result.questions]

    assert run_virtual(go()) == (RunStatus.SUSPENDED, ["go"])


# ------------------------------------------------------------------ who is woken in whose context


def test_a_body_that_is_woken_from_inside_a_part_of_its_own_begins_with_a_clean_slate():
    async def body(ctx: Context) -> list:
        return list(await ctx.first(ctx.receive("a"), ctx.receive("b"), ctx.sleep(60)))

    async def go(seconds):
        journal, flow = SlowJournal(seconds=seconds), flow_of(body)
        async with flow.start({}, journal=journal, run_id="r") as run:
            return (await run.result()).state.out

    for seconds in (30, 50, 59.99, 61):  # the timer rings while it is being let go of
        with mock.patch("time.time", Wall()):
            assert run_virtual(go(seconds)) == [2, None]


SET = contextvars.ContextVar("SET", default="nothing")


async def test_a_node_has_the_context_variables_of_the_runs_beginning_and_none_of_another_nodes():
    class Seen(BaseModel):
        seen: Annotated[list[str], extend] = []

    graph = Graph(Seen)

    @graph.node(writes="seen")
    async def sets() -> list[str]:
        found = SET.get()
        SET.set("by a node")
        return [found]

    @graph.node(writes="seen")
    async def looks() -> list[str]:
        return [SET.get()]

    graph.chain(START, sets, looks, END)
    SET.set("outside")
    for journal in (None, MemoryJournal()):
        assert (await graph.compile().run(journal=journal)).state.seen == ["outside", "outside"]


class _Reader(MemoryJournal):
    """Counts the records that are read."""

    count = 0

    async def read(self, run_id, *, after=-1, before=None):
        records = await super().read(run_id, after=after, before=before)
        self.count += len(records)
        return records


class _Rounds(BaseModel):
    rounds: int = 0


async def records_read_to_send_after(rounds):
    graph = Graph(_Rounds)

    @graph.node(writes="rounds")
    async def count(rounds: int, ctx: Context) -> int:
        if rounds == limit:
            await ctx.receive("go on")
        return rounds + 1

    limit = rounds
    graph.chain(START, count)
    graph.feedback(count, count, when=lambda rounds: rounds <= limit, limit=None)
    graph.edge(count, END, when=lambda rounds: rounds > limit)
    async with _Reader() as journal:
        await graph.compile().run(journal=journal, run_id="r")
        journal.count = 0
        await send("r", "go on", journal=journal)
        return journal.count


async def test_to_send_something_to_a_long_run_reads_no_more_than_to_a_short_one():
    assert await records_read_to_send_after(1000) <= 2 * await records_read_to_send_after(250) <= 500
