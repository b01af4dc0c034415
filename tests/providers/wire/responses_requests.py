"""Recorded requests of the Responses API as requests of ours, and both in a form in which they can be compared."""

import base64
import json

from backedge.providers.messages import File, Image, Message, Other, Reasoning, Text, ToolCall, ToolResult
from backedge.providers.protocol import ModelRequest, OutputSpec, ToolSpec

ORIGIN = "responses"
TOOL_KEYS = {"type", "name", "description", "parameters"}
OURS = (
    "model",
    "input",
    "stream",
    "instructions",
    "tools",
    "tool_choice",
    "max_output_tokens",
    "temperature",
    "text",
)


def decoded(body):
    """The recorded body as a request of ours; what has no word of ours goes into `extra` or an `Other`."""
    extra = {key: value for key, value in body.items() if key not in OURS and value is not None}
    messages = [Message.of("system", body["instructions"])] if body.get("instructions") else []
    given = body.get("input", [])
    given = [{"role": "user", "content": given}] if isinstance(given, str) else given
    messages += together([message(item) for item in given])
    tools = body.get("tools") or []
    own = [tool for tool in tools if not is_plain(tool)]
    if own:
        extra["tools"] = own
    form = (body.get("text") or {}).get("format")
    parallel = extra.pop("parallel_tool_calls", None)
    reasoning = dict(extra.pop("reasoning", {}))
    effort = reasoning.pop("effort", None)
    if reasoning:
        extra["reasoning"] = reasoning
    return ModelRequest(
        messages=tuple(messages),
        tools=tuple(
            ToolSpec(name=t["name"], description=t["description"] or "", parameters=t["parameters"])
            for t in tools
            if is_plain(t)
        ),
        tool_choice=body.get("tool_choice") or "auto",
        parallel_tools=parallel,
        output=OutputSpec(name=form["name"], parameters=form["schema"]) if form else None,
        max_tokens=body.get("max_output_tokens"),
        temperature=body.get("temperature"),
        effort=effort,
        extra=extra,
    )


def together(messages):
    """What the assistant said in one turn as one message, as our models give it."""
    found = []
    for one in messages:
        if found and found[-1].role == one.role == "assistant":
            found[-1] = Message(role="assistant", parts=(*found[-1].parts, *one.parts))
        else:
            found.append(one)
    return found


def is_plain(tool):
    return tool["type"] == "function" and tool.keys() - {"strict"} == TOOL_KEYS and not tool.get("strict")


def message(item):
    if isinstance(item, str):
        return Message.of("user", item)
    role, content = item.get("role"), item.get("content")
    match item.get("type"):
        case None | "message" if role != "assistant" or item.keys() <= {"type", "role", "content"}:
            role = "system" if role == "developer" else role
            pieces = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
            return Message(role=role, parts=tuple(part(piece) for piece in pieces))
        case "reasoning":
            return Message.of("assistant", Reasoning(origin=ORIGIN, raw=item))
        case "function_call":
            raw = {k: v for k, v in item.items() if k not in ("id", "call_id", "name", "arguments", "status")}
            call = ToolCall(
                id=item["call_id"],
                name=item["name"],
                arguments=item["arguments"],
                raw=raw if len(raw) > 1 else None,
            )
            return Message.of("assistant", call)
        case "function_call_output" if isinstance(item["output"], str):
            return Message.of("tool", ToolResult(id=item["call_id"], content=item["output"]))
        case _:
            return Message.of("assistant", Other(origin=ORIGIN, raw=item))


def part(piece):
    match piece:
        case {"type": "input_text" | "output_text", "text": text} if not piece.get("prompt_cache_breakpoint"):
            return Text(text=text)
        case {"type": "input_image", "image_url": url, **rest} if not rest:
            return Image(**where(url, "image/png"))
        case {"type": "input_file", "file_url": url, **rest} if not rest:
            return File(media_type="application/pdf", url=url)
        case {"type": "input_file", "file_data": url, "filename": name, **rest} if not rest:
            return File(name=name, **where(url, "application/pdf"))
        case _:
            return Other(origin=ORIGIN, raw=piece)


def where(url, kind):
    if not url.startswith("data:"):
        return {"media_type": kind, "url": url}
    head, _, data = url.removeprefix("data:").partition(";base64,")
    return {"media_type": head, "data": base64.b64decode(data)}


def comparable(body):
    """A body without what may differ between two programs that say the same.

    The model's name and what is kept at the provider are the caller's choice, and looked at elsewhere.
    """
    left_out = ("stream", "instructions", "input", "store", "model")
    found = {key: value for key, value in body.items() if key not in left_out and value is not None}
    if found.get("tool_choice") == "auto":
        del found["tool_choice"]
    found["tools"] = sorted((tool(one) for one in body.get("tools") or ()), key=lambda one: json.dumps(one))
    given = body.get("input", [])
    given = [{"role": "user", "content": given}] if isinstance(given, str) else given
    items = [item(one) for one in given]
    if body.get("instructions"):
        items = [("system", [("text", body["instructions"])]), *items]
    found["input"] = joined(items)
    if isinstance(found.get("text"), dict):
        # Whether the form is held to the letter follows from the schema; recorded clients decided otherwise.
        found["text"] = {"format": {**found["text"]["format"], "strict": None}}
    if isinstance(found.get("reasoning"), dict):
        found["reasoning"] = {k: v for k, v in found["reasoning"].items() if v is not None}
    found["include"] = set(found.get("include") or ()) - {"reasoning.encrypted_content"}
    return found


def tool(one):
    told = {key: value for key, value in one.items() if value not in (None, "")}
    return {"strict": False, **told} if one["type"] == "function" else one


def joined(items):
    """Leading system messages as one, as instructions are, and so what the assistant said; nothing without words."""
    texts = []
    items = [one for one in items if one[1] != [("text", "")]]
    for place in reversed(range(1, len(items))):
        if items[place - 1][0] == items[place][0] == "assistant":
            items[place - 1 : place + 1] = [("assistant", items[place - 1][1] + items[place][1])]
    while items and items[0][0] == "system":
        texts += [text for _, text in items.pop(0)[1]]
    return [("system", "\n\n".join(texts)), *items] if texts else items


def item(one):
    if isinstance(one, str):
        return ("user", [("text", one)])
    if one.get("type") in (None, "message") and "id" not in one:
        role = "system" if one["role"] == "developer" else one["role"]
        content = one["content"]
        pieces = [("text", content)] if isinstance(content, str) else [piece(p) for p in content]
        return (role, pieces)
    if one.get("type") == "function_call":
        return (one["type"], {k: v for k, v in one.items() if k not in ("id", "status")})
    return (one["type"], {key: value for key, value in one.items() if value is not None})


def piece(one):
    return ("text", one["text"]) if one.keys() == {"type", "text"} else ("other", one)
