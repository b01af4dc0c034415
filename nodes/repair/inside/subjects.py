"""The two ways to put a program to the test: a function with arguments, or test functions of a test file."""

from __future__ import annotations

import importlib
import json
import os
import sys
from types import ModuleType

from .values import as_json, same, shown

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes longer to import than all of this
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Protocol

    Judgement = tuple[str, str]
    """A code, ``p`` for passed or ``f`` for failed, and what to show."""

    class Subject(Protocol):
        """One program under test at a time.

        Attributes:
            imported: Whether the program is imported by a test file, and so known by its full path.
        """

        imported: bool

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

    imported = False

    def __init__(
        self, file: str, function: str, arguments: Sequence[str], expected: Sequence[object] | None
    ) -> None:
        self._file = file
        self._name = os.path.basename(file).removesuffix(".py")  # pathlib takes a while to import
        self._function = function
        self._arguments = arguments
        self._expected = expected
        self._call: Any = None

    def load(self, source: str) -> None:
        """Execute the program as a module."""
        module = ModuleType(self._name)
        module.__file__ = self._file
        sys.modules[module.__name__] = module
        exec(compile(source, self._file, "exec", dont_inherit=True), module.__dict__)  # what we are for
        self._call = getattr(module, self._function)

    def run(self, case: int) -> Judgement:
        """Call the function; iterators it returns are drained here, within the case's time."""
        _same_dice()
        actual = as_json(self._call(*json.loads(self._arguments[case])))
        if self._expected is None:
            return "p", json.dumps(actual)
        return ("p" if same(self._expected[case], actual) else "f"), shown(actual)


class FileSubject:
    """Runs the test functions of a file that imports the program.

    Args:
        file: The program's file, which `load` writes.
        cases: The tests' names, in the order of the case numbers.
        found: Imports the test file and gives its tests by name.
    """

    imported = True

    def __init__(self, file: str, cases: Sequence[str], found: Callable[[], Mapping[str, Any]]) -> None:
        self._file = file
        self._cases = cases
        self._collect = found
        self.tests: Mapping[str, Any] = {}
        self._before = set(sys.modules)

    def load(self, source: str) -> None:
        """Write the program and import the test file, which imports the program."""
        for name in sys.modules.keys() - self._before:
            del sys.modules[name]
        with open(self._file, "w", encoding="utf-8") as file:
            file.write(source)
        importlib.invalidate_caches()
        self.tests = self._collect()

    def run(self, case: int) -> Judgement:
        """Run one test function."""
        _same_dice()
        if self._cases[case] not in self.tests:
            raise LookupError(f"the test {self._cases[case]} is gone")
        self.tests[self._cases[case]]()
        return "p", ""


def subject_of(request: Mapping[str, Any]) -> Subject:
    """What a request wants tested, not yet loaded."""
    if not request.get("tests"):
        return FunctionSubject(
            request["program"], request["function"], request["cases"], request.get("expected")
        )
    from .minitest import collect, compile_tests, load_tests  # a while to import, for those who need it

    path = request["tests"]
    code = compile_tests(path)
    return FileSubject(request["program"], request["cases"], lambda: collect(load_tests(path, code)))


def test_names(request: Mapping[str, Any], source: str) -> list[str]:
    """The names of all tests in the request's test file.

    Raises:
        BaseException: Whatever the file raises when it is imported.
    """
    subject = subject_of({**request, "cases": ()})
    assert isinstance(subject, FileSubject)
    subject.load(source)
    return list(subject.tests)


def _same_dice() -> None:
    """The same random numbers in every run, so that a program that uses them gets the same verdict twice."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed(20)
