from backedge import END, START, Graph
from backedge.engine.render import stack
from backedge.engine.render.picture import Status
from backedge.engine.render.stacks import STACK_FROM

from .samples import Counts, fan_out, picture, ran


async def test_a_fan_out_of_a_thousand_is_one_stack_between_two_nodes():
    drawn = stack(picture(fan_out(1000)))
    assert [each.title for each in drawn.boxes] == ["START", "fork", "w0 … w999", "join", "END"]
    pile = drawn.boxes[2]
    assert len(pile.members) == 1000
    assert pile.traits == ("1,000 nodes", "inline")
    assert [(each.source, each.target, len(each.ids)) for each in drawn.arrows] == [
        ("START", "fork", 1),
        ("fork", "w0", 1000),
        ("w0", "join", 1000),
        ("join", "END", 1),
    ]


def test_a_few_nodes_are_drawn_one_by_one():
    few = picture(fan_out(STACK_FROM - 1))
    assert stack(few) is few
    assert len(stack(picture(fan_out(STACK_FROM))).boxes) == 5


async def test_what_failed_stands_apart_and_the_others_are_added_up():
    flow = fan_out(30, broken=20)
    drawn = stack(picture(flow, await ran(flow)))
    piles = {each.title: each for each in drawn.boxes}
    assert list(piles) == ["START", "fork", "w0 … w19", "w20", "w21 … w29", "join", "END"]
    done, stopped = piles["w0 … w19"], piles["w21 … w29"]
    assert done.status is Status.DONE
    assert (done.runs, done.seconds) == (20, 50.0)  # w0 to w9 take 2 s, the others 3 s
    assert done.figures == ("✓ done: all 20", "20× · 50 s", "slowest w10 3 s")
    assert len(done.details) == 20
    assert stopped.figures == ("■ stopped: all 9",)
    taken = {(each.source, each.target): each.taken for each in drawn.arrows}
    assert taken["fork", "w0"] == taken["w0", "join"] == 20
    assert taken["w20", "join"] == 0


async def test_many_failures_of_one_kind_are_a_stack_that_tells_why():
    flow = fan_out(12, broken=0)
    records = await ran(flow, resumes=2)
    pile = stack(picture(flow, records))
    assert pile.boxes[2].title == "w0"
    assert pile.boxes[2].failures == 3


async def test_equal_branches_of_several_nodes_stack_node_by_node():
    flow = fan_out(12, length=3, broken=4)
    assert [each.title for each in stack(picture(flow)).boxes] == [
        "START",
        "fork",
        "w0 … w11",
        "x0 … x11",
        "y0 … y11",
        "join",
        "END",
    ]
    apart = stack(picture(flow, await ran(flow)))
    assert {"w4", "x4", "y4"} <= {each.id for each in apart.boxes if len(each.members) == 1}


def test_nodes_that_differ_in_anything_shown_do_not_stack():
    def graph_with(**odd):
        graph = Graph(Counts)
        for number in range(20):
            options = odd if number == 7 else {}
            reads = (lambda inner: 1) if "reads" in odd and number == 7 else (lambda: 1)
            node = graph.node(
                reads, name=f"w{number}", **{k: v for k, v in options.items() if k not in ("reads", "when")}
            )
            graph.chain(START, node)
            graph.edge(node, END, when=(lambda: True) if "when" in options else None)
        return {each.id for each in stack(picture(graph.compile())).boxes if len(each.members) == 1}

    alone = {"START", "END"}
    assert graph_with() == alone
    for odd in ({"writes": "inner"}, {"inline": True}, {"timeout": 3}, {"reads": 1}, {"when": 1}):
        assert graph_with(**odd) == alone | {"w7"}, odd


def test_a_long_chain_of_equal_nodes_is_not_stacked():
    graph = Graph(Counts)
    nodes = [graph.node(lambda: None, name=f"n{number}", inline=True) for number in range(40)]
    graph.chain(START, *nodes, END)
    drawn = picture(graph.compile())
    assert stack(drawn) is drawn


def test_a_long_chain_does_not_keep_a_fan_out_from_being_stacked():
    graph = Graph(Counts)
    chain = [graph.node(lambda: None, name=f"n{number}", inline=True) for number in range(200)]
    wide = [graph.node(lambda: None, name=f"w{number}") for number in range(20)]
    graph.chain(START, *chain)
    for node in wide:
        graph.chain(chain[-1], node, END)
    assert "w0 … w19" in {each.title for each in stack(picture(graph.compile())).boxes}
