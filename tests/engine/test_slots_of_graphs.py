"""Slots that a graph says there are, whatever its runs say."""

import asyncio

from pydantic import BaseModel

from backedge import END, START, Graph

from ..virtual import run_virtual
from .building import problems_of


class Nothing(BaseModel):
    pass


def sharing(slots):
    graph = Graph(Nothing, slots=slots)
    for name in "abc":

        async def work() -> None:
            await asyncio.sleep(1)

        graph.chain(START, graph.node(work, name=name, uses="till"), END)
    return graph


def seconds(flow, **options):
    async def timed():
        await flow.run({}, **options)
        return asyncio.get_running_loop().time()

    return run_virtual(timed())


def test_nodes_that_use_the_only_slot_exclude_each_other_though_the_run_says_nothing():
    assert seconds(sharing({"till": 1}).compile()) == 3


def test_a_run_may_say_that_there_are_more():
    assert seconds(sharing({"till": 1}).compile(), slots={"till": 3}) == 1


def test_without_a_word_there_is_no_limit():
    assert seconds(sharing(None).compile()) == 1


def test_slots_that_nobody_uses_and_numbers_that_are_none_are_problems():
    assert problems_of(sharing({"till": 0, "other": 1})) == [
        "slots=: of 'till' there must be a whole number from 1, not 0",
        "slots= names 'other', which no node uses; add uses= to a node, or drop it",
    ]
