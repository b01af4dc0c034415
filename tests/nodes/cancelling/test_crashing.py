"""A run that is cut off after any of its records and resumed: what is cancelled stays so, guards hold, nothing is done twice."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, JsonValue

from backedge import END, START, Context, Graph
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import EffectRecorded
from backedge.nodes.cancelling import CancelToken, cancellable

from ...virtual import run_virtual

JOBS = 4


class State(BaseModel):
    value: JsonValue = None
    reason: str = ""
    partial: JsonValue = None


def flow_of(done, how, at, guard, inner):
    """Jobs of two steps, in a guard; in one of them it is cancelled, by one who is as forgetful as its process."""

    async def note(what: str) -> str:
        done.append(what)
        return what

    graph = Graph(State)

    @graph.node(writes=("value", "reason", "partial"))
    async def node(ctx: Context):
        token = CancelToken()

        async def cancel() -> None:
            token.cancel("enough", how=how)

        async def job(part, number):
            async with part.guard(guard):
                first = await ctx.step("first", note, f"{number}a")
                if number == at:
                    await ctx.step("cancel", cancel)
                return [first, await ctx.step("second", note, f"{number}b")]

        async def work(part):
            found = []
            for number in range(JOBS):
                await part.checkpoint()
                if inner:

                    async def alone(one, number=number):
                        return await job(one, number)

                    outcome = await cancellable(ctx, alone, part.token, name="inner")
                    found += outcome.value or []
                else:
                    found += await job(part, number)
                part.keep(list(found))
            return found

        outcome = await cancellable(ctx, work, token, name="outer")
        reason = outcome.cancel.reason if outcome.cancel else ""
        return {"value": outcome.value, "reason": reason, "partial": outcome.partial}

    graph.chain(START, node, END)
    return graph.compile()


async def cut_off(flow, journal, count):
    """Another journal, in which the run has so many records and no owner."""
    other = MemoryJournal()
    records = await journal.read("r")
    log = await other.create(await journal.header("r"), *records[:count])
    await log.release()
    return other


def recorded(records):
    return Counter(
        record.result.decode().strip('"')
        for record in records
        if isinstance(record, EffectRecorded) and record.name in ("first", "second")
    )


@settings(max_examples=15)
@given(
    st.sampled_from(["at once", "graceful"]),
    st.integers(0, JOBS - 1),
    st.sampled_from(["never", "graceful", "at once"]),
    st.booleans(),
    st.lists(st.integers(1, 60), min_size=1, max_size=3),
)
def test_wherever_a_run_is_cut_off(how, at, guard, inner, cuts):
    async def main():
        done = []
        flow, journal = flow_of(done, how, at, guard, inner), MemoryJournal()
        reason = (await flow.run(journal=journal, run_id="r")).state.reason
        records = await journal.read("r")
        for cut in cuts:
            count = 1 + cut % (len(records) - 1)
            other = await cut_off(flow, journal, count)
            before = recorded(records[:count])
            done.clear()
            state = (await flow.resume("r", journal=other)).state
            assert not set(done) & set(before), "what is on record is not done again"
            asked = any(getattr(record, "path", "") == "outer.0.0.ending.0" for record in records[:count])
            assert not asked or state.reason == reason, "what is cancelled does not come back to life"
            if state.reason:
                whole = Counter(done) + before
                assert guard != "never" or all(whole[f"{n}a"] == whole[f"{n}b"] for n in range(JOBS))
                kept = [
                    what for n in range(JOBS) for what in (f"{n}a", f"{n}b") if what in (state.partial or [])
                ]
                assert kept == (state.partial or [])
                assert len(kept) >= 2 * at, "what was done before is kept"
            else:
                assert state.value[: 2 * at] == [f"{n}{x}" for n in range(at) for x in "ab"]
            assert await flow.replay("r", journal=other, rerun="all")

    run_virtual(main())
