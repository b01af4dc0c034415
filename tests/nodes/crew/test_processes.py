"""Crews whose tasks are done one after the other, or in parallel."""

import inspect
import time

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, GraphError, RunFailedError
from backedge.nodes.crew import Crew, Job, Role, Task

from .members import Slow, Topic, ran, told


class Plan(BaseModel):
    steps: list[str]


def diamond(**options):
    tasks = [
        Task("facts", "Find out.", role="scout", needs="topic"),
        Task("draft", "Write.", role="writer", needs=["topic", "facts"]),
        Task("picture", "Draw.", role="artist", needs="facts"),
        Task("page", "Put it together.", role="writer", needs=["draft", "picture"]),
    ]
    roles = dict.fromkeys(("scout", "writer", "artist"), told)
    return Crew(tasks, roles=roles, inputs=Topic, **options)


@pytest.mark.parametrize("process", ["sequential", "parallel"])
def test_results_flow_to_those_who_need_them_and_to_nobody_else(process):
    state, _ = ran(diamond(process=process), {"topic": "loops"})
    assert state.facts == "facts(topic=loops)"
    assert state.picture == "picture(facts=facts(topic=loops))"
    assert state.page == f"page(draft={state.draft}, picture={state.picture})"
    assert set(type(state).model_fields) == {"topic", "facts", "draft", "picture", "page"}


def test_a_sequence_goes_in_the_order_given_though_nothing_needs_anything():
    slow = Slow()
    names = ["c", "a", "b"]
    _, seconds = ran(
        Crew([Task(name, "do it", role="x") for name in names], roles={"x": Role(slow, count=3)})
    )
    assert (seconds, slow.most) == (3, 1)
    assert sorted(slow.began, key=slow.began.get) == names


def test_in_parallel_a_task_begins_when_what_it_needs_is_there_and_waits_for_nothing_else():
    slow = Slow(long=10)
    tasks = [
        Task("long", "x"),
        Task("first", "x"),
        Task("second", "x", needs="first"),
        Task("last", "x", needs=["second", "long"]),
    ]
    _, seconds = ran(Crew(tasks, roles={"x": Role(slow, count=4)}, process="parallel"))
    assert slow.began == {"long": 0, "first": 0, "second": 1, "last": 10}
    assert seconds == 11


@pytest.mark.parametrize(("limit", "most"), [(None, 2), (1, 1), (3, 3), (9, 6)])
def test_no_more_work_at_once_than_the_limit_says_or_there_are_members(limit, most):
    slow = Slow()
    tasks = [Task(f"t{number}", "x") for number in range(6)]
    _, seconds = ran(Crew(tasks, roles={"x": Role(slow, count=2)}, process="parallel", limit=limit))
    assert slow.most == most
    assert seconds == 6 / most


def test_results_are_typed_and_given_as_what_they_are():
    async def plan(job: Job) -> Plan:
        return Plan(steps=["one", "two"])

    async def count(job: Job) -> int:
        return len(job.needs["plan"].steps)

    crew = Crew(
        [Task("plan", "Plan.", role="planner"), Task("number", "Count.", role="counter", needs="plan")],
        roles={"planner": plan, "counter": count},
    )
    state, _ = ran(crew)
    assert (state.plan, state.number) == (Plan(steps=["one", "two"]), 2)
    fields = type(state).model_fields
    assert [(fields[name].annotation, fields[name].is_required()) for name in ("plan", "number")] == [
        (Plan, True),
        (int, True),
    ]


def test_a_result_of_another_type_fails_where_it_is_given():
    async def wrong(job: Job):
        return "seven"

    crew = Crew([Task("number", "Count.", output=int)], roles={"x": wrong})
    with pytest.raises(RunFailedError, match="number"):
        ran(crew)


def test_a_function_may_take_the_context_and_a_plain_one_runs_in_a_thread_as_a_step():
    seen = []

    async def asks(job: Job, ctx: Context) -> str:
        return f"{ctx.activation} {job.role}"

    def sleeps(job: Job, extra: int = 3) -> float:
        time.sleep(0.001)
        seen.append(job.task)
        return extra / 2

    crew = Crew(
        [Task("a", "x", role="asks"), Task("b", "x", role="sleeps")],
        roles={"asks": asks, "sleeps": sleeps},
        process="parallel",
    )
    result = crew.compile().run_sync()
    assert (result.state.a, result.state.b, seen) == ("a asks", 1.5, ["b"])


def test_a_second_parameter_is_the_context_unless_it_has_a_default_and_does_not_say_so():
    async def bare(job, ctx):
        return str(ctx.activation)

    async def said(job: Job, ctx: Context = None) -> str:
        return str(ctx.activation)

    async def other(job: Job, extra: str = "mine") -> str:
        return extra

    roles = {"bare": bare, "said": said, "other": other}
    state, _ = ran(Crew([Task(f"t_{name}", "x", role=name) for name in roles], roles=roles))
    assert (state.t_bare, state.t_said, state.t_other) == ("t_bare", "t_said", "mine")


def test_a_crew_is_a_graph_that_may_be_added_to_and_be_a_node_of_another():
    class Book(BaseModel):
        topic: str
        text: str = ""
        printed: bool = False

    crew = diamond(process="parallel")
    added = []

    async def read(page: str) -> None:
        added.append(page)

    crew.graph.chain(crew.nodes["page"], crew.graph.node(read), END)
    book = Graph(Book)

    @book.node(writes="printed")
    async def printing(text: str) -> bool:
        return bool(text)

    book.chain(START, book.subgraph(crew.graph, name="writing", writes={"page": "text"}), printing, END)
    state = book.compile().run_sync({"topic": "x"}).state
    assert state.text == added[0]
    assert state.printed


def test_the_places_of_a_crew_are_its_own_within_another_graph():
    class Both(BaseModel):
        pass

    slow, quick = Slow(), Slow()
    graph = Graph(Both)
    for name, member in (("one", slow), ("two", quick)):
        tasks = [Task(f"t{number}", "x") for number in range(4)]
        count = 2 if name == "one" else 4
        crew = Crew(tasks, roles={"x": Role(member, count=count)}, process="parallel", name=name)
        graph.chain(START, graph.subgraph(crew.graph), END)
    ran(graph)
    assert (slow.most, quick.most) == (2, 4)


def test_a_run_may_say_how_many_places_there_are():
    slow = Slow()
    tasks = [Task(f"t{number}", "x") for number in range(6)]
    crew = Crew(tasks, roles={"x": slow}, process="parallel", limit=2, name="team")
    ran(crew, slots={"team": 6})
    assert slow.most == 6
    ran(Crew(tasks, roles={"x": Slow()}, process="parallel"), slots={"crew.x": 3})


def test_one_task_and_many_tasks_are_crews():
    state, _ = ran(Crew([Task("only", "x")], roles={"x": told}, process="parallel"))
    assert state.only == "only()"
    tasks = [
        Task(f"t{number}", "x", needs=[f"t{number - 1}"] if number % 10 else []) for number in range(200)
    ]
    state, _ = ran(Crew(tasks, roles={"x": told}, process="parallel", limit=7))
    assert state.t199.count("(") == 10


def test_tasks_are_declared_by_keyword_beyond_what_is_obvious():
    assert [
        name
        for name, each in inspect.signature(Task).parameters.items()
        if each.kind is each.POSITIONAL_OR_KEYWORD
    ] == [
        "name",
        "description",
    ]
    with pytest.raises(GraphError, match="tasks= wants tasks"):
        Crew(["draft"], roles={"x": told})
