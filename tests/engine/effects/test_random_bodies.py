"""Random bodies, broken off at random records again and again: the end is that of the undisturbed run, nothing is done twice."""

import asyncio
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from backedge import Context, EffectError, RunStatus
from backedge.checkpoints import MemoryJournal

from ...virtual import run_virtual
from ..sizes import examples
from .kit import World, broken_off, completed, flow_of

# A body is a tree: what it says is asked for, in this order.
STEPS = st.one_of(
    st.tuples(st.just("step"), st.integers(0, 3)),
    st.tuples(st.just("fail"), st.integers(0, 3)),
    st.tuples(st.just("thread"), st.just(0)),
    st.tuples(st.just("ask"), st.just(0)),
    st.tuples(st.just("value"), st.just(0)),
    st.tuples(st.just("plain"), st.integers(0, 3)),
)
BODIES = st.recursive(
    STEPS,
    lambda parts: st.tuples(
        st.sampled_from(["line", "gather", "first", "branch", "bare"]),
        st.lists(parts, min_size=1, max_size=3),
    ),
    max_leaves=10,
)


class Random(World):
    """Carries out a tree. Each leaf has a name of its own, so that nothing is done twice by right."""

    async def failing(self, what: str, seconds: float) -> str:
        await asyncio.sleep(seconds)
        raise ValueError(what)

    async def carry_out(self, ctx, tree, name):
        kind, detail = tree
        if kind == "step":
            return await ctx.step(f"step {name}", self.slow, name, float(detail))
        if kind == "fail":
            return await ctx.step(f"fail {name}", self.failing, name, float(detail))
        if kind == "thread":
            return await ctx.step(f"thread {name}", self.plain, name)
        if kind == "ask":
            return await ctx.ask(f"{name}?")
        if kind == "value":
            return f"{name}{ctx.uuid() is not None}"
        if kind == "plain":
            await asyncio.sleep(detail / 10)
            return name
        parts = [(part, f"{name}{number}") for number, part in enumerate(detail)]
        if kind == "gather":
            return await caught(lambda: ctx.gather(*(self.carry_out(ctx, *part) for part in parts)))
        if kind == "first":
            return await caught(lambda: ctx.first(*(self.carry_out(ctx, *part) for part in parts)))
        each = [partial(caught, partial(self.carry_out, ctx, *part)) for part in parts]
        if kind == "bare":
            return await asyncio.gather(*(part() for part in each))
        if kind == "branch":
            with ctx.branch(f"b{name}"):
                return [await part() for part in each]
        return [await part() for part in each]


async def caught(make):
    try:
        return await make()
    except EffectError as error:
        return f"failed {error.message}"


def make(tree):
    world = Random()

    async def body(ctx: Context) -> str:
        return repr(await caught(partial(world.carry_out, ctx, tree, "n")))

    return world, flow_of(body)


async def going_on(flow, journal):
    """One resume, with an answer for the last question that is open."""
    result = await flow.resume("r", journal=journal)
    if result.status is RunStatus.COMPLETED:
        return result
    question = result.questions[-1]
    return await flow.resume("r", journal=journal, answers={question.id: question.text.upper()})


def is_settled(tree):
    """Whether it does not depend on what comes first."""
    kind, detail = tree
    return (
        kind != "first"
        and not (kind == "gather" and _fails(tree))
        and (not isinstance(detail, list) or all(map(is_settled, detail)))
    )


def _fails(tree):
    kind, detail = tree
    return kind == "fail" or (isinstance(detail, list) and any(map(_fails, detail)))


@settings(max_examples=examples(10), deadline=None)
@given(BODIES, st.lists(st.floats(0, 1), max_size=5))
def test_a_body_that_is_broken_off_again_and_again_ends_as_if_it_had_not_been(tree, cuts):
    async def go():
        world, flow = make(tree)
        journal = MemoryJournal()
        result = await flow.run(journal=journal, run_id="r")
        for _ in range(30):
            if result.status is RunStatus.COMPLETED:
                break
            result = await going_on(flow, journal)
        expected = result.state.out
        assert len(set(world.done)) == len(world.done)
        records, header = await journal.read("r"), await journal.header("r")
        for cut in cuts:
            records = records[: 1 + int(cut * (len(records) - 1))]
            again, same = make(tree)
            journal = await broken_off(records, header)
            before = set(completed(records))
            for _ in range(30):
                result = await going_on(same, journal)
                if result.status is RunStatus.COMPLETED:
                    break
            assert result.status is RunStatus.COMPLETED
            assert not before & set(again.done)
            assert len(set(again.done)) == len(again.done)
            if is_settled(tree):
                assert result.state.out == expected
            records = await journal.read("r")
            once_more = await make(tree)[1].resume("r", journal=await broken_off(records[:-2], header))
            assert once_more.state.out == result.state.out, "all is recorded, so nothing may change any more"

    run_virtual(go())
