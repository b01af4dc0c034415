"""The programs with defects that the repair is measured on.

Each file in ``defects/`` is a small correct program, the line ``# --- defects``, and then

* ``FUNCTION``, ``INPUTS`` and ``HELD``: what is called, with which arguments, and arguments the search never sees;
* or ``TESTS``, ``HELD`` and ``FILES``: a test file, another one the search never sees, and modules they share;
* and ``DEFECTS``: the kind of each, a text of the program, and the text to put there instead.

What a program does is found out in this process. A defect may make it run for ever, so a case may execute so many
lines and no more; lines are counted instead of seconds, so that the answer is the same on every machine.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

DEFECTS = Path(__file__).parent / "defects"
MARK = "\n# --- defects\n"
PROGRAM, TESTS = "program.py", "test_program.py"
MOST_LINES = 30_000


class TooManyLinesError(BaseException):
    """A case executed more lines than it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """A broken program and what it should do.

    Attributes:
        name: ``program:number``.
        kind: What sort of mistake it is.
        source: The broken program.
        right: The correct one.
        function: What the cases call; None where there are tests.
        inputs: Arguments of the cases.
        held: Arguments that the search does not see.
        tests: The text of the test file; None where there are cases.
        held_tests: The text of a test file that the search does not see.
        files: Modules that program and tests share: name to text.
    """

    name: str
    kind: str
    source: str
    right: str
    function: str | None = None
    inputs: Sequence[list[Any]] = ()
    held: Sequence[list[Any]] = ()
    tests: str | None = None
    held_tests: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    def seen(self, source: str) -> list[str]:
        """What a program does in the cases or tests that the search sees, each as text."""
        if self.tests is not None:
            return outcomes(source, self.tests, self.files)
        return answers(source, self.function or "", self.inputs)

    def unseen(self, source: str) -> list[str]:
        """What a program does in those that it does not see."""
        if self.tests is not None:
            return outcomes(source, self.held_tests, self.files)
        return answers(source, self.function or "", self.held)


def defects(names: Sequence[str] = ()) -> Iterator[Defect]:
    """All defects, or those named: a program, or one defect of a program.

    Raises:
        ValueError: The text that a defect changes is not there, or is there twice.
    """
    for path in sorted(DEFECTS.glob("*.py")):
        right, _, text = path.read_text().partition(MARK)
        table = _made(text, path.name).__dict__
        held = table["HELD"]
        about: dict[str, Any] = (
            {"tests": table["TESTS"], "held_tests": held, "files": table.get("FILES", {})}
            if "TESTS" in table
            else {"function": table["FUNCTION"], "inputs": list(table["INPUTS"]), "held": list(held)}
        )
        for number, (kind, old, new) in enumerate(table["DEFECTS"]):
            name = f"{path.stem}:{number}"
            if names and name not in names and path.stem not in names:
                continue
            if right.count(old) != 1:
                raise ValueError(f"{name}: {old!r} is in the program {right.count(old)} times")
            yield Defect(name=name, kind=kind, source=right.replace(old, new), right=right, **about)


def answers(source: str, function: str, inputs: Sequence[list[Any]]) -> list[str]:
    """What a function gives for each input, as JSON; what it raises, by its name."""
    found = []
    for arguments in copy.deepcopy(list(inputs)):
        try:
            with _line_limit():
                result = getattr(_made(source, PROGRAM), function)(*arguments)
                result = list(result) if hasattr(result, "__next__") else result
            found.append(json.dumps(result))
        except (Exception, TooManyLinesError) as error:
            found.append(type(error).__name__)
    return found


def outcomes(source: str, tests: str, files: Mapping[str, str]) -> list[str]:
    """How each test of a test file goes: ``passed``, or the name of what it raises."""
    found = []
    with _modules({**files, PROGRAM: source}):
        try:
            with _line_limit():
                functions = _made(tests, TESTS).__dict__
        except (Exception, TooManyLinesError) as error:
            return [type(error).__name__]
        for name in [name for name in functions if name.startswith("test_")]:
            try:
                with _line_limit():
                    functions[name]()
                found.append("passed")
            except (Exception, TooManyLinesError) as error:
                found.append(type(error).__name__)
    return found


def _made(source: str, name: str) -> ModuleType:
    module = ModuleType(name.removesuffix(".py"))
    exec(compile(source, f"<{name}>", "exec"), module.__dict__)  # our own files
    return module


@contextmanager
def _modules(files: Mapping[str, str]) -> Iterator[None]:
    """Make modules of texts, which may import those before them."""
    names = [name.removesuffix(".py") for name in files]
    before = {name: sys.modules.get(name) for name in names}
    try:
        for name, text in files.items():
            try:
                with _line_limit():
                    sys.modules[name.removesuffix(".py")] = _made(text, name)
            except (Exception, TooManyLinesError):
                sys.modules[name.removesuffix(".py")] = ModuleType(name)  # nothing can be imported from it
        yield
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module


@contextmanager
def _line_limit() -> Iterator[None]:
    """Raise in the body once it has executed too many lines of code made here."""
    left = MOST_LINES

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.startswith("<"):
            return None
        left -= 1
        if left < 0:
            raise TooManyLinesError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
