"""What flows along the edges of a graph: who reads and who writes, told to the analysis, and its findings as sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ..definition import END, START, Case, Chosen, Definition, EdgeSpec, NodeSpec
from ..plan import Plan
from ..shown import listed
from ..state.fields import StateSchema
from .assignment import Mend, Outcome, Read, Traffic, Way, concurrent_writes, unset_reads
from .binding import Binding
from .checks import Bindings, is_exhaustive, local, switches_of
from .flat import Flat
from .returned import meant_writes, sure_writes


def traffic_of(flat: Flat, plan: Plan, bindings: Bindings, *, sound: bool = False) -> Traffic:
    """The graph as the analysis sees it. Of one that is `sound` nothing need be guessed."""
    definition, schema = flat.definition, flat.schema
    by_id = {edge.id: edge for edge in definition.edges}
    edges = [by_id[edge.id] for edge in plan.edges]
    ways = _ways(definition, plan)
    outcomes: list[Sequence[Outcome]] = []
    sure: list[frozenset[str]] = []
    maybe: list[frozenset[str]] = []
    for number, name in enumerate(plan.nodes):
        spec = definition.nodes.get(name)
        sure.append(_sure_writes(spec, bindings.nodes.get(name), flat, sound=sound) if spec else frozenset())
        maybe.append(frozenset(spec.fields) if spec else frozenset())
        leaving = [(edges[way], ways[way]) for way in plan.outgoing[number]]
        if all(_is_sure(edge, flat.extras.fans) for edge, _ in leaving):  # most are: no groups to be made
            each = tuple((place,) for place in range(len(leaving)))
            outcomes.append([Outcome(tuple(way for _, way in leaving), each, success=True)])
            continue
        regular = [edge for edge, _ in leaving if edge.error is None]
        groups = _choices(regular, name, definition, bindings, schema, flat.extras.fans)
        if not groups and regular and not (spec is not None and spec.may_stop is True):
            groups = [regular]
        outcomes.append([_outcome(leaving, regular, groups, success=True), *_failures(leaving, flat, plan)])
    return Traffic(plan, plan.number[START.name], outcomes, sure, maybe)


def _ways(definition: Definition, plan: Plan) -> list[Way]:
    """What each edge leads to. What arrives at a node that joins each, or not all, meets nobody there."""
    everything = (1 << len(plan.nodes)) - 1
    masks = {name: sum(1 << plan.number[node] for node in loop.body) for name, loop in plan.loops.items()}
    alone = {plan.number[name] for name, spec in definition.nodes.items() if spec.join not in (None, "all")}
    if definition.end == "first":
        alone.add(plan.number[END.name])
    ways = []
    for edge in plan.edges:
        back = 0 if edge.level is None else masks[plan.nests[edge.target][edge.level]]
        ways.append(Way(edge.target, everything if edge.target in alone else back, back))
    return ways


def _sure_writes(spec: NodeSpec, binding: Binding | None, flat: Flat, *, sound: bool) -> frozenset[str]:
    """What the node writes whenever it succeeds, when the problems it may have are mended."""
    if spec.name in flat.bindings:
        return frozenset(spec.fields)
    scope, own = flat.scopes[spec.scope], local(spec, flat.scopes)
    written = sure_writes(own, binding)
    if not sound and binding is not None:
        written |= meant_writes(own, binding, scope.schema)
    return frozenset(map(scope.full, written)) if scope.prefix else written


def reads_of(plan: Plan, bindings: Bindings, edges: Sequence[EdgeSpec]) -> Iterator[Read]:
    """Every read of a field: by nodes first, then by conditions."""
    for number, name in enumerate(plan.nodes):
        if name in bindings.nodes:
            for field in sorted(bindings.nodes[name].reads):
                yield Read(number, False, field, f"node {name!r}")
    for edge in edges:
        if edge.id not in plan.edge_number:
            continue
        source, what = plan.number[edge.source], f"the condition of edge {edge.id}"
        if isinstance(edge.when, Case | Chosen):
            yield Read(source, True, edge.when.field, what)
        elif edge.id in bindings.conditions:
            for field in sorted(bindings.conditions[edge.id].reads):
                yield Read(source, True, field, what)


def meant_reads(plan: Plan, bindings: Bindings, edges: Sequence[EdgeSpec]) -> Iterator[Read]:
    """Reads that there will likely be when parameters that are problems are mended."""
    for number, name in enumerate(plan.nodes):
        for field in bindings.nodes[name].meant if name in bindings.nodes else ():
            yield Read(number, False, field, "")
    for edge in edges:
        for field in bindings.conditions[edge.id].meant if edge.id in bindings.conditions else ():
            if edge.source in plan.number:
                yield Read(plan.number[edge.source], True, field, "")


def unset_problems(
    traffic: Traffic, reads: Sequence[Read], fields: frozenset[str], mend: Mend | None
) -> Iterator[str]:
    """A sentence for each read of one of these fields that some way reaches unset, however the graph is mended."""
    names = traffic.plan.nodes
    for read, way in unset_reads(traffic, reads, fields, mend):
        skips = [names[node] for node in way if read.field in traffic.may_write[node] - traffic.writes[node]]
        told = f" ({listed(skips)} may leave it out)" if skips else ""
        yield (
            f"{read.what} reads {read.field!r}, which may be unset: nobody is sure to write it on the way "
            f"{' -> '.join(names[node] for node in way)}{told}; write it there, or give the field a default"
        )


def conflict_warnings(traffic: Traffic, schema: StateSchema) -> tuple[str, ...]:
    """A sentence for each plain field that branches will write concurrently."""
    plain = frozenset(name for name, field in schema.fields.items() if field.reducer is None)
    names = traffic.plan.nodes
    return tuple(
        f"field {field!r} is written by {listed((names[node] for node in writers), most=3)}, which run concurrently and "
        f"meet: that will be a ConflictError; give the field a reducer, or put an edge between them"
        for field, writers in concurrent_writes(traffic, plain)
    )


def _choices(
    regular: Sequence[EdgeSpec],
    name: str,
    definition: Definition,
    bindings: Bindings,
    schema: StateSchema,
    fans: Collection[str],
) -> list[Sequence[EdgeSpec]]:
    """The groups of a node's edges of which at least one is sure to be taken when it succeeds."""
    otherwise = {edge.instead_of: edge for edge in regular if edge.instead_of is not None}
    groups: list[Sequence[EdgeSpec]] = [
        [edge, *([otherwise[edge.id]] if edge.id in otherwise else [])]
        for edge in regular
        if _is_sure(edge, fans)
    ]
    if chosen := [edge for edge in regular if isinstance(edge.when, Chosen)]:
        groups.append(chosen)
    spec = definition.nodes.get(name)
    writes = spec.writes if spec is not None else ()
    return groups + [
        switch.edges
        for switch in switches_of(regular)
        if is_exhaustive(switch, bindings.nodes.get(name), schema, writes)
    ]


def _is_sure(edge: EdgeSpec, fans: Collection[str]) -> bool:
    """Whether it is taken whenever its source succeeds."""
    return (
        edge.unconditional
        and not (edge.feedback and edge.limit is None)  # that one lacks a condition
        and not (fans and edge.id in fans)  # there may be no items
    )


def _failures(leaving: Sequence[tuple[EdgeSpec, Way]], flat: Flat, plan: Plan) -> Iterator[Outcome]:
    """An outcome for each type of error that is led on: all its edges are taken."""
    kinds = dict.fromkeys(edge.error for edge, _ in leaving if edge.error is not None)
    for kind in kinds:
        edges = [edge for edge, _ in leaving if edge.error is kind]
        outcome = _outcome(leaving, edges, [[edge] for edge in edges], success=False)
        stopped = {
            name
            for edge in edges
            if edge.stops and edge.id in flat.extras.cancels
            for name in flat.extras.cancels[edge.id].nodes
        }
        yield outcome._replace(cancelled=sum(1 << plan.number[name] for name in stopped))


def _outcome(
    leaving: Sequence[tuple[EdgeSpec, Way]],
    edges: Sequence[EdgeSpec],
    groups: Sequence[Sequence[EdgeSpec]],
    *,
    success: bool,
) -> Outcome:
    ways = {edge.id: way for edge, way in leaving}
    place = {edge.id: number for number, edge in enumerate(edges)}
    choices = tuple(tuple(place[edge.id] for edge in group) for group in groups)
    return Outcome(tuple(ways[edge.id] for edge in edges), choices, success)
