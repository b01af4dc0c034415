"""Functions and graphs that run once for each item of a list."""

import asyncio
from typing import Annotated

import pytest
import tenacity
from pydantic import BaseModel

from backedge import (
    END,
    START,
    Context,
    Graph,
    GraphError,
    InputError,
    ItemError,
    RunFailedError,
    RunStatus,
    extend,
)
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import ActivationCancelled, NodeFinished, RunEnded

from ..virtual import run_virtual
from .building import problem_of, problems_of


class Crawl(BaseModel):
    urls: list[str] = ["a", "b", "c"]
    pages: list[str] = []
    mixed: list[str | ItemError] = []
    every: Annotated[list[str], extend] = []
    need: int = 2
    rounds: int = 0


def crawl(body, **options):
    graph = Graph(Crawl)
    fetch = graph.map(body, **{"over": "urls", "item": "url", "into": "pages", "name": "fetch", **options})
    graph.chain(START, fetch, END)
    return graph


async def upper(url: str) -> str:
    return url.upper()


async def slower_first(url: str) -> str:
    await asyncio.sleep(100 - ord(url[0]))
    return url.upper()


async def ids(journal, run_id="r", kind=NodeFinished):
    return [str(each.activation) for each in await journal.read(run_id) if isinstance(each, kind)]


def test_results_are_in_the_order_of_the_items_whichever_is_there_first():
    assert run_virtual(crawl(slower_first).compile().run()).state.pages == ["A", "B", "C"]


async def test_no_items_give_no_results_and_it_goes_on():
    result = await crawl(upper).compile().run({"urls": []})
    assert (result.status, result.state.pages) == (RunStatus.COMPLETED, [])


async def test_items_may_come_from_a_function_of_fields_and_others_are_parameters_too():
    async def fetch(url: str, rounds: int) -> str:
        return f"{url}{rounds}"

    def some(urls: list[str]) -> list[str]:
        return urls[1:]

    result = await crawl(fetch, over=some).compile().run({"rounds": 7})
    assert result.state.pages == ["b7", "c7"]


async def test_results_extend_a_field_that_has_a_reducer():
    result = await crawl(upper, into="every").compile().run({"every": ["z"]})
    assert result.state.every == ["z", "A", "B", "C"]


async def test_in_a_loop_each_round_has_its_own_results_and_ids():
    graph, journal = Graph(Crawl), MemoryJournal()
    fetch = graph.map(upper, over="urls", item="url", into="pages", name="fetch")

    @graph.node(writes=("rounds", "urls"))
    def again(rounds: int, pages: list[str]):
        return {"rounds": rounds + 1, "urls": [f"{page}{rounds}" for page in pages[:2]]}

    graph.chain(START, fetch, again)
    graph.feedback(again, fetch, when=lambda rounds: rounds < 2, limit=3)
    graph.edge(again, END, when=lambda rounds: rounds >= 2)
    result = await graph.compile().run(journal=journal, run_id="r")
    assert result.state.pages == ["A0", "B0"]
    assert [name for name in await ids(journal) if name.startswith("fetch@")] == [
        "fetch@0[0]",
        "fetch@0[1]",
        "fetch@0[2]",
        "fetch@1[0]",
        "fetch@1[1]",
    ]


async def test_an_instance_may_add_items_and_their_results_come_behind_its_own():
    async def fetch(url: str, ctx: Context) -> str:
        if url == "b":
            ctx.add("b1", "b2")
        if url == "b1":
            ctx.add("b1x")
        return url.upper()

    journal = MemoryJournal()
    result = await crawl(fetch).compile().run(journal=journal, run_id="r")
    assert result.state.pages == ["A", "B", "B1", "B1X", "B2", "C"]
    assert {"fetch[1.0]", "fetch[1.1]", "fetch[1.0.0]"} < set(await ids(journal))


async def test_what_a_failed_attempt_added_does_not_count():
    tried = []

    async def fetch(url: str, ctx: Context) -> str:
        if url == "b":
            ctx.add(f"b{ctx.attempt}")
            tried.append(ctx.attempt)
            if ctx.attempt == 1:
                raise ValueError
        return url

    twice = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(2))
    result = await crawl(fetch, retry=twice).compile().run()
    assert (result.state.pages, tried) == (["a", "b", "b2", "c"], [1, 2])


async def test_adding_items_outside_of_a_map_says_so():
    graph = Graph(Crawl)

    @graph.node
    async def alone(ctx: Context) -> None:
        ctx.add("x")

    graph.chain(START, alone, END)
    with pytest.raises(RunFailedError, match="alone adds an item, but it is in no map"):
        await graph.compile().run()


async def test_an_item_that_does_not_fit_is_told_where_it_is_added():
    async def fetch(url: str, ctx: Context) -> str:
        ctx.add(3)
        return url

    with pytest.raises(RunFailedError, match=r"fetch\[0\]"):
        await crawl(fetch).compile().run({"urls": ["a"]})


# ------------------------------------------------------------------ errors


async def fails_at_b(url: str) -> str:
    if url == "b":
        raise ValueError("no b")
    return url.upper()


async def test_an_item_that_fails_fails_the_run_which_goes_on_with_it_alone():
    broken, ran, journal = [True], [], MemoryJournal()

    async def fetch(url: str) -> str:
        ran.append(url)
        if url == "b" and broken[0]:
            raise ValueError("no b")
        return url.upper()

    flow = crawl(fetch).compile()
    with pytest.raises(RunFailedError, match=r"fetch\[1\]: ValueError: no b"):
        await flow.run(journal=journal, run_id="r")
    broken[0] = False
    assert (await flow.resume("r", journal=journal)).state.pages == ["A", "B", "C"]
    assert ran == ["a", "b", "c", "b"]


async def test_errors_are_collected_in_the_place_of_results():
    flow = crawl(fails_at_b, into="mixed", errors="collect").compile()
    journal = MemoryJournal()
    result = await flow.run(journal=journal, run_id="r")
    error = ItemError(type="ValueError", message="no b")
    assert result.state.mixed == ["A", error, "C"]
    assert await flow.replay("r", journal=journal, verify="conditions")


async def test_the_error_of_a_map_is_led_on_and_its_other_instances_are_cancelled():
    graph, journal = Graph(Crawl), MemoryJournal()

    async def body(url: str) -> str:
        await asyncio.sleep(0 if url == "b" else 100)
        return await fails_at_b(url)

    fetch = graph.map(body, over="urls", item="url", into="pages", name="fetch")

    @graph.node(writes="every")
    async def rescue(error: ValueError) -> list[str]:
        return [str(error)]

    graph.chain(START, fetch, END)
    graph.on_error(fetch, rescue, error=ValueError)
    graph.edge(rescue, END)
    result = await graph.compile().run(journal=journal, run_id="r")
    assert result.state.every == ["no b"]
    assert sorted(await ids(journal, kind=ActivationCancelled)) == ["fetch[0]", "fetch[2]"]


# ------------------------------------------------------------------ joins


async def by_letter(url: str) -> str:
    await asyncio.sleep(ord(url[0]))
    return url.upper()


@pytest.mark.parametrize(
    ("join", "kept"),
    [("first", ["A"]), (2, ["A", "B"]), (9, ["A", "B", "C"]), ("none", []), (lambda need: need, ["A", "B"])],
)
@pytest.mark.parametrize("rest", ["drop", "cancel"])
def test_a_map_goes_on_with_as_many_results_as_it_was_told(join, kept, rest):
    ran = []

    async def body(url: str) -> str:
        found = await by_letter(url)
        ran.append(found)
        return found

    flow, journal = crawl(body, join=join, rest=rest).compile(), MemoryJournal()

    async def timed():
        result = await flow.run({"urls": ["c", "b", "a"]}, journal=journal, run_id="r")
        assert await flow.replay("r", journal=journal, verify="conditions")
        return result

    assert run_virtual(timed()).state.pages == kept[::-1]
    assert ran == (["A", "B", "C"] if rest == "drop" else [*kept])


def test_a_map_that_was_stopped_between_its_join_and_the_stop_of_the_rest_goes_on():
    flow = crawl(by_letter, join="first", rest="cancel").compile()

    async def check():
        whole = MemoryJournal()
        await flow.run(journal=whole, run_id="r")
        records = await whole.read("r")
        assert len([each for each in records if isinstance(each, ActivationCancelled)]) == 2
        for count in range(1, len(records)):
            journal = MemoryJournal()
            log = await journal.create(await whole.header("r"), *records[:count])
            await log.release()
            result = await flow.resume("r", journal=journal)
            assert result.state.pages == ["A"]
            ended = await ids(journal)
            assert len(ended) == len(set(ended))
            assert isinstance((await journal.read("r"))[-1], RunEnded)

    run_virtual(check())


# ------------------------------------------------------------------ graphs for items


class Page(BaseModel):
    url: str
    text: str = ""
    links: Annotated[list[str], extend] = []


def reading(**options):
    inner = Graph(Page, name="page")

    @inner.node(writes="links")
    async def load(url: str, ctx: Context) -> list[str]:
        if url == "b":
            ctx.add("bb")
        await asyncio.sleep(1)
        return [f"{url}!"]

    @inner.node(writes="text")
    async def read(links: list[str]) -> str:
        await asyncio.sleep(1)
        return ",".join(links)

    inner.chain(START, load, read, END)
    return crawl(inner, result="text", **options)


def test_a_graph_runs_for_each_item_with_a_state_of_its_own():
    async def check():
        flow, journal = reading().compile(), MemoryJournal()
        result = await flow.run(journal=journal, run_id="r")
        assert result.state.pages == ["a!", "b!", "bb!", "c!"]
        assert {"fetch[0]", "fetch/load[0]", "fetch/read[1.0]", "fetch/END[2]"} < set(await ids(journal))
        assert await flow.replay("r", journal=journal, verify="conditions", rerun="all")

    run_virtual(check())


def test_no_more_items_than_told_are_worked_on_at_once():
    async def check():
        begun = asyncio.get_running_loop().time()
        await reading(concurrency=2).compile().run({"urls": list("wxyz")})
        return asyncio.get_running_loop().time() - begun

    assert run_virtual(check()) == 4


async def test_maps_of_maps_have_a_coordinate_for_each():
    class Row(BaseModel):
        row: list[int]
        doubled: list[int] = []

    class Table(BaseModel):
        rows: list[list[int]]
        out: list[list[int]] = []

    inner, graph, journal = Graph(Row, name="row"), Graph(Table), MemoryJournal()

    @inner.map(over="row", item="cell", into="doubled", inline=True)
    def double(cell: int) -> int:
        return 2 * cell

    inner.chain(START, double, END)
    rows = graph.map(inner, over="rows", item="row", into="out", result="doubled", name="rows")
    graph.chain(START, rows, END)
    result = await graph.compile().run({"rows": [[1, 2], [], [3]]}, journal=journal, run_id="r")
    assert result.state.out == [[2, 4], [], [6]]
    assert "rows/double[2][0]" in await ids(journal)


# ------------------------------------------------------------------ what compiling says


def test_a_map_over_what_is_no_list_is_a_problem():
    async def fetch(url: int) -> str:
        return ""

    assert problems_of(crawl(fetch, over="need"))[0] == (
        "map 'fetch': over= names 'need', which is int; a map goes over a list"
    )
    assert (
        "over= names 'nothing', which is no field of the state"
        in problems_of(crawl(upper, over="nothing"))[0]
    )
    assert "into= names 'need', which takes int; the results are a list" in problem_of(
        crawl(upper, into="need")
    )


def test_an_item_that_its_parameter_does_not_take_is_a_problem():
    async def fetch(url: int) -> str:
        return ""

    assert "node 'fetch': parameter 'url' is annotated int, but the field is str" in problem_of(crawl(fetch))


def test_a_result_that_its_field_does_not_take_is_a_problem():
    async def fetch(url: str) -> int:
        return 1

    assert "node 'fetch' returns int" in problem_of(crawl(fetch))


def test_options_of_functions_on_a_map_of_graphs_are_problems():
    told = problems_of(reading(timeout=3))
    assert told == ["map 'fetch': timeout= is for functions; give it to nodes of the graph that it runs"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"over": 3}, "over= wants a field, or a function"),
        ({"item": 3}, "item= wants the name of the parameter"),
        ({"into": 3}, "into= wants the field"),
        ({"join": 0}, "join= wants"),
        ({"join": "some"}, "join= wants"),
        ({"rest": "cancel"}, 'rest="cancel" says what becomes'),
        ({"rest": "wait"}, 'rest= wants "drop" or "cancel"'),
        ({"errors": "ignore"}, 'errors= wants "fail" or "collect"'),
    ],
)
def test_what_cannot_be_meant_is_refused_on_the_spot(options, told):
    with pytest.raises(GraphError, match=told.replace("(", r"\(")):
        crawl(upper, **options)


def test_what_is_no_body_is_refused_on_the_spot():
    with pytest.raises(
        GraphError, match="a map is made of a function or a graph that gets an item, not of 3"
    ):
        crawl(3)


def test_inputs_of_a_map_are_those_of_the_graph():
    class Bare(BaseModel):
        urls: list[str]
        pages: list[str]

    graph = Graph(Bare)
    graph.chain(START, graph.map(upper, over="urls", item="url", into="pages"), END)
    flow = graph.compile()
    assert flow.inputs == {"urls": list[str]}
    with pytest.raises(InputError):
        flow.run_sync({})


# ------------------------------------------------------------------ instances are activations like any


async def test_each_instance_asks_for_itself_and_what_it_did_before_is_not_done_again():
    looked = []

    def look(url: str) -> str:
        looked.append(url)
        return url.upper()

    async def fetch(url: str, ctx: Context) -> str:
        found = await ctx.step("look", look, url)
        return found + await ctx.ask(f"And {url}?")

    flow, journal = crawl(fetch).compile(), MemoryJournal()
    resting = await flow.run(journal=journal, run_id="r")
    assert {question.activation for question in resting.questions} == {"fetch[0]", "fetch[1]", "fetch[2]"}
    resting = await flow.resume("r", journal=journal, answers={"fetch[1]": "!"})
    assert {question.activation for question in resting.questions} == {"fetch[0]", "fetch[2]"}
    result = await flow.resume("r", journal=journal, answers={"fetch[0]": "?", "fetch[2]": "."})
    assert result.state.pages == ["A?", "B!", "C."]
    assert sorted(looked) == ["a", "b", "c"]


async def test_one_item_can_be_edited_in_a_fork():
    flow, journal = crawl(upper).compile(), MemoryJournal()
    await flow.run(journal=journal, run_id="r")
    fork = await flow.fork("r", journal=journal, before="fetch[1]", edit={"fetch[item]": "z"}, run_id="f")
    assert fork.state.pages == ["A", "Z", "C"]
    told = await flow.diff("r", "f", journal=journal)
    assert "fetch[1]" in str(told)


async def test_an_interrupted_map_goes_on_with_what_is_left():
    ran, gate = [], asyncio.Event()

    async def fetch(url: str) -> str:
        ran.append(url)
        if url != "a":
            await gate.wait()
        return url.upper()

    flow, journal = crawl(fetch).compile(), MemoryJournal()
    async with flow.start(journal=journal, run_id="r") as run:  # leaving it interrupts
        async for event in run.events():
            if str(getattr(event, "activation", "")) == "fetch[0]" and hasattr(event, "taken"):
                break
    gate.set()
    assert (await flow.resume("r", journal=journal)).state.pages == ["A", "B", "C"]
    assert sorted(ran) == ["a", "b", "b", "c", "c"]
