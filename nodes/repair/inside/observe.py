"""What a program does while it runs a case: the lines it executes and the types its variables hold."""

from __future__ import annotations

import sys
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes longer to import than all of this
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

LOOKS = 400
"""How many times the variables of one line are looked at."""

KNOWN = 4
"""How many types are kept for one variable."""


class Observer:
    """Collects executed lines and types of one file.

    Attributes:
        lines: The line numbers executed since the last `forget`.
        types: For each function and variable, ``function:variable``, the type names seen; ``function:return`` for
            results, ``Class.attribute`` for what objects hold. Containers name their first item: ``list[int]``.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._looks: dict[int, int] = {}
        self.lines: set[int] = set()
        self.types: dict[str, set[str]] = {}

    def forget(self) -> None:
        """Begin a new case."""
        self.lines = set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Observe what runs in the body."""
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(None)

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Callable[..., Any] | None:
        return self._local if frame.f_code.co_filename == self._file else None

    def _local(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        line = frame.f_lineno
        self.lines.add(line)
        looks = self._looks.get(line, 0)
        if looks < LOOKS:
            self._looks[line] = looks + 1
            function = frame.f_code.co_name
            if event == "return" and argument is not None:
                self._note(f"{function}:return", argument)
            for name, value in list(frame.f_locals.items()):
                self._note(f"{function}:{name}", value)
        return self._local

    def _note(self, key: str, value: object) -> None:
        known = self.types.setdefault(key, set())
        if len(known) < KNOWN:
            known.add(type_name(value))
            self._attributes(value)

    def _attributes(self, value: object) -> None:
        held = getattr(value, "__dict__", None)
        if type(held) is dict and not isinstance(value, type) and not callable(value):
            for name, item in list(held.items())[:20]:
                known = self.types.setdefault(f"{type(value).__name__}.{name}", set())
                if len(known) < KNOWN:
                    known.add(type_name(item))


def type_name(value: object) -> str:
    """The name of a value's type, with that of a container's first item.

    Example:
        >>> type_name([1, 2]), type_name({"a": ()})
        ('list[int]', 'dict[str]')
    """
    name = type(value).__name__
    if isinstance(value, list | tuple | set | frozenset | dict) and value:
        return f"{name}[{type(next(iter(value))).__name__}]"
    return name
