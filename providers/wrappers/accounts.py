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


class Account:
    """What one budget has for one run, agent or day.

    Args:
        limit: The most that may be spent; ``None`` for no limit.
    """

    __slots__ = ("limit", "reserved", "spent", "warned")

    def __init__(self, limit: tuple[int | None, int | None]) -> None:
        self.limit = limit
        self.spent = Amount()
        self.reserved = Amount()
        self.warned = False

    def lacks(self, amount: Amount) -> str:
        """What there is not enough of: ``money``, ``tokens``, or nothing."""
        for name, limit, spent, reserved, more in zip(
            Amount._fields, self.limit, self.spent, self.reserved, amount, strict=True
        ):
            if limit is not None and spent + reserved + more > limit:
                return name
        return ""

    def share(self) -> float:
        """The share of the limit that was spent, of money or of tokens, whichever is more."""
        return max(
            (spent / limit for limit, spent in zip(self.limit, self.spent, strict=True) if limit), default=0.0
        )

    def reserve(self, amount: Amount) -> None:
        """Set aside."""
        self.reserved = _plus(self.reserved, amount)

    def settle(self, reserved: Amount, taken: Amount) -> None:
        """Put back what was set aside, and count what was taken."""
        self.reserved = _plus(self.reserved, Amount(-reserved.money, -reserved.tokens))
        self.spent = _plus(self.spent, taken)


@dataclass(slots=True)
class Reservation:
    """What a call has set aside on some accounts. Settled once; what comes later is ignored."""

    accounts: Sequence[Account]
    amount: Amount
    open: bool = True

    def settle(self, taken: Amount) -> None:
        """The call is over and took this much."""
        if self.open:
            self.open = False
            for account in self.accounts:
                account.settle(self.amount, taken)


def reserve(
    accounts: Sequence[Account], amount: Amount, refused: Callable[[int, str], Exception]
) -> Reservation:
    """Set aside on all accounts or on none.

    Args:
        accounts: Those that must have it.
        amount: How much.
        refused: Makes the error to raise, from the position of the account that has not enough and what it lacks.
    """
    for position, account in enumerate(accounts):
        lack = account.lacks(amount)
        if lack:
            raise refused(position, lack)
    for account in accounts:
        account.reserve(amount)
    return Reservation(accounts, amount)


def _plus(one: Amount, other: Amount) -> Amount:
    return Amount(one.money + other.money, one.tokens + other.tokens)
