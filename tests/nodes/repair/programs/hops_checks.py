import hops
import pytest


@pytest.fixture
def ring():
    return {"a": ["b"], "b": ["c"], "c": ["b", "d"], "d": []}


def test_the_start_is_no_hop_away(ring):
    assert hops.hops(ring, "a", "a") == 0


def test_a_way_through_a_ring(ring):
    assert hops.hops(ring, "a", "d") == 3


def test_a_place_that_cannot_be_reached(ring):
    assert hops.hops(ring, "a", "z") == -1


def test_the_graph_is_left_as_it_was(ring):
    hops.hops(ring, "a", "d")
    assert ring == {"a": ["b"], "b": ["c"], "c": ["b", "d"], "d": []}
