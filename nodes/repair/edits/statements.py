"""Edits of whole statements: deleted, copied, moved, indented otherwise, turned into another kind of statement."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..models import Replacement
from .base import Edit, exchange_text, fitted, rewritten, with_fields
from .code import Code, Function, Site
from .scope import Scope, fit, is_kind

SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.Continue, ast.Break, ast.Raise, ast.Delete)
"""Statements that are copied and moved."""


def deletions(scope: Scope, site: Site) -> Iterator[Edit]:
    """The statement left out; a compound one replaced by its body."""
    if isinstance(site.node, Function | ast.ClassDef):
        return
    span = scope.code.whole_lines(site.node)
    if span is None:
        start, end = scope.code.span(site.node)
        yield Edit((Replacement(start, end, "pass"),), "statement deleted", site.line, 0.4, 2.0)
        return
    text = f"{scope.code.indentation(site.node)}pass\n" if len(site.block) == 1 else ""
    small = 0.6 if isinstance(site.node, SIMPLE) else 0.3
    yield Edit((Replacement(*span, text),), "statement deleted", site.line, small, 2.0)
    if isinstance(site.node, ast.If | ast.For | ast.While | ast.With):
        if not _is_elif(scope.code, site.node):
            body = scope.code.reindented(site.node.body, scope.code.indentation(site.node))
            if body:
                yield Edit((Replacement(*span, body),), "block unwrapped", site.line, 0.4, 2.5)
    if isinstance(site.node, ast.If) and site.node.orelse:
        yield from _else_edits(scope, site, site.node)


def _is_elif(code: Code, node: ast.AST) -> bool:
    return isinstance(node, ast.If) and code.text.startswith("elif", code.span(node)[0])


def _else_edits(scope: Scope, site: Site, node: ast.If) -> Iterator[Edit]:
    """Drop the else branch; let the two branches change places."""
    code = scope.code
    body, other = code.whole_lines(node.body[-1]), code.whole_lines(node.orelse[-1])
    first = code.whole_lines(node.body[0])
    if body is None or other is None or first is None or _is_elif(code, node.orelse[0]):
        return
    yield Edit((Replacement(body[1], other[1], ""),), "else deleted", site.line, 0.3, 2.5)
    begin = code.whole_lines(node.orelse[0])
    if begin is not None:
        text = code.text
        swapped = (
            Replacement(first[0], body[1], text[begin[0] : other[1]]),
            Replacement(begin[0], other[1], text[first[0] : body[1]]),
        )
        yield Edit(swapped, "branches turned round", site.line, 0.4, 3.0)


def order(scope: Scope, site: Site) -> Iterator[Edit]:
    """The statement before its predecessor; out of its block, before or after it; into a block beside it."""
    code, node = scope.code, site.node
    span = code.whole_lines(node)
    if span is None or isinstance(node, Function | ast.ClassDef) or _is_elif(code, node):
        return
    gone = Replacement(*span, "" if len(site.block) > 1 else f"{code.indentation(node)}pass\n")
    if site.index > 0:
        before = code.whole_lines(site.block[site.index - 1])
        if before is not None and not isinstance(site.block[site.index - 1], Function):
            text = code.text[span[0] : span[1]]
            moved = (Replacement(before[0], before[0], text), Replacement(*span, ""))
            yield Edit(moved, "statements turned round", site.line, 0.5, 2.0)
            yield from _into(scope, site, site.block[site.index - 1], gone, last=True)
    if site.index + 1 < len(site.block):
        yield from _into(scope, site, site.block[site.index + 1], gone, last=False)
    owner = site.owner
    if isinstance(owner, ast.For | ast.While | ast.If) and not _is_elif(code, owner):
        outer = code.whole_lines(owner)
        if outer is not None:
            text = code.reindented([node], code.indentation(owner))
            for position, prior in ((outer[1], 0.7), (outer[0], 0.6)):
                yield Edit((gone, Replacement(position, position, text)), "moved out of its block", site.line, prior, 2.0)


def _into(scope: Scope, site: Site, neighbour: ast.stmt, gone: Replacement, *, last: bool) -> Iterator[Edit]:
    """Move the statement to the end, or the start, of a block beside it."""
    if not isinstance(neighbour, ast.For | ast.While | ast.If):
        return
    blocks = [neighbour.body, *([neighbour.orelse] if neighbour.orelse else [])]
    for block in blocks:
        edge = block[-1] if last else block[0]
        place = scope.code.whole_lines(edge)
        if place is None or _is_elif(scope.code, edge):
            continue
        text = scope.code.reindented([site.node], scope.code.indentation(edge))
        position = place[1] if last else place[0]
        if text and position not in (gone.start, gone.end) or position:
            yield Edit((gone, Replacement(position, position, text)), "moved into a block", site.line, 0.5, 2.0)


def copies(scope: Scope, site: Site) -> Iterator[Edit]:
    """A statement of the same function, once more before or after this one."""
    if isinstance(site.node, Function | ast.ClassDef):
        return
    seen: set[str] = set()
    for other in scope.code.sites:
        if other.function is not site.function or not isinstance(other.node, SIMPLE):
            continue
        text = ast.unparse(other.node)
        if text in seen:
            continue
        seen.add(text)
        prior = 0.5 if not isinstance(other.node, ast.Break | ast.Raise) else 0.25
        yield from _beside(scope, site, text, "statement copied", prior, 3.0)


def _beside(scope: Scope, site: Site, text: str, kind: str, prior: float, size: float) -> Iterator[Edit]:
    """Insert a line before and after a statement, also at the end of its block's owner."""
    if not _is_elif(scope.code, site.node):
        before = scope.code.inserted(site, text)
        if before is not None:
            yield Edit((before,), kind, site.line, prior, size)
        if not isinstance(site.node, ast.Return | ast.Continue | ast.Break | ast.Raise):
            after = scope.code.inserted(site, text, after=True)
            if after is not None:
                yield Edit((after,), kind, site.line, prior, size)
    if isinstance(site.node, ast.If | ast.For | ast.While) and site.node.body:
        inner = scope.code.whole_lines(site.node.body[-1])
        if inner is not None:
            line = f"{scope.code.indentation(site.node.body[-1])}{text}\n"
            yield Edit((Replacement(inner[1], inner[1], line),), kind, site.line, prior, size)


def updates_added(scope: Scope, site: Site) -> Iterator[Edit]:
    """A missing update: count up or down, add to a set or list, copy one variable to another."""
    if isinstance(site.node, Function | ast.ClassDef):
        return
    names = scope.names(site)
    for text, prior in _update_texts(scope, site, names):
        yield from _beside(scope, site, text, "update added", prior, 3.0)


def _update_texts(scope: Scope, site: Site, names: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    stored = {
        node.id
        for other in scope.code.sites
        if other.function is site.function
        for node in other.expressions
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    for name in names:
        types = scope.of_name(site, name)
        if types and is_kind(types, "int", "float") and name in stored:
            yield from ((f"{name} += 1", 0.4), (f"{name} -= 1", 0.35), (f"{name} = 0", 0.3), (f"{name} //= 2", 0.05))
            yield from ((f"{name} += {other}", 0.15) for other in names if other != name and _alike(scope, site, name, other))
        if types and is_kind(types, "bool") and name in stored:
            yield from ((f"{name} = not {name}", 0.1), (f"{name} = True", 0.2), (f"{name} = False", 0.2))
        for other in names:
            if other == name:
                continue
            if types and is_kind(types, "set"):
                yield f"{name}.add({other})", 0.4
                yield f"{name}.discard({other})", 0.1
            if types and is_kind(types, "list", "deque"):
                yield f"{name}.append({other})", 0.35
            if name in stored and _alike(scope, site, name, other):
                yield f"{name} = {other}", 0.3
        if types and is_kind(types, "list"):
            yield f"{name}.pop()", 0.2
            yield f"{name}.sort()", 0.1
            yield f"{name} = []", 0.2
        for attribute in scope.attributes:
            if name in stored and any(key.endswith(f".{attribute}") for key in scope.seen):
                yield f"{name} = {name}.{attribute}", 0.2


def _alike(scope: Scope, site: Site, left: str, right: str) -> bool:
    return fit(scope.of_name(site, left), scope.of_name(site, right)) >= 0.9


def turned(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another kind of statement: if for while, continue for break, yield for return, yield from for yield."""
    code, node = scope.code, site.node
    start, _ = code.span(node)
    match node:
        case ast.If() if not node.orelse and not _is_elif(code, node):
            yield Edit((Replacement(start, start + 2, "while"),), "if or while", site.line, 0.5, 1.0)
        case ast.If() if _is_elif(code, node):
            yield Edit((Replacement(start, start + 4, "if"),), "elif or if", site.line, 0.5, 1.0)
        case ast.While() if not node.orelse:
            yield Edit((Replacement(start, start + 5, "if"),), "if or while", site.line, 0.4, 1.0)
        case ast.Break():
            yield rewritten(scope, site, ast.Continue(), "continue or break", 0.6, 1.0)
            yield rewritten(scope, site, ast.Return(), "continue or break", 0.3, 1.0)
        case ast.Continue():
            yield rewritten(scope, site, ast.Break(), "continue or break", 0.6, 1.0)
        case ast.Return(value=ast.expr() as value):
            yield rewritten(scope, site, ast.Expr(value), "return or not", 0.15)
            yield rewritten(scope, site, ast.Expr(ast.Yield(value)), "yield", 0.3)
            yield rewritten(scope, site, ast.Expr(ast.YieldFrom(value)), "yield", 0.2)
        case ast.Expr(value=ast.Yield(value=ast.expr() as value)):
            yield rewritten(scope, site, ast.Expr(ast.YieldFrom(value)), "yield", 0.8)
            yield rewritten(scope, site, ast.Return(value), "yield", 0.3)
        case ast.Expr(value=ast.YieldFrom(value=value)):
            yield rewritten(scope, site, ast.Expr(ast.Yield(value)), "yield", 0.8)
            yield rewritten(scope, site, ast.Return(value), "yield", 0.2)
        case ast.Expr(value=ast.Call() as value):
            yield rewritten(scope, site, ast.Return(value), "return or not", 0.5)
            yield rewritten(scope, site, ast.Expr(ast.YieldFrom(value)), "yield", 0.4)
            yield rewritten(scope, site, ast.Expr(ast.Yield(value)), "yield", 0.3)
            for name in scope.names(site):
                yield rewritten(scope, site, ast.Assign([ast.Name(name, ast.Store())], value, lineno=0), "assigned", 0.15)


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
                edit = Replacement(*scope.code.span(target), text.strip("()"))
                yield Edit((edit,), "targets turned round", site.line, 0.6, 2.0)
            continue
        for text, other in scope.places(site).items():
            if text != ast.unparse(target):
                share = 0.6 if isinstance(other, ast.Name) == isinstance(target, ast.Name) else 0.35
                yield exchange_text(scope.code, site, target, text, "target", share, 1.5)
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
        turned_round = with_fields(node.value, elts=node.value.elts[::-1])
        text = ast.unparse(turned_round).strip("()")
        yield Edit((Replacement(*scope.code.span(node.value), text),), "values turned round", site.line, 0.6, 2.0)
