"""What an executor is told: how to carry out a run, and what is to be done first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from ..errors import StepError
from ..facts import NodeReturned, NodeSucceeded, Order
from ..plan import Key
from ..records import Letter
from ..shares import Share
from .durability import Durability
from .slots import Needs

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class Settings(NamedTuple):
    """How a run is to be carried out.

    Attributes:
        resources: What nodes are handed, by name.
        capacity: Number of slots by name, the run's own limit, those of nodes and the places of pools included.
        needs: For each node the slots it needs; None where nothing is limited.
        deadline: Seconds after which the run is interrupted, or None.
        grace: Seconds an ending waits for what does not stop at once.
        break_before: Names of nodes that wait for approval.
        patience: Seconds the run stays for a timer with nothing else to do.
        durability: When records are committed.
        shares: Slots that have no number of their own but a share of a pool.
    """

    resources: Mapping[str, Any] = _NONE
    capacity: Mapping[str, int] = _NONE
    needs: tuple[Needs, ...] | None = None
    deadline: float | None = None
    grace: float = 5.0
    patience: float = math.inf
    break_before: frozenset[str] = frozenset()
    durability: Durability = "step"
    shares: Mapping[str, Share] = _NONE


class Tries(NamedTuple):
    """What a recovered activation has behind it: its next attempt's number, and how many its policy has seen."""

    next: int
    seen: int


FIRST = Tries(1, 0)


class Beginning(NamedTuple):
    """What sets a run going.

    Attributes:
        fact: For a new run the fact of record 0.
        error: Why START could not be routed, if so; then the fact is a `NodeReturned`.
        orders: For a recovered run what was in flight.
        retry: The activations that had failed.
        reroute: The activations that owe their routing.
        waited: The run rested since all that was in flight waited for something.
        over: The run had completed: nothing is to be done, nothing is written.
        cancel: Somebody asked to end the run for good: that is all that is done.
    """

    fact: NodeSucceeded | NodeReturned | None = None
    error: StepError | None = None
    orders: tuple[Order, ...] = ()
    retry: tuple[Key, ...] = ()
    reroute: tuple[Key, ...] = ()
    waited: bool = False
    over: bool = False
    cancel: Letter | None = None
