"""The schedule, in any completion order and declared in any order, does what the naive reading of the rule does.

Most of what is checked stands in `drive.py`, since it is checked after every fact: nothing starts too early or twice,
whatever may start does, with the tokens, the state and the errors it should see; illegal facts change nothing; all
invariants hold; nothing is alive at the end.
"""

import random

from hypothesis import Phase as Step
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from backedge.engine.activation import Phase
from backedge.engine.facts import NodeSucceeded
from backedge.engine.schedule import LoopLimit

from .drive import LOG, Drive, plan_of, schedule_of, spell
from .graphs import NAMES, graphs, read_graph
from .oracle import Activation, Rule
from .simulation import SeededChoice, simulate
from .sizes import examples

seeds = st.integers(0, 1000)
# two headers send each other back, so that two rounds of n may be under way at once, and both lead to END
CROSSED = read_graph("START>g START>h g>x x<h h>n n<g n>END")
NO_SHRINKING = (Step.explicit, Step.generate)
some_orders = st.lists(seeds, min_size=1, max_size=3, unique=True)


def expected_of(graph, seed):
    rule = Rule(graph)
    return rule, simulate(rule, SeededChoice(rule, seed), random.Random(0))


@settings(max_examples=examples(25), deadline=None)
@example(read_graph("START>b START>c b>a c>a a>END b<b c<c"), 11, [0, 1, 2, 3])  # errors overtake each other
@given(graphs(), seeds, some_orders)
def test_every_completion_order_and_declaration_order_runs_as_the_rule_says(graph, seed, orders):
    rule, expected = expected_of(graph, seed)
    for order in map(random.Random, orders):
        Drive(graph.shuffled(order), rule, expected, order).run()


@settings(max_examples=examples(15), deadline=None)
@example(CROSSED, 157, [0, 1, 2, 3], {"n"})
@given(
    graphs(),
    seeds,
    st.lists(seeds, min_size=2, max_size=3, unique=True),
    st.sets(st.sampled_from(NAMES), max_size=4),
)
def test_the_same_values_and_the_same_conflicts_come_up_in_every_order(graph, seed, orders, noting):
    rule, expected = expected_of(graph, seed)
    runs = [Drive(graph, rule, expected, random.Random(order), noting).run() for order in orders]
    for run in runs:
        assert run.conflicts == runs[0].conflicts
        assert run.notes == runs[0].notes
        assert run.state.taken == runs[0].state.taken


@settings(max_examples=examples(10), deadline=None)
@given(graphs(), seeds, seeds)
def test_the_same_facts_give_the_same_orders(graph, seed, order):
    told = Drive(graph, *expected_of(graph, seed), random.Random(order)).run().told
    again = schedule_of(plan_of(graph.shuffled(random.Random(order))))
    for fact, orders in told:
        assert [_plainly(order) for order in again.apply(fact)] == [_plainly(order) for order in orders]
    assert again.idle


def _plainly(order):
    return order._replace(snapshot=order.snapshot.values())


@settings(max_examples=examples(10), deadline=None, phases=NO_SHRINKING)
@example(read_graph("START>a START>b a>d b>END d>END b<a d<b"), 9, 1, [0, 1, 2, 3, 4, 5])
@given(graphs(most=8), seeds, st.integers(1, 3), st.lists(seeds, min_size=2, max_size=4, unique=True))
def test_limits_count_the_same_in_every_order(graph, seed, limit, orders):
    runs = [limited_run(graph, seed, limit, random.Random(order)) for order in orders]
    assert all(run == runs[0] for run in runs)


def limited_run(graph, seed, limit, order):
    """What each activation takes, and what it would have taken but for the limit, until all is done."""
    plan, choose = plan_of(graph), SeededChoice(Rule(graph), seed, limit=1_000_000)
    schedule = schedule_of(plan)
    schedule.limits = {number: limit for number, edge in enumerate(plan.edges) if edge.level is not None}
    routes = {}
    while not schedule.idle:
        assume(len(routes) < 200)
        live = [(node, rounds) for node, rounds, phase in schedule.live() if phase is Phase.RUNNING]
        node, rounds = order.choice(live)
        one = Activation(plan.nodes[node], rounds)
        holding = sorted(plan.edge_number[edge] for edge in choose(one, frozenset()))
        refused = []
        while isinstance(route := schedule.route(node, rounds, holding), LoopLimit):
            refused.append(route)
            holding.remove(route.edge)
        schedule.apply(NodeSucceeded(node, rounds, {LOG: spell(one)}, route))
        schedule.validate()
        routes[one] = (frozenset(route), frozenset(refused))
    return routes
