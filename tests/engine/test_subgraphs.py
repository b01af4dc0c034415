"""Graphs as nodes of others: what goes in and out, what runs, what a failure does, what a journal makes of it."""

import asyncio
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import (
    END,
    START,
    Context,
    Graph,
    GraphError,
    RunFailedError,
    RunStatus,
    add,
    extend,
)
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import NodeFinished

from ..virtual import run_virtual
from .building import problem_of, problems_of


class Draft(BaseModel):
    task: str
    text: str
    tries: Annotated[int, add] = 0
    notes: Annotated[list[str], extend] = []


def drafting(ran=None, *, fails=None, compiled=True):
    """Writes a text in two rounds."""
    graph = Graph(Draft, name="draft")

    @graph.node(writes=("text", "tries", "notes"))
    async def writer(task: str, tries: int, ctx: Context):
        if ran is not None:
            ran.append(str(ctx.activation))
        if fails is not None:
            fails(task)
        return {"text": f"{task}{tries}", "tries": 1, "notes": [f"{ctx.activation}"]}

    @graph.node
    async def reader(text: str, ctx: Context) -> None:
        if ran is not None:
            ran.append(str(ctx.activation))

    graph.chain(START, writer, reader)
    graph.feedback(reader, writer, when=lambda tries: tries < 2, limit=3)
    graph.edge(reader, END, when=lambda tries: tries >= 2)
    return graph.compile() if compiled else graph


class Work(BaseModel):
    spec: str
    text: str = ""
    other: str = ""
    notes: Annotated[list[str], extend] = []
    rounds: Annotated[int, add] = 0


def outer(inner=None, **options):
    graph = Graph(Work)
    draft = graph.subgraph(inner or drafting(), name="draft", **{"reads": {"task": "spec"}, **options})
    graph.chain(START, draft, END)
    return graph, draft


async def test_a_subgraph_is_given_what_it_reads_and_hands_out_what_it_wrote():
    graph, _ = outer()
    flow = graph.compile()
    assert flow.inputs == {"spec": str}
    result = await flow.run({"spec": "go"})
    assert result.state.text == "go1"
    assert result.state.notes == ["draft/writer@0", "draft/writer@1"]


async def test_fields_are_handed_out_under_other_names_and_no_others_are():
    graph, _ = outer(writes={"text": "other"})
    result = await graph.compile().run({"spec": "go"})
    assert (result.state.text, result.state.other, result.state.notes) == ("", "go1", [])


async def test_the_same_flow_twice_keeps_two_states():
    inner = drafting()
    graph = Graph(Work)
    first = graph.subgraph(inner, name="first", reads={"task": "spec"})
    second = graph.subgraph(inner, name="second", reads={"task": "text"}, writes={"text": "other"})
    graph.chain(START, first, second, END)
    result = await graph.compile().run({"spec": "go"})
    assert (result.state.text, result.state.other) == ("go1", "go11")


async def test_two_of_a_flow_run_side_by_side_and_do_not_meet_in_each_others_fields():
    inner = drafting()
    graph = Graph(Work)
    first = graph.subgraph(inner, name="first", reads={"task": "spec"}, writes={"text": "text"})
    second = graph.subgraph(inner, name="second", reads={"task": "spec"}, writes={"text": "other"})
    graph.chain(START, first, END)
    graph.chain(START, second, END)
    result = await graph.compile().run({"spec": "go"})
    assert (result.state.text, result.state.other) == ("go1", "go1")


async def test_in_a_loop_its_state_begins_anew_in_each_round():
    graph, draft = Graph(Work), None
    draft = graph.subgraph(drafting(), name="draft", reads={"task": "spec"})

    @graph.node(writes="rounds")
    def count() -> int:
        return 1

    graph.chain(START, draft, count)
    graph.feedback(count, draft, when=lambda rounds: rounds < 3, limit=5)
    graph.edge(count, END, when=lambda rounds: rounds >= 3)
    result = await graph.compile().run({"spec": "go"})
    assert result.state.text == "go1"  # the third time as the first
    assert result.state.notes == [f"draft/writer@{lap}.{turn}" for lap in range(3) for turn in range(2)]


class Rally(BaseModel):
    hits: Annotated[list[str], extend] = []


def rally():
    """Two that send a ball to each other over feedback edges alone: both head their loop."""
    graph = Graph(Rally)

    async def hit(ctx: Context) -> list[str]:
        return [str(ctx.activation)]

    left, right = (graph.node(hit, name=name, writes="hits") for name in ("left", "right"))
    graph.edge(START, left)
    graph.feedback(left, right, when=lambda hits: len(hits) < 3, limit=2)
    graph.feedback(right, left, limit=2)
    graph.edge(left, END, when=lambda hits: len(hits) >= 3)
    return graph


class Match(BaseModel):
    hits: Annotated[list[str], extend] = []


@pytest.mark.parametrize("deep", [0, 1])
async def test_a_loop_whose_heads_only_feedback_leads_to_stays_one_in_a_loop_around_it(deep):
    inner = rally()
    for _ in range(deep):
        around = Graph(Rally)
        around.chain(START, around.subgraph(inner, name="set"), END)
        inner = around
    graph = Graph(Match)
    game = graph.subgraph(inner, name="game")

    @graph.node
    async def count(hits: list[str]) -> None: ...

    graph.chain(START, game, count)
    graph.feedback(count, game, when=lambda hits: len(hits) < 6, limit=1)
    graph.edge(count, END, when=lambda hits: len(hits) >= 6)
    flow, journal = graph.compile(), MemoryJournal()
    hits = (await flow.run(journal=journal, run_id="r")).state.hits
    path = "game/" + "set/" * deep
    sides = [("left", 0), ("right", 1), ("left", 2)]
    assert hits == [f"{path}{side}@{around}.{own}" for around in range(2) for side, own in sides]
    assert await flow.replay("r", journal=journal, rerun="all")


async def test_a_graph_that_was_not_compiled_is_compiled_with_the_one_around_it():
    graph, _ = outer(drafting(compiled=False))
    assert (await graph.compile().run({"spec": "go"})).state.text == "go1"


async def test_a_subgraph_in_a_subgraph_has_a_longer_path():
    middle, _ = outer(writes={"text": "text"})
    graph = Graph(Work)
    top = graph.subgraph(middle, name="top")
    graph.chain(START, top, END)
    flow, journal = graph.compile(), MemoryJournal()
    assert (await flow.run({"spec": "go"}, journal=journal, run_id="r")).state.text == "go1"
    ids = [str(each.activation) for each in await journal.read("r") if isinstance(each, NodeFinished)]
    assert ids == [
        "top",
        "top/draft",
        *[f"top/draft/{name}@{turn}" for turn in range(2) for name in ("writer", "reader")],
        "top/draft/END",
        "top/END",
    ]


async def test_a_node_that_reads_the_whole_state_sees_that_of_its_own_graph():
    seen = []
    inner = Graph(Draft, name="draft")

    @inner.node(writes="text")
    def writer(state: Draft) -> str:
        seen.append(type(state))
        return state.task.upper()

    inner.chain(START, writer, END)
    graph, draft = outer(inner)

    @graph.node
    def after(state: Work) -> None:
        seen.append((type(state), state.text))

    graph.chain(draft, after, END)
    assert (await graph.compile().run({"spec": "go"})).state.text == "GO"
    assert seen == [Draft, (Work, "GO")]


# ------------------------------------------------------------------ what goes wrong


def test_an_error_of_a_node_inside_leaves_the_subgraph_and_what_else_runs_in_it_is_cancelled():
    inner = Graph(Draft, name="draft")
    ended = []

    @inner.node
    async def slow() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.append("slow")

    @inner.node(writes="text")
    async def risky(task: str) -> str:
        await asyncio.sleep(1)
        raise ValueError(task)

    inner.chain(START, slow, END)
    inner.chain(START, risky, END)
    graph, draft = outer(inner)

    @graph.node(writes="notes")
    async def rescue(error: ValueError) -> list[str]:
        return [f"rescued {error}"]

    graph.on_error(draft, rescue, error=ValueError)
    graph.edge(rescue, END)
    flow = graph.compile()

    async def timed():
        loop = asyncio.get_running_loop()
        result = await flow.run({"spec": "x"})
        return result, loop.time()

    result, seconds = run_virtual(timed())
    assert result.state.notes == ["rescued x"]
    assert ended == ["slow"]
    assert seconds == 1


async def test_an_error_that_is_handled_inside_does_not_leave():
    inner = Graph(Draft, name="draft")

    @inner.node(writes="text")
    async def risky(task: str) -> str:
        raise ValueError(task)

    @inner.node(writes="text")
    async def mend(error: Exception) -> str:
        return f"mended {error}"

    inner.chain(START, risky, END)
    inner.on_error(risky, mend)
    inner.edge(mend, END)
    graph, draft = outer(inner)

    @graph.node
    async def rescue(error: ValueError) -> None:
        raise AssertionError

    graph.on_error(draft, rescue, error=ValueError)  # more special, but further out
    graph.edge(rescue, END)
    assert (await graph.compile().run({"spec": "x"})).state.text == "mended x"


async def test_a_run_that_failed_inside_goes_on_inside():
    ran, broken = [], [True]

    def fails(task):
        if broken[0] and len(ran) == 3:
            raise ValueError(task)

    graph, _ = outer(drafting(ran, fails=fails))
    flow, journal = graph.compile(), MemoryJournal()
    with pytest.raises(RunFailedError, match="draft/writer@1"):
        await flow.run({"spec": "go"}, journal=journal, run_id="r")
    broken[0] = False
    result = await flow.resume("r", journal=journal)
    assert result.state.text == "go1"
    assert ran == ["draft/writer@0", "draft/reader@0", "draft/writer@1", "draft/writer@1", "draft/reader@1"]


async def test_a_question_inside_is_answered_from_outside_and_nothing_before_it_runs_again():
    ran = []
    inner = Graph(Draft, name="draft")

    @inner.node
    async def before() -> None:
        ran.append("before")

    @inner.node(writes="text")
    async def asks(task: str, ctx: Context) -> str:
        return await ctx.ask(f"What of {task}?")

    inner.chain(START, before, asks, END)
    graph, _ = outer(inner)
    flow, journal = graph.compile(), MemoryJournal()
    resting = await flow.run({"spec": "go"}, journal=journal, run_id="r")
    assert resting.status is RunStatus.SUSPENDED
    assert [question.activation for question in resting.questions] == ["draft/asks"]
    result = await flow.resume("r", journal=journal, answers={"draft/asks": "fine"})
    assert result.state.text == "fine"
    assert ran == ["before"]


async def test_a_breakpoint_may_stand_inside():
    graph, _ = outer()
    flow, journal = graph.compile(), MemoryJournal()
    resting = await flow.run({"spec": "go"}, journal=journal, run_id="r", break_before=["draft/reader"])
    assert [question.activation for question in resting.questions] == ["draft/reader@0"]


async def test_a_fork_may_begin_inside_and_edit_fields_inside():
    graph, _ = outer()
    flow, journal = graph.compile(), MemoryJournal()
    await flow.run({"spec": "go"}, journal=journal, run_id="r")
    fork = await flow.fork(
        "r", journal=journal, before="draft/writer@1", edit={"draft/task": "no"}, run_id="f"
    )
    assert fork.state.text == "no1"
    assert await flow.replay("r", journal=journal, verify="conditions")
    assert await flow.replay("f", journal=journal, verify="conditions", rerun="all")
    history = await flow.history("r", journal=journal)
    assert [each.before.text for each in history if each.activation == "draft/END"] == [""]


async def test_a_limit_inside_can_be_raised_by_the_id_of_its_edge():
    inner = Graph(Draft, name="draft")

    @inner.node(writes=("text", "tries"))
    async def writer(tries: int):
        return {"text": str(tries), "tries": 1}

    inner.edge(START, writer)
    inner.feedback(writer, writer, when=lambda tries: tries < 5, limit=2)
    inner.edge(writer, END, when=lambda tries: tries >= 5)
    graph, _ = outer(inner)
    flow = graph.compile()
    with pytest.raises(RunFailedError, match="draft/writer->draft/writer"):
        await flow.run({"spec": "go"})
    result = await flow.run({"spec": "go"}, limits={"draft/writer->draft/writer": 9})
    assert result.state.text == "4"


def test_a_subgraph_holds_its_slots_from_its_entry_to_its_end():
    within = []
    inner = Graph(Draft, name="draft")

    def step(name):
        async def work(ctx: Context) -> None:
            within.append(str(ctx.activation).partition("/")[0])
            await asyncio.sleep(1)

        return inner.node(work, name=name)

    @inner.node(writes="text")
    async def last() -> str:
        return ""

    inner.chain(START, step("one"), step("two"), last, END)
    graph = Graph(Work)
    for name in ("left", "right", "third"):
        part = graph.subgraph(inner, name=name, uses="till", reads={"task": "spec"}, writes={})
        graph.chain(START, part, END)
    flow = graph.compile()
    run_virtual(flow.run({"spec": ""}, slots={"till": 1}))
    assert sorted(within) == sorted(["left"] * 2 + ["right"] * 2 + ["third"] * 2)
    assert all(within[place] == within[place + 1] for place in (0, 2, 4))
    within.clear()
    run_virtual(flow.run({"spec": ""}, slots={"till": 1}, concurrency=1))  # and does not wait for itself
    assert len(within) == 6


async def test_slots_are_held_again_when_a_run_goes_on():
    inside, most = [], []
    inner = Graph(Draft, name="draft")

    @inner.node
    async def asks(ctx: Context) -> None:
        inside.append(str(ctx.activation))
        most.append(len(inside))
        await ctx.ask("Go on?")
        inside.remove(str(ctx.activation))

    @inner.node(writes="text")
    async def last() -> str:
        return ""

    inner.chain(START, asks, last, END)
    graph = Graph(Work)
    for name in ("left", "right"):
        graph.chain(
            START, graph.subgraph(inner, name=name, uses="till", reads={"task": "spec"}, writes={}), END
        )
    flow, journal = graph.compile(), MemoryJournal()
    first = await flow.run({"spec": ""}, journal=journal, run_id="r", slots={"till": 1})
    assert [question.activation for question in first.questions] == ["left/asks"]
    inside.clear()
    second = await flow.resume("r", journal=journal, answers={"left/asks": "yes"}, slots={"till": 1})
    assert [question.activation for question in second.questions] == ["right/asks"]
    inside.clear()
    last_one = await flow.resume("r", journal=journal, answers={"right/asks": "yes"}, slots={"till": 1})
    assert last_one.status is RunStatus.COMPLETED
    assert set(most) == {1}


# ------------------------------------------------------------------ within itself


class Count(BaseModel):
    n: int
    out: Annotated[list[int], extend] = []


def counting(limit):
    graph = Graph(Count, name="count")

    @graph.node(writes=("n", "out"))
    def down(n: int):
        return {"n": n - 1, "out": [n]}

    deeper = graph.subgraph(graph, name="deeper", limit=limit)
    graph.edge(START, down)
    graph.edge(down, deeper, when=lambda n: n > 0)
    graph.edge(down, END, when=lambda n: n <= 0)
    graph.edge(deeper, END)
    return graph


async def test_a_graph_may_be_in_itself_up_to_its_limit():
    flow = counting(3).compile()
    assert flow.inputs == {"n": int}
    assert (await flow.run({"n": 4})).state.out == [4, 3, 2, 1]
    with pytest.raises(RunFailedError, match=r"deeper/deeper/deeper/deeper: RecursionError: .*raise limit="):
        await flow.run({"n": 5})


def test_a_graph_in_itself_without_a_bound_is_a_problem():
    told = problem_of(counting(None))
    assert told == "subgraph 'deeper' is in itself, without a bound; say with limit= how deep it may go"


def test_two_graphs_in_each_other_without_a_bound_are_a_problem():
    one, other = Graph(Count, name="one"), Graph(Count, name="other")
    one.chain(START, one.subgraph(other, name="b"), END)
    other.chain(START, other.subgraph(one, name="a"), END)
    assert any("is in itself, without a bound" in told for told in problems_of(one))


# ------------------------------------------------------------------ what compiling says


def test_an_input_that_nothing_around_it_is_named_like_is_told():
    graph, _ = outer(reads=None)
    assert problem_of(graph) == (
        "subgraph 'draft' needs its field 'task', but there is no 'task' around it; say which it is given with "
        "reads={'task': ...}"
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"reads": {"task": "spec", "wrong": "spec"}},
            "reads= names 'wrong', which is no field of its state",
        ),
        ({"writes": {"wrong": "text"}}, "writes= names 'wrong', which is no field of its state"),
        ({"writes": {"text": "wrong"}}, "writes= leads to 'wrong', which is no field around it"),
        ({"reads": {"task": "rounds"}}, "subgraph 'draft' is given 'rounds', int, where 'task' takes str"),
        ({"writes": {"tries": "text"}}, "subgraph 'draft' writes 'tries', int, where 'text' takes str"),
    ],
)
def test_fields_that_do_not_fit_are_told(options, told):
    graph, _ = outer(**options)
    assert told in problem_of(graph)


def test_what_is_wrong_inside_is_told_with_its_path_along_with_what_is_wrong_outside():
    inner = Graph(Draft, name="draft")

    @inner.node(writes="text")
    def writer(tassk: str) -> str:
        return tassk

    inner.chain(START, writer, END)
    graph, _ = outer(inner)

    @graph.node
    def lonely() -> None: ...

    told = problems_of(graph)
    assert any(each.startswith("node 'draft/writer': parameter 'tassk'") for each in told)
    assert any("node 'lonely' has no edges" in each for each in told)


def test_a_field_that_may_be_unset_at_the_end_is_told():
    inner = Graph(Draft, name="draft")

    @inner.node
    def idle(task: str) -> None: ...

    @inner.node(writes="text")
    def writer(task: str) -> str:
        return task

    inner.edge(START, idle)
    inner.edge(idle, writer, when=lambda tries: tries > 0)
    inner.edge(idle, END, when=lambda tries: tries == 0)
    inner.edge(writer, END)
    graph, _ = outer(inner)
    assert "node 'draft/END' reads 'draft/text', which may be unset" in problem_of(graph)


def test_resources_of_a_subgraph_are_those_of_the_whole_and_must_not_mean_two_things():
    inner = Graph(Draft, resources={"tool": int}, name="draft")

    @inner.node(writes="text")
    def writer(tool: int) -> str:
        return str(tool)

    inner.chain(START, writer, END)
    graph, _ = outer(inner)
    assert graph.compile().run_sync({"spec": ""}, resources={"tool": 3}).state.text == "3"
    other = Graph(Work, resources={"tool": str})
    other.chain(START, other.subgraph(inner, name="draft", reads={"task": "spec"}), END)
    assert "wants the resource 'tool' to be <class 'int'>" in problem_of(other)


def test_something_else_than_a_graph_is_refused_on_the_spot():
    graph = Graph(Work)
    with pytest.raises(
        GraphError, match="wants a graph or a compiled flow, not 3; for a function see graph.node"
    ):
        graph.subgraph(3)
    with pytest.raises(GraphError, match="limit= wants a whole number from 0"):
        graph.subgraph(drafting(), limit=-1)
    with pytest.raises(GraphError, match="reads= wants a mapping"):
        graph.subgraph(drafting(), reads="task")


def test_calling_a_subgraph_says_what_to_do():
    _, draft = outer()
    with pytest.raises(TypeError, match="run its flow"):
        draft()
