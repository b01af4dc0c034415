"""Edits of conditions: negated, fixed, joined to another one; filters of comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .atoms import atoms
from .base import (
    Edit,
    exchange,
    exchange_text,
    loads,
    with_fields,
)
from .code import OPERATORS, Site, fitted_text, joined, level
from .scope import Scope


def negations(scope: Scope, site: Site) -> Iterator[Edit]:
    """A condition negated, or taken for always true or false."""
    for node in loads(site):
        if not _is_condition(scope, node):
            continue
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield exchange(scope.code, site, node, node.operand, "condition negated", 0.8)
        elif not isinstance(node, ast.Compare):
            yield exchange(scope.code, site, node, ast.UnaryOp(ast.Not(), node), "condition negated", 0.8)
        for value in (True, False):
            yield exchange(scope.code, site, node, ast.Constant(value), "condition fixed", 0.3)


def _is_condition(scope: Scope, node: ast.expr) -> bool:
    parent, field = scope.code.parent(node)
    if isinstance(node, ast.Constant):
        return False
    return (
        field == "test"
        or isinstance(parent, ast.BoolOp)
        or (isinstance(parent, ast.comprehension) and field == "ifs")
        or (isinstance(parent, ast.Return) and isinstance(node, ast.Compare | ast.BoolOp))
        or (isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not))
    )


def strengthened(scope: Scope, site: Site, least: float = 0.0) -> Iterator[Edit]:
    """A condition with another one joined to it by ``and`` or ``or``."""
    for node in loads(site):
        parent, _ = scope.code.parent(node)
        if not _is_condition(scope, node) or isinstance(parent, ast.BoolOp | ast.UnaryOp):
            continue
        known = {scope.text(one) for one in (node.values if isinstance(node, ast.BoolOp) else [node])}
        for other, text, prior in atoms(scope, site, node):
            if text in known:
                continue
            for operator in (ast.And, ast.Or):
                for left, right, share in ((node, other, 1.0), (other, node, 0.6)):
                    worth = 0.6 * prior * share
                    if worth >= least:
                        values = [*_values(left, operator), *_values(right, operator)]
                        made = joined(operator, *((scope.text(one), level(one)) for one in values))
                        new = fitted_text(scope.code, node, made, OPERATORS[operator])
                        yield exchange_text(scope.code, site, node, new, "condition extended", worth, 3.0)


def replaced(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another condition in the place of one, or of a part of it."""
    for node in loads(site):
        if not _is_condition(scope, node) or isinstance(node, ast.UnaryOp):
            continue
        own = scope.text(node)
        for other, text, prior in atoms(scope, site, node):
            if text != own:
                fit = fitted_text(scope.code, node, text, level(other))
                yield exchange_text(scope.code, site, node, fit, "condition replaced", 0.5 * prior, 3.0)


def _values(node: ast.expr, operator: type[ast.boolop]) -> list[ast.expr]:
    same = isinstance(node, ast.BoolOp) and isinstance(node.op, operator)
    return node.values if same and isinstance(node, ast.BoolOp) else [node]


def filters(scope: Scope, site: Site) -> Iterator[Edit]:
    """A filter of a comprehension added or dropped."""
    for node in loads(site):
        if not isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            continue
        last = node.generators[-1]
        if last.ifs:
            dropped = with_fields(node, generators=[*node.generators[:-1], with_fields(last, ifs=[])])
            yield exchange(scope.code, site, node, dropped, "filter", 0.4, 2.0)
        inner = node.value if isinstance(node, ast.DictComp) else node.elt
        for other, _, prior in atoms(scope, site, inner):
            more = with_fields(last, ifs=[*last.ifs, other])
            made = with_fields(node, generators=[*node.generators[:-1], more])
            yield exchange(scope.code, site, node, made, "filter", 0.5 * prior, 3.0)
