"""Joins that do not wait, near loops that may go round for ever."""

import random

import pytest

from .graphs import read_graph
from .many import Early, World
from .many_drive import Beside


@pytest.mark.parametrize("rest", ["drop", "cancel", "wait"])
def test_a_loop_beside_a_join_that_does_not_wait_is_not_followed_for_ever(rest):
    world = World(
        read_graph("START>a START>b a<a a>j b>j j>END START>c c>k a>k k>END"),
        early={"j": Early(1, rest), "k": Early(1, rest)},
    )
    for order in range(10):
        Beside(world, order, random.Random(order)).run()
