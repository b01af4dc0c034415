"""Budgets are kept for whom and for as long as they say, and warn once."""

import logging
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from backedge.providers import Usage
from backedge.providers.labels import Labels
from backedge.providers.wrappers.accounts import PER_DOLLAR, Amount
from backedge.providers.wrappers.budgets import Budget, BudgetState, BudgetWarning
from backedge.providers.wrappers.ledger import Ledger


def test_each_run_has_its_own():
    budget = Budget(dollars=1, per="run")
    budget.note(Labels(run="a"), dollars=0.5, tokens=7)
    assert budget.state(run="a") == BudgetState(dollars=0.5, tokens=7)
    assert budget.state(run="b") == BudgetState()
    assert budget.account(Labels(run="a")) is budget.account(Labels(run="a", node="n"))
    budget.forget("a")
    assert budget.state(run="a") == BudgetState()


def test_without_anybody_named_it_is_for_all_together():
    budget = Budget(tokens=10)
    budget.note(Labels(run="a"), tokens=1)
    budget.note(Labels(run="b"), tokens=2)
    assert budget.state().tokens == 3


def test_a_day_ends_at_the_midnight_of_its_zone():
    time = datetime(2026, 3, 1, 22, 59, tzinfo=UTC)
    budget = Budget(dollars=1, window="day", zone=ZoneInfo("Europe/Berlin"), now=lambda: time)
    before = budget.account(Labels())
    before.reserve(Amount(PER_DOLLAR, 0))
    assert budget.state().reserved_dollars == 1
    time = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
    assert budget.state() == BudgetState()
    assert budget.account(Labels()) is not before
    assert budget.account(Labels()).limit == (PER_DOLLAR, None)


def test_it_warns_once_for_each_account():
    told = []
    budget = Budget(tokens=10, per="agent", warn_at=0.5, on_warning=told.append)
    for agent, tokens in [("a", 4), ("a", 1), ("a", 5), ("b", 6)]:
        budget.note(Labels(agent=agent), tokens=tokens)
    assert told == [BudgetWarning("agent", "a", 0.5), BudgetWarning("agent", "b", 0.6)]


def test_warnings_are_logged_by_default(caplog):
    with caplog.at_level(logging.WARNING, logger="backedge"):
        Budget(tokens=10, per="run").note(Labels(run="r"), tokens=8)
        Budget(dollars=1, window="day").note(Labels(), dollars=0.9)
    assert caplog.messages == ["80% of the budget 'run' of r are spent", "90% of the budget 'day' are spent"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "total"),
        ({"per": "run"}, "run"),
        ({"per": "agent", "window": "day"}, "agent and day"),
        ({"name": "mine", "per": "run"}, "mine"),
    ],
)
def test_it_has_a_name(given, name):
    assert Budget(tokens=1, **given).name == name


def test_a_refusal_says_all_that_matters():
    budget = Budget(dollars=1, tokens=5000, per="run")
    budget.note(Labels(run="r"), dollars=0.25, tokens=1000)
    budget.account(Labels(run="r")).reserve(Amount(PER_DOLLAR // 2, 2000))
    money = budget.refusal(Labels(run="r"), Amount(PER_DOLLAR // 2, 0), "money")
    assert money.startswith(
        "the budget 'run' of r allows $1.0000: $0.2500 spent, $0.5000 set aside for calls under way, and this call may "
        "take $0.5000; nothing was sent"
    )
    tokens = Budget(tokens=5000).refusal(Labels(), Amount(0, 6000), "tokens")
    assert tokens.startswith("the budget 'total' allows 5,000 tokens: 0 tokens spent")


def test_a_budget_without_a_limit_or_with_a_senseless_one_is_refused():
    with pytest.raises(ValueError, match="dollars=, tokens= or both"):
        Budget()
    for wrong in (-1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="a number from 0"):
            Budget(dollars=wrong)


def test_a_ledger_is_counted_for_each_of_whom_it_is_for():
    ledger = Ledger()
    for run, agent in (("r", "a"), ("r", "b"), ("s", "b")):
        usage = Usage(input_tokens=100, output_tokens=10)
        ledger.add(Labels(run=run, agent=agent), "m", usage, 0.25)
    for per, expected in (("run", {"r": 220, "s": 110}), ("agent", {"a": 110, "b": 220})):
        budget = Budget(tokens=1000, dollars=1, per=per)
        budget.count(ledger)
        for of, tokens in expected.items():
            assert budget.state(**{per: of}).tokens == tokens
            assert budget.state(**{per: of}).dollars == tokens / 440
    budget = Budget(tokens=1000, window="day")
    budget.count(ledger)
    assert budget.state() == BudgetState(0.75, 330, 0.0, 0)


async def nothing():
    return ()


async def nothing_again():
    return ()


def test_what_a_run_spent_before_is_counted_as_far_as_it_is_not():
    budget = Budget(tokens=100, per="node")
    budget.note(Labels(run="r", node="a"), tokens=7)
    budget.note(Labels(run="s", node="a"), tokens=20)
    past = [(Labels(run="r", node="a"), 0.0, Amount(0, 4)), (Labels(run="r", node="a"), 0.0, Amount(0, 6))]
    budget.learn("r", nothing, [*past, (Labels(run="r", node="b"), 0.0, Amount(0, 5))])
    assert budget.heard("r", nothing)
    assert not budget.heard("r", nothing_again)
    assert not budget.heard("s", nothing)
    assert (budget.state(node="a").tokens, budget.state(node="b").tokens) == (30, 5)
    budget.learn("r", nothing, [(Labels(run="r", node="a"), 0.0, Amount(0, 99))])  # heard already
    assert budget.state(node="a").tokens == 30
    budget.learn("r", nothing_again, [(Labels(run="r", node="a"), 0.0, Amount(0, 12))])
    assert budget.state(node="a").tokens == 32


def test_what_was_spent_before_warns():
    told = []
    budget = Budget(dollars=1, on_warning=told.append)
    budget.learn("r", nothing, [(Labels(run="r"), 0.0, Amount(PER_DOLLAR * 9 // 10, 0))])
    assert told == [BudgetWarning("total", "", 0.9)]


def test_of_the_past_a_day_takes_what_is_of_its_own():
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 3, 2, 12, tzinfo=berlin)
    budget = Budget(tokens=100, window="day", zone=berlin, now=lambda: now)
    times = [now.replace(hour=0, minute=1), now.replace(day=1, hour=23, minute=59), now]
    budget.learn(
        "r", nothing, [(Labels(run="r"), time.timestamp(), Amount(0, 10**n)) for n, time in enumerate(times)]
    )
    assert budget.state().tokens == 101


def test_a_run_that_is_forgotten_stays_counted_where_it_shared():
    budget = Budget(tokens=100)
    budget.note(Labels(run="r"), tokens=7)
    budget.learn("r", nothing, [])
    budget.forget("r")
    assert budget.state().tokens == 7
    assert not budget.heard("r", nothing)
    budget.learn("r", nothing, [(Labels(run="r"), 0.0, Amount(0, 3))])
    assert budget.state().tokens == 10
