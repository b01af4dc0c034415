"""From what a node returned to what its record says: encoded updates, and the edges taken.

Pure: nothing is started or stored here, and no error leaves but as a `StepError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from .compile import CompiledGraph
from .errors import DeadEndError, LoopLimitError, RoutingError, UpdateError
from .graph import Case
from .plan import Rounds
from .schedule import LoopLimit, Schedule
from .state import Snapshot


class Update(NamedTuple):
    """What a node wrote: encoded for the journal, and decoded from that for the state."""

    encoded: Mapping[str, bytes]
    values: Mapping[str, object]


NOTHING = Update({}, {})


def updates_of(graph: CompiledGraph, node: int, value: Any, activation: object) -> Update:
    """Validate and encode what a node returned.

    Raises:
        UpdateError: A field does not accept it, or the value is not of the declared shape.
    """
    spec = graph.nodes[node].spec
    assert spec is not None
    writes = spec.writes
    if isinstance(writes, str):
        returned: Mapping[str, Any] = {writes: value}
    elif writes:
        returned = _several(writes, value, activation)
    elif value is None:
        return NOTHING
    else:
        raise UpdateError(
            str(activation), f"returned {_shown(value)}, but declares no field for it; add writes="
        )
    return encode(graph, returned, activation)


def encode(graph: CompiledGraph, returned: Mapping[str, Any], activation: object) -> Update:
    """Encode a value for each field. Raises UpdateError."""
    encoded: dict[str, bytes] = {}
    values: dict[str, object] = {}
    for field, value in returned.items():
        try:
            encoded[field], values[field] = graph.schema.roundtrip(field, value)
        except ValueError as error:
            raise UpdateError(str(activation), f"field {field!r}: {error}") from None
    return Update(encoded, values)


def decode(graph: CompiledGraph, encoded: Mapping[str, bytes]) -> dict[str, object]:
    """The values that a record holds."""
    return {field: graph.schema.decode(field, raw) for field, raw in encoded.items()}


def holding(
    graph: CompiledGraph, node: int, snapshot: Snapshot, resources: Mapping[str, Any], activation: object
) -> tuple[int, ...]:
    """The outgoing edges whose conditions hold on `snapshot`.

    Raises:
        RoutingError: A condition raised or returned something else than a boolean.
    """
    found = []
    for number in graph.nodes[node].ways:
        edge = graph.edges[number]
        try:
            if edge.when is None or _holds(graph, number, snapshot, resources):
                found.append(number)
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise RoutingError(str(activation), f"the condition of edge {edge.id} raised {told}") from error
    return tuple(found)


def route(
    graph: CompiledGraph,
    schedule: Schedule,
    node: int,
    rounds: Rounds,
    snapshot: Snapshot,
    resources: Mapping[str, Any],
) -> tuple[int, ...]:
    """The edges that a finished activation takes, limits considered.

    Raises:
        StepError: A RoutingError, LoopLimitError or DeadEndError.
    """
    compiled = graph.nodes[node]
    activation = schedule.activation_id(node, rounds)
    ways = holding(graph, node, snapshot, resources, activation) if compiled.conditional else compiled.ways
    taken = schedule.route(node, rounds, ways)
    if isinstance(taken, LoopLimit):
        raise LoopLimitError(str(activation), graph.edges[taken.edge].id, taken.limit)
    may_stop = compiled.spec is not None and compiled.spec.may_stop
    if not taken and not may_stop:
        raise DeadEndError(str(activation), [_seen(graph, number, snapshot) for number in compiled.ways])
    return taken


def handlers(graph: CompiledGraph, node: int, error: Exception) -> tuple[int, ...]:
    """The error edges that take this error on: of those that fit, the ones declared with the most special type."""
    fitting: list[tuple[int, int]] = []
    for number in graph.nodes[node].error_ways:
        kind = graph.edges[number].error
        if kind is not None and isinstance(error, kind):
            fitting.append((len(kind.__mro__), number))
    return tuple(number for depth, number in fitting if depth == fitting[0][0])


def _holds(graph: CompiledGraph, number: int, snapshot: Snapshot, resources: Mapping[str, Any]) -> bool:
    when = graph.edges[number].when
    if isinstance(when, Case):
        return when(snapshot.read(when.field))
    binding = graph.conditions[number]
    assert binding is not None
    positional, keywords = binding.gather(snapshot, graph.schema, resources=resources)
    answer = binding.function(*positional, **keywords)
    if answer is not True and answer is not False:
        if type(answer).__name__ in ("bool_", "bool") and hasattr(answer, "item"):  # numpy's
            return bool(answer)
        raise TypeError(f"it returned {_shown(answer)}; a condition returns True or False")
    return answer


def _seen(graph: CompiledGraph, number: int, snapshot: Snapshot) -> str:
    """An edge with its condition and the values it saw, for a dead end's message."""
    edge = graph.edges[number]
    if isinstance(edge.when, Case):
        fields = [edge.when.field]
    else:
        binding = graph.conditions[number]
        fields = sorted(binding.reads) if binding else []
    saw = ", ".join(f"{field}={_shown(snapshot.read(field))}" for field in fields if snapshot.has(field))
    label = f" [{edge.label}]" if edge.label else ""
    return f"{edge.id}{label} saw {saw}" if saw else f"{edge.id}{label}"


def _several(writes: tuple[str, ...], value: Any, activation: object) -> Mapping[str, Any]:
    if isinstance(value, BaseModel):
        returned: Mapping[str, Any] = {field: getattr(value, field) for field in value.model_fields_set}
    elif isinstance(value, Mapping):
        returned = value
    else:
        names = ", ".join(map(repr, writes))
        raise UpdateError(
            str(activation), f"writes {names}, so it returns a mapping or a model, not {_shown(value)}"
        )
    if extra := [field for field in returned if field not in writes]:
        raise UpdateError(
            str(activation), f"returned {', '.join(map(repr, extra))}, which writes= does not name"
        )
    return returned


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as broken:
        text = f"<{type(value).__name__}, whose repr raises {type(broken).__name__}>"
    return text if len(text) <= 120 else text[:117] + "..."
