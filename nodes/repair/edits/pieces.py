"""Edits of whole expressions: other expressions of the program, parts of them, and operations that are missing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from .atoms import atoms
from .base import (
    Edit,
    exchange,
    exchange_source,
    exchange_text,
    expression,
    loads,
    name,
    weight,
    with_fields,
)
from .code import OPERATORS, Site, fitted_text, joined, level
from .scope import Scope, Types, fit, is_kind
from .statements import VALUES

COMPOSED: tuple[tuple[type[ast.operator], float], ...] = (
    (ast.Sub, 0.9),
    (ast.Add, 0.9),
    (ast.Mult, 0.3),
    (ast.FloorDiv, 0.15),
    (ast.Mod, 0.2),
)

LARGEST = 12
"""Nodes of an expression whose inner parts may take its place."""


class Ingredient(NamedTuple):
    """An expression of the program that may stand somewhere else, and all that is asked of it there."""

    node: ast.expr
    types: Types
    text: str
    source: str  # as it is written
    weight: int
    inside: frozenset[int]  # the numbers of its nodes


def _given(scope: Scope, site: Site) -> list[Ingredient]:
    return [
        Ingredient(
            node,
            scope.types(site, node),
            text,
            scope.code.source(node),
            weight(node),
            frozenset(map(id, ast.walk(node))),
        )
        for text, node in scope.ingredients(site).items()
    ]


def ingredients(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another expression of the program in the place of one."""
    given = scope.once("given", site, lambda: _given(scope, site))
    for place in loads(site):
        parent, field = scope.code.parent(place)
        if isinstance(place, ast.JoinedStr | ast.Starred | ast.Slice | ast.Yield | ast.YieldFrom):
            continue
        if field == "func" or (isinstance(parent, ast.Attribute | ast.Subscript) and field == "value"):
            share = 0.3
        else:
            share = 0.6
        own, wanted, inner = scope.text(place), scope.types(site, place), weight(place)
        for node, types, text, source, heavy, inside in given:
            if text == own or (isinstance(place, ast.Name) and isinstance(node, ast.Name)):
                continue
            if isinstance(node, ast.Constant) and isinstance(parent, ast.Attribute):
                continue
            prior = share * fit(wanted, types) / (1 + 0.12 * abs(heavy - inner))
            if id(place) in inside:
                prior *= 0.3  # the place inside a copy of what is around it
            new = fitted_text(scope.code, place, source, level(node))
            yield exchange_text(scope.code, site, place, new, "expression", prior, 1 + 0.5 * heavy)


def parts(scope: Scope, site: Site) -> Iterator[Edit]:
    """An operand in the place of its operation, an argument in the place of its call."""
    for node in loads(site):
        inner: list[ast.expr] = []
        match node:
            case ast.BinOp(left=left, right=right):
                inner = [left, right]
            case ast.BoolOp(values=values) if len(values) == 2:
                inner = values
            case ast.BoolOp(values=values):
                for place in range(len(values)):
                    fewer = [*values[:place], *values[place + 1 :]]
                    changed = with_fields(node, values=fewer)
                    yield exchange(scope.code, site, node, changed, "part for whole", 0.5)
                continue
            case ast.UnaryOp(operand=operand):
                inner = [operand]
            case ast.IfExp(body=body, orelse=orelse):
                inner = [body, orelse]
            case ast.Call(args=arguments):
                inner = [one for one in arguments if not isinstance(one, ast.Starred)]
                if isinstance(node.func, ast.Attribute):
                    inner.append(node.func.value)
            case ast.Subscript(value=value):
                inner = [value]
            case ast.List(elts=[element]) if not isinstance(element, ast.Starred):
                inner = [element]
            case _:
                continue
        wanted = scope.types(site, node)
        for one in inner:
            prior = 0.6 * max(0.4, fit(wanted, scope.types(site, one)))
            yield exchange_source(scope.code, site, node, one, "part for whole", prior, 1.5)


def inner_parts(scope: Scope, site: Site) -> Iterator[Edit]:
    """What is deeper inside an expression in its place: an argument of an argument, and so on."""
    for node in loads(site):
        if not isinstance(node, ast.BinOp | ast.Call | ast.Subscript) or weight(node) > LARGEST:
            continue
        direct = [id(child) for child in ast.iter_child_nodes(node)]
        wanted = scope.types(site, node)
        for one in ast.walk(node):
            if one is node or id(one) in direct or not isinstance(one, ast.Name | ast.Call | ast.Subscript):
                continue
            if scope.code.parent(one)[1] != "func" and isinstance(getattr(one, "ctx", ast.Load()), ast.Load):
                prior = 0.4 * max(0.4, fit(wanted, scope.types(site, one)))
                yield exchange_source(scope.code, site, node, one, "part for whole", prior, 2.0)


def alternatives(scope: Scope, site: Site) -> Iterator[Edit]:
    """An expression only where it makes sense, and a plain value where not: ``items[0] if items else None``."""
    for node in loads(site):
        parent, field = scope.code.parent(node)
        if isinstance(node, ast.Constant) or field != "value" or not isinstance(parent, ast.stmt):
            continue
        for one in scope.names_at(site, node):
            match = fit(scope.types(site, node), scope.of_name(site, one))
            if match >= 0.5 and one != scope.text(node):
                made: ast.expr = ast.BoolOp(ast.Or(), [node, name(one)])
                yield exchange(scope.code, site, node, made, "alternative", 0.25 * match, 3.0)
        if isinstance(node, ast.Name):
            continue
        used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        for condition, _, prior in atoms(scope, site, node):
            if not {one.id for one in ast.walk(condition) if isinstance(one, ast.Name)} & used:
                continue
            for text in VALUES:
                made = ast.IfExp(condition, node, expression(text))
                yield exchange(scope.code, site, node, made, "alternative", 0.35 * prior, 3.5)


def compositions(scope: Scope, site: Site) -> Iterator[Edit]:
    """An operation that is missing: an expression plus, minus … something in scope, a list plus another."""
    for node in loads(site):
        if isinstance(node, ast.JoinedStr | ast.Starred | ast.Slice | ast.BoolOp | ast.Yield | ast.YieldFrom):
            continue
        parent, field = scope.code.parent(node)
        if field == "func" or isinstance(parent, ast.Attribute):
            continue
        types = scope.types(site, node)
        share = (
            0.5 if isinstance(parent, ast.Call | ast.Return | ast.Assign | ast.AugAssign | ast.Slice) else 0.3
        )
        yield from _combined(scope, site, node, types, share * (1.0 if types else 0.4))


def _combined(scope: Scope, site: Site, node: ast.expr, types: Types, share: float) -> Iterator[Edit]:
    own = (scope.text(node), level(node))

    def made(
        left: tuple[str, int], operator: type[ast.operator], right: tuple[str, int], worth: float
    ) -> Edit:
        text = joined(operator, left, right)
        new = fitted_text(scope.code, node, text, OPERATORS[operator])
        return exchange_text(scope.code, site, node, new, "composition", worth, 3.0)

    for one in scope.operands(site, node):
        given = scope.types(site, one)
        match = fit(types, given)
        other = (scope.text(one), level(one))
        if match < 0.2 or other[0] == own[0]:
            continue
        simple = 1.0 if isinstance(one, ast.Name) else 0.7
        if is_kind(types, "int", "float") and is_kind(given, "int", "float"):
            for operator, prior in COMPOSED:
                yield made(own, operator, other, share * prior * match * simple)
            yield made(other, ast.Sub, own, share * 0.3 * match * simple)
            for function in ("min", "max"):
                text = f"{function}({own[0]}, {other[0]})"
                yield exchange_text(
                    scope.code, site, node, text, "composition", share * 0.35 * match * simple, 3.0
                )
        elif is_kind(types, "list", "str", "tuple", "set") and is_kind(given, "list", "str", "tuple", "set"):
            operator = ast.BitOr if types and is_kind(types, "set") else ast.Add
            for left, right in ((own, other), (other, own)):
                yield made(left, operator, right, share * 0.8 * match * simple)
