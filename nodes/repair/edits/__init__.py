"""Edits of a program, in tiers from cheap to rich.

Each tier is a list of makers that enumerate edits of one statement. `pool` puts them together for the statements
under suspicion, without doubles, always in the same order, so that a place in a pool names an edit for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from . import additions, calls, conditions, containers, guards, pieces, statements, targets, tokens, wraps
from .base import Edit, Maker
from .code import Code
from .scope import Scope

__all__ = ["TIERS", "Edit", "pool"]

TIERS: tuple[tuple[Maker, ...], ...] = (
    (
        tokens.operators,
        tokens.updates,
        tokens.constants,
        tokens.off_by_one,
        tokens.names,
        conditions.negations,
        pieces.parts,
        calls.arguments,
        calls.methods,
        containers.collections,
        statements.deletions,
        statements.turned,
        statements.order,
    ),
    (
        wraps.wraps,
        containers.slices,
        pieces.ingredients,
        additions.copies,
        additions.substitutes,
        targets.targets,
        additions.updates_added,
        additions.yields_added,
        additions.endings_added,
        pieces.inner_parts,
        partial(guards.base_cases, least=0.14),
        partial(guards.guards, least=0.27),
        partial(conditions.strengthened, least=0.25),
    ),
    (
        pieces.compositions,
        conditions.strengthened,
        conditions.replaced,
        conditions.filters,
        additions.assignments_added,
    ),
    (guards.guards, guards.wrapped, pieces.alternatives),
)
"""The makers of each tier."""


def pool(
    source: str, seen: Mapping[str, tuple[str, ...]], suspects: Mapping[int, float], tier: int
) -> list[Edit]:
    """All edits of one tier at the statements under suspicion.

    Args:
        source: The program.
        seen: Observed types, see `Scope`.
        suspects: Suspicion for each line; lines that are not there get no edits.
        tier: Which of `TIERS`.

    Raises:
        SyntaxError: `source` is not a program.
    """
    code = Code(source)
    scope = Scope(code, seen)
    made: dict[tuple[object, ...], Edit] = {}
    for site in code.sites:
        lines = {site.line, *(node.lineno for node in site.expressions)}
        if not lines & suspects.keys():
            continue
        for maker in TIERS[tier]:
            for edit in maker(scope, site):
                if all(source[start:end] == text for start, end, text in edit.replacements):
                    continue
                if edit.line not in suspects:
                    edit = replace(edit, line=site.line)
                known = made.get(edit.replacements)
                if known is None or known.prior < edit.prior:
                    made[edit.replacements] = edit
    return list(made.values())
