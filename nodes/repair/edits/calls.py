"""Edits of calls: arguments swapped, dropped or added; another method or function of the same family."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .base import (
    Edit,
    exchange,
    expression,
    loads,
    name,
    with_fields,
)
from .code import Site
from .scope import Scope, fit, is_kind, parameters

METHODS: dict[str, tuple[str, ...]] = {
    "append": ("extend", "insert", "add", "appendleft"),
    "extend": ("append", "update"),
    "appendleft": ("append", "extendleft"),
    "add": ("append", "update", "discard", "remove"),
    "update": ("add",),
    "discard": ("add",),
    "remove": ("append", "add", "discard"),
    "pop": ("popleft",),
    "popleft": ("pop",),
    "keys": ("values", "items"),
    "values": ("keys", "items"),
    "items": ("keys", "values"),
    "lower": ("upper", "casefold"),
    "upper": ("lower",),
    "strip": ("lstrip", "rstrip"),
    "lstrip": ("rstrip", "strip"),
    "rstrip": ("lstrip", "strip"),
    "find": ("rfind", "index"),
    "rfind": ("find",),
    "index": ("rindex", "find", "count"),
    "split": ("rsplit", "splitlines"),
    "startswith": ("endswith",),
    "endswith": ("startswith",),
    "isdigit": ("isalpha", "isalnum", "isspace"),
    "isalpha": ("isdigit", "isalnum", "isupper"),
    "isalnum": ("isalpha", "isdigit"),
    "isupper": ("islower",),
    "islower": ("isupper",),
    "sort": ("reverse",),
    "union": ("intersection", "difference"),
    "intersection": ("union", "difference"),
    "difference": ("union", "intersection"),
    "get": ("pop", "setdefault"),
    "setdefault": ("get",),
    "heappush": ("heappop", "heappushpop"),
    "heappushpop": ("heapreplace",),
    "ceil": ("floor",),
    "floor": ("ceil",),
}


FUNCTIONS: dict[str, tuple[str, ...]] = {
    "min": ("max", "sum"),
    "max": ("min", "sum"),
    "any": ("all",),
    "all": ("any",),
    "sum": ("len", "max"),
    "len": ("sum", "max"),
    "sorted": ("list", "reversed"),
    "list": ("sorted", "set", "tuple"),
    "set": ("list",),
    "int": ("float", "round"),
    "round": ("int",),
    "zip": ("zip_longest",),
    "reversed": ("list",),
    "ord": ("chr",),
    "chr": ("ord",),
    "ceil": ("floor",),
    "floor": ("ceil",),
    "heappush": ("heappop",),
}


def arguments(scope: Scope, site: Site) -> Iterator[Edit]:
    """Arguments swapped, dropped, or added."""
    for node in loads(site):
        if not isinstance(node, ast.Call) or any(isinstance(one, ast.Starred) for one in node.args):
            continue
        count = len(node.args)
        for left in range(count):
            for right in range(left + 1, count):
                order = list(node.args)
                order[left], order[right] = order[right], order[left]
                prior = 0.8 * max(0.3, fit(scope.types(site, order[left]), scope.types(site, order[right])))
                yield exchange(scope.code, site, node, with_fields(node, args=order), "argument order", prior)
        for place in range(count):
            fewer = [*node.args[:place], *node.args[place + 1 :]]
            yield exchange(scope.code, site, node, with_fields(node, args=fewer), "argument dropped", 0.3)
        yield from _added(scope, site, node)


def _added(scope: Scope, site: Site, node: ast.Call) -> Iterator[Edit]:
    """One more argument: what ranges, pops and functions of the program with more parameters could take."""
    extra: list[tuple[str, int, float]] = []
    match node.func:
        case ast.Name(id="range") if len(node.args) == 1:
            extra = [("1", 0, 0.6), ("0", 0, 0.1), *((one, 0, 0.3) for one in integers(scope, site, node))]
        case ast.Name(id="range") if len(node.args) == 2:
            extra = [("-1", 2, 0.5), ("2", 2, 0.3), *((one, 2, 0.2) for one in integers(scope, site, node))]
        case ast.Name(id="enumerate") if len(node.args) == 1:
            extra = [("1", 1, 0.6)]
        case ast.Attribute(attr="pop"):
            extra = [("0", 0, 0.6), ("-1", 0, 0.4)] if not node.args else []
        case ast.Attribute(attr="get") if len(node.args) == 1:
            extra = [("0", 1, 0.5), ("[]", 1, 0.4), ("''", 1, 0.2), ("{}", 1, 0.2), ("1", 1, 0.2)]
        case ast.Name(id="int") if len(node.args) == 1:
            extra = [("2", 1, 0.2), ("16", 1, 0.2)]
        case ast.Name(id="sorted" | "max" | "min") | ast.Attribute(attr="sort"):
            for option in ("reverse=True", "key=len", *_looked_up(scope, site, node)):
                if not any(option.startswith(f"{one.arg}=") for one in node.keywords):
                    keyword = expression(f"f({option})")
                    assert isinstance(keyword, ast.Call)
                    more = with_fields(node, keywords=[*node.keywords, *keyword.keywords])
                    yield exchange(scope.code, site, node, more, "argument added", 0.25, 2.0)
        case ast.Name(id=function) if function in scope.functions:
            if len(node.args) + len(node.keywords) < len(parameters(scope.functions[function])):
                candidates = scope.names_at(site, node)
                extra = [(one, place, 0.5) for place in range(len(node.args) + 1) for one in candidates]
                extra += [(one, len(node.args), 0.3) for one in ("0", "1", "[]", "True", "None")]
    for text, place, prior in extra:
        more_args = [*node.args[:place], expression(text), *node.args[place:]]
        changed = with_fields(node, args=more_args)
        yield exchange(scope.code, site, node, changed, "argument added", prior, 2.0)


def _looked_up(scope: Scope, site: Site, node: ast.expr) -> Iterator[str]:
    """Keys to sort by that are what a dict holds for an item."""
    for one in scope.names_at(site, node):
        types = scope.of_name(site, one)
        if types and is_kind(types, "dict"):
            yield f"key={one}.get"


def integers(scope: Scope, site: Site, node: ast.expr) -> list[str]:
    """The integer variables that can be named here."""
    names = scope.names_at(site, node)
    return [one for one in names if scope.of_name(site, one) and is_kind(scope.of_name(site, one), "int")]


def methods(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another method or function of the same family; a method's first or last item instead of the other."""
    for node in loads(site):
        if isinstance(node, ast.Attribute):
            for other in METHODS.get(node.attr, ()):
                yield exchange(scope.code, site, node, with_fields(node, attr=other), "method", 0.6)
            if node.attr in scope.attributes:
                for other in scope.attributes:
                    if other != node.attr:
                        yield exchange(
                            scope.code, site, node, with_fields(node, attr=other), "attribute", 0.6
                        )
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for other in FUNCTIONS.get(node.func.id, ()):
                yield exchange(scope.code, site, node.func, name(other), "function", 0.5)
            if node.func.id in scope.functions:
                for other in scope.functions:
                    if other != node.func.id:
                        yield exchange(scope.code, site, node.func, name(other), "function", 0.4)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield from _changed_call(scope, site, node, node.func)


def _changed_call(scope: Scope, site: Site, node: ast.Call, function: ast.Attribute) -> Iterator[Edit]:
    if function.attr == "append" and len(node.args) == 1:
        inserted = with_fields(
            node, func=with_fields(function, attr="insert"), args=[ast.Constant(0), *node.args]
        )
        yield exchange(scope.code, site, node, inserted, "method", 0.4)
    if function.attr == "insert" and len(node.args) == 2:
        appended = with_fields(node, func=with_fields(function, attr="append"), args=node.args[1:])
        yield exchange(scope.code, site, node, appended, "method", 0.5)
