"""From what a node returned to what its record says: encoded updates, and the edges taken.

Pure: nothing is started or stored here, and no error leaves but as a `StepError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from ..compiler.binding import ArgumentMismatchError, UnsetFieldError
from ..compiler.compile import CompiledGraph
from ..compiler.goto import Goto
from ..definition import Case, Chosen
from ..errors import DeadEndError, LoopLimitError, RoutingError, UpdateError
from ..plan import Rounds
from ..schedule import LoopLimit, Named, Schedule
from ..shown import listed, shown
from ..state.snapshots import Snapshot


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
    if spec.goto:
        return _going_to(graph, node, value, activation)
    if isinstance(writes, str):
        returned: Mapping[str, Any] = {writes: value}
    elif writes:
        returned = _several(writes, value, activation, spec.prefix)
    elif value is None:
        return NOTHING
    else:
        raise UpdateError(
            str(activation), f"returned {shown(value)}, but declares no field for it; add writes="
        )
    return encode(graph, returned, activation)


def _going_to(graph: CompiledGraph, node: int, value: Any, activation: object) -> Update:
    """What a node wrote that says where to go on."""
    spec = graph.nodes[node].spec
    assert spec is not None
    if not isinstance(value, Goto):
        raise UpdateError(str(activation), f"is annotated to return Goto, but returned {shown(value)}")
    targets = [
        when.target
        for edge in graph.edges
        if isinstance(when := edge.when, Chosen) and when.field == spec.goto
    ]
    if lost := [name for name in value.names if name not in targets]:
        raise UpdateError(
            str(activation), f"returned Goto to {listed(lost)}; its edges lead to {listed(targets)}"
        )
    written: Mapping[str, Any] = {}
    if isinstance(spec.writes, str):
        written = {spec.writes: value.value}
    elif value.value is not None:
        written = _several(spec.writes, value.value, activation, spec.prefix)
    return encode(graph, {**written, spec.goto: list(value.names)}, activation)


def encode(graph: CompiledGraph, returned: Mapping[str, Any], activation: object) -> Update:
    """Encode a value for each field. Raises UpdateError."""
    encoded: dict[str, bytes] = {}
    values: dict[str, object] = {}
    fields = graph.schema.fields
    for field, value in returned.items():
        try:
            encoded[field], values[field] = fields[field].update.roundtrip(value)
        except ValueError as error:
            raise UpdateError(str(activation), str(error)) from None
    return Update(encoded, values)


def with_items(
    graph: CompiledGraph, node: int, update: Update, items: list[object], activation: object
) -> Update:
    """The update of a node that adds items to the map around it. Raises UpdateError."""
    added = graph.rules.fans[graph.rules.adders[node]].added
    more = encode(graph, {added: items}, activation)
    return Update({**update.encoded, **more.encoded}, {**update.values, **more.values})


def decode(graph: CompiledGraph, encoded: Mapping[str, bytes]) -> dict[str, object]:
    """The values that a record holds."""
    return {field: graph.schema.decode(field, raw) for field, raw in encoded.items()}


def copied(graph: CompiledGraph, updates: Mapping[str, object]) -> dict[str, object]:
    """The updates for somebody else, who may do with them what he likes: what is mutable is a copy."""
    copiers = {field: graph.schema.fields[field].update.facts.copier for field in updates}
    return {
        field: value if (copy := copiers[field]) is None else copy(value) for field, value in updates.items()
    }


def holding(
    graph: CompiledGraph, node: int, snapshot: Snapshot, resources: Mapping[str, Any], activation: object
) -> tuple[int, ...]:
    """The outgoing edges whose conditions hold on `snapshot`.

    Raises:
        RoutingError: A condition raised or returned something else than a boolean.
    """
    found = []
    for number in graph.nodes[node].ways:
        edge, binding = graph.edges[number], graph.conditions[number]
        try:
            if binding is not None:
                positional, keywords = binding.gather(snapshot, graph.schema, resources=resources)
                holds = binding.function(*positional, **keywords)
            else:
                holds = edge.when is None or _chosen(edge.when, snapshot)
        except (UnsetFieldError, ArgumentMismatchError) as error:
            raise RoutingError(str(activation), f"the condition of edge {edge.id}: {error}") from None
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise RoutingError(str(activation), f"the condition of edge {edge.id} raised {told}") from error
        if holds is True or (holds is not False and _is_true(holds, edge.id, activation)):
            found.append(number)
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
    if compiled.always is not None:
        return compiled.always
    ways = holding(graph, node, snapshot, resources, Named(schedule, node, rounds))
    taken = schedule.route(node, rounds, ways)
    if isinstance(taken, LoopLimit):
        raise LoopLimitError(_name(schedule, node, rounds), graph.edges[taken.edge].id, taken.limit)
    led = taken if not graph.rules.cancels else [way for way in taken if not graph.plan.edges[way].cancels]
    if not led and not (compiled.spec is not None and compiled.spec.may_stop):
        seen = [_seen(graph, number, snapshot) for number in compiled.ways]
        raise DeadEndError(_name(schedule, node, rounds), seen)
    return taken


def _name(schedule: Schedule, node: int, rounds: Rounds) -> str:
    return str(schedule.activation_id(node, rounds))


def handlers(graph: CompiledGraph, node: int, error: Exception) -> tuple[int, ...]:
    """The error edges that take this error on: of those that fit, the ones declared with the most special type.

    Those within a subgraph come before those that lead out of it.
    """
    fitting: list[tuple[tuple[int, int], int]] = []
    for number in graph.nodes[node].error_ways:
        edge = graph.edges[number]
        if edge.error is not None and isinstance(error, edge.error):
            fitting.append(((edge.outward, len(edge.error.__mro__)), number))
    return tuple(number for rank, number in fitting if rank == fitting[0][0])


def _chosen(when: Callable[..., bool], snapshot: Snapshot) -> bool:
    """Whether a condition holds that is ours, and no function of its edge's author."""
    assert isinstance(when, Case | Chosen)
    if not snapshot.has(when.field):
        raise UnsetFieldError(when.field)
    return when(snapshot.read(when.field))


def _is_true(answer: object, edge: str, activation: object) -> bool:
    """Whether a condition says that it holds, where it returned neither True nor False."""
    if type(answer).__module__ == "numpy" and type(answer).__name__ in ("bool", "bool_"):
        return bool(answer)
    raise RoutingError(
        str(activation),
        f"the condition of edge {edge} returned {shown(answer)}; a condition returns True or False: "
        f"compare, or wrap it in bool(...)",
    )


def _seen(graph: CompiledGraph, number: int, snapshot: Snapshot) -> str:
    """An edge with its condition and the values it saw, for a dead end's message."""
    edge = graph.edges[number]
    if isinstance(edge.when, Case | Chosen):
        fields = [edge.when.field]
    else:
        binding = graph.conditions[number]
        fields = sorted(binding.reads) if binding else []
    saw = ", ".join(f"{field}={shown(snapshot.read(field))}" for field in fields)
    label = f" [{edge.label}]" if edge.label else ""
    return f"{edge.id}{label} saw {saw}" if saw else f"{edge.id}{label}"


def _several(writes: tuple[str, ...], value: Any, activation: object, prefix: str) -> Mapping[str, Any]:
    if isinstance(value, BaseModel):
        returned: Mapping[str, Any] = {field: getattr(value, field) for field in value.model_fields_set}
    elif isinstance(value, Mapping):
        returned = value
    else:
        raise UpdateError(
            str(activation),
            f"writes {listed(writes)}, so it returns a mapping or a model, not {shown(value)}",
        )
    if prefix:
        returned = {prefix + field: update for field, update in returned.items()}
    if extra := [field for field in returned if field not in writes]:
        raise UpdateError(
            str(activation), f"returned {listed(extra)}, which writes= does not name; add it there"
        )
    return returned
