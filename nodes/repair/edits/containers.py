"""Edits of slices and of the literals of collections."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import permutations

from .base import (
    Edit,
    exchange,
    exchange_text,
    expression,
    loads,
    with_fields,
)
from .calls import integers
from .code import Site
from .scope import Scope, is_kind


def slices(scope: Scope, site: Site) -> Iterator[Edit]:
    """Bounds of slices dropped or added, an index instead of a slice and the other way round."""
    for node in loads(site):
        if not isinstance(node, ast.Subscript):
            continue
        if isinstance(node.slice, ast.Slice):
            cut = node.slice
            for bound in ("lower", "upper", "step"):
                if getattr(cut, bound) is not None:
                    changed = with_fields(node, slice=with_fields(cut, **{bound: None}))
                    yield exchange(scope.code, site, node, changed, "slice", 0.4)
            if cut.lower is not None and cut.upper is None and cut.step is None:
                turned = with_fields(cut, lower=None, upper=cut.lower)
                yield exchange(scope.code, site, node, with_fields(node, slice=turned), "slice", 0.5)
                yield exchange(scope.code, site, node, with_fields(node, slice=cut.lower), "slice", 0.3)
            if cut.upper is not None and cut.lower is None and cut.step is None:
                turned = with_fields(cut, lower=cut.upper, upper=None)
                yield exchange(scope.code, site, node, with_fields(node, slice=turned), "slice", 0.5)
            parts = (cut.lower, cut.upper, cut.step)
            for lower, upper, step in sorted(set(permutations(range(3)))):
                if (lower, upper, step) != (0, 1, 2):
                    turned = ast.Slice(parts[lower], parts[upper], parts[step])
                    yield exchange(scope.code, site, node, with_fields(node, slice=turned), "slice", 0.25)
            for bound in ("lower", "upper"):
                if getattr(cut, bound) is None:
                    for text in ("1", "-1", *integers(scope, site, node)):
                        given = with_fields(cut, **{bound: expression(text)})
                        yield exchange(scope.code, site, node, with_fields(node, slice=given), "slice", 0.3)
        elif is_kind(scope.types(site, node.value), "list", "str", "tuple"):
            for cut in (ast.Slice(node.slice, None, None), ast.Slice(None, node.slice, None)):
                yield exchange(scope.code, site, node, with_fields(node, slice=cut), "slice", 0.3)


def collections(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another literal: an empty collection with something in it, one in another, another empty one."""
    for node in loads(site):
        if (isinstance(node, ast.List | ast.Set | ast.Tuple) and not node.elts) or (
            isinstance(node, ast.Dict) and not node.keys
        ):
            texts = [
                "[]",
                "{}",
                "set()",
                "()",
                "[[]]",
                "[0]",
                "[1]",
                "[None]",
                "['']",
                "0",
                "1",
                "None",
                "''",
                "[()]",
            ]
            texts += [f"[{one}]" for one in scope.names_at(site, node)]
            texts += [f"{{{one}}}" for one in scope.names_at(site, node)]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and not node.args
            and node.func.id in ("set", "list", "dict")
        ):
            texts = ["[]", "{}", "set()", *(f"{{{one}}}" for one in scope.names_at(site, node))]
        elif isinstance(node, ast.List | ast.Tuple | ast.Set) and not isinstance(
            getattr(node, "ctx", None), ast.Store
        ):
            yield from _elements(scope, site, node)
            continue
        else:
            continue
        own = ast.unparse(node)
        for place, text in enumerate(text for text in texts if text != own):
            yield exchange_text(scope.code, site, node, text, "collection", 0.6 if place < 5 else 0.35, 1.5)


def _elements(scope: Scope, site: Site, node: ast.List | ast.Tuple | ast.Set) -> Iterator[Edit]:
    """Elements dropped, turned round, or all of them dropped."""
    elements = node.elts
    for place in range(len(elements)):
        fewer = [*elements[:place], *elements[place + 1 :]]
        if fewer or not isinstance(node, ast.Set):
            yield exchange(scope.code, site, node, with_fields(node, elts=fewer), "collection", 0.35)
    for place in range(len(elements) - 1):
        order = [*elements[:place], elements[place + 1], elements[place], *elements[place + 2 :]]
        yield exchange(scope.code, site, node, with_fields(node, elts=order), "elements turned round", 0.5)
    if isinstance(node, ast.List) and len(elements) == 1 and not isinstance(elements[0], ast.Starred):
        nested = ast.List([node], ast.Load())
        yield exchange(scope.code, site, node, nested, "collection", 0.35)
