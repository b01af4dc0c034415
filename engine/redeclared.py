"""Telling a declaration that was run again, as by a notebook's cell, from two declarations of the same thing.

A cell that ran twice was compiled twice: the same place of the same module, but another code object. A loop or a
function that declares something twice does so from one and the same code object, and two lines of a file are two places.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from .definition import EdgeSpec


@dataclass(frozen=True, slots=True)
class Site:
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


def same_edge(one: EdgeSpec, other: EdgeSpec) -> bool:
    """Whether two declarations of an edge say the same."""
    plain = (one.label, one.feedback, one.limit, one.instead_of, one.error)
    if plain != (other.label, other.feedback, other.limit, other.instead_of, other.error):
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
