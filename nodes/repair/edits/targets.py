"""Edits of assignments: another target, targets or values in another order."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..models import Replacement
from .base import (
    Edit,
    exchange_text,
    with_fields,
)
from .code import Code, Site, fitted
from .scope import Scope


def targets(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another target of an assignment, its targets or values in another order, an assignment cut short."""
    node = site.node
    written = [one for one in site.expressions if isinstance(getattr(one, "ctx", None), ast.Store)]
    for target in written:
        if isinstance(target, ast.Tuple | ast.List) and len(target.elts) > 1:
            for place in range(len(target.elts) - 1):
                elements = list(target.elts)
                elements[place], elements[place + 1] = elements[place + 1], elements[place]
                text = fitted(scope.code, target, with_fields(target, elts=elements))
                edit = Replacement(*scope.code.span(target), _bare(scope.code, target, text))
                yield Edit((edit,), "targets turned round", site.line, 0.6, 2.0)
            continue
        for text, other in scope.places(site).items():
            if text != ast.unparse(target):
                share = 0.6 if isinstance(other, ast.Name) == isinstance(target, ast.Name) else 0.35
                yield exchange_text(scope.code, site, target, text, "target", share, 1.5)
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
        turned_round = with_fields(node.value, elts=node.value.elts[::-1])
        text = _bare(scope.code, node.value, ast.unparse(turned_round))
        yield Edit(
            (Replacement(*scope.code.span(node.value), text),), "values turned round", site.line, 0.6, 2.0
        )


def _bare(code: Code, place: ast.Tuple | ast.List, text: str) -> str:
    """The text of a tuple without parentheses, where the one it takes the place of has none."""
    if isinstance(place, ast.Tuple) and code.span(place)[0] == code.span(place.elts[0])[0]:
        return text[1:-1]
    return text
