"""A small collector of test functions, quick enough to run a test file a thousand times a second.

It knows what small test files use: ``test_*`` functions, ``Test*`` classes, ``unittest.TestCase``,
``pytest.mark.parametrize``, ``raises``, ``approx``, ``skip``, simple fixtures, and ``setup_*`` methods. What else a
file asks of pytest is an error that names it, never a test silently left out.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from . import pytest_names
from .values import SHOWN

Test = Callable[[], None]


def compile_tests(path: str) -> CodeType:
    """Compile a test file so that a failed comparison tells both of its sides."""
    source = Path(path).read_text(encoding="utf-8")
    return compile(
        ast.fix_missing_locations(_Telling().visit(ast.parse(source, path))), path, "exec", dont_inherit=True
    )


def load_tests(path: str, code: CodeType) -> ModuleType:
    """Import a test file from its code, with our names standing in for pytest's."""
    sys.modules["pytest"] = pytest_names.module()
    name = ".".join(Path(path).with_suffix("").parts)
    module = ModuleType(name)
    module.__file__ = path
    module.__package__ = name.rpartition(".")[0]
    module.__dict__["_backedge_told"] = _told
    sys.modules[name] = module
    exec(code, module.__dict__)  # the user's own tests
    return module


def collect(module: ModuleType) -> dict[str, Test]:
    """All tests of a module by name, parametrised ones once for each set of values, in the file's order."""
    fixtures = dict(_fixtures(module.__dict__))
    tests: dict[str, Test] = {}
    for name, item in list(module.__dict__.items()):
        if inspect.isclass(item) and item.__module__ == module.__name__:
            if issubclass(item, unittest.TestCase):
                tests |= {f"{name}.{method}": _unittest(item, method) for method in _methods(item, "test")}
            elif name.startswith("Test"):
                tests |= _of_class(name, item, fixtures)
        elif name.startswith("test") and inspect.isfunction(item):
            tests |= _expanded(name, item, fixtures, ())
    return tests


def _unittest(item: type[unittest.TestCase], method: str) -> Test:
    return lambda: item(method).debug()


def _methods(item: type, prefix: str) -> list[str]:
    return [name for name in dir(item) if name.startswith(prefix) and callable(getattr(item, name))]


def _of_class(name: str, item: type, fixtures: dict[str, Any]) -> dict[str, Test]:
    tests: dict[str, Test] = {}
    own = fixtures | dict(_fixtures(vars(item)))
    for method in (key for key in vars(item) if key.startswith("test")):
        tests |= _expanded(f"{name}.{method}", vars(item)[method], own, (item,))
    return tests


def _fixtures(names: Any) -> Iterator[tuple[str, Any]]:
    for name, item in names.items():
        if isinstance(item, pytest_names.Fixture):
            yield item.name or name, item


def _expanded(name: str, function: Any, fixtures: dict[str, Any], owner: tuple[type, ...]) -> dict[str, Test]:
    """One test for each combination of parametrised values."""
    rows: list[tuple[str, dict[str, object]]] = [("", {})]
    for names, sets in getattr(function, pytest_names.PARAMETERS, ()):
        rows = [
            (f"{label}-{number}" if label else str(number), values | dict(zip(names, row, strict=True)))
            for label, values in rows
            for number, row in enumerate(sets)
        ]
    return {
        f"{name}[{label}]" if label else name: functools.partial(_call, function, values, fixtures, owner)
        for label, values in rows
    }


def _call(
    function: Any, values: dict[str, object], fixtures: dict[str, Any], owner: tuple[type, ...]
) -> None:
    """Run one test: make its object and fixtures, call it, and unwind what the fixtures began."""
    reason = getattr(function, pytest_names.SKIPPED, None)
    if reason is not None:
        return
    ends: list[Iterator[object]] = []
    first: tuple[object, ...] = tuple(kind() for kind in owner)
    if first and hasattr(first[0], "setup_method"):
        setup: Any = first[0].setup_method
        setup(*([function] if len(inspect.signature(setup).parameters) else []))
    try:
        wanted = [name for name in inspect.signature(function).parameters if name != "self"]
        made: dict[str, object] = dict(values)
        for name in wanted:
            if name not in made:
                made[name] = _make(name, fixtures, made, ends, first)
        function(*first, **{name: made[name] for name in wanted})
    except pytest_names.SkippedError:
        return
    finally:
        for end in reversed(ends):
            next(end, None)


def _make(
    name: str, fixtures: dict[str, Any], made: dict[str, object], ends: list[Iterator[object]], owner: Any
) -> object:
    if name not in fixtures:
        raise LookupError(f"the fixture {name!r} is not known here")
    function = fixtures[name].function
    for wanted in inspect.signature(function).parameters:
        if wanted != "self" and wanted not in made:
            made[wanted] = _make(wanted, fixtures, made, ends, owner)
    parameters = inspect.signature(function).parameters
    value = function(
        *(owner if "self" in parameters else ()), **{key: made[key] for key in parameters if key != "self"}
    )
    if inspect.isgeneratorfunction(function):
        ends.append(value)
        return next(value)
    return value


class _Telling(ast.NodeTransformer):
    """Make ``assert a == b`` keep both sides, for the message."""

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:  # the name ast asks for
        test = node.test
        if node.msg is not None or not isinstance(test, ast.Compare) or len(test.ops) != 1:
            return node
        left = ast.NamedExpr(ast.Name("_backedge_left", ast.Store()), test.left)
        right = ast.NamedExpr(ast.Name("_backedge_right", ast.Store()), test.comparators[0])
        told = ast.Call(
            ast.Name("_backedge_told", ast.Load()),
            [ast.Name("_backedge_left", ast.Load()), ast.Name("_backedge_right", ast.Load())],
            [],
        )
        return ast.copy_location(ast.Assert(ast.Compare(left, test.ops, [right]), told), node)


def _told(left: object, right: object) -> str:
    half = SHOWN // 2
    return f"{_short(left, half)} against {_short(right, half)}"


def _short(value: object, length: int) -> str:
    text = repr(value)
    return text if len(text) <= length else text[: length - 1] + "…"
