"""Traces: each call of a model as a span of OpenTelemetry, named by its conventions for generative models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..calls import CallAttempt, CallDelta, CallEnded, CallEvent, CallFailed, CallStarted
from ..errors import MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NANO = 1_000_000_000


class Spans:
    """A hook for `Audited` that makes a span of each call, below the span that is current where the call is made.

    Contents are not put into spans: neither the conversation nor the answer, nor messages of errors.

    Args:
        tracer: A tracer of OpenTelemetry's, such as ``trace.get_tracer("app")``.

    Raises:
        MissingPackageError: OpenTelemetry is not installed.

    Example::

        model = Audited(model, Spans(trace.get_tracer("app")), texts=False)
    """

    def __init__(self, tracer: Any) -> None:
        try:
            from opentelemetry.trace import SpanKind, StatusCode
        except ImportError:
            raise MissingPackageError(
                "spans need the package opentelemetry-api: pip install opentelemetry-api"
            ) from None
        self._tracer = tracer
        self._kind: Any = SpanKind.CLIENT
        self._error: Any = StatusCode.ERROR
        # Those under way, by their call.
        self._open: dict[str, Any] = {}

    def __call__(self, event: CallEvent) -> None:
        """Put an event of a call into its span."""
        if isinstance(event, CallStarted):
            self._open[event.call] = self._tracer.start_span(
                f"chat {event.model}",
                kind=self._kind,
                attributes=_begun(event),
                start_time=int(event.at * _NANO),
            )
            return
        if isinstance(event, CallDelta) or (span := self._open.get(event.call)) is None:
            return
        if isinstance(event, CallAttempt):
            span.add_event("attempt", _tried(event), timestamp=int(event.at * _NANO))
            return
        del self._open[event.call]
        span.set_attributes(_ended(event))
        if isinstance(event, CallFailed):
            span.set_status(self._error)
        span.end(end_time=int(event.at * _NANO))


def _begun(event: CallStarted) -> Mapping[str, Any]:
    provider, colon, model = event.model.partition(":")
    labels = event.labels
    whom = {"run": labels.run, "node": labels.node, "activation": labels.activation}
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": model if colon else event.model,
        **({"gen_ai.provider.name": provider} if colon else {}),
        **({"gen_ai.agent.name": labels.agent} if labels.agent else {}),
        **{f"backedge.{name}": value for name, value in whom.items() if value},
    }


def _tried(event: CallAttempt) -> Mapping[str, Any]:
    one = event.attempt
    return {
        "backedge.model": one.model,
        "backedge.seconds": one.seconds,
        "backedge.waited": one.waited,
        **({"error.type": one.error} if one.error else {}),
    }


def _ended(event: CallEnded | CallFailed) -> Mapping[str, Any]:
    usage = event.usage
    common = {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "backedge.attempts": event.attempts,
    }
    if isinstance(event, CallFailed):
        return {**common, "error.type": event.error}
    return {
        **common,
        "gen_ai.response.finish_reasons": (event.finish,),
        "backedge.by": event.by,
        "backedge.cached": event.cached,
        **({"backedge.cost": event.cost} if event.cost is not None else {}),
    }
