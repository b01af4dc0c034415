"""Nodes that say themselves where to go on: `Goto`, and what annotations tell of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin

from .signatures import read_signature
from .typerelation import members

NameT = TypeVar("NameT")


class Goto(Generic[NameT]):
    """What a node returns to say which of its edges are taken: those that lead to the nodes named.

    The node's return annotation says which there are, and each of them needs an edge.

    Args:
        names: The nodes to go on to: one or several; ``"END"`` for the end.
        value: What the node writes, as without `Goto`.

    Example::

        @graph.node(writes="answer")
        def triage(question: str) -> Goto[Literal["search", "END"]]:
            return Goto("search") if "who" in question else Goto("END", value="I do not know")
    """

    def __init__(self, *names: NameT, value: Any = None) -> None:
        if not names or not all(isinstance(name, str) for name in names):
            raise TypeError(
                'Goto wants the names of one or several of the node\'s targets, as in Goto("search")'
            )
        self.names = tuple(str(name) for name in dict.fromkeys(names))
        self.value = value

    def __repr__(self) -> str:
        return f"Goto({', '.join(map(repr, self.names))})"


def goto_names(
    function: Callable[..., Any], types: Mapping[str, Any] | None = None
) -> tuple[str, ...] | None:
    """The targets that a function's return annotation names; None where it does not return `Goto`."""
    try:
        if not may_go(function):
            return None
        returned = read_signature(function, {**(types or {}), "Goto": Goto, "Literal": Literal}).returns
    except Exception:  # a callable may be an object of any sort; what is wrong with it is told elsewhere
        return None
    names: list[str] = []
    found = False
    for member in members(returned):
        if (get_origin(member) or member) is Goto:
            found = True
            for argument in get_args(member):
                names += [name for name in get_args(argument) if isinstance(name, str)]
    return tuple(dict.fromkeys(names)) if found else None


def may_go(function: Callable[..., Any]) -> bool:
    """Whether a function seems to return `Goto`: a quick look, since most do not."""
    try:
        return _names_goto(function)
    except Exception:  # as above
        return False


def _names_goto(function: Callable[..., Any]) -> bool:
    plain = function
    while isinstance(plain, partial):
        plain = plain.func
    hints = getattr(plain, "__annotations__", None) or getattr(type(plain).__call__, "__annotations__", {})
    said = hints.get("return")
    return said is not None and "Goto" in (said if isinstance(said, str) else repr(said))
