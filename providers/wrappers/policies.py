"""Whom to ask first: policies over a table of candidates, each a small function or object.

A policy gets the rows of the table and the request, and gives the rows in the order to ask them. It may leave rows out.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from ..protocol import Model, ModelRequest
from .sizes import expected


class Row(NamedTuple):
    """A candidate as it stands when a call is to be made.

    Attributes:
        model: The model.
        limit: The most tokens it can read and write in one call; None when unknown.
        weight: Its share of calls beside the other weights.
        latency: Seconds a call takes, on a moving average; None before the first.
        resting: Whether it failed so lately that it is put back.
    """

    model: Model
    limit: int | None = None
    weight: float = 1.0
    latency: float | None = None
    resting: bool = False


Policy: TypeAlias = Callable[[Sequence[Row], ModelRequest], Sequence[Row]]
"""Gives the rows in the order to ask them."""

Price: TypeAlias = Callable[[Model, ModelRequest], float | None]
"""What a request would cost with a model, in any currency; None when unknown."""


def in_order(rows: Sequence[Row], request: ModelRequest) -> Sequence[Row]:
    """As they were given."""
    return rows


def by_latency(rows: Sequence[Row], request: ModelRequest) -> Sequence[Row]:
    """The quickest first; those never measured before all others, so that they are."""
    return sorted(rows, key=lambda row: -1.0 if row.latency is None else row.latency)


def by_cost(price: Price) -> Policy:
    """The cheapest first; those with an unknown price last.

    Args:
        price: What a request would cost with a model.

    Example::

        by_cost(lambda model, request: {"large": 5.0, "small": 0.5}.get(model.name))
    """

    def policy(rows: Sequence[Row], request: ModelRequest) -> Sequence[Row]:
        def cost(row: Row) -> float:
            found = price(row.model, request)
            return math.inf if found is None else found

        return sorted(rows, key=cost)

    return policy


def fitting(then: Policy = in_order, *, size: Callable[[ModelRequest], int] | None = None) -> Policy:
    """Only those whose limit the request keeps, in the order of another policy.

    Those without a known limit are taken to fit. When none fits, the one with the largest limit is asked: sizes are
    estimates.

    Args:
        then: Orders those that fit.
        size: How many tokens a request reads and writes; by default estimated from its length.
    """
    measure = size or _size

    def policy(rows: Sequence[Row], request: ModelRequest) -> Sequence[Row]:
        wanted = measure(request)
        fit = [row for row in rows if row.limit is None or row.limit >= wanted]
        return then(fit, request) if fit else sorted(rows, key=lambda row: -(row.limit or 0))[:1]

    return policy


def by_context(*, size: Callable[[ModelRequest], int] | None = None) -> Policy:
    """The smallest limit that the request keeps first; see `fitting`. Unknown limits last."""
    return fitting(
        lambda rows, request: sorted(rows, key=lambda row: math.inf if row.limit is None else row.limit),
        size=size,
    )


class RoundRobin:
    """Each begins once before one begins again."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(self, rows: Sequence[Row], request: ModelRequest) -> Sequence[Row]:
        """The next one first, then those after it."""
        if not rows:
            return rows
        place = self._next % len(rows)
        self._next += 1
        return [*rows[place:], *rows[:place]]


class Weighted:
    """A draw by the candidates' weights; the rest follow by further draws.

    Args:
        seed: Makes the draws the same each time.
    """

    def __init__(self, *, seed: int | None = None) -> None:
        self._chance = random.Random(seed)  # noqa: S311  # spreads calls, keeps no secret

    def __call__(self, rows: Sequence[Row], request: ModelRequest) -> Sequence[Row]:
        """A random order in which each next one is drawn by weight (Efraimidis and Spirakis, 2006).

        Those with weight 0 come last, as they were given.
        """
        keys = {id(row): _key(row.weight, self._chance.random()) for row in rows}
        return sorted(rows, key=lambda row: keys[id(row)])


def _key(weight: float, drawn: float) -> float:
    """An exponential variate of this rate: the least of several is each one's with the probability of its weight."""
    return -math.log(1.0 - drawn) / weight if weight > 0 else math.inf


def _size(request: ModelRequest) -> int:
    usage = expected(request, output=0)
    return usage.input_tokens + usage.output_tokens
