"""A request in Anthropic's words: the body of a call of the Messages API. Pure: nothing here does I/O.

Parts that came over another wire and that only their provider understands (`Reasoning`, `Other`) are left out, since
Anthropic cannot read them. What came from Anthropic goes back byte for byte: thinking is signed, and refused when it
was changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from ..checking import arguments_of
from ..errors import UnsupportedError
from ..messages import AnyPart, Code, File, Image, Message, Other, Reasoning, Text, ToolCall, ToolResult
from ..protocol import Effort, ModelRequest
from .content import Body, base64_of, fenced, plain_id, refuse_extra, with_extra

ORIGIN = "anthropic"

SAMPLING = ("temperature", "top_p", "top_k")
"""What only the API's version of 2023 takes; that of 2026 refuses it."""

LEAST_BUDGET = 1024
"""Tokens: Anthropic takes no smaller budget for thinking."""

_BUDGETS: dict[Effort, int] = {"minimal": LEAST_BUDGET, "low": 2048, "medium": 8192, "high": 24_576}
_BY_BUDGET = re.compile(r"claude-(3|(opus|sonnet|haiku)-4(-[0-5])?($|[-@]\d{8}|-latest|-v\d)|4-)")


def body_of(
    request: ModelRequest, *, model: str, max_tokens: int, plain: Callable[[Body], Body] = dict
) -> Body:
    """What to post.

    Args:
        request: What is asked.
        model: The model's name at Anthropic.
        max_tokens: What to allow when the request says nothing; the API insists on a number.
        plain: Makes of a schema what Anthropic can hold an answer to.

    Raises:
        UnsupportedError: The request holds something that cannot be said to Anthropic.
    """
    refuse_extra(request, "messages", "model", "stream")
    system, messages = _conversation(request.messages)
    body: Body = {"model": model, "max_tokens": request.max_tokens or max_tokens, "messages": messages}
    if system:
        body["system"] = system
    if request.tools:
        body["tools"] = [
            {
                "name": tool.name,
                **({"description": tool.description} if tool.description else {}),
                "input_schema": tool.parameters,
            }
            for tool in request.tools
        ]
    choice = _choice(request)
    if choice:
        body["tool_choice"] = choice
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.output is not None:
        schema = plain(request.output.parameters)
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    if request.effort is not None:
        _think(body, request.effort)
    return with_extra(body, request.extra)


def _conversation(messages: Iterable[Message]) -> tuple[list[Body], list[Body]]:
    """The system's blocks and the turns. Turns of the same side become one, as the API reads them anyway.

    System messages are collected at the top, wherever they stand: older models take them nowhere else. One that holds
    a part of Anthropic's own stays in its place, for models that take it there.
    """
    system: list[Body] = []
    turns: list[Body] = []
    for message in messages:
        blocks = [block for part in message.parts for block in _blocks(part, message.role)]
        role = "user" if message.role == "tool" else message.role
        if role == "system" and not any(isinstance(part, Other) for part in message.parts):
            system += blocks
        elif turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    return system, turns


def _blocks(part: AnyPart, role: str) -> list[Body]:
    """A part as content blocks: one, or none when there is nothing to say."""
    match part:
        case Text(text=text):
            return [{"type": "text", "text": text}] if text else []
        case Code():
            return [{"type": "text", "text": fenced(part)}]
        case Image():
            return [{"type": "image", "source": _source(part)}]
        case File():
            return [_document(part)]
        case ToolCall():
            return [_tool_use(part)]
        case ToolResult():
            return [_tool_result(part, role)]
        case Reasoning(origin=origin, raw=raw) | Other(origin=origin, raw=raw):
            return [dict(raw)] if origin == ORIGIN and raw else []


def _source(part: Image | File) -> Body:
    if part.url is not None:
        return {"type": "url", "url": part.url}
    return {"type": "base64", "media_type": part.media_type, "data": base64_of(part)}


def _document(part: File) -> Body:
    """A document block. Anthropic reads PDF, and what is text."""
    if part.url is not None or part.media_type == "application/pdf":
        source = _source(part)
    else:
        try:
            text = (part.data or b"").decode()
        except UnicodeDecodeError:
            raise UnsupportedError(
                f"the file {part.name!r} is {part.media_type}; Anthropic reads PDF and text, so convert it first"
            ) from None
        source = {"type": "text", "media_type": "text/plain", "data": text}
    title = {} if part.name == "file" else {"title": part.name}
    return {"type": "document", "source": source, **title}


def _tool_use(call: ToolCall) -> Body:
    try:
        arguments = arguments_of(call)
    except ValueError as error:
        raise UnsupportedError(
            f"the tool call {call.id!r} cannot be sent back to Anthropic, which wants its arguments as an object: {error}"
        ) from None
    ours = {"type": "tool_use", "id": plain_id(call.id), "name": call.name, "input": arguments}
    theirs = call.raw if call.raw and call.raw.get("type") == "tool_use" else {}
    return {**theirs, **ours}


def _tool_result(result: ToolResult, role: str) -> Body:
    blocks = [block for part in result.content for block in _blocks(part, role)]
    content: Any = blocks
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        content = blocks[0]["text"]
    found: Body = {"type": "tool_result", "tool_use_id": plain_id(result.id), "content": content}
    return {**found, "is_error": True} if result.failed else found


def _choice(request: ModelRequest) -> Body:
    """Which tools it may call; nothing when that is what the API does anyway."""
    single = (
        {"disable_parallel_tool_use": not request.parallel_tools}
        if request.parallel_tools is not None
        else {}
    )
    match request.tool_choice:
        case "auto":
            return {"type": "auto", **single} if single and request.tools else {}
        case "required":
            return {"type": "any", **single}
        case "none":
            return {"type": "none"} if request.tools else {}
        case name:
            return {"type": "tool", "name": name, **single}


def _think(body: Body, effort: Effort) -> None:
    """Say how much to think: in words to newer models, as a budget of tokens to older ones."""
    if effort == "none":
        body["thinking"] = {"type": "disabled"}
    elif _BY_BUDGET.search(body["model"]):
        most = body["max_tokens"]
        if most <= LEAST_BUDGET:
            raise UnsupportedError(
                f"{body['model']} thinks with at least {LEAST_BUDGET} tokens, but the whole answer may have "
                f"{most}: raise max_tokens, or ask without effort"
            )
        budget = max(LEAST_BUDGET, min(_BUDGETS[effort], most // 2))
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    else:
        body["thinking"] = {"type": "adaptive"}
        level = "low" if effort == "minimal" else effort
        body["output_config"] = {**body.get("output_config", {}), "effort": level}
