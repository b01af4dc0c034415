"""Loops, headers and nests on graphs one can read; `test_plan_properties` holds them against the oracle on any graph."""

from itertools import pairwise

import pytest

from backedge.engine.loops import Link, LoopForest, components, find_loops, natural


def forest(text: str) -> LoopForest:
    """Read `"a>b b<a"`, where `<` is a feedback edge from left to right."""
    links = []
    for word in text.split():
        source, target = word.replace("<", ">").split(">")
        links.append(Link(word, source, target, "<" in word))
    nodes = dict.fromkeys(end for link in links for end in (link.source, link.target))
    return find_loops(list(nodes), links)


def test_a_graph_without_feedback_has_no_loops():
    found = forest("a>b b>c a>c")
    assert (found.loops, found.cycles, found.idle_feedback) == ({}, (), ())
    assert found.nests == {"a": (), "b": (), "c": ()}


def test_a_loop_is_named_after_its_header_and_holds_all_that_goes_round():
    found = forest("s>a a>b b>c c<a c>e")
    (loop,) = found.loops.values()
    assert (loop.name, loop.headers, loop.body) == ("a", ("a",), frozenset("abc"))
    assert (loop.level, loop.outer, loop.feedback) == (0, None, ("c<a",))
    assert found.nests["b"] == ("a",)
    assert found.nests["e"] == ()


def test_a_node_may_be_a_loop_of_its_own():
    assert forest("s>a a<a a>e").loops["a"].body == {"a"}


def test_all_nodes_without_a_forward_edge_from_inside_are_headers():
    found = forest("s>a s>b a>c b>c c<a c<b c>e")
    assert found.loops["a"].headers == ("a", "b")
    assert found.loops["a"].feedback == ("c<a", "c<b")


def test_loops_nest():
    found = forest("s>a a>b b>c c<b c>d d<a d>e")
    assert list(found.loops) == ["a", "b"]
    assert (found.loops["b"].outer, found.loops["b"].level) == ("a", 1)
    assert found.nests["c"] == ("a", "b")
    assert found.nests["d"] == ("a",)


def test_loops_side_by_side_are_apart():
    found = forest("s>a a<a a>b b<b b>e")
    assert [loop.level for loop in found.loops.values()] == [0, 0]
    assert (found.nests["a"], found.nests["b"]) == (("a",), ("b",))


def test_names_are_compared_with_their_numbers_as_numbers():
    assert sorted(["w10", "w2", "w", "10", "9", "a"], key=natural) == ["9", "10", "a", "w", "w2", "w10"]
    found = forest("s>w10 s>w2 w10>c w2>c c<w10 c<w2 c>e")
    assert found.loops["w2"].headers == ("w2", "w10")
    assert natural("w01") != natural("w1")


@pytest.mark.parametrize(
    ("text", "cycles"),
    [
        ("s>a a>b b>a", [("a", "b")]),
        ("s>a a>a", [("a",)]),
        ("s>c c>a a>b b>c", [("c", "a", "b")]),  # begun where the graph enters it
        ("s>a a>b b>c c>a b>a", [("a", "b")]),  # the shortest
        ("s>a a>b a>c c>d d>b b>a", [("a", "b")]),
        ("s>a a>b b>c b>d c>a d>c", [("a", "b", "c")]),
        ("s>a a>b b>a s>x x>y y>x", [("x", "y"), ("a", "b")]),
        ("s>a a>b a>c b>d c>d d>a", [("a", "b", "d")]),
        ("a>b b>a", [("a", "b")]),  # nothing leads to it: by name
    ],
)
def test_cycles_of_forward_edges_are_told(text, cycles):
    assert sorted(forest(text).cycles) == sorted(cycles)


def test_a_cycle_of_forward_edges_makes_no_loop():
    found = forest("s>a a>b b>a b<a")
    assert found.loops == {}
    assert found.idle_feedback == ("b<a",)


@pytest.mark.parametrize("text", ["s>a a<b b>e", "s>a s>b a<b b>e", "s>h h>a a>b b<a h>b h<b b<h"])
def test_feedback_edges_that_close_no_loop_are_told(text):
    assert len(forest(text).idle_feedback) == 1


def test_the_order_of_declarations_does_not_matter():
    words = ["s>a", "a>b", "b>c", "c<b", "c>d", "d<a", "d>e", "a>d"]
    assert forest(" ".join(words)) == forest(" ".join(reversed(words)))


def test_long_chains_and_loops_need_no_recursion():
    names = [f"n{number}" for number in range(5000)]
    text = " ".join(f"{one}>{other}" for one, other in pairwise(names))
    found = forest(f"{text} n4999<n0")
    assert len(found.loops["n0"].body) == 5000


def test_components_come_with_sinks_first():
    arcs = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "d"), ("d", "c"), ("e", "e")]
    found = components("abcde", arcs)
    assert found.index(frozenset("cd")) < found.index(frozenset("ab"))
    assert set(found) == {frozenset("ab"), frozenset("cd"), frozenset("e")}
