"""The recorded bodies of Chat Completions as requests of ours, and both sides of a comparison in one form.

Written for the recordings: it reads what other programs sent. It shares nothing with the code under test.
"""

import base64
import json
from urllib.parse import urlsplit, urlunsplit

from backedge.providers.messages import (
    File,
    Image,
    Message,
    Other,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from backedge.providers.protocol import ModelRequest, OutputSpec, ToolSpec

EFFORTS = ("none", "minimal", "low", "medium", "high")
THOUGHTS = ("reasoning_details", "reasoning", "reasoning_content", "extra_content")
NO_PARAMETERS = {"type": "object", "properties": {}}

# What our requests cannot say, and what is said otherwise: hints for caches, and how the answer is to be sent.
LEFT_OUT = ("cache_control", "prompt_cache_breakpoint", "detail")


def base_url(uri):
    """The endpoint below which `uri` was posted to, its parameters kept."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(path=parts.path.removesuffix("/chat/completions")))


def request_of(body):
    """The request of ours that says what a recorded body said."""
    rest = {key: value for key, value in body.items() if value is not None}
    for key in ("model", "stream", "stream_options"):
        rest.pop(key, None)
    messages = tuple(_message(one) for one in rest.pop("messages"))
    given = rest.pop("tools", [])
    functions = [one["function"] for one in given if _is_function(one)]
    others = [one for one in given if not _is_function(one)]
    wanted = {"messages": messages, "tools": tuple(_tool(one) for one in functions)}
    choice = rest.pop("tool_choice", "auto")
    if functions:
        choice = choice["function"]["name"] if isinstance(choice, dict) else choice
        wanted["tool_choice"] = "required" if choice == "any" else choice
        wanted["parallel_tools"] = rest.pop("parallel_tool_calls", None)
    limits = [rest.pop(key, None) for key in ("max_tokens", "max_completion_tokens")]
    wanted["max_tokens"] = limits[0] or limits[1]
    wanted["temperature"] = rest.pop("temperature", None)
    if rest.get("reasoning_effort") in EFFORTS:
        wanted["effort"] = rest.pop("reasoning_effort")
    form = rest.get("response_format", {}).get("json_schema")
    if form:
        del rest["response_format"]
        wanted["output"] = OutputSpec(name=form.get("name", "answer"), parameters=form["schema"])
    return ModelRequest(**wanted, extra={**rest, **({"tools": others} if others else {})})


def _is_function(tool):
    return tool.get("type", "function") == "function"


def _tool(function):
    return ToolSpec(
        name=function["name"],
        description=function.get("description") or "",
        parameters=function.get("parameters") or NO_PARAMETERS,
    )


def _message(said):
    role = {"developer": "system"}.get(said["role"], said["role"])
    content = _parts(said.get("content"))
    if role == "tool":
        return Message(role="tool", parts=(ToolResult(id=said["tool_call_id"], content=tuple(content)),))
    raw = {key: said[key] for key in THOUGHTS if said.get(key)}
    thoughts = [Reasoning(origin="chat", raw=raw)] if raw else []
    calls = [
        ToolCall(id=one["id"], name=one["function"]["name"], arguments=one["function"]["arguments"])
        for one in said.get("tool_calls") or ()
    ]
    return Message(role=role, parts=(*thoughts, *content, *calls))


def _parts(content):
    if isinstance(content, str):
        return [Text(text=content)]
    return [_part(one) for one in content or ()]


def _part(piece):
    if piece["type"] == "text":
        return Text(text=piece["text"])
    if piece["type"] == "image_url":
        given = piece["image_url"]
        return _content(Image, given["url"] if isinstance(given, dict) else given)
    if piece["type"] == "file" and "file_data" in piece["file"]:
        named = {"name": piece["file"]["filename"]} if "filename" in piece["file"] else {}
        return _content(File, piece["file"]["file_data"], **named)
    return Other(origin="chat", raw=piece)


def _content(kind, address, **more):
    if address.startswith("data:"):
        head, _, data = address.partition(",")
        media_type = head.removeprefix("data:").removesuffix(";base64")
        return kind(media_type=media_type, data=base64.b64decode(data), **more)
    return kind(media_type="application/octet-stream", url=address, **more)


def compared(body):
    """A body without what makes no difference, or what we say otherwise on purpose."""
    found = {key: value for key, value in body.items() if value is not None}
    for key in ("stream", "stream_options"):
        found.pop(key, None)
    if found.get("n") == 1:
        del found["n"]
    if found.get("tool_choice") == "auto" or not found.get("tools"):
        found.pop("tool_choice", None)
    if "max_completion_tokens" in found:
        found["max_tokens"] = found.pop("max_completion_tokens")
    found["messages"] = [_compared_message(one) for one in found["messages"]]
    found["tools"] = [_compared_tool(one) for one in found.get("tools", ())]
    form = found.get("response_format", {}).get("json_schema")
    if form:
        found["response_format"] = {"name": form.get("name", "answer"), "schema": form["schema"]}
    return found


def _compared_message(said):
    found = {key: value for key, value in said.items() if value not in (None, False, "")}
    found["role"] = {"developer": "system"}.get(said["role"], said["role"])
    content = found.pop("content", None) or ""
    if isinstance(content, list):
        content = [_compared_piece(one) for one in content]
        if all(one["type"] == "text" for one in content) and (len(content) == 1 or found["role"] != "user"):
            content = "".join(one["text"] for one in content)
    if content:
        found["content"] = content
    if "tool_calls" in found:
        found["tool_calls"] = [
            {
                "id": one["id"],
                "name": one["function"]["name"],
                "arguments": json.loads(one["function"]["arguments"]),
            }
            for one in found["tool_calls"]
        ]
    return found


def _compared_piece(piece):
    found = {key: value for key, value in piece.items() if value is not None and key not in LEFT_OUT}
    if found["type"] == "image_url":
        given = found["image_url"]
        found["image_url"] = given["url"] if isinstance(given, dict) else given
    if found["type"] == "file":
        found["file"] = (
            {"filename": "file", **found["file"]} if "file_data" in found["file"] else found["file"]
        )
    return found


def _compared_tool(tool):
    if not _is_function(tool):
        return tool
    function = tool["function"]
    return {
        "name": function["name"],
        "description": function.get("description") or "",
        "parameters": function.get("parameters") or NO_PARAMETERS,
    }
