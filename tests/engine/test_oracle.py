"""The naive implementation of the rule does what the rule says: on examples worked out by hand, and against itself."""

import random
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from .graphs import graphs, read_graph
from .oracle import (
    END,
    START,
    Activation,
    IllegalGraph,
    Problem,
    Rule,
    find_loops,
)
from .simulation import LONGEST, BrokenRule, SeededChoice, State, settles, simulate
from .sizes import examples


def at(text: str) -> Activation:
    """Read `"lint@2.0"`."""
    node, _, rounds = text.partition("@")
    return Activation(node, tuple(int(n) for n in rounds.split(".")) if rounds else ())


def problems_of(text: str) -> set[Problem]:
    with pytest.raises(IllegalGraph) as caught:
        find_loops(read_graph(text))
    return set(caught.value.problems)


# --------------------------------------------------------------------------- loops


def test_a_graph_without_feedback_has_no_loops():
    assert set(find_loops(read_graph("START>a a>b a>END b>END")).nest.values()) == {()}


def test_a_loop_holds_what_lies_on_its_cycles_and_is_named_after_its_header():
    loops = find_loops(read_graph("START>b b>c c>a a>END c<b c>side side>END"))
    assert loops.nest == {"START": (), "b": ("b",), "c": ("b",), "a": (), "END": (), "side": ()}


def test_headers_are_all_nodes_without_a_forward_edge_from_inside():
    loops = find_loops(read_graph("START>h START>g h>x g>x x<h x<g x>END"))
    assert loops.headers == {"g": {"g", "h"}}
    assert loops.bodies == {"g": {"g", "h", "x"}}


def test_two_headers_that_only_send_each_other_back_share_one_loop():
    loops = find_loops(read_graph("START>a START>b a<b b<a a>END"))
    assert loops.headers == {"a": {"a", "b"}}


def test_the_name_of_a_loop_can_be_chosen_otherwise():
    assert set(find_loops(read_graph("START>a START>b a<b b<a"), max).bodies) == {"b"}


def test_a_node_fed_back_to_itself_is_a_loop():
    assert find_loops(read_graph("START>a a<a a>END")).nest["a"] == ("a",)


def test_without_the_feedback_to_its_headers_a_loop_falls_apart_into_inner_loops():
    loops = find_loops(read_graph("START>a a>b b>c c>d c<b d<a d>END b<b"))
    assert [loops.nest[node] for node in "abcd"] == [("a",), ("a", "b"), ("a", "b"), ("a",)]


def test_overlapping_feedback_nests_in_the_order_of_the_headers():
    loops = find_loops(read_graph("START>a a>b b>c b<a c<b c>END"))
    assert [loops.nest[node] for node in "abc"] == [("a",), ("a", "b"), ("a", "b")]


def test_an_entry_into_the_middle_of_a_loop_makes_no_header():
    loops = find_loops(read_graph("START>a START>b a>b b<a b>END"))
    assert loops.headers == {"a": {"a"}}


def test_a_cycle_of_forward_edges_is_named_by_its_edges():
    assert problems_of("START>a a>b b>c c>b c>END") == {Problem("forward cycle", frozenset({"b>c", "c>b"}))}


def test_a_forward_edge_from_a_node_to_itself_is_a_cycle():
    assert problems_of("START>a a>a") == {Problem("forward cycle", frozenset({"a>a"}))}


def test_feedback_that_closes_no_loop_is_refused():
    assert problems_of("START>a a<b b>END") == {Problem("closes no loop", frozenset({"a<b"}))}


def test_feedback_into_the_middle_of_a_loop_is_refused():
    wrong = problems_of("START>h h>t h>s t>x s>x s<t x<h x>END")
    assert wrong == {Problem("not to a header", frozenset({"s<t"}))}


# --------------------------------------------------------------------------- where edges lead


@pytest.mark.parametrize(
    ("edge", "rounds", "there"),
    [
        ("START>o", (), "o@0"),
        ("o>i", (3,), "i@3.0"),
        ("i>j", (3, 2), "j@3.2"),
        ("j<i", (3, 2), "i@3.3"),
        ("j>z", (3, 2), "z@3"),
        ("j<o", (3, 2), "o@4"),
        ("j>k", (3, 2), "k@3.0"),
        ("k>END", (3, 1), "END"),
    ],
)
def test_edges_keep_common_rounds_and_feedback_adds_one(edge, rounds, there):
    rule = Rule(read_graph("START>o o>i i>j j<i j>z z>END j<o j>k k<k k<o z<o k>END"))
    assert rule.target(rule.edges[edge], rounds) == at(there)


# --------------------------------------------------------------------------- who blocks whom


@pytest.mark.parametrize(
    ("text", "live", "waiting", "blocked"),
    [
        ("START>a START>b a>j b>j", "a", "j", True),
        ("START>a START>b a>j", "b", "j", False),
        ("START>a START>b a>m m>j b>j", "a", "j", True),
        # what is still in the loop blocks the node that its exit leads to, in any round
        ("START>h h>x x<h x>END", "h@7", "END", True),
        # a round is a barrier at its header
        ("START>h h>x h>y x<h y<h", "x@1", "h@2", True),
        ("START>h h>x h>y x<h y<h", "x@2", "h@2", False),
        ("START>h h>x h>y x<h y<h", "x@0", "h@2", True),
        # a slow branch that leads into the body, but to the header only in the next round
        ("START>slow slow>x START>h h>x x<h x>END", "slow", "h@0", False),
        ("START>slow slow>x START>h h>x x<h x>END", "slow", "h@1", True),
        ("START>slow slow>x START>h h>x x<h x>END", "slow", "x@0", True),
        # inner rounds start again with each outer round
        ("START>o o>i i<i i<o i>END", "i@0.5", "i@1.0", True),
        ("START>o o>i i<i i<o i>END", "i@1.0", "i@0.5", False),
        ("START>o o>i i<i i<o i>END", "i@0.5", "i@0.6", True),
        ("START>o o>i i<i i<o i>END", "i@0.5", "i@0.5", False),
        ("START>o o>i i<i i<o i>END", "i@0.5", "o@1", True),
        # a side node outside the loop waits for the loop's end
        ("START>h h>x x<h h>side side>END x>END", "h@4", "side", True),
        ("START>h h>x x<h h>side side>END x>END", "x@4", "side", True),
    ],
)
def test_only_what_can_still_lead_to_a_node_in_time_blocks_it(text, live, waiting, blocked):
    graph = read_graph(text)
    assert Rule(graph).blocks(at(live), at(waiting)) is blocked


CROSSED = "START>g START>slow slow>h g>x x<h h>n n<g n>END"


def test_earlier_rounds_of_a_node_go_first_even_where_a_path_skips_the_same_round():
    rule = Rule(read_graph(CROSSED))
    assert rule.loops.headers == {"g": {"g", "h"}}
    # slow leads to h@0, and around both headers to h@2, but never to h@1
    assert rule.blocks(at("slow"), at("h@1"))
    assert not rule.blocks_exactly(at("slow"), at("h@1"))


def test_a_node_may_begin_a_round_beside_its_earlier_one_where_neither_leads_to_the_other_in_time():
    rule = Rule(read_graph(CROSSED))
    assert not rule.blocks(at("n@0"), at("n@1"))
    assert rule.blocks(at("n@0"), at("n@2"))
    assert rule.blocks_in_turn(at("n@0"), at("n@1"))
    assert not rule.blocks_in_turn(at("n@1"), at("n@0"))
    assert not rule.blocks_in_turn(at("n@1"), at("n@1"))


# --------------------------------------------------------------------------- runs


def run_of(text, *, order=0, blocks=None, **chosen):
    """Run a graph where each activation named in `chosen` (`h_1` for `h@1`) takes those edges, others all forward."""
    rule = Rule(read_graph(text))

    def choose(one, _inputs):
        name = "_".join([one.node, *map(str, one.rounds)])
        forward = " ".join(edge.id for edge in rule.leaving[one.node] if not edge.feedback)
        return frozenset(chosen.get(name, forward).split())

    run = simulate(rule, choose, random.Random(order), blocks and (lambda *pair: blocks(rule, *pair)))
    assert settles(rule, choose, run)
    return {_show(one): {f"{edge} {_show(by)}" for edge, by in got} for one, got in run.inputs.items()}


def _show(one):
    return "@".join([one.node, ".".join(map(str, one.rounds))]).rstrip("@")


def test_a_join_gets_exactly_the_branches_that_were_taken():
    got = run_of("START>a a>b a>c a>d b>j c>j d>j j>END", a="a>b a>d")
    assert got["j"] == {"b>j b", "d>j d"}
    assert "c" not in got


def test_the_target_of_an_exit_runs_once_with_the_tokens_of_all_rounds():
    got = run_of("START>h h>x x<h h>side x>END side>END", x_0="x<h", x_1="x<h", x_2="x>END")
    assert got["side"] == {"h>side h@0", "h>side h@1", "h>side h@2"}
    assert got["END"] == {"side>END side", "x>END x@2"}


def test_two_headers_sent_back_together_run_in_the_same_round():
    got = run_of("START>h START>g h>x g>x x<h x<g x>END", x_0="x<h x<g", x_1="x<g")
    assert got["x@1"] == {"h>x h@1", "g>x g@1"}
    assert got["x@2"] == {"g>x g@2"}


def test_parallel_edges_carry_a_token_each():
    assert run_of("START>a a>b a>b' b>END")["b"] == {"a>b a", "a>b' a"}


def test_inner_rounds_begin_at_zero_in_each_outer_round():
    chosen = {"i_0_0": "i<i", "i_0_1": "i<o", "i_1_0": "i>END"}
    got = run_of("START>o o>i i<i i<o i>END", **chosen)
    assert set(got) == {"START", "o@0", "i@0.0", "i@0.1", "o@1", "i@1.0", "END"}


def test_a_path_that_stops_holds_nobody_back():
    assert run_of("START>a START>b a>j b>j j>END", a="")["j"] == {"b>j b"}


def test_a_rule_that_waits_for_nobody_is_found_out():
    def never(*_):
        return False

    with pytest.raises(BrokenRule, match="had begun"):
        run_of("START>a a>b b>c c>d d>j a>j j>END", order=0, blocks=never)


def test_a_rule_that_waits_for_everybody_who_shares_a_loop_is_found_out():
    def shortcut(rule, live, waiting):
        shared = set(rule.loops.nest[live.node]) & set(rule.loops.nest[waiting.node])
        return live != waiting and live.rounds[: len(shared)] <= waiting.rounds[: len(shared)]

    with pytest.raises(BrokenRule, match="deadlock"):
        run_of("START>slow slow>x START>h h>x x<h x>END", blocks=shortcut)


def test_the_check_of_a_run_rejects_a_missing_token_an_extra_run_and_another_choice():
    rule = Rule(read_graph("START>a START>b a>j b>j j>END"))
    every = {node: frozenset(edge.id for edge in leaving) for node, leaving in rule.leaving.items()}
    run = simulate(rule, lambda one, _: every[one.node], random.Random(0))
    assert settles(rule, lambda one, _: every[one.node], run)
    assert not settles(rule, lambda *_: frozenset(), run)
    run.inputs[at("j")] -= {next(iter(run.inputs[at("j")]))}
    assert not settles(rule, lambda one, _: every[one.node], run)
    del run.inputs[at("j")]
    assert not settles(rule, lambda one, _: every[one.node], run)


# --------------------------------------------------------------------------- any graph

seeds = st.integers(0, 1000)


@settings(max_examples=examples(10), deadline=None)
@given(graphs(), seeds, st.lists(seeds, min_size=1, max_size=3, unique=True))
def test_every_completion_order_gives_the_run_that_the_choices_lead_to(graph, seed, orders):
    rule = Rule(graph)
    choose = SeededChoice(rule, seed)
    runs = [simulate(rule, choose, random.Random(order)) for order in orders]
    assert all(run == runs[0] for run in runs)
    assert settles(rule, choose, runs[0])


@settings(max_examples=examples(10), deadline=None)
@given(graphs(), seeds, seeds)
def test_reading_the_same_rounds_to_the_letter_or_taking_them_in_turn_gives_the_same_run(graph, seed, order):
    rule = Rule(graph)
    choose = SeededChoice(rule, seed)
    run = simulate(rule, choose, random.Random(order))
    assert simulate(rule, choose, random.Random(order), rule.blocks_exactly) == run
    assert simulate(rule, choose, random.Random(order), rule.blocks_in_turn) == run


@settings(max_examples=examples(10), deadline=None)
@given(graphs(most=8), seeds, st.data())
def test_walking_further_rounds_finds_no_other_blocker(graph, seed, data):
    rule, patient = Rule(graph), Rule(graph, further=2)
    run = simulate(rule, SeededChoice(rule, seed), random.Random(0))
    known = st.sampled_from(sorted(run.inputs))
    for live, waiting in data.draw(st.lists(st.tuples(known, known), max_size=20)):
        assert rule.blocks(live, waiting) == patient.blocks(live, waiting)
        assert rule.blocks_exactly(live, waiting) == patient.blocks_exactly(live, waiting)


@settings(max_examples=examples(10), deadline=None)
@given(graphs(), seeds)
def test_what_may_start_is_no_later_round_of_a_node_that_must_wait_and_blocks_nothing_begun(graph, seed):
    rule = Rule(graph)
    choose, order = SeededChoice(rule, seed), random.Random(seed)
    state = State(rule, rule.blocks)
    while state.waiting:
        assume(len(state.finished) <= LONGEST)
        ready = state.ready()
        held = set(state.waiting) - set(ready)
        assert not any(one.node == late.node and one.rounds < late.rounds for one in held for late in ready)
        for one in ready:
            state.start(one)
            assert not any(rule.blocks(one, begun) for begun in [*state.running, *state.finished])
        done = order.choice(sorted(state.running))
        state.finish(done, choose(done, state.running[done]))


@settings(max_examples=examples(10), deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_declarations_changes_no_loop(graph, order):
    assert find_loops(graph.shuffled(order)) == find_loops(graph)


@settings(max_examples=examples(10), deadline=None)
@given(graphs())
def test_nests_are_chains_of_bodies_and_headers_lie_in_no_deeper_loop(graph):
    loops = find_loops(graph)
    assume(loops.bodies)
    for node, nest in loops.nest.items():
        assert set(nest) == {loop for loop, body in loops.bodies.items() if node in body}
        assert all(loops.bodies[inner] < loops.bodies[outer] for outer, inner in pairwise(nest))
    for loop, heads in loops.headers.items():
        assert heads
        assert all(loops.nest[head][-1] == loop for head in heads)


@settings(max_examples=examples(10), deadline=None)
@given(graphs())
def test_random_graphs_are_legal_and_joined_up(graph):
    assert graph.nodes.count(START) == graph.nodes.count(END) == 1
    assert not [edge for edge in graph.edges if edge.target == START or edge.source == END]
    for begin, ways in ((START, ("source", "target")), (END, ("target", "source"))):
        seen, fringe = set(), {begin}
        while fringe:
            seen |= fringe
            fringe = {getattr(e, ways[1]) for e in graph.edges if getattr(e, ways[0]) in fringe} - seen
        assert seen == set(graph.nodes)
