"""A crash after any record: the body runs again, what was done is not done again, and the end is the same."""

import asyncio
from functools import partial

from backedge import BlockingContext, Context

from .kit import World, crash_everywhere, flow_of


def test_steps_one_after_the_other_are_each_done_once():
    def make():
        world = World()

        async def body(ctx: Context) -> str:
            return "".join([await ctx.step("fetch", world.fetch, name) for name in "abcdef"])

        return world, flow_of(body)

    assert crash_everywhere(make) == ("ABCDEF", list("abcdef"))


def test_parts_of_a_gather_keep_their_results_however_far_each_had_come():
    def make():
        world = World()

        async def part(ctx, name, seconds):
            first = await ctx.step("slow", world.slow, f"{name}1", seconds)
            return first + await ctx.step("slow", world.slow, f"{name}2", seconds)

        async def body(ctx: Context) -> list[str]:
            parts = [part(ctx, name, seconds) for name, seconds in (("a", 3.0), ("b", 1.0), ("c", 2.0))]
            return [*await ctx.gather(*parts), await ctx.step("fetch", world.fetch, "end")]

        return world, flow_of(body)

    out, done = crash_everywhere(make)
    assert out == ["A1A2", "B1B2", "C1C2", "END"]
    assert done == ["b1", "c1", "b2", "a1", "c2", "a2", "end"]


def test_a_gather_whose_parts_ask_for_nothing_leaves_no_gap():
    def make():
        world = World()

        async def idle(name):
            return name

        async def body(ctx: Context) -> list[str]:
            found = await ctx.gather(idle("a"), idle("b"))
            return [*found, await ctx.step("fetch", world.fetch, "end")]

        return world, flow_of(body)

    assert crash_everywhere(make) == (["a", "b", "END"], ["end"])


def test_gathers_within_gathers_keep_their_places():
    def make():
        world = World()

        async def leaf(ctx, name, seconds):
            return await ctx.step("slow", world.slow, name, seconds)

        async def inner(ctx, name):
            return await ctx.gather(*(leaf(ctx, f"{name}{n}", 3.0 - n) for n in range(3)))

        async def body(ctx: Context) -> list[list[str]]:
            return await ctx.gather(inner(ctx, "a"), inner(ctx, "b"))

        return world, flow_of(body)

    assert crash_everywhere(make)[0] == [["A0", "A1", "A2"], ["B0", "B1", "B2"]]


def test_what_a_bare_gather_asks_for_is_known_by_name_and_arguments():
    """Tasks of the body's own begin in another order when what they awaited before is recorded."""

    def make():
        world = World()

        async def part(ctx, name, seconds):
            await asyncio.sleep(seconds)
            first = await ctx.step("slow", world.slow, name, seconds)
            return first + await ctx.step("fetch", world.fetch, f"{name}+")

        async def body(ctx: Context) -> list[str]:
            before = await ctx.step("fetch", world.fetch, "begin")
            parts = await asyncio.gather(*(part(ctx, name, 5.0 - n) for n, name in enumerate("abcd")))
            return [before, *parts, await ctx.step("fetch", world.fetch, "end")]

        return world, flow_of(body)

    assert crash_everywhere(make)[0] == ["BEGIN", "AA+", "BB+", "CC+", "DD+", "END"]


def test_tasks_in_named_branches_find_what_they_did():
    def make():
        world = World()

        async def part(ctx, name):
            with ctx.branch(name):
                return [await ctx.step("fetch", world.fetch, f"{name}{n}") for n in range(2)]

        async def body(ctx: Context) -> list[list[str]]:
            tasks = [asyncio.create_task(part(ctx, name)) for name in "xyz"]
            return [await task for task in reversed(tasks)]

        return world, flow_of(body)

    assert crash_everywhere(make)[0] == [["Z0", "Z1"], ["Y0", "Y1"], ["X0", "X1"]]


def test_the_first_of_several_stays_the_first():
    def make():
        world = World()

        async def part(ctx, name, seconds):
            first = await ctx.step("slow", world.slow, name, seconds)
            return first + await ctx.step("fetch", world.fetch, f"{name}+")

        async def body(ctx: Context) -> list:
            chosen = await ctx.first(part(ctx, "a", 3.0), part(ctx, "b", 1.0), part(ctx, "c", 2.0))
            return [*chosen, await ctx.step("fetch", world.fetch, "end")]

        return world, flow_of(body)

    assert crash_everywhere(make) == ([1, "BB+", "END"], ["b", "b+", "end"])


def test_questions_signals_and_timers_are_answered_once_whatever_crashes():
    def make():
        world = World()

        async def body(ctx: Context) -> list:
            before = await ctx.step("fetch", world.fetch, "a")
            name = await ctx.ask("name?")
            await ctx.sleep(0.5)
            signal = await ctx.receive("go")
            both = await ctx.gather(ctx.ask("one?", schema=int), ctx.step("fetch", world.fetch, "b"))
            return [before, name, signal, *both, await ctx.step("fetch", world.fetch, "c")]

        return world, flow_of(body)

    answers = {"name?": "Ann", "one?": 1}
    out, done = crash_everywhere(make, answers=answers, signals=[("go", {"n": 1})])
    assert (out, done) == (["A", "Ann", {"n": 1}, 1, "B", "C"], ["a", "b", "c"])


def test_the_time_chance_and_fresh_ids_stay_what_they_were():
    def make():
        world = World()

        async def body(ctx: Context) -> list:
            seen = [ctx.now().isoformat(), ctx.random(), ctx.random(), str(ctx.uuid())]
            await ctx.step("fetch", world.fetch, "a")
            return [*seen, ctx.now().isoformat(), str(ctx.uuid())]

        return world, flow_of(body)

    # Only what was recorded stays: so the values are compared from the record on that holds the last of them.
    from backedge.engine.records import EffectRecorded

    from ...virtual import run_virtual
    from .kit import broken_off, whole

    async def go():
        _, flow = make()
        expected, records, header = await whole(flow)
        out = expected.state.out
        assert out[1] != out[2]
        assert out[3] != out[5]
        for count in range(1, len(records)):
            known = sum(isinstance(record, EffectRecorded) for record in records[:count])
            result = await make()[1].resume("r", journal=await broken_off(records[:count], header))
            same = [one == other for one, other in zip(result.state.out, out, strict=True)]
            values = known - (known > 4)  # the step is the fifth
            assert same[:values] == [True] * values, count
            assert not any(same[values + 1 :]), count

    run_virtual(go())


def test_plain_functions_are_called_in_a_thread_once():
    def make():
        world = World()

        async def body(ctx: Context) -> list[str]:
            return await ctx.gather(*(ctx.step("plain", world.plain, name) for name in "abc"))

        return world, flow_of(body)

    assert crash_everywhere(make)[0] == ["A", "B", "C"]


def test_def_nodes_find_what_they_did():
    def make():
        world = World()

        def body(ctx: BlockingContext) -> list:
            first = ctx.step("plain", world.plain, "a")
            both = ctx.gather(*(partial(ctx.step, "fetch", world.fetch, name) for name in "bc"))
            return [first, *both, ctx.ask("ok?"), ctx.step("plain", world.plain, "d")]

        return world, flow_of(body)

    assert crash_everywhere(make, answers={"ok?": "yes"})[0] == ["A", "B", "C", "yes", "D"]


def test_two_nodes_at_once_each_find_their_own():
    def make():
        from backedge import END, START, Graph

        from .kit import State

        world = World()
        graph = Graph(State)

        @graph.node(writes="text")
        async def one(ctx: Context) -> str:
            return await ctx.step("slow", world.slow, "a", 2.0) + await ctx.step("fetch", world.fetch, "b")

        @graph.node(writes="out")
        async def other(ctx: Context) -> str:
            return await ctx.step("slow", world.slow, "c", 1.0) + await ctx.step("fetch", world.fetch, "d")

        graph.chain(START, one, END)
        graph.chain(START, other, END)
        return world, graph.compile()

    assert crash_everywhere(make)[0] == "CD"
