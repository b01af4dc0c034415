"""Whether an answer can be used: what a model wrote into its tool calls is checked before anybody acts on it."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from pydantic_core import PydanticSerializationError, to_json

from .errors import BadAnswerError, BadToolCallError
from .messages import Other, ToolCall
from .protocol import ModelRequest, ModelResponse

MOST_CHARACTERS = 1_000_000
"""Length of the arguments of one call."""

MOST_DEPTH = 64
"""Objects and lists inside each other in the arguments of one call."""


DEEPEST_RAW: Final = 160
"""Objects and lists inside each other in a provider's own answer: what is much deeper could be written down, but the
reader of journals would not read it again."""


def checked(response: ModelResponse, request: ModelRequest) -> ModelResponse:
    """The response, if it can be written down and all its tool calls can be used.

    Raises:
        BadAnswerError: It holds half of a character somewhere, which nothing can write down, or is nested too deeply.
        BadToolCallError: A call has no id of its own, names a tool that was not offered, or its arguments are not one
            proper JSON object. It says which and why, and what was spent.
    """
    calls = response.message.tool_calls
    if calls:
        _check_calls(calls, response, request)
    _refuse_unwritable(response)
    return response


def _check_calls(calls: tuple[ToolCall, ...], response: ModelResponse, request: ModelRequest) -> None:
    offered = {tool.name for tool in request.tools} | _own_tools(request)
    seen: set[str] = set()
    for call in calls:
        problem = _problem(call, offered, seen)
        if problem:
            if response.finish == "length":
                problem = f"{problem} (the answer was cut off at the token limit)"
            raise BadToolCallError(problem, model=response.by, usage=response.usage, request_id=response.id)
        seen.add(call.id)


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """A call's arguments as an object. No arguments at all are an empty one.

    Raises:
        ValueError: They are not one JSON object as the standard has it: broken, a key twice, NaN, half a character,
            too long or too deep.
    """
    text = call.arguments
    if not text.strip():
        return {}
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"they are {len(text):,} characters long, the most is {MOST_CHARACTERS:,}")
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"they are not JSON: {error}") from None
    except RecursionError:
        raise ValueError(f"they are nested deeper than {MOST_DEPTH}") from None
    if not isinstance(found, dict):
        raise ValueError(f"they are no JSON object but {type(found).__name__}")
    _look_through(found)
    return found


def _refuse_unwritable(response: ModelResponse) -> None:
    texts = [getattr(part, "text", "") for part in response.message.parts]
    try:
        # Quick, but what it says of what it cannot write is of no use to anybody.
        written = to_json(response.raw)
        shallow = written.count(b"{") + written.count(b"[") <= DEEPEST_RAW
        if shallow and all(map(str.isascii, texts)):
            return
    except (PydanticSerializationError, ValueError, RecursionError):
        pass
    try:
        _refuse_depth(response.raw, DEEPEST_RAW)
        for text in (json.dumps(response.raw, ensure_ascii=False), *texts):
            if not text.isascii():
                _refuse_halves(text)
        return
    except (ValueError, RecursionError) as error:
        problem = f"the answer cannot be used: {error}"
    raise BadAnswerError(problem, model=response.by, usage=response.usage, request_id=response.id)


def _own_tools(request: ModelRequest) -> set[str]:
    """Names of tools that are offered in the provider's own words: among its parameters, or in the conversation."""
    said = [part.raw for message in request.messages for part in message.parts if isinstance(part, Other)]
    lists = [own.get("tools") for own in (request.extra, *said)]
    tools = [tool for found in lists if isinstance(found, list) for tool in found if isinstance(tool, dict)]
    named = [tool.get("function", tool) for tool in tools]
    return {str(tool["name"]) for tool in named if isinstance(tool, dict) and "name" in tool}


def _problem(call: ToolCall, offered: set[str], seen: set[str]) -> str:
    """What is wrong with a call; nothing when it can be used."""
    if not call.id:
        return f"a call of the tool {call.name!r} has no id"
    if call.id in seen:
        return f"two tool calls have the id {call.id!r}"
    if call.name not in offered:
        known = ", ".join(sorted(offered)) or "none"
        return f"it calls the tool {call.name!r}, which it was not offered (offered: {known})"
    try:
        arguments_of(call)
    except ValueError as error:
        return f"the arguments of the tool call {call.name!r} cannot be used: {error}"
    return ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} comes twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _look_through(found: dict[str, Any]) -> None:
    """Refuse what the parser lets through: deep nesting, and halves of characters, which nothing can encode."""
    level: list[Any] = [found]
    for _ in range(MOST_DEPTH):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += [*one.keys(), *one.values()]
            elif isinstance(one, list):
                below += one
            elif isinstance(one, str) and not one.isascii():
                _refuse_halves(one)
        if not below:
            return
        level = below
    raise ValueError(f"they are nested deeper than {MOST_DEPTH}")


def _refuse_depth(found: Any, most: int) -> None:
    level = [found] if found is not None else []
    for _ in range(most):
        values = [value for one in level for value in (one.values() if isinstance(one, dict) else one)]
        level = [value for value in values if isinstance(value, dict | list)]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {most}")


def _refuse_halves(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a lone surrogate is in there, half of a character") from None
