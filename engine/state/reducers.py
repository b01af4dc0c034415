"""Reducers: how a state field takes several writes.

A reducer is a pure function ``(value, update) -> value``, put on a field with ``Annotated``::

    class Build(BaseModel):
        feedback: Annotated[list[str], extend] = []
        tries: Annotated[int, add] = 0

Any module-level function will do. It must not change its arguments and must depend on nothing but them: it runs again
whenever a run is resumed or replayed. The second parameter's annotation is the type of an update; without one, an
update has the field's type. Type variables are solved from the first parameter, so an update of
``append(value: list[T], update: T)`` on a ``list[str]`` is a ``str``.

Updates of parallel branches are folded in a fixed order that does not depend on which came first. A reducer that is
slow to apply a thousand times may carry a function ``fold(value, updates)`` as its attribute ``fold``, which must
give what applying the updates one by one gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import reduce
from itertools import chain
from typing import Any, Final, TypeVar

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")
F = TypeVar("F", bound=Callable[..., Any])


def _folded_by(fold: Callable[[Any, Sequence[Any]], Any]) -> Callable[[F], F]:
    def mark(reducer: F) -> F:
        reducer.fold = fold  # type: ignore[attr-defined]  # functions take attributes
        return reducer

    return mark


def _extend_all(value: Any, updates: Sequence[Any]) -> Any:
    return type(value)(chain(value, *updates))


@_folded_by(_extend_all)
def extend(value: list[T], update: list[T]) -> list[T]:
    """Add an update's items at the end of a list (or of a tuple).

    >>> extend(["a"], ["b", "c"])
    ['a', 'b', 'c']
    """
    return type(value)(chain(value, update))


def _append_all(value: list[T], updates: Sequence[T]) -> list[T]:
    return [*value, *updates]


@_folded_by(_append_all)
def append(value: list[T], update: T) -> list[T]:
    """Add the update as one item at the end of a list.

    >>> append(["a"], "b")
    ['a', 'b']
    """
    return [*value, update]


def _add_all(value: Any, updates: Sequence[Any]) -> Any:
    if isinstance(value, str):
        return "".join([value, *updates])
    if isinstance(value, list | tuple):
        return _extend_all(value, updates)
    return reduce(add, updates, value)


@_folded_by(_add_all)
def add(value: T, update: T) -> T:
    """Add the update to the value: numbers, strings, durations, whatever has a ``+``.

    >>> add(40, 2)
    42
    >>> add("to", "day")
    'today'
    """
    return value + update  # type: ignore[operator, no-any-return]  # the field's type decides


def _merge_all(value: dict[K, V], updates: Sequence[dict[K, V]]) -> dict[K, V]:
    merged = dict(value)
    for update in updates:
        merged.update(update)
    return merged


@_folded_by(_merge_all)
def merge(value: dict[K, V], update: dict[K, V]) -> dict[K, V]:
    """Put the update's items into a dictionary; where both have a key the update's item wins.

    Only the outermost dictionary is merged.

    >>> merge({"a": 1, "b": 1}, {"b": 2})
    {'a': 1, 'b': 2}
    """
    return {**value, **update}


def _union_all(value: Any, updates: Sequence[Any]) -> Any:
    return value.union(*updates)


@_folded_by(_union_all)
def union(value: T, update: T) -> T:
    """Join two sets, or frozensets.

    >>> sorted(union({"a"}, {"a", "b"}))
    ['a', 'b']
    """
    assert isinstance(value, AbstractSet)
    return value | update  # type: ignore[operator, return-value]  # sets of one kind


def maximum(value: T, update: T) -> T:
    """Keep the greater one; the value if they are equal.

    >>> maximum(3, 7)
    7
    """
    return update if update > value else value  # type: ignore[operator]  # the field's type decides


def minimum(value: T, update: T) -> T:
    """Keep the smaller one; the value if they are equal.

    >>> minimum(3, 7)
    3
    """
    return update if update < value else value  # type: ignore[operator]  # the field's type decides


REDUCERS: Final = (extend, append, add, merge, union, maximum, minimum)
"""The reducers of this module: known to be pure, so that they are handed values instead of copies."""
