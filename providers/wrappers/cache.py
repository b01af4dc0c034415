"""A model that does not ask twice: answers are kept by the content of their request.

An answer from the cache says ``cached=True``, and took nothing: its usage is empty and its cost 0, so that whatever counts
around it counts right. What it took when it was made is in `CacheStats`. Only finished good answers are kept: neither cut
off, nor refused, nor filtered, nor paused ones. All of the request is part of the key, temperature included.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple

from ..around import Around
from ..messages import Usage
from ..protocol import Finished, Model, ModelRequest, ModelResponse, StreamEvent
from ..recorded import pieces_of
from .digests import digest_of
from .flights import Flights, LeftError
from .stores import CacheError, MemoryStore, Store, Stored
from .tries import broken, opened

_log: Final = logging.getLogger(__name__)
_GOOD: Final = ("stop", "tool_calls")


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What a cache did.

    Attributes:
        hits: Answers that were in the store.
        joined: Answers that were shared with an equal request under way at the same time.
        misses: Calls that were made.
        stored: Answers that were put into the store.
        failures: Times the store could not be read or written.
        saved_cost: US dollars that hits and shared answers would have cost, as far as known.
        saved_unpriced: Those of them whose cost is not known.
        saved: The tokens they would have taken.
    """

    hits: int = 0
    joined: int = 0
    misses: int = 0
    stored: int = 0
    failures: int = 0
    saved_cost: float = 0.0
    saved_unpriced: int = 0
    saved: Usage = field(default_factory=Usage)


class Cached(Around):
    """A model whose answers are kept and given again. Equal requests at the same time become one call.

    Put it around what says the cost of an answer, else the saved cost is not known.

    Args:
        model: The model to ask.
        store: Where answers are kept; by default in memory, the last thousand.
        ttl: Seconds for which an answer may be given again; ``None`` for ever.
        now: Seconds since 1970.

    Example::

        async with Cached(Priced(model("openai:gpt-5")), store=SqliteStore("answers.db"), ttl=86400) as cached:
            answer = await cached.respond(request)
    """

    def __init__(
        self,
        model: Model,
        *,
        store: Store | None = None,
        ttl: float | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        if ttl is not None and not ttl > 0:
            raise ValueError(f"ttl is a number of seconds above 0, not {ttl!r}")
        super().__init__(model)
        self._store: Store = MemoryStore() if store is None else store
        self._ttl = ttl
        self._now = now
        self._flights: Flights[_Found] = Flights()
        self._counts = _Counts()

    @property
    def stats(self) -> CacheStats:
        """What it did until now."""
        return self._counts.stats

    async def aclose(self) -> None:
        """Close what the model inside has open, and the store."""
        await super().aclose()
        await self._store.aclose()

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request, from the cache if it can."""
        key = digest_of(request, self._name)
        flight, ours = self._flights.take(key)
        while not ours:
            try:
                shared = await flight.end()
            except LeftError:
                flight, ours = self._flights.take(key)
            else:
                return self._saved(shared)
        try:
            found = await self._look(key) or await self._keep(key, await self._model.respond(request))
        except BaseException as error:
            self._flights.crash(flight, error)
            raise
        self._flights.land(flight, found)
        return self._led(found)

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece; what comes from the cache comes in few pieces."""
        key = digest_of(request, self._name)
        flight, ours = self._flights.take(key)
        while not ours:
            try:
                shared = await flight.end()
            except LeftError:
                flight, ours = self._flights.take(key)
            else:
                for event in _events(self._saved(shared)):
                    yield event
                return
        try:
            found = await self._look(key)
            if found is None:
                async with opened(self._model, request) as events:
                    async for event in events:
                        if isinstance(event, Finished):
                            found = await self._keep(key, event.response)
                            break
                        yield event
            if found is None:
                raise broken(self._model)
        except BaseException as error:
            self._flights.crash(flight, error)
            raise
        self._flights.land(flight, found)
        response = self._led(found)
        for event in _events(response) if response.cached else [Finished(response=response)]:
            yield event

    async def _look(self, key: str) -> _Found | None:
        try:
            stored = await self._store.get(key)
        except CacheError as error:
            self._counts.failed(error)
            return None
        if stored is None or (stored.expires is not None and stored.expires <= self._now()):
            return None
        return _Found(stored.response, "store")

    async def _keep(self, key: str, response: ModelResponse) -> _Found:
        if response.finish in _GOOD:
            kept = response.model_copy(update={"headers": {}}) if response.headers else response
            expires = None if self._ttl is None else self._now() + self._ttl
            try:
                await self._store.put(key, Stored(kept, expires))
                self._counts.stored += 1
            except CacheError as error:
                self._counts.failed(error)
        return _Found(response, "model")

    def _led(self, found: _Found) -> ModelResponse:
        """The answer as the one gets it who made the call: from the model as it is, and paid for."""
        if found.where == "store":
            return self._saved(found)
        self._counts.misses += 1
        return found.response

    def _saved(self, found: _Found) -> ModelResponse:
        """The answer as all others get it: for nothing."""
        self._counts.saved(found)
        free = {"cached": True, "usage": Usage(), "cost": 0.0, "attempts": (), "headers": {}}
        return found.response.model_copy(update=free)


class _Found(NamedTuple):
    """An answer, and where it is from."""

    response: ModelResponse
    where: Literal["store", "model"]


class _Counts:
    """Growing `CacheStats`."""

    def __init__(self) -> None:
        self._stats = CacheStats()
        self.misses = self.stored = 0

    @property
    def stats(self) -> CacheStats:
        return replace(self._stats, misses=self.misses, stored=self.stored)

    def failed(self, error: CacheError) -> None:
        if not self._stats.failures:
            _log.warning("%s; the cache goes on without it", error)
        self._stats = replace(self._stats, failures=self._stats.failures + 1)

    def saved(self, found: _Found) -> None:
        stats, response = self._stats, found.response
        self._stats = replace(
            stats,
            hits=stats.hits + (found.where == "store"),
            joined=stats.joined + (found.where == "model"),
            saved_cost=stats.saved_cost + (response.cost or 0.0),
            saved_unpriced=stats.saved_unpriced + (response.cost is None),
            saved=stats.saved + response.usage,
        )


def _events(response: ModelResponse) -> list[StreamEvent]:
    return [*pieces_of(response), Finished(response=response)]
