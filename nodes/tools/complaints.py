"""What is wrong with a call's arguments, told so that a model can write better ones.

Each line says where, what was found and what is expected; at the end stands what the parameters in question take.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError

MOST: Final = 10
"""Complaints that are told of one call."""
_SHOWN: Final = 120  # characters of a value
_SCHEMA: Final = 600  # characters of what a parameter takes


def complaint(name: str, schema: Mapping[str, Any], raw: object, error: ValidationError) -> str:
    """The text of a `ToolArgumentsError`.

    Args:
        name: The tool.
        schema: JSON schema of its arguments.
        raw: The arguments as they came.
        error: What pydantic says of them.
    """
    found = error.errors(include_url=False)
    first = found[0]
    properties: Mapping[str, Any] = schema.get("properties", {})
    if first["type"] in ("json_invalid", "string_unicode") and not first["loc"]:
        return _no_json(name, str(raw), first, properties)
    if not first["loc"] and first["type"] == "model_type":
        return f"{name} takes one JSON object, {_form(properties)}, but the arguments are {_kind(first['input'])}"
    arguments = _parsed(raw)
    lines = [_line(one, arguments, properties) for one in found[:MOST]]
    if len(found) > MOST:
        lines.append(f"and {len(found) - MOST} more")
    lines += _expected(found, schema)
    return "\n".join([f"{name} was not called, its arguments do not fit:", *lines])


def _no_json(name: str, raw: str, error: Mapping[str, Any], properties: Mapping[str, Any]) -> str:
    why = str(error["msg"]).removeprefix("Invalid JSON: ")
    end = raw[-40:]
    return (
        f"{name} was not called: the arguments are no JSON ({why}; their end is {end!r}). "
        f"Write one JSON object, {_form(properties)}"
    )


def _line(error: Mapping[str, Any], arguments: object, properties: Mapping[str, Any]) -> str:
    where = _path(error["loc"], arguments, missing=error["type"] == "missing")
    if error["type"] == "missing":
        return f"- {where}: is missing"
    if error["type"] == "extra_forbidden":
        return f"- {where}: {_unknown(error['loc'], properties)}"
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return f"- {where}: {message}; found {_shown(error['input'])}"


def _unknown(place: Sequence[int | str], properties: Mapping[str, Any]) -> str:
    if len(place) > 1:
        return "is not known there; leave it out"
    near = get_close_matches(str(place[0]), properties, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"there is no such argument; {meant}there are: {', '.join(properties) or 'none'}"


def _path(place: Sequence[int | str], value: Any, *, missing: bool) -> str:
    """The place in what the model wrote, such as ``trips[2].city``; what pydantic adds for unions is left out."""
    told = ""
    for number, step in enumerate(place):
        last = number == len(place) - 1
        if isinstance(value, list) and isinstance(step, int) and step < len(value):
            told += f"[{step}]"
            value = value[step]
        elif isinstance(value, Mapping) and (step in value or (missing and last)):
            told += f".{step}" if told else str(step)
            value = value.get(step)
    return told or ".".join(map(str, place)) or "arguments"


def _expected(errors: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> list[str]:
    """What the parameters in question take, each once."""
    properties = schema.get("properties", {})
    names = dict.fromkeys(str(one["loc"][0]) for one in errors if one["loc"])
    lines = []
    for name in [name for name in names if name in properties][:MOST]:
        told: dict[str, Any] = dict(properties[name])
        reference = next((one.get("$ref") for one in (told, told.get("items", {})) if "$ref" in one), None)
        if reference is not None:
            told |= {"$defs": {(key := reference.rpartition("/")[2]): schema["$defs"][key]}}
        text = json.dumps(told, ensure_ascii=False)
        lines.append(f"{name} takes {text if len(text) <= _SCHEMA else text[:_SCHEMA] + ' …'}")
    return lines


def _form(properties: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f'"{name}": …' for name in properties) + "}"


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return "null" if value is None else kinds.get(type(value), "something else")


def _shown(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} … ({len(text)} characters)"


def _parsed(raw: object) -> object:
    if not isinstance(raw, str):
        return raw
    try:
        return json.loads(raw)
    except ValueError:  # what pydantic reads and json does not
        return None
