"""Nodes that say themselves where to go on, and sagas, which are edges that somebody else drew."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel

from backedge import END, START, Goto, Graph, GraphError, RunFailedError, extend
from backedge.checkpoints import MemoryJournal

from .building import problem_of, problems_of


class Asked(BaseModel):
    question: str = ""
    answer: str = ""
    log: Annotated[list[str], extend] = []


def node(graph, name):
    async def work() -> list[str]:
        return [name]

    return graph.node(work, name=name, writes="log")


def routing(triage, *names, **options):
    graph = Graph(Asked)
    router = graph.node(triage, name="triage", **options)
    graph.edge(START, router)
    for name in names:
        graph.chain(router, node(graph, name), END)
    return graph, router


async def by_question(question: str) -> Goto[Literal["search", "ask"]]:
    return Goto(*question.split(","))


@pytest.mark.parametrize("question", ["search", "ask", "search,ask"])
async def test_exactly_the_edges_to_what_is_named_are_taken(question):
    graph, _ = routing(by_question, "ask", "search")
    flow, journal = graph.compile(), MemoryJournal()
    result = await flow.run({"question": question}, journal=journal, run_id="r")
    assert sorted(result.state.log) == sorted(question.split(","))
    assert await flow.replay("r", journal=journal, verify="conditions", rerun="all")


async def test_the_end_is_named_too_and_what_it_wrote_goes_along():
    async def triage(question: str) -> Goto[Literal["search", "END"]]:
        return Goto("END", value="nobody knows")

    graph, router = routing(triage, "search", writes="answer")
    graph.edge(router, END)
    result = await graph.compile().run()
    assert (result.state.answer, result.state.log) == ("nobody knows", [])


async def test_several_fields_are_written_by_a_mapping():
    async def triage() -> Goto[Literal["search"]]:
        return Goto("search", value={"answer": "a"})

    graph, _ = routing(triage, "search", writes=("answer", "log"))
    assert (await graph.compile().run()).state.answer == "a"


async def test_a_feedback_edge_may_be_named_and_its_limit_holds():
    graph = Graph(Asked)

    async def again(log: list[str]) -> Goto[Literal["search", "END"]]:
        return Goto("search")

    search = node(graph, "search")
    router = graph.node(again, name="router")
    graph.chain(START, search, router)
    graph.feedback(router, search, limit=2)
    graph.edge(router, END)
    flow, journal = graph.compile(), MemoryJournal()
    with pytest.raises(RunFailedError, match="router@2"):
        await flow.run(journal=journal, run_id="r")
    with pytest.raises(RunFailedError, match="router@4"):  # what it named is recorded: it is routed again
        await flow.resume("r", journal=journal, limits={"router->search": 4})


async def test_what_is_returned_must_be_what_the_annotation_says():
    async def wrong(question: str) -> Goto[Literal["search"]]:
        return Goto(question) if question else "search"

    graph, _ = routing(wrong, "search")
    with pytest.raises(RunFailedError, match="is annotated to return Goto, but returned 'search'"):
        await graph.compile().run()
    with pytest.raises(RunFailedError, match="returned Goto to 'other'; its edges lead to 'search'"):
        await graph.compile().run({"question": "other"})


def test_names_without_edges_and_edges_without_names_are_problems():
    graph, _ = routing(by_question, "search", "other")
    assert problems_of(graph) == [
        "node 'triage' may go to 'ask', but no edge of it leads there; add graph.edge(triage, ...)",
        "node 'triage' never goes to 'other', which an edge of it leads to; add it to Goto[Literal[...]], or drop "
        "the edge",
    ]


def test_a_bare_goto_is_a_problem():
    async def bare() -> Goto:
        return Goto("search")

    graph, _ = routing(bare, "search")
    assert "returns a bare Goto; say which targets there are" in problem_of(graph)


def test_a_condition_on_such_an_edge_is_a_problem():
    async def triage() -> Goto[Literal["search"]]:
        return Goto("search")

    graph = Graph(Asked)
    router, search = graph.node(triage), node(graph, "search")
    graph.chain(START, router)
    graph.edge(router, search, when=lambda question: True)
    graph.edge(search, END)
    assert "so the edge has no condition; drop when=" in problem_of(graph)


def test_goto_wants_names():
    with pytest.raises(TypeError, match="Goto wants the names"):
        Goto()
    with pytest.raises(TypeError, match="Goto wants the names"):
        Goto(3)
    assert repr(Goto("a", "b", "a")) == "Goto('a', 'b')"


async def test_in_a_subgraph_names_are_those_of_its_own_graph():
    inner, _ = routing(by_question, "ask", "search")
    graph = Graph(Asked)
    graph.chain(START, graph.subgraph(inner, name="inner", reads={"question": "question"}), END)
    assert (await graph.compile().run({"question": "ask"})).state.log == ["ask"]


# ------------------------------------------------------------------ sagas


def saga(failing):
    graph = Graph(Asked)

    def step(name):
        async def work() -> list[str]:
            if name == failing:
                raise ValueError(name)
            return [name]

        return graph.node(work, name=name, writes="log")

    names = ["book", "pay", "send"]
    steps = {name: step(name) for name in [*names, "unbook", "refund", "report"]}
    graph.edge(START, steps["book"])
    graph.saga(
        (steps["book"], steps["unbook"]),
        (steps["pay"], steps["refund"]),
        steps["send"],
        failed=steps["report"],
    )
    graph.edge(steps["send"], END)
    graph.edge(steps["report"], END)
    return graph


@pytest.mark.parametrize(
    ("failing", "log"),
    [
        (None, ["book", "pay", "send"]),
        ("book", ["report"]),
        ("pay", ["book", "unbook", "report"]),
        ("send", ["book", "pay", "refund", "unbook", "report"]),
    ],
)
async def test_what_was_done_before_a_step_failed_is_undone_the_last_first(failing, log):
    assert (await saga(failing).compile().run()).state.log == log


async def test_a_saga_that_is_stopped_while_it_undoes_goes_on_undoing():
    flow, whole = saga("send").compile(), MemoryJournal()
    await flow.run(journal=whole, run_id="r")
    records = await whole.read("r")
    for count in range(1, len(records)):
        journal = MemoryJournal()
        log = await journal.create(await whole.header("r"), *records[:count])
        await log.release()
        result = await flow.resume("r", journal=journal)
        assert result.state.log == ["book", "pay", "refund", "unbook", "report"]


def test_a_saga_of_pairs_ends_with_a_step_alone():
    graph = Graph(Asked)
    one, undo = node(graph, "one"), node(graph, "undo")
    with pytest.raises(GraphError, match="at the end the last step alone"):
        graph.saga((one, undo), failed=undo)
    with pytest.raises(GraphError, match="at the end the last step alone"):
        graph.saga((one, undo), (one, undo), failed=undo)
