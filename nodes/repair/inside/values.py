"""Results as JSON values: how what a function returned is written down, and when two values count as equal.

Cases are JSON, so results are compared as JSON would hold them: a tuple is a list, a generator is drained into a
list, a mapping's keys are strings, and a set is the list of its members in sorted order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes longer to import than all of this
    from typing import Any

TOLERANCE = 1e-6
"""How far two numbers may be apart when at least one is a float: absolute below 1, relative above."""

LONGEST = 200_000
"""Items an iterator may give before it counts as endless."""

SHOWN = 240
"""Characters of a value that are shown in a report."""


class NotJSONError(TypeError):
    """A result that JSON cannot hold."""


def as_json(value: object) -> Any:
    """Turn a result into plain JSON data.

    Args:
        value: What the function returned. Iterators are consumed.

    Returns:
        None, bool, int, float, str, or lists and dicts of these.

    Raises:
        NotJSONError: The value, or something in it, has no JSON form.

    Example:
        >>> as_json((1, {2: (x for x in "ab")}))
        [1, {'2': ['a', 'b']}]
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, Mapping):
        return {_key(key): as_json(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted((as_json(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, Iterator | range) or hasattr(value, "__next__"):
        return [as_json(item) for item in _bounded(value)]
    if hasattr(value, "__iter__") and type(value).__module__ in ("builtins", "collections"):
        return [as_json(item) for item in _bounded(value)]
    raise NotJSONError(f"a {type(value).__name__} is not a JSON value")


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, bool | int | float):
        return json.dumps(key)
    raise NotJSONError(f"a {type(key).__name__} cannot be a key in JSON")


def _bounded(items: Any) -> Iterator[object]:
    for count, item in enumerate(items):
        if count >= LONGEST:
            raise NotJSONError(f"the iterator gave more than {LONGEST} items")
        yield item


def same(expected: object, actual: object) -> bool:
    """Whether two JSON values count as equal.

    Numbers are equal when both are integers and equal, or when one is a float and they are within `TOLERANCE`
    (absolute, or relative to the larger). A boolean is no number: ``true`` is not ``1``.

    Example:
        >>> same([1, 2.0], [1.0, 2.0000001]), same(True, 1)
        (True, False)
    """
    if isinstance(expected, bool) or isinstance(actual, bool):
        return isinstance(expected, bool) and isinstance(actual, bool) and expected == actual
    if isinstance(expected, float) or isinstance(actual, float):
        return (
            isinstance(expected, int | float) and isinstance(actual, int | float) and _near(expected, actual)
        )
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(expected) != len(actual):
            return False
        return all(same(left, right) for left, right in zip(expected, actual, strict=True))
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or expected.keys() != actual.keys():
            return False
        return all(same(item, actual[key]) for key, item in expected.items())
    return type(expected) is type(actual) and expected == actual


def _near(left: float, right: float) -> bool:
    if left == right or (left != left and right != right):  # the same infinity; both not a number
        return True
    try:
        return abs(left - right) <= TOLERANCE * max(1.0, abs(left), abs(right)) and abs(
            left - right
        ) != float("inf")
    except OverflowError:  # an integer beyond the range of floats
        return False


def shown(value: object) -> str:
    """A JSON value in one line, cut at `SHOWN` characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
