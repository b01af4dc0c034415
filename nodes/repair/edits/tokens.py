"""The cheapest edits: one operator, one constant, one name, one off by one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .base import Edit, exchange, exchange_text, loads, name, number, rewritten, with_fields
from .code import Site
from .scope import Scope, fit, is_kind

ORDER: dict[type[ast.cmpop], tuple[tuple[type[ast.cmpop], float], ...]] = {
    ast.Lt: ((ast.LtE, 1.0), (ast.Gt, 0.8), (ast.GtE, 0.6), (ast.NotEq, 0.4), (ast.Eq, 0.4)),
    ast.LtE: ((ast.Lt, 1.0), (ast.GtE, 0.8), (ast.Gt, 0.6), (ast.Eq, 0.4), (ast.NotEq, 0.3)),
    ast.Gt: ((ast.GtE, 1.0), (ast.Lt, 0.8), (ast.LtE, 0.6), (ast.NotEq, 0.4), (ast.Eq, 0.4)),
    ast.GtE: ((ast.Gt, 1.0), (ast.LtE, 0.8), (ast.Lt, 0.6), (ast.Eq, 0.4), (ast.NotEq, 0.3)),
    ast.Eq: ((ast.NotEq, 0.9), (ast.LtE, 0.6), (ast.GtE, 0.6), (ast.Lt, 0.4), (ast.Gt, 0.4), (ast.In, 0.2)),
    ast.NotEq: (
        (ast.Eq, 0.9),
        (ast.Lt, 0.6),
        (ast.Gt, 0.6),
        (ast.LtE, 0.3),
        (ast.GtE, 0.3),
        (ast.NotIn, 0.2),
    ),
    ast.Is: ((ast.IsNot, 0.9), (ast.Eq, 0.6)),
    ast.IsNot: ((ast.Is, 0.9), (ast.NotEq, 0.6)),
    ast.In: ((ast.NotIn, 0.9), (ast.Eq, 0.3)),
    ast.NotIn: ((ast.In, 0.9), (ast.NotEq, 0.3)),
}

ARITHMETIC: dict[type[ast.operator], tuple[tuple[type[ast.operator], float], ...]] = {
    ast.Add: ((ast.Sub, 1.0), (ast.Mult, 0.6), (ast.BitOr, 0.2)),
    ast.Sub: ((ast.Add, 1.0), (ast.Mod, 0.4), (ast.FloorDiv, 0.3), (ast.Mult, 0.3), (ast.BitAnd, 0.2)),
    ast.Mult: ((ast.Add, 0.7), (ast.Pow, 0.6), (ast.FloorDiv, 0.5), (ast.Div, 0.4), (ast.Sub, 0.3)),
    ast.Div: ((ast.FloorDiv, 1.0), (ast.Mult, 0.7), (ast.Mod, 0.5), (ast.Sub, 0.3)),
    ast.FloorDiv: ((ast.Div, 0.8), (ast.Mod, 0.8), (ast.Mult, 0.6), (ast.Sub, 0.4), (ast.RShift, 0.2)),
    ast.Mod: ((ast.FloorDiv, 0.9), (ast.Div, 0.3), (ast.Sub, 0.4), (ast.Mult, 0.3)),
    ast.Pow: ((ast.Mult, 0.8), (ast.BitXor, 0.2), (ast.Add, 0.3)),
    ast.BitAnd: ((ast.BitOr, 0.9), (ast.BitXor, 0.8), (ast.Mod, 0.3), (ast.Sub, 0.3)),
    ast.BitOr: ((ast.BitAnd, 0.9), (ast.BitXor, 0.8), (ast.Add, 0.3), (ast.Sub, 0.3)),
    ast.BitXor: ((ast.BitAnd, 0.9), (ast.BitOr, 0.9), (ast.Pow, 0.3)),
    ast.LShift: ((ast.RShift, 1.0), (ast.Mult, 0.3)),
    ast.RShift: ((ast.LShift, 1.0), (ast.FloorDiv, 0.4)),
}


def operators(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another comparison, arithmetic or boolean operator; operands the other way round."""
    for node in loads(site):
        match node:
            case ast.Compare(ops=ops):
                for place, operator in enumerate(ops):
                    for other, prior in ORDER[type(operator)]:
                        changed = with_fields(node, ops=[*ops[:place], other(), *ops[place + 1 :]])
                        yield exchange(scope.code, site, node, changed, "comparison", prior)
            case ast.BinOp(op=operator):
                for other_op, prior in ARITHMETIC.get(type(operator), ()):
                    yield exchange(
                        scope.code, site, node, with_fields(node, op=other_op()), "operator", prior
                    )
                if not isinstance(operator, ast.Add | ast.Mult) or not _numeric(scope, site, node):
                    turned = with_fields(node, left=node.right, right=node.left)
                    yield exchange(scope.code, site, node, turned, "operands turned round", 0.5)
            case ast.BoolOp(op=boolean):
                other_bool = ast.Or() if isinstance(boolean, ast.And) else ast.And()
                yield exchange(scope.code, site, node, with_fields(node, op=other_bool), "and/or", 0.9)
            case ast.UnaryOp(op=ast.USub() | ast.Invert()):
                yield exchange(scope.code, site, node, node.operand, "sign", 0.6)


def _numeric(scope: Scope, site: Site, node: ast.BinOp) -> bool:
    return scope.types(site, node.left) | scope.types(site, node.right) <= {"int", "float", "bool"}


def updates(scope: Scope, site: Site) -> Iterator[Edit]:
    """``+=`` against ``-=`` and ``=``, and the other way round."""
    node = site.node
    if isinstance(node, ast.AugAssign):
        for other, prior in ARITHMETIC.get(type(node.op), ()):
            yield rewritten(scope, site, with_fields(node, op=other()), "update operator", prior)
        yield rewritten(
            scope, site, ast.Assign([node.target], node.value, lineno=0), "update or assignment", 0.7
        )
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Name | ast.Subscript | ast.Attribute):
            for operator, prior in (
                (ast.Add(), 0.6),
                (ast.Sub(), 0.25),
                (ast.Mult(), 0.2),
                (ast.BitOr(), 0.1),
            ):
                made = ast.AugAssign(target, operator, node.value)
                yield rewritten(scope, site, made, "update or assignment", prior)


def constants(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another constant: a number one off, 0, 1; the other boolean; another empty value; one of the program's own."""
    for node in loads(site):
        if not isinstance(node, ast.Constant) or _in_text(scope, node):
            continue
        value = node.value
        if isinstance(value, bool):
            yield exchange(scope.code, site, node, ast.Constant(not value), "constant", 0.9)
            yield exchange(scope.code, site, node, ast.Constant(None), "constant", 0.2)
        elif isinstance(value, int):
            for other, prior in _near(value):
                if _neutral(scope, node, other):
                    continue  # the operation left out says the same in fewer words
                yield exchange(scope.code, site, node, number(other), "constant", prior)
        elif isinstance(value, float):
            for real in (value + 1, value - 1, 0.0, 1.0, -value, value * 10, value / 10):
                yield exchange(scope.code, site, node, ast.Constant(real), "constant", 0.4)
        elif value is None or value == "":
            for text in ("[]", "0", "''", "False", "True", "{}", "None"):
                yield exchange_text(scope.code, site, node, text, "constant", 0.35)
        elif isinstance(value, str) and len(value) == 1:
            for letter in (chr(ord(value) + 1), chr(max(ord(value) - 1, 0))):
                if letter.isprintable():
                    yield exchange(scope.code, site, node, ast.Constant(letter), "constant", 0.35)
        yield from _own_constants(scope, site, node)


def _neutral(scope: Scope, node: ast.expr, value: int) -> bool:
    """Whether an operation does nothing once its right side is this number."""
    parent, field = scope.code.parent(node)
    if not isinstance(parent, ast.BinOp) or field != "right":
        return False
    nothing = 1 if isinstance(parent.op, ast.Mult | ast.FloorDiv | ast.Pow) else 0
    return value == nothing and isinstance(
        parent.op, ast.Add | ast.Sub | ast.Mult | ast.FloorDiv | ast.Pow | ast.LShift | ast.RShift
    )


def _near(value: int) -> Iterator[tuple[int, float]]:
    seen = {value}
    for other, prior in ((value + 1, 1.0), (value - 1, 1.0), (0, 0.7), (1, 0.7), (-1, 0.4), (-value, 0.4), (2, 0.4),
                         (value * 2, 0.15), (value // 2, 0.15), (value + 2, 0.15), (10, 0.1)):  # fmt: skip
        if other not in seen:
            seen.add(other)
            yield other, prior


def _own_constants(scope: Scope, site: Site, node: ast.Constant) -> Iterator[Edit]:
    """Constants of the same type that stand elsewhere in the program."""
    for other in scope.constants.get(type(node.value).__name__, ()):
        if other.value != node.value:
            yield exchange_text(scope.code, site, node, scope.code.source(other), "constant", 0.35)


def _in_text(scope: Scope, node: ast.expr) -> bool:
    return isinstance(scope.code.parent(node)[0], ast.JoinedStr | ast.FormattedValue)


def off_by_one(scope: Scope, site: Site) -> Iterator[Edit]:
    """Add or take away one: in an index, a bound of a slice or range, a side of a comparison, an argument, a value."""
    for node in loads(site):
        if isinstance(
            node, ast.Constant | ast.Compare | ast.BoolOp | ast.List | ast.Dict | ast.Slice | ast.Starred
        ):
            continue
        if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant):
            if node.right.value == 1 and isinstance(node.op, ast.Add | ast.Sub):
                yield exchange(scope.code, site, node, node.left, "off by one", 0.9)
            continue
        if not is_kind(scope.types(site, node), "int", "float"):
            continue
        parent, field = scope.code.parent(node)
        prior = 0.8 if isinstance(parent, ast.Subscript | ast.Slice | ast.Call | ast.Compare) else 0.5
        if not scope.types(site, node):
            prior *= 0.5
        if isinstance(parent, ast.Attribute) or (isinstance(parent, ast.Call) and field == "func"):
            continue
        for operator in (ast.Add(), ast.Sub()):
            made = ast.BinOp(node, operator, ast.Constant(1))
            yield exchange(scope.code, site, node, made, "off by one", prior, 2.0)


def names(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another variable in the place of one."""
    for node in loads(site):
        if not isinstance(node, ast.Name):
            continue
        parent, field = scope.code.parent(node)
        if isinstance(parent, ast.Call) and field == "func":
            continue
        own = scope.types(site, node)
        for other in scope.names_at(site, node):
            if other != node.id:
                prior = 0.8 * fit(own, scope.of_name(site, other))
                yield exchange(scope.code, site, node, name(other), "variable", prior)
