"""Nodes that do not wait for all that is alive: each, first, so many, and what becomes of the rest."""

import asyncio
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import END, START, ActivationCancelled, Context, Graph, GraphError, extend
from backedge.checkpoints import MemoryJournal
from backedge.engine import records

from ..virtual import run_virtual
from .building import problem_of, problems_of


class Log(BaseModel):
    log: Annotated[list[str], extend] = []
    last: str = ""
    laps: int = 0


def node(graph, name, seconds=0.0, **options):
    async def work(ctx: Context) -> list[str]:
        await asyncio.sleep(seconds)
        return [str(ctx.activation)]

    return graph.node(work, name=name, writes="log", **options)


async def finished(journal, run_id="r"):
    return [
        str(each.activation) for each in await journal.read(run_id) if isinstance(each, records.NodeFinished)
    ]


def ran(graph, **options):
    """What a run of the graph left behind: its state, what finished in order, and how long it took."""
    flow = graph.compile()

    async def go():
        journal, begun = MemoryJournal(), asyncio.get_running_loop().time()
        result = await flow.run({}, journal=journal, run_id="r", **options)
        seconds = asyncio.get_running_loop().time() - begun
        assert await flow.replay("r", journal=journal, verify="conditions", rerun="all")
        return result.state, await finished(journal), seconds

    return run_virtual(go())


def race(join, rest="drop", seconds=(3, 1, 2)):
    """Three branches to one join, and on."""
    graph = Graph(Log)
    meet = node(graph, "meet", join=join, rest=rest)
    for name, each in zip("abc", seconds, strict=True):
        graph.chain(START, node(graph, name, each), meet)
    graph.chain(meet, node(graph, "after"), END)
    return graph


def test_the_first_runs_at_the_first_arrival_and_the_others_are_dropped():
    state, order, seconds = ran(race("first"))
    assert state.log == ["b", "meet", "after"]
    assert order == ["b", "meet", "after", "c", "a"]
    assert seconds == 3  # they are let run on, for what else they may do


def test_so_many_are_enough():
    state, order, _ = ran(race(2))
    assert state.log == ["b", "c", "meet", "after"]
    assert order[:3] == ["b", "c", "meet"]


def test_with_fewer_left_than_are_needed_it_runs_with_those():
    graph = race(3)

    @graph.node(may_stop=True)
    def stops() -> None: ...

    graph.edge(START, stops)
    graph.edge(stops, END, when=lambda laps: laps > 5)
    alive = Graph(Log)
    meet = node(alive, "meet", join=2)
    chosen, other = node(alive, "chosen", 1), node(alive, "other", 1)
    alive.edge(START, chosen)
    alive.edge(START, other, when=lambda laps: laps > 0)
    alive.chain(chosen, meet, END)
    alive.edge(other, meet)
    assert ran(alive)[0].log == ["chosen", "meet"]


def test_what_could_only_lead_to_a_spent_join_is_cancelled_on_demand():
    state, order, seconds = ran(race("first", "cancel"))
    assert (state.log, order, seconds) == (["b", "meet", "after"], ["b", "meet", "after"], 1)


def test_what_leads_elsewhere_too_is_not_cancelled():
    graph = race("first", "cancel")
    graph.edge(next(n for n in graph._nodes.things.values() if n.name == "a"), END)
    state, order, _ = ran(graph)
    assert "a" in order
    assert "c" not in order
    assert sorted(state.log) == ["a", "after", "b", "meet"]


def test_each_runs_once_for_each_arrival_and_so_does_what_follows_until_the_end():
    state, order, _ = ran(race("each"))
    assert state.log == [*"abc", *[name for each in "abc" for name in (f"meet[{each}]", f"after[{each}]")]]
    assert order == ["b", "meet[b]", "after[b]", "c", "meet[c]", "after[c]", "a", "meet[a]", "after[a]"]


def test_an_ordinary_join_that_says_so_closes_what_runs_for_each():
    graph = Graph(Log)
    each, whole = node(graph, "each", join="each"), node(graph, "whole", join="all")
    for name, seconds in (("a", 2), ("b", 1)):
        graph.chain(START, node(graph, name, seconds), each)
    graph.chain(each, whole, END)
    assert ran(graph)[1] == ["b", "each[b]", "a", "each[a]", "whole"]


def test_branches_within_what_runs_for_each_meet_for_each():
    graph = Graph(Log)
    each, left, right, join = (
        node(graph, "each", join="each"),
        node(graph, "left", 1),
        node(graph, "right", 5),
        node(graph, "join"),
    )
    for name, seconds in (("a", 2), ("b", 1)):
        graph.chain(START, node(graph, name, seconds), each)
    graph.chain(each, left, join, END)
    graph.chain(each, right, join)
    order = ran(graph)[1]
    assert [name for name in order if name.startswith("join")] == ["join[b]", "join[a]"]


def test_plain_fields_that_each_wrote_come_from_the_last_in_order():
    graph = Graph(Log)

    @graph.node(writes="last", join="each")
    async def each(ctx: Context) -> str:
        return str(ctx.activation)

    for name, seconds in (("a", 2), ("b", 1)):
        graph.chain(START, node(graph, name, seconds), each)
    graph.edge(each, END)
    assert ran(graph)[0].last == "each[b]"


def test_in_a_loop_a_join_is_new_in_each_round_though_the_last_one_is_not_over():
    graph = Graph(Log)
    head, slow, fast = node(graph, "head"), node(graph, "slow", 10), node(graph, "fast", 1)

    @graph.node(writes="laps", join="first")
    async def meet(laps: int) -> int:
        return laps + 1

    graph.chain(START, head, slow, meet)
    graph.chain(head, fast, meet)
    graph.feedback(meet, head, when=lambda laps: laps < 3, limit=5)
    graph.edge(meet, END, when=lambda laps: laps >= 3)
    state, order, seconds = ran(graph)
    assert state.laps == 3
    assert [name for name in order if name.startswith("meet")] == ["meet@0", "meet@1", "meet@2"]
    assert seconds == 12
    assert order.index("meet@2") < order.index("slow@0")


def test_a_join_that_waits_lets_its_next_round_begin_when_all_of_the_last_have_come():
    graph = Graph(Log)
    head, slow, fast = node(graph, "head"), node(graph, "slow", 10), node(graph, "fast", 1)

    @graph.node(writes="laps", join="first", rest="wait")
    async def meet(laps: int) -> int:
        return laps + 1

    graph.chain(START, head, slow, meet)
    graph.chain(head, fast, meet)
    graph.feedback(meet, head, when=lambda laps: laps < 2, limit=5)
    graph.edge(meet, END, when=lambda laps: laps >= 2)
    _, order, _ = ran(graph)
    assert order.index("meet@0") < order.index("slow@0") < order.index("meet@1")


def test_the_first_to_reach_the_end_may_end_the_run():
    graph = Graph(Log, end="first")
    for name, seconds in (("a", 30), ("b", 1)):
        graph.chain(START, node(graph, name, seconds), node(graph, f"{name}2"), END)
    state, order, seconds = ran(graph)
    assert (state.log, order, seconds) == (["b", "b2"], ["b", "b2"], 1)


def test_those_who_watch_are_told_what_was_cancelled():
    flow = race("first", "cancel").compile()

    async def watch():
        async with flow.start() as run:
            return [
                str(event.activation)
                async for event in run.events()
                if isinstance(event, ActivationCancelled)
            ]

    assert sorted(run_virtual(watch())) == ["a", "c"]


# ------------------------------------------------------------------ cancelling


def test_a_node_cancels_what_is_alive_of_others_when_it_has_finished():
    graph = Graph(Log)
    slow, after, timer, join = (
        node(graph, "slow", 50),
        node(graph, "after"),
        node(graph, "timer", 1),
        node(graph, "join"),
    )
    graph.chain(START, slow, after, join, END)
    graph.chain(START, timer, join)
    graph.cancel(timer, slow, after)
    state, order, seconds = ran(graph)
    assert (state.log, order, seconds) == (["timer", "join"], ["timer", "join"], 1)


def test_what_was_finished_before_stays():
    graph = Graph(Log)
    quick, slow, timer, join = (
        node(graph, "quick"),
        node(graph, "slow", 50),
        node(graph, "timer", 1),
        node(graph, "join"),
    )
    graph.chain(START, quick, join, END)
    graph.chain(START, slow, join)
    graph.chain(START, timer, join)
    graph.cancel(timer, quick, slow)
    assert ran(graph)[0].log == ["quick", "timer", "join"]


@pytest.mark.parametrize("laps", [0, 1])
def test_a_condition_says_whether_it_is_cancelled(laps):
    graph = Graph(Log)
    slow, timer, join = node(graph, "slow", 5), node(graph, "timer", 1), node(graph, "join")
    graph.chain(START, slow, join, END)
    graph.chain(START, timer, join)
    graph.cancel(timer, slow, when=lambda log: len(log) > laps)
    assert ("slow" in ran(graph)[1]) is (laps == 1)


def test_only_the_same_round_is_cancelled():
    graph = Graph(Log)
    head, slow, quick, join = (
        node(graph, "head"),
        node(graph, "slow", 5),
        node(graph, "quick", 1),
        node(graph, "join"),
    )
    graph.chain(START, head, slow, join)
    graph.chain(head, quick, join)
    graph.feedback(join, head, when=lambda log: "quick@0" in log and len(log) < 5, limit=1)
    graph.edge(join, END, when=lambda log: len(log) >= 5)
    graph.cancel(quick, slow, when=lambda log: log.count("head@1") == 0)
    _, order, _ = ran(graph)
    assert [name for name in order if name.startswith("slow")] == ["slow@1"]


def test_a_node_that_waits_for_a_signal_can_be_cancelled():
    graph = Graph(Log)

    @graph.node(writes="log")
    async def waits(ctx: Context) -> list[str]:
        await ctx.receive("never")
        return []

    timer, join = node(graph, "timer", 1), node(graph, "join")
    graph.chain(START, waits, join, END)
    graph.chain(START, timer, join)
    graph.cancel(timer, waits)
    assert ran(graph)[0].log == ["timer", "join"]


def test_a_node_that_waits_for_a_slot_can_be_cancelled():
    graph = Graph(Log)
    holds, queued, timer, join = (
        node(graph, "holds", 9, uses="till"),
        node(graph, "queued", 1, uses="till"),
        node(graph, "timer", 1),
        node(graph, "join"),
    )
    for each in (holds, queued, timer):
        graph.chain(START, each, join)
    graph.edge(join, END)
    graph.cancel(timer, queued)
    assert sorted(ran(graph, slots={"till": 1})[1]) == ["holds", "join", "timer"]


# ------------------------------------------------------------------ what compiling says


def test_a_join_for_several_that_one_edge_leads_to_is_a_problem():
    graph = Graph(Log)
    graph.chain(START, node(graph, "a"), node(graph, "b", join="first"), END)
    assert problem_of(graph) == (
        "node 'b': join='first' is for several arrivals in one round, but 1 edge leads there; drop join=, or lead "
        "more edges to it"
    )


def test_a_join_that_needs_more_than_can_come_is_a_problem():
    assert "join=4 is for several arrivals in one round, but 3 edges lead there" in problem_of(race(4))


def test_cancelling_what_is_over_by_then_or_comes_after_is_a_problem():
    graph = Graph(Log)
    a, b, c = node(graph, "a"), node(graph, "b"), node(graph, "c")
    graph.chain(START, a, b, c, END)
    graph.cancel(b, a)
    graph.cancel(b, c)
    assert problems_of(graph) == [
        "edge b->a!cancel: 'b' runs only when 'a' is over, so there is nothing to cancel; drop it",
        "edge b->c!cancel: 'c' runs only after 'b' has finished, so there is nothing to cancel; drop it",
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"join": "some"}, 'join= wants "all", "each", "first" or how many are enough, not \'some\''),
        ({"join": 0}, "join= wants how many arrivals are enough, a whole number from 1, not 0"),
        ({"join": True}, "join= wants how many arrivals are enough"),
        ({"rest": "cancel"}, "rest='cancel' says what comes too late, and nothing does"),
        ({"rest": "later", "join": 2}, 'rest= wants "drop", "cancel" or "wait", not'),
    ],
)
def test_options_that_cannot_be_meant_are_told(options, told):
    graph = Graph(Log)
    meet = node(graph, "meet", **options)
    for name in "ab":
        graph.chain(START, node(graph, name), meet)
    graph.edge(meet, END)
    assert told in problem_of(graph)


def test_a_graph_ends_with_all_or_with_the_first():
    with pytest.raises(GraphError, match='end= wants "all" or "first", not 2'):
        Graph(Log, end=2)


def test_a_field_that_only_some_arrivals_bring_may_be_unset_behind_a_join_of_the_first():
    class Bare(BaseModel):
        text: str

    def graph_of(join):
        graph = Graph(Bare)

        @graph.node(writes="text")
        def writes() -> str:
            return ""

        @graph.node
        def idle() -> None: ...

        @graph.node(join=join)
        def reads(text: str) -> None: ...

        graph.chain(START, writes, reads, END)
        graph.chain(START, idle, reads)
        return graph

    graph_of("all").compile()
    for join in ("first", "each"):
        assert "node 'reads' reads 'text', which may be unset" in problem_of(graph_of(join))


def test_what_runs_for_each_must_not_send_arrivals_of_its_own_back():
    graph = Graph(Log)
    each = node(graph, "each", join="each")
    for name in "ab":
        graph.chain(START, node(graph, name), each)
    graph.feedback(each, each, when=lambda laps: laps < 3, limit=4)
    graph.edge(each, END, when=lambda laps: laps >= 3)
    assert "node 'each': join='each' runs anew for each arrival, and feedback edge each->each comes from" in (
        problem_of(graph)
    )


def test_an_error_edge_is_no_other_way_for_what_a_join_has_no_need_of():
    graph = race("first", "cancel")
    nodes = {each.name: each for each in graph._nodes.things.values()}

    @graph.node
    async def rescue(error: ValueError) -> None: ...

    for name in "abc":
        graph.on_error(nodes[name], rescue, error=ValueError)
    graph.edge(rescue, END)
    _, order, seconds = ran(graph)
    assert (order, seconds) == (["b", "meet", "after"], 1)
