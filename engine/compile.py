"""From a definition to what the executor runs: every check there is, all problems at once.

The checks go from the parts to the whole: names and signatures, then edges, then loops, then what flows along them.
The last two need the earlier ones to be clean, so that one mistake is not told three times.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import Signature
from typing import Any, get_origin, is_typeddict

from pydantic import BaseModel

from . import assignment
from .binding import Binding, bind
from .errors import GraphError
from .fields import StateSchema
from .graph import END, START, Case, Definition, EdgeSpec, NodeSpec
from .loops import Link, LoopForest, find_loops
from .plan import Plan
from .typerelation import Relation, choices, relation, spell


class BackedgeWarning(UserWarning):
    """Something in a graph that will work but is likely not meant."""


@dataclass(frozen=True, slots=True)
class CompiledNode:
    """A node with its parameters accounted for. START and END have neither spec nor binding.

    Attributes:
        name: The node's name.
        spec: What was declared.
        binding: Where its arguments come from.
        ways: Numbers of the edges to consider when it finished, those of error edges and limits left out.
        error_ways: Numbers of its error edges, the most special exception types first.
        conditional: Whether any of `ways` has a condition.
    """

    name: str
    spec: NodeSpec | None
    binding: Binding | None
    ways: tuple[int, ...]
    error_ways: tuple[int, ...]
    conditional: bool


@dataclass(frozen=True, slots=True)
class CompiledGraph:
    """A graph that passed every check.

    Attributes:
        definition: What was declared.
        schema: The state's fields.
        plan: Order and progress relation.
        nodes: By the plan's numbers.
        edges: What was declared, by the plan's numbers.
        conditions: The bound condition of an edge, by the plan's numbers; None for edges without one.
        limits: Limits of feedback edges, by number.
        otherwise: Feedback edge to the edge taken at its limit, by number.
        inputs: The fields a run must be given.
        warnings: What will work but is likely not meant.
        shape: What the digest covers, as JSON.
        digest: Identifies nodes, versions, edges, field types and reducers.
    """

    definition: Definition
    schema: StateSchema
    plan: Plan
    nodes: tuple[CompiledNode, ...]
    edges: tuple[EdgeSpec, ...]
    conditions: tuple[Binding | None, ...]
    limits: Mapping[int, int | None]
    otherwise: Mapping[int, int]
    inputs: tuple[str, ...]
    warnings: tuple[str, ...]
    shape: bytes
    digest: str

    @property
    def start(self) -> int:
        """Number of START."""
        return self.plan.number[START.name]

    @property
    def end(self) -> int:
        """Number of END."""
        return self.plan.number[END.name]


def compile_graph(definition: Definition) -> CompiledGraph:
    """Check a definition and prepare it for running.

    Raises:
        GraphError: With every problem found.
    """
    schema = StateSchema(definition.state)
    problems = [*definition.problems, *schema.problems]
    bindings, found = _bind_nodes(definition, schema)
    problems += found
    conditions, found = _bind_conditions(definition, schema)
    problems += found
    problems += _edge_problems(definition, schema)
    forest = find_loops([START.name, *definition.nodes, END.name], _links(definition))
    problems += _loop_problems(definition, forest)
    problems += _reach_problems(definition)
    if problems:
        raise GraphError(problems)
    plan = Plan(_links(definition), forest)
    nodes, edges = _numbered(definition, plan, bindings)
    flow = _flow(plan, nodes, edges)
    reads = list(_reads(plan, nodes, edges, conditions))
    required = [name for name, field in schema.fields.items() if not field.has_default]
    inputs = assignment.inputs_of(flow, reads, required)
    problems = _unset_problems(plan, flow, reads, frozenset(required) - set(inputs))
    if problems:
        raise GraphError(problems)
    told = _warnings(schema, plan, flow)
    for text in told:
        warnings.warn(text, BackedgeWarning, stacklevel=4)
    shape = _shape(definition, schema)
    return CompiledGraph(
        definition=definition,
        schema=schema,
        plan=plan,
        nodes=nodes,
        edges=edges,
        conditions=tuple(conditions.get(edge.id) for edge in edges),
        limits={plan.edge_number[edge.id]: edge.limit for edge in edges if edge.feedback},
        otherwise={
            plan.edge_number[edge.instead_of]: plan.edge_number[edge.id]
            for edge in edges
            if edge.instead_of is not None
        },
        inputs=inputs,
        warnings=told,
        shape=shape,
        digest=hashlib.sha256(shape).hexdigest()[:32],
    )


def _links(definition: Definition) -> list[Link]:
    known = {START.name, END.name, *definition.nodes}
    edges = [edge for edge in definition.edges if edge.source in known and edge.target in known]
    return [Link(edge.id, edge.source, edge.target, edge.feedback) for edge in edges]


# --------------------------------------------------------------------------- nodes


def _bind_nodes(definition: Definition, schema: StateSchema) -> tuple[dict[str, Binding], list[str]]:
    bindings: dict[str, Binding] = {}
    problems: list[str] = []
    for name, spec in definition.nodes.items():
        what = f"node {name!r}"
        handled = [edge.error for edge in definition.edges if edge.target == name and edge.error is not None]
        bindings[name], found = bind(spec.function, schema, definition.resources, what=what, handles=handled)
        problems += [*found, *_node_problems(what, spec, bindings[name], schema)]
    return bindings, problems


def _node_problems(what: str, spec: NodeSpec, binding: Binding, schema: StateSchema) -> Iterator[str]:
    unknown = [field for field in spec.fields if field not in schema.fields]
    for field in unknown:
        yield f"{what} writes {field!r}, which is no field of the state ({', '.join(schema.fields)})"
    if len(set(spec.fields)) < len(spec.fields):
        yield f"{what} names a field twice in writes="
    if not unknown:
        yield from _return_problems(what, spec, binding.returns, schema)
    if spec.inline and binding.is_async:
        yield f"{what}: inline=True is for plain functions; an async def runs on the event loop anyway"
    if spec.inline and spec.timeout is not None:
        yield f"{what}: an inline function cannot be timed out; drop inline=True or timeout="
    if spec.timeout is not None and not spec.timeout > 0:
        yield f"{what}: timeout must be a number of seconds above 0, not {spec.timeout!r}"
    if spec.concurrency is not None and spec.concurrency < 1:
        yield f"{what}: concurrency must be at least 1, not {spec.concurrency!r}"
    if spec.retry is not None and not callable(getattr(spec.retry, "iter", None)):
        yield f"{what}: retry wants a tenacity object such as AsyncRetrying(...), not {spec.retry!r}"


def _return_problems(what: str, spec: NodeSpec, returns: Any, schema: StateSchema) -> Iterator[str]:
    if returns is Signature.empty:
        return
    if isinstance(spec.writes, str):
        accepted = schema.fields[spec.writes].update_annotation
        if relation(returns, accepted) is Relation.DISJOINT:
            yield (
                f"{what} returns {spell(returns)}, but field {spec.writes!r} takes {spell(accepted)}; "
                f"return that, or declare another field in writes="
            )
        return
    if not spec.writes:
        if relation(returns, None) is Relation.DISJOINT:
            yield f"{what} returns {spell(returns)}, but declares no field for it; add writes="
        return
    keys = _keys(returns)
    if keys is not None and (extra := sorted(keys - set(spec.writes))):
        yield f"{what} returns {', '.join(map(repr, extra))}, which writes= does not name"
    elif (
        keys is None
        and get_origin(returns) is None
        and isinstance(returns, type)
        and not issubclass(returns, Mapping)
    ):
        yield (
            f"{what} writes several fields, so it returns a mapping, a TypedDict or a model, not {spell(returns)}; "
            f"for a single field write writes={spec.writes[0]!r}"
        )


def _keys(returns: Any) -> set[str] | None:
    if is_typeddict(returns):
        return set(returns.__annotations__)
    if isinstance(returns, type) and issubclass(returns, BaseModel):
        return set(returns.model_fields)
    return None


# --------------------------------------------------------------------------- edges


def _bind_conditions(definition: Definition, schema: StateSchema) -> tuple[dict[str, Binding], list[str]]:
    conditions: dict[str, Binding] = {}
    problems: list[str] = []
    for edge in definition.edges:
        if edge.when is None or isinstance(edge.when, Case):
            continue
        what = f"condition of edge {edge.id}"
        if not callable(edge.when):
            problems.append(f"{what}: when= wants a function of fields, not {edge.when!r}")
            continue
        conditions[edge.id], found = bind(edge.when, schema, definition.resources, what=what)
        problems += found
        if conditions[edge.id].is_async or conditions[edge.id].wants_context:
            problems.append(
                f"{what} must be a plain function of fields: do the work in a node, and look at its result"
            )
    return conditions, problems


def _edge_problems(definition: Definition, schema: StateSchema) -> Iterator[str]:
    places = {START.name, END.name, *definition.nodes}
    for edge in definition.edges:
        for place in (edge.source, edge.target):
            if place not in places:
                yield f"edge {edge.id}: node {place!r} belongs to another graph"
        if edge.target == START.name:
            yield f"edge {edge.id}: nothing leads to START; lead to the first node instead"
        if edge.source == END.name:
            yield f"edge {edge.id}: nothing leaves END; leave the node before it instead"
        if edge.error is not None and not (
            isinstance(edge.error, type) and issubclass(edge.error, Exception)
        ):
            yield f"edge {edge.id}: error= wants an exception class, not {edge.error!r}"
        if edge.error is not None and edge.source == START.name:
            yield f"edge {edge.id}: START does not fail"
        if edge.feedback and edge.when is None and edge.limit is None:
            yield f"feedback edge {edge.id} has neither a condition nor a limit: the loop would never end"
    yield from _switch_problems(definition, schema)


def _switch_problems(definition: Definition, schema: StateSchema) -> Iterator[str]:
    switches: dict[tuple[str, str], list[Case]] = {}
    for edge in definition.edges:
        if isinstance(edge.when, Case):
            switches.setdefault((edge.source, edge.when.field), []).append(edge.when)
    for (source, field), cases in switches.items():
        if field not in schema.fields:
            yield f"switch at {source!r}: {field!r} is no field of the state ({', '.join(schema.fields)})"
            continue
        spec = definition.nodes.get(source)
        possible = choices(_switched_type(spec, field, schema))
        if possible is None:
            continue
        named = [value for case in cases for value in case.values or ()]
        missing = [value for value in possible if value not in named]
        if missing and not any(case.values is None for case in cases):
            yield f"switch at {source!r} does not cover {_list(missing)} of {field!r}; add them or a default="
        if extra := [value for value in named if value not in possible]:
            yield f"switch at {source!r}: {field!r} is never {_list(extra)}"


def _list(values: Sequence[Any]) -> str:
    return ", ".join(map(repr, values))


def _switched_type(spec: NodeSpec | None, field: str, schema: StateSchema) -> Any:
    """The field's type, or what the node says it returns for it where that is narrower."""
    declared = schema.fields[field].annotation
    if spec is not None and spec.writes == field:
        binding, _ = bind(spec.function, schema, {}, what="")
        if binding.returns is not Signature.empty and choices(binding.returns) is not None:
            return binding.returns
    return declared


# --------------------------------------------------------------------------- the whole


def _loop_problems(definition: Definition, forest: LoopForest) -> Iterator[str]:
    for cycle in forest.cycles:
        told = " -> ".join((*cycle, cycle[0]))
        yield f"edges go round in a cycle: {told}; declare {cycle[-1]} -> {cycle[0]} with graph.feedback(...)"
    for edge in definition.edges:
        if edge.feedback and edge.id in forest.idle_feedback and not forest.cycles:
            yield (
                f"feedback edge {edge.id} closes no loop (no way leads from {edge.target!r} back to {edge.source!r} "
                f"within one round); declare it as an ordinary edge"
            )


def _reach_problems(definition: Definition) -> Iterator[str]:
    places = [START.name, *definition.nodes, END.name]
    forward: dict[str, set[str]] = {place: set() for place in places}
    backward: dict[str, set[str]] = {place: set() for place in places}
    for link in _links(definition):
        forward[link.source].add(link.target)
        backward[link.target].add(link.source)
    if not forward[START.name]:
        yield "nothing leads from START; add graph.edge(START, first_node)"
        return
    from_start = _reachable([START.name], forward)
    exits = [END.name, *(name for name, spec in definition.nodes.items() if spec.may_stop)]
    to_end = _reachable(exits, backward)
    for name in definition.nodes:
        if name not in from_start:
            yield f"node {name!r} cannot be reached from START; lead an edge to it or remove it"
        elif name not in to_end:
            yield f"END cannot be reached from node {name!r}; lead it on, or declare may_stop=True if the run may end there"
    if END.name not in from_start and len(exits) == 1:
        yield "END cannot be reached from START; add graph.edge(last_node, END)"


def _reachable(roots: Sequence[str], arcs: Mapping[str, set[str]]) -> set[str]:
    seen = set(roots)
    queue = list(roots)
    for place in queue:
        fresh = arcs[place] - seen
        seen |= fresh
        queue += fresh
    return seen


def _numbered(
    definition: Definition, plan: Plan, bindings: Mapping[str, Binding]
) -> tuple[tuple[CompiledNode, ...], tuple[EdgeSpec, ...]]:
    by_id = {edge.id: edge for edge in definition.edges}
    edges = tuple(by_id[edge.id] for edge in plan.edges)
    nodes = []
    for number, name in enumerate(plan.nodes):
        outgoing = plan.outgoing[number]
        ways = tuple(way for way in outgoing if edges[way].error is None and edges[way].instead_of is None)
        errors = [way for way in outgoing if edges[way].error is not None]
        errors.sort(key=lambda way: -len(edges[way].error.__mro__))  # type: ignore[union-attr]  # filtered above
        conditional = any(edges[way].when is not None for way in ways)
        spec = definition.nodes.get(name)
        nodes.append(CompiledNode(name, spec, bindings.get(name), ways, tuple(errors), conditional))
    return tuple(nodes), edges


def _flow(plan: Plan, nodes: Sequence[CompiledNode], edges: Sequence[EdgeSpec]) -> assignment.Flow:
    ways = [
        [
            assignment.Way(
                plan.edges[number].target,
                edges[number].unconditional and not edges[number].feedback,
                edges[number].feedback,
                edges[number].error is not None,
            )
            for number in plan.outgoing[node]
        ]
        for node in range(len(nodes))
    ]
    return assignment.Flow(
        plan=plan,
        start=plan.number[START.name],
        ways=ways,
        writes=[frozenset(node.spec.fields) if node.spec else frozenset() for node in nodes],
        may_stop=[node.spec is not None and node.spec.may_stop for node in nodes],
    )


def _reads(
    plan: Plan, nodes: Sequence[CompiledNode], edges: Sequence[EdgeSpec], conditions: Mapping[str, Binding]
) -> Iterator[assignment.Read]:
    for number, node in enumerate(nodes):
        for field in sorted(node.binding.reads) if node.binding else ():
            yield assignment.Read(number, False, field, f"node {node.name!r}")
    for edge in edges:
        source, what = plan.number[edge.source], f"the condition of edge {edge.id}"
        if isinstance(edge.when, Case):
            yield assignment.Read(source, True, edge.when.field, what)
        elif edge.id in conditions:
            for field in sorted(conditions[edge.id].reads):
                yield assignment.Read(source, True, field, what)


def _unset_problems(
    plan: Plan, flow: assignment.Flow, reads: Sequence[assignment.Read], fields: frozenset[str]
) -> list[str]:
    return [
        f"{read.what} reads {read.field!r}, which nobody has written on the way "
        f"{' -> '.join(plan.nodes[node] for node in way)}; write it there, or give the field a default"
        for read, way in assignment.unset_reads(flow, reads, fields)
    ]


def _warnings(schema: StateSchema, plan: Plan, flow: assignment.Flow) -> tuple[str, ...]:
    plain = frozenset(name for name, field in schema.fields.items() if field.reducer is None)
    return tuple(
        f"field {field!r} is written by {plan.nodes[one]!r} and {plan.nodes[other]!r}, which run concurrently and meet: "
        f"that will be a ConflictError; give the field a reducer or put an edge between them"
        for field, one, other in assignment.concurrent_writes(flow, plain)
    )


def _shape(definition: Definition, schema: StateSchema) -> bytes:
    nodes = {name: {"version": s.version, "writes": list(s.fields)} for name, s in definition.nodes.items()}
    edges = sorted(f"{edge.id}{' (feedback)' if edge.feedback else ''}" for edge in definition.edges)
    shape = {"nodes": nodes, "edges": edges, "fields": schema.describe()}
    return json.dumps(shape, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
