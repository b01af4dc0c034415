"""A budget stops the call that would pass it before anything is sent, also when many come at once."""

import asyncio
from contextlib import aclosing
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.engine.records import ActivationId
from backedge.providers import (
    Message,
    Model,
    ModelResponse,
    ReasoningDelta,
    ScriptedModel,
    ToolCallDelta,
    Usage,
)
from backedge.providers.errors import BudgetExceededError, ServerError
from backedge.providers.recorded import Recordable
from backedge.providers.wrappers import Budget, Budgeted
from backedge.providers.wrappers.sizes import expected

from ...virtual import run_virtual
from .kit import Played, ask, heard

GPT = "openai:gpt-5"  # 1.25 and 10 dollars for a million tokens


def answer(written=0, **more):
    return ModelResponse(message=Message.of("assistant", "ok"), usage=Usage(output_tokens=written), **more)


async def test_a_call_that_may_pass_the_budget_is_refused_before_it_is_sent():
    inside = ScriptedModel([answer()] * 9, name=GPT)
    budgeted = Budgeted(inside, budget=Budget(dollars=0.01))
    assert isinstance(budgeted, Model)
    assert budgeted.name == GPT
    await budgeted.respond(ask(max_tokens=900))
    with pytest.raises(
        BudgetExceededError, match=r"openai:gpt-5: the budget 'total' allows \$0.0100"
    ) as refused:
        await budgeted.respond(ask(max_tokens=1100))
    assert not refused.value.retryable
    with pytest.raises(BudgetExceededError):
        await heard(budgeted.stream(ask(max_tokens=1100)))
    with pytest.raises(BudgetExceededError):
        await budgeted.respond(ask())  # an answer of unknown length is taken for a long one
    assert len(inside.requests) == 1


@pytest.mark.parametrize("streamed", [False, True])
async def test_what_was_set_aside_is_settled_with_what_was_taken(streamed):
    budget = Budget(dollars=1)
    budgeted = Budgeted(ScriptedModel([answer(1000), answer(1000, cost=0.5)], name=GPT), budget=budget)
    for dollars, tokens in ((0.01, 1000), (0.51, 2000)):
        await (heard(budgeted.stream(ask())) if streamed else budgeted.respond(ask()))
        assert budget.state().dollars == pytest.approx(dollars)
        assert budget.state().tokens == tokens
        assert budget.state().reserved_dollars == budget.state().reserved_tokens == 0


async def test_calls_at_once_cannot_pass_it_together():
    inside = Played([None])
    size = expected(ask(max_tokens=100), output=0)
    room = 3 * (size.input_tokens + size.output_tokens)
    budget = Budget(tokens=room + 1)
    budgeted = Budgeted(inside, budget=budget)
    tasks = [asyncio.ensure_future(budgeted.respond(ask(max_tokens=100))) for _ in range(10)]
    await asyncio.sleep(0)
    assert inside.asked == 3
    assert budget.state().reserved_tokens == room
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError] * 3 + [BudgetExceededError] * 7
    assert budget.state().reserved_tokens == budget.state().tokens == 0  # cancelled calls give it back


async def test_a_failed_call_counts_for_what_its_error_says():
    budget = Budget(dollars=1)
    errors = ServerError("x", usage=Usage(output_tokens=1000)), ServerError("y")
    budgeted = Budgeted(Played(*errors, name=GPT), budget=budget)
    for _ in errors:
        with pytest.raises(ServerError):
            await budgeted.respond(ask())
    assert budget.state().dollars == pytest.approx(0.01)
    assert budget.state().reserved_dollars == 0


async def test_a_stream_that_is_left_counts_for_what_was_read_and_had_come():
    budget = Budget(tokens=100_000)
    pieces = ["x" * 300]

    class Pieces(Recordable):
        name = "pieces"

        async def stream(self, request):
            yield ReasoningDelta(text="x" * 300)
            yield ToolCallDelta(index=0, arguments="x" * 300)
            async for event in Played([*pieces, None]).stream(request):
                yield event

    async with aclosing(Budgeted(Pieces(), budget=budget).stream(ask())) as events:
        for _ in range(3):
            await anext(events)
    assert budget.state().tokens == expected(ask(), output=0).input_tokens + 300
    assert budget.state().reserved_tokens == 0


async def test_an_answer_from_a_cache_takes_nothing():
    budget = Budget(dollars=1)
    budgeted = Budgeted(ScriptedModel([answer(cost=0.0, cached=True)], name=GPT), budget=budget)
    await budgeted.respond(ask())
    assert budget.state().dollars == 0


async def test_without_a_known_price_a_call_is_refused_or_only_its_tokens_count():
    with pytest.raises(BudgetExceededError, match="price is not known.*unknown='allow'"):
        await Budgeted(ScriptedModel([answer()]), budget=Budget(dollars=1)).respond(ask())
    budget = Budget(dollars=1, tokens=10_000)
    await Budgeted(ScriptedModel([answer(7)]), budget=budget, unknown="allow").respond(ask())
    assert (budget.state().dollars, budget.state().tokens) == (0, 7)
    assert (await Budgeted(ScriptedModel([answer()]), budget=Budget(tokens=9999)).respond(ask())).text == "ok"
    with pytest.raises(ValueError, match="unknown= is 'refuse' or 'allow'"):
        Budgeted(ScriptedModel([]), budget=budget, unknown="perhaps")


async def test_what_turns_out_to_have_no_price_took_what_was_set_aside():
    prices = iter([0.25, None])
    budget = Budget(dollars=1)
    await Budgeted(ScriptedModel([answer(7)]), budget=budget, price=lambda usage: next(prices)).respond(ask())
    assert (budget.state().dollars, budget.state().tokens) == (0.25, 7)


async def test_several_budgets_must_all_have_room_and_runs_have_their_own():
    run, agent = Budget(tokens=10_000, per="run"), Budget(tokens=6_000, per="agent")
    budgeted = Budgeted(ScriptedModel([answer(4000)] * 9), budget=[run, agent], output=3000)
    coder, checker = (budgeted.labelled(run="r", agent=name) for name in ("coder", "checker"))
    await coder.respond(ask())
    with pytest.raises(BudgetExceededError, match="'agent' of coder allows 6,000 tokens: 4,000 tokens spent"):
        await coder.respond(ask())
    await checker.respond(ask())
    with pytest.raises(BudgetExceededError, match="'run' of r"):
        await checker.labelled(agent="third").respond(ask())
    await checker.labelled(agent="third", run="r2").respond(ask())
    assert run.state(run="r").tokens == 8000
    assert agent.state(agent="third").tokens == 4000


async def test_in_a_graph_the_run_comes_from_the_activation():
    async def step(name, function, request, **told):
        return await function(request)

    context = SimpleNamespace(run_id="r7", activation=ActivationId("coder"), step=step)
    run, node = Budget(tokens=10_000, per="run"), Budget(tokens=10_000, per="node")
    await Budgeted(ScriptedModel([answer(7)]), budget=(run, node)).for_activation(context).respond(ask())
    assert (run.state(run="r7").tokens, node.state(node="coder").tokens) == (7, 7)


async def test_warnings_come_when_the_call_is_settled():
    told = []
    budget = Budget(tokens=10_000, warn_at=0.5, on_warning=told.append)
    budgeted = Budgeted(ScriptedModel([answer(4999), answer(1)]), budget=budget)
    await budgeted.respond(ask())
    assert told == []
    await budgeted.respond(ask())
    assert [warning.share for warning in told] == [0.5]


async def test_closing_closes_what_is_inside():
    closed = []

    class Inside(ScriptedModel):
        async def aclose(self):
            closed.append(self)

    async with Budgeted(Inside([]), budget=Budget(tokens=1)):
        pass
    assert len(closed) == 1


CALLS = st.lists(
    st.tuples(
        st.integers(1, 300),  # max_tokens
        st.floats(0, 1),  # the share of it that is written
        st.integers(0, 5),  # when it comes
        st.integers(0, 5),  # how long it takes
        st.sampled_from(["answer", "fail", "cancel"]),
    ),
    max_size=12,
)


@given(limit=st.integers(0, 900), calls=CALLS)
def test_never_is_more_spent_and_set_aside_than_the_limit(limit, calls):
    budget = Budget(tokens=limit)

    class Slow(Recordable):
        name = "slow"

        async def respond(self, request):
            most, share, _, takes, end = calls[int(request.messages[0].text)]
            check()
            await asyncio.sleep(takes)
            check()
            usage = Usage(output_tokens=int(most * share))
            if end == "fail":
                raise ServerError("x", usage=usage)
            return ModelResponse(message=Message.of("assistant", "ok"), usage=usage)

    def check():
        state = budget.state()
        assert state.tokens + state.reserved_tokens <= limit

    async def call(number):
        most, _, comes, takes, end = calls[number]
        await asyncio.sleep(comes)
        call = asyncio.ensure_future(
            Budgeted(Slow(), budget=budget).respond(ask(str(number), max_tokens=most))
        )
        if end == "cancel":
            await asyncio.sleep(takes / 2)
            call.cancel()
        ends = (BudgetExceededError, ServerError, asyncio.CancelledError)
        found = await asyncio.gather(call, return_exceptions=True)
        assert isinstance(found[0], (ModelResponse, *ends))
        check()

    async def main():
        await asyncio.gather(*(call(number) for number in range(len(calls))))
        assert budget.state().reserved_tokens == 0

    run_virtual(main())
