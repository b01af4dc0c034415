"""Simple conditions that make sense at a place: those of the program, and some about its variables."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from .base import (
    expression,
    weight,
)
from .code import Site
from .scope import Scope, Types, fit, is_kind

ABOUT: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("not {}", ("list", "str", "dict", "set", "tuple", "NoneType", "bool", "deque"), 0.7),
    ("{}", ("list", "str", "dict", "set", "tuple", "NoneType", "bool", "deque"), 0.7),
    ("{} == 0", ("int", "float"), 0.7),
    ("{} > 0", ("int", "float"), 0.5),
    ("{} < 0", ("int", "float"), 0.5),
    ("{} <= 0", ("int", "float"), 0.4),
    ("{} == 1", ("int",), 0.4),
    ("{} != 0", ("int", "float"), 0.3),
    ("{} <= 1", ("int",), 0.3),
    ("{} is None", ("NoneType",), 0.5),
    ("{} is not None", ("NoneType",), 0.5),
    ("len({}) == 1", ("list", "str", "tuple"), 0.35),
    ("len({}) <= 1", ("list", "str", "tuple"), 0.3),
    ("len({}) > 1", ("list", "str", "tuple", "set", "dict", "deque"), 0.3),
    ("isinstance({}, list)", ("list",), 0.15),
)


SIZED = ("list", "str", "tuple", "set", "dict", "deque")
"""Types with a length."""

LARGEST = 5
"""Nodes of an expression of the program's that may be asked whether it is None or empty."""


NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


class Atom(NamedTuple):
    """A simple condition."""

    node: ast.expr
    text: str
    prior: float


def atoms(scope: Scope, site: Site, place: ast.expr | None = None) -> tuple[Atom, ...]:
    """Simple conditions that make sense at a place: those of the program first, then about its variables."""
    names = scope.names(site) if place is None else scope.names_at(site, place)
    return scope.once(("atoms", names), site, lambda: tuple(_atoms(scope, site, names)))


def _atoms(scope: Scope, site: Site, names: tuple[str, ...]) -> Iterator[Atom]:
    seen: set[str] = set()

    def fresh(text: str) -> bool:
        known = text in seen
        seen.add(text)
        return not known

    for text, node in scope.ingredients(site).items():
        if isinstance(node, ast.Compare) and fresh(text):
            yield Atom(node, text, 1.0 / (1 + 0.05 * weight(node)))
            negated = _negated(node)
            if fresh(turned := ast.unparse(negated)):
                yield Atom(negated, turned, 0.7 / (1 + 0.05 * weight(node)))
    for text, node in scope.ingredients(site).items():
        if isinstance(node, ast.Subscript | ast.Attribute) and weight(node) <= LARGEST:
            for made, prior in _about(text, scope.types(site, node), empty="NoneType" in scope.constants):
                if fresh(made):
                    yield Atom(expression(made), made, prior)
    for name in names:
        types = scope.of_name(site, name)
        for pattern, kinds, prior in ABOUT:
            text = pattern.format(name)
            if (not kinds or is_kind(types, *kinds)) and fresh(text):
                yield Atom(expression(text), text, prior * (1.0 if types else 0.5))
    yield from _between(scope, site, names, fresh)


def _about(text: str, types: Types, *, empty: bool) -> Iterator[tuple[str, float]]:
    """Whether an item or attribute of something is None, which a program may use for what is empty, or is empty."""
    if empty or "NoneType" in types:
        yield f"{text} is None", 0.4
        yield f"{text} is not None", 0.4
    if is_kind(types, "list", "str", "dict", "set", "tuple", "bool"):
        yield text, 0.3
        yield f"not {text}", 0.3


def _between(scope: Scope, site: Site, names: tuple[str, ...], fresh: object) -> Iterator[Atom]:
    """Conditions between two variables."""
    assert callable(fresh)
    for left in names:
        for right in names:
            if left == right:
                continue
            one, two = scope.of_name(site, left), scope.of_name(site, right)
            texts: list[tuple[str, float]] = []
            if one and two and fit(one, two) >= 0.9:
                texts += [(f"{left} == {right}", 0.3), (f"{left} != {right}", 0.3)]
                if is_kind(one, "int", "float"):
                    texts += [
                        (f"{left} < {right}", 0.4),
                        (f"{left} <= {right}", 0.3),
                        (f"{left} > {right}", 0.3),
                    ]
            if two and is_kind(two, "list", "set", "dict", "tuple", "deque"):
                texts += [(f"{left} in {right}", 0.35), (f"{left} not in {right}", 0.35)]
            if two and one and is_kind(two, *SIZED) and is_kind(one, "int"):
                texts += [
                    (f"{left} < len({right})", 0.4),
                    (f"{left} >= len({right})", 0.4),
                    (f"{left} <= len({right})", 0.3),
                    (f"{left} > len({right})", 0.3),
                    (f"{left} == len({right})", 0.3),
                ]
            for text, prior in texts:
                if fresh(text):
                    yield Atom(expression(text), text, prior)


def _negated(node: ast.Compare) -> ast.expr:
    if len(node.ops) == 1:
        return ast.Compare(node.left, [NEGATED[type(node.ops[0])]()], node.comparators)
    return ast.UnaryOp(ast.Not(), node)
