"""Accounts are never overdrawn, at any interleaving of calls; nothing is lost."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backedge.providers.wrappers.accounts import Account, Amount, reserve


class Refused(Exception):
    pass


def test_it_is_all_accounts_or_none():
    rich, poor = Account((100, None)), Account((None, 10))
    with pytest.raises(Refused) as refused:
        reserve([rich, poor], Amount(50, 11), Refused)
    assert refused.value.args == (1, Amount(50, 11), "tokens")
    assert rich.reserved == poor.reserved == Amount()
    reserve([rich, poor], Amount(100, 10), Refused)
    with pytest.raises(Refused) as refused:
        reserve([rich, poor], Amount(1, 0), Refused)
    assert refused.value.args == (0, Amount(1, 0), "money")


def test_a_reservation_is_settled_once():
    account = Account((100, None))
    held = reserve([account], Amount(60, 5), Refused)
    held.settle(Amount(10, 1))
    held.settle(Amount(10, 1))
    assert (account.spent, account.reserved) == (Amount(10, 1), Amount())


def test_a_call_that_takes_more_than_it_said_is_counted_in_full():
    account = Account((100, None))
    reserve([account], Amount(60, 0), Refused).settle(Amount(120, 0))
    assert account.spent == Amount(120, 0)
    assert account.lacks(Amount(0, 5)) == "money"


@pytest.mark.parametrize(
    ("limit", "spent", "share"),
    [
        ((100, 10), (50, 2), 0.5),
        ((100, 10), (10, 8), 0.8),
        ((None, 10), (10**9, 1), 0.1),
        ((0, None), (0, 0), 0),
    ],
)
def test_the_share_is_that_of_whatever_is_scarcer(limit, spent, share):
    account = Account(limit)
    account.settle(Amount(), Amount(*spent))
    assert account.share() == share


LIMITS = st.tuples(st.none() | st.integers(0, 100), st.none() | st.integers(0, 100))
AMOUNTS = st.builds(Amount, st.integers(0, 60), st.integers(0, 60))


class AccountMachine(RuleBasedStateMachine):
    @initialize(limits=st.lists(LIMITS, min_size=1, max_size=3))
    def begin(self, limits):
        self.accounts = [Account(limit) for limit in limits]
        self.calls = []
        self.spent = Amount()

    @rule(amount=AMOUNTS)
    def a_call_begins(self, amount):
        totals = [
            [sum(call.amount[i] for call in self.calls) + self.spent[i] + amount[i] for i in range(2)]
            for _ in self.accounts
        ]
        fits = all(
            limit is None or total <= limit
            for account, both in zip(self.accounts, totals, strict=True)
            for limit, total in zip(account.limit, both, strict=True)
        )
        try:
            self.calls.append(reserve(self.accounts, amount, Refused))
        except Refused:
            assert not fits, "refused although there was room"
        else:
            assert fits

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def a_call_ends(self, data):
        call = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        taken = Amount(
            data.draw(st.integers(0, call.amount.money)), data.draw(st.integers(0, call.amount.tokens))
        )
        call.settle(taken)
        self.spent = Amount(self.spent.money + taken.money, self.spent.tokens + taken.tokens)

    @invariant()
    def nothing_is_overdrawn_or_lost(self):
        for account in getattr(self, "accounts", ()):
            for limit, spent, reserved in zip(account.limit, account.spent, account.reserved, strict=True):
                assert limit is None or spent + reserved <= limit
            assert account.spent == self.spent
            assert account.reserved == Amount(
                sum(call.amount.money for call in self.calls), sum(call.amount.tokens for call in self.calls)
            )


AccountMachine.TestCase.settings = settings(stateful_step_count=30)
TestAccounts = AccountMachine.TestCase


def test_what_a_run_is_known_to_have_spent_is_counted_once():
    account = Account((100, 100))
    reserve([account], Amount(5, 5), Refused, run="r").settle(Amount(3, 2))
    account.learn("r", Amount(10, 1))
    assert account.spent == Amount(10, 2)
    account.learn("r", Amount(10, 2))
    account.learn("s", Amount(1, 1))
    assert account.spent == Amount(11, 3)
    account.forget("s")
    account.learn("s", Amount(1, 1))
    assert account.spent == Amount(12, 4)
