"""Statements that are missing: copies of the program's own, and updates made up from its variables."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..models import Replacement
from .base import Edit, weight
from .code import Function, Site
from .scope import Scope, fit, is_kind
from .statements import SIMPLE, VALUES, is_elif

LARGEST = 8
"""Nodes of an expression that an added assignment may have."""


def copies(scope: Scope, site: Site) -> Iterator[Edit]:
    """A statement of the same function, once more before or after this one."""
    if isinstance(site.node, Function | ast.ClassDef):
        return
    seen: set[str] = set()
    for other in scope.code.sites:
        small = isinstance(other.node, SIMPLE) or _is_small(other.node)
        if other.function is not site.function or not small:
            continue
        text = ast.unparse(other.node)
        if text in seen:
            continue
        seen.add(text)
        prior = 0.5 if not isinstance(other.node, ast.Break | ast.Raise) else 0.25
        prior *= 1.0 if isinstance(other.node, SIMPLE) else 0.6
        yield from _beside(scope, site, text, "statement copied", prior, 3.0)


def _is_small(node: ast.stmt) -> bool:
    """Whether a compound statement is worth copying: a condition over one or two simple statements."""
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and len(node.body) <= 2
        and all(isinstance(one, SIMPLE) for one in node.body)
    )


def substitutes(scope: Scope, site: Site) -> Iterator[Edit]:
    """Another statement of the same function in the place of this one."""
    if not isinstance(site.node, SIMPLE) or scope.code.whole_lines(site.node) is None:
        return
    own = ast.unparse(site.node)
    for text in dict.fromkeys(
        ast.unparse(other.node)
        for other in scope.code.sites
        if other.function is site.function and isinstance(other.node, SIMPLE)
    ):
        if text != own:
            replacement = Replacement(*scope.code.span(site.node), text)
            yield Edit((replacement,), "statement replaced", site.line, 0.35, 3.0)


def _beside(scope: Scope, site: Site, text: str, kind: str, prior: float, size: float) -> Iterator[Edit]:
    """Insert a line before and after a statement, also at the end of its block's owner."""
    if not is_elif(scope.code, site.node):
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
            indentation = scope.code.indentation(site.node.body[-1])
            line = "".join(f"{indentation}{one}\n" for one in text.splitlines())
            yield Edit((Replacement(inner[1], inner[1], line),), kind, site.line, prior, size)


def updates_added(scope: Scope, site: Site) -> Iterator[Edit]:
    """A missing update: count up or down, add to a set or list, copy one variable to another."""
    if isinstance(site.node, Function | ast.ClassDef):
        return
    names = scope.names(site)
    for text, prior in _update_texts(scope, site, names):
        yield from _beside(scope, site, text, "update added", prior, 3.0)


def yields_added(scope: Scope, site: Site) -> Iterator[Edit]:
    """A missing yield of a generator: of a variable, or of what there is where there is nothing."""
    function = site.function
    if function is None or isinstance(site.node, Function | ast.ClassDef) or not scope.yields(function):
        return
    share = 1.0 if isinstance(site.node, ast.Return) else 0.6
    for text in (*VALUES, *scope.names(site)):
        yield from _beside(scope, site, f"yield {text}", "yield added", 0.5 * share, 2.5)


def endings_added(scope: Scope, site: Site) -> Iterator[Edit]:
    """A missing end of a branch: a bare return in a generator, on to the next or out of a loop."""
    endings = ast.Return | ast.Continue | ast.Break | ast.Raise
    if (
        not isinstance(site.owner, ast.If)
        or site.node is not site.block[-1]
        or isinstance(site.node, endings)
    ):
        return
    texts = ["return"] if site.function is not None and scope.yields(site.function) else []
    for text in (*texts, *(("continue", "break") if scope.code.in_loop(site) else ())):
        edit = scope.code.inserted(site, text, after=True)
        if edit is not None:
            yield Edit((edit,), "ending added", site.line, 0.5, 2.0)


def assignments_added(scope: Scope, site: Site) -> Iterator[Edit]:
    """A missing assignment: one of the program's expressions, kept in one of the function's variables."""
    if isinstance(site.node, Function | ast.ClassDef):
        return
    for name in stored_names(scope, site):
        wanted = scope.of_name(site, name)
        for text, node in scope.ingredients(site).items():
            size = weight(node)
            if isinstance(node, ast.Name) or size > LARGEST or text == name:
                continue
            prior = 0.25 * fit(wanted, scope.types(site, node)) / (1 + 0.1 * size)
            if prior > 0.1:
                yield from _beside(scope, site, f"{name} = {text}", "assignment added", prior, 3.0)
    for text, place in scope.places(site).items():
        if isinstance(place, ast.Subscript | ast.Attribute):
            for name in scope.names(site):
                yield from _beside(scope, site, f"{text} = {name}", "assignment added", 0.2, 3.0)


def stored_names(scope: Scope, site: Site) -> list[str]:
    """The variables that the statement's function assigns to."""
    stored = {
        node.id
        for other in scope.code.sites
        if other.function is site.function
        for node in other.expressions
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return [name for name in scope.names(site) if name in stored]


def _update_texts(scope: Scope, site: Site, names: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    stored = set(stored_names(scope, site))
    for name in names:
        types = scope.of_name(site, name)
        if types and is_kind(types, "int", "float") and name in stored:
            yield from (
                (f"{name} += 1", 0.4),
                (f"{name} -= 1", 0.35),
                (f"{name} = 0", 0.3),
                (f"{name} //= 2", 0.05),
            )
            yield from (
                (f"{name} += {other}", 0.15)
                for other in names
                if other != name and _alike(scope, site, name, other)
            )
        if types and is_kind(types, "bool") and name in stored:
            yield from ((f"{name} = not {name}", 0.1), (f"{name} = True", 0.2), (f"{name} = False", 0.2))
        for other in names:
            if other == name:
                continue
            if types and is_kind(types, "set"):
                yield f"{name}.add({other})", 0.4
                yield f"{name}.discard({other})", 0.1
            if types and is_kind(types, "dict"):
                yield f"del {name}[{other}]", 0.2
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
    """Whether one variable may get what the other holds; one that was only ever None waits for something."""
    own = scope.of_name(site, left)
    return own == {"NoneType"} or fit(own, scope.of_name(site, right)) >= 0.9
