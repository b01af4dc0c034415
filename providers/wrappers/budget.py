"""A model that stops before the call that would pass a budget.

Before a call its size is guessed, from above, and set aside: what is read by the request's length, what is written by its
``max_tokens``, the money by the price list. When the call is over what it really took is counted instead. So calls under
way at once cannot pass a budget together. How exact this is, is how good the guess is: `sizes` says how it is made.

A failed call counts for what its error says was spent. A cancelled one gives back what was set aside, since nobody said what
it took; a stream that was left counts for what was read and for what had come.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from math import ceil
from typing import Literal, Self

from ..around import Around
from ..earlier import EarlierCall, calls_in
from ..errors import BudgetExceededError, ModelError
from ..messages import Usage
from ..past import Past
from ..protocol import Model, ModelRequest, ModelResponse, Piece, StreamEvent, ToolCallDelta
from .accounts import PER_DOLLAR, Amount, Reservation, reserve
from .budgets import Budget
from .prices import PriceList
from .sizes import expected
from .through import respond_through, stream_through


class Budgeted(Around):
    """A model that refuses a call which may pass a budget, before anything is sent.

    In a graph the run and the node are taken from the activation that asks; an agent is told by ``labelled(agent=...)``.

    Args:
        model: The model to ask.
        budget: One budget, or several that all must have room.
        price: What a usage costs in US dollars, or ``None`` when that is unknown; by default by the model's name.
        output: Tokens to set aside for an answer where the request has no ``max_tokens``.
        unknown: What to do with calls whose price is not known, under a budget in dollars: refuse them, or let them pass
            and count only their tokens.

    Example::

        budget = Budget(dollars=2.0, per="run")
        frugal = Budgeted(model("openai:gpt-5"), budget=budget)
    """

    def __init__(
        self,
        model: Model,
        *,
        budget: Budget | Sequence[Budget],
        price: Callable[[Usage], float | None] | None = None,
        output: int = 4096,
        unknown: Literal["refuse", "allow"] = "refuse",
    ) -> None:
        if unknown not in ("refuse", "allow"):
            raise ValueError(f"unknown= is 'refuse' or 'allow', not {unknown!r}")
        super().__init__(model)
        self._budgets = (budget,) if isinstance(budget, Budget) else tuple(budget)
        self._in_dollars = any(budget.dollars is not None for budget in self._budgets)
        self._prices = PriceList()
        self._price = self._prices.named(model.name) if price is None else price
        self._output = output
        self._unknown = unknown
        self._past: Past | None = None

    def remembering(self, past: Past) -> Self:
        """The same, with all that it keeps shared, which counts what its run spent before."""
        told = super().remembering(past)
        told._past = past
        return told

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request.

        Raises:
            BudgetExceededError: It might pass a budget; nothing was sent.
        """
        if self._past is not None:
            await self._learn(self._past)
        return await respond_through(self._model, request, self._enter)

    def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece.

        Raises:
            BudgetExceededError: It might pass a budget; nothing was sent.
        """
        entered = stream_through(self._model, request, self._enter, came=_Spending.came)
        return entered if self._past is None else self._late(self._past, entered)

    async def _late(
        self, past: Past, entered: AsyncGenerator[StreamEvent, None]
    ) -> AsyncIterator[StreamEvent]:
        """A stream that begins once the past is counted."""
        async with aclosing(entered) as events:
            await self._learn(past)
            async for event in events:
                yield event

    async def _learn(self, past: Past) -> None:
        """Count what the run spent before, in each budget that has not."""
        run = self._labels.run
        new = [budget for budget in self._budgets if not budget.heard(run, past)]
        if new:
            calls = calls_in(run, await past())
            spent = [(call.labels, call.at, self._earlier(call)) for call in calls]
            for budget in new:
                budget.learn(run, past, spent)

    def _earlier(self, call: EarlierCall) -> Amount:
        """What an earlier call took, by whichever model."""
        usage, cost = call.response.usage, call.response.cost
        if self._in_dollars and cost is None and _tokens(usage):
            ours = call.asked == self.name
            cost = self._price(usage) if ours else self._prices.of_response(call.response, call.asked)
        return Amount(ceil((cost or 0.0) * PER_DOLLAR), _tokens(usage))

    def _enter(self, request: ModelRequest) -> _Spending:
        thought = expected(request, output=self._output)
        amount = self._amount(thought)
        if amount is None:
            if self._unknown == "refuse":
                raise BudgetExceededError(
                    "its price is not known, so a budget in dollars cannot be kept; nothing was sent: give price=, or "
                    "unknown='allow' to count its tokens only",
                    model=self.name,
                )
            amount = Amount(0, _tokens(thought))
        found = [budget.account(self._labels) for budget in self._budgets]
        return _Spending(self, reserve(found, amount, self._refused, run=self._labels.run), thought)

    def _refused(self, position: int, amount: Amount, lack: str) -> BudgetExceededError:
        told = self._budgets[position].refusal(self._labels, amount, lack)
        return BudgetExceededError(told, model=self.name)

    def _amount(self, usage: Usage, cost: float | None = None) -> Amount | None:
        """What a usage amounts to; ``None`` when its price is needed and unknown."""
        tokens = usage.input_tokens + usage.output_tokens
        if not self._in_dollars:
            return Amount(0, tokens)
        if cost is None and tokens:
            cost = self._price(usage)
            if cost is None:
                return None
        return Amount(ceil((cost or 0.0) * PER_DOLLAR), tokens)

    def _settle(self, reservation: Reservation, usage: Usage, cost: float | None = None) -> None:
        taken = self._amount(usage, cost)
        if taken is None:  # nobody knows: it took what was set aside for it
            taken = Amount(reservation.amount.money, _tokens(usage))
        reservation.settle(taken)
        for budget, account in zip(self._budgets, reservation.accounts, strict=True):
            budget.warn(self._labels, account)


@dataclass(slots=True)
class _Spending:
    """One call under way."""

    budgeted: Budgeted
    reservation: Reservation
    thought: Usage
    # Characters of a stream that have come; None until the first piece.
    came_so_far: int | None = None

    def came(self, piece: Piece) -> None:
        more = piece.arguments if isinstance(piece, ToolCallDelta) else piece.text
        self.came_so_far = (self.came_so_far or 0) + len(more)

    def done(self, response: ModelResponse) -> ModelResponse:
        self.budgeted._settle(self.reservation, response.usage, response.cost)
        return response

    def failed(self, error: BaseException) -> None:
        usage = error.usage if isinstance(error, ModelError) else Usage()
        if not _tokens(usage) and self.came_so_far is not None:
            written = ceil(self.came_so_far / 3)
            usage = Usage(input_tokens=self.thought.input_tokens, output_tokens=written)
        self.budgeted._settle(self.reservation, usage)


def _tokens(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens
