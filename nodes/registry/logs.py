"""What an agent's jobs told, as lines: the last so many of them."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

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

_LONGEST: Final = 500  # characters of a line


class LogLine(NamedTuple):
    """One line.

    Attributes:
        at: When, in seconds since the epoch.
        job: The job that told it; empty for the agent itself.
        text: What happened.
    """

    at: float
    job: str
    text: str


class Log:
    """The last lines of one agent."""

    def __init__(self, size: int) -> None:
        self._lines: deque[LogLine] = deque(maxlen=size)

    def add(self, at: float, job: str, text: str) -> None:
        """Add a line; the oldest one falls out where there are too many."""
        short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
        self._lines.append(LogLine(at, job, short))

    @property
    def lines(self) -> tuple[LogLine, ...]:
        """The lines, oldest first."""
        return tuple(self._lines)


def line_of(event: Event) -> str | None:
    """An event as a line; None for what is not worth one."""
    match event:
        case ActivationStarted():
            return f"{event.activation} began" + (f", attempt {event.attempt}" if event.attempt > 1 else "")
        case ActivationFinished():
            return f"{event.activation} finished in {event.seconds:.2f} s"
        case ActivationFailed():
            again = "" if event.final or event.taken else "; it is tried again"
            return f"{event.activation} failed: {event.error.type_name}: {event.error.message}{again}"
        case ActivationSuspended():
            return f"{event.activation} waits for {', '.join(one.text for one in event.waits) or 'something'}"
        case ActivationCancelled():
            return f"{event.activation} cancelled"
        case CustomEvent():
            told = _emitted(event.data)
            return None if told is None else f"{event.activation}: {told}"
        case EventsDropped():
            return f"({event.count} events came too fast to be kept)"
        case _:
            return None


def _emitted(data: object) -> str | None:
    from .emitted import line_of_emitted  # models and agents are loaded only where something is emitted

    return line_of_emitted(data)
