"""A model that keeps to limits: requests, tokens and money per window, and calls at once, with a queue by priority.

Nothing is sent before there is room for it. What a call will take is guessed from the request's size and put right when
the call is over. What the provider says about its own limits is believed where it is stricter than ours.

`gate`, `buckets` and `waiting` decide; `limiter` acts. The law that holds is in `buckets`, the order in `waiting`.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..around import Around
from ..errors import ModelError, RateLimitError
from ..messages import Usage
from ..protocol import Model, ModelRequest, ModelResponse, StreamEvent
from .gate import Sort, Ticket
from .limiter import Limiter, Limits, Preset
from .prices import PriceList
from .sizes import expected
from .through import respond_through, stream_through
from .waiting import ORDER, Priority


class RateLimited(Around):
    """A model that waits until its limits have room for a call.

    Args:
        model: The model to ask.
        limits: What may be used, the name of a preset, or a limiter that several models share.
        priority: How urgent its calls are; ``"critical"`` ones pass at once and are charged nevertheless.
        caller: Whom its calls are for; callers of one priority take turns. By default the run that asks.
        price: What a usage costs in US dollars, for a limit of cost; by default by the model's name.
        output: Tokens to expect in an answer where the request does not say how many there may be.

    Example::

        limited = RateLimited(model("openai:gpt-5"), limits="mid")
        answer = await limited.at("high", caller="checker").respond(request)
    """

    def __init__(
        self,
        model: Model,
        *,
        limits: Limits | Preset | Limiter,
        priority: Priority = "normal",
        caller: str = "",
        price: Callable[[Usage], float | None] | None = None,
        output: int = 1024,
    ) -> None:
        super().__init__(model)
        self.limiter = limits if isinstance(limits, Limiter) else Limiter(limits)
        self._priority = _known(priority)
        self._caller = caller
        self._price = price
        self._output = output
        if price is None and self.limiter.limits.cost is not None:
            self._price = PriceList().named(model.name)

    def at(self, priority: Priority, *, caller: str | None = None) -> Self:
        """The same model and the same limits, for calls of this priority."""
        told = copy.copy(self)
        told._priority = _known(priority)
        told._caller = self._caller if caller is None else caller
        return told

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request, as soon as there is room for it."""
        return await respond_through(self._model, request, self._enter, wait=_Passage.place)

    def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece, as soon as there is room for it; its place is held until the end."""
        return stream_through(self._model, request, self._enter, wait=_Passage.place)

    def _enter(self, request: ModelRequest) -> _Passage:
        sizes = self._sizes(expected(request, output=self._output))
        caller = self._caller or self._labels.run
        return _Passage(self, self.limiter.arrive(sizes, priority=self._priority, caller=caller))

    def _sizes(self, usage: Usage, cost: float | None = None) -> dict[Sort, float]:
        sizes: dict[Sort, float] = {"requests": 1, "tokens": usage.input_tokens + usage.output_tokens}
        if self._price is not None:
            cost = self._price(usage) if cost is None else cost
            if cost is None:
                self.limiter.unpriced()
            sizes["cost"] = cost or 0
        return sizes


@dataclass(slots=True)
class _Passage:
    """One call that wants to pass, or has."""

    limited: RateLimited
    ticket: Ticket

    def place(self) -> Awaitable[None] | None:
        return None if self.ticket.passed else self.limited.limiter.wait(self.ticket)

    def done(self, response: ModelResponse) -> ModelResponse:
        taken = self.limited._sizes(response.usage, response.cost)
        self.limited.limiter.over(self.ticket, taken, headers=response.headers)
        return response

    def failed(self, error: BaseException) -> None:
        taken: Mapping[Sort, float] = {}  # who knows what a call took that nobody waited for
        if isinstance(error, ModelError):
            taken = self.limited._sizes(error.usage)
        hold = error.retry_after if isinstance(error, RateLimitError) else None
        self.limited.limiter.over(self.ticket, taken, hold=hold)


def _known(priority: Any) -> Priority:
    if priority not in ORDER:
        raise ValueError(f"a priority is one of {', '.join(ORDER)}, not {priority!r}")
    found: Priority = priority
    return found
