"""Putting functions and classes into a program, in the place of those of the same names.

All else of the program keeps its text: comments, constants and other functions are not at risk when somebody writes
only what is to change.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from .models import Replacement, lines_of, replaced

_Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class _Piece(NamedTuple):
    """A statement and the lines it takes, both counted from 0; the second is behind it."""

    node: ast.stmt
    start: int
    end: int


def grafted(original: str, code: str) -> str | None:
    r"""The original with the definitions of a piece of code; None when the code has nothing that fits.

    Names are looked for at the top level, then in classes and functions where there is only one of the name. Imports
    that are missing and helpers that are new are added. Code that has all names of the original and still changes
    nothing in them is taken for a whole program.

    Args:
        original: The program.
        code: Python.

    Example:
        >>> grafted("A = 1\ndef f():\n    return A\n", "def f():\n    return -A\n")
        'A = 1\ndef f():\n    return -A\n'
    """
    tree, given = ast.parse(original), ast.parse(code)
    lines = lines_of(code)
    starts = [0]
    for line in lines_of(original):
        starts.append(starts[-1] + len(line))
    homes = _homes(tree)
    found: list[Replacement] = []
    helpers: list[str] = []
    known = False
    for piece in _pieces(given.body):
        text = "".join(lines[piece.start : piece.end]).rstrip("\n") + "\n"
        home = next((homes[name] for name in _names(piece.node) if name in homes), None)
        if home is not None and ast.dump(home.node) == ast.dump(piece.node):
            known = True  # and keeps its text, with the comments that whoever wrote it may have left out
        elif home is not None:
            indent = " " * home.node.col_offset
            found.append(Replacement(starts[home.start], starts[home.end], textwrap.indent(text, indent)))
        elif isinstance(piece.node, _DEFINITIONS):
            helpers.append(text)
    if not found and not known:
        return None
    made = _with_helpers(replaced(original, _apart(found)), helpers, _imports(tree, given))
    whole = set(_top(tree)) <= set(_top(given))
    return code if made == original and whole else made


def _with_helpers(program: str, helpers: list[str], imports: list[str]) -> str:
    """The program with new imports behind its first ones, and new definitions behind these."""
    if not helpers and not imports:
        return program
    tree = ast.parse(program)
    place = 0
    for node in tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not docstring and not isinstance(node, ast.Import | ast.ImportFrom):
            break
        place = node.end_lineno or 0
    lines = lines_of(program)
    added = "".join(f"{line}\n" for line in imports) + "".join(f"\n\n{text}" for text in helpers)
    return "".join([*lines[:place], added, *(["\n\n"] if helpers else []), *lines[place:]])


def _imports(tree: ast.Module, given: ast.Module) -> list[str]:
    """The imports of a piece of code that a program lacks."""
    there = {ast.unparse(node) for node in tree.body}
    wanted = [ast.unparse(node) for node in given.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return [line for line in dict.fromkeys(wanted) if line not in there and "__future__" not in line]


def _homes(tree: ast.Module) -> dict[str, _Piece]:
    """Where each name of a program is defined: at the top level, or else in the one place there is."""
    found = {name: piece for piece in _pieces(tree.body) for name in _names(piece.node)}
    deeper: dict[str, list[_Piece]] = {}
    for node in ast.walk(tree):
        if node is not tree and isinstance(node, _DEFINITIONS):
            for piece in _pieces(node.body):
                if isinstance(piece.node, _DEFINITIONS):
                    deeper.setdefault(piece.node.name, []).append(piece)
    return {name: pieces[0] for name, pieces in deeper.items() if len(pieces) == 1} | found


def _pieces(body: list[ast.stmt]) -> Iterator[_Piece]:
    for node in body:
        decorators = node.decorator_list if isinstance(node, _DEFINITIONS) else []
        first = min([node.lineno, *(one.lineno for one in decorators)])
        yield _Piece(node, first - 1, node.end_lineno or node.lineno)


def _names(node: ast.stmt) -> list[str]:
    """What a statement defines, where that is one name."""
    if isinstance(node, _DEFINITIONS):
        return [node.name]
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AnnAssign)
        else []
    )
    return [ast.unparse(one) for one in targets] if len(targets) == 1 else []


def _top(tree: ast.Module) -> list[str]:
    return [name for node in tree.body for name in _names(node)]


def _apart(found: list[Replacement]) -> list[Replacement]:
    """Those that do not overlap; of those that do, the last that was written."""
    kept: list[Replacement] = []
    for one in reversed(found):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return kept
