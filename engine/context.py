"""What a node may ask the engine for while it runs."""

from __future__ import annotations

from collections.abc import Callable

from .records import ActivationId


class Context:
    """Handed to a parameter annotated `Context`.

    Attributes:
        run_id: The run's id.
        activation: Which activation this is; ``str()`` gives ``checker@2``.
        attempt: 1 for the first attempt; each retry counts one up.

    Example::

        @graph.node(writes="answer")
        async def think(question: str, ctx: Context) -> str:
            ctx.emit({"thinking about": question})
    """

    __slots__ = ("_emit", "activation", "attempt", "run_id")

    def __init__(
        self, run_id: str, activation: ActivationId, attempt: int, emit: Callable[[object], None]
    ) -> None:
        self.run_id = run_id
        self.activation = activation
        self.attempt = attempt
        self._emit = emit

    def emit(self, data: object) -> None:
        """Hand `data` to whoever listens to the run's events, as a `CustomEvent`. It is not journaled.

        May be called from a worker thread. The listener gets the very object: hand over what you no longer change.
        """
        self._emit(data)

    def round(self, loop: str | None = None) -> int:
        """The round of the innermost loop around this node, or of the loop named; 0 outside of loops.

        Raises:
            KeyError: The node is not part of the loop named.
        """
        rounds = dict(self.activation.rounds)
        if loop is not None:
            return rounds[loop]
        return self.activation.rounds[-1][1] if rounds else 0
