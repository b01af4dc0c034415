"""What is filled in for the model when a tool's function is called."""

from __future__ import annotations

from typing import Any

from backedge.engine.context import BlockingContext, Context
from backedge.engine.effects.identity import EffectKey

from .schema import Given


def supplied(
    name: str,
    given: tuple[Given, ...],
    values: dict[str, Any],
    context: Context | None,
    key: EffectKey | None,
) -> None:
    """Fill in what is not the model's to say; what the function can do without is left to its default.

    Raises:
        TypeError: The function needs something that there is none of.
    """
    for one in given:
        value: object
        if one.kind is EffectKey:
            value = key
        elif one.kind is BlockingContext:
            value = None if context is None else context.blocking()
        else:
            value = context
        if value is not None:
            values[one.name] = value
        elif not one.optional:
            raise TypeError(
                f"{name} takes a {one.kind.__name__}: call it from a node, and hand over what the node has"
            )
        elif not one.defaults:
            values[one.name] = None
