"""Edits of conditions, and conditions where there were none: guards, base cases, early ends."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..models import Replacement
from .base import Edit, exchange, expression, loads, weight, with_fields
from .code import Function, Site
from .scope import Scope, fit, is_kind, parameters

VALUES = ("[]", "0", "None", "True", "False", "1", "''", "-1", "[[]]", "{}", "()")


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


def strengthened(scope: Scope, site: Site) -> Iterator[Edit]:
    """A condition with another one joined to it by ``and`` or ``or``."""
    for node in loads(site):
        parent, _ = scope.code.parent(node)
        if not _is_condition(scope, node) or isinstance(parent, ast.BoolOp | ast.UnaryOp):
            continue
        own = ast.unparse(node)
        for other, prior in atoms(scope, site, node):
            if ast.unparse(other) in own:
                continue
            for operator in (ast.And(), ast.Or()):
                for left, right, share in ((node, other, 1.0), (other, node, 0.6)):
                    values = [*_values(left, operator), *_values(right, operator)]
                    made = ast.BoolOp(operator, values)
                    yield exchange(scope.code, site, node, made, "condition extended", 0.6 * prior * share, 3.0)


def _values(node: ast.expr, operator: ast.boolop) -> list[ast.expr]:
    same = isinstance(node, ast.BoolOp) and type(node.op) is type(operator)
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
        for other, prior in atoms(scope, site, inner):
            more = with_fields(last, ifs=[*last.ifs, other])
            made = with_fields(node, generators=[*node.generators[:-1], more])
            yield exchange(scope.code, site, node, made, "filter", 0.5 * prior, 3.0)


def atoms(scope: Scope, site: Site, place: ast.expr | None = None) -> Iterator[tuple[ast.expr, float]]:
    """Simple conditions that make sense at a place: those of the program first, then about its variables."""
    seen: set[str] = set()

    def fresh(text: str) -> bool:
        known = text in seen
        seen.add(text)
        return not known

    for text, node in scope.ingredients(site).items():
        if isinstance(node, ast.Compare) and fresh(text):
            yield node, 1.0 / (1 + 0.05 * weight(node))
            negated = _negated(node)
            if fresh(ast.unparse(negated)):
                yield negated, 0.7 / (1 + 0.05 * weight(node))
    names = scope.names(site) if place is None else scope.names_at(site, place)
    for name in names:
        types = scope.of_name(site, name)
        for pattern, kinds, prior in ABOUT:
            text = pattern.format(name)
            if (not kinds or is_kind(types, *kinds)) and fresh(text):
                yield expression(text), prior * (1.0 if types else 0.5)
    yield from _between(scope, site, names, fresh)


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
    ("isinstance({}, list)", ("list",), 0.15),
)


def _between(
    scope: Scope, site: Site, names: tuple[str, ...], fresh: object
) -> Iterator[tuple[ast.expr, float]]:
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
                    texts += [(f"{left} < {right}", 0.4), (f"{left} <= {right}", 0.3), (f"{left} > {right}", 0.3)]
            if two and is_kind(two, "list", "set", "dict", "tuple", "deque"):
                texts += [(f"{left} in {right}", 0.35), (f"{left} not in {right}", 0.35)]
            if two and one and is_kind(two, "list", "str", "tuple") and is_kind(one, "int"):
                texts += [(f"{left} < len({right})", 0.4), (f"{left} >= len({right})", 0.4), (f"{left} == len({right})", 0.3)]
            for text, prior in texts:
                if fresh(text):
                    yield expression(text), prior


NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


def _negated(node: ast.Compare) -> ast.expr:
    if len(node.ops) == 1:
        return ast.Compare(node.left, [NEGATED[type(node.ops[0])]()], node.comparators)
    return ast.UnaryOp(ast.Not(), node)


def guards(scope: Scope, site: Site) -> Iterator[Edit]:
    """A line that ends early, before the statement: ``if …: return …``, ``if …: continue``, ``if …: break``."""
    node = site.node
    if site.function is None or isinstance(node, Function | ast.ClassDef):
        return
    if scope.code.text.startswith("elif", scope.code.span(node)[0]):
        return
    looping = _in_loop(scope, site)
    values = _return_values(scope, site)
    for condition, prior in atoms(scope, site):
        head = ast.unparse(condition)
        tails = [(f"return {value}" if value else "return", share) for value, share in values]
        if looping:
            tails += [("continue", 0.5), ("break", 0.4)]
        for tail, share in tails:
            edit = scope.code.inserted(site, f"if {head}:\n    {tail}")
            if edit is not None:
                about = 1.0 if site.owner is site.function else 0.6
                yield Edit((edit,), "guard", site.line, 0.55 * prior * share * about, 4.0)


def _in_loop(scope: Scope, site: Site) -> bool:
    here: ast.AST = site.node
    while not isinstance(here, Function | ast.Module):
        here, _ = scope.code.parent(here)
        if isinstance(here, ast.For | ast.While):
            return True
    return False


def _return_values(scope: Scope, site: Site) -> list[tuple[str, float]]:
    """What a guard may return: what the function returns elsewhere, constants, its parameters."""
    function = site.function
    assert function is not None
    returned: dict[str, float] = {}
    generator = False
    wanted = frozenset(scope.seen.get(f"{function.name}:return", ()))
    for other in scope.code.sites:
        if other.function is function and isinstance(other.node, ast.Return) and other.node.value is not None:
            returned.setdefault(ast.unparse(other.node.value), 0.9 if weight(other.node.value) < 4 else 0.4)
        generator |= any(isinstance(one, ast.Yield | ast.YieldFrom) for one in other.expressions if other.function is function)
    if generator:
        return [("", 1.0)]
    for text in VALUES:
        share = fit(wanted, scope.types(site, expression(text)))
        returned.setdefault(text, 0.8 * max(share, 0.15))
    for one in parameters(function):
        returned.setdefault(one, 0.7 * max(fit(wanted, scope.of_name(site, one)), 0.15))
    return list(returned.items())


def wrapped(scope: Scope, site: Site) -> Iterator[Edit]:
    """The statement only under a condition."""
    code, node = scope.code, site.node
    span = code.whole_lines(node)
    if span is None or site.function is None or not isinstance(
        node, ast.Assign | ast.AugAssign | ast.Expr | ast.Return | ast.Break | ast.Continue
    ):
        return
    indentation = code.indentation(node)
    body = code.reindented([node], indentation + "    ")
    for condition, prior in atoms(scope, site):
        text = f"{indentation}if {ast.unparse(condition)}:\n{body}"
        yield Edit((Replacement(*span, text),), "made conditional", site.line, 0.5 * prior, 4.0)
