"""The file of a cassette: its lines, and how requests, answers and errors stand in them.

A cassette is JSON lines. The first one says what the file is; then comes one line for each exchange, written when the
exchange is over, and before it one for each picture or file in it that is new::

    {"cassette": 1, "model": "openai:gpt-5"}
    {"content": "9f86d0...", "data": "iVBORw0KGgo..."}
    {"request": {"messages": [...]}, "response": {"message": {...}, "usage": {...}}}
    {"request": {...}, "events": [{"kind": "text", "text": "He"}], "response": {...}}
    {"request": {...}, "error": {"type": "RateLimitError", "message": "slow down", "retry_after": 2.0}}
    {"request": {...}, "left": true}

``left`` stands where nobody waited for the end. Defaults are left out. What has the shape of a key, and what is one in
the environment, is written as ``[key]``.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from . import errors
from .errors import ModelError
from .messages import Usage
from .protocol import ModelRequest, ModelResponse

FORMAT: Final = 1
_LARGE = 1024  # characters of base64 from which on content stands in a line of its own
_NOTHING: tuple[Any, ...] = (None, "", {}, [])
_NO_USAGE = Usage().model_dump()


class CassetteError(Exception):
    """A file cannot be used as a cassette; the message says why and where."""


def read(path: Path) -> tuple[str, dict[str, str], list[dict[str, Any]]]:
    """The recorded model's name, the contents by their hashes, and the exchanges."""
    try:
        found = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CassetteError(f"{path} cannot be read as a cassette: {error}") from None
    head = _parsed(path, 1, found[0]) if found[0] else {}
    if head.get("cassette") != FORMAT:
        raise CassetteError(
            f'{path} is no cassette of this version: its first line should be {{"cassette": {FORMAT}, ...}}'
        )
    contents: dict[str, str] = {}
    entries: list[dict[str, Any]] = []
    for number, text in enumerate(found[1:], 2):
        entry = _parsed(path, number, text)
        if "content" in entry:
            contents[entry["content"]] = entry["data"]
            continue
        try:
            whole = put_back(entry, contents)
            ModelRequest.model_validate(whole["request"])
            if "response" in entry:
                ModelResponse.model_validate(whole["response"])
        except (ValidationError, KeyError) as error:
            raise CassetteError(f"{path}, line {number} is no exchange: {error}") from None
        entries.append(entry)
    return str(head.get("model", "replay")), contents, entries


def _parsed(path: Path, number: int, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CassetteError(f"{path}, line {number} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise CassetteError(f"{path}, line {number} should be a JSON object")
    return found


def line(value: dict[str, Any]) -> bytes:
    """One line of a cassette. Halves of characters, which UTF-8 cannot hold, are escaped as JSON has it."""
    return f"{json.dumps(value, ensure_ascii=False)}\n".encode("utf-8", "backslashreplace")


def dumped(value: BaseModel) -> dict[str, Any]:
    """A message type as a JSON object: defaults left out, but for what tells parts from each other."""
    found: dict[str, Any] = json.loads(value.model_dump_json(exclude_defaults=True))
    whole = json.loads(value.model_dump_json())
    kept: dict[str, Any] = _with_kinds(found, whole)
    return kept


def _with_kinds(found: Any, whole: Any) -> Any:
    if isinstance(found, dict) and isinstance(whole, dict):
        kind = {"kind": whole["kind"]} if "kind" in whole else {}
        return {**kind, **{name: _with_kinds(item, whole.get(name)) for name, item in found.items()}}
    if isinstance(found, list) and isinstance(whole, list):
        return [_with_kinds(one, other) for one, other in zip(found, whole, strict=True)]
    return found


def key_of(request: dict[str, Any]) -> str:
    """What two requests of equal content have in common."""
    return json.dumps(request, sort_keys=True)


def set_apart(value: Any, found: dict[str, str]) -> Any:
    """A JSON value with the content of pictures and files replaced by its hash; `found` takes the content."""
    if isinstance(value, dict):
        data = value.get("data")
        if "media_type" in value and isinstance(data, str) and len(data) > _LARGE:
            name = hashlib.sha256(data.encode()).hexdigest()
            found[name] = data
            return {**value, "data": {"content": name}}
        return {name: set_apart(item, found) for name, item in value.items()}
    if isinstance(value, list):
        return [set_apart(item, found) for item in value]
    return value


def put_back(value: Any, contents: dict[str, str]) -> Any:
    """A JSON value as it was before `set_apart`. Raises KeyError."""
    if isinstance(value, dict):
        data = value.get("data")
        if "media_type" in value and isinstance(data, dict) and data.keys() == {"content"}:
            return {**value, "data": contents[data["content"]]}
        return {name: put_back(item, contents) for name, item in value.items()}
    if isinstance(value, list):
        return [put_back(item, contents) for item in value]
    return value


# --------------------------------------------------------------------------- errors


def error_json(error: ModelError) -> dict[str, Any]:
    """An error's members; its type is the nearest one of `backedge.providers.errors`."""
    ours = next(kind.__name__ for kind in type(error).__mro__ if vars(errors).get(kind.__name__) is kind)
    message, facts = error.args
    return {
        "type": ours,
        "message": message,
        **{name: value for name, value in facts.items() if value not in _NOTHING and value != _NO_USAGE},
    }


def error_from(told: dict[str, Any]) -> ModelError:
    """The error that `error_json` wrote down."""
    facts = dict(told)
    kind = vars(errors).get(facts.pop("type"))
    message = facts.pop("message")
    error = kind(message) if isinstance(kind, type) and issubclass(kind, ModelError) else ModelError(message)
    error.args = (message, {"usage": {}, "attempts": [], **facts})
    return error
