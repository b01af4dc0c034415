"""Budgets over the processes of a run: what it spent before counts, once."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge import END, START, Context, Graph, RunFailedError, spent
from backedge.checkpoints import MemoryJournal
from backedge.providers import Finished, Message, Model, ModelRequest, ModelResponse, ScriptedModel, Usage
from backedge.providers.errors import BudgetExceededError, ServerError
from backedge.providers.wrappers import Budget, Budgeted, Fallback, Priced, Retrying, Router

TOKENS = 1000
USAGE = Usage(input_tokens=900, output_tokens=100)


class State(BaseModel):
    calls: int = 0


def request(number):
    return ModelRequest(messages=(Message.of("user", f"{number:4} " + "x" * 2600),), max_tokens=100)


def answering(name="openai:gpt-5", usage=USAGE, cost=None):
    answer = ModelResponse(message=Message.of("assistant", "ok"), usage=usage, cost=cost)
    return ScriptedModel(lambda request: answer, name=name)


class Cut(Exception):
    pass


def asking(times, *, fails_after=1000, streamed=False, resources=("model",)):
    """A flow whose node asks each of its models `times` times, and fails before that after so many calls."""
    graph = Graph(State, resources=dict.fromkeys(resources, Model))
    made = 0

    async def ask(model, number):
        nonlocal made
        if not streamed:
            await model.respond(request(number))
        else:
            async with aclosing(model.stream(request(number))) as events:
                assert isinstance([event async for event in events][-1], Finished)
        made += 1
        if made == fails_after:
            raise Cut

    if resources == ("model",):

        @graph.node(writes="calls")
        async def asks(model: Model) -> int:
            for number in range(times):
                await ask(model, number)
            return times

    else:

        @graph.node(writes="calls")
        async def asks(model: Model, other: Model) -> int:
            for number in range(times):
                await ask(model, number)
                await ask(other, number)
            return times

    graph.chain(START, asks, END)
    return graph.compile()


async def go_on(flow, journal, **resources):
    """Run, or go on; whether it came to its end."""
    known = await journal.runs()
    begin = flow.resume("r", journal=journal, resources=resources) if known else None
    try:
        await (begin or flow.run({}, journal=journal, run_id="r", resources=resources))
    except RunFailedError as error:
        return f"{error.__cause__!r} {error}"
    return ""


@settings(deadline=None)
@given(
    cuts=st.lists(st.integers(1, 4), max_size=6),
    per=st.sampled_from(["run", "node", None]),
    limit=st.integers(1, 9),
    window=st.sampled_from(["day", None]),
    streamed=st.booleans(),
    same=st.booleans(),
)
async def test_all_processes_of_a_run_together_keep_to_its_budget_wherever_they_end(
    cuts, per, limit, window, streamed, same
):
    journal, model = MemoryJournal(), answering()
    budget = Budget(tokens=limit * TOKENS, per=per, window=window)
    for cut in [*cuts, 1000]:
        if not same:  # another process
            budget = Budget(tokens=limit * TOKENS, per=per, window=window)
        flow = asking(20, fails_after=cut, streamed=streamed)
        assert await go_on(flow, journal, model=Budgeted(model, budget=budget))
        assert len(model.requests) <= limit
    assert len(model.requests) == limit
    assert budget.state(run="r", node="asks").tokens == limit * TOKENS


async def test_the_same_budget_counts_once_what_two_models_took_over_wrappers_and_processes():
    journal = MemoryJournal()
    one, other = answering(), answering("anthropic:claude")

    def models(budget, also):
        frugal = Retrying(Budgeted(one, budget=[budget, also]))
        return {"model": Router([Fallback([frugal])]), "other": Budgeted(other, budget=budget)}

    first, second = Budget(tokens=9 * TOKENS, per="run"), Budget(tokens=10**9)
    flow = asking(2, fails_after=3, resources=("model", "other"))
    assert "Cut" in await go_on(flow, journal, **models(first, second))
    assert (first.state(run="r").tokens, second.state().tokens) == (3 * TOKENS, 2 * TOKENS)
    for budget, also in ((first, second), (Budget(tokens=9 * TOKENS, per="run"), Budget(tokens=10**9))):
        flow = asking(2, fails_after=1, resources=("model", "other"))
        before = (await spent("r", journal=journal)).total.usage
        assert "Cut" in await go_on(flow, journal, **models(budget, also))
        assert budget.state(run="r").tokens == before.input_tokens + before.output_tokens + TOKENS
        assert (
            also.state().tokens == budget.state(run="r").tokens
        )  # all that its run spent counts, whoever was asked


async def test_a_call_that_is_replayed_from_its_record_counts_once():
    graph = Graph(State, resources={"model": Model})

    @graph.node(writes="calls")
    async def asks(model: Model, ctx: Context) -> int:
        await model.respond(request(1))
        number = await ctx.ask("How many more?", schema=int)
        for more in range(number):
            await model.respond(request(2 + more))
        return number

    graph.chain(START, asks, END)
    flow, journal, model = graph.compile(), MemoryJournal(), answering()
    budget = Budget(tokens=10 * TOKENS, per="run")
    await flow.run({}, journal=journal, run_id="r", resources={"model": Budgeted(model, budget=budget)})
    for again in (budget, Budget(tokens=10 * TOKENS, per="run")):
        answers = {"asks": 1} if again is budget else {}
        result = await flow.resume(
            "r", journal=journal, resources={"model": Budgeted(model, budget=again)}, answers=answers
        )
        assert result.state.calls == 1
    assert budget.state(run="r").tokens == 2 * TOKENS
    assert len(model.requests) == 2


async def test_what_was_counted_by_hand_is_not_counted_again():
    journal, model = MemoryJournal(), answering()
    assert await go_on(asking(9, fails_after=3), journal, model=model)
    for per in ("run", "node", None):
        budget = Budget(tokens=10**9, per=per)
        budget.count(await spent("r", journal=journal))
        before = budget.state(run="r", node="asks").tokens
        assert before == len(model.requests) * TOKENS
        assert await go_on(asking(9, fails_after=1), journal, model=Budgeted(model, budget=budget))
        assert budget.state(run="r", node="asks").tokens == before + TOKENS


async def test_dollars_count_by_their_record_by_the_price_given_or_by_the_list():
    journal, budget = MemoryJournal(), Budget(dollars=100, per="run")
    said = answering("compatible:own@host", cost=0.25)
    assert await go_on(asking(9, fails_after=2), journal, model=said)
    assert await go_on(asking(9, fails_after=3), journal, model=answering())  # 900 and 100 tokens of gpt-5
    own = answering("compatible:cheap@host")
    assert await go_on(asking(9, fails_after=4), journal, model=own)
    frugal = Budgeted(own, budget=budget, price=lambda usage: usage.output_tokens / 1000)
    assert await go_on(asking(9, fails_after=1), journal, model=frugal)
    assert budget.state(run="r").dollars == pytest.approx(2 * 0.25 + 3 * 0.002125 + 5 * 0.1)


async def test_a_day_has_only_what_was_spent_on_it():
    journal, model = MemoryJournal(), answering()
    assert await go_on(asking(9, fails_after=3), journal, model=model)
    for days, tokens in ((0, 4), (1, 1)):
        budget = Budget(
            tokens=10**9, window="day", now=lambda days=days: datetime.now(UTC) + timedelta(days=days)
        )
        assert await go_on(asking(9, fails_after=1), journal, model=Budgeted(model, budget=budget))
        assert budget.state().tokens == tokens * TOKENS


async def test_what_a_fork_inherits_its_parent_paid_for():
    graph = Graph(State, resources={"model": Model})

    @graph.node(writes="calls")
    async def first(model: Model) -> int:
        await model.respond(request(1))
        return 1

    @graph.node(writes="calls")
    async def second(calls: int, model: Model) -> int:
        await model.respond(request(2))
        raise Cut

    graph.chain(START, first, second, END)
    flow, journal, model = graph.compile(), MemoryJournal(), answering()
    assert await go_on(flow, journal, model=model)
    budget = Budget(tokens=10**9, per="run")
    done = [one.seq for one in await journal.read("r") if getattr(one, "activation", ("",))[0] == "first"]
    given = {"journal": journal, "resources": {"model": Budgeted(model, budget=budget)}}
    with pytest.raises(RunFailedError):
        await flow.fork("r", at=done[-1], run_id="f", **given)
    assert (budget.state(run="f").tokens, budget.state(run="r").tokens) == (TOKENS, 0)
    fresh = Budget(tokens=10**9, per="run")
    with pytest.raises(RunFailedError):
        await flow.resume("f", journal=journal, resources={"model": Budgeted(model, budget=fresh)})
    assert fresh.state(run="f").tokens == 2 * TOKENS


async def test_agents_have_what_they_spent_in_an_earlier_process():
    journal, model = MemoryJournal(), answering()

    def flow(fails):
        graph = Graph(State, resources={"model": Model})

        @graph.node(writes="calls")
        async def asks(model: Model, ctx: Context) -> int:
            with ctx.branch("ann"):
                await model.labelled(agent="ann").respond(request(1))
            with ctx.branch("bob"):
                await model.labelled(agent="bob").respond(request(2))
            if fails:
                raise Cut
            return 2

        graph.chain(START, asks, END)
        return graph.compile()

    assert await go_on(flow(fails=True), journal, model=model)
    budget = Budget(tokens=10**9, per="agent")
    assert not await go_on(flow(fails=False), journal, model=Budgeted(model, budget=budget))
    assert [budget.state(agent=name).tokens for name in ("ann", "bob", "")] == [2 * TOKENS, 2 * TOKENS, 0]


class Reading(MemoryJournal):
    """Counts how often records are read."""

    def __init__(self):
        super().__init__()
        self.reads = 0

    async def read(self, *given, **more):
        self.reads += 1
        return await super().read(*given, **more)


async def test_the_journal_is_read_once_and_only_for_a_budget_that_is_asked():
    async def reads(model, calls):
        journal = Reading()
        assert await go_on(asking(9, fails_after=2), journal, model=answering())
        journal.reads = 0
        assert await go_on(asking(9, fails_after=calls), journal, model=model)
        return journal.reads

    plain = await reads(Priced(answering()), 5)
    frugal = Budgeted(answering(), budget=[Budget(tokens=10**9), Budget(tokens=10**9, per="run")])
    assert await reads(frugal, 5) == plain + 1

    journal = Reading()
    assert await go_on(
        asking(9, fails_after=5), journal, model=Budgeted(answering(), budget=Budget(tokens=10**9))
    )
    fresh, journal = journal.reads, Reading()
    assert await go_on(asking(9, fails_after=5), journal, model=answering())
    assert fresh == journal.reads  # a run that begins has no past


async def test_calls_at_once_after_a_resume_count_the_past_once():
    graph = Graph(State, resources={"model": Model})
    fails = [True]

    @graph.node(writes="calls")
    async def asks(model: Model, ctx: Context) -> int:
        await ctx.gather(*(model.respond(request(number)) for number in range(4)))
        if fails:
            raise Cut
        return 4

    graph.chain(START, asks, END)
    flow, journal = graph.compile(), MemoryJournal()
    assert await go_on(flow, journal, model=answering())
    fails.clear()
    budget = Budget(tokens=8 * TOKENS, per="run")
    assert await go_on(flow, journal, model=Budgeted(answering(), budget=budget)) == ""
    assert budget.state(run="r").tokens == 8 * TOKENS


async def test_failed_tries_of_a_process_that_died_count():
    journal, dying = MemoryJournal(), asyncio.Event()
    down = ServerError("down", usage=Usage(input_tokens=500))

    async def never(seconds):
        dying.set()
        await asyncio.Event().wait()

    flow = asking(9, fails_after=1)
    tried = Retrying(ScriptedModel([down], name="openai:gpt-5"), sleep=never)
    async with flow.start({}, journal=journal, run_id="r", resources={"model": tried}):
        await asyncio.wait_for(dying.wait(), 5)
    budget = Budget(tokens=10**9, per="run")
    assert await go_on(flow, journal, model=Budgeted(answering(), budget=budget))
    assert budget.state(run="r").tokens == 500 + TOKENS


async def test_the_refusal_says_what_was_spent_before():
    journal, model = MemoryJournal(), answering()
    assert await go_on(asking(9, fails_after=3), journal, model=model)
    frugal = Budgeted(model, budget=Budget(tokens=3 * TOKENS, per="run"))
    told = await go_on(asking(9), journal, model=frugal)
    assert BudgetExceededError.__name__ in told
    assert "the budget 'run' of r allows 3,000 tokens: 3,000 tokens spent" in told


async def test_streams_are_given_out_once_the_past_is_counted():
    journal, model = MemoryJournal(), answering()
    assert "Cut" in await go_on(asking(2, fails_after=2, streamed=True), journal, model=model)
    budget = Budget(tokens=4 * TOKENS)
    frugal = Budgeted(model, budget=budget)
    assert await go_on(asking(2, streamed=True), journal, model=frugal) == ""
    assert (budget.state().tokens, len(model.requests)) == (4 * TOKENS, 4)
