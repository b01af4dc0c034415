"""Accounts that are never overdrawn: a call reserves what it may take, and settles what it took. Pure; whole numbers.

The law: what was spent and what is reserved are never more than the limit together, whatever calls are under way, as long
as no call takes more than it reserved. One that does is counted in full, and nothing passes until there is room again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

PER_DOLLAR: Final = 10**12
"""Money is counted in whole millionths of a millionth of a dollar: sums of them are exact."""


class Amount(NamedTuple):
    """So much money, in parts of a dollar, and so many tokens."""

    money: int = 0
    tokens: int = 0


_NOTHING: Final = Amount()


class Account:
    """What one budget has for one run, agent or day.

    Args:
        limit: The most that may be spent; ``None`` for no limit.
    """

    __slots__ = ("_held_money", "_held_tokens", "_money", "_runs", "_tokens", "limit", "warned")

    def __init__(self, limit: tuple[int | None, int | None]) -> None:
        self.limit = limit
        self.warned = False
        # Spent, and set aside: numbers by themselves, since each call changes them twice.
        self._money = self._tokens = 0
        self._held_money = self._held_tokens = 0
        # What of it each run spent, as far as it is known.
        self._runs: dict[str, Amount] = {}

    @property
    def spent(self) -> Amount:
        """What was spent."""
        return Amount(self._money, self._tokens)

    @property
    def reserved(self) -> Amount:
        """What is set aside for calls under way."""
        return Amount(self._held_money, self._held_tokens)

    def lacks(self, amount: Amount) -> str:
        """What there is not enough of: ``money``, ``tokens``, or nothing."""
        money, tokens = self.limit
        if money is not None and self._money + self._held_money + amount[0] > money:
            return "money"
        if tokens is not None and self._tokens + self._held_tokens + amount[1] > tokens:
            return "tokens"
        return ""

    def share(self) -> float:
        """The share of the limit that was spent, of money or of tokens, whichever is more."""
        money, tokens = self.limit
        of_money = self._money / money if money else 0.0
        of_tokens = self._tokens / tokens if tokens else 0.0
        return of_money if of_money > of_tokens else of_tokens

    def reserve(self, amount: Amount) -> None:
        """Set aside."""
        self._held_money += amount[0]
        self._held_tokens += amount[1]

    def settle(self, reserved: Amount, taken: Amount, run: str = "") -> None:
        """Put back what was set aside, and count what was taken, by which run."""
        self._held_money -= reserved[0]
        self._held_tokens -= reserved[1]
        self._money += taken[0]
        self._tokens += taken[1]
        if run:
            money, tokens = self._runs.get(run, _NOTHING)
            self._runs[run] = Amount(money + taken[0], tokens + taken[1])

    def learn(self, run: str, spent: Amount) -> None:
        """A run is known to have spent so much: count what of it is not counted yet."""
        money, tokens = self._runs.get(run, _NOTHING)
        self.settle(_NOTHING, Amount(max(0, spent[0] - money), max(0, spent[1] - tokens)), run)

    def forget(self, run: str) -> None:
        """What a run spent stays counted, but no longer as its own."""
        self._runs.pop(run, None)


@dataclass(slots=True)
class Reservation:
    """What a call has set aside on some accounts. Settled once; what comes later is ignored."""

    accounts: Sequence[Account]
    amount: Amount
    run: str = ""
    open: bool = True

    def settle(self, taken: Amount) -> None:
        """The call is over and took this much."""
        if self.open:
            self.open = False
            for account in self.accounts:
                account.settle(self.amount, taken, self.run)


def reserve(
    accounts: Sequence[Account],
    amount: Amount,
    refused: Callable[[int, Amount, str], Exception],
    *,
    run: str = "",
) -> Reservation:
    """Set aside on all accounts or on none.

    Args:
        accounts: Those that must have it.
        amount: How much.
        refused: Makes the error to raise, from the position of the account that has not enough, the amount, and what it
            lacks.
        run: Who asks.
    """
    for position, account in enumerate(accounts):
        lack = account.lacks(amount)
        if lack:
            raise refused(position, amount, lack)
    for account in accounts:
        account.reserve(amount)
    return Reservation(accounts, amount, run)
