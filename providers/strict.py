"""JSON schemas in the form that providers' strict modes accept, all of them.

Such a mode lets a model write nothing but what fits. It knows only a part of JSON schema: every object is closed, all
its members are required, there are no free mappings, and numbers and texts have no bounds. So objects are closed here,
and what cannot be said in the schema is said in the description, for the model to read; the answer is validated
against the real type afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

_KEPT: Final = ("type", "description", "enum", "const", "format", "$ref")
_FORMATS: Final = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
_SILENT: Final = {
    "title",
    "discriminator",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "$defs",
} | {
    "anyOf",
    "oneOf",
    "allOf",
    "prefixItems",
}


def as_object(schema: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """A schema whose root is an object, as every provider wants it, and whether the value had to be wrapped.

    What is no object becomes the member ``value`` of one.
    """
    found = dict(schema)
    definitions = found.pop("$defs", {})
    if "$ref" in found:
        target = definitions.get(str(found["$ref"]).removeprefix("#/$defs/"), {})
        found = dict(target) if "properties" in target else found
    wrapped = "properties" not in found and found.get("additionalProperties") is None
    if wrapped:
        found = {"type": "object", "properties": {"value": found}, "required": ["value"]}
    return ({**found, "$defs": definitions} if definitions else found), wrapped


def strict(schema: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """A schema that strict modes accept. The root must be an object; see `as_object`.

    Raises:
        TypeError: It holds what cannot be said: a mapping with free keys, or something without a type. The message
            says where.
    """
    if "$ref" in schema:
        found: dict[str, Any] = {"$ref": schema["$ref"]}  # nothing may stand beside a reference
    elif len(schema.get("allOf", ())) == 1:
        return strict({**schema["allOf"][0], **{key: schema[key] for key in schema if key != "allOf"}}, where)
    else:
        found = _one(schema, where)
    if "$defs" in schema:
        found["$defs"] = {name: strict(one, name) for name, one in schema["$defs"].items()}
    return found


def _one(schema: Mapping[str, Any], where: str) -> dict[str, Any]:
    found = {name: schema[name] for name in _KEPT if name in schema}
    told = {
        name: value for name, value in schema.items() if name not in (*_KEPT, *_SILENT) and value is not None
    }
    if found.get("format") not in _FORMATS and "format" in found:
        told["format"] = found.pop("format")
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        found["anyOf"] = [strict(choice, where) for choice in choices]
    elif schema.get("type") == "object":
        found |= _closed(schema, where)
    elif schema.get("type") == "array":
        found["items"] = strict(_items(schema, where), f"{where}[]")
        if "prefixItems" in schema:
            told["items in this order"] = [one.get("type", "any") for one in schema["prefixItems"]]
    elif not found.keys() & {"type", "enum", "const"}:
        raise _cannot(where, "has no type")
    if told:
        notes = ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in told.items())
        found["description"] = f"{found.get('description', '')} ({notes})".strip()
    return found


def _closed(schema: Mapping[str, Any], where: str) -> dict[str, Any]:
    if "properties" not in schema:
        raise _cannot(where, "is a mapping with free keys (a list of pairs can be said)")
    properties = schema["properties"]
    return {
        "properties": {
            name: strict(one, f"{where}.{name}" if where else name) for name, one in properties.items()
        },
        "required": list(properties),
        "additionalProperties": False,
    }


def _items(schema: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """What the items of an array are; those of a tuple are any of its types."""
    if "prefixItems" in schema:
        kinds = [one for n, one in enumerate(schema["prefixItems"]) if one not in schema["prefixItems"][:n]]
        return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    items = schema.get("items")
    if not isinstance(items, Mapping) or not items:
        raise _cannot(where, "is a list of anything")
    return items


def _cannot(where: str, what: str) -> TypeError:
    return TypeError(
        f"{where or 'the type'} {what}, which strict structured output cannot say; "
        f"change the type, or use mode='tool' or mode='prompt'"
    )
