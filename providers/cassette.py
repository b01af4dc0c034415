"""Recording a real session with a model in a file, a cassette, and playing it back without the model.

What the file looks like is told in `backedge.providers.tape`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from .around import Around
from .comparing import differences, nearest
from .errors import ModelError, StreamBrokenError
from .keys import cleaned
from .protocol import Finished, Model, ModelRequest, ModelResponse, StreamEvent
from .recorded import Recordable, pieces_of
from .tape import (
    FORMAT,
    CassetteError,
    dumped,
    error_from,
    error_json,
    key_of,
    line,
    put_back,
    read,
    set_apart,
)

_EVENT: TypeAdapter[StreamEvent] = TypeAdapter(StreamEvent)


class UnrecordedError(CassetteError):
    """A cassette holds no answer to a request; the message shows how the nearest recorded one differs."""


class RecordingModel(Around):
    """Passes everything on to a model, and writes each exchange into a cassette as it ends.

    Errors and streams are recorded too. Nothing that looks like a key is written.

    Args:
        model: Who answers.
        path: The cassette.
        existing: What to do when the file is there: ``refuse``, ``replace`` it, or ``append`` to it.

    Raises:
        CassetteError: The file is there and may not be touched, or is no cassette that can be appended to.

    Example::

        model = RecordingModel(backedge.providers.model("openai:gpt-5"), "session.jsonl")
    """

    def __init__(
        self,
        model: Model,
        path: str | Path,
        *,
        existing: Literal["refuse", "replace", "append"] = "refuse",
    ) -> None:
        super().__init__(model)
        self._path = Path(path)
        self._contents: set[str] = set()
        if existing == "append" and self._path.exists():
            self._contents = set(read(self._path)[1])
            return
        if existing == "refuse" and self._path.exists():
            raise CassetteError(
                f"{self._path} is there already; remove it, or say existing='replace' or existing='append'"
            )
        try:
            self._path.write_bytes(line({"cassette": FORMAT, "model": model.name}))
        except OSError as error:
            raise CassetteError(f"{self._path} cannot be written: {error}") from None

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Let the model answer, and write down what came of it."""
        try:
            response = await self._model.respond(request)
        except ModelError as error:
            self._write(request, error=error_json(error))
            raise
        except asyncio.CancelledError:
            self._write(request, left=True)
            raise
        self._write(request, response=dumped(response))
        return response

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """Let the model answer piece by piece, and write all pieces down at the end."""
        events: list[dict[str, Any]] = []
        open_ = True
        try:
            async with aclosing(self._model.stream(request)) as found:  # type: ignore[type-var]  # all of ours close
                async for event in found:
                    if isinstance(event, Finished):
                        open_ = False
                        self._write(request, events=events, response=dumped(event.response))
                    else:
                        events.append(dumped(event))
                    yield event
        except ModelError as error:
            open_ = False
            self._write(request, events=events, error=error_json(error))
            raise
        finally:
            if open_:
                self._write(request, events=events, left=True)

    def _write(self, request: ModelRequest, **outcome: Any) -> None:
        new: dict[str, str] = {}
        entry = cleaned(set_apart({"request": dumped(request), **outcome}, new))
        lines = [line({"content": name, "data": new[name]}) for name in new if name not in self._contents]
        self._contents |= new.keys()
        with self._path.open("ab") as file:
            file.write(b"".join([*lines, line(entry)]))


class ReplayModel(Recordable):
    """Answers from a cassette, and asks nobody.

    Requests are matched by their content: equal ones get their answers in the recorded order, different ones may come
    in any order. Recorded errors are raised again, as the same type.

    Args:
        path: The cassette.
        name: What to call it; the recorded model's name if nothing is said.

    Raises:
        CassetteError: The file is not there, or is no cassette.

    Example::

        model = ReplayModel("session.jsonl")
    """

    def __init__(self, path: str | Path, *, name: str | None = None) -> None:
        self._path = Path(path)
        recorded, contents, entries = read(self._path)
        self._name = recorded if name is None else name
        self._requests = [entry["request"] for entry in entries]
        self._entries: list[dict[str, Any]] = [put_back(entry, contents) for entry in entries]
        self._waiting: dict[str, list[int]] = {}
        for index in reversed(range(len(entries))):
            self._waiting.setdefault(key_of(self._requests[index]), []).append(index)

    @property
    def name(self) -> str:
        """What to call it in messages and records."""
        return self._name

    @property
    def unused(self) -> int:
        """How many exchanges have not been played yet."""
        return sum(map(len, self._waiting.values()))

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """The recorded answer.

        Raises:
            UnrecordedError: There is none.
            ModelError: The one that was recorded.
        """
        return self._end(self._take(request))

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """The recorded pieces; of an answer that was not streamed, its parts."""
        entry = self._take(request)
        for event in entry.get("events", ()):
            yield _EVENT.validate_python(event)
        response = self._end(entry)
        if "events" not in entry:
            for piece in pieces_of(response):
                yield piece
        yield Finished(response=response)

    def _take(self, request: ModelRequest) -> dict[str, Any]:
        asked: dict[str, Any] = cleaned(set_apart(dumped(request), {}))
        waiting = self._waiting.get(key_of(asked))
        if waiting:
            return self._entries[waiting.pop()]
        raise UnrecordedError("\n".join(self._why_not(asked, known=waiting is not None)))

    def _why_not(self, asked: dict[str, Any], *, known: bool) -> Iterator[str]:
        count = len(self._requests)
        if known:
            same = sum(request == asked for request in self._requests)
            yield f"{self._path}: this request was recorded {same} times, and all its answers have been given"
        elif not count:
            yield f"{self._path}: the cassette holds no exchange"
        else:
            index = nearest(self._requests, asked)
            yield (
                f"{self._path}: this request was not recorded; "
                f"the nearest of {count} is number {index + 1}, from which it differs:"
            )
            yield from (f"  {told}" for told in differences(self._requests[index], asked))
        yield "record the session again if the change is meant"

    def _end(self, entry: dict[str, Any]) -> ModelResponse:
        if "error" in entry:
            raise error_from(entry["error"])
        if "response" not in entry:
            raise StreamBrokenError("the recording ends here: nobody waited for more", model=self._name)
        return ModelResponse.model_validate(entry["response"])
