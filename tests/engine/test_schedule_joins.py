"""Joins that do not wait, regions, maps and cancelling: in any completion order the schedule does what a naive reading
of the rules does. What is checked stands in `many_drive.py`, since it is checked after every fact: nothing starts too
early, too late or twice, with the tokens that it should see; what is cancelled is; ids lead back to what they name; all
invariants hold; nothing is remembered at the end."""

import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from .graphs import read_graph
from .many import Early, Stop, World
from .many_drive import Beside
from .many_graphs import sensible, worlds
from .sizes import examples

seeds = st.integers(0, 1000)
orders = st.lists(seeds, min_size=1, max_size=3, unique=True)
some = settings(
    max_examples=examples(12),
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def agree(world, seed, orders):
    """The schedule and the naive machine agree; where nothing depends on timing all orders come to the same."""
    runs = [Beside(world, seed, random.Random(order)).run() for order in orders]
    if world.timeless and all(run.complete for run in runs):
        for run in runs[1:]:
            assert run.machine.done == runs[0].machine.done
            assert _values(run) == _values(runs[0])


def _values(run):
    return run.schedule.result and run.schedule.result.values()


@some
@given(worlds(early=False, stops=False), seeds, orders)
def test_regions_and_maps_run_as_the_rules_say_and_in_every_order_alike(world, seed, orders):
    agree(sensible(world), seed, orders)


@some
@given(worlds(each=False, maps=False), seeds, orders)
def test_joins_that_do_not_wait_and_cancelling_run_as_the_rules_say(world, seed, orders):
    agree(world, seed, orders)


@some
@given(worlds(), seeds, orders)
def test_all_of_them_together_run_as_the_rules_say(world, seed, orders):
    agree(sensible(world), seed, orders)


WAITING = World(
    read_graph("c>a d>b b<b d>END b<c START>c a>d d<c c<c"),
    early={"c": Early(2, "wait"), "b": Early(2, "wait")},
    stops={"c0": Stop("d", frozenset("b"), "b")},
)


@pytest.mark.parametrize("order", [120, *range(8)])
def test_a_join_that_waits_for_the_rest_does_so_though_all_edges_have_brought_a_token(order):
    agree(WAITING, 121, [order])
