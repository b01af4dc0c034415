"""The two ways to put a program to the test: a function with arguments, or test functions of a test file."""

from __future__ import annotations

import importlib
import json
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Protocol

from .minitest import collect, load_tests
from .values import as_json, same, shown

Judgement = tuple[str, str]
"""A code, ``p`` for passed or ``f`` for failed, and what to show."""


class Subject(Protocol):
    """One program under test, loaded anew in each child process."""

    def load(self, source: str) -> None:
        """Make the program from its source text."""

    def run(self, case: int) -> Judgement:
        """Run one case; what the program raises passes through."""


class FunctionSubject:
    """Calls one function with the arguments of a case and compares what it returns.

    Args:
        file: The name the program's code carries in tracebacks and traces.
        function: The function's name.
        arguments: For each case the arguments as JSON text, decoded anew each time since programs change them.
        expected: For each case the expected result; None to report results without judging them.
    """

    def __init__(
        self, file: str, function: str, arguments: Sequence[str], expected: Sequence[object] | None
    ) -> None:
        self._file = file
        self._function = function
        self._arguments = arguments
        self._expected = expected
        self._call: Any = None

    def load(self, source: str) -> None:
        """Execute the program as a module."""
        module = ModuleType(Path(self._file).stem)
        module.__file__ = self._file
        sys.modules[module.__name__] = module
        exec(compile(source, self._file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102: what we are for
        self._call = getattr(module, self._function)

    def run(self, case: int) -> Judgement:
        """Call the function; iterators it returns are drained here, within the case's time."""
        _same_dice()
        actual = as_json(self._call(*json.loads(self._arguments[case])))
        if self._expected is None:
            return "p", json.dumps(actual)
        return ("p" if same(self._expected[case], actual) else "f"), shown(actual)


class TestFileSubject:
    """Runs the test functions of a file that imports the program.

    Args:
        file: The program's file, which `load` writes.
        tests: The test file.
        cases: The tests' names, in the order of the case numbers.
        code: The test file's code, compiled once.
    """

    def __init__(self, file: str, tests: str, cases: Sequence[str], code: CodeType) -> None:
        self._file = Path(file)
        self._tests = tests
        self._cases = cases
        self._code = code
        self._found: Mapping[str, Any] = {}

    def load(self, source: str) -> None:
        """Write the program and import the test file, which imports the program."""
        self._file.write_text(source, encoding="utf-8")
        importlib.invalidate_caches()
        self._found = collect(load_tests(self._tests, self._code))

    def run(self, case: int) -> Judgement:
        """Run one test function."""
        _same_dice()
        if self._cases[case] not in self._found:
            raise LookupError(f"the test {self._cases[case]} is gone")
        self._found[self._cases[case]]()
        return "p", ""


def _same_dice() -> None:
    """The same random numbers in every run, so that a program that uses them gets the same verdict twice."""
    if "random" in sys.modules:
        random.seed(20)
