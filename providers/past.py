"""What a run asked for before this process went on with it: whoever sums up over all processes wants to know.

Handed along explicitly, from a wrapper to the model inside it, by `remembering`, as labels are. It is read only when
somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias, TypeVar

M = TypeVar("M")


class Node(Protocol):
    """An activation of a node."""

    @property
    def node(self) -> str:
        """The node's name."""


class Failure(Protocol):
    """How an effect failed."""

    @property
    def args(self) -> bytes | str | None:
        """The arguments of its exception, as JSON."""


class Effect(Protocol):
    """An effect as it is recorded; `backedge.engine.records.EffectRecorded` is one."""

    @property
    def activation(self) -> Node:
        """Whose it is."""

    @property
    def path(self) -> str:
        """Where in the activation, the names of its branches included."""

    @property
    def name(self) -> str:
        """What was asked for; of a call the model's name."""

    @property
    def kind(self) -> str:
        """``model`` for the call of one."""

    @property
    def at(self) -> float:
        """When it was over, in seconds since the epoch."""

    @property
    def seconds(self) -> float:
        """How long it took."""

    @property
    def result(self) -> bytes | None:
        """What came of it, as JSON; None when it failed."""

    @property
    def error(self) -> Failure | None:
        """How it failed."""


Past: TypeAlias = Callable[[], Awaitable[Sequence[Effect]]]
"""Reads what is recorded of a run from before; the same object for all calls of a run, until it is gone on with again."""


def remembering(model: M, past: Past) -> M:
    """The model, told of its run's past; one that does not care is given as it is."""
    tell = getattr(model, "remembering", None)
    told: M = model if tell is None else tell(past)
    return told
