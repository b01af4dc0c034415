"""A model that answers from a script: for tests, for examples without a key, for trying a graph out."""

from __future__ import annotations

import copy
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Final, Literal, TypeAlias

from .messages import Message, Usage
from .protocol import (
    Finished,
    ModelRequest,
    ModelResponse,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from .recorded import Recordable, pieces_of

Answer: TypeAlias = str | Message | ModelResponse | Exception
"""What a script says: a text, a message, a whole response, or an exception that is raised."""

_WORD: Final = re.compile(r"\s*\S+\s*|\s+")


class ScriptError(Exception):
    """The script had nothing to say to a request."""


class ScriptedModel(Recordable):
    """Gives the answers it was told to give, in order, or what a function makes of each request.

    An exception among the answers is raised, a copy of it each time. A stream comes word by word.

    Args:
        script: The answers, or a function from the request to the answer.
        name: What to call it.

    Attributes:
        requests: Every request it got, oldest first.

    Example::

        model = ScriptedModel(["first answer", OverloadedError("full"), "second answer"])
        model = ScriptedModel(lambda request: request.messages[-1].text.upper())
    """

    def __init__(
        self, script: Sequence[Answer] | Callable[[ModelRequest], Answer], *, name: str = "scripted"
    ) -> None:
        self._script = script
        self._name = name
        self.requests: list[ModelRequest] = []

    @property
    def name(self) -> str:
        """What to call it in messages and records."""
        return self._name

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """The next answer.

        Raises:
            ScriptError: Every answer has been given; the message says how many there were.
            Exception: The script says so.
        """
        self.requests.append(request)
        return self._response(self._answer(request))

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamEvent]:
        """The next answer, word by word."""
        response = await self.respond(request)
        for piece in pieces_of(response):
            for smaller in _words(piece):
                yield smaller
        yield Finished(response=response)

    def _answer(self, request: ModelRequest) -> Answer:
        if callable(self._script):
            return self._script(request)
        place = len(self.requests) - 1
        if place >= len(self._script):
            asked = request.messages[-1].text[:80] if request.messages else ""
            raise ScriptError(
                f"{self._name} was asked {place + 1} times, but its script has {len(self._script)} answers; "
                f"the last request ended with {asked!r}"
            )
        return self._script[place]

    def _response(self, answer: Answer) -> ModelResponse:
        if isinstance(answer, Exception):
            raise copy.copy(answer)  # whoever catches it may write into it
        if isinstance(answer, ModelResponse):
            return answer
        message = Message.of("assistant", answer) if isinstance(answer, str) else answer
        finish: Literal["stop", "tool_calls"] = "tool_calls" if message.tool_calls else "stop"
        words = len(message.text.split())
        return ModelResponse(
            message=message, finish=finish, usage=Usage(output_tokens=words), model=self._name, by=self._name
        )


def _words(piece: StreamEvent) -> Iterator[StreamEvent]:
    """A piece in pieces of a word each, which together say the same."""
    if isinstance(piece, TextDelta | ReasoningDelta):
        for word in _WORD.findall(piece.text):
            yield piece.model_copy(update={"text": word})
    else:
        assert isinstance(piece, ToolCallDelta)
        first, *others = _WORD.findall(piece.arguments) or [""]
        yield piece.model_copy(update={"arguments": first})
        for word in others:
            yield ToolCallDelta(index=piece.index, arguments=word)
