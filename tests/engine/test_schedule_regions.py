"""What runs for each arrival or item, where it is part of a subgraph or a map, or is looked at again."""

import asyncio
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, extend
from backedge.checkpoints import MemoryJournal
from backedge.engine.errors import RunFailedError
from backedge.engine.records import NodeFinished

from ..virtual import run_virtual


class Log(BaseModel):
    log: Annotated[list[str], extend] = []


class Urls(BaseModel):
    urls: list[int] = [1, 2]
    pages: list[int] = []


class Page(BaseModel):
    url: int
    page: int


def note(graph, name, **options):
    async def said() -> list[str]:
        return [name]

    return graph.node(said, name=name, writes="log", **options)


async def ids_of(flow):
    journal = MemoryJournal()
    await flow.run({}, journal=journal, run_id="run")
    return [str(it.activation) for it in await journal.read("run") if isinstance(it, NodeFinished)]


def fork_of_two(graph, **options):
    """Two nodes that lead to one that joins each."""
    a, b, each = note(graph, "a"), note(graph, "b"), note(graph, "n", join="each", **options)
    for node in (a, b):
        graph.edge(START, node)
        graph.edge(node, each)
    return each


def test_the_end_of_a_subgraph_joins_what_ran_for_each_arrival_in_it():
    inner, outer = Graph(Log), Graph(Log)
    inner.edge(fork_of_two(inner), END)
    outer.chain(START, outer.subgraph(inner, name="s"), note(outer, "after"), END)
    ids = run_virtual(ids_of(outer.compile()))
    assert sorted(ids) == sorted(["s", "s/a", "s/b", "s/n[s/a]", "s/n[s/b]", "s/END", "after"])


def test_a_subgraph_runs_for_each_arrival_however_its_nodes_join():
    inner, outer = Graph(Log), Graph(Log)
    x, y, j = note(inner, "x"), note(inner, "y"), note(inner, "j", join="first")
    for node in (x, y):
        inner.edge(START, node)
        inner.edge(node, j)
    inner.edge(j, END)
    outer.chain(fork_of_two(outer), outer.subgraph(inner, name="s"), END)
    ids = run_virtual(ids_of(outer.compile()))
    assert {it for it in ids if it.startswith(("s/j", "s/END"))} == {
        "s/j[a]",
        "s/j[b]",
        "s/END[a]",
        "s/END[b]",
    }


def adding(graph):
    async def worker(url: int, ctx: Context) -> int:
        if url < 10:
            ctx.add(url * 10)
        return url

    return worker


def test_items_that_an_instance_added_are_there_in_a_fork_from_its_record():
    graph = Graph(Urls)
    graph.chain(START, graph.map(adding(graph), name="w", over="urls", item="url", into="pages"), END)

    async def work():
        flow, journal = graph.compile(), MemoryJournal()
        await flow.run({}, journal=journal, run_id="run")
        records = await journal.read("run")
        return [(await flow.fork("run", at=it.seq, journal=journal)).state.pages for it in records[:-1]]

    assert run_virtual(work()) == [[1, 10, 2, 20]] * 7


def test_items_that_an_instance_added_are_there_though_its_routing_was_owed():
    graph, inner, broken = Graph(Urls), Graph(Page), [True]
    worker = inner.node(adding(inner), writes="page")

    def fine(page: int) -> bool:
        if broken and page == 1:
            raise ValueError("not yet")
        return True

    inner.edge(START, worker)
    inner.edge(worker, END, when=fine)
    graph.chain(START, graph.map(inner, name="w", over="urls", item="url", into="pages"), END)

    async def work():
        flow, journal = graph.compile(), MemoryJournal()
        with pytest.raises(RunFailedError):
            await flow.run({}, journal=journal, run_id="run")
        broken.clear()
        return (await flow.resume("run", journal=journal)).state.pages

    assert run_virtual(work()) == [1, 10, 2, 20]


def test_the_first_to_reach_the_end_of_a_subgraph_ends_that():
    inner, outer = Graph(Log, end="first"), Graph(Log)

    async def slow() -> list[str]:
        await asyncio.sleep(1)
        return ["slow"]

    for node in (note(inner, "quick"), inner.node(slow, writes="log")):
        inner.chain(START, node, END)
    outer.chain(START, outer.subgraph(inner, name="s"), note(outer, "after"), END)

    async def work():
        return (await outer.compile().run({})).state.log

    assert run_virtual(work()) == ["quick", "after"]
