"""Places that are lent: who gets the next one, in the rule and in a run."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge import END, START, Graph, GraphError, InputError, RunFailedError, RunInterruptedError
from backedge.checkpoints import MemoryJournal
from backedge.engine.execution.slots import Slots
from backedge.engine.shares import Pool, Share, apportion

from ..virtual import run_virtual
from .building import problems_of

NAMES = "abcd"


@st.composite
def pools(draw):
    """Shares and a total with a place for everybody: what compile() lets pass."""
    names = NAMES[: draw(st.integers(1, 4))]
    shares = {}
    for name in names:
        count = draw(st.integers(1, 4))
        least = draw(st.integers(0, count))
        most = draw(st.none() | st.integers(max(1, least), 6))
        shares[name] = Share(count, of="pool", least=least, most=most)
    kept = sum(share.least for share in shares.values())
    lowest = kept + any(share.least == 0 for share in shares.values())
    return shares, draw(st.integers(max(1, lowest), lowest + 5))


# ---------------------------------------------------------------------- the rule


def test_own_places_come_before_lent_ones_and_the_rest_goes_where_most_work_waits():
    counts = {"a": 2, "b": 2, "c": 2}
    assert apportion({"a": 9, "b": 5, "c": 1}, {}, counts, 6) == {"a": 3, "b": 2, "c": 1}
    assert apportion({"a": 9, "b": 5}, {}, counts, 6) == {"a": 4, "b": 2, "c": 0}
    assert apportion({"a": 9}, {}, counts, 6) == {"a": 6, "b": 0, "c": 0}


def test_what_was_lent_comes_back_first():
    counts = {"a": 2, "b": 2}
    assert apportion({"a": 9, "b": 9}, {"a": 3}, counts, 4) == {"a": 0, "b": 1}
    assert apportion({"a": 9, "b": 9}, {"a": 2, "b": 1}, counts, 4) == {"a": 0, "b": 1}


def test_what_is_kept_is_lent_to_nobody():
    counts = {"a": 2, "b": 2}
    assert apportion({"a": 9}, {}, counts, 4, least={"b": 1}) == {"a": 3, "b": 0}
    assert apportion({"a": 9}, {}, counts, 4, least=counts) == {"a": 2, "b": 0}, "a fixed split"


def test_places_that_no_share_has_are_for_whoever_has_most_work():
    assert apportion({"a": 3, "b": 7}, {}, {"a": 1, "b": 1}, 5) == {"a": 1, "b": 4}


def test_with_fewer_places_than_shares_they_are_handed_out_in_proportion():
    assert apportion({"a": 99, "b": 99}, {}, {"a": 8, "b": 4}, 6) == {"a": 4, "b": 2}


@given(st.data())
def test_apportioned_places_are_never_more_than_there_are_and_none_is_left_while_anybody_waits(data):
    names = NAMES[: data.draw(st.integers(1, 4))]
    numbers = {name: data.draw(st.integers(1, 4)) for name in names}
    total = data.draw(st.integers(1, 12))
    waiting = {name: data.draw(st.integers(0, 8)) for name in names}
    starts = apportion(waiting, {}, numbers, total)
    assert sum(starts.values()) == min(total, sum(waiting.values()))
    assert all(starts[name] <= waiting[name] for name in names)
    assert all(
        starts[name] >= min(waiting[name], numbers[name]) for name in names if sum(numbers.values()) <= total
    )


@given(pools(), st.lists(st.tuples(st.sampled_from(NAMES), st.booleans()), max_size=60))
def test_however_work_comes_and_goes_the_promises_of_a_pool_hold(drawn, events):
    shares, total = drawn
    slots = Slots({"pool": total}, shares)
    running = dict.fromkeys(shares, 0)
    waiting = dict.fromkeys(shares, 0)
    for name, comes in events:
        if name not in shares:
            continue
        if comes:
            if slots.acquire((name,)):
                running[name] += 1
            else:
                waiting[name] += 1
                slots.wait((name,), (0,), name)
        elif running[name]:
            running[name] -= 1
            lacking = [each for each in shares if waiting[each] and running[each] < shares[each].count]
            served = slots.release((name,))
            for who in served:
                running[who] += 1
                waiting[who] -= 1
            if lacking and served:
                assert served[0] in lacking, "own places come before lent ones"
        used = sum(running.values())
        assert used <= total
        for name, share in shares.items():
            assert share.most is None or running[name] <= share.most
            others = sum(max(0, shares[each].least - running[each]) for each in shares if each != name)
            full = share.most is not None and running[name] >= share.most
            assert not waiting[name] or full or used + others >= total, "no place is idle that it might have"
            assert total - used >= sum(max(0, each.least - running[n]) for n, each in shares.items()), "kept"


@given(pools(), st.randoms(use_true_random=False))
def test_nobody_starves_while_all_others_always_have_work(drawn, chance):
    shares, total = drawn
    patient, *others = shares
    pool, running = Pool(shares, total), []
    work = dict.fromkeys(others, 10**6)

    def fill():
        while (name := pool.next(work)) is not None:
            pool.take(name)
            running.append(name)

    fill()
    work[patient] = 1
    for _ in range(2 * total + 2 * len(shares)):
        fill()
        if patient in running:
            return
        pool.give(running.pop(0))  # what runs longest ends: everything ends some time
    raise AssertionError(f"{patient} waits for ever, {running} run")


def test_nobody_uses_more_than_is_said_though_places_are_free():
    shares = {"a": Share(1, of="pool", most=2), "b": Share(1, of="pool")}
    pool = Pool(shares, 5)
    for _ in range(2):
        assert pool.next({"a": 9}) == "a"
        pool.take("a")
    assert pool.next({"a": 9}) is None
    assert pool.next({"a": 9, "b": 1}) == "b"


def test_those_with_one_slot_between_them_take_turns():
    shares = {name: Share(1, of="pool") for name in "abc"}
    pool, order = Pool(shares, 1), []
    for _ in range(6):
        name = pool.next({"a": 100, "b": 10, "c": 1})
        order.append(name)
        pool.take(name)
        pool.give(name)
    assert order == ["a", "b", "c"] * 2


def test_a_share_together_with_other_slots_is_served_when_all_are_free():
    shares = {"a": Share(1, of="p"), "b": Share(1, of="p")}
    slots = Slots({"p": 2, "till": 1}, shares)
    assert slots.acquire(("a", "till"))
    slots.wait(("b", "till"), (0,), "with a till")
    slots.wait(("a",), (1,), "without")
    assert slots.serve() == ["without"], "a borrows, since b cannot start"
    assert slots.release(("a", "till")) == ["with a till"]


def test_whose_turn_it_is_goes_first_though_both_need_another_slot_too():
    slots = Slots({"p": 4, "till": 9}, {"a": Share(2, of="p"), "b": Share(2, of="p")})
    for number in range(4):
        slots.wait(("a", "till"), (number,), f"a{number}")
        slots.wait(("b", "till"), (9 + number,), f"b{number}")
    assert sorted(slots.serve()) == ["a0", "a1", "b0", "b1"]


def test_who_needs_shares_of_two_pools_is_not_kept_waiting_by_turns_that_cross():
    shares = {"a": Share(1, of="p"), "d": Share(1, of="p"), "b": Share(1, of="q"), "c": Share(1, of="q")}
    slots = Slots({"p": 1, "q": 1}, shares)
    assert slots.acquire(("a",))
    assert slots.acquire(("c",))
    slots.wait(("a", "b"), (1,), "first")
    slots.wait(("c", "d"), (2,), "second")
    assert slots.release(("a",)) == []
    assert slots.release(("c",)) in (["first"], ["second"])


# ---------------------------------------------------------------------- in a run


class Nothing(BaseModel):
    pass


def crew(tasks, slots, *, after_all=()):
    """Nodes of a second each, so many of each slot, and what was running when."""
    graph, now, most = Graph(Nothing, slots=slots), dict.fromkeys(tasks, 0), []

    def worker(slot):
        async def work() -> None:
            now[slot] += 1
            most.append(dict(now))
            await asyncio.sleep(1)
            now[slot] -= 1

        return work

    for slot, count in tasks.items():
        for number in range(count):
            graph.chain(START, graph.node(worker(slot), name=f"{slot}{number}", uses=slot), END)
    return graph, most


def seconds(graph, **options):
    async def timed():
        await graph.compile().run({}, **options)
        return asyncio.get_running_loop().time()

    return run_virtual(timed())


def test_what_one_does_not_use_another_does():
    lent, _ = crew({"a": 6, "b": 1}, {"a": Share(2, of="p"), "b": Share(2, of="p")})
    fixed, _ = crew({"a": 6, "b": 1}, {"a": Share(2, of="p", least=2), "b": Share(2, of="p", least=2)})
    assert (seconds(lent), seconds(fixed)) == (2, 3)


def test_those_that_come_together_get_their_own_places_whatever_their_order():
    graph, most = crew({"a": 20, "b": 2}, {"a": Share(3, of="p"), "b": Share(1, of="p")})
    seconds(graph)
    assert most[3] == {"a": 3, "b": 1}
    assert all(sum(each.values()) <= 4 for each in most)


def test_what_was_at_work_when_a_run_was_left_begins_again_with_everybody_in_their_own_places():
    def made(began):
        graph = Graph(Nothing, slots={"a": Share(1, of="p"), "b": Share(1, of="p")})

        def worker(name, seconds):
            async def work() -> None:
                began.append(name)
                await asyncio.sleep(seconds)

            return work

        for name in ("a0", "a1"):
            graph.chain(START, graph.node(worker(name, 9), name=name, uses="a"), END)
        first = graph.node(worker("first", 1), name="first")
        graph.chain(START, first, graph.node(worker("b0", 9), name="b0", uses="b"), END)
        return graph.compile()

    async def go():
        began, journal = [], MemoryJournal()
        with pytest.raises(RunInterruptedError):
            await made(began).run({}, journal=journal, run_id="r", deadline=2)
        assert began == ["first", "a0", "a1"], "b was lent when it had no work"
        again = []
        with pytest.raises(RunInterruptedError):
            await made(again).resume("r", journal=journal, deadline=2)
        assert again == ["a0", "b0"]

    run_virtual(go())


@pytest.mark.parametrize("between", ["inline", "inline twice", "fails", "subgraph", "works", "asks"])
def test_a_place_is_kept_for_what_comes_behind_something_that_does_no_work_of_its_own(between):
    graph, began = Graph(Nothing, slots={"a": Share(1, of="p"), "b": Share(1, of="p")}), {}

    def worker(name, seconds):
        async def work() -> None:
            began[name] = asyncio.get_running_loop().time()
            await asyncio.sleep(seconds)

        return work

    def step() -> None:
        if between == "fails":
            raise ValueError

    def handled() -> None: ...

    for number in range(4):
        graph.chain(START, graph.node(worker(f"a{number}", 9), name=f"a{number}", uses="a"), END)
    first, last = (graph.node(worker(name, 1), name=name, uses="b") for name in ("b0", "b1"))
    if between == "subgraph":
        inner = Graph(Nothing)
        inner.chain(START, inner.node(step, inline=True), END)
        way = [graph.subgraph(inner, name="inner")]
    elif between == "works":
        way = [graph.node(worker("work", 1), name="work")]
    elif between == "asks":
        way = [graph.node(step, inline=True, approve=True)]
    else:
        names = ["one", "two"] if between == "inline twice" else ["one"]
        way = [graph.node(step, name=name, inline=True) for name in names]
    if between == "fails":
        handler = graph.node(handled, inline=True)
        graph.on_error(way[-1], handler)
        graph.edge(handler, last)
    graph.chain(START, first, *way, last, END)

    async def go():
        await graph.compile().run({}, journal=MemoryJournal())

    run_virtual(go())
    lent = between in ("works", "asks")
    assert (began["b0"], began["a1"], began.get("b1", 9)) == ((0, 1, 9) if lent else (0, 2, 1))


def test_a_run_may_say_how_many_places_there_are_and_whose():
    def made():
        return crew({"a": 6, "b": 6}, {"a": Share(2, of="p"), "b": Share(2, of="p")})[0]

    assert seconds(made()) == 3
    assert seconds(made(), slots={"p": 6}) == 2
    assert seconds(made(), slots={"a": 4, "b": 4}) == 2
    kept = {"a": Share(2, of="p", least=2), "b": Share(2, of="p", least=2)}
    assert seconds(crew({"a": 6, "b": 6}, kept)[0], slots={"a": 1}) == 6, (
        "what it keeps is no more than it has"
    )
    with pytest.raises(InputError, match="slots=: no node uses 'x'"):
        seconds(made(), slots={"x": 1})


def test_a_run_may_not_have_fewer_places_than_are_kept():
    graph, _ = crew({"a": 1, "b": 1}, {"a": Share(2, of="p", least=2), "b": Share(1, of="p")})
    with pytest.raises(InputError, match="keep 2 for themselves, which leaves none for the others"):
        seconds(graph, slots={"p": 2})


def test_shares_that_cannot_be_are_problems_all_told_at_once():
    slots = {
        "a": Share(0, of="p"),
        "b": Share(1, of=""),
        "c": Share(1, of="p", least=2),
        "d": Share(2, of="p", most=0),
        "e": Share(True, of="p"),
    }
    assert problems_of(crew(dict.fromkeys("abcde", 1), slots)[0]) == [
        "slots=: the share of 'a' wants a whole number from 1 in count=, not 0",
        "slots=: the share of 'b' wants the name of a pool in of=, not ''",
        "slots=: the share of 'c' wants a whole number from 0 to its count, 1, in least=, not 2",
        "slots=: the share of 'd' wants a whole number from 1 in most=, or None, not 0",
        "slots=: the share of 'e' wants a whole number from 1 in count=, not True",
    ]


def test_a_pool_that_cannot_be_is_a_problem():
    kept = {"a": Share(2, of="p", least=2), "b": Share(1, of="p"), "p": 2}
    assert problems_of(crew({"a": 1, "b": 1}, kept)[0]) == [
        "slots=: pool 'p' has 2 places, but its shares keep 2 for themselves, which leaves none for the others; "
        "lower least=, or give it more places"
    ]
    used = crew({"a": 1, "p": 1}, {"a": Share(1, of="p")})[0]
    assert problems_of(used) == [
        "slots=: 'p' is a pool, so no node can use it, and it is no share; rename one of them"
    ]
    assert problems_of(crew({"a": 1}, {"a": Share(1, of="p"), "p": 0})[0]) == [
        "slots=: of 'p' there must be a whole number from 1, not 0"
    ]


def test_no_pool_is_called_like_the_threads():
    assert problems_of(crew({"a": 1}, {"a": Share(1, of="threads")})[0]) == [
        "slots=: no pool can be called 'threads', which are those of the run; rename it"
    ]


def test_a_node_that_uses_two_shares_of_one_pool_is_a_problem():
    graph, _ = crew({"a": 1, "b": 1}, {"a": Share(1, of="p"), "b": Share(1, of="p")})

    async def both() -> None: ...

    graph.chain(START, graph.node(both, uses=("a", "b")), END)
    assert problems_of(graph) == ["node 'both' uses 'a' and 'b', shares of one pool; let it use one of them"]


def test_nothing_is_begun_together_with_what_failed_at_once():
    graph, began = Graph(Nothing, slots={"a": Share(1, of="p"), "b": Share(1, of="p")}), []

    async def first() -> None: ...

    def bad() -> None:
        raise ValueError

    async def other() -> None:
        began.append("other")

    start = graph.node(first)
    graph.chain(START, start, graph.node(bad, inline=True, uses="a"), END)
    graph.chain(start, graph.node(other, uses="b"), END)

    async def go():
        with pytest.raises(RunFailedError):
            await graph.compile().run({}, journal=MemoryJournal())

    run_virtual(go())
    assert began == []


# ---------------------------------------------------------------------- slots of subgraphs


def test_the_slots_of_a_subgraph_hold_in_the_whole_graph():
    inner, _ = crew({"a": 4}, {"a": 1})
    outer = Graph(Nothing, name="outer")
    outer.chain(START, outer.subgraph(inner, name="inner"), END)
    assert seconds(outer) == 4
    assert seconds(outer, slots={"a": 2}) == 2


def test_the_graph_around_says_how_many_there_are():
    inner, _ = crew({"a": 4}, {"a": 1})
    outer = Graph(Nothing, name="outer", slots={"a": 4})
    outer.chain(START, outer.subgraph(inner, name="inner"), END)
    assert seconds(outer) == 1


def test_subgraphs_that_differ_in_how_many_there_are_are_a_problem():
    outer = Graph(Nothing, name="outer")
    for name, count in (("one", 1), ("two", 2)):
        outer.chain(START, outer.subgraph(crew({"a": 2}, {"a": count})[0], name=name), END)
    with pytest.raises(GraphError, match="subgraphs 'one' and 'two' differ in how many there are of 'a'"):
        outer.compile()
