"""What a run has told so far, as a person watches it: folded from its events, without any I/O."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from backedge.engine.execution.events import (
    ActivationCancelled,
    ActivationFailed,
    ActivationFinished,
    ActivationStarted,
    ActivationSuspended,
    CustomEvent,
    Event,
    EventsDropped,
)

from .console import cut, span
from .waiting import kind_of

if TYPE_CHECKING:
    from backedge.providers.calls import CallEvent

_CALLS: Final = "backedge.providers.calls"


def targets(edges: Sequence[str]) -> str:
    """Where taken edges lead, and what they cancel: ``checker, END; cancels slow``."""
    led = dict.fromkeys(_target(edge) for edge in edges if not edge.endswith("!cancel"))
    gone = dict.fromkeys(_target(edge) for edge in edges if edge.endswith("!cancel"))
    told = [", ".join(led)] if led else []
    return "; ".join([*told, f"cancels {', '.join(gone)}"] if gone else told)


def _target(edge: str) -> str:
    return (edge.rpartition("->")[2] or edge).removesuffix("!cancel")


def line_of(event: Event) -> str | None:
    """An event as one line for a log; None for what is not worth one."""
    match event:
        case ActivationFinished():
            return f"{event.activation} finished in {span(event.seconds)}{_leads(event.taken)}"
        case ActivationFailed():
            told = cut(f"{event.error.type_name}: {event.error.message}", 300)
            after = f" (attempt {event.attempt}, {span(event.seconds)})"
            return f"{event.activation} failed{after}: {told}{_after_failure(event)}"
        case ActivationSuspended():
            return f"{event.activation} {_waits(event)}"
        case ActivationCancelled():
            return f"{event.activation} cancelled"
        case CustomEvent():
            line = emitted(event.data)
            return None if line is None else f"{event.activation}: {line}"
        case EventsDropped():
            return f"({event.count} events came too fast to be shown)"
        case _:
            return None


def emitted(data: object) -> str | None:
    """What a node emitted, on one line; None for what is not worth one."""
    if type(data).__module__ == _CALLS:
        from .told_calls import line_of_call  # models are loaded only where a run has some

        return line_of_call(cast("CallEvent", data))
    if not isinstance(data, str):
        try:
            data = json.dumps(data, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            data = repr(data)
    return cut(data, 300)


def _leads(taken: Sequence[str]) -> str:
    return f" -> {targets(taken)}" if taken else ""


def _waits(event: ActivationSuspended) -> str:
    what = ", ".join(f"{kind_of(each)} {cut(each.text, 60)}" for each in event.waits)
    return f"waits for {what or 'something'}"


def _after_failure(event: ActivationFailed) -> str:
    if event.taken:
        return _leads(event.taken)
    return "" if event.final else "; it is tried again"


@dataclass(slots=True)
class NodeProgress:
    """One node's line.

    Attributes:
        running: Activations under way, and when each began.
        waiting: Activations that were let go of, and what for.
        finished: How many finished.
        failed: How many attempts failed.
        last: What happened last.
        touched: When it was heard of last, counted in events.
    """

    running: dict[str, float] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    finished: int = 0
    failed: int = 0
    last: str = ""
    touched: int = 0


@dataclass(slots=True)
class Progress:
    """What is known of a run by its events.

    Attributes:
        nodes: Each node that has begun, in the order of their first activations.
        heard: How many events were heard.
    """

    nodes: dict[str, NodeProgress] = field(default_factory=dict)
    heard: int = 0

    def hear(self, event: Event) -> None:
        """Take an event in."""
        self.heard += 1
        if not isinstance(
            event,
            ActivationStarted
            | ActivationFinished
            | ActivationFailed
            | ActivationSuspended
            | ActivationCancelled,
        ):
            return
        name, node = str(event.activation), self._node(event.activation.node)
        node.running.pop(name, None)
        node.waiting.pop(name, None)
        match event:
            case ActivationStarted():
                node.running[name] = event.at
            case ActivationFinished():
                node.finished += 1
                node.last = f"{name}{_leads(event.taken)}"
            case ActivationFailed():
                node.failed += 1
                node.last = f"{event.error.type_name}{_after_failure(event)}"
            case ActivationSuspended():
                node.waiting[name] = _waits(event)
            case ActivationCancelled():
                node.last = f"{name} cancelled"

    @property
    def finished(self) -> int:
        """How many activations finished."""
        return sum(node.finished for node in self.nodes.values())

    @property
    def running(self) -> int:
        """How many are under way."""
        return sum(len(node.running) for node in self.nodes.values())

    def rows(self, now: float, most: int) -> list[tuple[str, str, str, str]]:
        """A row for each node: name, counts, what is under way, what happened last.

        Args:
            now: Seconds since the epoch.
            most: How many rows there is room for; the nodes touched last are shown.
        """
        latest = sorted(self.nodes, key=lambda name: self.nodes[name].touched)[-most:]
        return [
            (name, _counts(node), _under_way(node, now), node.last)
            for name, node in self.nodes.items()
            if name in latest
        ]

    def _node(self, name: str) -> NodeProgress:
        node = self.nodes.setdefault(name, NodeProgress())
        node.touched = self.heard
        return node


def _counts(node: NodeProgress) -> str:
    return f"{node.finished}" + (f" (+{node.failed} failed)" if node.failed else "")


def _under_way(node: NodeProgress, now: float) -> str:
    if not node.running:
        return _rests(node)
    first, began = next(iter(node.running.items()))
    more = f" and {len(node.running) - 1} more" if len(node.running) > 1 else ""
    return f"{first}{more}, {max(now - began, 0.0):.1f} s"


def _rests(node: NodeProgress) -> str:
    if not node.waiting:
        return ""
    first, what = next(iter(node.waiting.items()))
    more = f" and {len(node.waiting) - 1} more" if len(node.waiting) > 1 else ""
    return f"{first}{more} wait" if more else f"{first} {what}"
