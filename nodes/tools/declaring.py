"""What a tool declares of itself, and whether that can be."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final, Literal, TypeAlias

from backedge.engine.compiler.signatures import is_generator
from backedge.engine.context import Context
from backedge.engine.effects.identity import EffectKey

from .errors import ToolDefinitionError
from .schema import Parameters

Permission: TypeAlias = Literal["read", "write", "network", "execute"]
"""What a tool may do, from the least dangerous on. A tool without one counts as more dangerous than all of them."""
Safety: TypeAlias = Literal["idempotent", "unsafe"]

PERMISSIONS: Final[tuple[Permission, ...]] = ("read", "write", "network", "execute")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_options(
    name: str, description: str, permission: object, safety: object, timeout: float | None, limit: int
) -> None:
    """Refuse what cannot be declared. Raises ToolDefinitionError."""
    if not _NAME.fullmatch(name):
        raise ToolDefinitionError(
            f"a tool's name has 1 to 64 letters, digits, _ or -, as providers want it, not {name!r}: give name="
        )
    if not description:
        raise ToolDefinitionError(
            f"tool {name!r} says nothing of itself: give it a docstring or description="
        )
    if permission not in (None, *PERMISSIONS):
        raise ToolDefinitionError(
            f"tool {name!r}: permission= is one of {', '.join(PERMISSIONS)}, not {permission!r}"
        )
    if safety not in (None, "idempotent", "unsafe"):
        raise ToolDefinitionError(f'tool {name!r}: safety= is "idempotent" or "unsafe", not {safety!r}')
    if timeout is not None and not timeout > 0:
        raise ToolDefinitionError(f"tool {name!r}: timeout= is a number of seconds above 0, not {timeout!r}")
    if limit < 1:
        raise ToolDefinitionError(f"tool {name!r}: limit= is a number of characters from 1, not {limit!r}")


def check_function(name: str, function: Callable[..., Any]) -> None:
    """Refuse what gives no result. Raises ToolDefinitionError."""
    if is_generator(function):
        raise ToolDefinitionError(
            f"tool {name!r} is a generator; return a list, or say `return` instead of `yield`"
        )


def check_context(name: str, takes: Parameters, *, asynchronous: bool) -> None:
    """Refuse the context of another kind of function. Raises ToolDefinitionError."""
    for one in takes.given:
        if one.kind is not EffectKey and (one.kind is Context) != asynchronous:
            wanted = "Context" if asynchronous else "BlockingContext"
            raise ToolDefinitionError(
                f"tool {name!r}: annotate {one.name!r} with {wanted}, as its function is"
            )


def is_method(function: object, plain: Any) -> bool:
    """Whether the first parameter is filled in by an object: functions that are no methods yet do not tell."""
    if isinstance(function, classmethod):
        return True
    written = inspect.unwrap(plain)
    if not isinstance(plain, FunctionType) or not isinstance(written, FunctionType):
        return False  # it is bound already, or an object itself
    code = written.__code__
    return code.co_argcount > 0 and code.co_varnames[0] in ("self", "cls") and not _is_annotated(written)


def _is_annotated(function: FunctionType) -> bool:
    """Whether the first parameter says its type."""
    return function.__code__.co_varnames[0] in function.__annotations__


def docstring_of(function: Callable[..., Any]) -> str | None:
    """The docstring of a function, of the one that a partial calls, or of a callable object's class."""
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__doc__", None)
