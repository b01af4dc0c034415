"""Crews that wait, are cancelled, forked, and run many times over in another graph."""

import asyncio

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, RunCancelledError, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.nodes.crew import Crew, Job, Role, Task

from ...virtual import run_virtual
from .members import Slow, ran, told


async def person(job, result, ctx: Context):
    return await ctx.ask(f"Is {result} good?", schema=str)


def reviewed(**options):
    tasks = [Task("a", "x", role="x"), Task("b", "x", role="x", needs="a")]
    roles = {"x": told, "boss": Role(None, reviews=person)}
    return Crew(tasks, roles=roles, process="hierarchical", manager="boss", **options)


async def test_a_review_may_ask_a_person_and_the_run_waits_without_anybody_at_work():
    flow, journal = reviewed().compile(), MemoryJournal()
    result = await flow.run({}, journal=journal, run_id="r")
    asked = []
    for answer in ("too short", "", ""):
        assert result.status is RunStatus.SUSPENDED
        (question,) = result.questions
        asked.append((str(question.activation), question.text))
        result = await flow.resume("r", journal=journal, answers={question.id: answer})
    assert asked == [
        ("a/boss-reviews@0", "Is a() good?"),
        ("a/boss-reviews@1", "Is a() good?"),
        ("b/boss-reviews@0", "Is b(a=a()) good?"),
    ]
    assert [one.feedback for one in result.state.reviews] == ["too short", "", ""]
    assert await flow.replay("r", journal=journal)


async def test_who_waits_for_a_person_holds_no_place():
    done = []

    async def asks(job: Job, ctx: Context) -> str:
        said = str(await ctx.ask(job.task)) if job.task == "a" else job.task
        done.append(said)
        return said

    tasks = [Task("a", "x"), Task("b", "x"), Task("c", "x", needs="b")]
    flow, journal = Crew(tasks, roles={"x": asks}, process="parallel").compile(), MemoryJournal()
    waiting = await flow.run({}, journal=journal, run_id="r")
    assert waiting.status is RunStatus.SUSPENDED
    assert done == ["b", "c"]
    state = (await flow.resume("r", journal=journal, answers={"a": "yes"})).state
    assert (state.a, state.c) == ("yes", "c")


def test_a_crew_that_is_cancelled_stops_at_once_and_keeps_what_is_done():
    slow = Slow(b=100)

    async def go():
        flow, journal = (
            Crew([Task("a", "x"), Task("b", "x"), Task("c", "x")], roles={"x": slow}).compile(),
            MemoryJournal(),
        )
        async with flow.start({}, journal=journal, run_id="r") as run:
            asyncio.get_running_loop().call_later(5, run.cancel)
            with pytest.raises(RunCancelledError):
                await run.result()
        assert asyncio.get_running_loop().time() == 5
        assert list(slow.began) == ["a", "b"]

    run_virtual(go())


async def test_a_run_may_be_forked_with_another_result_for_those_who_need_it():
    tasks = [Task("a", "x"), Task("b", "x", needs="a"), Task("c", "x", needs="b")]
    flow, journal = Crew(tasks, roles={"x": told}).compile(), MemoryJournal()
    await flow.run({}, journal=journal, run_id="r")
    fork = await flow.fork("r", before="b", edit={"a": "other"}, journal=journal)
    assert fork.state.c == "c(b=b(a=other))"


@pytest.mark.parametrize("process", ["parallel", "hierarchical"])
def test_a_crew_may_be_run_for_each_of_several_things(process):
    class All(BaseModel):
        topics: list[str]
        pages: list[str] = []

    class One(BaseModel):
        topic: str

    slow = Slow()

    async def write(job: Job) -> str:
        await slow(job)
        return f"about {job.needs['topic']}"

    async def passes(job: Job, result: str) -> bool:
        return True

    more = {"boss": Role(None, reviews=passes)} if process == "hierarchical" else {}
    crew = Crew(
        [Task("page", "x", role="writer", needs="topic")],
        roles={"writer": Role(write, count=2), **more},
        process=process,
        manager="boss" if more else "",
        inputs=One,
    )
    graph = Graph(All)
    graph.chain(START, graph.map(crew.graph, over="topics", item="topic", result="page", into="pages"), END)
    state, _ = ran(graph, {"topics": ["a", "b", "c"]})
    assert state.pages == ["about a", "about b", "about c"]
    assert slow.most == (3 if more else 2), "with the manager's idle place"


def test_what_a_member_does_to_what_it_was_given_shows_nowhere():
    async def first(job: Job) -> list[int]:
        return [1]

    async def spoils(job: Job) -> str:
        job.needs["a"].append(2)
        return str(job.needs["a"])

    tasks = [Task("a", "x", role="first"), *(Task(name, "x", role="spoils", needs="a") for name in "bc")]
    state, _ = ran(Crew(tasks, roles={"first": first, "spoils": Role(spoils, count=2)}, process="parallel"))
    assert (state.a, state.b, state.c) == ([1], "[1, 2]", "[1, 2]")
