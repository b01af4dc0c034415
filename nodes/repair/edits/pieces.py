"""Edits of whole expressions: other expressions of the program, parts of them, and operations that are missing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .atoms import atoms
from .base import (
    Edit,
    call,
    exchange,
    exchange_source,
    expression,
    loads,
    name,
    weight,
    with_fields,
)
from .code import Site
from .scope import Scope, Types, fit, is_kind
from .statements import VALUES

LARGEST = 12
"""Nodes of an expression whose inner parts may take its place."""


def ingredients(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another expression of the program in the place of one."""
    given = [(node, scope.types(site, node), text) for text, node in scope.ingredients(site).items()]
    for place in loads(site):
        parent, field = scope.code.parent(place)
        if isinstance(place, ast.JoinedStr | ast.Starred | ast.Slice | ast.Yield | ast.YieldFrom):
            continue
        if field == "func" or (isinstance(parent, ast.Attribute | ast.Subscript) and field == "value"):
            share = 0.3
        else:
            share = 0.6
        own, wanted, inner = ast.unparse(place), scope.types(site, place), weight(place)
        for node, types, text in given:
            if text == own or (isinstance(place, ast.Name) and isinstance(node, ast.Name)):
                continue
            if isinstance(node, ast.Constant) and isinstance(parent, ast.Attribute):
                continue
            prior = share * fit(wanted, types) / (1 + 0.12 * abs(weight(node) - inner))
            if any(one is place for one in ast.walk(node)):
                prior *= 0.3  # the place inside a copy of what is around it
            yield exchange_source(scope.code, site, place, node, "expression", prior, 1 + 0.5 * weight(node))


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
            if match >= 0.5 and one != ast.unparse(node):
                made: ast.expr = ast.BoolOp(ast.Or(), [node, name(one)])
                yield exchange(scope.code, site, node, made, "alternative", 0.25 * match, 3.0)
        if isinstance(node, ast.Name):
            continue
        used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        for condition, prior in atoms(scope, site, node):
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
    for one in scope.operands(site, node):
        given = scope.types(site, one)
        match = fit(types, given)
        if match < 0.2 or ast.unparse(one) == ast.unparse(node):
            continue
        simple = 1.0 if isinstance(one, ast.Name) else 0.7
        if is_kind(types, "int", "float") and is_kind(given, "int", "float"):
            for operator, prior in (
                (ast.Sub(), 0.9),
                (ast.Add(), 0.9),
                (ast.Mult(), 0.3),
                (ast.FloorDiv(), 0.15),
                (ast.Mod(), 0.2),
            ):
                made = ast.BinOp(node, operator, one)
                yield exchange(
                    scope.code, site, node, made, "composition", share * prior * match * simple, 3.0
                )
            turned = ast.BinOp(one, ast.Sub(), node)
            yield exchange(scope.code, site, node, turned, "composition", share * 0.3 * match * simple, 3.0)
            for function in ("min", "max"):
                made_call = call(function, node, one)
                yield exchange(
                    scope.code, site, node, made_call, "composition", share * 0.35 * match * simple, 3.0
                )
        elif is_kind(types, "list", "str", "tuple", "set") and is_kind(given, "list", "str", "tuple", "set"):
            joined: ast.operator = ast.BitOr() if types and is_kind(types, "set") else ast.Add()
            for left, right in ((node, one), (one, node)):
                made = ast.BinOp(left, joined, right)
                yield exchange(scope.code, site, node, made, "composition", share * 0.8 * match * simple, 3.0)
