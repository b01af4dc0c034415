"""A request in the words of Chat Completions: the body of a call. Pure: nothing here does I/O.

A tool's result can hold text only on most endpoints, so its pictures and files follow in a message of the user's, after
the results of all calls of that turn. Thoughts go back to where they came from in the form they came in: as most
endpoints want it, in plain form only with the tool calls they led to.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable

from ..errors import UnsupportedError
from ..messages import AnyPart, Code, File, Image, Message, Other, Reasoning, Role, Text, ToolCall, ToolResult
from ..protocol import ModelRequest, OutputSpec
from .content import Body, address_of, fenced, with_extra
from .dialects import Dialect
from .schemas import is_strict

ORIGIN = "chat"

_OURS = frozenset({"messages", "model", "stream"})
_SHORT = re.compile(r"[A-Za-z0-9]{9}")
_PLAIN = ("reasoning_content", "reasoning")


def body_of(request: ModelRequest, *, model: str, dialect: Dialect, stream: bool = False) -> Body:
    """What to post.

    Args:
        request: What is asked.
        model: The model's name at the provider.
        dialect: What the endpoint wants otherwise than others.
        stream: Whether the answer should come piece by piece.

    Raises:
        UnsupportedError: The request holds something that cannot be said this way.
    """
    _refuse_extra(request)
    body: Body = {"model": model, "messages": _conversation(request.messages, dialect)}
    if stream:
        body["stream"] = True
        if dialect.usage_on_request:
            body["stream_options"] = {"include_usage": True}
    body.update(_tools(request))
    if request.output is not None:
        body["response_format"] = _format(request.output, dialect)
        if dialect.output == "json_object":
            body["messages"].append(_schema_in_words(request.output))
    if request.max_tokens is not None:
        body[dialect.max_tokens] = request.max_tokens
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.effort is not None:
        plain = dialect.effort == "reasoning_effort"
        body[dialect.effort] = request.effort if plain else {"effort": request.effort}
    return with_extra(body, request.extra)


def _refuse_extra(request: ModelRequest) -> None:
    if not request.extra:
        return
    taken = sorted(_OURS & request.extra.keys())
    if taken:
        raise UnsupportedError(f"extra cannot hold {', '.join(taken)}: these follow from the request itself")
    if request.extra.get("n") not in (None, 1):
        raise UnsupportedError(
            "one answer is read: leave `n` out of extra and ask again for each further one"
        )


def _tools(request: ModelRequest) -> Body:
    if not request.tools:
        return {}
    body: Body = {
        "tools": [
            {
                "type": "function",
                "function": {"name": one.name, "description": one.description, "parameters": one.parameters},
            }
            for one in request.tools
        ]
    }
    if request.tool_choice in ("none", "required"):
        body["tool_choice"] = request.tool_choice
    elif request.tool_choice != "auto":
        names = sorted(one.name for one in request.tools)
        if request.tool_choice not in names:
            raise UnsupportedError(
                f"the tool {request.tool_choice!r} must be called but is not offered (offered: {', '.join(names)})"
            )
        body["tool_choice"] = {"type": "function", "function": {"name": request.tool_choice}}
    if request.parallel_tools is not None:
        body["parallel_tool_calls"] = request.parallel_tools
    return body


def _format(output: OutputSpec, dialect: Dialect) -> Body:
    if dialect.output == "json_object":
        return {"type": "json_object"}
    described: Body = {"name": output.name, "schema": output.parameters}
    if is_strict(output.parameters):
        described["strict"] = True
    return {"type": "json_schema", "json_schema": described}


def _schema_in_words(output: OutputSpec) -> Body:
    schema = json.dumps(output.parameters, ensure_ascii=False)
    return {
        "role": "system",
        "content": f"Answer with one JSON object that satisfies this JSON schema: {schema}",
    }


def _said(message: Message, dialect: Dialect) -> Iterable[Body]:
    """A message of ours as theirs: one, as a rule."""
    role, parts = message.role, message.parts
    if len(parts) == 1 and type(parts[0]) is Text:
        return ({"role": role, "content": parts[0].text},)
    return _assistant(parts, dialect) if role == "assistant" else _user(parts, role, dialect)


def _user(parts: Iterable[AnyPart], role: Role, dialect: Dialect) -> Iterable[Body]:
    """A message that is not the assistant's: one for each result of a tool, and one for the rest."""
    rest: list[AnyPart] = []
    for part in parts:
        if isinstance(part, ToolResult):
            yield _result(part, dialect)
            rest += _shown(part)
        else:
            rest.append(part)
    content = _content(rest, dialect, joined=role == "system")
    if content != []:
        yield {"role": "user" if role == "tool" else role, "content": content}


def _result(part: ToolResult, dialect: Dialect) -> Body:
    text = part.text
    if part.failed and not text.lower().startswith("error"):
        text = f"Error: {text}"
    if len(part.content) > sum(isinstance(one, Text) for one in part.content):
        text = f"{text}\n(What it shows follows in the next message.)".lstrip()
    return {"role": "tool", "tool_call_id": _id(part.id, dialect), "content": text}


def _shown(part: ToolResult) -> list[AnyPart]:
    """The pictures and files of a result, with a word on where they belong."""
    found: list[AnyPart] = [one for one in part.content if not isinstance(one, Text)]
    return [Text(text=f"From the tool call {part.id}:"), *found] if found else []


def _content(parts: list[AnyPart], dialect: Dialect, *, joined: bool = False) -> str | list[Body]:
    """A string where one piece of words is all there is, or all of them are to be joined; else a list of parts."""
    words = [_words(part) for part in parts if isinstance(part, Text | Code)]
    if len(words) == len(parts) and (len(words) == 1 or (words and joined)):
        return "\n\n".join(words)
    return [piece for part in parts if (piece := _piece(part, dialect)) is not None]


def _words(part: Text | Code) -> str:
    return part.text if isinstance(part, Text) else fenced(part)


def _piece(part: AnyPart, dialect: Dialect) -> Body | None:
    match part:
        case Text() | Code():
            return {"type": "text", "text": _words(part)}
        case Image():
            return {"type": "image_url", "image_url": {"url": address_of(part)}}
        case File():
            return _file(part, dialect)
        case Other():
            return dict(part.raw) if part.origin == ORIGIN and "type" in part.raw else None
        case ToolCall():
            raise UnsupportedError(
                f"the tool call {part.id!r} stands in a message that is not the assistant's"
            )
        case _:
            return None


def _file(part: File, dialect: Dialect) -> Body:
    if part.media_type.startswith("text/") and part.data is not None:
        words = fenced(Code(text=part.data.decode(errors="replace")))
        return {"type": "text", "text": f"{part.name}:\n{words}"}
    if dialect.files == "document_url":
        return {"type": "document_url", "document_url": address_of(part), "document_name": part.name}
    if not dialect.files:
        raise UnsupportedError(
            f"this provider reads no files of type {part.media_type} ({part.name!r}): give their text instead"
        )
    return {"type": "file", "file": {"filename": part.name, "file_data": address_of(part)}}


def _assistant(parts: Iterable[AnyPart], dialect: Dialect) -> Iterable[Body]:
    """What the assistant said; pictures it made follow as the user's, which most endpoints want."""
    found: Body = {"role": "assistant", "content": None}
    pieces: list[Body] = []
    calls = [_call(part, dialect) for part in parts if isinstance(part, ToolCall)]
    for part in parts:
        match part:
            case Text() | Code():
                pieces.append({"type": "text", "text": _words(part)})
            case Reasoning():
                pieces += _thoughts(part, found, dialect, with_calls=bool(calls))
            case Other() if part.origin == ORIGIN and "type" not in part.raw:
                found.update(part.raw)
            case ToolResult():
                raise UnsupportedError(
                    f"the result of the tool call {part.id!r} stands in the assistant's message"
                )
    if any(piece["type"] != "text" for piece in pieces):
        found["content"] = pieces
    elif pieces or not calls:
        found["content"] = "".join(piece["text"] for piece in pieces)
    if calls:
        found["tool_calls"] = calls
        if dialect.thoughts_needed:
            found.setdefault("reasoning_content", "")
    yield found
    shown: list[AnyPart] = [part for part in parts if isinstance(part, Image | File)]
    if shown:
        yield {"role": "user", "content": _content([Text(text="From your answer:"), *shown], dialect)}


def _thoughts(part: Reasoning, message: Body, dialect: Dialect, *, with_calls: bool) -> list[Body]:
    """Puts thoughts into the message they belong to; gives those that stand among its content."""
    if part.origin != ORIGIN or part.raw is None:
        return []
    raw: Body = {key: value for key, value in part.raw.items() if key in dialect.thoughts}
    if "reasoning_details" in raw:
        raw.pop("reasoning", None)
    pieces = raw.pop("content", [])
    for key, value in raw.items():
        if key in _PLAIN and not with_calls:
            continue
        both = isinstance(message.get(key), str | list) and type(message[key]) is type(value)
        message[key] = message[key] + value if both else value
    return list(pieces)


def _call(part: ToolCall, dialect: Dialect) -> Body:
    theirs = (
        {} if part.raw is None or "type" in part.raw else part.raw
    )  # other APIs' calls say of what type they are
    return {
        **theirs,
        "id": _id(part.id, dialect),
        "type": "function",
        "function": {"name": part.name, "arguments": part.arguments.strip() or "{}"},
    }


def _id(given: str, dialect: Dialect) -> str:
    """The id of a call as the endpoint takes it; calls of other providers' models stand in the conversation too."""
    if dialect.short_ids and not _SHORT.fullmatch(given):
        return hashlib.sha256(given.encode()).hexdigest()[:9]
    return given


def _conversation(messages: Iterable[Message], dialect: Dialect) -> list[Body]:
    """The messages as theirs; those with results of tools that stand side by side are taken as one."""
    found: list[Body] = []
    results: list[AnyPart] = []
    for message in messages:
        if message.role == "tool":
            results += message.parts
            continue
        if results:
            found += _user(results, "tool", dialect)
            results = []
        found += _said(message, dialect)
    return [*found, *_user(results, "tool", dialect)] if results else found
