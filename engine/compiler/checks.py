"""What can be wrong with a single node, edge or switch: generators of sentences, each with what to do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from inspect import Signature, signature
from typing import Any, NamedTuple

from ..context import BlockingContext
from ..definition import END, START, Case, Chosen, Definition, EdgeSpec, NodeSpec
from ..shares import Share, share_problems
from ..shown import listed, shown
from ..state.fields import StateSchema
from .binding import Argument, Binding, Source, bind
from .goto import goto_names
from .returned import return_problems
from .scope import Scope
from .signatures import is_generator, is_silent, read_signature
from .typerelation import Relation, choices, relation, spell


class Bindings(NamedTuple):
    """Every function of a graph with its parameters accounted for: of nodes by name, of conditions by edge id."""

    nodes: Mapping[str, Binding]
    conditions: Mapping[str, Binding]


def bind_all(
    definition: Definition, scopes: Mapping[str, Scope], made: Mapping[str, Binding]
) -> tuple[Bindings, list[str]]:
    """Bind nodes and conditions; what is wrong with them comes along.

    Args:
        definition: A graph of plain nodes.
        scopes: Where parameters are found, by the scopes that nodes and edges name.
        made: Of nodes that nobody declared.
    """
    nodes: dict[str, Binding] = {}
    conditions: dict[str, Binding] = {}
    problems: list[str] = []
    incoming: dict[str, list[EdgeSpec]] = {}
    edges_from: dict[str, list[EdgeSpec]] = {}
    for edge in definition.edges:
        edges_from.setdefault(edge.source, []).append(edge)
        if not edge.cancels:
            incoming.setdefault(edge.target, []).append(edge)
    for name, declared in definition.nodes.items():
        if name in made:
            nodes[name] = made[name]
            continue
        what, scope, spec = f"node {name!r}", scopes[declared.scope], local(declared, scopes)
        edges = incoming.get(name, [])
        handles = [edge.error for edge in edges if edge.error is not None]
        bound, found = bind(spec.function, scope, what=what, handles=handles)
        problems += found
        if spec.goto:
            problems += _goto_problems(what, spec, edges_from.get(name, []), scope)
            bound, spec = replace(bound, returns=Signature.empty), spec._replace(goto="")
        problems += _node_problems(what, spec, bound, scope.schema)
        problems += _handler_problems(what, bound, edges)
        nodes[name] = bound.within(scope)
    for edge in definition.edges:
        when: Any = edge.when
        if when is None or isinstance(when, Case | Chosen):
            continue
        scope = scopes[edge.scope]
        what = f"the condition of edge {edge.id}"
        if not callable(when):
            problems.append(f"{what}: when= wants a function of fields, not {shown(when)}")
            continue
        bound, found = bind(when, scope, what=what)
        problems += found
        problems += _condition_problems(what, bound)
        conditions[edge.id] = bound.within(scope)
    return Bindings(nodes, conditions), problems


def local(spec: NodeSpec, scopes: Mapping[str, Scope]) -> NodeSpec:
    """The node as it was declared, with the names that its own graph has for fields."""
    scope = scopes[spec.scope]
    if not scope.prefix:
        return spec
    writes = (
        scope.local(spec.writes) if isinstance(spec.writes, str) else tuple(map(scope.local, spec.writes))
    )
    return spec._replace(writes=writes, goto=scope.local(spec.goto))


def unresolved_warnings(
    definition: Definition, bindings: Bindings, scopes: Mapping[str, Scope], made: Mapping[str, Binding]
) -> Iterator[str]:
    """Annotations of nodes that name nothing, as a slip of the pen does: what they say is not checked."""
    for name, spec in definition.nodes.items():
        if name in made:
            continue
        scope = scopes[spec.scope]
        binding = bindings.nodes[name]
        told = [binding.returns, *(argument.annotation for argument in binding.arguments)]
        if all(each is not Signature.empty for each in told) or is_silent(spec.function):
            continue  # all there are were understood, so they need not be read again
        for parameter, text in read_signature(spec.function, scope.types).unresolved.items():
            where = "what it returns" if parameter == "return" else f"parameter {parameter!r}"
            yield (
                f"node {name!r}: the annotation {text} of {where} cannot be resolved when the graph is compiled, so "
                f"nothing is checked against it; mend it, or import it outside of TYPE_CHECKING"
            )


# --------------------------------------------------------------------------- nodes


_OPTIONS = slice(NodeSpec._fields.index("inline"), NodeSpec._fields.index("composite"))
_USUAL = tuple(NodeSpec("", repr))[_OPTIONS]  # most nodes have no options, and nothing is wrong with none


def _node_problems(what: str, spec: NodeSpec, binding: Binding, schema: StateSchema) -> Iterator[str]:
    known = schema.names
    for name in spec.fields:
        if name not in known:
            yield f"{what} writes {name!r}, which is no field of the state ({', '.join(known) or 'it has none'})"
    if len(set(spec.fields)) < len(spec.fields):
        yield f"{what} names a field twice in writes=; name each once"
    yield from return_problems(what, spec, binding, schema)
    if is_generator(spec.function):
        yield f"{what} is a generator; collect what it yields in a list and return that"
    if any(given is not usual for given, usual in zip(tuple(spec)[_OPTIONS], _USUAL, strict=True)):
        yield from _option_problems(what, spec)
        yield from _join_problems(what, spec)
    if spec.inline is True and binding.is_async:
        yield f"{what}: inline=True is for plain functions; an async def runs on the event loop anyway"
    blocking = next((a for a in binding.arguments if a.annotation is BlockingContext), None)
    if blocking is not None and (binding.is_async or spec.inline):
        kind = "an async def node" if binding.is_async else "an inline node, which has no effects,"
        yield f"{what}: parameter {blocking.parameter!r} is a BlockingContext; {kind} takes a Context"
    if spec.inline is True and spec.timeout is not None:
        yield f"{what}: an inline function cannot be timed out; drop inline=True or timeout="


def _option_problems(what: str, spec: NodeSpec) -> Iterator[str]:
    if spec.timeout is not None and not _is_number(spec.timeout, above=0):
        yield f"{what}: timeout= wants a number of seconds above 0, not {shown(spec.timeout)}"
    if spec.concurrency is not None and not _is_whole(spec.concurrency, least=1):
        yield f"{what}: concurrency= wants a whole number from 1, not {shown(spec.concurrency)}"
    if spec.retry is not None and not _is_retrying(spec.retry):
        yield f"{what}: retry= wants a tenacity object such as AsyncRetrying(...), not {shown(spec.retry)}"
    elif spec.retry is not None and _sleeps_itself(spec.retry):
        yield f"{what}: retry= has a sleep= of its own, which would not be called; drop it, and say how long with wait="
    typed: list[tuple[str, Any, type, str]] = [
        ("version", spec.version, str, "a text"),
        ("inline", spec.inline, bool, "True or False"),
        ("may_stop", spec.may_stop, bool, "True or False"),
    ]
    for option, value, kind, wanted in typed:
        if not isinstance(value, kind):
            yield f"{what}: {option}= wants {wanted}, not {shown(value)}"


def _join_problems(what: str, spec: NodeSpec) -> Iterator[str]:
    join: Any = spec.join
    if isinstance(join, str) and join not in ("all", "each", "first"):
        yield f'{what}: join= wants "all", "each", "first" or how many are enough, not {shown(join)}'
    elif join is not None and not isinstance(join, str) and not _is_whole(join, least=1):
        yield f"{what}: join= wants how many arrivals are enough, a whole number from 1, not {shown(join)}"
    if spec.rest not in ("drop", "cancel", "wait"):
        yield f'{what}: rest= wants "drop", "cancel" or "wait", not {shown(spec.rest)}'
    elif spec.rest != "drop" and join in (None, "all", "each"):
        yield f'{what}: rest={spec.rest!r} says what comes too late, and nothing does; add join="first" or how many, or drop rest='


def _handler_problems(what: str, binding: Binding, incoming: Sequence[EdgeSpec]) -> Iterator[str]:
    """Parameters for errors that would find none: each way to the node must bring one, or there is a default."""
    for argument in binding.arguments:
        if argument.source is not Source.ERROR:
            continue
        bare = [edge for edge in incoming if not _brings(edge, argument)]
        if bare and argument.needed:
            yield (
                f"{what}: parameter {argument.parameter!r} wants {spell(argument.annotation)}, which edge {bare[0].id} "
                f"does not bring; give it a default: {argument.parameter}: {spell(argument.annotation)} | None = None"
            )


def _brings(edge: EdgeSpec, argument: Argument) -> bool:
    return edge.error is not None and issubclass(edge.error, argument.errors)


def _goto_problems(what: str, spec: NodeSpec, edges: Sequence[EdgeSpec], scope: Scope) -> Iterator[str]:
    """Names that lead nowhere, and edges that are never named."""
    names = goto_names(spec.function, scope.types) or ()
    targets = [
        edge.when.target
        for edge in edges
        if isinstance(edge.when, Chosen) and scope.local(edge.when.field) == spec.goto
    ]
    if not names:
        yield f'{what} returns a bare Goto; say which targets there are, as in Goto[Literal["search", "END"]]'
        return
    if lost := [name for name in names if name not in targets]:
        yield f"{what} may go to {listed(lost)}, but no edge of it leads there; add graph.edge({spec.name}, ...)"
    if idle := [name for name in targets if name not in names]:
        yield f"{what} never goes to {listed(idle)}, which an edge of it leads to; add it to Goto[Literal[...]], or drop the edge"


# --------------------------------------------------------------------------- edges


def _condition_problems(what: str, binding: Binding) -> Iterator[str]:
    if binding.is_async or binding.wants_context or is_generator(binding.function):
        yield f"{what} must be a plain function of fields: do the work in a node, and look at its result"
    elif binding.returns is not Signature.empty and relation(binding.returns, bool) is Relation.DISJOINT:
        yield f"{what} returns {spell(binding.returns)}; a condition returns True or False"


def edge_problems(definition: Definition) -> Iterator[str]:
    """What is wrong with single edges, conditions left out."""
    ways: dict[str, list[str]] = {}
    for edge in definition.edges:
        if edge.instead_of is not None:
            ways.setdefault(edge.instead_of, []).append(edge.target)
    for edge in definition.edges:
        if edge.target == START.name:
            yield f"edge {edge.id}: nothing leads to START; lead to the first node instead"
        if edge.source == END.name:
            yield f"edge {edge.id}: nothing leaves END; leave the node before it instead"
        if edge.cancels and edge.target in (START.name, END.name):
            yield f'edge {edge.id}: only nodes can be cancelled; to end the run at the first END, say Graph(..., end="first")'
            continue
        if edge.source == START.name and edge.error is not None:
            yield f"edge {edge.id}: START does not fail; lead the errors of a node on instead"
        if len(targets := ways.get(edge.id, ())) > 1:
            yield f"feedback edge {edge.id} leads to {listed(targets)} at its limit; name one of them with otherwise="
        label: Any = edge.label
        if not isinstance(label, str):
            yield f"edge {edge.id}: label= wants a text, not {shown(label)}"
        if edge.feedback and edge.limit is not None and not _is_whole(edge.limit, least=0):
            yield f"feedback edge {edge.id}: limit= wants a whole number from 0 or None, not {shown(edge.limit)}"
        if edge.feedback and edge.when is None and edge.limit is None:
            yield (
                f"feedback edge {edge.id} has neither a condition nor a limit: the loop would never end; "
                f"give it when= or limit="
            )


def slot_problems(definition: Definition) -> Iterator[str]:
    """Slots that no node uses, or of which there are not so many."""
    uses = {name: spec.uses for name, spec in definition.nodes.items()}
    pools = {share.of for share in definition.slots.values() if isinstance(share, Share)}
    used = {"threads", *pools}.union(*uses.values())
    yield from share_problems(definition.slots, uses)
    for name, count in definition.slots.items():
        if name not in used:
            yield f"slots= names {shown(name)}, which no node uses; add uses= to a node, or drop it"
        if not isinstance(count, Share) and not _is_whole(count, least=1):
            yield f"slots=: of {shown(name)} there must be a whole number from 1, not {shown(count)}"


def resource_problems(definition: Definition, schema: StateSchema) -> Iterator[str]:
    """Names of resources that no parameter could have, or that a field has as well."""
    for name in definition.resources:
        if not (isinstance(name, str) and name.isidentifier()):
            yield f"resource {shown(name)}: no parameter can be called so; choose another name"
        elif name in schema.names:
            yield f"resource {name!r} is called like a field of the state; rename one of them"


# --------------------------------------------------------------------------- switches


class Switch(NamedTuple):
    """The edges of one switch: where it stands, what it looks at, its cases."""

    source: str
    field: str
    edges: tuple[EdgeSpec, ...]

    @property
    def has_default(self) -> bool:
        """Whether one of them takes all other values."""
        return any(isinstance(edge.when, Case) and edge.when.values is None for edge in self.edges)

    @property
    def values(self) -> list[Any]:
        """The values that cases name, those left to a default's target included."""
        cases = [edge.when for edge in self.edges if isinstance(edge.when, Case)]
        return [value for case in cases for value in case.values or ()]


def switches_of(edges: Iterable[EdgeSpec]) -> list[Switch]:
    """The switches that these edges make."""
    found: dict[tuple[str, str], list[EdgeSpec]] = {}
    for edge in edges:
        if isinstance(edge.when, Case):
            found.setdefault((edge.source, edge.when.field), []).append(edge)
    return [Switch(source, field, tuple(its)) for (source, field), its in found.items()]


def is_exhaustive(switch: Switch, binding: Binding | None, schema: StateSchema, writes: object) -> bool:
    """Whether one of its edges is taken whatever the field holds, when the problems it may have are mended."""
    known = switch.field not in schema.fields or _possible(switch.field, binding, schema, writes) is not None
    return switch.has_default or known


def switch_problems(definition: Definition, bindings: Bindings, schema: StateSchema) -> Iterator[str]:
    """Switches that do not cover their field, or look for what it never holds."""
    for switch in switches_of(definition.edges):
        what, field = f"switch at {switch.source!r}", switch.field
        if field not in schema.names:
            known = ", ".join(schema.names) or "it has none"
            yield f"{what}: {shown(field)} is no field of the state ({known}); say on= which one is meant"
            continue
        spec = definition.nodes.get(switch.source)
        writes = spec.writes if spec is not None else ()
        possible = _possible(field, bindings.nodes.get(switch.source), schema, writes)
        if possible is None:
            continue
        missing = [value for value in possible if value not in switch.values]
        if missing and not switch.has_default:
            yield f"{what} does not cover {listed(missing)} of {field!r}; add cases for them, or a default="
        if extra := [value for value in switch.values if value not in possible]:
            yield f"{what}: {field!r} is never {listed(extra)}; it is one of {listed(possible)}"


def _possible(
    field: str, binding: Binding | None, schema: StateSchema, writes: object
) -> tuple[Any, ...] | None:
    """The values that a switch may see, where they are few: the field's, or those its node says it returns."""
    if field not in schema.fields:
        return None
    declared = schema.fields[field]
    if binding is not None and writes == field and declared.reducer is None:
        returned = None if binding.returns is Signature.empty else choices(binding.returns)
        if returned is not None and relation(declared.annotation, binding.returns) is Relation.FITS:
            return returned
    return choices(declared.annotation)


def _is_retrying(value: object) -> bool:
    from tenacity import BaseRetrying  # loaded only where somebody uses it

    return isinstance(value, BaseRetrying)


def _sleeps_itself(retry: Any) -> bool:
    """Whether it was told how to sleep. Between attempts the run waits, so that it can be stopped meanwhile."""
    defaults = [signature(kind).parameters.get("sleep") for kind in type(retry).__mro__[:-1]]
    return all(default is None or retry.sleep is not default.default for default in defaults)


def _is_number(value: object, *, above: float) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value > above
    )


def _is_whole(value: object, *, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
