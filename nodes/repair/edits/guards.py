"""Conditions where there were none: guards, base cases, early ends, statements made conditional."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..models import Replacement
from .atoms import atoms
from .base import (
    Edit,
    expression,
    weight,
)
from .code import Function, Site
from .scope import Scope, fit, parameters
from .statements import VALUES, is_elif


def guards(scope: Scope, site: Site, least: float = 0.0) -> Iterator[Edit]:
    """A line that ends early, before the statement: ``if …: return …``, ``if …: continue``, ``if …: break``."""
    node = site.node
    if site.function is None or isinstance(node, Function | ast.ClassDef):
        return
    code = scope.code
    if is_elif(code, node):
        return
    values = scope.once("returned", site, lambda: _return_values(scope, site))
    tails = [(f"return {value}" if value else "return", share) for value, share in values]
    if code.in_loop(site):
        tails += [("continue", 0.5), ("break", 0.4)]
    about = 1.0 if site.owner is site.function else 0.6
    for _, head, prior in atoms(scope, site):
        for tail, share in tails:
            worth = 0.55 * prior * share * about
            if worth >= least:
                edit = code.inserted(site, f"if {head}:\n    {tail}")
                if edit is not None:
                    yield Edit((edit,), "guard", site.line, worth, 4.0)


def base_cases(scope: Scope, site: Site, least: float = 0.0) -> Iterator[Edit]:
    """Guards where a function begins, as a recursive one needs them."""
    if site.owner is site.function and not any(map(_acts, site.block[: site.index])):
        yield from guards(scope, site, least)


def _acts(node: ast.stmt) -> bool:
    """Whether a statement is more than a docstring or another guard."""
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    guard = isinstance(node, ast.If) and not node.orelse and isinstance(node.body[-1], ast.Return)
    return not docstring and not guard


def _return_values(scope: Scope, site: Site) -> list[tuple[str, float]]:
    """What a guard may return: what the function returns elsewhere, constants, its parameters."""
    function = site.function
    assert function is not None
    returned: dict[str, float] = {}
    wanted = frozenset(scope.seen.get(f"{function.name}:return", ()))
    for other in scope.code.sites:
        if other.function is function and isinstance(other.node, ast.Return) and other.node.value is not None:
            returned.setdefault(ast.unparse(other.node.value), 0.9 if weight(other.node.value) < 4 else 0.4)
    if scope.yields(function):
        return [("", 1.0)]
    for text in VALUES:
        share = fit(wanted, scope.types(site, expression(text)))
        returned.setdefault(text, 0.8 * max(share, 0.15))
    for one in parameters(function):
        returned.setdefault(one, 0.7 * max(fit(wanted, scope.of_name(site, one)), 0.15))
        for attribute in scope.attributes:
            wanted_too = fit(wanted, scope.types(site, expression(f"{one}.{attribute}")))
            returned.setdefault(f"{one}.{attribute}", 0.4 * max(wanted_too, 0.15))
    return list(returned.items())


def wrapped(scope: Scope, site: Site) -> Iterator[Edit]:
    """The statement only under a condition."""
    code, node = scope.code, site.node
    span = code.whole_lines(node)
    if (
        span is None
        or site.function is None
        or not isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Return | ast.Break | ast.Continue)
    ):
        return
    indentation = code.indentation(node)
    body = code.reindented([node], indentation + "    ")
    for _, condition, prior in atoms(scope, site):
        text = f"{indentation}if {condition}:\n{body}"
        yield Edit((Replacement(*span, text),), "made conditional", site.line, 0.5 * prior, 4.0)
