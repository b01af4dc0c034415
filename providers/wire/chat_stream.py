"""A streamed answer of Chat Completions, put together. Pure: chunks in, events out.

The chunks are merged into the body that the same answer would have had in one piece, which is then read by the same
function: a streamed answer and a whole one cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..messages import Usage
from ..protocol import ModelResponse, Piece, ReasoningDelta, TextDelta, ToolCallDelta
from .chat_answer import arguments_in, details_text, error_in, response_of, thinking_of
from .chat_counts import usage_in, usage_of
from .content import Body
from .dialects import Dialect

_WORDS = ("content", "refusal")
_THOUGHTS = ("reasoning", "reasoning_content")
_OWN = frozenset({"id", "type", "function", "index"})


@dataclass(slots=True)
class _Call:
    """A tool call as far as it has come.

    Attributes:
        id: What the provider calls it; empty until it says so.
        name: The tool.
        arguments: The pieces of the arguments.
        extra: What the provider wants back with it.
    """

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    extra: Body = field(default_factory=dict)


class Gathered:
    """Takes the chunks of one answer and gives what is new in each; at the end the whole answer.

    Attributes:
        done: Whether the end has come: the reason why the model stopped.
        failure: What a chunk said that is an error and no piece of an answer.

    Example::

        gathered = Gathered(dialect)
        for chunk in chunks:
            events += gathered.take(chunk)
        response = gathered.response("mistral:small")
    """

    def __init__(self, dialect: Dialect) -> None:
        self.done = False
        self.failure: Body | None = None
        self._dialect = dialect
        self._head: Body = {}  # what chunks say of the whole answer: id, model, usage
        self._last: Body = {}
        self._finish: str | None = None
        self._texts: dict[str, list[str]] = {}
        self._pieces: list[Body] = []  # content that comes as parts (Mistral)
        self._details: list[Body] = []
        self._extra: Body = {}
        self._images: list[Any] = []
        self._calls: list[_Call] = []
        self._by_index: dict[int, int] = {}  # the provider's index of a call -> its place among ours

    @property
    def usage(self) -> Usage:
        """What is known to have been spent so far."""
        return usage_of(self._head.get("usage") or {})

    def take(self, chunk: Body) -> list[Piece]:
        """The next chunk; gives what of it is new. A chunk that is an error goes to `failure`."""
        self._last = chunk
        if counts := usage_in(chunk):
            self._head["usage"] = counts
        if (problem := error_in(chunk)) is not None:
            self.failure = problem
            return []
        for key in ("id", "model"):
            if chunk.get(key):
                self._head.setdefault(key, chunk[key])
        choices = chunk.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(first, dict) or first.get("index"):
            return []
        if reason := first.get("finish_reason"):
            self._finish = reason
            self.done = True
        delta = first.get("delta") or first.get("message")
        return self._taken(delta) if isinstance(delta, dict) else []

    def response(self, by: str) -> ModelResponse:
        """The whole answer; its `raw` is the last chunk."""
        message: Body = {key: "".join(words) for key, words in self._texts.items()}
        if self._pieces:
            text = message.pop("content", "")
            message["content"] = [*self._pieces, *([{"type": "text", "text": text}] if text else [])]
        if self._details:
            message["reasoning_details"] = self._details
        if self._images:
            message["images"] = self._images
        if self._calls:
            message["tool_calls"] = [_whole(call) for call in self._calls]
        choice = {"message": {**self._extra, **message}, "finish_reason": self._finish}
        whole = response_of({**self._head, "choices": [choice]}, by=by, dialect=self._dialect)
        return whole.model_copy(update={"raw": self._last})

    def _taken(self, delta: Body) -> list[Piece]:
        events: list[Piece] = []
        for key in _THOUGHTS:
            if isinstance(text := delta.get(key), str) and text:
                self._texts.setdefault(key, []).append(text)
                if key == "reasoning" or not delta.get("reasoning"):
                    events.append(ReasoningDelta(text=text))
        details = delta.get("reasoning_details")
        for one in details if isinstance(details, list) else ():
            self._detail(one)
        if not events and (text := details_text(details)):
            events.append(ReasoningDelta(text=text))
        for key in _WORDS:
            events += self._words(key, delta.get(key))
        if isinstance(images := delta.get("images"), list):
            self._images += images
        for key in ("extra_content", "audio"):
            if isinstance(delta.get(key), dict):
                self._extra[key] = {**self._extra.get(key, {}), **delta[key]}
        for one in delta.get("tool_calls") or ():
            if isinstance(one, dict):
                events.append(self._call(one))
        return events

    def _words(self, key: str, content: Any) -> list[Piece]:
        if isinstance(content, str) and content:
            if key == "content" and self._pieces:
                return self._piece({"type": "text", "text": content})
            self._texts.setdefault(key, []).append(content)
            return [TextDelta(text=content)]
        if isinstance(content, list):
            return [event for one in content if isinstance(one, dict) for event in self._piece(one)]
        return []

    def _piece(self, piece: Body) -> list[Piece]:
        """A part of a content that comes as a list; parts of the same type that follow each other are one."""
        earlier = self._texts.pop("content", None)
        if earlier:
            self._pieces.append({"type": "text", "text": "".join(earlier)})
        last = self._pieces[-1] if self._pieces else {}
        kind = piece.get("type")
        if kind == "text":
            text = piece.get("text") or ""
            if last.get("type") == "text":
                last["text"] += text
            else:
                self._pieces.append({"type": "text", "text": text})
            return [TextDelta(text=text)] if text else []
        if kind == "thinking":
            text = thinking_of(piece)
            if last.get("type") == "thinking":
                last["thinking"][0]["text"] += text
                last.update({key: value for key, value in piece.items() if key not in ("type", "thinking")})
            else:
                self._pieces.append({**piece, "thinking": [{"type": "text", "text": text}]})
            return [ReasoningDelta(text=text)] if text else []
        self._pieces.append(piece)
        return []

    def _detail(self, piece: Any) -> None:
        """A piece of OpenRouter's form of thoughts: words of the same thought are joined, the rest is kept apart."""
        if not isinstance(piece, dict):
            return
        last = self._details[-1] if self._details else {}
        key = {"reasoning.text": "text", "reasoning.summary": "summary"}.get(piece.get("type", ""))
        same = all(last.get(name) == piece.get(name) for name in ("type", "index"))
        if key is None or not same:
            self._details.append(dict(piece))
            return
        joined = (last.get(key) or "") + (piece.get(key) or "")
        last.update({name: value for name, value in piece.items() if value is not None})
        last[key] = joined

    def _call(self, piece: Body) -> ToolCallDelta:
        place = self._place(piece)
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        if place == len(self._calls):
            self._calls.append(_Call())
        call = self._calls[place]
        call.id = call.id or piece.get("id") or ""
        call.name = call.name or function.get("name") or ""
        text = arguments_in(function)
        call.arguments.append(text)
        call.extra.update(
            {key: value for key, value in piece.items() if key not in _OWN and value is not None}
        )
        return ToolCallDelta(index=place, id=call.id, name=call.name, arguments=text)

    def _place(self, piece: Body) -> int:
        """Which call a piece belongs to; the number of calls so far for a new one.

        Indices may start anywhere, be missing, or be the same for calls that come whole; ids may be missing.
        """
        index, given = piece.get("index"), piece.get("id") or ""
        function = piece.get("function")
        name = function.get("name") if isinstance(function, dict) else None
        known = self._known(index, given)
        if known is not None:
            call = self._calls[known]
            other = bool(name) and bool(given) and bool(call.id) and given != call.id
            whole = bool(name) and not given and "".join(call.arguments).rstrip().endswith("}")
            if other or whole:
                known = None
        place = len(self._calls) if known is None else known
        if isinstance(index, int):
            self._by_index[index] = place
        return place

    def _known(self, index: Any, given: str) -> int | None:
        """The place of the call with this index or id; without both, the latest."""
        if isinstance(index, int):
            return self._by_index.get(index)
        if given:
            return next((place for place, call in enumerate(self._calls) if call.id == given), None)
        return len(self._calls) - 1 if self._calls else None


def _whole(call: _Call) -> Body:
    function = {"name": call.name, "arguments": "".join(call.arguments)}
    return {**call.extra, "id": call.id, "type": "function", "function": function}
