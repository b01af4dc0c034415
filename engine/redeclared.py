"""Telling a declaration that was run again, as by a notebook's cell, from two declarations of the same thing.

A cell that ran twice was compiled twice: the same place of the same module, but another code object. A loop or a
function that declares something twice does so from one and the same code object, and two lines of a file are two places.

Two declarations of the same thing are a problem of the graph. Both are kept, under keys of their own, so that all else
that is wrong with either can be told at the same time, and neither is taken for the other.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FrameType
from typing import Any, Generic, NamedTuple, TypeVar

from .definition import EdgeSpec

T = TypeVar("T")


class Site(NamedTuple):
    """Where a declaration stands in its user's code."""

    code: CodeType
    line: int
    module: str

    @classmethod
    def of(cls, frame: FrameType) -> Site:
        """The line that a frame is at."""
        return cls(frame.f_code, frame.f_lineno, frame.f_globals.get("__name__", ""))

    def repeats(self, earlier: Site) -> bool:
        """Whether this is the earlier declaration, run again."""
        if self.code is earlier.code or self.module != earlier.module:
            return False
        return self.code.co_filename != earlier.code.co_filename or self.line == earlier.line


class Added(NamedTuple):
    """What became of a declaration.

    Attributes:
        key: What it is found under.
        copy: 1, or the how-manieth of that name it is.
        again: Whether the declaration was run again: the thing stands in the place of its former self.
        forgotten: Keys of copies that are gone for that reason.
    """

    key: str
    copy: int = 1
    again: bool = False
    forgotten: tuple[str, ...] = ()


class Declared(Generic[T]):
    """What was declared, in order. Further things of a name that is taken get keys of their own.

    Attributes:
        mark: What stands between a name and the number of a copy; no name has it.
        things: By key.
    """

    __slots__ = ("_copies", "_sites", "mark", "things")

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.things: dict[str, T] = {}
        # By key, as `things`.
        self._sites: dict[str, Site] = {}
        # For each name that is taken the keys of the copies of it, the first's is the name itself.
        self._copies: dict[str, list[str]] = {}

    def add(self, name: str, thing: T, site: Site, *, same: Callable[[T, T], bool] | None = None) -> Added:
        """Write a thing down: in place of what it repeats or what is the same, else beside it."""
        copies = self._copies.setdefault(name, [])
        if any(site.repeats(self._sites[key]) for key in copies):
            forgotten = tuple(copies[1:])
            if forgotten:
                self.drop(forgotten)
            self._put(name, thing, site)
            return Added(name, again=True, forgotten=forgotten)
        for key in copies:
            if same is not None and same(self.things[key], thing):
                self._sites[key] = site
                return Added(key)
        number = len(copies) + 1
        key = name if number == 1 else f"{name}{self.mark}{number}"
        copies.append(key)
        self._put(key, thing, site)
        return Added(key, number)

    def drop(self, keys: Iterable[str]) -> None:
        """Forget what is found under these keys."""
        for key in keys:
            del self.things[key], self._sites[key]
        for name, copies in list(self._copies.items()):
            self._copies[name] = [key for key in copies if key in self.things]

    def key_of(self, name: str, thing: T) -> str:
        """What a thing is found under; the name for one that was replaced."""
        return next((key for key in self._copies.get(name, ()) if self.things[key] is thing), name)

    def clashes(self) -> Iterator[tuple[str, list[str]]]:
        """The names that several things have, each with their keys."""
        return ((name, copies) for name, copies in self._copies.items() if len(copies) > 1)

    def _put(self, key: str, thing: T, site: Site) -> None:
        self.things[key] = thing
        self._sites[key] = site


def same_edge(one: EdgeSpec, other: EdgeSpec) -> bool:
    """Whether two declarations of an edge say the same."""
    if one._replace(when=None, copy=1) != other._replace(when=None, copy=1):
        return False
    try:
        return bool(_essence(one.when) == _essence(other.when))
    except Exception:  # what conditions close over compares as it likes
        return False


def _essence(when: Callable[..., bool] | None) -> Any:
    """What makes a condition what it is: a lambda that was defined twice is the same one."""
    if not inspect.isfunction(when):
        return when
    return (when.__code__, when.__defaults__, when.__kwdefaults__, inspect.getclosurevars(when).nonlocals)
