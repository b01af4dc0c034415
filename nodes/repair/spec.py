"""The specification: what program is to be repaired, and what it should do.

The *spec* role reads files once; everything after it works on this frozen value.
"""

from __future__ import annotations

import ast
import codecs
import json
from pathlib import Path
from typing import Self

from backedge.engine.errors import InputError

from .imports import local_modules
from .models import Frozen


class SpecificationError(InputError):
    """The program, the cases or the tests cannot be used as they are; the message says what and where."""


class Case(Frozen):
    """Arguments and the expected result, both as JSON text."""

    arguments: str
    expected: str


class Specification(Frozen):
    """A program and what it should do.

    Attributes:
        program: The program's file, relative to the folder all files were read from.
        source: Its text, each line ended by a single line feed.
        newline: What the file has there.
        mark: The byte order mark that the file begins with, or nothing.
        docstring: Of the function to repair, or else of the program.
        function: The function the cases call; None when there are tests.
        cases: The cases; empty when there are tests.
        tests: The test file, relative; None when there are cases.
        files: Other files that program and tests need: relative path to text.
        paths: Folders to import from, relative.
    """

    program: str
    source: str
    newline: str = "\n"
    mark: str = ""
    docstring: str = ""
    function: str | None = None
    cases: tuple[Case, ...] = ()
    tests: str | None = None
    files: dict[str, str] = {}
    paths: tuple[str, ...] = (".",)

    @classmethod
    def from_cases(cls, program: Path, function: str, cases: Path) -> Self:
        """Read a program and a file of cases, one JSON value ``[[arguments], expected]`` a line.

        Raises:
            SpecificationError: A file is missing or malformed, or the function is not there.
        """
        source = read_program(program)
        tree = ast.parse(source)
        found = function_named(tree, function, program)
        newline, mark = _form(program)
        program = program.resolve()
        root = program.parent
        modules = local_modules([program], [root], root)
        return cls(
            program=program.name,
            source=source,
            newline=newline,
            mark=mark,
            docstring=ast.get_docstring(found) or ast.get_docstring(tree) or "",
            function=function,
            cases=read_cases(cases),
            files={name: text for name, text in modules.items() if name != program.name},
        )

    @classmethod
    def from_tests(cls, program: Path, tests: Path) -> Self:
        """Read a program and a test file that imports it.

        Raises:
            SpecificationError: A file is missing or malformed.
        """
        source = read_program(program)
        newline, mark = _form(program)
        text = _read(tests, "test file")
        _parsed(text, tests)
        program, tests = program.resolve(), tests.resolve()
        root = _root(program, tests)
        folders = list(dict.fromkeys([tests.parent, program.parent, root]))
        modules = local_modules([program, tests], folders, root)
        own = program.relative_to(root).as_posix()
        return cls(
            program=own,
            source=source,
            newline=newline,
            mark=mark,
            docstring=ast.get_docstring(ast.parse(source)) or "",
            tests=tests.relative_to(root).as_posix(),
            files={name: text for name, text in modules.items() if name != own},
            paths=tuple(folder.relative_to(root).as_posix() for folder in folders),
        )


def read_program(path: Path) -> str:
    """The text of a Python program that can be parsed.

    Raises:
        SpecificationError: It is missing, not UTF-8, or has a syntax error.
    """
    source = _read(path, "program")
    _parsed(source, path)
    return source


def read_cases(path: Path) -> tuple[Case, ...]:
    """Read a file of cases; empty lines are skipped.

    Raises:
        SpecificationError: The file is missing or has no cases, or a line is not ``[[arguments], expected]``.
    """
    cases = []
    for number, line in enumerate(_read(path, "file of cases").splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise SpecificationError(f"{path}:{number}: not JSON: {error}") from None
        if not isinstance(value, list) or len(value) != 2 or not isinstance(value[0], list):
            raise SpecificationError(
                f"{path}:{number}: expected [[arguments], expected], found {line.strip()[:60]}; "
                "the arguments are a list, even if there is only one"
            )
        cases.append(Case(arguments=json.dumps(value[0]), expected=json.dumps(value[1])))
    if not cases:
        raise SpecificationError(f"{path}: no cases; write one [[arguments], expected] a line")
    return tuple(cases)


def function_named(tree: ast.Module, name: str, path: Path) -> ast.FunctionDef:
    """The function at the top level of a program.

    Raises:
        SpecificationError: There is none of that name; the message lists those there are.
    """
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if name not in functions:
        there = ", ".join(functions) or "no function at all"
        raise SpecificationError(f"{path}: there is no function {name!r} at the top level; there is {there}")
    return functions[name]


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SpecificationError(f"{path}: there is no such {what}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecificationError(f"{path}: cannot read the {what}: {error}") from None


def _form(path: Path) -> tuple[str, str]:
    """How a file ends its lines, and the mark that it begins with."""
    data = path.read_bytes()
    mark = "\ufeff" if data.startswith(codecs.BOM_UTF8) else ""
    return ("\r\n" if data.count(b"\r\n") == data.count(b"\n") > 0 else "\n"), mark


def _parsed(source: str, path: Path) -> None:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise SpecificationError(f"{path}:{line}: not Python: {getattr(error, 'msg', error)}") from None


def _root(program: Path, tests: Path) -> Path:
    """The folder above both files and above the packages they are in."""
    parts: list[str] = []
    for left, right in zip(program.parts[:-1], tests.parts[:-1], strict=False):
        if left != right:
            break
        parts.append(left)
    root = Path(*parts)
    while (root / "__init__.py").exists() and root.parent != root:
        root = root.parent
    return root
