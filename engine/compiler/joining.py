"""How nodes join, what runs once for each arrival, what cancels what: checked, and told by the plan's numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..definition import END, START, Definition
from ..loops import Link, LoopForest, Region, region_of_each
from ..plan import Plan
from ..rules import Cancelling, Fan, Joining, Rest, Rules
from ..shown import listed
from .flat import Flat


def regions_of(flat: Flat, links: Sequence[Link], forest: LoopForest) -> list[Region]:
    """What runs several times, once for each item of a map or for each arrival at a node."""
    joins = {name: spec.join for name, spec in flat.definition.nodes.items() if spec.join is not None}
    each = [name for name, join in joins.items() if join == "each"]
    closing = [name for name in joins if name not in each]
    regions = list(flat.extras.regions)
    for name in each:  # a subgraph or map in its way is in the region as a whole, however its nodes join
        graph = name.rpartition("/")[0]
        closed = {other for other in closing if other.rpartition("/")[0] == graph}
        regions.append(
            region_of_each(name, {f"{graph}/END" if graph else END.name, *closed}, links, forest.nests)
        )
    return regions


def cancelling_links(definition: Definition) -> list[Link]:
    """The edges that cancel, as the plan wants them."""
    return [
        Link(edge.id, edge.source, edge.target)
        for edge in definition.edges
        if edge.cancels and edge.source in definition.nodes and edge.target in definition.nodes
    ]


def rules_of(flat: Flat, plan: Plan) -> Rules:
    """What the schedule goes by."""
    extras, number, edge_number = flat.extras, plan.number, plan.edge_number
    joins = {
        number[name]: _joining(spec.join, spec.rest)
        for name, spec in flat.definition.nodes.items()
        if spec.join is not None and spec.join not in ("all", "each")
    }
    for name, (need, field, rest, aside) in extras.joins.items():
        joins[number[name]] = Joining(need, _rest(rest), field, edge_number[aside])
    if flat.definition.end == "first":
        joins[number[END.name]] = Joining(1, "cancel")
    resets = {number[name]: flat.schema.defaults(view) for name, view in extras.views.items()}
    resets |= {number[name]: dict(values) for name, values in extras.resets.items()}
    return Rules(
        joins=joins,
        fans={
            edge_number[edge]: Fan(fan.over, fan.item, fan.added, number[fan.join])
            for edge, fan in extras.fans.items()
        },
        adders={number[name]: edge_number[edge] for name, edge in extras.adders.items()},
        cancels={
            edge_number[edge]: Cancelling(
                frozenset(number[name] for name in what.nodes), _depth(plan, edge_number[edge], what.anchor)
            )
            for edge, what in extras.cancels.items()
        },
        errors=frozenset(edge_number[edge.id] for edge in flat.definition.edges if edge.error is not None),
        sheds={number[name]: flat.schema.shed(_own_fields(flat, name)) for name in _joins_of_maps(flat)},
        resets=resets,
    )


def _joins_of_maps(flat: Flat) -> list[str]:
    return [fan.join for fan in flat.extras.fans.values()]


def _own_fields(flat: Flat, join: str) -> list[str]:
    """The fields that each instance of a map has for itself: its item, and those of subgraphs in it."""
    name = join.removesuffix("/JOIN")
    return [field for field in flat.schema.fields if field == f"{name}[item]" or field.startswith(f"{name}/")]


def _joining(join: str | int | None, rest: str) -> Joining:
    need = 1 if join == "first" else join
    assert isinstance(need, int)
    return Joining(need, _rest(rest))


def _rest(rest: Any) -> Rest:
    assert rest in ("drop", "cancel", "wait")
    found: Rest = rest
    return found


def _depth(plan: Plan, edge: int, anchor: str) -> int:
    """How many levels the source of an edge has in common with what it cancels."""
    mine, other = plan.nests[plan.edges[edge].source], plan.nests[plan.number[anchor]]
    shared = 0
    while shared < min(len(mine), len(other)) and mine[shared] == other[shared]:
        shared += 1
    return shared


# --------------------------------------------------------------------------- what cannot work


def join_problems(flat: Flat, plan: Plan) -> Iterator[str]:
    """Joins that wait for more than can come, and cancellations of what is never alive by then."""
    for name, spec in flat.definition.nodes.items():
        join: Any = spec.join
        if name in flat.extras.joins or join in (None, "all") or not (join == "each" or _need(join)):
            continue
        if name.endswith(f"/{END.name}"):  # the end of a subgraph, which joins as its graph says
            continue
        incoming = [plan.edges[number] for number in plan.incoming[plan.number[name]]]
        several = any(edge.merges for edge in incoming)
        if not several and len(incoming) < max(2, _need(join)):
            come = f"{len(incoming)} edge{'' if len(incoming) == 1 else 's'}"
            yield (
                f"node {name!r}: join={join!r} is for several arrivals in one round, but {come} "
                f"lead{'s' if len(incoming) == 1 else ''} there; drop join=, or lead more edges to it"
            )
    yield from _endless_problems(plan)
    yield from _cancel_problems(flat, plan)


def _endless_problems(plan: Plan) -> Iterator[str]:
    """What runs once for each arrival, and sends arrivals of its own back there: no end of names in names."""
    for region in plan.regions.values():
        for edge in plan.edges:
            source, target = plan.nodes[edge.source], plan.nodes[edge.target]
            if (
                not region.fans
                and edge.level is not None
                and target == region.entry
                and source in region.body
            ):
                yield (
                    f"node {target!r}: join='each' runs anew for each arrival, and feedback edge {edge.id} comes from what "
                    f"it makes run, so that each would be named after all before it; lead back to a node before {target!r}"
                )


def _need(join: object) -> int:
    if join == "first":
        return 1
    return join if isinstance(join, int) and not isinstance(join, bool) else 0


def _cancel_problems(flat: Flat, plan: Plan) -> Iterator[str]:
    early = {name for name, spec in flat.definition.nodes.items() if spec.join not in (None, "all")}
    waits = bool(early or flat.extras.joins)
    for edge in flat.definition.edges:
        if not edge.cancels or edge.id not in plan.edge_number:
            continue
        source, target = plan.number[edge.source], plan.number[edge.target]
        members = [plan.number[name] for name in flat.extras.cancels[edge.id].nodes]
        if source in members:
            continue
        names = listed([edge.target])
        if not waits and all(_before(plan, member, source) for member in members):
            yield f"edge {edge.id}: {edge.source!r} runs only when {names} is over, so there is nothing to cancel; drop it"
        elif not _past(plan, plan.number[START.name], source) >> target & 1:
            yield f"edge {edge.id}: {names} runs only after {edge.source!r} has finished, so there is nothing to cancel; drop it"


def _before(plan: Plan, node: int, other: int) -> bool:
    """Whether forward edges lead from one to the other: then that waits for it."""
    return bool(_past(plan, node, -1) >> other & 1)


def _past(plan: Plan, start: int, without: int) -> int:
    """The nodes that forward edges lead to from `start` without going through one of them, a bit mask."""
    seen = 0
    stack = [start]
    while stack:
        node = stack.pop()
        for number in plan.outgoing[node]:
            edge = plan.edges[number]
            if edge.level is None and edge.target != without and not seen >> edge.target & 1:
                seen |= 1 << edge.target
                stack.append(edge.target)
    return seen
