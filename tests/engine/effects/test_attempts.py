"""A next attempt after a failure: completed effects are reused, what may have been the poison is not."""

import asyncio
import json

import pytest
import tenacity

from backedge import Context, EffectError, EffectKey, RunFailedError
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import AttemptFailed, EffectRecorded

from ...virtual import run_virtual
from .kit import World, broken_off, flow_of

THRICE = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_fixed(1))


class Flaky(World):
    """Fails the first so many times it is told to."""

    def __init__(self, failures):
        super().__init__()
        self.failures = failures
        self.keys = []

    async def flaky(self, what: str, key: EffectKey) -> str:
        self.keys.append(key)
        self.done.append(what)
        if len([each for each in self.done if each == what]) <= self.failures:
            raise ValueError(f"no {what}")
        return what.upper()


def test_a_retry_reuses_what_was_completed_and_does_anew_what_failed():
    world = Flaky(2)

    async def body(ctx: Context) -> list[str]:
        first = await ctx.step("fetch", world.fetch, "a")
        both = await ctx.gather(ctx.step("fetch", world.fetch, "b"), ctx.step("fetch", world.fetch, "b"))
        return [first, *both, await ctx.step("flaky", world.flaky, "c")]

    async def go():
        return (await flow_of(body, retry=THRICE).run(journal=MemoryJournal())).state.out

    assert run_virtual(go()) == ["A", "B", "B", "C"]
    assert world.done == ["a", "b", "b", "c", "c", "c"]
    assert len(set(world.keys)) == 1, "the key stays the same over retries"


def test_without_a_journal_retries_reuse_as_well():
    world = Flaky(1)

    async def body(ctx: Context) -> str:
        return await ctx.step("fetch", world.fetch, "a") + await ctx.step("flaky", world.flaky, "c")

    async def go():
        return (await flow_of(body, retry=THRICE).run()).state.out

    assert run_virtual(go()) == "AC"
    assert world.done == ["a", "c", "c"]


def test_resuming_after_a_failure_reuses_too_with_the_same_keys():
    world = Flaky(1)

    async def body(ctx: Context) -> str:
        return await ctx.step("fetch", world.fetch, "a") + await ctx.step("flaky", world.flaky, "c")

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        with pytest.raises(RunFailedError, match="'flaky' failed: ValueError: no c"):
            await flow.run(journal=journal, run_id="r")
        out = (await flow.resume("r", journal=journal)).state.out
        records = await journal.read("r")
        return out, [r.attempt for r in records if isinstance(r, EffectRecorded)]

    assert run_virtual(go()) == ("AC", [1, 1, 2, 2])
    assert world.done == ["a", "c", "c"]
    assert len(set(world.keys)) == 1


@pytest.mark.parametrize("reuse", ["completed", "all"])
def test_what_a_model_said_is_asked_anew_unless_all_is_to_be_reused(reuse):
    said = []

    async def model(prompt: str) -> str:
        said.append(prompt)
        return "not json" if len(said) == 1 else "{}"

    tools = []

    async def tool(name: str) -> str:
        tools.append(name)
        return name

    async def body(ctx: Context) -> dict:
        await ctx.step("tool", tool, "t", kind="tool")
        return json.loads(await ctx.step("model", model, "say json", kind="model"))

    async def go():
        flow = flow_of(body, retry=THRICE, reuse=reuse)
        return (await flow.run(journal=MemoryJournal())).state.out

    if reuse == "all":
        with pytest.raises(RunFailedError, match="JSONDecodeError"):
            run_virtual(go())
    else:
        assert run_virtual(go()) == {}
        assert said == ["say json"] * 2
    assert tools == ["t"]


def test_a_model_that_is_asked_anew_gets_a_key_of_its_own():
    """Else a receiver that deduplicates would say the poison again."""
    keys = []

    async def model(prompt: str, key: EffectKey) -> str:
        keys.append(key)
        return "bad" if len(keys) == 1 else "good"

    async def body(ctx: Context) -> str:
        said = await ctx.step("model", model, "p", kind="model")
        if said == "bad":
            raise ValueError(said)
        return said

    async def go():
        return (await flow_of(body, retry=THRICE).run(journal=MemoryJournal())).state.out

    assert run_virtual(go()) == "good"
    assert len(set(keys)) == 2


def test_an_error_that_the_body_catches_is_recorded_and_comes_back_as_it_was():
    seen = []

    def make(world):
        async def body(ctx: Context) -> str:
            try:
                await ctx.step("fail", world.fail, "x", raises=(ValueError,))
            except ValueError as error:
                seen.append((type(error), str(error)))
            try:
                await ctx.step("fail", world.fail, "y")
            except EffectError as error:
                seen.append((error.name, error.type_name, error.message))
            return await ctx.step("fetch", world.fetch, "a")

        return flow_of(body)

    async def go():
        journal = MemoryJournal()
        first = World()
        await make(first).run(journal=journal, run_id="r")
        assert first.done == ["x", "y", "a"]
        records, header = await journal.read("r"), await journal.header("r")
        again = World()
        await make(again).resume("r", journal=await broken_off(records[:3], header))
        assert again.done == ["a"]

    run_virtual(go())
    assert seen == [(ValueError, "no x"), ("fail", "ValueError", "no y")] * 2


def test_a_crash_in_a_later_attempt_finds_again_what_that_attempt_had_reused():
    """Two parts ask for the same; which of two equal results each reused must not change when they ask in another order."""
    answers = {"x": ["1", "2"]}

    def make(world, fails):
        async def get(what: str) -> str:
            world.done.append(what)
            return answers[what][sum(each == what for each in world.done) - 1]

        async def part(ctx, name, seconds):
            await ctx.step("slow", world.slow, name, seconds)
            found = await ctx.step("get", get, "x")
            return [found, await ctx.step("check", world.fetch, f"{name}{found}")]

        async def body(ctx: Context) -> list:
            found = await ctx.gather(part(ctx, "a", 1.0), part(ctx, "b", 2.0))
            if ctx.attempt <= fails:
                raise RuntimeError("once")
            return [*found, await ctx.step("fetch", world.fetch, "end")]

        return flow_of(body, retry=THRICE)

    async def go():
        journal, world = MemoryJournal(), World()
        expected = await make(world, 1).run(journal=journal, run_id="r")
        records, header = await journal.read("r"), await journal.header("r")
        assert world.done.count("x") == 2
        for count in range(1, len(records)):
            again = World()
            if not any(isinstance(record, AttemptFailed) for record in records[:count]):
                continue
            result = await make(again, 1).resume("r", journal=await broken_off(records[:count], header))
            assert result.state == expected.state, count
            assert "x" not in again.done
        return expected.state.out

    assert run_virtual(go()) == [["1", "A1"], ["2", "B2"], "END"]


def test_equal_requests_have_keys_of_their_own_that_a_crash_does_not_mix_up():
    """One is done, the other is not, and the next time the other asks first: it must not come with the key of the one."""
    keys = []

    def make(hurry):
        async def charge(cents: int, key: EffectKey) -> str:
            keys.append(str(key))
            await asyncio.sleep(1.0 if len(keys) == 1 else 9.0)
            return "ok"

        async def part(ctx, seconds):
            await asyncio.sleep(seconds)
            return await ctx.step("charge", charge, 5)

        async def body(ctx: Context) -> list[str]:
            first, second = (0.0, 0.5) if hurry else (0.5, 0.0)
            return await ctx.gather(part(ctx, first), part(ctx, second))

        return flow_of(body)

    async def go():
        journal = MemoryJournal()
        await make(True).run(journal=journal, run_id="r")
        records, header = await journal.read("r"), await journal.header("r")
        assert len(set(keys)) == 2
        second = keys[1]
        keys[:] = [""]
        result = await make(False).resume("r", journal=await broken_off(records[:2], header))
        assert result.state.out == ["ok", "ok"]
        assert keys == ["", second]

    run_virtual(go())
