"""An expression wrapped: as a list, sorted, reversed, its length, its first item, all but its first item ..."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .base import (
    Edit,
    exchange,
    loads,
)
from .code import Site
from .scope import Scope, is_kind

WRAPS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("list({})", ("iterator", "generator", "set", "dict", "range", "str", "tuple"), 0.4),
    ("list({})", ("list",), 0.45),
    ("sorted({})", ("list", "set", "dict", "tuple", "str", "iterator"), 0.45),
    ("reversed({})", ("list", "str", "range", "tuple"), 0.4),
    ("{}[::-1]", ("list", "str", "tuple"), 0.35),
    ("len({})", ("list", "str", "dict", "set", "tuple"), 0.4),
    ("set({})", ("list", "str", "tuple", "dict"), 0.3),
    ("tuple({})", ("list", "set", "iterator", "generator"), 0.3),
    ("sum({})", ("list", "set", "tuple", "iterator", "generator"), 0.2),
    ("max({})", ("list", "set", "tuple"), 0.15),
    ("min({})", ("list", "set", "tuple"), 0.15),
    ("range({})", ("int",), 0.4),
    ("range(len({}))", ("list", "str", "tuple"), 0.35),
    ("zip(*{})", ("list", "tuple"), 0.3),
    ("enumerate({})", ("list", "str", "tuple", "iterator"), 0.35),
    ("str({})", ("int", "float", "NoneType", "bool"), 0.3),
    ("int({})", ("str", "float", "bool"), 0.35),
    ("abs({})", ("int", "float"), 0.35),
    ("-{}", ("int", "float"), 0.4),
    ("not {}", ("bool",), 0.5),
    ("[{}]", (), 0.35),
    ("({},)", (), 0.15),
    ("{}[0]", ("list", "str", "tuple"), 0.35),
    ("{}[-1]", ("list", "str", "tuple"), 0.35),
    ("{}[1]", ("list", "tuple"), 0.2),
    ("{}[1:]", ("list", "str", "tuple"), 0.45),
    ("{}[:-1]", ("list", "str", "tuple"), 0.4),
    ("{}[:]", ("list",), 0.25),
    ("{}.copy()", ("list", "dict", "set"), 0.25),
    ("{}.items()", ("dict",), 0.4),
    ("{}.values()", ("dict",), 0.3),
    ("{}.keys()", ("dict",), 0.2),
    ("{}.strip()", ("str",), 0.3),
    ("{}.lower()", ("str",), 0.3),
    ("{}.upper()", ("str",), 0.2),
    ("{}.split()", ("str",), 0.15),
    ("''.join({})", ("list", "iterator", "generator"), 0.25),
    ("''.join(sorted({}))", ("str",), 0.15),
    ("''.join(reversed({}))", ("str",), 0.1),
)
"""Wraps by text, the types they make sense for (all, where none is named), and a prior."""


def wraps(scope: Scope, site: Site) -> Iterator[Edit]:
    """An expression wrapped: as a list, sorted, reversed, its length, its first item, and so on."""
    for node in loads(site):
        parent, field = scope.code.parent(node)
        if (
            isinstance(node, ast.JoinedStr | ast.Starred | ast.Slice | ast.Yield | ast.YieldFrom)
            or field == "func"
        ):
            continue
        if isinstance(node, ast.Constant):
            continue
        types = scope.types(site, node)
        for pattern, kinds, prior in WRAPS:
            if kinds and not is_kind(types, *kinds):
                continue
            share = prior * (1.0 if types or not kinds else 0.4)
            if isinstance(parent, ast.Attribute | ast.Compare):
                share *= 0.7
            yield exchange(scope.code, site, node, _wrapped(pattern, node), "wrap", share, 2.0)


class _Fill(ast.NodeTransformer):
    """Puts an expression in the place of ``_``."""

    def __init__(self, given: ast.expr) -> None:
        self._given = given

    def visit_Name(self, found: ast.Name) -> ast.expr:  # the name ast asks for
        return self._given if found.id == "_" else found


def _wrapped(pattern: str, node: ast.expr) -> ast.expr:
    made = _Fill(node).visit(ast.parse(pattern.format("_"), mode="eval").body)
    assert isinstance(made, ast.expr)
    return made
