"""Choose for each call whom to ask: a model around several models, a policy, and what was seen of each lately."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass

from ..around import Among
from ..errors import ModelError
from ..protocol import Model, ModelRequest, ModelResponse, StreamEvent
from .ordered import OURS, respond_in_order, stream_in_order
from .policies import Policy, RoundRobin, Row


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may be chosen.

    Attributes:
        model: The model.
        limit: The most tokens it can read and write in one call; None when unknown.
        weight: Its share of calls beside the other weights.
    """

    model: Model
    limit: int | None = None
    weight: float = 1.0


class _Standing:
    """What was seen of one candidate."""

    __slots__ = ("candidate", "failures", "latency", "rests_until")

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        # Seconds a call takes, on a moving average.
        self.latency: float | None = None
        # Failures in a row that speak against the model, not against the request.
        self.failures = 0
        # It is put back until then; None when it is not.
        self.rests_until: float | None = None


class Router(Among):
    """One of several models, chosen for each call.

    The policy orders the candidates. Those that failed lately are put back behind all others, still in that order. When
    the first fails the next is asked, `tries` at most; the response says `by` whom it is and holds the failed tries.

    Latency is what a model took for whole answers, a stream's listener not counted: each new one weighs a fifth.

    Args:
        models: Models, or candidates with limits and weights.
        policy: Orders them: `by_cost`, `by_latency`, `by_context`, `RoundRobin`, `Weighted`, or a function of your own.
        tries: How many are asked for one call at most; None for all.
        failures: A candidate is put back after so many failures in a row.
        pause: Seconds for which it is put back, or longer if it asks for more, but for no more than ten times that.
        kinds: Errors after which the next is asked, by `ModelError.kind`; by default all.
        but: Errors that the request itself is to blame for: they are raised, and speak against no model.
        name: What to call it; by default the names of all, with ``|`` between them.
        now: The time in seconds.

    Raises:
        ValueError: There is no model, or a number makes no sense.

    Example::

        model = Router([Candidate(large, limit=200_000), Candidate(small, limit=32_000)], policy=by_context())
    """

    def __init__(
        self,
        models: Sequence[Model | Candidate],
        *,
        policy: Policy | None = None,
        tries: int | None = None,
        failures: int = 1,
        pause: float = 30.0,
        kinds: Collection[str] | None = None,
        but: Collection[str] = OURS,
        name: str = "",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        candidates = [one if isinstance(one, Candidate) else Candidate(one) for one in models]
        if not candidates or failures < 1 or pause < 0 or (tries is not None and tries < 1):
            raise ValueError(
                "a router wants one model at least, failures= and tries= from 1 and pause= from 0, "
                f"not {len(candidates)} models, {failures!r}, {tries!r} and {pause!r}"
            )
        self._standings = tuple(_Standing(one) for one in candidates)
        within = [one.model for one in candidates]
        super().__init__(within, name=name or "|".join(one.name for one in within))
        self._policy = policy or RoundRobin()
        self._tries = tries
        self._failures = failures
        self._pause = pause
        self._kinds = None if kinds is None else frozenset(kinds)
        self._but = frozenset(but)
        self._now = now

    @property
    def table(self) -> tuple[Row, ...]:
        """The candidates as they stand now."""
        now = self._now()
        pairs = zip(self._models, self._standings, strict=True)
        return tuple([_row(model, standing, now) for model, standing in pairs])

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """The answer of the one chosen, or of one after it.

        Raises:
            AllFailedError: There is none. A single model's error, and one that is not gone on after, comes as it is.
        """
        return await respond_in_order(
            self._order(request),
            request,
            goes_on=self._goes_on,
            now=self._now,
            note=self._seen,
            watch=self._watch,
        )

    def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """The answer of the one chosen, piece by piece.

        Raises:
            AllFailedError: There is none; see `respond`.
        """
        return stream_in_order(
            self._order(request),
            request,
            goes_on=self._goes_on,
            now=self._now,
            note=self._seen,
            watch=self._watch,
        )

    def _seat(self, models: Sequence[Model]) -> None:
        """These are asked; what was seen of each stands at its place."""
        super()._seat(models)
        self._places = {id(model): place for place, model in enumerate(self._models)}

    def _order(self, request: ModelRequest) -> list[Model]:
        rows = self._policy(self.table, request)
        order = [row.model for row in rows if not row.resting]
        if len(order) < len(rows):
            order += [row.model for row in rows if row.resting]
        if not order:
            raise ValueError(f"{self._name}: the policy {self._policy!r} left no model to ask")
        return order[: self._tries]

    def _goes_on(self, error: ModelError) -> bool:
        if error.kind in self._but:
            return False
        return self._kinds is None or error.kind in self._kinds

    def _seen(self, model: Model, seconds: float, error: ModelError | None) -> None:
        standing = self._standings[self._places[id(model)]]
        if error is None:
            known = standing.latency
            standing.latency = seconds if known is None else known + (seconds - known) / 5
            standing.failures, standing.rests_until = 0, None
        elif error.kind not in self._but:
            standing.failures += 1
            if standing.failures >= self._failures:
                asked = min(error.retry_after or 0.0, 10 * self._pause)
                standing.rests_until = self._now() + max(self._pause, asked)


def _row(model: Model, standing: _Standing, now: float) -> Row:
    one = standing.candidate
    resting = standing.rests_until is not None and now < standing.rests_until
    return Row(model, one.limit, one.weight, standing.latency, resting)
