"""Budgets: how much may be spent, by whom, in which time; and what is left of them."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final, Literal, TypeAlias

from ..labels import Labels
from ..past import Past
from .accounts import PER_DOLLAR, Account, Amount
from .ledger import Ledger

Per: TypeAlias = Literal["run", "node", "agent"]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BudgetState:
    """What became of a budget, for one run, node or agent, in the present window.

    Attributes:
        dollars: Spent.
        tokens: Spent.
        reserved_dollars: Set aside for calls under way.
        reserved_tokens: Set aside for calls under way.
    """

    dollars: float = 0.0
    tokens: int = 0
    reserved_dollars: float = 0.0
    reserved_tokens: int = 0


@dataclass(frozen=True, slots=True)
class BudgetWarning:
    """A budget is nearly used up.

    Attributes:
        budget: Its name.
        of: The run, node or agent; empty when the budget is for all together.
        share: The share that was spent.
    """

    budget: str
    of: str
    share: float


class Budget:
    """How much may be spent. Shared by all models that are given it; kept in this process, in one event loop.

    What a run spent before this process went on with it counts: its journal is asked before its first new call. That is all
    that its models spent, also those without this budget. What a fork inherits its parent paid for.

    Args:
        dollars: The most in US dollars; ``None`` for no limit.
        tokens: The most in tokens, read and written together; ``None`` for no limit.
        per: For whom: each run, each node, each agent has as much; ``None``: all together.
        window: ``"day"``: as much every day; ``None``: once.
        zone: Whose midnight ends a day.
        warn_at: The share spent at which there is a warning, once for each account.
        on_warning: Told then; by default it is logged.
        name: What to call it in messages; by default made of `per` and `window`.
        now: The time with a time zone.

    Example::

        Budget(dollars=20, window="day", zone=ZoneInfo("Europe/Berlin"))
        Budget(dollars=2, tokens=1_000_000, per="run")
    """

    def __init__(
        self,
        *,
        dollars: float | None = None,
        tokens: int | None = None,
        per: Per | None = None,
        window: Literal["day"] | None = None,
        zone: tzinfo = UTC,
        warn_at: float = 0.8,
        on_warning: Callable[[BudgetWarning], None] | None = None,
        name: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if dollars is None and tokens is None:
            raise ValueError("a budget has dollars=, tokens= or both")
        for given in (dollars, tokens):
            if given is not None and not 0 <= given < float("inf"):
                raise ValueError(f"a budget is a number from 0, not {given!r}")
        self.dollars = dollars
        self.tokens = tokens
        self.name = name or " and ".join(part for part in (per, window) if part) or "total"
        self._per = per
        self._window = window
        self._zone = zone
        self._warn_at = warn_at
        self._on_warning = _logged if on_warning is None else on_warning
        self._now = now
        # By run, node or agent; with the day an account is for. The next day's takes the place of the last one's, and
        # calls still under way settle on the one they set aside from.
        self._accounts: dict[str, tuple[str, Account]] = {}
        # By run, the past that was counted last: it is another one when the run was gone on with again.
        self._heard: dict[str, weakref.ref[Past]] = {}

    def account(self, labels: Labels) -> Account:
        """The account that a call for these is counted on."""
        key, day = self._key(labels), self._day()
        found = self._accounts.get(key)
        if found is not None and found[0] == day:
            return found[1]
        limit = (None if self.dollars is None else int(self.dollars * PER_DOLLAR), self.tokens)
        made = Account(limit)
        self._accounts[key] = (day, made)
        return made

    def state(self, *, run: str = "", node: str = "", agent: str = "") -> BudgetState:
        """What was spent and is set aside."""
        found = self._accounts.get(self._key(Labels(run=run, node=node, agent=agent)))
        if found is None or found[0] != self._day():
            return BudgetState()
        spent, reserved = found[1].spent, found[1].reserved
        return BudgetState(
            spent.money / PER_DOLLAR, spent.tokens, reserved.money / PER_DOLLAR, reserved.tokens
        )

    def note(self, labels: Labels, *, dollars: float = 0.0, tokens: int = 0) -> None:
        """Count what was spent elsewhere, such as by the same run before its process died."""
        account = self.account(labels)
        account.settle(Amount(), Amount(round(dollars * PER_DOLLAR), tokens), labels.run)
        self.warn(labels, account)

    def count(self, ledger: Ledger) -> None:
        """Count what a ledger holds, such as what other runs took today; to be done once.

        What it has no label for is counted under the empty one. A run that is gone on with needs none of this: what it
        took before is counted by itself, and not again where it was counted here.
        """
        for labels, spent in ledger.by_labels().items():
            tokens = spent.usage.input_tokens + spent.usage.output_tokens
            self.note(labels, dollars=spent.cost, tokens=tokens)

    def heard(self, run: str, past: Past) -> bool:
        """Whether this past of a run is counted."""
        known = self._heard.get(run)
        return known is not None and known() is past

    def learn(self, run: str, past: Past, spent: Iterable[tuple[Labels, float, Amount]]) -> None:
        """Count what a run spent before this process went on with it, where that was not counted yet.

        Args:
            run: The run.
            past: Where it is from.
            spent: For whom, when (in seconds since the epoch), and how much.
        """
        if self.heard(run, past):
            return
        self._heard[run] = weakref.ref(past)
        today = self._day()
        sums: dict[str, tuple[Labels, Amount]] = {}
        for labels, at, amount in spent:
            if self._window is None or self._day(datetime.fromtimestamp(at, UTC)) == today:
                before = sums.get(self._key(labels), (labels, Amount()))[1]
                both = Amount(before.money + amount.money, before.tokens + amount.tokens)
                sums[self._key(labels)] = (labels, both)
        for labels, together in sums.values():
            account = self.account(labels)
            account.learn(run, together)
            self.warn(labels, account)

    def forget(self, of: str) -> None:
        """Drop the account of a run, node or agent that will spend no more.

        Of a run also forget what it spent of accounts it shares, which stays counted.
        """
        self._accounts.pop(of, None)
        self._heard.pop(of, None)
        for _, account in self._accounts.values():
            account.forget(of)

    def warn(self, labels: Labels, account: Account) -> None:
        """Warn if so much of an account was spent, and nobody was warned yet."""
        if not account.warned and (share := account.share()) >= self._warn_at:
            account.warned = True
            self._on_warning(BudgetWarning(self.name, self._key(labels), share))

    def refusal(self, labels: Labels, amount: Amount, lack: str) -> str:
        """Why a call is refused, in words."""
        account = self.account(labels)
        limit = Amount(account.limit[0] or 0, account.limit[1] or 0)
        key = self._key(labels)

        def shown(of: Amount) -> str:
            return f"${of.money / PER_DOLLAR:.4f}" if lack == "money" else f"{of.tokens:,} tokens"

        whose = f" of {key}" if key else ""
        return (
            f"the budget {self.name!r}{whose} allows {shown(limit)}: {shown(account.spent)} spent, "
            f"{shown(account.reserved)} set aside for calls under way, and this call may take {shown(amount)}; nothing was "
            "sent: raise the budget, lower max_tokens, or make fewer calls at once"
        )

    def _key(self, labels: Labels) -> str:
        found: str = "" if self._per is None else getattr(labels, self._per)
        return found

    def _day(self, at: datetime | None = None) -> str:
        if self._window is None:
            return ""
        return (self._now() if at is None else at).astimezone(self._zone).date().isoformat()


def _logged(warning: BudgetWarning) -> None:
    whose = f" of {warning.of}" if warning.of else ""
    _log.warning("%.0f%% of the budget %r%s are spent", warning.share * 100, warning.budget, whose)
