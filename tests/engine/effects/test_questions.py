"""Asking a person: the run is suspended and holds nothing, and no handler in a body can swallow that."""

import asyncio
import contextlib
import enum
import threading
import weakref
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from backedge import (
    END,
    START,
    Context,
    Graph,
    InputError,
    Question,
    RunCancelledError,
    RunFailedError,
    RunStatus,
    answer,
    open_questions,
)
from backedge.checkpoints import MemoryJournal, SqliteJournal
from backedge.engine.records import EffectKind, EffectOpened

from ...virtual import run_virtual
from .kit import State, World, flow_of, to_the_end


class Verdict(BaseModel):
    good: bool
    since: datetime


class Color(enum.StrEnum):
    RED = "red"


def asking(world=None, **how):
    async def body(ctx: Context) -> str:
        if world is not None:
            await ctx.step("fetch", world.fetch, "before")
        return repr(await ctx.ask("ok?", **how))

    return flow_of(body)


async def asked(flow, journal):
    result = await flow.run(journal=journal, run_id="r")
    assert result.status is RunStatus.SUSPENDED
    return result


def test_a_question_suspends_the_run_and_an_answer_lets_it_go_on():
    async def go():
        journal, world = MemoryJournal(), World()
        flow = asking(world)
        (question,) = (await asked(flow, journal)).questions
        assert isinstance(question, Question)
        assert (question.id, question.activation, question.text) == ("node:1", "node", "ok?")
        assert (question.kind, question.due) == (EffectKind.QUESTION, None)
        assert question.detail == {"question": "ok?", "schema": {"type": "string"}}
        assert list(await open_questions("r", journal=journal)) == [question]
        result = await flow.resume("r", journal=journal, answers={question.id: "yes"})
        assert (result.status, result.state.out) == (RunStatus.COMPLETED, "'yes'")
        assert list(await open_questions("r", journal=journal)) == []
        assert world.done == ["before"]

    run_virtual(go())


def test_a_resume_without_news_changes_nothing_and_runs_nothing():
    ran = []

    async def body(ctx: Context) -> str:
        ran.append(1)
        return await ctx.ask("ok?")

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        await asked(flow, journal)
        for _ in range(3):
            result = await flow.resume("r", journal=journal)
            assert (result.status, [each.text for each in result.questions]) == (RunStatus.SUSPENDED, ["ok?"])
        assert ran == [1]
        opened = [r for r in await journal.read("r") if isinstance(r, EffectOpened)]
        assert len(opened) == 1

    run_virtual(go())


@pytest.mark.parametrize(
    ("how", "wrong", "told", "right", "got"),
    [
        ({"schema": int}, "x", 'node: "x", is not int', 5, "5"),
        (
            {"schema": Verdict},
            {"good": 1},
            "since",
            {"good": True, "since": "2026-01-01T00:00:00Z"},
            "Verdict(",
        ),
        ({"choices": ["a", "b"]}, "c", "'a' or 'b'", "b", "'b'"),
        ({"choices": [1, 2]}, "1", "1 or 2", 1, "1"),
        ({"choices": list(Color)}, "blue", "red", "red", "<Color.RED: 'red'>"),
        ({"schema": list[tuple[int, str]]}, [[1, 2]], "valid string", [[1, "a"]], "[(1, 'a')]"),
    ],
)
def test_a_wrong_answer_is_refused_and_the_question_stays_open(how, wrong, told, right, got):
    async def go():
        journal, flow = MemoryJournal(), asking(**how)
        await asked(flow, journal)
        for _ in range(2):
            with pytest.raises(InputError, match="refused, the questions are still open") as caught:
                await flow.resume("r", journal=journal, answers={"node": wrong})
            assert told in str(caught.value)
            (question,) = await open_questions("r", journal=journal)
            assert told.removeprefix("node: ") in question.detail["refused"]
        result = await flow.resume("r", journal=journal, answers={"node": right})
        assert result.state.out.startswith(got)

    run_virtual(go())


def test_a_wrong_answer_by_letter_is_refused_and_the_next_one_counts():
    async def go():
        journal, flow = MemoryJournal(), asking(schema=int)
        await asked(flow, journal)
        for value in ("x", [], 7):
            await answer("r", "node", value, journal=journal)
        result = await flow.resume("r", journal=journal)
        assert result.state.out == "7"
        assert await journal.letters("r") == []

    run_virtual(go())


def test_the_choices_are_told_and_there_must_be_one():
    async def go():
        journal = MemoryJournal()
        (question,) = (await asked(asking(choices=["a", "b"]), journal)).questions
        assert question.detail["choices"] == ["a", "b"]
        with pytest.raises(RunFailedError, match="choices= wants one answer at least"):
            await asking(choices=[]).run(journal=journal)

    run_virtual(go())


def test_an_answer_that_nobody_asked_for_is_refused_before_anything_runs():
    async def go():
        journal, flow = MemoryJournal(), asking()
        await asked(flow, journal)
        with pytest.raises(InputError, match="nothing asks 'nobody'; open questions: 'node:0' \\(ok\\?\\)"):
            await flow.resume("r", journal=journal, answers={"nobody": 1})
        assert (await flow.resume("r", journal=journal, answers={"node": "x"})).state.out == "'x'"

    run_virtual(go())


def test_an_answer_is_taken_by_one_question_alone():
    async def body(ctx: Context) -> list[str]:
        return [await ctx.ask("one?"), await ctx.ask("two?")]

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        await asked(flow, journal)
        result = await flow.resume("r", journal=journal, answers={"node": "1"})
        assert [each.text for each in result.questions] == ["two?"]
        return (await flow.resume("r", journal=journal, answers={"node": "2"})).state.out

    assert run_virtual(go()) == ["1", "2"]


def test_several_questions_at_once_are_all_told_and_answered_in_any_order():
    async def body(ctx: Context) -> list:
        inner = ctx.gather(ctx.ask("a?"), ctx.ask("b?"))
        bare = asyncio.gather(ctx.ask("c?"), ctx.ask("d?"), ctx.ask("c?"))
        return [await asyncio.gather(inner, bare)]

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        result = await asked(flow, journal)
        assert sorted(each.text for each in result.questions) == ["a?", "b?", "c?", "c?", "d?"]
        assert len({each.id for each in result.questions}) == 5
        while result.status is not RunStatus.COMPLETED:
            last = result.questions[-1]
            result = await flow.resume("r", journal=journal, answers={last.id: last.text.upper()})
        return result.state.out

    assert run_virtual(go()) == [[["A?", "B?"], ["C?", "D?", "C?"]]]


def test_a_suspended_run_holds_no_task_no_thread_and_no_connection(tmp_path):
    async def part(ctx):
        await ctx.ask("b?")

    async def body(ctx: Context) -> str:
        stray = asyncio.create_task(part(ctx))  # nobody awaits it
        await ctx.ask("a?")
        return await stray

    async def go():
        tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
        path = tmp_path / "runs.db"
        result = await flow_of(body).run(journal=path, run_id="r")
        assert sorted(each.text for each in result.questions) == ["a?", "b?"]
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == tasks
        for thread in set(threading.enumerate()) - threads:
            thread.join(5)  # the journal's connection closes its own
        assert set(threading.enumerate()) == threads

    files = Path("/proc/self/fd")
    before = set(files.iterdir())
    asyncio.run(go(), debug=True)
    assert set(files.iterdir()) <= before


def test_what_a_suspended_body_held_is_let_go_of():
    held = []

    class Big:
        pass

    async def body(ctx: Context) -> str:
        big = Big()
        held.append(weakref.ref(big))
        answer = await ctx.ask("ok?")
        return f"{answer}{big}"

    async def go():
        import gc

        await asked(flow_of(body), MemoryJournal())
        gc.collect()
        assert held[0]() is None

    run_virtual(go())


async def swallow_exception(ctx, world):
    try:
        return await ctx.ask("ok?")
    except Exception:
        return "swallowed"


async def swallow_all(ctx, world):
    try:
        return await ctx.ask("ok?")
    except BaseException:
        return "swallowed"


async def swallow_and_do_more(ctx, world):
    try:
        return await ctx.ask("ok?")
    except BaseException:
        with contextlib.suppress(BaseException):
            await ctx.step("fetch", world.fetch, "forbidden")
    return await ctx.step("fetch", world.fetch, "forbidden")


async def swallow_and_raise(ctx, world):
    try:
        return await ctx.ask("ok?")
    except BaseException:
        raise RuntimeError("something else") from None


async def finally_do_more(ctx, world):
    try:
        return await ctx.ask("ok?")
    finally:
        await ctx.step("fetch", world.fetch, "cleaned")


async def gather_exceptions(ctx, world):
    found = await asyncio.gather(ctx.ask("ok?"), ctx.step("fetch", world.fetch, "b"), return_exceptions=True)
    return found[0] if isinstance(found[0], str) else "swallowed"


async def gather_swallowed(ctx, world):
    return (await ctx.gather(swallow_all(ctx, world), ctx.step("fetch", world.fetch, "b")))[0]


async def shielded(ctx, world):
    return await asyncio.shield(asyncio.ensure_future(ctx.ask("ok?")))


async def task_group(ctx, world):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(ctx.ask("ok?"))
        group.create_task(ctx.step("fetch", world.fetch, "b"))
    return task.result()


async def asyncio_timeout(ctx, world):
    try:
        async with asyncio.timeout(3600):
            return await ctx.ask("ok?")
    except TimeoutError:
        return "swallowed"


@pytest.mark.parametrize(
    "part",
    [
        swallow_exception,
        swallow_all,
        swallow_and_do_more,
        swallow_and_raise,
        finally_do_more,
        gather_exceptions,
        gather_swallowed,
        shielded,
        task_group,
        asyncio_timeout,
    ],
)
def test_no_handler_in_a_body_swallows_a_suspension(part):
    world = World()

    async def body(ctx: Context) -> str:
        return await part(ctx, world)

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        await asked(flow, journal)
        assert set(world.done) <= {"b"}
        result = await flow.resume("r", journal=journal, answers={"node": "yes"})
        assert result.state.out == "yes"
        assert sorted(world.done) == sorted(set(world.done))
        assert "forbidden" not in world.done

    run_virtual(go(), thorough=True)


@pytest.mark.parametrize("part", [swallow_exception, swallow_all, swallow_and_do_more, swallow_and_raise])
def test_no_handler_in_a_body_swallows_a_cancellation(part):
    world = World()

    async def wait(ctx, world):
        return await part(_Stepping(ctx, world), world)

    class _Stepping:
        def __init__(self, ctx, world):
            self.ctx, self.world = ctx, world

        def ask(self, _):
            return self.ctx.step("slow", self.world.slow, "slow", 60.0)

        def step(self, *args):
            return self.ctx.step(*args)

    async def body(ctx: Context) -> str:
        return await wait(ctx, world)

    async def go():
        journal = MemoryJournal()
        async with flow_of(body).start(journal=journal, run_id="r") as run:
            await asyncio.sleep(5)
            run.cancel()
            with pytest.raises(RunCancelledError):
                await run.result()
        assert run.status is RunStatus.CANCELLED
        kinds = [type(record).__name__ for record in await journal.read("r")]
        assert "NodeFinished" not in kinds
        assert "AttemptFailed" not in kinds

    run_virtual(go())
    if part is not swallow_and_do_more:
        assert world.done == []


def test_a_sibling_goes_on_while_a_node_waits_and_its_work_is_kept():
    world = World()
    graph = Graph(State)

    @graph.node(writes="text")
    async def asks(ctx: Context) -> str:
        return await ctx.ask("ok?")

    @graph.node(writes="out")
    async def works(ctx: Context) -> str:
        return await ctx.step("slow", world.slow, "a", 5.0)

    graph.chain(START, asks, END)
    graph.chain(START, works, END)
    flow = graph.compile()

    async def go():
        journal = MemoryJournal()
        await asked(flow, journal)
        assert world.done == ["a"]
        state = (await to_the_end(flow, journal, answers={"ok?": "yes"})).state
        return state.text, state.out

    assert run_virtual(go()) == ("yes", "A")
    assert world.done == ["a"]


def test_the_answer_may_come_while_a_sibling_still_works():
    graph = Graph(State)

    @graph.node(writes="text")
    async def asks(ctx: Context) -> str:
        return await ctx.ask("ok?")

    @graph.node(writes="out")
    async def works() -> float:
        await asyncio.sleep(100)
        return 1.0

    graph.chain(START, asks, END)
    graph.chain(START, works, END)

    async def go():
        async with graph.compile().start(journal=MemoryJournal(), run_id="r") as run:
            await asyncio.sleep(5)
            assert [each.text for each in run.questions] == ["ok?"]
            await run.answer(run.questions[0].id, "yes")
            await asyncio.sleep(5)
            assert run.questions == ()
            return (await run.result()).state.text

    assert run_virtual(go()) == "yes"


def test_a_run_without_a_journal_cannot_ask_and_says_so():
    async def go():
        with pytest.raises(
            RunFailedError, match="'ok\\?', which only a run with a journal can: run\\(journal="
        ):
            await asking().run()

    run_virtual(go())


def test_an_inline_node_has_no_effects_and_says_so():
    graph = Graph(State)

    @graph.node(writes="out", inline=True)
    def asks(ctx: Context) -> str:
        ctx.now()
        return ""

    graph.chain(START, asks, END)

    async def go():
        with pytest.raises(RunFailedError, match="an inline node has no effects, so no ctx.now"):
            await graph.compile().run(journal=MemoryJournal())

    run_virtual(go())


@pytest.mark.timeout(120)
def test_hundreds_of_runs_wait_in_one_file(tmp_path):
    async def go():
        world = World()
        flow = asking(world)
        async with await SqliteJournal.open(tmp_path / "runs.db") as journal:
            for first in range(0, 300, 100):
                ids = [f"r{first + n}" for n in range(100)]
                results = await asyncio.gather(*(flow.run(journal=journal, run_id=name) for name in ids))
                assert {result.status for result in results} == {RunStatus.SUSPENDED}
            assert len(asyncio.all_tasks()) == 1
            summaries = await journal.runs()
            assert [summary.owner for summary in summaries] == [None] * 300
            for name in ("r0", "r150", "r299"):
                result = await flow.resume(name, journal=journal, answers={"node": name})
                assert result.state.out == repr(name)
            assert world.done == ["before"] * 300

    asyncio.run(go())
