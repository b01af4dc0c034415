"""Leave an endpoint alone that fails again and again: a model around a model, with a circuit that opens.

*Closed*, calls pass and failures are counted. *Open*, after too many, calls are refused at once for a while. Then it is
*half-open*: one call passes as a probe; its success closes the circuit, its failure opens it again.
After M. Nygard, *Release It!*, and Microsoft's circuit breaker pattern.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from typing import Final, Literal, NamedTuple

from ..around import Around
from ..errors import CircuitOpenError, ModelError
from ..protocol import Model, ModelRequest, ModelResponse, StreamEvent
from .through import respond_through, stream_through

ENDPOINT_KINDS: Final = frozenset({"server", "overloaded", "timeout", "connection", "broken stream"})
"""Kinds of errors that speak against an endpoint. Add ``"rate limit"`` to rest when it asks for rest."""


class Circuit:
    """The state of one endpoint. Models that share an endpoint may share its circuit.

    Errors of other kinds than `kinds` count neither for nor against the endpoint.

    Args:
        failures: It opens after so many failures in a row; None for no such limit.
        share: It opens when this share of the last `window` calls failed, such as 0.5; None for no such limit.
        window: How many calls `share` is about; there must have been so many.
        pause: Seconds that it stays open.
        kinds: What counts as a failure, by `ModelError.kind`.
        now: The time in seconds.

    Attributes:
        failures: Failures in a row at this moment.
        opened_at: When it was opened last, by `now`; None when it is closed.

    Raises:
        ValueError: A number makes no sense.
    """

    def __init__(
        self,
        *,
        failures: int | None = 5,
        share: float | None = None,
        window: int = 20,
        pause: float = 30.0,
        kinds: Collection[str] = ENDPOINT_KINDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        wrong = (
            (failures is not None and failures < 1)
            or (share is not None and not 0 < share <= 1)
            or window < 1
            or pause < 0
        )
        if wrong:
            raise ValueError(
                "a circuit wants failures= from 1, share= above 0 up to 1, window= from 1 and pause= from 0, "
                f"not {failures!r}, {share!r}, {window!r} and {pause!r}"
            )
        self.failures = 0
        self.opened_at: float | None = None
        self._most = failures
        self._share = share
        self._pause = pause
        self._kinds = frozenset(kinds)
        self._now = now
        # Whether each of the last calls failed, since the circuit was closed.
        self._last: deque[bool] = deque(maxlen=window)
        # Counts how often the circuit changed: what was begun before a change says nothing about the time after it.
        self._era = 0
        # The probe is under way.
        self._probing = False
        # Why it was opened.
        self._why = ""

    @property
    def state(self) -> Literal["closed", "open", "half-open"]:
        """Whether calls pass (closed), are refused (open), or one may pass (half-open)."""
        if self.opened_at is None:
            return "closed"
        return "open" if self.rest > 0 else "half-open"

    @property
    def rest(self) -> float:
        """Seconds that calls are refused from now on."""
        return 0.0 if self.opened_at is None else max(0.0, self.opened_at + self._pause - self._now())

    def enter(self, name: str = "") -> int:
        """Let a call begin; hand what this returns to one of the methods below when it ends.

        Raises:
            CircuitOpenError: The endpoint is left alone; `retry_after` is the rest of the pause.
        """
        if self.opened_at is not None:
            rest = self.rest
            if rest > 0 or self._probing:
                why = f"for {rest:.1f} s" if rest > 0 else "until the call that probes it has ended"
                told = f"the endpoint is left alone {why}: {self._why}"
                raise CircuitOpenError(told, model=name, retry_after=rest if rest > 0 else None)
            self._probing = True
        return self._era

    def succeeded(self, era: int) -> None:
        """The call was answered."""
        if era != self._era:
            return
        self.failures = 0
        if self._probing:
            self._change(None)
        else:
            self._last.append(False)

    def failed(self, era: int, kind: str) -> None:
        """The call failed with this kind of error."""
        if kind not in self._kinds:
            self.left(era)
            return
        if era != self._era:
            return
        self.failures += 1
        self._last.append(True)
        why = f"the call that probed it failed too ({kind})" if self._probing else self._too_many()
        if why:
            self._why = why
            self._change(self._now())

    def left(self, era: int) -> None:
        """The call was left, or ended in a way that says nothing about the endpoint: another may probe."""
        if era == self._era:
            self._probing = False

    def _too_many(self) -> str:
        """What the limits say against it; nothing when they are kept."""
        if self._most is not None and self.failures >= self._most:
            return f"it failed {self.failures} times in a row"
        last, failed = self._last, sum(self._last)
        if self._share is not None and len(last) == last.maxlen and failed >= self._share * len(last):
            return f"{failed} of the last {len(last)} calls failed"
        return ""

    def _change(self, opened_at: float | None) -> None:
        self.opened_at = opened_at
        self._era += 1
        self._probing = False
        self._last.clear()


class CircuitBreaker(Around):
    """A model that is left alone for a while after it failed too often.

    Args:
        model: Who is asked.
        circuit: The endpoint's state, with its limits; share one between models of one endpoint. By default an own one.

    Attributes:
        circuit: The endpoint's state.

    Example::

        endpoint = Circuit(failures=3, pause=60)
        large, small = CircuitBreaker(large, circuit=endpoint), CircuitBreaker(small, circuit=endpoint)
        endpoint.state  # "closed"
    """

    def __init__(self, model: Model, *, circuit: Circuit | None = None) -> None:
        super().__init__(model)
        self.circuit = circuit or Circuit()

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request, unless the circuit is open.

        Raises:
            CircuitOpenError: Nothing was sent.
        """
        return await respond_through(self._model, request, self._enter)

    def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece, unless the circuit is open.

        Raises:
            CircuitOpenError: Nothing was sent.
        """
        return stream_through(self._model, request, self._enter)

    def _enter(self, request: ModelRequest) -> _Passage:
        return _Passage(self.circuit, self.circuit.enter(self._name))


class _Passage(NamedTuple):
    """A call that was let through."""

    circuit: Circuit
    era: int

    def done(self, response: ModelResponse) -> ModelResponse:
        self.circuit.succeeded(self.era)
        return response

    def failed(self, error: BaseException) -> None:
        if isinstance(error, ModelError):
            self.circuit.failed(self.era, error.kind)
        else:
            self.circuit.left(self.era)
