from backedge import END, START, Graph
from backedge.engine.parts import Part
from backedge.engine.render.frames import nest

from .composed import Lint, lint


def part(name, *members):
    graph = Graph(Lint)
    spec = graph.node(lambda: None, name=name.rpartition("/")[2]).spec
    return Part(name, name.rpartition("/")[0] or None, spec, members)


def test_a_loop_in_a_subgraph_lies_in_its_frame_and_one_around_it_outside():
    frames = nest(
        ["s", "a", "b", "c"], {"s": ["s", "a", "b", "c"], "a": ["a", "b"]}, {"g": part("g", "a", "b", "c")}
    )
    assert frames.outer == {"loop s": "", "g": "loop s", "loop a": "g"}
    assert frames.around == {"s": "loop s", "a": "loop a", "b": "loop a", "c": "g"}


def test_of_a_loop_and_a_subgraph_with_the_same_nodes_the_loop_is_outside():
    frames = nest(["a", "b"], {"a": ["a", "b"]}, {"g": part("g", "a", "b")})
    assert frames.outer == {"loop a": "", "g": "loop a"}
    assert frames.around == {"a": "g", "b": "g"}


def test_a_loop_that_holds_a_part_of_a_subgraph_is_drawn_around_all_of_it():
    frames = nest(["a", "b", "m"], {"a": ["a", "m"]}, {"g": part("g", "a", "b")})
    assert frames.outer == {"loop a": "", "g": "loop a"}
    assert frames.around == {"a": "g", "b": "g", "m": "loop a"}


def test_two_loops_that_cut_the_same_subgraph_cannot_both_have_a_frame():
    frames = nest(["a", "b", "m", "n"], {"a": ["a", "m"], "b": ["b", "n"]}, {"g": part("g", "a", "b")})
    assert frames.outer == {"loop a": "", "g": "loop a"}
    assert frames.around == {"a": "g", "b": "g", "m": "loop a", "n": ""}


def test_what_is_in_no_frame_stands_alone():
    assert nest(["a"], {}, {}) == ({}, {"a": ""})


def test_the_names_of_loops_and_subgraphs_do_not_get_mixed_up():
    graph = Graph(Lint)
    sub = graph.subgraph(lint(), name="sub")
    graph.chain(START, sub)
    graph.feedback(sub, sub, when=lambda clean: not clean, limit=2)
    graph.edge(sub, END, when=lambda clean: clean)
    frames = nest(
        graph.compile().graph.plan.nodes,
        {"sub": ["sub", "sub/fix", "sub/END"]},
        {"sub": part("sub", "sub", "sub/fix", "sub/END")},
    )
    assert frames.outer == {"loop sub": "", "sub": "loop sub"}
