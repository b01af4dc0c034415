"""An answer in the words of Chat Completions as one of ours. Pure: nothing here does I/O.

Endpoints differ in where they put a model's thoughts, in how they count, and in what they leave out; all of them are
read by the same few functions. What an endpoint wants back unchanged is kept in the parts' `raw`.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from ..errors import BadAnswerError
from ..messages import AnyPart, Image, Other, Reasoning, Text, ToolCall
from ..protocol import Finish, ModelResponse
from .chat_body import ORIGIN
from .chat_counts import cost_of, usage_in, usage_of
from .content import Body, answered
from .dialects import Dialect

_FINISH: dict[str, Finish] = {
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "filtered",
    "safety": "filtered",
    "refusal": "refusal",
}
"""Reasons to stop as endpoints name them; any other means that the model was done."""

_OWN = frozenset({"id", "type", "function", "index"})
_THOUGHTS = ("reasoning_details", "reasoning", "reasoning_content", "extra_content")


def response_of(body: Body, by: str, *, dialect: Dialect) -> ModelResponse:
    """The response that an answer's body holds; the first choice of it.

    Raises:
        BadAnswerError: There is no choice in it.
    """
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    counts = usage_in(body)
    usage = usage_of(counts)
    if not isinstance(first, dict):
        raise BadAnswerError(
            f"the answer has no choices: expected a list of at least one, found {choices!r:.80}",
            model=by,
            usage=usage,
            request_id=_text(body.get("id")),
        )
    message = first.get("message")
    if not isinstance(message, dict):
        found = first.get("delta")  # some write it so though nothing is streamed
        message = found if isinstance(found, dict) else {}
    answer_id = _text(body.get("id"))
    parts = _parts(message, answer_id)
    return answered(
        parts,
        body,
        usage=usage,
        finish=_finish(_text(first.get("finish_reason")), message, parts),
        model=_text(body.get("model")),
        by=by,
        answer_id=answer_id,
        cost=cost_of(counts) if dialect.costs else None,
    )


def error_in(body: Body) -> Any:
    """What of an answer, or of a chunk of one, is an error and no answer; `None` when nothing is."""
    if body.get("error"):
        return body
    groq = body.get("x_groq")
    if isinstance(groq, dict) and groq.get("error"):
        return groq
    choices = body.get("choices")
    if not choices:
        words = body.get("message") or body.get("detail") or body.get("errors")
        return body if words or body.get("object") == "error" else None
    first = choices[0] if isinstance(choices, list) else None
    if not isinstance(first, dict):
        return None
    if first.get("error"):
        return first
    reason = first.get("finish_reason")
    if reason == "error":
        return {"error": {"message": "the provider stopped with an error", "type": "server_error"}}
    if reason == "insufficient_system_resource":
        return {
            "error": {
                "message": "the provider ran out of resources",
                "type": "overloaded_error",
                "code": reason,
            }
        }
    return None


def thinking_of(piece: Body) -> str:
    """The words of a part of the content that holds thoughts."""
    found = piece.get("thinking")
    if isinstance(found, list):
        return "".join(_text(one.get("text")) for one in found if isinstance(one, dict))
    return _text(found)


def details_text(details: Any) -> str:
    """The words in OpenRouter's form of thoughts."""
    found = [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    return "".join(_text(one.get("text")) or _text(one.get("summary")) for one in found)


def arguments_in(function: Body) -> str:
    """A call's arguments as text; some endpoints give the object itself."""
    found = function.get("arguments")
    return json.dumps(found, ensure_ascii=False) if isinstance(found, dict | list) else _text(found)


def _parts(message: Body, answer_id: str) -> list[AnyPart]:
    thoughts, words = _content(message.get("content"))
    parts: list[AnyPart] = [*_reasoning(message, thoughts), *words]
    if refusal := _text(message.get("refusal")):
        parts.append(Text(text=refusal))
    if images := message.get("images"):
        parts += _pictures(images)
    if isinstance(audio := message.get("audio"), dict):
        parts.append(Other(origin=ORIGIN, raw={"audio": audio}))
    if calls := message.get("tool_calls"):
        parts += [_call(one, place, answer_id) for place, one in enumerate(calls) if isinstance(one, dict)]
    return parts


def _content(content: Any) -> tuple[list[Body], list[AnyPart]]:
    """Parts with thoughts, and all others as ours; a part of an unknown type is kept as it is."""
    if isinstance(content, str):
        return [], [Text(text=content)] if content else []
    thoughts: list[Body] = []
    found: list[AnyPart] = []
    for piece in content if isinstance(content, list) else ():
        if not isinstance(piece, dict):
            continue
        match piece.get("type"):
            case "thinking":
                thoughts.append(piece)
            case "text":
                found += [Text(text=piece["text"])] if _text(piece.get("text")) else []
            case "image_url":
                found += _pictures([piece])
            case _:
                found.append(Other(origin=ORIGIN, raw=piece))
    return thoughts, found


def _reasoning(message: Body, thoughts: list[Body]) -> list[Reasoning]:
    raw: Body = {}
    for key in _THOUGHTS:
        if found := message.get(key):
            raw[key] = found
    if thoughts:
        raw["content"] = thoughts
    if not raw:
        return []
    told = _text(message.get("reasoning")) or _text(message.get("reasoning_content"))
    text = told or "".join(map(thinking_of, thoughts)) or details_text(message.get("reasoning_details"))
    return [Reasoning(text=text, origin=ORIGIN, raw=raw)]


def _pictures(images: Any) -> list[Image]:
    found: list[Image] = []
    for one in images if isinstance(images, list) else ():
        place = one.get("image_url") if isinstance(one, dict) else None
        url = place.get("url") if isinstance(place, dict) else place
        if isinstance(url, str) and url:
            found.append(image_at(url))
    return found


def image_at(url: str) -> Image:
    """A picture by its address; one that holds the bytes themselves is unpacked."""
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        try:
            kind = head.removeprefix("data:").partition(";")[0]
            return Image(media_type=kind or "image/png", data=base64.b64decode(data, validate=True))
        except binascii.Error:
            pass
    return Image(media_type="image/*", url=url)


def _call(call: Body, place: int, answer_id: str) -> ToolCall:
    function = _object(call.get("function"))
    extra = {key: value for key, value in call.items() if key not in _OWN and value is not None}
    return ToolCall(
        # Gemini leaves it out; results need one, and it must be another one in the next answer.
        id=_text(call.get("id")) or f"call_{place}_{answer_id[-24:]}",
        name=_text(function.get("name")),
        arguments=arguments_in(function),
        raw=extra or None,
    )


def _finish(reason: str, message: Body, parts: list[AnyPart]) -> Finish:
    if _text(message.get("refusal")):
        return "refusal"
    found = _FINISH.get(reason.lower(), "stop")
    if found == "stop" and parts and isinstance(parts[-1], ToolCall):  # calls come last
        return "tool_calls"
    return found


def _object(found: Any) -> Body:
    return found if isinstance(found, dict) else {}


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""
