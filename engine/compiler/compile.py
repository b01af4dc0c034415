"""From a definition to what the executor runs: every check there is, all problems at once.

The checks go from the parts to the whole: names and signatures (`checks`), then what goes round and what can be
reached (`structure`), then what flows along the edges (`dataflow`). The last needs a legal graph: where there are
problems it looks at the graph as the messages say it should be (`mending`), so that nothing has to wait for the next
attempt, and nothing is told that will be gone with another problem.
"""

from __future__ import annotations

import gc
import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ..definition import END, START, Definition, EdgeSpec, NodeSpec
from ..errors import GraphError
from ..loops import with_regions
from ..plan import Plan
from ..rules import Rules
from ..state.fields import StateSchema
from . import checks
from .binding import Binding
from .dataflow import conflict_warnings, meant_reads, reads_of, traffic_of, unset_problems
from .flat import Flat, flat
from .joining import cancelling_links, join_problems, regions_of, rules_of
from .mending import Mending
from .structure import examine

__all__ = ["BackedgeWarning", "CompiledGraph", "CompiledNode", "compile_graph"]


_LARGE = 5_000  # edges


class BackedgeWarning(UserWarning):
    """Something in a graph that will work but is likely not meant."""


class CompiledNode(NamedTuple):
    """A node with its parameters accounted for. START and END have neither spec nor binding.

    Attributes:
        name: The node's name.
        spec: What was declared.
        binding: Where its arguments come from.
        ways: Numbers of the edges to consider when it finished, those of error edges and limits left out.
        error_ways: Numbers of its error edges: those that stay in its graph before those that leave it, and the most
            special exception types first.
        always: The edges it takes whenever it finishes; None where conditions or limits have a say.
    """

    name: str
    spec: NodeSpec | None
    binding: Binding | None
    ways: tuple[int, ...]
    error_ways: tuple[int, ...]
    always: tuple[int, ...] | None


class CompiledGraph(NamedTuple):
    """A graph that passed every check.

    Attributes:
        definition: Nodes and edges, subgraphs and maps put in their places.
        declared: What was declared.
        schema: The state's fields.
        plan: Order and progress relation.
        rules: How nodes join, where maps fan out, what cancels what.
        nodes: By the plan's numbers.
        edges: What was declared, by the plan's numbers.
        conditions: The bound condition of an edge, by the plan's numbers; None for edges without one.
        limits: Limits of feedback edges, by number.
        otherwise: Feedback edge to the edge taken at its limit, by number.
        inputs: The fields a run must be given.
        warnings: What will work but is likely not meant.
        shape: What the digest covers, as JSON.
        digest: Identifies nodes, versions, edges, field types and reducers.
        holds: For entries of subgraphs that hold slots all nodes of theirs.
    """

    definition: Definition
    declared: Definition
    schema: StateSchema
    plan: Plan
    rules: Rules
    nodes: tuple[CompiledNode, ...]
    edges: tuple[EdgeSpec, ...]
    conditions: tuple[Binding | None, ...]
    limits: Mapping[int, int | None]
    otherwise: Mapping[int, int]
    inputs: tuple[str, ...]
    warnings: tuple[str, ...]
    shape: bytes
    digest: str
    holds: Mapping[int, frozenset[int]]

    @property
    def start(self) -> int:
        """Number of START."""
        return self.plan.number[START.name]

    @property
    def end(self) -> int:
        """Number of END."""
        return self.plan.number[END.name]


def compile_graph(declared: Definition) -> CompiledGraph:
    """Check a definition and prepare it for running.

    Raises:
        GraphError: With every problem found.
    """
    with _no_collections(len(declared.edges) > _LARGE):
        return _compiled(declared)


@contextmanager
def _no_collections(wanted: bool) -> Iterator[None]:
    """Look for no cyclic garbage meanwhile: what a large graph is made of stays, and is much to look through."""
    wanted = wanted and gc.isenabled()
    if wanted:
        gc.disable()
    try:
        yield
    finally:
        if wanted:
            gc.enable()


def _compiled(declared: Definition) -> CompiledGraph:
    whole = flat(declared)
    definition, schema = whole.definition, whole.schema
    bindings, binding_problems = checks.bind_all(definition, whole.scopes, whole.bindings)
    structure = examine(definition)
    problems = [
        *definition.problems,
        *_schema_problems(whole),
        *whole.problems,
        *checks.resource_problems(definition, schema),
        *checks.slot_problems(definition),
        *binding_problems,
        *checks.edge_problems(definition),
        *checks.switch_problems(definition, bindings, schema),
        *structure.problems,
    ]
    if structure.links is None or structure.forest is None:
        raise GraphError(problems)
    forest = with_regions(structure.forest, regions_of(whole, structure.links, structure.forest))
    plan = Plan(structure.links, forest, cancelling_links(definition))
    problems += join_problems(whole, plan)
    traffic = traffic_of(whole, plan, bindings, sound=not problems)
    reads = list(reads_of(plan, bindings, definition.edges))
    required = [name for name, field in schema.fields.items() if not field.has_default]
    own = [name for name in required if name in schema.model.model_fields]
    mending = Mending(plan, structure.ends)
    meant = meant_reads(plan, bindings, definition.edges)
    inputs = mending.inputs(traffic, [*reads, *meant], own)
    fields = frozenset(required) - set(inputs) - _given(whole)
    mend = mending if structure.ends else None
    problems += unset_problems(traffic, mending.reached(reads), fields, mend)
    if problems:
        raise GraphError(problems)
    told = (
        *conflict_warnings(traffic, schema),
        *checks.unresolved_warnings(definition, bindings, whole.scopes, whole.bindings),
    )
    return _assembled(whole, declared, plan, bindings, inputs, _warned(told))


def inputs_of_graph(definition: Definition, *, without: Sequence[object] = ()) -> tuple[str, ...]:
    """The fields that a graph must be given. The graphs it is `without` are left out of account."""
    whole = flat(definition, without=without)
    bindings, _ = checks.bind_all(whole.definition, whole.scopes, whole.bindings)
    structure = examine(whole.definition)
    if structure.links is None or structure.forest is None:
        return ()
    plan = Plan(structure.links, structure.forest)
    reads = [*reads_of(plan, bindings, whole.definition.edges)]
    own = [name for name, field in whole.schema.fields.items() if not field.has_default]
    required = [name for name in own if name in whole.schema.model.model_fields]
    return Mending(plan, structure.ends).inputs(traffic_of(whole, plan, bindings), reads, required)


def _schema_problems(flat: Flat) -> list[str]:
    """What is wrong with the states, those of subgraphs included, each once."""
    return list(dict.fromkeys(problem for scope in flat.scopes.values() for problem in scope.schema.problems))


def _given(flat: Flat) -> frozenset[str]:
    """Fields that are there whenever somebody reads them, though no node is seen to write them."""
    return frozenset(fan.item for fan in flat.extras.fans.values()) | flat.extras.missing


def _warned(told: tuple[str, ...]) -> tuple[str, ...]:
    for text in told:
        warnings.warn(text, BackedgeWarning, stacklevel=5)  # where `Graph.compile` was called
    return told


def _assembled(
    flat: Flat,
    declared: Definition,
    plan: Plan,
    bindings: checks.Bindings,
    inputs: tuple[str, ...],
    told: tuple[str, ...],
) -> CompiledGraph:
    definition, schema = flat.definition, flat.schema
    by_id = {edge.id: edge for edge in definition.edges}
    edges = tuple(by_id[edge.id] for edge in plan.edges)
    shape = _shape(definition, schema)
    return CompiledGraph(
        definition=definition,
        declared=declared,
        schema=schema,
        plan=plan,
        rules=rules_of(flat, plan),
        nodes=tuple(_node(number, definition, plan, edges, bindings) for number in range(len(plan.nodes))),
        edges=edges,
        conditions=tuple(bindings.conditions.get(edge.id) for edge in edges),
        limits={number: edge.limit for number, edge in enumerate(edges) if edge.feedback},
        otherwise={
            plan.edge_number[edge.instead_of]: number
            for number, edge in enumerate(edges)
            if edge.instead_of is not None
        },
        inputs=inputs,
        warnings=told,
        shape=shape,
        digest=hashlib.sha256(shape).hexdigest()[:32],
        holds={
            plan.number[entry]: frozenset(plan.number[name] for name in nodes)
            for entry, nodes in flat.extras.holds.items()
        },
    )


def _node(
    number: int, definition: Definition, plan: Plan, edges: tuple[EdgeSpec, ...], bindings: checks.Bindings
) -> CompiledNode:
    name, ways, errors = plan.nodes[number], [], []
    for way in (*plan.outgoing[number], *plan.cancelling[number]):
        kind = edges[way].error
        if kind is not None:
            errors.append((edges[way].outward, -len(kind.__mro__), way))
        elif edges[way].instead_of is None:
            ways.append(way)
    free = bool(ways) and all(edges[way].when is None and not edges[way].feedback for way in ways)
    return CompiledNode(
        name=name,
        spec=definition.nodes.get(name),
        binding=bindings.nodes.get(name),
        ways=tuple(ways),
        error_ways=tuple(way for _, _, way in sorted(errors)),
        always=tuple(ways) if free else None,
    )


def _shape(definition: Definition, schema: StateSchema) -> bytes:
    nodes = {name: {"version": s.version, "writes": sorted(s.fields)} for name, s in definition.nodes.items()}
    edges = sorted(f"{edge.id}{' (feedback)' if edge.feedback else ''}" for edge in definition.edges)
    shape = {"nodes": nodes, "edges": edges, "fields": schema.describe()}
    return json.dumps(shape, sort_keys=True, separators=(",", ":")).encode()
