"""Policies order a table of candidates."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.providers import Image, Message, ModelRequest, ToolCall, ToolResult, ToolSpec
from backedge.providers.wrappers.policies import (
    RoundRobin,
    Row,
    Weighted,
    by_context,
    by_cost,
    by_latency,
    fitting,
    in_order,
)

from .kit import Played, ask


def row(name, **more):
    return Row(Played("hi", name=name), **more)


def names(rows):
    return [one.model.name for one in rows]


def test_by_cost_the_cheapest_is_first_and_an_unknown_price_last():
    prices = {"a": 3.0, "b": 1.0, "d": 2.0}
    seen = []

    def price(model, request):
        seen.append(request)
        return prices.get(model.name)

    rows = [row(name) for name in "abcd"]
    assert names(by_cost(price)(rows, ask("q"))) == ["b", "d", "a", "c"]
    assert seen == [ask("q")] * 4


def test_by_latency_the_quickest_is_first_after_those_never_measured():
    rows = [row("slow", latency=2.0), row("new"), row("quick", latency=0.0)]
    assert names(by_latency(rows, ask())) == ["new", "quick", "slow"]


@pytest.mark.parametrize(
    ("size", "order"), [(10, ["small", "large", "unknown"]), (60, ["large", "unknown"]), (5000, ["unknown"])]
)
def test_by_context_the_smallest_that_is_large_enough_is_first(size, order):
    rows = [row("large", limit=100), row("unknown"), row("small", limit=10)]
    assert names(by_context(size=lambda request: size)(rows, ask())) == order


def test_what_fits_nowhere_is_for_the_largest():
    rows = [row("small", limit=10), row("large", limit=100)]
    assert names(by_context(size=lambda request: 101)(rows, ask())) == ["large"]


def test_what_fits_is_ordered_by_another_policy():
    rows = [row("a", limit=50, latency=9), row("b", limit=90, latency=5), row("c", limit=5)]
    policy = fitting(by_latency, size=lambda request: 50)
    assert names(policy(rows, ask())) == ["b", "a"]
    assert names(fitting(size=lambda request: 50)(rows, ask())) == ["a", "b"]


TOOL = ToolSpec(name="t", description="does " * 500, parameters={})
PICTURE = Image(media_type="image/png", data=b"x")
CALL = ToolCall(id="1", name="t", arguments="x" * 3000)


@pytest.mark.parametrize(
    "request_",
    [
        ask("x" * 3000),
        ask("x", max_tokens=1000),
        ask("x", tools=(TOOL,)),
        ModelRequest(messages=(Message.of("user", PICTURE),)),
        ModelRequest(
            messages=(Message.of("assistant", CALL), Message.of("tool", ToolResult(id="1", content="")))
        ),
    ],
)
def test_by_itself_a_size_is_estimated_from_all_that_is_read_and_written(request_):
    rows = [row("tiny", limit=100), row("large", limit=100_000)]
    assert names(by_context()(rows, ask("hi"))) == ["tiny", "large"]
    assert names(by_context()(rows, request_)) == ["large"]


def test_in_a_round_each_begins_once():
    rows, policy = [row(name) for name in "abc"], RoundRobin()
    assert ["".join(names(policy(rows, ask()))) for _ in range(4)] == ["abc", "bca", "cab", "abc"]
    assert policy([], ask()) == []


def test_as_given_is_as_given():
    rows = [row("b"), row("a")]
    assert in_order(rows, ask()) is rows


def test_draws_keep_to_the_weights_and_none_is_left_out():
    rows = [row("a", weight=6), row("b", weight=3), row("c", weight=1), row("never", weight=0)]
    policy = Weighted(seed=1)
    orders = [names(policy(rows, ask())) for _ in range(4000)]
    first = Counter(order[0] for order in orders)
    assert first["a"] == pytest.approx(2400, rel=0.06)
    assert first["b"] == pytest.approx(1200, rel=0.1)
    assert first["c"] == pytest.approx(400, rel=0.2)
    assert {order[-1] for order in orders} == {"never"}
    second = Counter(order[1] for order in orders if order[0] == "a")
    assert second["b"] / second["c"] == pytest.approx(3, rel=0.2)


@given(st.integers(), st.lists(st.floats(0, 10), min_size=1, max_size=6))
def test_a_seed_makes_draws_the_same_and_each_is_an_order_of_all(seed, weights):
    rows = [row(str(number), weight=weight) for number, weight in enumerate(weights)]
    one, other = Weighted(seed=seed), Weighted(seed=seed)
    for _ in range(3):
        order = names(one(rows, ask()))
        assert order == names(other(rows, ask()))
        assert sorted(order) == sorted(names(rows))
