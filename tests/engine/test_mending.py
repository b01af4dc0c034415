"""Reads of unset fields in graphs that have other problems as well."""

from dataclasses import replace

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from backedge.engine.compiler.assignment import Read, unset_reads
from backedge.engine.compiler.checks import Bindings
from backedge.engine.compiler.dataflow import traffic_of
from backedge.engine.compiler.mending import Mending
from backedge.engine.compiler.structure import examine
from backedge.engine.plan import Plan
from backedge.engine.state.fields import StateSchema

from .roaming import State as Roamed
from .roaming import worlds


def unset(definition, *, mend=True):
    """The nodes of which it is told that they may find x unset, be the graph as it may."""
    shape = examine(definition)
    plan = Plan(shape.links, shape.forest)
    traffic = traffic_of(definition, plan, Bindings({}, {}), StateSchema(Roamed))
    mending = Mending(plan, shape.ends)
    reads = mending.reached([Read(node, False, "x", "") for node in range(len(plan.nodes))])
    found = unset_reads(traffic, reads, frozenset({"x"}), mending if mend and shape.ends else None)
    return {plan.nodes[read.node] for read, _ in found}


def without(definition, edge):
    gone = {edge.id}
    return replace(
        definition, edges=tuple(e for e in definition.edges if e.id not in gone and e.instead_of not in gone)
    )


def shown(definition):
    """A graph in a line, for falsifying examples."""
    kinds = [(e.id + ("?" if e.when else "") + ("<" if e.feedback else "")) for e in definition.edges]
    writers = [n for n, s in definition.nodes.items() if s.writes]
    stops = [n for n, s in definition.nodes.items() if s.may_stop]
    return f"{' '.join(kinds)} writers={''.join(writers)} stops={''.join(stops)}"


def behind(definition, name):
    """The node and those that edges of any sort lead to from it."""
    seen = [name]
    for each in seen:
        seen += [e.target for e in definition.edges if e.source == each and e.target not in seen]
    return set(seen)


@settings(max_examples=150, deadline=None)
@given(worlds(), st.data())
def test_an_edge_that_is_missing_makes_nobody_read_what_is_unset(definition, data):
    edge = data.draw(st.sampled_from(definition.edges))
    broken = without(definition, edge)
    ends = examine(broken).ends
    writers = {name for name, spec in definition.nodes.items() if spec.writes}
    if edge.target in ends.lost or (ends and not behind(definition, edge.target) & writers):
        assert unset(broken) <= unset(definition), f"{shown(definition)} without {edge.id}"
