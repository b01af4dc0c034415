"""What is told of a call of a model while it goes on: frozen events, for audits, terminals and traces."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from .errors import Attempt, ModelError
from .labels import Labels
from .messages import AnyPart, Text, Usage
from .protocol import (
    Finish,
    ModelRequest,
    ModelResponse,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from .redaction import Piecewise, Redact

_NOBODY: Final = Labels()


@dataclass(frozen=True, kw_only=True)
class _CallEvent:
    """What every event of a call says.

    Attributes:
        call: Names the call; all its events have the same.
        model: Who is asked, as we name it.
        at: When, in seconds since the epoch.
        labels: Whom it is for, as far as whoever tells it was told.
    """

    call: str
    model: str
    at: float
    labels: Labels = _NOBODY


@dataclass(frozen=True, kw_only=True)
class CallStarted(_CallEvent):
    """A model is asked.

    Attributes:
        streamed: Whether the answer is to come in pieces.
        messages: ``(role, text)`` of the conversation; empty when contents are not told.
        tools: Names of the tools it may call.
    """

    kind: Literal["start"] = "start"
    streamed: bool = False
    messages: tuple[tuple[str, str], ...] = ()
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CallDelta(_CallEvent):
    """A piece of the answer came.

    Attributes:
        part: What it is a piece of: ``text``, ``reasoning`` or ``tool_call``.
        index: Of which tool call, from 0.
        text: The words that can be told by now. The last word is held back until it is whole.
    """

    kind: Literal["delta"] = "delta"
    part: Literal["text", "reasoning", "tool_call"]
    index: int = 0
    text: str


@dataclass(frozen=True, kw_only=True)
class CallAttempt(_CallEvent):
    """One of several tries of the call, in the order they were made.

    It is told when it fails where that can be seen, as in a graph; else when the call has ended, as is the last one.

    Attributes:
        number: Which one, from 1.
        attempt: Who was asked, how it failed, and how long it took.
    """

    kind: Literal["attempt"] = "attempt"
    number: int
    attempt: Attempt


@dataclass(frozen=True, kw_only=True)
class CallEnded(_CallEvent):
    """There is an answer.

    Attributes:
        by: Who answered.
        seconds: How long the call took.
        usage: What it took, all tries together.
        cost: In US dollars; None when unknown.
        finish: Why the model stopped.
        attempts: How many tries were made.
        cached: Whether the answer came from a cache of ours.
        text: The answer; empty when contents are not told.
    """

    kind: Literal["end"] = "end"
    by: str
    seconds: float
    usage: Usage
    cost: float | None
    finish: Finish
    attempts: int
    cached: bool
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class CallFailed(_CallEvent):
    """There is no answer.

    Attributes:
        error: The kind of `ModelError`, ``cancelled`` when the call was given up or its stream left, or the name of
            another exception.
        message: What happened.
        seconds: How long the call took.
        usage: What it took nevertheless.
        attempts: How many tries were made.
    """

    kind: Literal["failed"] = "failed"
    error: str
    message: str
    seconds: float
    usage: Usage
    attempts: int


CallEvent: TypeAlias = CallStarted | CallDelta | CallAttempt | CallEnded | CallFailed

Hook: TypeAlias = Callable[[CallEvent], object]
"""Is told the events of calls. It is called in the midst of them: it should return at once."""

_NOTHING: Final = Usage()


Texts: TypeAlias = Literal["all", "pieces", "none"]
"""Which contents of a call are told."""


class Call:
    """Tells one call. Whoever makes it says what happens; exactly one of `done` and `failed` is the last word.

    Args:
        model: Who is asked.
        hook: Told the events.
        redact: Applied to every text.
        labels: Whom the call is for.
        texts: Which contents are told: ``all``; ``pieces``, which is those of streams and what errors say, but not the
            conversation and the answer as a whole; or ``none``.
        now: The time in seconds since the epoch.
        clock: Seconds, for durations.
    """

    __slots__ = (
        "_began",
        "_clock",
        "_hook",
        "_id",
        "_labels",
        "_model",
        "_now",
        "_of",
        "_pieces",
        "_redact",
        "_texts",
        "_tried",
    )

    def __init__(
        self,
        model: str,
        hook: Hook,
        *,
        redact: Redact,
        texts: Texts,
        labels: Labels = _NOBODY,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._model = model
        self._hook = hook
        self._redact = redact
        self._texts = texts
        self._labels = labels
        self._now = now
        self._clock = clock
        self._id = os.urandom(8).hex()
        self._began = clock()
        # What the last piece was a piece of, and what of it was held back.
        self._of = ("text", 0)
        self._pieces: Piecewise | None = None
        # How many tries were told before the end.
        self._tried = 0

    def started(self, request: ModelRequest, *, streamed: bool = False) -> None:
        """The model is asked."""
        told: tuple[tuple[str, str], ...] = ()
        if self._texts == "all":
            redact = self._redact
            told = tuple([(message.role, redact(_text_in(message.parts))) for message in request.messages])
        tools = tuple([tool.name for tool in request.tools])
        self._tell(CallStarted, streamed=streamed, messages=told, tools=tools)

    def came(self, event: StreamEvent) -> None:
        """A piece of the answer came."""
        if self._texts == "none":
            return
        if isinstance(event, TextDelta | ReasoningDelta):
            self._piece((event.kind, 0), event.text)
        elif isinstance(event, ToolCallDelta):
            begun = f"{event.name} " if event.name else ""  # the name is a word of its own
            self._piece((event.kind, event.index), begun + event.arguments)

    def tried(self, attempt: Attempt) -> None:
        """A try failed, and there may be another."""
        self._tried += 1
        self._tell(CallAttempt, number=self._tried, attempt=attempt)

    def done(self, response: ModelResponse) -> ModelResponse:
        """There is an answer. Gives it back."""
        self._flush()
        self._attempts(response.attempts)
        text = ""
        if self._texts == "all":
            text = self._redact(_text_in(response.message.parts))
        self._tell(
            CallEnded,
            by=response.by or self._model,
            seconds=self._clock() - self._began,
            usage=response.usage,
            cost=response.cost,
            finish=response.finish,
            attempts=len(response.attempts) or 1,
            cached=response.cached,
            text=text,
        )
        return response

    def failed(self, error: BaseException) -> None:
        """There is no answer."""
        self._flush()
        tried: tuple[Attempt, ...] = ()
        kind, usage = "cancelled", _NOTHING
        if isinstance(error, ModelError):
            kind, usage, tried = error.kind, error.usage, error.attempts
        elif isinstance(error, Exception):
            kind = type(error).__name__
        self._attempts(tried)
        self._tell(
            CallFailed,
            error=kind,
            message="" if self._texts == "none" else self._redact(str(error)),
            seconds=self._clock() - self._began,
            usage=usage,
            attempts=len(tried) or 1,
        )

    def _piece(self, of: tuple[str, int], text: str) -> None:
        if of != self._of:
            self._flush()
            self._of = of
        if self._pieces is None:
            self._pieces = Piecewise(self._redact)
        self._delta(self._pieces.take(text))

    def _flush(self) -> None:
        if self._pieces is not None:
            self._delta(self._pieces.rest())
            self._pieces = None

    def _delta(self, text: str) -> None:
        if text:
            self._tell(CallDelta, part=self._of[0], index=self._of[1], text=text)

    def _attempts(self, attempts: tuple[Attempt, ...]) -> None:
        for number, attempt in enumerate(attempts, 1):
            if number > self._tried:
                self._tell(CallAttempt, number=number, attempt=attempt)

    def _tell(self, kind: type[CallEvent], **told: Any) -> None:
        # Not by its `__init__`, which sets each field of a frozen class by a call of its own.
        event = object.__new__(kind)
        event.__dict__.update(
            told, kind=kind.kind, call=self._id, model=self._model, at=self._now(), labels=self._labels
        )
        self._hook(event)


def _text_in(parts: tuple[AnyPart, ...]) -> str:
    """Parts as they are told, a line each."""
    if len(parts) == 1:
        part = parts[0]
        return part.text if type(part) is Text else _text_of(part)
    return "\n".join(map(_text_of, parts))


def _text_of(part: AnyPart) -> str:
    """A part as it is told; pictures and files by their size or address."""
    match part.kind:
        case "text" | "code" | "reasoning" | "tool_result":
            return part.text
        case "tool_call":
            return f"{part.name} {part.arguments}"
        case "other":
            return f"<{part.origin}>"
        case _:
            return str(part)
