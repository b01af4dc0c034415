"""Anthropic's answers in our words, whole or streamed. Pure: nothing here does I/O."""

from __future__ import annotations

import json
from typing import Any

from ..errors import BadAnswerError
from ..messages import AnyPart, Other, Reasoning, Text, ToolCall, Usage
from ..protocol import Finish, ModelResponse, Piece, ReasoningDelta, TextDelta, ToolCallDelta
from .anthropic_body import ORIGIN
from .content import Body, answered, member, number

_FINISH: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
    "pause_turn": "pause",
}


def response_of(message: Body, by: str, *, written: dict[int, str] | None = None) -> ModelResponse:
    """A message of the API as our response.

    Args:
        message: The message.
        by: Who was asked.
        written: By the place of their block, arguments of tool calls letter by letter, where they are known.

    Raises:
        BadAnswerError: It is no message.
    """
    blocks = message.get("content")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise BadAnswerError(
            f"the answer is no message: it has no list of content but {blocks!r:.80}", model=by
        )
    parts = [_part(block, (written or {}).get(place)) for place, block in enumerate(blocks)]
    called = any(isinstance(part, ToolCall) for part in parts)
    reason = message.get("stop_reason")
    return answered(
        parts,
        message,
        usage=usage_of(message.get("usage")),
        finish=_FINISH.get(str(reason), "tool_calls" if called else "stop"),
        model=str(message.get("model") or ""),
        by=by,
        answer_id=str(message.get("id") or ""),
    )


def usage_of(found: Any) -> Usage:
    """What a call took. Anthropic counts what came from a cache, or went into it, beside the input."""
    if not isinstance(found, dict):
        return Usage()
    read, written = (
        number(found.get("cache_read_input_tokens")),
        number(found.get("cache_creation_input_tokens")),
    )
    return Usage(
        input_tokens=number(found.get("input_tokens")) + read + written,
        output_tokens=number(found.get("output_tokens")),
        cached_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=number(member(found, "output_tokens_details").get("thinking_tokens")),
    )


def _part(block: Body, written: str | None) -> AnyPart:
    match block:
        case {"type": "text", "text": str(text)}:
            return Text(text=text)
        case {"type": "tool_use", "name": str(name)}:
            arguments = written or json.dumps(block.get("input", {}), ensure_ascii=False)
            return ToolCall(id=str(block.get("id") or ""), name=name, arguments=arguments, raw=_own(block))
        case {"type": "thinking", "thinking": str(text)}:
            return Reasoning(text=text, origin=ORIGIN, raw=block)
        case {"type": "redacted_thinking"}:
            return Reasoning(origin=ORIGIN, raw=block)
        case _:
            return Other(origin=ORIGIN, raw=block)


def _own(block: Body) -> Body | None:
    """What a call has beyond what `ToolCall` holds; a direct caller says nothing."""
    own = {key: value for key, value in block.items() if key not in ("type", "id", "name", "input")}
    if own.get("caller") == {"type": "direct"}:
        del own["caller"]
    return {"type": "tool_use", **own} if own else None


class Gathering:
    """A stream's events, put together.

    Attributes:
        done: Whether the end marker came.
        failure: Always nothing: the client raises what the API says in an event of its own.

    Example::

        gathering = Gathering()
        for event in events:
            for piece in gathering.take(event): ...
        response = gathering.response("anthropic:claude-sonnet-5")
    """

    def __init__(self) -> None:
        self.done = False
        self.failure: Body | None = None
        self._message: Body = {}
        # Content blocks by their index in the stream, in the order in which they were opened.
        self._blocks: dict[int, Body] = {}
        # The pieces of JSON that came for a block.
        self._json: dict[int, list[str]] = {}
        # Which tool call of the answer a block is.
        self._calls: dict[int, int] = {}

    @property
    def usage(self) -> Usage:
        """What is known to have been spent so far."""
        return usage_of(self._message.get("usage"))

    def take(self, event: Body) -> list[Piece]:
        """The next event of the API; gives what of it is of interest. Events it does not know are passed over."""
        match event:
            case {"type": "message_start", "message": dict(message)}:
                # Some proxies send it twice: the first one counts, its blocks may have begun.
                self._message = self._message or {**message, "usage": message.get("usage") or {}}
            case {"type": "content_block_start", "index": int(index), "content_block": dict(block)}:
                return self._open(index, dict(block))
            case {"type": "content_block_delta", "index": int(index), "delta": dict(delta)}:
                return self._more(index, delta)
            case {"type": "message_delta"}:
                self._message.update(_known(event.get("delta")))
                self._message.setdefault("usage", {}).update(_known(event.get("usage")))
            case {"type": "message_stop"}:
                self.done = True
        return []

    def response(self, by: str) -> ModelResponse:
        """The whole answer.

        Raises:
            BadAnswerError: There was no message in the stream.
        """
        if not self._message:
            raise BadAnswerError("the stream ended without a message", model=by)
        written: dict[int, str] = {}
        for place, (index, block) in enumerate(self._blocks.items()):
            text = "".join(self._json.get(index, ()))
            if text:
                written[place] = text
                if "input" in block:
                    block["input"] = _value(text)
        return response_of({**self._message, "content": list(self._blocks.values())}, by, written=written)

    def _open(self, index: int, block: Body) -> list[Piece]:
        if index in self._blocks:
            raise ValueError(f"block {index} of the answer began twice")
        self._blocks[index] = block
        if block.get("type") == "text" and block.get("text"):
            return [TextDelta(text=block["text"])]
        if block.get("type") == "tool_use":
            self._calls[index] = len(self._calls)
            arguments = json.dumps(block["input"], ensure_ascii=False) if block.get("input") else ""
            return [
                ToolCallDelta(
                    index=self._calls[index],
                    id=str(block.get("id") or ""),
                    name=str(block.get("name") or ""),
                    arguments=arguments,
                )
            ]
        return []

    def _more(self, index: int, delta: Body) -> list[Piece]:
        block = self._blocks.setdefault(index, {"type": "unknown"})
        match delta:
            case {"type": "input_json_delta", "partial_json": str(piece)}:
                self._json.setdefault(index, []).append(piece)
                known = index in self._calls and piece
                return [ToolCallDelta(index=self._calls[index], arguments=piece)] if known else []
            case {"type": "text_delta", "text": str(text)}:
                block["text"] = block.get("text", "") + text
                return [TextDelta(text=text)] if text else []
            case {"type": "thinking_delta", "thinking": str(text)}:
                block["thinking"] = block.get("thinking", "") + text
                return [ReasoningDelta(text=text)] if text else []
            case {"type": "citations_delta"}:
                block["citations"] = [*(block.get("citations") or ()), delta.get("citation")]
            case _:
                _join(block, delta)
        return []


def _known(values: Any) -> Body:
    """The values that are given: a null does not take back what was said before."""
    return (
        {key: value for key, value in values.items() if value is not None} if isinstance(values, dict) else {}
    )


def _join(block: Body, delta: Body) -> None:
    """Put a delta of another kind (signatures, kinds to come) onto its block: texts grow, the rest is replaced."""
    for key, value in delta.items():
        if key != "type":
            grows = isinstance(value, str) and isinstance(block.get(key), str)
            block[key] = block[key] + value if grows else value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
