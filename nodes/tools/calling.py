"""How a tool's function is called: what is filled in for the model, and threads for plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backedge.engine.context import BlockingContext, Context
from backedge.engine.effects.identity import EffectKey
from backedge.engine.execution.threads import WorkerThreads

from .schema import Given


async def in_thread(name: str, function: Callable[[], Any]) -> Any:
    """Call a plain function in a thread of its own. When this is cancelled the thread is let go of, and goes on.

    The event loop's own pool would be full after a few functions that hang, and would wait for them at the end.
    """
    threads = WorkerThreads(f"tool-{name}")
    try:
        return await threads.call(function)
    finally:
        await threads.close(grace=0)


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
