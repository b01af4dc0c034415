"""Edits of whole statements: deleted, moved, indented otherwise, turned into another kind of statement."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..models import Replacement
from .base import (
    Edit,
    rewritten,
)
from .code import Code, Function, Site
from .scope import Scope

SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.Continue, ast.Break, ast.Raise, ast.Delete)
"""Statements that are copied and moved."""


VALUES = ("[]", "0", "None", "True", "False", "1", "''", "-1", "[[]]", "{}", "()")
"""What functions return when there is little to return."""


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
    if isinstance(site.node, ast.If | ast.For | ast.While | ast.With) and not is_elif(scope.code, site.node):
        body = scope.code.reindented(site.node.body, scope.code.indentation(site.node))
        if body:
            yield Edit((Replacement(*span, body),), "block unwrapped", site.line, 0.4, 2.5)
    if isinstance(site.node, ast.If) and site.node.orelse:
        yield from _else_edits(scope, site, site.node)


def _fixed(node: ast.stmt) -> bool:
    """Whether a statement stays where it is: a function, an import, a docstring."""
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or isinstance(node, Function | ast.ClassDef | ast.Import | ast.ImportFrom)


def is_elif(code: Code, node: ast.AST) -> bool:
    """Whether an if is written as the elif of another."""
    return isinstance(node, ast.If) and code.text.startswith("elif", code.span(node)[0])


def _else_edits(scope: Scope, site: Site, node: ast.If) -> Iterator[Edit]:
    """Drop the else branch; let the two branches change places."""
    code = scope.code
    body, other = code.whole_lines(node.body[-1]), code.whole_lines(node.orelse[-1])
    first = code.whole_lines(node.body[0])
    if body is None or other is None or first is None or is_elif(code, node.orelse[0]):
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
    if span is None or isinstance(node, Function | ast.ClassDef) or is_elif(code, node):
        return
    gone = Replacement(*span, "" if len(site.block) > 1 else f"{code.indentation(node)}pass\n")
    if site.index > 0:
        before = code.whole_lines(site.block[site.index - 1])
        if before is not None and not _fixed(site.block[site.index - 1]):
            text = code.text[span[0] : span[1]]
            moved = (Replacement(before[0], before[0], text), Replacement(*span, ""))
            yield Edit(moved, "statements turned round", site.line, 0.5, 2.0)
            yield from _into(scope, site, site.block[site.index - 1], gone, last=True)
    if site.index + 1 < len(site.block):
        yield from _into(scope, site, site.block[site.index + 1], gone, last=False)
    owner = site.owner
    if isinstance(owner, ast.For | ast.While | ast.If) and not is_elif(code, owner):
        outer = code.whole_lines(owner)
        if outer is not None:
            text = code.reindented([node], code.indentation(owner))
            for position, prior in ((outer[1], 0.7), (outer[0], 0.6)):
                yield Edit(
                    (gone, Replacement(position, position, text)),
                    "moved out of its block",
                    site.line,
                    prior,
                    2.0,
                )


def _into(scope: Scope, site: Site, neighbour: ast.stmt, gone: Replacement, *, last: bool) -> Iterator[Edit]:
    """Move the statement to the end, or the start, of a block beside it."""
    if not isinstance(neighbour, ast.For | ast.While | ast.If):
        return
    blocks = [neighbour.body, *([neighbour.orelse] if neighbour.orelse else [])]
    for block in blocks:
        edge = block[-1] if last else block[0]
        place = scope.code.whole_lines(edge)
        if place is None or is_elif(scope.code, edge):
            continue
        text = scope.code.reindented([site.node], scope.code.indentation(edge))
        position = place[1] if last else place[0]
        if (text and position not in (gone.start, gone.end)) or position:
            yield Edit(
                (gone, Replacement(position, position, text)), "moved into a block", site.line, 0.5, 2.0
            )


def turned(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another kind of statement: if for while, continue for break, yield for return, yield from for yield."""
    code, node = scope.code, site.node
    start, _ = code.span(node)
    match node:
        case ast.If() if not node.orelse and not is_elif(code, node):
            yield Edit((Replacement(start, start + 2, "while"),), "if or while", site.line, 0.5, 1.0)
        case ast.If() if is_elif(code, node):
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
        case ast.Return(value=None) | ast.Expr(value=ast.Yield(value=None)):
            start = code.span(node)[1]
            for text in (*VALUES, *scope.names(site)):
                edit = Replacement(start, start, f" {text}")
                yield Edit((edit,), "value added", site.line, 0.4 if text in VALUES[:6] else 0.3, 1.5)
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
                yield rewritten(
                    scope, site, ast.Assign([ast.Name(name, ast.Store())], value, lineno=0), "assigned", 0.15
                )
