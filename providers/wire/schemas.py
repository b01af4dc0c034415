"""Which JSON schemas a provider can hold an answer to, letter by letter."""

from __future__ import annotations

from typing import Any

# What OpenAI's strict mode understands, as its guide to structured outputs lists it.
_KNOWN = frozenset(
    {
        *("$defs", "$ref", "additionalProperties", "anyOf", "const", "definitions", "description", "enum"),
        *(
            "exclusiveMaximum",
            "exclusiveMinimum",
            "format",
            "items",
            "maxItems",
            "maximum",
            "minItems",
            "minimum",
        ),
        *("multipleOf", "pattern", "properties", "required", "title", "type"),
    }
)


def is_strict(schema: dict[str, Any]) -> bool:
    """Whether OpenAI's strict mode takes a schema; what it does not take it refuses, so it must not be asked for then.

    It takes an object that is closed and has all its properties required, all the way down, without keywords it does
    not know.

    Example::

        is_strict({"type": "object", "properties": {}, "required": [], "additionalProperties": False})  # True
    """
    return schema.get("type") == "object" and _fits(schema)


def _fits(schema: Any) -> bool:
    if not isinstance(schema, dict) or not schema.keys() <= _KNOWN:
        return False
    properties = schema.get("properties", {})
    if schema.get("type") == "object" or "properties" in schema:
        closed = schema.get("additionalProperties") is False
        if not closed or set(schema.get("required", ())) != set(properties):
            return False
    below = [
        *properties.values(),
        *schema.get("$defs", {}).values(),
        *schema.get("definitions", {}).values(),
        *schema.get("anyOf", ()),
        *([schema["items"]] if "items" in schema else []),
    ]
    return all(_fits(one) for one in below)
