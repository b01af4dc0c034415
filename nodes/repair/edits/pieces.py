"""Edits of whole expressions: other expressions of the program, arguments, wraps, methods, slices, collections."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .base import (
    Edit,
    call,
    exchange,
    exchange_source,
    exchange_text,
    expression,
    loads,
    name,
    weight,
    with_fields,
)
from .code import Site
from .scope import Scope, Types, fit, is_kind, parameters

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

WRAPS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("list({})", ("iterator", "generator", "set", "dict", "range", "str", "tuple"), 0.4),
    ("list({})", ("list",), 0.45),
    ("sorted({})", ("list", "set", "dict", "tuple", "str", "iterator"), 0.45),
    ("reversed({})", ("list", "str", "range", "tuple"), 0.4),
    ("{}[::-1]", ("list", "str", "tuple"), 0.35),
    ("len({})", ("list", "str", "dict", "set", "tuple"), 0.4),
    ("set({})", ("list", "str", "tuple", "dict"), 0.3),
    ("tuple({})", ("list", "set", "iterator", "generator"), 0.3),
    ("sum({})", ("list", "set", "tuple", "iterator", "generator"), 0.2),
    ("max({})", ("list", "set", "tuple"), 0.15),
    ("min({})", ("list", "set", "tuple"), 0.15),
    ("range({})", ("int",), 0.4),
    ("range(len({}))", ("list", "str", "tuple"), 0.35),
    ("enumerate({})", ("list", "str", "tuple", "iterator"), 0.35),
    ("str({})", ("int", "float", "NoneType", "bool"), 0.3),
    ("int({})", ("str", "float", "bool"), 0.35),
    ("abs({})", ("int", "float"), 0.35),
    ("-{}", ("int", "float"), 0.4),
    ("not {}", ("bool",), 0.5),
    ("[{}]", (), 0.35),
    ("({},)", (), 0.15),
    ("{}[0]", ("list", "str", "tuple"), 0.35),
    ("{}[-1]", ("list", "str", "tuple"), 0.35),
    ("{}[1]", ("list", "tuple"), 0.2),
    ("{}[1:]", ("list", "str", "tuple"), 0.45),
    ("{}[:-1]", ("list", "str", "tuple"), 0.4),
    ("{}[:]", ("list",), 0.25),
    ("{}.copy()", ("list", "dict", "set"), 0.25),
    ("{}.items()", ("dict",), 0.4),
    ("{}.values()", ("dict",), 0.3),
    ("{}.keys()", ("dict",), 0.2),
    ("{}.strip()", ("str",), 0.3),
    ("{}.lower()", ("str",), 0.3),
    ("{}.upper()", ("str",), 0.2),
    ("{}.split()", ("str",), 0.15),
    ("''.join({})", ("list", "iterator", "generator"), 0.25),
)
"""Wraps by text, the types they make sense for (all, where none is named), and a prior."""


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
        if isinstance(node, ast.BoolOp) and len(node.values) > 2:
            for place in range(len(node.values)):
                fewer = [*node.values[:place], *node.values[place + 1 :]]
                yield exchange(scope.code, site, node, with_fields(node, values=fewer), "part for whole", 0.5)


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
            extra = [("1", 0, 0.6), ("0", 0, 0.1), *((one, 0, 0.3) for one in _integers(scope, site, node))]
        case ast.Name(id="range") if len(node.args) == 2:
            extra = [("-1", 2, 0.5), ("2", 2, 0.3), *((one, 2, 0.2) for one in _integers(scope, site, node))]
        case ast.Name(id="enumerate") if len(node.args) == 1:
            extra = [("1", 1, 0.6)]
        case ast.Attribute(attr="pop"):
            extra = [("0", 0, 0.6), ("-1", 0, 0.4)] if not node.args else []
        case ast.Attribute(attr="get") if len(node.args) == 1:
            extra = [("0", 1, 0.5), ("[]", 1, 0.4), ("''", 1, 0.2), ("{}", 1, 0.2), ("1", 1, 0.2)]
        case ast.Name(id="int") if len(node.args) == 1:
            extra = [("2", 1, 0.2), ("16", 1, 0.2)]
        case ast.Name(id="sorted" | "max" | "min") | ast.Attribute(attr="sort"):
            for option in ("reverse=True", "key=len"):
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


def _integers(scope: Scope, site: Site, node: ast.expr) -> list[str]:
    names = scope.names_at(site, node)
    return [one for one in names if scope.of_name(site, one) and is_kind(scope.of_name(site, one), "int")]


def wraps(scope: Scope, site: Site) -> Iterator[Edit]:
    """An expression wrapped: as a list, sorted, reversed, its length, its first item, all but its first item …"""
    for node in loads(site):
        parent, field = scope.code.parent(node)
        if isinstance(node, ast.JoinedStr | ast.Starred | ast.Slice | ast.Yield | ast.YieldFrom) or field == "func":
            continue
        if isinstance(node, ast.Constant):
            continue
        types = scope.types(site, node)
        for pattern, kinds, prior in WRAPS:
            if kinds and not is_kind(types, *kinds):
                continue
            share = prior * (1.0 if types or not kinds else 0.4)
            if isinstance(parent, ast.Attribute | ast.Compare):
                share *= 0.7
            yield exchange(scope.code, site, node, _wrapped(pattern, node), "wrap", share, 2.0)


def _wrapped(pattern: str, node: ast.expr) -> ast.expr:
    class _Fill(ast.NodeTransformer):
        def visit_Name(self, found: ast.Name) -> ast.expr:  # noqa: N802: the name ast asks for
            return node if found.id == "_" else found

    made = _Fill().visit(expression(pattern.format("_")))
    assert isinstance(made, ast.expr)
    return made


def methods(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another method or function of the same family; a method's first or last item instead of the other."""
    for node in loads(site):
        if isinstance(node, ast.Attribute):
            for other in METHODS.get(node.attr, ()):
                yield exchange(scope.code, site, node, with_fields(node, attr=other), "method", 0.6)
            if node.attr in scope.attributes:
                for other in scope.attributes:
                    if other != node.attr:
                        yield exchange(scope.code, site, node, with_fields(node, attr=other), "attribute", 0.6)
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
        inserted = with_fields(node, func=with_fields(function, attr="insert"), args=[ast.Constant(0), *node.args])
        yield exchange(scope.code, site, node, inserted, "method", 0.4)
    if function.attr == "insert" and len(node.args) == 2:
        appended = with_fields(node, func=with_fields(function, attr="append"), args=node.args[1:])
        yield exchange(scope.code, site, node, appended, "method", 0.5)


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
            for bound in ("lower", "upper"):
                if getattr(cut, bound) is None:
                    for text in ("1", "-1", *_integers(scope, site, node)):
                        given = with_fields(cut, **{bound: expression(text)})
                        yield exchange(scope.code, site, node, with_fields(node, slice=given), "slice", 0.3)
        elif is_kind(scope.types(site, node.value), "list", "str", "tuple"):
            for cut in (ast.Slice(node.slice, None, None), ast.Slice(None, node.slice, None)):
                yield exchange(scope.code, site, node, with_fields(node, slice=cut), "slice", 0.3)


def collections(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another literal: an empty collection with something in it, one in another, another empty one."""
    for node in loads(site):
        if isinstance(node, ast.List | ast.Set | ast.Tuple) and not node.elts or isinstance(node, ast.Dict) and not node.keys:
            texts = ["[]", "{}", "set()", "()", "[[]]", "[0]", "[1]", "[None]", "['']", "0", "1", "None", "''", "[()]"]
            texts += [f"[{one}]" for one in scope.names_at(site, node)]
            texts += [f"{{{one}}}" for one in scope.names_at(site, node)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args and node.func.id in ("set", "list", "dict"):
            texts = ["[]", "{}", "set()", *(f"{{{one}}}" for one in scope.names_at(site, node))]
        elif isinstance(node, ast.List | ast.Tuple | ast.Set) and not isinstance(getattr(node, "ctx", None), ast.Store):
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


def compositions(scope: Scope, site: Site) -> Iterator[Edit]:
    """An operation that is missing: an expression plus, minus … something in scope, a list plus another."""
    for node in loads(site):
        if isinstance(node, ast.JoinedStr | ast.Starred | ast.Slice | ast.BoolOp | ast.Yield | ast.YieldFrom):
            continue
        parent, field = scope.code.parent(node)
        if field == "func" or isinstance(parent, ast.Attribute):
            continue
        types = scope.types(site, node)
        share = 0.5 if isinstance(parent, ast.Call | ast.Return | ast.Assign | ast.AugAssign | ast.Slice) else 0.3
        yield from _combined(scope, site, node, types, share * (1.0 if types else 0.4))


def _combined(scope: Scope, site: Site, node: ast.expr, types: Types, share: float) -> Iterator[Edit]:
    for one in scope.operands(site, node):
        given = scope.types(site, one)
        match = fit(types, given)
        if match < 0.2 or ast.unparse(one) == ast.unparse(node):
            continue
        simple = 1.0 if isinstance(one, ast.Name) else 0.7
        if is_kind(types, "int", "float") and is_kind(given, "int", "float"):
            for operator, prior in ((ast.Sub(), 0.9), (ast.Add(), 0.9), (ast.Mult(), 0.3), (ast.FloorDiv(), 0.15), (ast.Mod(), 0.2)):
                made = ast.BinOp(node, operator, one)
                yield exchange(scope.code, site, node, made, "composition", share * prior * match * simple, 3.0)
            turned = ast.BinOp(one, ast.Sub(), node)
            yield exchange(scope.code, site, node, turned, "composition", share * 0.3 * match * simple, 3.0)
            for function in ("min", "max"):
                made_call = call(function, node, one)
                yield exchange(scope.code, site, node, made_call, "composition", share * 0.35 * match * simple, 3.0)
        elif is_kind(types, "list", "str", "tuple", "set") and is_kind(given, "list", "str", "tuple", "set"):
            operator = ast.BitOr() if types and is_kind(types, "set") else ast.Add()
            for left, right in ((node, one), (one, node)):
                made = ast.BinOp(left, operator, right)
                yield exchange(scope.code, site, node, made, "composition", share * 0.8 * match * simple, 3.0)
