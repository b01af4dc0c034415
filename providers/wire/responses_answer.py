"""Answers of the Responses API in our words, whole or streamed. Pure: nothing here does I/O."""

from __future__ import annotations

import json
from typing import Any

from ..errors import BadAnswerError
from ..messages import AnyPart, Other, Reasoning, Text, ToolCall, Usage
from ..protocol import Finish, ModelResponse, Piece, ReasoningDelta, TextDelta, ToolCallDelta
from .content import Body, answered, member, number
from .responses_body import ORIGIN

CALLS = ("function_call", "custom_tool_call")

_WORDS = ("output_text", "refusal")

_END = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")


def response_of(found: Body, by: str) -> ModelResponse:
    """An answer of the API as our response.

    Raises:
        BadAnswerError: It is no answer, or not a finished one.
    """
    items = found.get("output")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadAnswerError(f"the answer has no list of output but {items!r:.80}", model=by)
    status = found.get("status") or "completed"
    if status not in ("completed", "incomplete"):
        raise BadAnswerError(
            f"the answer is not finished: its status is {status!r}",
            model=by,
            usage=usage_of(found.get("usage")),
            request_id=str(found.get("id") or ""),
        )
    contents = [_contents(item) for item in items]
    return answered(
        [part for item, own in zip(items, contents, strict=True) for part in _parts(item, own)],
        found,
        usage=usage_of(found.get("usage")),
        finish=_finish(found, items, contents),
        model=str(found.get("model") or ""),
        by=by,
        answer_id=str(found.get("id") or ""),
    )


def usage_of(found: Any) -> Usage:
    """What a call took. OpenAI counts what came from a cache inside the input, as we do."""
    if not isinstance(found, dict):
        return Usage()
    read, written = member(found, "input_tokens_details"), member(found, "output_tokens_details")
    return Usage(
        input_tokens=number(found.get("input_tokens")),
        output_tokens=number(found.get("output_tokens")),
        cached_tokens=number(read.get("cached_tokens")),
        cache_write_tokens=number(read.get("cache_write_tokens")),
        reasoning_tokens=number(written.get("reasoning_tokens")),
    )


def _finish(found: Body, items: list[Body], contents: list[list[Body]]) -> Finish:
    if found.get("status") == "incomplete":
        reason = (found.get("incomplete_details") or {}).get("reason")
        return "filtered" if reason == "content_filter" else "length"
    if any(item.get("type") in CALLS for item in items):
        return "tool_calls"
    refused = [content for own in contents for content in own if content.get("type") == "refusal"]
    return "refusal" if refused else "stop"


def _contents(item: Body) -> list[Body]:
    contents = item.get("content")
    if item.get("type") == "message" and isinstance(contents, str):
        return [{"type": "output_text", "text": contents}]
    if item.get("type") != "message" or not isinstance(contents, list):
        return []
    return [content for content in contents if isinstance(content, dict)]


def _parts(item: Body, contents: list[Body]) -> list[AnyPart]:
    """What an item says; `contents` are those of a message."""
    if item.get("type") == "message":
        phase = {"type": "message", "phase": item["phase"]} if item.get("phase") else None
        return [_said(content, phase) for content in contents]
    match item:
        case {"type": "reasoning"}:
            return [Reasoning(text=_thoughts(item), origin=ORIGIN, raw=item)]
        case {"type": "function_call", "name": str(name)}:
            arguments = str(item.get("arguments") or "")
            return [ToolCall(id=_id(item), name=name, arguments=arguments, raw=_own(item))]
        case {"type": "custom_tool_call", "name": str(name)}:
            arguments = json.dumps({"input": str(item.get("input") or "")}, ensure_ascii=False)
            return [ToolCall(id=_id(item), name=name, arguments=arguments, raw=_own(item))]
        case _:
            return [Other(origin=ORIGIN, raw=item)]


def _said(content: Body, phase: Body | None) -> AnyPart:
    kind = content.get("type")
    text = content.get("text" if kind == "output_text" else "refusal") if kind in _WORDS else None
    return Text(text=text, raw=phase) if isinstance(text, str) else Other(origin=ORIGIN, raw=content)


def _thoughts(item: Body) -> str:
    """What can be read of a thought: itself where it is given, else its summary."""
    for key in ("content", "summary"):
        texts = [
            piece["text"]
            for piece in item.get(key) or ()
            if isinstance(piece, dict) and isinstance(piece.get("text"), str)
        ]
        if texts:
            return "\n\n".join(texts)
    return ""


def _id(item: Body) -> str:
    return str(item.get("call_id") or item.get("id") or "")


def _own(item: Body) -> Body | None:
    """What a call has beyond what `ToolCall` holds and the API wants to hear again."""
    ours = ("type", "id", "call_id", "name", "arguments", "input", "status")
    own = {key: value for key, value in item.items() if key not in ours and value is not None}
    if own.get("caller") == {"type": "direct"}:
        del own["caller"]
    return {"type": item["type"], **own} if own or item["type"] == "custom_tool_call" else None


class Gathering:
    """A stream's events, put together.

    Attributes:
        done: Whether the last event came, which holds the whole answer.
        failure: The provider's error object, when the answer failed.
    """

    def __init__(self) -> None:
        self.done = False
        self.failure: Body | None = None
        self._answer: Body = {}
        # Finished items by their place, for servers whose last event leaves them out.
        self._items: dict[int, Body] = {}
        # Which tool call of the answer an item is.
        self._calls: dict[int, int] = {}
        # Items of which deltas were given: what is whole at their end must not be given again.
        self._begun: set[int] = set()
        # The last event that had a number: some proxies send events twice.
        self._last: Body | None = None
        # The last paragraph of thoughts that was given: its item and place.
        self._paragraph: tuple[int, Any] = (-1, None)

    @property
    def usage(self) -> Usage:
        """What is known to have been spent so far."""
        return usage_of(self._answer.get("usage"))

    def take(self, event: Body) -> list[Piece]:
        """The next event of the API; gives what of it is of interest. Events it does not know are passed over."""
        if "sequence_number" in event:
            if event == self._last:
                return []
            self._last = event
        kind, place = event.get("type"), event.get("output_index")
        if kind == "error":
            self.failure = event["error"] if isinstance(event.get("error"), dict) else event
        elif kind in _END or kind in ("response.created", "response.in_progress"):
            self._respond(str(kind), event.get("response"))
        elif not isinstance(place, int):
            return []
        elif kind == "response.output_item.added" and isinstance(event.get("item"), dict):
            return self._open(place, event["item"])
        elif kind == "response.output_item.done" and isinstance(event.get("item"), dict):
            return self._close(place, event["item"])
        elif isinstance(event.get("delta"), str) and event["delta"]:
            return self._more(str(kind), place, event)
        return []

    def response(self, by: str) -> ModelResponse:
        """The whole answer.

        Raises:
            BadAnswerError: What the stream held is none.
        """
        items = self._answer.get("output") or [self._items[place] for place in sorted(self._items)]
        return response_of({**self._answer, "output": items}, by)

    def _respond(self, kind: str, answer: Any) -> None:
        if isinstance(answer, dict):
            self._answer = answer
            if kind == "response.failed":
                self.failure = answer.get("error") or {
                    "message": "the provider says no more than that it failed"
                }
        self.done = kind in _END

    def _open(self, place: int, item: Body) -> list[Piece]:
        if item.get("type") not in CALLS:
            return []
        self._calls[place] = len(self._calls)
        return [ToolCallDelta(index=self._calls[place], id=_id(item), name=str(item.get("name") or ""))]

    def _more(self, kind: str, place: int, event: Body) -> list[Piece]:
        delta: str = event["delta"]
        match kind:
            case "response.output_text.delta" | "response.refusal.delta":
                found: Piece = TextDelta(text=delta)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                paragraph = (place, event.get("summary_index", event.get("content_index")))
                new = self._paragraph[0] == place and paragraph != self._paragraph
                self._paragraph = paragraph
                found = ReasoningDelta(text=f"\n\n{delta}" if new else delta)
            case "response.function_call_arguments.delta" if place in self._calls:
                found = ToolCallDelta(index=self._calls[place], arguments=delta)
            case _:
                return []
        self._begun.add(place)
        return [found]

    def _close(self, place: int, item: Body) -> list[Piece]:
        """The end of an item; gives it whole when it came without deltas."""
        self._items[place] = item
        if place in self._begun:
            return []
        if item.get("type") in CALLS:
            opened = [] if place in self._calls else self._open(place, item)
            (call,) = _parts(item, [])
            arguments = call.arguments if isinstance(call, ToolCall) else ""
            return (
                [*opened, ToolCallDelta(index=self._calls[place], arguments=arguments)]
                if arguments
                else opened
            )
        found: list[Piece] = []
        for part in _parts(item, _contents(item)):
            if isinstance(part, Text) and part.text:
                found.append(TextDelta(text=part.text))
            elif isinstance(part, Reasoning) and part.text:
                found.append(ReasoningDelta(text=part.text))
        return found
