"""Random graphs with conditions, error edges and writers, and random runs of them, to see what a field may hold where.

The runs are made by the schedule itself; what nodes do and which conditions hold is chance, within what a graph's
edges allow. So what a run shows can happen, and what never shows in thousands of runs likely cannot.
"""

import random
from dataclasses import dataclass

from hypothesis import strategies as st
from pydantic import BaseModel

from backedge.engine.compiler.checks import Bindings
from backedge.engine.compiler.dataflow import traffic_of
from backedge.engine.compiler.flat import flat
from backedge.engine.definition import Definition, EdgeSpec, NodeSpec
from backedge.engine.facts import NodeErrored, NodeSucceeded, StartNode
from backedge.engine.loops import Link, find_loops
from backedge.engine.plan import Plan
from backedge.engine.records import ErrorInfo
from backedge.engine.schedule import LoopLimit, Schedule
from backedge.engine.state.snapshots import Layout, MergeConflict

from .graphs import graphs
from .oracle import END, START

FOLDED = Layout(names=("x",), index={"x": 0}, folds=(lambda value, updates: updates[-1],), copiers=(None,))
PLAIN = Layout(names=("x",), index={"x": 0}, folds=(None,), copiers=(None,))


class State(BaseModel):
    x: int


def maybe(x):
    """Stands for a condition; chance answers in its place."""


class Oops(Exception):
    pass


class Ouch(Exception):
    pass


@st.composite
def worlds(draw, *, most=7, loops=True, errors=True):
    """Draw a graph's definition: some edges conditional or for errors, some nodes writers, some that may stop."""
    graph = draw(graphs(most=most))
    kinds = ["plain", "maybe", "plain", "maybe", "oops", "ouch"] if errors else ["plain", "maybe"]
    edges = {}
    for edge in graph.edges:
        if edge.feedback and not loops:
            continue
        kind = draw(st.sampled_from(kinds))
        if edge.feedback:
            spec = EdgeSpec(edge.source, edge.target, maybe, feedback=True, limit=2)
            if kind == "plain":
                spec = spec._replace(when=None)
        elif kind in ("oops", "ouch") and edge.source != START:
            spec = EdgeSpec(edge.source, edge.target, error=Oops if kind == "oops" else Ouch)
        else:
            spec = EdgeSpec(edge.source, edge.target, maybe if kind == "maybe" else None)
        edges.setdefault(spec.id, spec)
    edges |= draw(_otherwise(edges))
    nodes = {}
    for name in graph.nodes:
        if name not in (START, END):
            writes = "x" if draw(st.integers(0, 3)) == 0 else ()
            nodes[name] = NodeSpec(name, maybe, writes, may_stop=draw(st.integers(0, 5)) == 5)
    for name in nodes:  # who never succeeds in going on is no use
        if not any(edge.source == name and edge.error is None for edge in edges.values()):
            nodes[name] = nodes[name]._replace(may_stop=True)
    return Definition("world", State, {}, nodes, tuple(edges.values()))


@st.composite
def _otherwise(draw, edges):
    """For some feedback edges another target at the limit: one that the source leads to ahead anyway."""
    found = {}
    for edge in edges.values():
        ahead = [e.target for e in edges.values() if e.source == edge.source and not e.feedback]
        if edge.feedback and ahead and draw(st.booleans()):
            spec = EdgeSpec(edge.source, draw(st.sampled_from(ahead)), instead_of=edge.id)
            found[spec.id] = spec
    return found


@dataclass
class World:
    """A definition made ready to roam."""

    definition: Definition

    def __post_init__(self):
        links = [Link(e.id, e.source, e.target, e.feedback) for e in self.definition.edges]
        forest = find_loops([START, *self.definition.nodes, END], links)
        self.plan = Plan(links, forest)
        by_id = {edge.id: edge for edge in self.definition.edges}
        self.edges = [by_id[edge.id] for edge in self.plan.edges]
        self.traffic = traffic_of(flat(self.definition), self.plan, Bindings({}, {}))

    def name(self, node):
        return self.plan.nodes[node]

    def schedule(self, layout):
        number = self.plan.edge_number
        return Schedule(
            self.plan,
            layout.root({}),
            start=self.plan.number[START],
            end=self.plan.number[END],
            limits={number[e.id]: e.limit for e in self.edges if e.feedback},
            otherwise={number[e.instead_of]: number[e.id] for e in self.edges if e.instead_of},
        )


@dataclass
class Seen:
    """What happened in runs. Nodes are numbers."""

    unset: set  # nodes that started without the field
    unset_after: set  # nodes that succeeded and left without it
    early: set  # nodes that found the field in round 0 of all loops around them
    ran: set  # nodes that ran, START included
    conflict: bool = False
    over: bool = False  # nothing was left to do


def roam(world, seed, layout=FOLDED, steps=60):
    """One run; it ends early where a limit or a dead end fails it."""
    rng = random.Random(seed)
    schedule = world.schedule(layout)
    seen = Seen(set(), set(), set(), set())
    start = world.plan.number[START]
    running = {(start, ()): schedule.snapshot(start, ())}
    for _ in range(steps):
        if not running:
            seen.over = schedule.idle
            break
        node, rounds = rng.choice(sorted(running))
        snapshot = running.pop((node, rounds))
        fact = _end(world, schedule, node, rounds, snapshot, rng, seen)
        if fact is None:
            break
        for order in schedule.apply(fact):
            if not isinstance(order, StartNode):
                assert isinstance(order.reason, MergeConflict)
                seen.conflict = True
                return seen
            running[order.node, order.rounds] = order.snapshot
            if not order.snapshot.has("x"):
                seen.unset.add(order.node)
            elif not any(order.rounds):
                seen.early.add(order.node)
        if schedule.result is not None and not schedule.result.has("x"):
            seen.unset.add(world.plan.number[END])
    return seen


def _end(world, schedule, node, rounds, snapshot, rng, seen):
    seen.ran.add(node)
    leaving = world.plan.outgoing[node]
    kinds = sorted({world.edges[n].error for n in leaving if world.edges[n].error}, key=str)
    if kinds and rng.random() < 0.4:
        kind = rng.choice(kinds)
        taken = tuple(n for n in leaving if world.edges[n].error is kind)
        return NodeErrored(node, rounds, ErrorInfo("E", ""), taken)
    spec = world.definition.nodes.get(world.name(node))
    updates = {"x": 1} if spec and spec.writes else {}
    after = schedule.preview(node, rounds, updates)
    if not after.has("x"):
        seen.unset_after.add(node)
    regular = [n for n in leaving if world.edges[n].error is None and world.edges[n].instead_of is None]
    chance = rng.choice((0.2, 0.5, 0.8))
    holding = [n for n in regular if world.edges[n].when is None or rng.random() < chance]
    may_stop = spec is not None and spec.may_stop
    if not holding and regular and not may_stop:
        holding = [rng.choice(regular)]
    taken = schedule.route(node, rounds, holding)
    if isinstance(taken, LoopLimit) or not (taken or may_stop):
        return None
    return NodeSucceeded(node, rounds, updates, taken)
