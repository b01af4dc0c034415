"""Subgraphs and maps, put in their places: a graph with nothing but plain nodes comes out.

So the schedule, the journal and all that looks at a graph know one kind of node, and whatever holds for a node holds for
one of a subgraph: it is journaled, resumed, cancelled, forked and drawn like any other.

A **subgraph** ``build`` becomes its own nodes, ``build/coder`` and so on, between an entry ``build`` that hands fields in
and an end ``build/END`` that hands fields out. Its fields are fields of the whole state by the names ``build/code`` …, which
begin anew at each entry.

A **map** ``worker`` becomes a node ``worker/MAP`` that finds the items, the body ``worker`` that runs once for each, and
``worker/JOIN`` where the instances meet. Each instance finds its item in ``worker[item]`` and adds its result to ``worker[]``.

A node that says with `Goto` where to go on writes that to ``router[goto]``, which its edges look at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import JsonValue

from ..definition import END, START, Case, Chosen, Definition, EdgeSpec, MapOver, NodeSpec, Subgraph
from ..loops import Region
from ..shares import Share
from ..shown import listed, shown
from ..state.fields import Field, StateSchema, schema_of
from .binding import Argument, Binding, Source
from .elements import element_of, hidden_fields, parameter_annotation, returned_annotation
from .flat import Cancelling, Extras, Fanning, Flat
from .goto import goto_names
from .scope import Scope
from .synthetic import carry, item_error, nothing, same, too_deep
from .typerelation import Relation, relation, spell

_MOST = 100_000  # nodes that subgraphs may be unfolded to


def flatten(definition: Definition, *, without: Sequence[object] = ()) -> Flat:
    """Put subgraphs and maps in their places, `without` these graphs, of which only what they write counts."""
    flattener = _Flattener(definition, without)
    flattener.graph(definition, "", START.name, END.name, ())
    return flattener.flat()


class _Ends(NamedTuple):
    """Where a declared node begins and ends, and all nodes it became."""

    entry: str
    exit: str
    members: tuple[str, ...]
    inside: tuple[str, ...] = ()  # of a map, those of its instances


class _Level(NamedTuple):
    """One graph that is being put in its place."""

    definition: Definition
    prefix: str
    entry: str
    exit: str
    above: tuple[tuple[object, str], ...]


@dataclass
class _Flattener:
    whole: Definition
    without: Sequence[object]
    nodes: dict[str, NodeSpec] = field(default_factory=dict)
    edges: list[EdgeSpec] = field(default_factory=list)
    scopes: dict[str, Scope] = field(default_factory=dict)
    bindings: dict[str, Binding] = field(default_factory=dict)
    extras: Extras = field(default_factory=Extras)
    hidden: dict[str, Field] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    resources: dict[str, Any] = field(default_factory=dict)
    slots: dict[str, tuple[int | Share, str]] = field(default_factory=dict)
    schemas: dict[Any, StateSchema] = field(default_factory=dict)

    def flat(self) -> Flat:
        """What came of it."""
        schema = self.schemas[self.whole.state]
        views = {view: self.scopes[view].schema for view in self.extras.views.values()}
        if self.hidden or views:
            schema = schema.extended(self.hidden, views)
        definition = self.whole
        if len(self.nodes) != len(self.whole.nodes) or self.hidden or self.extras.cancels:
            definition = self.whole._replace(
                nodes=self.nodes,
                edges=tuple(self.edges),
                resources=self.resources,
                slots={name: slot for name, (slot, _) in self.slots.items()},
            )
        return Flat(definition, schema, self.scopes, self.bindings, self.extras, tuple(self.problems))

    # ------------------------------------------------------------------ graphs

    def graph(
        self,
        definition: Definition,
        prefix: str,
        entry: str,
        end: str,
        above: tuple[tuple[object, str], ...],
    ) -> None:
        """Put all nodes and edges of a graph in their places."""
        level = _Level(definition, prefix, entry, end, above)
        self._resources(definition, prefix)
        self._slots(definition, prefix)
        if prefix not in self.scopes:
            self.scopes[prefix] = Scope(self._schema(definition.state), definition.resources, prefix)
        ends = {START.name: _Ends(entry, entry, (entry,)), END.name: _Ends(end, end, (end,))}
        for name, spec in definition.nodes.items():
            if len(self.nodes) > _MOST:
                self.problems.append(
                    f"the subgraphs come to more than {_MOST} nodes; give those that are in themselves a smaller limit="
                )
                return
            ends[name] = self._node(spec, level)
        known: dict[str, str] = {}
        for edge in sorted(definition.edges, key=lambda edge: edge.instead_of is not None):
            self._edge(edge, level, ends, known)

    def _schema(self, state: Any) -> StateSchema:
        if state not in self.schemas:
            self.schemas[state] = schema_of(state)
        return self.schemas[state]

    def _resources(self, definition: Definition, prefix: str) -> None:
        for name, kind in definition.resources.items():
            known = self.resources.setdefault(name, kind)
            if known is not kind and shown(known) != shown(kind):
                self.problems.append(
                    f"subgraph {prefix.rstrip('/')!r} wants the resource {name!r} to be {shown(kind)}, but around it it "
                    f"is {shown(self.resources[name])}; rename one of them"
                )

    def _slots(self, definition: Definition, prefix: str) -> None:
        """The slots of a subgraph are the whole graph's too; how many there are the graphs around it may say."""
        for name, slot in definition.slots.items():
            known, where = self.slots.setdefault(name, (slot, prefix))
            if known != slot and not prefix.startswith(where):
                self.problems.append(
                    f"slots=: subgraphs {where.rstrip('/')!r} and {prefix.rstrip('/')!r} differ in how many there are of "
                    f"{name!r}; say so in the graph around them, or rename one"
                )

    def _node(self, spec: NodeSpec, level: _Level) -> _Ends:
        full = level.prefix + spec.name
        if isinstance(spec.composite, Subgraph):
            return self._subgraph(spec, spec.composite, level)
        if isinstance(spec.composite, MapOver):
            return self._map(spec, spec.composite, level)
        goto = ""
        if goto_names(spec.function) is not None:
            goto = f"{full}[goto]"
            self._hide(full, {"goto": (list[str], ...)})
        elif not level.prefix:
            self.nodes[full] = spec
            return _Ends(full, full, (full,))
        writes = (
            level.prefix + spec.writes
            if isinstance(spec.writes, str)
            else tuple(level.prefix + name for name in spec.writes)
        )
        self.nodes[full] = spec._replace(
            name=full, writes=writes, prefix=level.prefix, scope=level.prefix, goto=goto
        )
        return _Ends(full, full, (full,))

    # ------------------------------------------------------------------ edges

    def _edge(self, edge: EdgeSpec, level: _Level, ends: Mapping[str, _Ends], known: dict[str, str]) -> None:
        """One declared edge; several where it carries on errors of what is more than one node."""
        nobody = _Ends(edge.source, edge.source, ()), _Ends(edge.target, edge.target, ())
        source, target = ends.get(edge.source, nobody[0]), ends.get(edge.target, nobody[1])
        when = edge.when
        if isinstance(when, Case):
            when = Case(level.prefix + when.field, when.values, when.others)
        goto = self.nodes[source.exit].goto if source.exit in self.nodes else ""
        if goto and edge.error is None and edge.instead_of is None and not edge.cancels:
            if when is not None:
                self.problems.append(
                    f"edge {edge.id}: its source says with Goto where to go on, so the edge has no condition; drop when="
                )
            when = Chosen(goto, edge.target)
        made = edge._replace(
            source=source.exit,
            target=target.entry,
            when=when,
            scope=level.prefix,
            instead_of=None if edge.instead_of is None else known.get(edge.instead_of, edge.instead_of),
        )
        alias = edge._replace(
            source=_named(edge.source, level), target=_named(edge.target, level), instead_of=made.instead_of
        ).id
        if edge.error is not None and len(source.members) > 1:
            self._carry_out(made, source, level.prefix + edge.source, alias)
            return
        if alias != made.id:
            made = made._replace(alias=alias)
        known[edge.id] = made.id
        self.edges.append(made)
        if edge.cancels:
            cancelled = target.inside if edge.keeps and target.inside else target.members
            self.extras.cancels[made.id] = Cancelling(frozenset(cancelled), target.entry)

    def _carry_out(self, edge: EdgeSpec, source: _Ends, stops: str, alias: str) -> None:
        """An error of any node of a subgraph or map leaves it, and the rest of it is cancelled."""
        for member in source.members:
            if member in self.bindings:
                continue  # nothing of its own that could fail
            out = edge._replace(source=member, stops=stops, outward=edge.outward + 1)
            out = out._replace(alias="" if out.id.startswith(member) else f"{member}!{alias}")
            self.edges.append(out)
            self.extras.cancels[out.id] = Cancelling(frozenset(source.members), source.entry)

    # ------------------------------------------------------------------ subgraphs

    def _subgraph(self, spec: NodeSpec, own: Subgraph, level: _Level) -> _Ends:
        full, what = level.prefix + spec.name, f"subgraph {spec.name!r}"
        here = (own.graph, spec.name)
        depth = sum(own.graph is graph for graph, _ in level.above)
        left_out = any(own.graph is graph for graph in self.without)
        within = own.graph is level.definition.origin or any(own.graph is graph for graph, _ in level.above)
        writes = self._handed_out(what, own, level)
        if within and own.limit is None and not left_out:
            self.problems.append(f"{what} is in itself, without a bound; say with limit= how deep it may go")
        if left_out or (within and (own.limit is None or depth >= own.limit)):
            self.nodes[full] = NodeSpec(
                full, too_deep, tuple(writes), inline=True, prefix=level.prefix, scope=level.prefix
            )
            self.bindings[full] = Binding(too_deep, ())
            return _Ends(full, full, (full,))
        reads = self._handed_in(what, own.graph, own.reads, level)
        return self._nested(spec, own.graph, reads, writes, level, (*level.above, here))

    def _nested(
        self,
        spec: NodeSpec,
        graph: Any,
        reads: Mapping[str, str],
        writes: Mapping[str, str],
        level: _Level,
        above: tuple[tuple[object, str], ...],
    ) -> _Ends:
        """A graph between its entry and its end. `reads`: own field to full name; `writes`: full name to own field."""
        full = level.prefix + spec.name
        prefix, end = f"{full}/", f"{full}/END"
        before = len(self.nodes)
        entry = spec._replace(
            name=full,
            function=carry,
            writes=tuple(prefix + name for name in reads),
            inline=True,
            composite=None,
            prefix=prefix,
            scope=level.prefix,
        )
        self._made(entry, reads)
        self.extras.views[full] = prefix
        self.graph(graph.definition, prefix, full, end, above)
        leaving = NodeSpec(end, carry, tuple(writes), inline=True, scope=level.prefix)
        if graph.definition.end == "first":
            leaving = leaving._replace(join="first", rest="cancel")
        self._made(leaving, {outer: prefix + name for outer, name in writes.items()})
        members = tuple(list(self.nodes)[before:])
        if spec.uses or spec.concurrency is not None:
            self.extras.holds[full] = members
        return _Ends(full, end, members)

    def _made(self, spec: NodeSpec, reads: Mapping[str, str]) -> None:
        """A node that nobody declared, which is given these fields: parameter to full name."""
        arguments = tuple(Argument(name, Source.FIELD, outer) for name, outer in reads.items())
        self.nodes[spec.name] = spec
        self.bindings[spec.name] = Binding(spec.function, arguments)

    def _handed_in(
        self, what: str, graph: Any, given: Mapping[str, str] | None, level: _Level, item: str = ""
    ) -> dict[str, str]:
        """For fields of a subgraph the full names of those around it that they are given."""
        inner, outer = self._schema(graph.definition.state), self.scopes[level.prefix].schema
        reads: dict[str, str] = {}
        for name, around in {
            **{name: name for name in self._inputs(graph, level)},
            **(given or {}),
        }.items():
            if name == item:
                continue
            if name not in inner.names:
                self.problems.append(f"{what}: reads= names {name!r}, which is no field of its state")
            elif around not in outer.names:
                told = f"reads={{{name!r}: ...}}"
                self.problems.append(
                    f"{what} needs its field {name!r}, but there is no {around!r} around it; say which it is given with {told}"
                )
                self.extras.missing.add(f"{level.prefix}{what.split(chr(39))[1]}/{name}")
            else:
                reads[name] = level.prefix + around
                self._fit(what, outer.fields.get(around), inner.fields.get(name), f"is given {around!r}")
        return reads

    def _handed_out(self, what: str, own: Subgraph, level: _Level) -> dict[str, str]:
        """For the full names of fields around a subgraph the fields of it that are written there."""
        definition = own.graph.definition
        inner, outer = self._schema(definition.state), self.scopes[level.prefix].schema
        pairs = own.writes
        if pairs is None:
            pairs = {name: name for name in _written(definition) if name in outer.names}
        writes: dict[str, str] = {}
        for name, around in pairs.items():
            if name not in inner.names:
                self.problems.append(f"{what}: writes= names {name!r}, which is no field of its state")
            elif around not in outer.names:
                self.problems.append(f"{what}: writes= leads to {around!r}, which is no field around it")
            else:
                writes[level.prefix + around] = name
                self._fit(what, inner.fields.get(name), outer.fields.get(around), f"writes {name!r}")
        return writes

    def _fit(self, what: str, given: Field | None, taken: Field | None, verb: str) -> None:
        if given is None or taken is None:
            return
        if relation(given.annotation, taken.update_annotation) is Relation.DISJOINT:
            self.problems.append(
                f"{what} {verb}, {spell(given.annotation)}, where {taken.name!r} takes {spell(taken.update_annotation)}; "
                f"name another field, or convert it in a node"
            )

    def _inputs(self, graph: Any, level: _Level) -> Sequence[str]:
        """The fields that a graph must be given."""
        known = getattr(graph, "inputs", None)
        if known is not None:
            return tuple(known)
        from .compile import inputs_of_graph

        around = (level.definition.origin, *(other for other, _ in level.above))
        return inputs_of_graph(graph.definition, without=(*self.without, *around, graph))

    # ------------------------------------------------------------------ maps

    def _map(self, spec: NodeSpec, own: MapOver, level: _Level) -> _Ends:
        full, what = level.prefix + spec.name, f"map {spec.name!r}"
        scope = self.scopes[level.prefix]
        kind = self._item_type(what, own, scope)
        result = self._result_type(what, own, scope)
        self._hide(
            full,
            {
                "item": (kind, ...),
                "+": (list[kind], ...),  # type: ignore[valid-type]  # a type that is known when it runs
                "over": (list[kind], ...),  # type: ignore[valid-type]  # likewise
                "join": (int, ...),
                "": (result, "append"),
            },
        )
        before = len(self.nodes)
        entry = self._map_begin(spec, own, level)
        inside = len(self.nodes)
        if isinstance(own.body, Subgraph):
            exits = self._map_graph(spec, own, own.body, level)
        else:
            exits = self._map_function(spec, own, own.body, level)
        instances = tuple(list(self.nodes)[inside:])
        self._map_end(spec, own, level, exits)
        self.extras.regions.append(Region(f"{full}[]", full, frozenset(instances), fans=True))
        for name in instances:
            self.extras.adders.setdefault(name, f"{full}/MAP->{full}")
        return _Ends(entry, f"{full}/JOIN", tuple(list(self.nodes)[before:]), instances)

    def _item_type(self, what: str, own: MapOver, scope: Scope) -> Any:
        if isinstance(own.over, str):
            if own.over not in scope.schema.names:
                self.problems.append(f"{what}: over= names {own.over!r}, which is no field of the state")
                return JsonValue
            if own.over not in scope.schema.fields:
                return JsonValue
            given = scope.schema.fields[own.over].annotation
            told = f"over= names {own.over!r}, which is {spell(given)}"
        else:
            given = returned_annotation(own.over, scope.types)
            told = f"over= returns {spell(given)}"
        found = element_of(given)
        if found is None:
            self.problems.append(f"{what}: {told}; a map goes over a list")
            return JsonValue
        return self._taken_item(own, scope) if found is Any else found

    def _taken_item(self, own: MapOver, scope: Scope) -> Any:
        """What the body says an item is."""
        if isinstance(own.body, Subgraph):
            inner = self._schema(own.body.graph.definition.state).fields.get(own.item)
            return Any if inner is None else inner.annotation
        return parameter_annotation(own.body, own.item, scope.types)

    def _result_type(self, what: str, own: MapOver, scope: Scope) -> Any:
        if own.into is None or own.into not in scope.schema.fields:
            if own.into is not None and own.into not in scope.schema.names:
                self.problems.append(f"{what}: into= names {own.into!r}, which is no field of the state")
            return JsonValue
        taken = scope.schema.fields[own.into].update_annotation
        found = element_of(taken)
        if found is None:
            self.problems.append(
                f"{what}: into= names {own.into!r}, which takes {spell(taken)}; the results are a list"
            )
        return JsonValue if found is None else found

    def _map_begin(self, spec: NodeSpec, own: MapOver, level: _Level) -> str:
        """The nodes before the instances; the first of them."""
        full, scope = level.prefix + spec.name, self.scopes[level.prefix]
        begin, entry = f"{full}/MAP", f"{full}/MAP"
        joins: dict[str, Any] = {"join": spec.join, "rest": spec.rest}
        if callable(own.join):
            entry = f"{full}/NEED"
            self._asking(entry, own.join, f"{full}[join]", scope, **joins)
            self.edges.append(EdgeSpec(entry, begin))
            joins = {}
        if isinstance(own.over, str):
            made = NodeSpec(begin, nothing, inline=True, scope=level.prefix, **joins)
            self._made(made, {"over": level.prefix + own.over})
        else:
            self._asking(begin, own.over, f"{full}[over]", scope, **joins)
        self.extras.resets[begin] = {f"{full}[]": []}
        return entry

    def _asking(
        self, name: str, function: Callable[..., Any], writes: str, scope: Scope, **joins: Any
    ) -> None:
        """A node that asks a function of fields."""
        local = scope.local(writes)
        schema = scope.schema.extended({local: self.hidden[writes]})
        self.scopes[name] = Scope(schema, scope.resources, scope.prefix)
        self.nodes[name] = NodeSpec(
            name, function, writes, inline=True, prefix=scope.prefix, scope=name, **joins
        )

    def _map_function(
        self, spec: NodeSpec, own: MapOver, body: Callable[..., Any], level: _Level
    ) -> list[str]:
        full, scope = level.prefix + spec.name, self.scopes[level.prefix]
        item, results = self.hidden[f"{full}[item]"], self.hidden[f"{full}[]"]
        schema = scope.schema.extended({own.item: item, scope.local(f"{full}[]"): results})
        self.scopes[full] = Scope(schema, scope.resources, scope.prefix, {own.item: f"{full}[item]"})
        self.nodes[full] = spec._replace(
            name=full,
            function=body,
            composite=None,
            writes=f"{full}[]" if own.into is not None else (),
            prefix=level.prefix,
            scope=full,
            join=None,
            rest="drop",
        )
        return [full, *self._collecting(own, full, [full])]

    def _map_graph(self, spec: NodeSpec, own: MapOver, body: Subgraph, level: _Level) -> list[str]:
        full, what = level.prefix + spec.name, f"map {spec.name!r}"
        given = {"inline": spec.inline, "retry": spec.retry, "timeout": spec.timeout, "approve": spec.approve}
        for option in [name for name, value in given.items() if value]:
            self.problems.append(
                f"{what}: {option}= is for functions; give it to nodes of the graph that it runs"
            )
        inner = self._schema(body.graph.definition.state)
        for name in {"MAP", "JOIN", "NEED", "ERROR"}.intersection(body.graph.definition.nodes):
            self.problems.append(
                f"{what}: a node of the graph that it runs is called {name!r}, as one of the map's own is; rename it"
            )
        reads = self._handed_in(what, body.graph, body.reads, level, own.item)
        if own.item not in inner.names:
            self.problems.append(
                f"{what}: item= names {own.item!r}, which is no field of {inner.model.__name__}"
            )
        else:
            reads[own.item] = f"{full}[item]"
            self._fit(what, self.hidden[f"{full}[item]"], inner.fields.get(own.item), "has items of type")
        writes: dict[str, str] = {}
        if own.into is not None:
            result = own.result or next(iter(_written(body.graph.definition)), "")
            if own.result is None and len(_written(body.graph.definition)) != 1:
                told = listed(_written(body.graph.definition))
                self.problems.append(f"{what}: say with result= which field is its result: {told or 'none'}")
            elif result not in inner.names:
                self.problems.append(f"{what}: result= names {result!r}, which is no field of its state")
            else:
                writes[f"{full}[]"] = result
                self._fit(
                    what, inner.fields.get(result), self.hidden[f"{full}[]"], f"has the result {result!r}"
                )
        here = (body.graph, spec.name)
        ends = self._nested(
            spec._replace(join=None, rest="drop"), body.graph, reads, writes, level, (*level.above, here)
        )
        return [ends.exit, *self._collecting(own, full, list(ends.members))]

    def _collecting(self, own: MapOver, full: str, members: Sequence[str]) -> list[str]:
        """The node that makes a result of an item's error, if that is wanted."""
        if not own.collect:
            return []
        name = f"{full}/ERROR"
        self.nodes[name] = NodeSpec(name, item_error, f"{full}[]", inline=True)
        taken = Argument("error", Source.ERROR, errors=(Exception,))
        self.bindings[name] = Binding(item_error, (taken,))
        for member in members:
            if member in self.bindings:
                continue
            edge = EdgeSpec(member, name, error=Exception, label="Exception", stops=full, outward=1)
            self.edges.append(edge)
            if len(members) > 1:
                self.extras.cancels[edge.id] = Cancelling(frozenset(members), full)
        return [name]

    def _map_end(self, spec: NodeSpec, own: MapOver, level: _Level, exits: Sequence[str]) -> None:
        full = level.prefix + spec.name
        begin, join = f"{full}/MAP", f"{full}/JOIN"
        writes = () if own.into is None else level.prefix + own.into
        made = NodeSpec(
            join, same if own.into is not None else nothing, writes, inline=True, scope=level.prefix
        )
        self._made(made, {"results": f"{full}[]"} if own.into is not None else {})
        self.edges += [EdgeSpec(begin, full), EdgeSpec(begin, join), *(EdgeSpec(end, join) for end in exits)]
        over = f"{full}[over]" if callable(own.over) else level.prefix + str(own.over)
        self.extras.fans[f"{begin}->{full}"] = Fanning(over, f"{full}[item]", f"{full}[+]", join)
        self.extras.resets[join] = {f"{full}[]": []}
        if own.join not in (None, "all"):
            need = {"first": 1, "none": 0}.get(own.join) if isinstance(own.join, str) else own.join
            if callable(own.join):
                self.extras.joins[join] = (None, f"{full}[join]", own.rest, f"{begin}->{join}")
            elif isinstance(need, int):
                self.extras.joins[join] = (need, "", own.rest, f"{begin}->{join}")

    def _hide(self, full: str, wanted: Mapping[str, tuple[Any, Any]]) -> None:
        """Fields that no state declares, by the names ``full[...]``."""
        made, problems = hidden_fields(full, wanted)
        self.hidden |= made
        self.problems += [f"map {full!r}: {problem}" for problem in dict.fromkeys(problems)]


def _named(name: str, level: _Level) -> str:
    """What edges call a node, whatever it became."""
    if name == START.name:
        return level.entry
    return level.exit if name == END.name else level.prefix + name


def _written(definition: Definition, above: tuple[object, ...] = ()) -> list[str]:
    """The fields that some node of a graph writes."""
    names: dict[str, None] = {}
    for spec in definition.nodes.values():
        own = spec.composite
        if isinstance(own, MapOver):
            names |= dict.fromkeys([own.into] if own.into is not None else [])
        elif isinstance(own, Subgraph) and own.writes is not None:
            names |= dict.fromkeys(own.writes.values())
        elif isinstance(own, Subgraph):
            if own.graph is not definition.origin and own.graph not in above:
                inner = _written(own.graph.definition, (*above, definition.origin))
                names |= dict.fromkeys(name for name in inner if name in definition.state.model_fields)
        else:
            names |= dict.fromkeys(spec.fields)
    return list(names)
