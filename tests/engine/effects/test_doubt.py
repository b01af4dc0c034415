"""A crash in the middle of a step: it means what the step declares."""

import asyncio

import pytest

from backedge import NOT_DONE, Context, EffectKey, InputError, RunFailedError, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import EffectKind, EffectOpened, EffectRecorded

from ...virtual import run_virtual
from .kit import World, broken_off, flow_of, letter


class Bank(World):
    """Takes money, and knows by key whether it did."""

    def __init__(self):
        super().__init__()
        self.keys = []
        self.charged = {}

    async def charge(self, cents: int, key: EffectKey) -> str:
        self.keys.append(key)
        self.done.append(f"charge {cents}")
        self.charged[key] = f"receipt {cents}"
        await asyncio.sleep(1)
        return f"receipt {cents}"


def charging(bank, **how):
    async def body(ctx: Context) -> list[str]:
        before = await ctx.step("fetch", bank.fetch, "before")
        receipt = await ctx.step("charge", bank.charge, 5, **how)
        return [before, receipt, await ctx.step("fetch", bank.fetch, "after")]

    return flow_of(body)


async def crashed_in_the_step(**how):
    """The bank, and a journal in which the run broke off while the step was under way."""
    bank, journal = Bank(), MemoryJournal()
    async with charging(bank, **how).start(journal=journal, run_id="r"):
        await asyncio.sleep(0.5)
    records = await journal.read("r")
    assert bank.done == ["before", "charge 5"]
    return bank, await broken_off(records[:-1], await journal.header("r"))


def test_an_idempotent_step_is_called_again_with_the_same_key():
    async def go():
        bank, journal = await crashed_in_the_step()
        result = await charging(bank).resume("r", journal=journal)
        return bank, result.state.out

    bank, out = run_virtual(go())
    assert out == ["BEFORE", "receipt 5", "AFTER"]
    assert bank.done == ["before", "charge 5", "charge 5", "after"]
    assert len(bank.charged) == 1


@pytest.mark.parametrize("plain", [True, False])
def test_a_queryable_step_asks_the_receiver_whether_it_was_done(plain):
    async def go(was_done):
        async def found(cents: int) -> object:
            return f"receipt {cents}" if was_done else NOT_DONE

        query = (lambda cents: f"receipt {cents}" if was_done else NOT_DONE) if plain else found
        bank, journal = await crashed_in_the_step(query=query)
        result = await charging(bank, query=query).resume("r", journal=journal)
        assert result.state.out == ["BEFORE", "receipt 5", "AFTER"]
        return bank

    done, not_done = run_virtual(go(True)), run_virtual(go(False))
    assert done.done == ["before", "charge 5", "after"]
    assert not_done.done == ["before", "charge 5", "charge 5", "after"]
    assert len(set(not_done.keys)) == 1


async def in_doubt(**how):
    bank, journal = await crashed_in_the_step(safety="unsafe")
    result = await charging(bank, safety="unsafe").resume("r", journal=journal)
    assert result.status is RunStatus.IN_DOUBT
    (question,) = result.questions
    assert (question.text, question.kind) == ("charge", EffectKind.STEP)
    assert question.detail["key"] == bank.keys[0]
    assert (await journal.runs())[0].status is RunStatus.IN_DOUBT
    assert bank.done == ["before", "charge 5"]
    return bank, journal, charging(bank, safety="unsafe")


def test_an_unsafe_step_stops_the_run_in_doubt_until_a_person_says_that_it_was_done():
    async def go():
        bank, journal, flow = await in_doubt()
        assert (await flow.resume("r", journal=journal)).status is RunStatus.IN_DOUBT
        result = await flow.resume("r", journal=journal, answers={"node": {"done": "by hand"}})
        return bank.done, result.state.out

    assert run_virtual(go()) == (["before", "charge 5", "after"], ["BEFORE", "by hand", "AFTER"])


@pytest.mark.parametrize("durability", ["batched", "exit"])
def test_what_a_person_said_is_in_the_journal_before_what_follows_it(durability):
    async def go():
        bank, journal, flow = await in_doubt()
        fetch, seen = bank.fetch, []

        async def looking(what):
            seen.extend(await journal.read("r"))
            return await fetch(what)

        bank.fetch = looking
        answers = {"node": {"done": "by hand"}}
        await flow.resume("r", journal=journal, answers=answers, durability=durability)
        return seen[-1]

    verdict = run_virtual(go())
    assert isinstance(verdict, EffectRecorded)
    assert (verdict.name, verdict.result) == ("charge", b'"by hand"')


def test_or_that_it_was_not_done_and_it_is_called_with_the_same_key():
    async def go():
        bank, journal, flow = await in_doubt()
        result = await flow.resume("r", journal=journal, answers={"node": {"not_done": True}})
        assert len(set(bank.keys)) == 1
        return bank.done, result.state.out

    done = ["before", "charge 5", "charge 5", "after"]
    assert run_virtual(go()) == (done, ["BEFORE", "receipt 5", "AFTER"])


def test_or_that_it_failed():
    async def go():
        bank, journal, flow = await in_doubt()
        with pytest.raises(RunFailedError, match="'charge' failed: Failed: the bank says no"):
            await flow.resume("r", journal=journal, answers={"node": {"fail": "the bank says no"}})
        return bank.done

    assert run_virtual(go()) == ["before", "charge 5"]


def test_a_person_may_say_so_at_once_after_the_crash():
    async def go():
        bank, journal = await crashed_in_the_step(safety="unsafe")
        flow = charging(bank, safety="unsafe")
        result = await flow.resume("r", journal=journal, answers={"node": {"done": "x"}})
        return result.state.out

    assert run_virtual(go()) == ["BEFORE", "x", "AFTER"]


@pytest.mark.parametrize("said", ["yes", {"done": 5}, {"not_done": False}, {}, None])
def test_anything_else_is_refused_and_nothing_is_done(said):
    async def go():
        bank, journal, flow = await in_doubt()
        with pytest.raises(InputError, match="refused"):
            await flow.resume("r", journal=journal, answers={"node": said})
        result = await flow.resume("r", journal=journal)
        assert result.status is RunStatus.IN_DOUBT
        assert "refused" in result.questions[0].detail
        return bank.done

    assert run_virtual(go()) == ["before", "charge 5"]


def test_another_crash_after_not_done_is_a_doubt_again():
    async def go():
        bank, journal, flow = await in_doubt()
        await journal.post("r", letter("answer", "node", {"not_done": True}))
        async with flow.reopen("r", journal=journal):
            await asyncio.sleep(0.5)
        assert bank.done == ["before", "charge 5", "charge 5"]
        assert await journal.letters("r") == [], "what was said counts for one time"
        result = await flow.resume("r", journal=journal)
        assert result.status is RunStatus.IN_DOUBT
        return (await flow.resume("r", journal=journal, answers={"node": {"done": "x"}})).state.out

    assert run_virtual(go()) == ["BEFORE", "x", "AFTER"]


def test_the_intent_of_an_unsafe_step_is_recorded_before_it_is_called():
    async def go():
        journal = MemoryJournal()
        seen = []

        async def charge() -> str:
            seen.extend(type(record) for record in await journal.read("r"))
            return ""

        async def body(ctx: Context) -> str:
            return await ctx.step("charge", charge, safety="unsafe")

        await flow_of(body).run(journal=journal, run_id="r")
        return seen[-1]

    assert run_virtual(go()) is EffectOpened


def test_a_doubt_from_a_failed_attempt_is_one_in_the_next():
    """The other part of a gather failed while the step was under way."""
    bank, failures = Bank(), []

    async def fail() -> str:
        failures.append(1)
        if len(failures) == 1:
            raise ValueError("once")
        return "fine"

    async def body(ctx: Context) -> list:
        return await ctx.gather(ctx.step("charge", bank.charge, 5, safety="unsafe"), ctx.step("fail", fail))

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        with pytest.raises(RunFailedError, match="once"):
            await flow.run(journal=journal, run_id="r")
        result = await flow.resume("r", journal=journal)
        assert result.status is RunStatus.IN_DOUBT
        assert bank.done == ["charge 5"]
        result = await flow.resume("r", journal=journal, answers={"node": {"done": "x"}})
        assert bank.done == ["charge 5"]
        return result.state.out

    assert run_virtual(go()) == ["x", "fine"]


def test_a_completed_unsafe_step_is_never_in_doubt():
    async def go():
        bank, journal = Bank(), MemoryJournal()
        flow = charging(bank, safety="unsafe")
        expected = await flow.run(journal=journal, run_id="r")
        records, header = await journal.read("r"), await journal.header("r")
        place = next(n for n, r in enumerate(records) if isinstance(r, EffectRecorded) and r.name == "charge")
        result = await flow.resume("r", journal=await broken_off(records[: place + 1], header))
        assert result.state == expected.state
        assert bank.done.count("charge 5") == 1

    run_virtual(go())


def test_a_fork_has_keys_of_its_own():
    async def go():
        bank, journal = Bank(), MemoryJournal()
        flow = charging(bank)
        await flow.run(journal=journal, run_id="r")
        records = await journal.read("r")
        place = next(n for n, r in enumerate(records) if isinstance(r, EffectRecorded))
        await flow.fork("r", at=place, journal=journal)
        assert bank.done == ["before", "charge 5", "after", "charge 5", "after"]
        return len(set(bank.keys))

    assert run_virtual(go()) == 2


def test_safety_is_one_of_two_words():
    async def go():
        with pytest.raises(RunFailedError, match='safety= is "idempotent" or "unsafe", not \'safe\''):
            await charging(Bank(), safety="safe").run(journal=MemoryJournal())

    run_virtual(go())


def test_the_query_failing_fails_the_node_and_may_be_tried_again():
    calls = []

    async def query(cents: int) -> str:
        calls.append(cents)
        if len(calls) == 1:
            raise ConnectionError("not reachable")
        return "found"

    async def go():
        bank, journal = await crashed_in_the_step(query=query)
        flow = charging(bank, query=query)
        with pytest.raises(RunFailedError, match="not reachable"):
            await flow.resume("r", journal=journal)
        return bank.done, (await flow.resume("r", journal=journal)).state.out

    done, out = run_virtual(go())
    assert (done, out) == (["before", "charge 5", "after"], ["BEFORE", "found", "AFTER"])
