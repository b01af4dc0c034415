"""What an edit is, and the few ways to make one."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..models import Replacement
from .code import Code, Site, fitted, fitted_text, level
from .scope import Scope


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to a program.

    Attributes:
        replacements: What it does to the text.
        kind: Its sort, in a few words; what is learned about edits is learned by kind.
        line: The line it belongs to, for the fault's location.
        prior: How likely it is before anything was tried, 1 for the likeliest.
        size: How much it changes: 1 for a token, more for more.
    """

    replacements: tuple[Replacement, ...]
    kind: str
    line: int
    prior: float
    size: float


Maker = Callable[[Scope, Site], Iterator[Edit]]
"""Enumerates edits of one statement, always in the same order."""


def loads(site: Site) -> Iterator[ast.expr]:
    """The expressions of a statement that are read, not written to."""
    for node in site.expressions:
        if not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
            yield node


def exchange(
    code: Code, site: Site, node: ast.expr, new: ast.expr, kind: str, prior: float, size: float = 1.0
) -> Edit:
    """Put another expression in the place of one."""
    return exchange_text(code, site, node, fitted(code, node, new), kind, prior, size)


def exchange_text(
    code: Code, site: Site, node: ast.expr, text: str, kind: str, prior: float, size: float = 1.0
) -> Edit:
    """Put a text in the place of an expression."""
    return Edit((Replacement(*code.span(node), text),), kind, node.lineno, prior, size)


def exchange_source(
    code: Code, site: Site, place: ast.expr, source: ast.expr, kind: str, prior: float, size: float = 1.0
) -> Edit:
    """Put a copy of another expression of the program, as it is written there, in the place of one."""
    text = fitted_text(code, place, code.source(source), level(source))
    return exchange_text(code, site, place, text, kind, prior, size)


def rewritten(scope: Scope, site: Site, new: ast.stmt, kind: str, prior: float, size: float = 1.5) -> Edit:
    """Write a simple statement anew."""
    text = ast.unparse(ast.fix_missing_locations(new))
    return Edit((Replacement(*scope.code.span(site.node), text),), kind, site.line, prior, size)


def with_fields(node: Any, **fields: Any) -> Any:
    """A copy of a node with other fields; children are shared."""
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def name(text: str) -> ast.Name:
    """An expression that is one name."""
    return ast.Name(text, ast.Load())


def call(function: str, *arguments: ast.expr) -> ast.Call:
    """A call of a function by name."""
    return ast.Call(name(function), list(arguments), [])


def number(value: int) -> ast.expr:
    """An integer."""
    return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))


@lru_cache(4096)
def expression(text: str) -> ast.expr:
    """An expression from its text, the same one each time: whoever changes it makes a copy."""
    return ast.parse(text, mode="eval").body


def weight(node: ast.AST) -> int:
    """How many nodes an expression has that mean something: names, constants, operations."""
    return sum(isinstance(one, ast.expr) for one in ast.walk(node))
