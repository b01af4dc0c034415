"""Approval: a node that waits for leave, on values that may be edited, or is rejected."""

import asyncio
from typing import Annotated

import pytest
import tenacity
from pydantic import BaseModel

from backedge import (
    END,
    START,
    BlockingContext,
    Context,
    Graph,
    InputError,
    RejectedError,
    RunFailedError,
    RunStatus,
    extend,
)
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import EffectKind, EffectRecorded, InputEdited

from ...virtual import run_virtual
from .kit import broken_off, letter


class State(BaseModel):
    code: str = "print(1)"
    notes: Annotated[list[str], extend] = []
    level: int = 0
    out: str = ""


class Work:
    """A node that writes code, one that runs it, perhaps one that takes a rejection."""

    def __init__(self, *, rescued=False, **options):
        self.ran = []
        graph = Graph(State)

        @graph.node(writes=("notes", "level"))
        async def coder() -> dict:
            self.ran.append("coder")
            return {"notes": ["coded"], "level": 1}

        @graph.node(writes="out", **options)
        async def interpreter(code: str, notes: list[str], level: int, ctx: Context) -> str:
            self.ran.append(f"interpreter {ctx.attempt}")
            await ctx.step("note", self.note, code)
            return f"{code} {notes} {level}"

        graph.chain(START, coder, interpreter, END)
        if rescued:

            @graph.node(writes="out")
            async def rescue(error: RejectedError) -> str:
                return f"rescued: {error}"

            graph.on_error(interpreter, rescue, error=RejectedError)
            graph.edge(rescue, END)
        self.flow = graph.compile()

    async def note(self, code: str) -> None:
        self.ran.append(code)


APPROVE = {"approve": True}


async def paused(work, journal, **options):
    result = await work.flow.run(journal=journal, run_id="r", **options)
    assert result.status is RunStatus.SUSPENDED
    (question,) = result.questions
    assert (question.kind, question.text, question.activation) == (
        EffectKind.APPROVAL,
        "interpreter",
        "interpreter",
    )
    assert work.ran == ["coder"]
    return question


@pytest.mark.parametrize("yes", [True, {"approve": True}])
@pytest.mark.parametrize("how", ["declared", "broken before"])
def test_a_node_waits_for_leave_and_runs_once_it_is_given(yes, how):
    async def go():
        journal = MemoryJournal()
        declared = how == "declared"
        work = Work(**(APPROVE if declared else {}))
        await paused(work, journal, **({} if declared else {"break_before": ["interpreter"]}))
        result = await work.flow.resume("r", journal=journal, answers={"interpreter": yes})
        assert work.ran == ["coder", "interpreter 1", "print(1)"]
        return result.state.out

    assert run_virtual(go()) == "print(1) ['coded'] 1"


def test_the_state_can_be_looked_at_meanwhile():
    async def go():
        journal = MemoryJournal()
        work = Work(**APPROVE)
        await paused(work, journal)
        last = (await journal.read("r"))[-2].seq
        return await work.flow.state_at("r", last, journal=journal)

    assert run_virtual(go()) == State(notes=["coded"], level=1)


@pytest.mark.parametrize("no", [False, {"approve": False, "reason": "too risky"}])
def test_a_rejection_takes_the_error_edge(no):
    async def go():
        journal = MemoryJournal()
        work = Work(rescued=True, **APPROVE)
        await paused(work, journal)
        result = await work.flow.resume("r", journal=journal, answers={"interpreter": no})
        assert work.ran == ["coder"]
        return result.state.out

    told = "was rejected: too risky" if isinstance(no, dict) else "was rejected"
    assert told in run_virtual(go())


def test_a_rejection_fails_the_run_and_the_next_resume_asks_anew():
    async def go():
        journal = MemoryJournal()
        retry = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3))
        work = Work(retry=retry, **APPROVE)
        await paused(work, journal)
        with pytest.raises(RunFailedError, match="interpreter: was rejected: not now"):
            await work.flow.resume(
                "r", journal=journal, answers={"interpreter": {"approve": False, "reason": "not now"}}
            )
        result = await work.flow.resume("r", journal=journal)
        assert result.status is RunStatus.SUSPENDED
        assert work.ran == ["coder"]
        result = await work.flow.resume("r", journal=journal, answers={"interpreter": True})
        return result.state.out, work.ran

    assert run_virtual(go()) == ("print(1) ['coded'] 1", ["coder", "interpreter 2", "print(1)"])


def test_an_approval_counts_for_the_attempts_that_follow():
    async def go():
        journal = MemoryJournal()
        graph = Graph(State)

        @graph.node(writes="out", approve=True)
        async def flaky(ctx: Context) -> str:
            if ctx.attempt < 3:
                raise ValueError(str(ctx.attempt))
            return "fine"

        graph.chain(START, flaky, END)
        flow = graph.compile()
        await flow.run(journal=journal, run_id="r")
        with pytest.raises(RunFailedError):
            await flow.resume("r", journal=journal, answers={"flaky": True})
        with pytest.raises(RunFailedError):
            await flow.resume("r", journal=journal)
        return (await flow.resume("r", journal=journal)).state.out

    assert run_virtual(go()) == "fine"


EDIT = {"approve": True, "edit": {"code": "print(2)", "notes": ["edited"]}}


def test_an_approval_may_edit_what_the_node_runs_on():
    async def go():
        journal = MemoryJournal()
        work = Work(**APPROVE)
        await paused(work, journal)
        result = await work.flow.resume("r", journal=journal, answers={"interpreter": EDIT})
        edits = [r for r in await journal.read("r") if isinstance(r, InputEdited)]
        assert [(str(r.activation), dict(r.edits)) for r in edits] == [
            ("interpreter", {"code": b'"print(2)"', "notes": b'["edited"]'})
        ]
        assert work.ran == ["coder", "interpreter 1", "print(2)"]
        assert (result.state.code, result.state.notes) == ("print(2)", ["edited"])
        return result.state.out

    assert run_virtual(go()) == "print(2) ['edited'] 1"


def test_a_crash_after_any_record_keeps_the_edit_and_asks_nobody_twice():
    async def go():
        journal = MemoryJournal()
        work = Work(**APPROVE)
        await paused(work, journal)
        await journal.post("r", letter("answer", "interpreter", EDIT))
        expected = await work.flow.resume("r", journal=journal)
        records, header = await journal.read("r"), await journal.header("r")
        for count in range(1, len(records)):
            done = any(isinstance(r, InputEdited) for r in records[:count])
            if done and not any(
                isinstance(r, EffectRecorded) and r.kind == "approval" for r in records[:count]
            ):
                continue  # both are committed in one
            letters = [] if done else [letter("answer", "interpreter", EDIT)]
            again = Work(**APPROVE)
            result = await again.flow.resume("r", journal=await broken_off(records[:count], header, letters))
            if result.status is RunStatus.SUSPENDED:
                assert not done, count
                continue
            assert result.state == expected.state, count
            assert "print(1)" not in again.ran

    run_virtual(go())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"approve": True, "edit": {"nothing": 1}}, "'nothing' is no field of the state"),
        ({"approve": True, "edit": {"level": "high"}}, "level"),
        ({"approve": False, "edit": {"level": 1}}, "an edit goes with an approval"),
        ({"approve": True, "extra": 1}, "Extra inputs"),
        ("yes", "is not"),
    ],
)
def test_what_is_no_decision_is_refused_and_nothing_runs(said, told):
    async def go():
        journal = MemoryJournal()
        work = Work(**APPROVE)
        await paused(work, journal)
        with pytest.raises(InputError, match=told):
            await work.flow.resume("r", journal=journal, answers={"interpreter": said})
        assert work.ran == ["coder"]
        (question,) = (await work.flow.resume("r", journal=journal)).questions
        assert told in question.detail["refused"]
        await work.flow.resume("r", journal=journal, answers={"interpreter": True})

    run_virtual(go())


def test_a_rejection_counts_although_the_resume_does_not_name_the_break():
    async def go():
        journal = MemoryJournal()
        work = Work()
        await paused(work, journal, break_before=["interpreter"])
        with pytest.raises(RunFailedError, match="was rejected"):
            await work.flow.resume("r", journal=journal, answers={"interpreter": False})
        assert work.ran == ["coder"]

    run_virtual(go())


def test_def_and_inline_nodes_wait_for_leave_too():
    graph = Graph(State)
    ran = []

    @graph.node(writes="out", approve=True)
    def threaded(ctx: BlockingContext) -> str:
        ran.append("threaded")
        return str(ctx.random())

    @graph.node(writes="code", inline=True, approve=True)
    def inline() -> str:
        ran.append("inline")
        return "x"

    graph.chain(START, threaded, inline, END)
    flow = graph.compile()

    async def go():
        journal = MemoryJournal()
        result = await flow.run(journal=journal, run_id="r")
        for name in ("threaded", "inline"):
            assert [each.activation for each in result.questions] == [name]
            assert name not in ran
            result = await flow.resume("r", journal=journal, answers={name: True})
        assert result.status is RunStatus.COMPLETED
        assert ran == ["threaded", "inline"]

    asyncio.run(go(), debug=True)


def test_each_round_of_a_loop_asks_for_itself():
    graph = Graph(State)

    @graph.node(writes="level", approve=True)
    async def up(level: int) -> int:
        return level + 1

    graph.edge(START, up)
    graph.feedback(up, up, when=lambda level: level < 3, limit=5)
    graph.edge(up, END, when=lambda level: level >= 3)
    flow = graph.compile()

    async def go():
        journal = MemoryJournal()
        result = await flow.run(journal=journal, run_id="r")
        asked = []
        while result.status is RunStatus.SUSPENDED:
            (question,) = result.questions
            asked.append(question.activation)
            edit = {"level": 2} if len(asked) == 2 else {}
            said = {"approve": True, "edit": edit}
            result = await flow.resume("r", journal=journal, answers={question.activation: said})
        return asked, result.state.level

    assert run_virtual(go()) == (["up@0", "up@1"], 3)


def test_break_before_names_nodes():
    async def go():
        with pytest.raises(InputError, match="nobody"):
            await Work().flow.run(journal=MemoryJournal(), break_before=["nobody"])

    run_virtual(go())
