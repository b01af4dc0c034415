"""A request in the words of OpenAI's Responses API: the body of a call. Pure: nothing here does I/O.

The conversation is sent whole each time and nothing is kept at the provider (``store`` is false), so what a model
thought must travel with it: encrypted, and sent back as it came. Parts that came over another wire and that only their
provider understands (`Reasoning`, `Other`) are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from ..errors import UnsupportedError
from ..messages import AnyPart, Code, File, Image, Message, Other, Reasoning, Text, ToolCall, ToolResult
from ..protocol import ModelRequest
from .content import Body, address_of, fenced, plain_id, refuse_extra, with_extra
from .schemas import is_strict

ORIGIN = "responses"

ENCRYPTED = "reasoning.encrypted_content"

_THINKS = re.compile(r"(^|/)(o\d|gpt-([5-9]|\d\d)|grok-[4-9])")


def body_of(request: ModelRequest, *, model: str, encrypted: bool | None = None) -> Body:
    """What to post.

    Args:
        request: What is asked.
        model: The model's name at the provider.
        encrypted: Whether to ask for its thoughts in encrypted form, which models that do not think refuse; by
            default for those whose name says that they do.

    Raises:
        UnsupportedError: The request holds something that cannot be said this way.
    """
    refuse_extra(request, "input", "model", "stream")
    if request.extra.get("background"):
        raise UnsupportedError(
            "a call in the background has no answer to wait for: leave `background` out of extra"
        )
    instructions, items = _conversation(request.messages)
    body: Body = {"model": model, "store": False, "input": items}
    if instructions:
        body["instructions"] = instructions
    if encrypted if encrypted is not None else thinks(model):
        body["include"] = [ENCRYPTED]
    body.update(_tools(request))
    if request.output is not None:
        body["text"] = {"format": _format(request.output.name, request.output.parameters)}
    if request.max_tokens is not None:
        body["max_output_tokens"] = request.max_tokens
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.effort is not None:
        body["reasoning"] = {"effort": request.effort}
    return with_extra(body, request.extra)


def thinks(model: str) -> bool:
    """Whether a model thinks, by its name at the provider."""
    return _THINKS.search(model) is not None


def _tools(request: ModelRequest) -> Body:
    found: Body = {}
    if request.tools:
        found["tools"] = [
            {
                "type": "function",
                "name": tool.name,
                **({"description": tool.description} if tool.description else {}),
                "parameters": tool.parameters,
                "strict": False,
            }
            for tool in request.tools
        ]
    if request.tool_choice in ("none", "required"):
        found["tool_choice"] = request.tool_choice
    elif request.tool_choice != "auto":
        found["tool_choice"] = {"type": "function", "name": request.tool_choice}
    if request.parallel_tools is not None:
        found["parallel_tool_calls"] = request.parallel_tools
    return found


def _format(name: str, schema: Body) -> Body:
    """The form of the answer, held to the letter where the schema is of the kind the API can hold to."""
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "answer"
    return {"type": "json_schema", "name": safe, "schema": schema, "strict": is_strict(schema)}


def _conversation(messages: Iterable[Message]) -> tuple[str, list[Body]]:
    """The instructions (system messages before all others) and the items of the input."""
    instructions: list[str] = []
    items: list[Body] = []
    # Calls of tools without a schema: their results are items of another type.
    custom: set[str] = set()
    for message in messages:
        if message.role == "system" and not items:
            words = [word for part in message.parts for word in _words(part, "system")]
            if all(word["type"] == "input_text" for word in words):
                instructions.append("\n\n".join([word["text"] for word in words]))
                continue
        items += _items(message, custom)
    return "\n\n".join(filter(None, instructions)), _without_idle_thoughts(items)


def _without_idle_thoughts(items: list[Body]) -> list[Body]:
    """The items without thoughts that led to nothing: one that nothing of the assistant's follows is refused."""
    kept: list[Body] = []
    leads = False
    for item in reversed(items):
        if item.get("type") == "reasoning":
            if leads:
                kept.append(item)
            continue
        leads = item.get("role", "assistant") == "assistant" and not str(item.get("type")).endswith("_output")
        kept.append(item)
    return kept[::-1]


def _items(message: Message, custom: set[str]) -> list[Body]:
    """A message as items: its words together, calls, results and thoughts as items of their own, in order."""
    role, parts = "user" if message.role == "tool" else message.role, message.parts
    if len(parts) == 1 and type(parts[0]) is Text and parts[0].raw is None:
        return [{"role": role, "content": parts[0].text}] if parts[0].text else []
    items: list[Body] = []
    # The message that is being written, and what its words said about themselves.
    words: list[Body] = []
    marks: Body = {}

    def end() -> None:
        nonlocal words, marks
        if words:
            items.append({"role": role, "content": _content(words), **marks})
        words, marks = [], {}

    for part in parts:
        own = _own_item(part, custom)
        if own is not None:
            end()
            items += own
            continue
        phase = _marks(part)
        if phase != marks:
            end()
        words, marks = [*words, *_words(part, role)], phase
    end()
    return items


def _content(words: list[Body]) -> Any:
    """The content of a message; a text alone is a plain string, which every server understands."""
    if len(words) == 1 and words[0]["type"] in ("input_text", "output_text"):
        return words[0]["text"]
    return words


def _marks(part: AnyPart) -> Body:
    """What the API wants to hear again about the words of an answer: whether they were its last."""
    raw = part.raw if isinstance(part, Text) else None
    return {"phase": raw["phase"]} if raw and raw.get("type") == "message" and raw.get("phase") else {}


def _own_item(part: AnyPart, custom: set[str]) -> list[Body] | None:
    """A part that is an item of its own; nothing for one that belongs into a message."""
    match part:
        case ToolCall():
            return [_call(part, custom)]
        case ToolResult():
            kind = "custom_tool_call_output" if part.id in custom else "function_call_output"
            return [{"type": kind, "call_id": plain_id(part.id), "output": _output(part)}]
        case Reasoning(origin=origin, raw=raw):
            # Without its content, the provider would have to look it up, and it kept nothing.
            whole = origin == ORIGIN and raw and (raw.get("encrypted_content") or raw.get("content"))
            return [_given(raw)] if whole and raw else []
        case Other(origin=origin, raw=raw):
            return None if origin == ORIGIN and _is_content(raw) else [dict(raw)] if origin == ORIGIN else []
        case _:
            return None


def _is_content(raw: Body) -> bool:
    return str(raw.get("type", "")).startswith(("input_", "output_"))


def _given(raw: Body) -> Body:
    return {key: value for key, value in raw.items() if value is not None}


def _call(call: ToolCall, custom: set[str]) -> Body:
    raw = call.raw or {}
    ours: Body = {"type": "function_call", "call_id": plain_id(call.id), "name": call.name}
    if raw.get("type") == "custom_tool_call":
        custom.add(call.id)
        return {**raw, **ours, "type": "custom_tool_call", "input": _free_text(call)}
    theirs = raw if raw.get("type") == "function_call" else {}
    return {**theirs, **ours, "arguments": call.arguments.strip() or "{}"}


def _free_text(call: ToolCall) -> str:
    """What was written to a tool without a schema."""
    try:
        return str(json.loads(call.arguments)["input"])
    except (ValueError, KeyError, TypeError):
        return call.arguments


def _output(result: ToolResult) -> Any:
    """A result's content; errors are told in words, since the API has no mark for them."""
    words = [word for part in result.content for word in _words(part, "user")]
    if result.failed and not result.text.lower().startswith("error"):
        words = [{"type": "input_text", "text": "Error: "}, *words]
    if all(word["type"] == "input_text" for word in words):
        return "".join(word["text"] for word in words)
    return words


def _words(part: AnyPart, role: str) -> list[Body]:
    """A part of a message's content."""
    text = "output_text" if role == "assistant" else "input_text"
    match part:
        case Text(text=words):
            return [{"type": text, "text": words}] if words else []
        case Code():
            return [{"type": text, "text": fenced(part)}]
        case Image():
            return [{"type": "input_image", "image_url": address_of(part)}]
        case File():
            if part.url is not None:
                return [{"type": "input_file", "file_url": part.url}]
            if part.media_type.startswith("text/"):
                words = fenced(Code(text=(part.data or b"").decode(errors="replace")))
                return [{"type": text, "text": f"{part.name}:\n{words}"}]
            return [{"type": "input_file", "filename": part.name, "file_data": address_of(part)}]
        case Other(raw=raw):
            return [dict(raw)]
        case _:
            return []
