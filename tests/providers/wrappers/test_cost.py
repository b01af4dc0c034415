"""Answers say what they cost, the ledger keeps it by whom it was for, and unknown prices are unknown."""

import asyncio
from contextlib import aclosing
from types import SimpleNamespace

import pytest

from backedge.engine.records import ActivationId
from backedge.providers import Message, Model, ModelResponse, ScriptedModel, Usage
from backedge.providers.errors import ServerError
from backedge.providers.wrappers import Ledger, Priced
from backedge.providers.wrappers.limits import RateLimited

from .kit import Played, ask, heard

MILLION = Usage(output_tokens=1_000_000)


def answer(usage=MILLION, **more):
    return ModelResponse(message=Message.of("assistant", "ok"), usage=usage, **more)


def gpt(*answers):
    return ScriptedModel(list(answers), name="openai:gpt-5")


async def test_an_answer_says_what_it_cost():
    priced = Priced(gpt(answer(), answer()))
    assert isinstance(priced, Model)
    assert priced.name == "openai:gpt-5"
    assert (await priced.respond(ask())).cost == pytest.approx(10)
    assert (await heard(priced.stream(ask())))[1].cost == pytest.approx(10)
    assert priced.ledger.total.cost == pytest.approx(20)
    assert priced.ledger.total.usage.output_tokens == 2_000_000


async def test_a_cost_that_is_there_is_kept_even_nothing():
    priced = Priced(gpt(answer(cost=0.5), answer(cost=0.0)), price=lambda usage: 99)
    assert (await priced.respond(ask())).cost == 0.5
    assert (await priced.respond(ask())).cost == 0
    assert priced.ledger.total.cost == 0.5


async def test_an_unknown_price_stays_unknown_and_is_counted():
    priced = Priced(ScriptedModel([answer()]))
    assert (await priced.respond(ask())).cost is None
    assert priced.ledger.total.unpriced == 1
    assert str(priced.ledger.total).startswith("unknown")


async def test_a_price_of_ones_own_can_be_given():
    prices = iter([3.0, None])
    priced = Priced(gpt(answer(), answer()), price=lambda usage: next(prices))
    assert (await priced.respond(ask())).cost == 3
    assert (await priced.respond(ask())).cost is None


async def test_what_a_failed_call_took_is_noted():
    priced = Priced(Played(ServerError("x", usage=MILLION), ServerError("y"), name="openai:gpt-5"))
    for _ in range(2):
        with pytest.raises(ServerError):
            await priced.respond(ask())
    total = priced.ledger.total
    assert (total.calls, total.failed, total.unpriced, total.usage) == (2, 2, 0, MILLION)
    assert total.cost == pytest.approx(10)
    own = Priced(Played(ServerError("x", usage=MILLION)), price=lambda usage: None)
    with pytest.raises(ServerError):
        await own.respond(ask())
    assert own.ledger.total.unpriced == 1


async def test_a_call_that_was_left_is_a_failed_one():
    priced = Priced(Played(["a", None]))
    async with aclosing(priced.stream(ask())) as events:
        await anext(events)
    assert (priced.ledger.total.failed, priced.ledger.total.cost) == (1, 0)


async def test_calls_are_noted_by_label_in_one_ledger():
    ledger = Ledger()
    priced = Priced(gpt(*[answer()] * 3), ledger=ledger)
    coder = priced.labelled(run="r", node="n", agent="coder")
    await asyncio.gather(
        priced.respond(ask()), coder.respond(ask()), coder.labelled(agent="checker").respond(ask())
    )
    assert {name: spent.calls for name, spent in ledger.by("agent").items()} == {
        "": 1,
        "coder": 1,
        "checker": 1,
    }
    assert ledger.of(run="r", node="n").calls == 2


async def test_who_answered_is_who_is_noted():
    priced = Priced(ScriptedModel([answer(by="openai:gpt-5-mini")], name="fallback"))
    assert (await priced.respond(ask())).cost == pytest.approx(2)
    assert priced.ledger.by("model").keys() == {"openai:gpt-5-mini"}


@pytest.mark.parametrize("around", [lambda model: model, lambda model: RateLimited(model, limits="high")])
async def test_in_a_graph_run_and_node_come_from_the_activation(around):
    async def step(name, function, request, **told):
        return await function(request)

    context = SimpleNamespace(run_id="r7", activation=ActivationId("checker", (("loop", 2),)), step=step)
    priced = Priced(gpt(answer(Usage()), answer(Usage()))).labelled(agent="judge")
    model = around(priced).for_activation(context)
    await model.respond(ask())
    await heard(model.stream(ask()))
    assert priced.ledger.of(run="r7", node="checker", agent="judge").calls == 2


async def test_closing_closes_what_is_inside():
    closed = []

    class Inside(ScriptedModel):
        async def aclose(self):
            closed.append(self)

    async with Priced(Inside([])):
        pass
    assert len(closed) == 1
