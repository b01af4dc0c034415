"""How a run is to be carried out, as its caller says it: checked at once, and worked out once for each graph."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypedDict

from ..compiler.compile import CompiledGraph, CompiledNode
from ..errors import InputError
from ..shares import Share, share_problems
from .durability import DURABILITIES, Durability
from .settings import Settings
from .slots import Needs

THREADS = 64
"""How many ``def`` nodes run at once when nobody says otherwise."""

BUFFER = 1000
"""How many events are kept for a slow listener when nobody says otherwise."""

AT_ONCE = 100
"""How many runs are worked on at once when nobody says otherwise."""
PATIENCE = 1.0
"""Seconds that a run which was gone on with stays for a timer: it will be found when that is due."""

DEATHS = 3
"""How many processes in a row may go on with a run and die without a new record, when nobody says otherwise."""

_OURS = "\0"  # begins the names of slots that are ours, so that they are nobody else's

_RUN = f"{_OURS}run"


class RunOptions(TypedDict, total=False):
    """How to carry out a run; every one may be left out.

    Attributes:
        resources: What nodes are handed besides the state, by name. Of one with a method ``for_activation(context)`` each
            activation of an ``async def`` node gets what that returns, so that what it does through it can be an effect.
        concurrency: How many nodes may run at once; without it as many as are ready.
        slots: How many of each named slot there are (see ``uses=`` of a node), in place of what the graph says; without
            either there is no limit. Of a slot that has a share of a pool it is the share's count, of a pool its places.
            ``"threads"`` is how many ``def`` nodes run at once, by default as many as `concurrency` says, else 64. A node
            keeps its slots while it waits for its next attempt.
        limits: Feedback edge (``"checker->coder"``) to a limit that replaces the declared one.
        deadline: Seconds after which the run is interrupted.
        grace: Seconds that an ending waits for nodes that do not stop at once. 5 by default.
        patience: Seconds that a run stays for a timer with nothing else to do, before it is suspended. Without end by
            default.
        break_before: Nodes that wait for a person's approval in this run, as if they were declared with ``approve=True``.
        buffer: How many events are kept for a slow listener. 1,000 by default.
        durability: What a crash may take. ``"step"`` (the default): nothing, a result is on disk before anything that
            depends on it starts. ``"batched"``: the last results; they are written in the background. ``"exit"``: all since
            the run began or was gone on with; it is written when the run comes to rest. Under each, what must not be
            done twice and what a run is told from outside are on disk at once, and a run's end before it is told.
    """

    resources: Mapping[str, Any]
    concurrency: int | None
    slots: Mapping[str, int]
    limits: Mapping[str, int | None]
    deadline: float | None
    grace: float
    patience: float
    break_before: Collection[str]
    buffer: int
    durability: Durability


class _Slots(NamedTuple):
    """How many of each slot there are, which of them are shares of pools, and which ones each node needs, if any."""

    capacity: Mapping[str, int]
    shares: Mapping[str, Share]
    needs: tuple[Needs, ...] | None


class Options:
    """Turns the options of the runs of one graph into settings.

    Example: ``settings = Options(graph).settings({"concurrency": 4})``
    """

    def __init__(self, graph: CompiledGraph) -> None:
        self._graph = graph
        # Worked out once: the settings of a run without options, and slots by what was asked for.
        self._plain: Settings | None = None
        self._needs: dict[object, _Slots] = {}

    def settings(self, options: RunOptions) -> Settings:
        """Check the options. Raises InputError."""
        if not options and self._plain is not None:
            return self._plain
        unknown = set(options) - set(RunOptions.__annotations__)
        if unknown:
            raise InputError(f"unknown option {', '.join(map(repr, sorted(unknown)))}; see RunOptions")
        resources = options.get("resources", {})
        _check_mapping("resources", resources, "names to objects")
        declared = self._graph.definition.resources
        if missing := [name for name in declared if name not in resources]:
            raise InputError(f"resources= lacks {', '.join(map(repr, missing))}")
        if extra := [name for name in resources if name not in declared]:
            raise InputError(f"the graph declares no resource {', '.join(map(repr, extra))}")
        _check_whole("buffer", options.get("buffer", BUFFER), least=1)
        deadline, grace = options.get("deadline"), options.get("grace", 5.0)
        for name, seconds in (("deadline", deadline), ("grace", grace)):
            if (seconds is not None or name == "grace") and not _is_duration(seconds):
                raise InputError(f"{name} is a number of seconds from 0, not {seconds!r}")
        capacity, shares, needs = self._slots(options.get("concurrency"), options.get("slots", {}))
        patience = options.get("patience", math.inf)
        if not _is_duration(patience):
            raise InputError(f"patience is a number of seconds from 0, not {patience!r}")
        durability = options.get("durability", "step")
        if durability not in DURABILITIES:
            raise InputError(f'durability is "step", "batched" or "exit", not {durability!r}')
        settings = Settings(
            resources,
            capacity,
            needs,
            deadline,
            grace,
            patience,
            self._nodes(options.get("break_before", ())),
            durability,
            shares,
        )
        if not options:
            self._plain = settings
        return settings

    def limits(self, limits: Mapping[str, int | None] | None) -> dict[int, int | None]:
        """Limits by the numbers of their feedback edges. Raises InputError."""
        _check_mapping("limits", limits or {}, "feedback edges to numbers")
        found: dict[int, int | None] = {}
        for edge, limit in (limits or {}).items():
            number = self._graph.plan.edge_number.get(edge)
            if number is None or number not in self._graph.limits:
                known = ", ".join(self._graph.plan.edges[known].id for known in self._graph.limits)
                raise InputError(f"limits=: {edge!r} is no feedback edge; there is {known or 'none'}")
            if limit is not None:
                _check_whole(f"limits=: the limit of {edge}", limit, least=0)
            found[number] = limit
        return found

    def _nodes(self, names: Collection[str]) -> frozenset[str]:
        if isinstance(names, str) or not isinstance(names, Collection):
            raise InputError(f"break_before= takes several names, as in ['checker'], not {names!r}")
        known = self._graph.definition.nodes
        if unknown := [name for name in names if name not in known]:
            told = ", ".join(map(repr, unknown))
            raise InputError(f"break_before=: the graph has no node {told}; it has {', '.join(known)}")
        return frozenset(names)

    def _slots(self, concurrency: int | None, slots: Mapping[str, int]) -> _Slots:
        _check_mapping("slots", slots, "names to numbers")
        for name, count in [("concurrency", concurrency), *slots.items()]:
            if count is not None or name != "concurrency":
                _check_whole(name, count, least=1)
        key = (concurrency, tuple(sorted(slots.items(), key=str)))
        if key not in self._needs:
            self._needs[key] = _needs_of(self._graph, concurrency, slots)
        return self._needs[key]


def _needs_of(graph: CompiledGraph, concurrency: int | None, slots: Mapping[str, int]) -> _Slots:
    """How many of each slot there are, and which ones each node needs."""
    uses = {name: spec.uses for name, spec in graph.definition.nodes.items()}
    declared = graph.definition.slots
    shares = {name: slot for name, slot in declared.items() if isinstance(slot, Share)}
    known = {"threads", *(share.of for share in shares.values())}.union(*uses.values())
    if unknown := [name for name in slots if name not in known]:
        raise InputError(f"slots=: no node uses {', '.join(map(repr, unknown))}")
    numbers = {**{name: slot for name, slot in declared.items() if not isinstance(slot, Share)}, **slots}
    shares = {
        name: replace(
            share, count=numbers.pop(name, share.count), least=min(share.least, slots.get(name, share.least))
        )
        for name, share in shares.items()
    }
    if wrong := list(share_problems({**numbers, **shares}, uses)):
        raise InputError(wrong[0])
    capacity = {**numbers, "threads": numbers.get("threads", concurrency or THREADS)}
    if concurrency is not None:
        capacity[_RUN] = concurrency
    needs = tuple(
        _wanted(node, capacity, shares, holds=number in graph.holds)
        for number, node in enumerate(graph.nodes)
    )
    return _Slots(capacity, shares, needs) if any(needs) else _Slots({}, {}, None)


def _wanted(
    node: CompiledNode, capacity: dict[str, int], shares: Mapping[str, Share], *, holds: bool
) -> Needs:
    """The slots a node needs; one of its own is added to `capacity`.

    One that holds them while others run for it takes no place from those.
    """
    if node.spec is None or node.binding is None:
        return ()
    wanted = {name for name in node.spec.uses if name in capacity or name in shares}
    if _RUN in capacity and not holds:
        wanted.add(_RUN)
    if not node.binding.is_async and not node.spec.inline:
        wanted.add("threads")
    if node.spec.concurrency is not None:
        own = f"{_OURS}node {node.name}"
        wanted.add(own)
        capacity[own] = node.spec.concurrency
    return tuple(sorted(wanted))


def _check_mapping(name: str, given: object, of_what: str) -> None:
    if not isinstance(given, Mapping):
        raise InputError(f"{name}= is a mapping of {of_what}, not {given!r}")


def _check_whole(name: str, count: object, *, least: int) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or count < least:
        raise InputError(f"{name} must be a whole number from {least}, not {count!r}")


def _is_duration(seconds: object) -> bool:
    return (
        isinstance(seconds, int | float)
        and not isinstance(seconds, bool)
        and seconds >= 0
        and not math.isnan(seconds)
    )
