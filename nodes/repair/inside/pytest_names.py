"""The few names of pytest that small test files use, without pytest."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

PARAMETERS = "_backedge_parameters"
SKIPPED = "_backedge_skipped"


class SkippedError(Exception):
    """A test that asked to be skipped."""


@dataclass(frozen=True)
class Fixture:
    """A function that makes a value for tests."""

    function: Callable[..., Any]
    name: str | None = None


@dataclass(frozen=True)
class Param:
    """One set of values of a parametrised test."""

    values: tuple[object, ...]


class Approx:
    """Equal to numbers nearby, and to containers of them."""

    def __init__(self, expected: Any, rel: float | None = None, abs: float | None = None) -> None:  # noqa: A002
        self._expected = expected
        self._relative = 1e-6 if rel is None else rel
        self._absolute = 1e-12 if abs is None else abs

    def __eq__(self, other: object) -> bool:
        return self._near(self._expected, other)

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"about {self._expected!r}"

    def _near(self, expected: Any, actual: Any) -> bool:
        if isinstance(expected, Mapping):
            return expected.keys() == actual.keys() and all(
                self._near(expected[key], actual[key]) for key in expected
            )
        if isinstance(expected, list | tuple):
            return len(expected) == len(actual) and all(map(self._near, expected, actual))
        if not isinstance(expected, int | float | complex):
            return bool(expected == actual)
        if isinstance(expected, float) and math.isnan(expected):
            return False
        return bool(abs(expected - actual) <= max(self._absolute, self._relative * abs(expected)))


def raises(expected: Any, *call: Any, match: str | None = None, **named: Any) -> Any:
    """Expect the body of a ``with``, or the call of a given function, to raise."""
    if not call:
        return _raises(expected, match)
    with _raises(expected, match) as caught:
        call[0](*call[1:], **named)
    return caught


@contextmanager
def _raises(expected: Any, match: str | None) -> Iterator[SimpleNamespace]:
    caught = SimpleNamespace(value=None, type=None)
    try:
        yield caught
    except expected as error:
        caught.value, caught.type = error, type(error)
        if match is not None and not re.search(match, str(error)):
            raise AssertionError(f"the error {error} does not match {match!r}") from error
    else:
        raise AssertionError(f"nothing raised {expected}")


def fixture(function: Any = None, *, name: str | None = None, **_options: object) -> Any:
    """Declare a function that makes a value for tests."""
    if function is None:
        return lambda made: Fixture(made, name)
    return Fixture(function, name)


def parametrize(names: str | Sequence[str], values: Iterable[Any], **_options: object) -> Any:
    """Run a test once for each set of values."""
    keys = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    alone = isinstance(names, str) and len(keys) == 1
    rows = [row.values if isinstance(row, Param) else (row,) if alone else tuple(row) for row in values]

    def mark(function: Any) -> Any:
        setattr(function, PARAMETERS, [*getattr(function, PARAMETERS, ()), (keys, rows)])
        return function

    return mark


def skip(reason: str = "") -> None:
    """Leave the running test."""
    raise SkippedError(reason)


def fail(reason: str = "") -> None:
    """Fail the running test."""
    raise AssertionError(reason)


class _Mark:
    """``pytest.mark``: parametrize and skip act, other marks say nothing about the result."""

    parametrize = staticmethod(parametrize)

    @staticmethod
    def skip(function: Any = None, *, reason: str = "") -> Any:
        def mark(function: Any) -> Any:
            setattr(function, SKIPPED, reason)
            return function

        return mark if function is None else mark(function)

    @classmethod
    def skipif(cls, condition: object, *, reason: str = "") -> Any:
        return cls.skip(reason=reason) if condition else (lambda function: function)

    def __getattr__(self, _name: str) -> Any:
        def mark(*given: Any, **_options: object) -> Any:
            return given[0] if len(given) == 1 and callable(given[0]) else (lambda function: function)

        return mark


def module() -> ModuleType:
    """A stand-in for the module ``pytest``; names it lacks raise an `AttributeError` that says so."""
    made = ModuleType("pytest")
    made.__dict__.update(
        mark=_Mark(),
        raises=raises,
        approx=Approx,
        fixture=fixture,
        param=lambda *values, **_options: Param(values),
        skip=skip,
        fail=fail,
    )

    def missing(name: str) -> Any:
        raise AttributeError(f"pytest.{name} is not among the names known here")

    made.__dict__["__getattr__"] = missing
    return made
