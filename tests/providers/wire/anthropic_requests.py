"""Recorded Anthropic requests as requests of ours, and both in a form in which they can be compared."""

import base64
import json

from backedge.providers.messages import File, Image, Message, Other, Reasoning, Text, ToolCall, ToolResult
from backedge.providers.protocol import ModelRequest, OutputSpec, ToolSpec

ORIGIN = "anthropic"
TOOL_KEYS = {"name", "description", "input_schema"}


def decoded(body):
    """The recorded body as a request of ours; what has no word of ours goes into `extra` or an `Other`."""
    extra = {
        key: value
        for key, value in body.items()
        if key
        not in ("model", "messages", "stream", "max_tokens", "temperature", "system", "tools", "tool_choice")
    }
    messages = list(system(body.get("system"), extra))
    messages += [Message(role=m["role"], parts=tuple(parts(m["content"]))) for m in body["messages"]]
    tools = [
        {k: v for k, v in tool.items() if (k, v) != ("type", "custom")} for tool in body.get("tools") or ()
    ]
    own = [tool for tool in tools if tool.keys() != TOOL_KEYS]
    if own:
        extra["tools"] = own
    config = dict(extra.pop("output_config", {}))
    form = config.pop("format", None)
    if config:
        extra["output_config"] = config
    choice = body.get("tool_choice") or {}
    if choice and own and len(own) == len(tools):
        extra["tool_choice"], choice = choice, {}
    names = {"any": "required", "tool": choice.get("name")}
    single = choice.get("disable_parallel_tool_use")
    return ModelRequest(
        messages=tuple(messages),
        tools=tuple(
            ToolSpec(name=t["name"], description=t["description"], parameters=t["input_schema"])
            for t in tools
            if t.keys() == TOOL_KEYS
        ),
        tool_choice=names.get(choice.get("type"), choice.get("type", "auto")),
        parallel_tools=None if single is None else not single,
        output=OutputSpec(name="answer", parameters=form["schema"]) if form else None,
        max_tokens=body["max_tokens"],
        temperature=body.get("temperature"),
        extra=extra,
    )


def system(given, extra):
    if isinstance(given, str):
        yield Message.of("system", given)
    elif given and all(block.keys() == {"type", "text"} for block in given):
        yield Message.of("system", *(block["text"] for block in given))
    elif given:
        extra["system"] = given


def parts(content):
    if isinstance(content, str):
        return [Text(text=content)]
    return [part(block) for block in content]


def part(block):
    source = block.get("source") or {}
    match block["type"], set(block) - {"type"}:
        case "text", keys if keys == {"text"}:
            return Text(text=block["text"])
        case (("thinking" | "redacted_thinking"), _):
            return Reasoning(text=block.get("thinking", ""), origin=ORIGIN, raw=block)
        case "tool_use", keys if keys == {"id", "name", "input"}:
            return ToolCall(id=block["id"], name=block["name"], arguments=json.dumps(block["input"]))
        case "tool_result", keys if keys <= {"tool_use_id", "content", "is_error"} and plain(
            block["content"]
        ):
            content = tuple(parts(block["content"]))
            return ToolResult(id=block["tool_use_id"], content=content, failed=block.get("is_error", False))
        case "image", keys if keys == {"source"} and source["type"] in ("base64", "url"):
            return Image(**where(source, "image/png"))
        case "document", keys if keys == {"source"} and source["type"] in ("base64", "url"):
            return File(**where(source, "application/pdf"))
        case _:
            return Other(origin=ORIGIN, raw=block)


def plain(content):
    return isinstance(content, str) or all(isinstance(part(block), Text | Image) for block in content)


def where(source, kind):
    if source["type"] == "url":
        return {"media_type": kind, "url": source["url"]}
    return {"media_type": source["media_type"], "data": base64.b64decode(source["data"])}


def comparable(body):
    """A body without what may differ between two programs that say the same."""
    found = {key: value for key, value in body.items() if key != "stream" and value is not None}
    if isinstance(found.get("system"), str):
        found["system"] = [{"type": "text", "text": found["system"]}]
    turns = []
    for message in found["messages"]:
        blocks = listed(message["content"])
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks)
        elif blocks:
            turns.append((message["role"], blocks))
    found["messages"] = turns
    if "tools" in found:
        ignored = (("type", "custom"), ("description", ""))
        tools = [{k: v for k, v in tool.items() if (k, v) not in ignored} for tool in found["tools"]]
        found["tools"] = sorted(tools, key=lambda tool: tool["name"])
    if found.get("tool_choice") == {"type": "auto"}:
        del found["tool_choice"]
    return found


def listed(content):
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return [block(one) for one in content if one.get("text") != ""]


def block(one):
    if one["type"] != "tool_result":
        return one
    return {**one, "content": listed(one["content"]), "is_error": one.get("is_error", False)}
