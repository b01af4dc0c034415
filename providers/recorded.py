"""A model whose calls are effects of the node that makes them: journaled, and not paid for twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import asdict
from typing import Any, Final, Protocol, Self

from .calls import Call, CallEvent, Hook, Texts
from .errors import Attempt, ModelError, StreamBrokenError, error_types
from .labels import Labels, labelled, labels_of
from .messages import Frozen, Usage
from .past import Past, remembering
from .protocol import (
    Finished,
    Model,
    ModelRequest,
    ModelResponse,
    Piece,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from .redaction import redact_keys
from .watching import Watch, watched


class Effectful(Protocol):
    """What a node's context can do for a model: a durable call."""

    @property
    def step(self) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Calls a function once and gives what was recorded ever after."""


class Recordable:
    """Base of models that nodes use as resources: each activation gets one whose calls are journaled."""

    def for_activation(self: Self, context: Effectful) -> RecordedModel:
        """The model as one activation of a node uses it; what it wraps is told the run, the node and the activation."""
        return RecordedModel(self.labelled(**labels_of(context)), context)  # type: ignore[arg-type]  # whoever derives from this is a model

    def labelled(self, **labels: str) -> Self:
        """The same model, told whom its calls are for: any of ``run``, ``node``, ``activation`` and ``agent``.

        Of wrappers that count by these, and of those around them, a copy that shares all else; others are given as
        they are.
        """
        return self

    def watched(self, watch: Watch) -> Self:
        """The same model, telling of each try of a call that fails, before the next one is begun.

        Of wrappers that try again or go on to another model, and of those around them, a copy that shares all else;
        others are given as they are.
        """
        return self

    def remembering(self, past: Past) -> Self:
        """The same model, told what its run asked for before this process went on with it.

        Of wrappers that sum up over all processes, and of those around them, a copy that shares all else; others are
        given as they are.
        """
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The model itself: its connections belong to an event loop, and its key to nobody else."""
        return self

    async def aclose(self) -> None:
        """Close what is open, if anything is; the next call opens it again."""

    async def __aenter__(self) -> Self:
        """Nothing is opened before it is needed; leaving closes it."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


FAILED_TRY: Final = "failed try of "
"""How the records of failed tries are called, before the model's name."""


class FailedTry(Frozen):
    """A try that failed, as it is recorded: with the next one, or the end, still to come.

    Attributes:
        model: Who was asked.
        error: The kind of its error.
        seconds: How long it took.
        waited: Seconds that were waited before it.
        usage: What it took nevertheless.
        at: When it failed, in seconds since the epoch.
    """

    model: str
    error: str
    seconds: float
    waited: float
    usage: Usage
    at: float


class RecordedModel:
    """A model as one activation sees it; `Recordable` makes them.

    The record of a call is made when it has ended, and holds all its tries. So that a process which dies while it waits
    for the next one does not take them with it, each try that fails gets a record of its own at once: a step called
    ``failed try of NAME``, whose result is a `FailedTry`. Nobody looks these up when the body runs again: the call
    is made anew.

    If the context can `emit`, the events of each call (see `backedge.providers.calls`) are emitted as it goes on: its
    start without the conversation, the pieces of a stream, its tries and its end, with what looks like a secret masked.
    A recorded answer is told of no more.
    """

    def __init__(self, model: Model, context: Effectful, *, labels: Labels | None = None) -> None:
        past: Past | None = getattr(context, "past", None)
        self._model = model if past is None else remembering(model, past)
        self._context = context
        self._emit: Hook | None = getattr(context, "emit", None)
        self._labels = Labels(**labels_of(context)) if labels is None else labels

    @property
    def name(self) -> str:
        """What to call it in messages and records."""
        return self._model.name

    def labelled(self, **labels: str) -> RecordedModel:
        """The same model, told whom its calls are for, such as an ``agent``; its events say so."""
        return RecordedModel(labelled(self._model, labels), self._context, labels=self._labels.told(labels))

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request, or give the recorded answer.

        Raises:
            ModelError: There is no answer, now or when it was recorded.
        """

        async def call(request: ModelRequest) -> ModelResponse:
            with self._told(request) as told:
                response = await self._watched(told).respond(request)
                return told.done(response)

        response: ModelResponse = await self._step(call, request)
        return response

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Answer one request piece by piece; a recorded answer comes in few pieces.

        Raises:
            ModelError: There is no answer, now or when it was recorded.
        """
        pieces: asyncio.Queue[StreamEvent | None] = asyncio.Queue()
        live = False

        async def call(request: ModelRequest) -> ModelResponse:
            nonlocal live
            live = True
            with self._told(request, streamed=True) as told:
                async with aclosing(self._watched(told).stream(request)) as events:  # type: ignore[type-var]
                    async for event in events:
                        if isinstance(event, Finished):
                            return told.done(event.response)
                        told.came(event)
                        pieces.put_nowait(event)
                raise StreamBrokenError("the stream ended without its last event", model=self.name)

        task = asyncio.ensure_future(self._step(call, request))
        task.add_done_callback(lambda _: pieces.put_nowait(None))
        try:
            while (event := await pieces.get()) is not None:
                yield event
            response = await task
            for event in () if live else pieces_of(response):
                yield event
            yield Finished(response=response)
        finally:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    def _step(
        self, call: Callable[[ModelRequest], Coroutine[Any, Any, ModelResponse]], request: ModelRequest
    ) -> Coroutine[Any, Any, Any]:
        return self._context.step(
            self.name, call, request, returns=ModelResponse, raises=error_types(), kind="model"
        )

    def _watched(self, told: Call) -> Model:
        """The model for one call, whose failed tries are told and recorded."""
        last: ModelError | None = None
        tellers: list[object] = []

        async def watch(attempt: Attempt, error: ModelError, teller: object) -> None:
            nonlocal last, tellers
            if error is last and teller not in tellers:  # raised on, and told again by one further out
                tellers.append(teller)
                return
            last, tellers = error, [teller]
            told.tried(attempt)
            noted = FailedTry(**asdict(attempt), usage=error.usage, at=time.time())
            # A task of its own: what is recorded on the side takes no place among what the body asks for.
            await asyncio.ensure_future(self._context.step(FAILED_TRY + self.name, _itself, noted))

        return watched(self._model, watch)

    @contextmanager
    def _told(self, request: ModelRequest, *, streamed: bool = False) -> Iterator[Call]:
        """Tell of a call; whoever has its answer says so, else it failed."""
        emit = self._emit
        texts: Texts = "none" if emit is None else "pieces"
        told = Call(self.name, emit or _to_nobody, redact=redact_keys, texts=texts, labels=self._labels)
        told.started(request, streamed=streamed)
        try:
            yield told
        except BaseException as error:
            told.failed(error)
            raise


async def _itself(noted: FailedTry) -> FailedTry:
    return noted


def _to_nobody(event: CallEvent) -> None:
    """The context cannot emit."""


def pieces_of(response: ModelResponse) -> list[Piece]:
    """A whole answer as a stream's pieces, the end left out."""
    found: list[Piece] = []
    calls = 0
    for part in response.message.parts:
        if part.kind in ("text", "code"):
            found.append(TextDelta(text=part.text))
        elif part.kind == "reasoning" and part.text:
            found.append(ReasoningDelta(text=part.text))
        elif part.kind == "tool_call":
            found.append(ToolCallDelta(index=calls, id=part.id, name=part.name, arguments=part.arguments))
            calls += 1
    return found
