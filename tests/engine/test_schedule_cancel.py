"""Cancelling, and joins that do not wait near loops that may go round for ever."""

import random

import pytest

from .graphs import read_graph
from .many import Early, Stop, World
from .many_drive import Beside


@pytest.mark.parametrize("rest", ["drop", "cancel", "wait"])
def test_a_loop_beside_a_join_that_does_not_wait_is_not_followed_for_ever(rest):
    world = World(
        read_graph("START>a START>b a<a a>j b>j j>END START>c c>k a>k k>END"),
        early={"j": Early(1, rest), "k": Early(1, rest)},
    )
    for order in range(10):
        Beside(world, order, random.Random(order)).run()


def test_what_is_cancelled_is_not_begun_anew_by_an_edge_of_its_canceller():
    world = World(
        read_graph("START>a START>c a>c c>END"),
        early={"c": Early(1)},
        stops={"stop": Stop("a", frozenset("c"), "c")},
    )
    for seed in range(40):
        Beside(world, seed, random.Random(seed)).run()


def test_what_was_not_alive_when_its_canceller_finished_is_begun_by_an_edge_of_that():
    world = World(read_graph("START>a a>b b>END"), stops={"stop": Stop("a", frozenset("b"), "b")})
    ran = [Beside(world, seed, random.Random(seed)).run() for seed in range(20)]
    assert any("stop" in run.choose.taken(one, got) for run in ran for one, got in run.machine.done.items())


def test_an_inner_loop_before_a_later_round_of_the_outer_is_not_followed_for_ever():
    world = World(
        read_graph("START>a a>e e>f e<e f<a f>END a>f b>e START>b b>f e<b"),
        early={"e": Early(1, "cancel"), "f": Early(1, "cancel")},
    )
    for seed in range(30):
        Beside(world, seed, random.Random(seed)).run()
