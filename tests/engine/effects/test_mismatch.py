"""Code that asks for something else than what is recorded is told so, and nothing is done or recorded."""

import pytest
import tenacity

from backedge import BlockingContext, Context, ReplayMismatchError
from backedge.engine.records import AttemptFailed, EffectRecorded, NodeFinished

from ...virtual import run_virtual
from .kit import World, broken_off, flow_of, whole


def refused(before, after, *, steps=None, **options):
    """Run a body, break off after some of its effects, go on with another body: what it is told."""

    async def go():
        old = World()
        _, records, header = await whole(flow_of(before(old)))
        effects = [n for n, record in enumerate(records) if isinstance(record, EffectRecorded)]
        last = effects[-1] if steps is None else effects[steps - 1]
        journal = await broken_off(records[: last + 1], header)
        new = World()
        with pytest.raises(ReplayMismatchError) as caught:
            await flow_of(after(new), **options).resume("r", journal=journal)
        assert new.done == []
        added = (await journal.read("r"))[last + 1 :]
        assert not [r for r in added if isinstance(r, EffectRecorded | NodeFinished | AttemptFailed)]
        return str(caught.value)

    return run_virtual(go(), thorough=True)


def asking(*names, ask=None):
    def make(world):
        async def body(ctx: Context) -> list[str]:
            return [await ctx.step(name, world.fetch, name) for name in names]

        return body

    return make


def test_another_name_at_the_place():
    told = refused(asking("a", "b", "c"), asking("a", "x", "c"))
    assert told == "node: asks for 'x' at 1, where 'b' is recorded (at 1)"


def test_other_arguments_at_the_place():
    def other(world):
        async def body(ctx: Context) -> list[str]:
            return [await ctx.step("a", world.fetch, "A"), await ctx.step("b", world.fetch, "b")]

        return body

    assert "asks for 'a' with other arguments at 0" in refused(asking("a", "b"), other)


def test_a_body_that_no_longer_asks_for_what_is_recorded():
    told = refused(asking("a", "b", "c"), asking("a"), steps=2)
    assert told == "node: returned without asking for 'b', which is recorded (at 1)"


def test_a_body_that_asks_for_nothing_any_more():
    def nothing(world):
        async def body() -> str:
            return ""

        return body

    # Without a context a node has no effects that could differ: what it did is simply not looked at.
    async def go():
        _, records, header = await whole(flow_of(asking("a")(World())))
        journal = await broken_off(records[:2], header)
        return (await flow_of(nothing(World())).resume("r", journal=journal)).state.out

    assert run_virtual(go()) == ""


def test_a_gather_where_a_step_was_and_a_step_where_a_gather_was():
    def gathering(world):
        async def body(ctx: Context) -> list[str]:
            return await ctx.gather(*(ctx.step(name, world.fetch, name) for name in "ab"))

        return body

    assert "where 'a' is recorded (at 0.0.0)" in refused(gathering, asking("a", "b"))
    assert "where 'a' is recorded (at 0)" in refused(asking("a", "b"), gathering)


def test_another_number_of_parts_of_a_first():
    def racing(count):
        def make(world):
            async def body(ctx: Context) -> list:
                return list(await ctx.first(*(ctx.step("s", world.fetch, str(n)) for n in range(count))))

            return body

        return make

    assert "asks for 'first' with other arguments at 0" in refused(racing(2), racing(3))


@pytest.mark.parametrize("caught", [Exception, BaseException])
@pytest.mark.parametrize("end", ["return", "raise", "more"])
def test_a_body_that_catches_it_changes_nothing(caught, end):
    def swallowing(world):
        async def body(ctx: Context) -> str:
            await ctx.step("a", world.fetch, "a")
            try:
                await ctx.step("x", world.fetch, "x")
            except caught:
                if end == "raise":
                    raise RuntimeError("something else") from None
                if end == "more":
                    try:
                        await ctx.step("b", world.fetch, "b")
                    except caught:
                        return ""
            return ""

        return body

    retry = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3))
    for options in ({}, {"retry": retry}):
        assert "asks for 'x' at 1" in refused(asking("a", "b"), swallowing, **options)


def test_a_first_that_is_another_one_and_is_caught_changes_nothing():
    def swallowing(world):
        async def body(ctx: Context) -> str:
            try:
                await ctx.first(ctx.step("x", world.fetch, "x"))
            except ReplayMismatchError:
                return "caught"
            return ""

        return body

    assert "asks for 'first' at 0" in refused(asking("a"), swallowing)


def test_a_mismatch_beside_a_question_is_told_although_the_question_waits():
    import asyncio

    def both(world):
        async def other(ctx):
            with ctx.branch("other"):
                await ctx.step("x", world.fetch, "x")

        async def body(ctx: Context) -> str:
            task = asyncio.create_task(other(ctx))
            try:
                return await ctx.ask("ok?")
            finally:
                await asyncio.wait([task])
                task.exception()

        return body

    def before(world):
        async def body(ctx: Context) -> str:
            with ctx.branch("other"):
                return await ctx.step("a", world.fetch, "a")

        return body

    assert "asks for 'x' at other.0, where 'a' is recorded" in refused(before, both)


def test_a_def_node_is_told_too():
    def def_asking(world):
        def body(ctx: BlockingContext) -> str:
            try:
                return ctx.step("x", world.plain, "x")
            except Exception:
                return "caught"

        return body

    assert "asks for 'x' at 0, where 'a' is recorded" in refused(asking("a"), def_asking)


def test_a_result_that_is_not_of_the_type_any_more_is_an_error_that_names_step_and_type():
    from backedge import RunFailedError

    def number(world):
        async def body(ctx: Context) -> int:
            return await ctx.step("a", world.fetch, "a", returns=int)

        return body

    async def go():
        _, records, header = await whole(flow_of(asking("a")(World())))
        journal = await broken_off(records[:2], header)
        with pytest.raises(RunFailedError, match="the recorded result of 'a'.*is not int"):
            await flow_of(number(World())).resume("r", journal=journal)
        return (await flow_of(asking("a")(World())).resume("r", journal=journal)).state.out

    assert run_virtual(go()) == ["A"]
