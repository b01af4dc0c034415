"""What a field's reducer is: whether it can be used, what its updates are, and how many of them are folded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar, get_args, get_origin

import typing_extensions

from .copiers import Copier
from .lineage import UNSET
from .reducers import REDUCERS
from .snapshots import FoldError
from .typeparts import name_of, substitute
from .updates import Fold

Reducer: TypeAlias = Callable[[Any, Any], Any]


def reducer_name(reducer: Reducer) -> str:
    """A reducer's name, the same in every process."""
    if reducer in REDUCERS:
        return f"backedge.{reducer.__name__}"
    return str(getattr(reducer, "__qualname__", type(reducer).__qualname__))


def reducer_problems(reducer: Reducer) -> Iterator[str]:
    """Why the reducer cannot be used, one sentence each with what to do."""
    if reducer in REDUCERS:
        return
    name = reducer_name(reducer)
    nameless = isinstance(reducer, partial) or not hasattr(reducer, "__qualname__")
    if nameless or "<" in name:
        yield (
            f"its reducer {name} has no lasting name by which a resumed run would know it again: "
            f"define it with def at the top of a module"
        )
    if inspect.iscoroutinefunction(reducer):
        yield f"its reducer {name} is async: a reducer is a plain function (value, update) -> value"
    try:
        inspect.signature(reducer).bind(None, None)
    except TypeError:
        yield f"its reducer {name} must take two arguments, the value and the update"
    except ValueError:
        return  # a builtin that does not tell its signature


def update_annotation(reducer: Reducer, annotation: Any) -> tuple[Any, str | None]:
    """The type of the updates that a reducer takes on a field of this type, and what is wrong with it.

    It is the annotation of the reducer's second parameter, with type variables solved from the first. Without
    annotation, or with the same one as the first parameter's, it is the field's own type.
    """
    target = reducer if inspect.isroutine(reducer) else type(reducer).__call__
    try:
        names = list(inspect.signature(reducer).parameters)
        hints = typing_extensions.get_type_hints(target, include_extras=True)
    except (TypeError, ValueError):
        return annotation, None
    except NameError as error:
        return annotation, f"an annotation of its reducer {reducer_name(reducer)} cannot be read: {error}"
    if len(names) < 2 or names[1] not in hints:
        return annotation, None
    first, second = hints.get(names[0], Any), hints[names[1]]
    if second == first or second is Any:
        return annotation, None
    solved: dict[TypeVar, Any] = {}
    _solve(first, annotation, solved)
    update = substitute(second, solved)
    if _has_variables(update):
        return annotation, (
            f"its reducer {reducer_name(reducer)} takes a value of type {name_of(first)}, which the field's type "
            f"{name_of(annotation)} is not: use another reducer, or another type"
        )
    return update, None


def _solve(pattern: Any, actual: Any, solved: dict[TypeVar, Any]) -> None:
    if isinstance(pattern, TypeVar):
        solved.setdefault(pattern, actual)
    elif get_origin(pattern) is not None and get_origin(pattern) is get_origin(actual):
        for one, other in zip(get_args(pattern), get_args(actual), strict=False):
            _solve(one, other, solved)


def _has_variables(hint: Any) -> bool:
    return isinstance(hint, TypeVar) or any(map(_has_variables, get_args(hint)))


def make_fold(
    field: str,
    reducer: Reducer,
    *,
    copy_value: Copier | None,
    copy_update: Copier | None,
    takes_none: bool,
) -> Fold:
    """How the reducer folds updates into a value.

    A reducer that is not one of ours is handed copies, so that one that changes its arguments after all does not
    change what others see.

    Args:
        field: The field, for messages.
        reducer: Its reducer. With an attribute `fold`, several updates are given to that at once.
        copy_value: How values of the field are copied, or None where they are immutable.
        copy_update: How updates are copied.
        takes_none: Whether None is a value of the field.
    """
    batch = getattr(reducer, "fold", None)
    if reducer in REDUCERS:
        copy_value = copy_update = None

    def fold(value: Any, updates: Sequence[Any]) -> Any:
        if copy_update is not None:
            updates = [copy_update(update) for update in updates]
        if value is UNSET:
            value, updates = updates[0], updates[1:]
        elif copy_value is not None:
            value = copy_value(value)
        try:
            if len(updates) == 1:
                value = reducer(value, updates[0])
            elif batch is not None and updates:
                value = batch(value, updates)
            else:
                for update in updates:
                    value = reducer(value, update)
        except Exception as error:
            told = f"raised {type(error).__name__}: {error}"
            raise FoldError(field, reducer_name(reducer), told) from error
        if value is None and not takes_none:
            raise FoldError(field, reducer_name(reducer), "returned None: it must return the new value")
        return value

    return fold


def misfit(reducer: Reducer, value: object) -> Iterator[str]:
    """Why one of the reducers that come along cannot work on values like this one."""
    try:
        reducer(value, value)
    except Exception:  # whatever the value's type says to it
        kind = type(value).__name__
        yield f"its reducer {reducer_name(reducer)} does not work on values such as its default, of type {kind}"
