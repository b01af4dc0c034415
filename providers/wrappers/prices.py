"""What calls cost, by the price list of the package ``genai-prices``, which is read from disk and needs no network.

A price is linear in the tokens of each kind, except that some models cost more when more than a certain number of tokens
is read. So the package is asked once for each model and each such step what one token of each kind costs; after that a
price is a few multiplications instead of a third of a millisecond. Prices that depend on the date or the time of day
are asked for again after a minute.

A model that is not in the list has no known price: ``None``, never 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final

from ..errors import MissingPackageError
from ..messages import Usage
from ..protocol import ModelResponse

_MANY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Step:
    """What a token costs from so many tokens read on, in US dollars."""

    above: int
    call: float
    read: float
    cached: float
    cache_write: float
    written: float
    thought: float

    def of(self, usage: Usage) -> float:
        cached, stored, thought = usage.cached_tokens, usage.cache_write_tokens, usage.reasoning_tokens
        fresh, said = usage.input_tokens - cached - stored, usage.output_tokens - thought
        price = self.call + (fresh * self.read if fresh > 0 else 0) + (said * self.written if said > 0 else 0)
        if cached or stored or thought:
            price += cached * self.cached + stored * self.cache_write + thought * self.thought
        return price


class PriceList:
    """Prices of models, remembered.

    Args:
        now: Seconds, to ask again for prices that change with time.

    Example::

        prices = PriceList()
        prices.of("gpt-5", "openai", Usage(input_tokens=1000, output_tokens=200))   # 0.00325
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        # Steps by provider and model, the highest first; empty when there is no price. With the time until which they
        # hold, if they do not hold for ever.
        self._known: dict[tuple[str | None, str], tuple[tuple[_Step, ...], float | None]] = {}

    def of(self, model: str, provider: str | None, usage: Usage) -> float | None:
        """What a usage costs in US dollars; ``None`` when the model is not in the list.

        Args:
            model: The model's name, as the provider says it.
            provider: Whose price; ``None`` to tell it from the model's name.
            usage: What was taken.

        Raises:
            MissingPackageError: ``genai-prices`` is not installed.
        """
        key = (provider, model)
        found = self._known.get(key)
        if found is None or (found[1] is not None and found[1] <= self._now()):
            if len(self._known) >= 1000:  # names come from outside; that many are no list of models
                self._known.clear()
            steps, changes = _steps(model, provider)
            found = self._known[key] = (steps, self._now() + 60 if changes else None)
        for step in found[0]:
            if usage.input_tokens > step.above:
                return step.of(usage)
        return None

    def of_name(self, name: str, usage: Usage) -> float | None:
        """The same, for a model as we name it, such as ``openai:gpt-5``."""
        return self.named(name)(usage)

    def named(self, name: str) -> Callable[[Usage], float | None]:
        """What a usage costs with a model as we name it: to be asked for once, where one model is asked many times."""
        provider, colon, model = name.partition(":")
        return partial(self.of, model, provider) if colon else partial(self.of, name, None)

    def of_response(self, response: ModelResponse, name: str) -> float | None:
        """What an answer cost: as the one who made it says, else by the model that answered, else by the one asked.

        Args:
            response: The answer.
            name: The name of the model that was asked.
        """
        if response.cost is not None:
            return response.cost
        asked = response.by or name
        provider, colon, _ = asked.partition(":")
        exact = (
            self.of(response.model, provider if colon else None, response.usage) if response.model else None
        )
        return exact if exact is not None else self.of_name(asked, response.usage)


def price_of(model: str, provider: str | None, usage: Usage) -> float | None:
    """What a usage costs in US dollars; ``None`` when the model is not in the list. `PriceList` is for many.

    Args:
        model: The model's name, as the provider says it.
        provider: Whose price, such as ``openai``; ``None`` to tell it from the model's name.
        usage: What was taken.

    Raises:
        MissingPackageError: ``genai-prices`` is not installed.
    """
    return PriceList().of(model, provider, usage)


def _steps(model: str, provider: str | None) -> tuple[tuple[_Step, ...], bool]:
    """A model's steps, the highest first, and whether they change with time."""
    try:
        import genai_prices
        from genai_prices.types import TieredPrices
    except ImportError:
        raise MissingPackageError(
            "prices need the package genai-prices: pip install 'backedge[prices]'"
        ) from None

    def ask(**tokens: int) -> Any:
        return genai_prices.calc_price(genai_prices.Usage(**tokens), model, provider_id=provider)

    try:
        told = ask(input_tokens=0, output_tokens=0)
    except LookupError:
        return (), False
    tiered = [price for price in vars(told.model_price).values() if isinstance(price, TieredPrices)]
    above = sorted({tier.start for price in tiered for tier in price.tiers}, reverse=True)
    steps = tuple(_step(ask, start) for start in [*above, -1])
    return steps, isinstance(told.model.prices, list)


def _step(ask: Callable[..., Any], above: int) -> _Step:
    """What tokens cost when just more than `above` are read."""
    count = above + 1 or 1

    def price(**tokens: int) -> Decimal:
        total: Decimal = ask(**{"input_tokens": count, "output_tokens": 0, **tokens}).total_price
        return total

    call, read = price(input_tokens=0), price()
    return _Step(
        above=above,
        call=float(call),
        read=float((read - call) / count),
        cached=float((price(cache_read_tokens=count) - call) / count),
        cache_write=float((price(cache_write_tokens=count) - call) / count),
        written=float((price(output_tokens=_MANY) - read) / _MANY),
        thought=float((price(output_tokens=_MANY, output_reasoning_tokens=_MANY) - read) / _MANY),
    )
