"""A model whose answers say what they cost, and a ledger that adds it up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Self

from ..around import Around
from ..errors import ModelError
from ..messages import Usage
from ..protocol import Model, ModelRequest, ModelResponse, StreamEvent
from .ledger import Ledger
from .prices import PriceList
from .through import respond_through, stream_through


class Priced(Around):
    """A model that sets `ModelResponse.cost` and writes every call into a ledger.

    A cost that is there already is kept, be it the provider's own or 0 from a cache. An unknown price stays ``None``.
    What a failed call took is written into the ledger as far as its error says. In a graph the run and the node are
    taken from the activation that asks.

    Args:
        model: The model to ask.
        ledger: Where to add up; by default a new one.
        price: What a usage costs in US dollars, or ``None`` when that is unknown; by default by the price list.

    Attributes:
        ledger: What was spent.

    Example::

        priced = Priced(model("openai:gpt-5"))
        await priced.labelled(agent="coder").respond(request)
        print(priced.ledger.by("agent")["coder"])
    """

    def __init__(
        self,
        model: Model,
        *,
        ledger: Ledger | None = None,
        price: Callable[[Usage], float | None] | None = None,
    ) -> None:
        super().__init__(model)
        self.ledger = Ledger() if ledger is None else ledger
        self._price = price
        self._prices = PriceList()

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request and say what it cost."""
        return await respond_through(self._model, request, self._enter)

    def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece; the answer at the end says what it cost."""
        return stream_through(self._model, request, self._enter)

    def _enter(self, request: ModelRequest) -> Self:
        return self

    def done(self, response: ModelResponse) -> ModelResponse:
        """Note what an answer cost, and say so in it."""
        cost = self._cost_of(response)
        self.ledger.add(self._labels, response.by or self._name, response.usage, cost)
        return response if cost == response.cost else response.model_copy(update={"cost": cost})

    def failed(self, error: BaseException) -> None:
        """Note what a call without an answer cost, as far as that is known."""
        usage = error.usage if isinstance(error, ModelError) else Usage()
        cost: float | None = 0.0
        if usage.input_tokens or usage.output_tokens:
            cost = self._prices.of_name(self.name, usage) if self._price is None else self._price(usage)
        self.ledger.add(self._labels, self.name, usage, cost, failed=True)

    def _cost_of(self, response: ModelResponse) -> float | None:
        if self._price is None or response.cost is not None:
            return self._prices.of_response(response, self._name)
        return self._price(response.usage)
