"""Runs that go on from another one's past."""

import asyncio
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import (
    END,
    START,
    Context,
    Graph,
    GraphChangedError,
    InputError,
    LoopLimitError,
    RunCancelledError,
    RunExistsError,
    RunFailedError,
    RunNotFoundError,
    RunStatus,
    extend,
)
from backedge.checkpoints import MemoryJournal, SqliteJournal
from backedge.engine.records import NodeFinished, Routed, RunForked, RunResumed

from ...virtual import run_virtual


class State(BaseModel):
    goal: int = 3
    text: str = ""
    notes: Annotated[list[str], extend] = []


def loop(ran=None):
    """A writer and a checker that go round until there are `goal` notes; `ran` lists what ran."""
    ran = [] if ran is None else ran
    graph = Graph(State)

    @graph.node(writes="text")
    async def writer(ctx: Context, notes: list[str]) -> str:
        ran.append(str(ctx.activation))
        return f"text {len(notes)}"

    @graph.node(writes="notes")
    async def checker(ctx: Context, text: str) -> list[str]:
        ran.append(str(ctx.activation))
        return [f"saw {text}"]

    graph.chain(START, writer, checker)
    graph.feedback(checker, writer, when=lambda notes, goal: len(notes) < goal, limit=4)
    graph.edge(checker, END, when=lambda notes, goal: len(notes) >= goal)
    return graph.compile()


def loop_forked(ran=None, **options):
    """The final state of a fork of the loop's run, and what the fork ran."""
    ran = []
    flow = loop(ran)

    async def go():
        journal = MemoryJournal()
        await flow.run(journal=journal, run_id="parent")
        before = list(await journal.read("parent"))
        del ran[:]
        result = await flow.fork("parent", journal=journal, run_id="fork", **options)
        assert list(await journal.read("parent")) == before
        return result.state, list(ran)

    return run_virtual(go())


def test_an_edited_field_is_what_everything_after_it_sees():
    state, ran = loop_forked(at=2, edit={"notes": ["mine"]})
    assert state.notes == ["mine", "saw text 1", "saw text 2"]
    assert ran == ["writer@1", "checker@1", "writer@2", "checker@2"]


def test_the_edges_of_the_record_are_looked_at_again_on_what_was_edited():
    state, ran = loop_forked(at=2, edit={"goal": 1})
    assert (state.notes, ran) == (["saw text 0"], [])
    state, ran = loop_forked(at=6, edit={"goal": 4})
    assert ran == ["writer@3", "checker@3"]
    assert len(state.notes) == 4


def test_a_fork_at_the_beginning_goes_through_all_of_it_on_edited_inputs():
    state, ran = loop_forked(at=0, edit={"goal": 1})
    assert (state.goal, ran) == (1, ["writer@0", "checker@0"])


def test_a_fork_counts_a_loops_rounds_on():
    with pytest.raises(RunFailedError) as caught:
        loop_forked(at=6, edit={"goal": 9})
    assert isinstance(caught.value.failures["checker@4"], LoopLimitError)
    state, _ = loop_forked(at=6, edit={"goal": 9}, limits={"checker->writer": None})
    assert len(state.notes) == 9


def test_limits_given_to_a_fork_stay_for_its_resume():
    flow = loop()

    async def go():
        journal = MemoryJournal()
        await flow.run(journal=journal, run_id="parent")
        run = flow.start_fork(
            "parent", journal=journal, run_id="fork", at=6, edit={"goal": 7}, limits={"checker->writer": 20}
        )
        async with run:
            pass  # leaving at once interrupts it
        return await flow.resume("fork", journal=journal)

    assert len(run_virtual(go()).state.notes) == 7


def test_only_what_is_new_is_stored_and_the_ancestry_is_kept():
    flow = loop()

    async def go():
        journal = MemoryJournal()
        await flow.run(journal=journal, run_id="parent")
        await flow.fork("parent", journal=journal, run_id="child", at=4, edit={"goal": 2})
        await flow.fork("child", journal=journal, run_id="grandchild", at=5, edit={"goal": 3})
        return journal, {name: await journal.read(name) for name in ("parent", "child", "grandchild")}

    async def look():
        journal, records = await go()
        headers = [await journal.header(name) for name in records]
        return headers, records

    headers, records = run_virtual(look())
    assert [header.parent for header in headers] == [None, ("parent", 4), ("child", 5)]
    child = records["child"][5:]
    assert [type(record) for record in child[:2]] == [RunForked, Routed]
    assert records["child"][:5] == records["parent"][:5]
    assert records["grandchild"][:6] == records["child"][:6]
    assert isinstance(
        records["grandchild"][7], Routed
    )  # the edges of record 4 are still the last that are open
    assert [str(r.activation) for r in records["grandchild"][8:] if isinstance(r, NodeFinished)] == [
        "writer@2",
        "checker@2",
    ]


def branches(delays, ran=None, fail=()):
    """START to a, b and c at once, all of which write notes; then a join."""
    ran = [] if ran is None else ran
    graph = Graph(State)

    def branch(name):
        async def work(ctx: Context, text: str, notes: list[str]) -> list[str]:
            await asyncio.sleep(delays[name])
            if name in fail:
                raise ValueError(name)
            ran.append(name)
            return [f"{name} saw {text}{len(notes)}"]

        return graph.node(work, name=name, writes="notes")

    @graph.node(writes="text")
    async def join(notes: list[str], text: str) -> str:
        ran.append("join")
        return f"{text}, {len(notes)} notes"

    for name in "abc":
        graph.chain(START, branch(name), join)
    graph.edge(join, END)
    return graph.compile()


def branches_forked(**options):
    ran, fail = [], []
    flow = branches({"a": 1, "b": 2, "c": 3}, ran, fail)

    async def go():
        journal = MemoryJournal()
        await flow.run({"text": "x"}, journal=journal, run_id="parent")
        del ran[:]
        result = await flow.fork("parent", journal=journal, run_id="fork", **options)
        return result.state, list(ran), await journal.read("fork")

    return run_virtual(go())


def test_an_edit_reaches_all_that_was_in_flight_and_what_waits():
    state, ran, _ = branches_forked(at=1, edit={"text": "y", "notes": ["only"]})
    assert ran == ["b", "c", "join"]
    assert state.notes == ["only", "b saw y1", "c saw y1"]
    assert state.text == "y, 3 notes"


def test_without_edits_what_was_in_flight_begins_anew_on_what_it_had():
    state, ran, _ = branches_forked(at=1)
    assert ran == ["b", "c", "join"]
    assert state.notes == ["a saw x0", "b saw x0", "c saw x0"]


def test_an_edit_before_an_activation_is_seen_by_it_and_what_follows_it_alone():
    state, ran, records = branches_forked(before="c", edit={"text": "y"})
    assert ran == ["c", "join"]  # it begins before the first record of c, by when a and b had finished
    assert state.notes == ["a saw x0", "b saw x0", "c saw y0"]
    assert state.text == "y, 3 notes"
    assert records[3].before.node == "c"


def test_an_edit_before_an_activation_replaces_what_its_reducer_fields_held():
    state, ran, _ = branches_forked(before="b", at=0, edit={"notes": ["mine"]})
    assert ran == ["a", "b", "c", "join"]
    assert state.notes == ["mine", "a saw x0", "b saw x1", "c saw x0"]


def test_an_activation_that_still_waits_for_its_tokens_may_be_edited():
    state, ran, _ = branches_forked(before="join", at=1, edit={"notes": [], "text": "z"})
    assert ran == ["b", "c", "join"]
    assert (state.notes, state.text) == ([], "z, 0 notes")


def test_an_edit_before_an_activation_in_a_loop_reaches_its_round_alone():
    state, ran = loop_forked(before="checker@1", edit={"text": "mine"})
    assert state.notes == ["saw text 0", "saw mine", "saw text 2"]
    assert ran == ["checker@1", "writer@2", "checker@2"]


def test_a_failed_branch_is_tried_again_and_sees_the_edit():
    ran, fail = [], ["b"]
    flow = branches({"a": 1, "b": 2, "c": 3}, ran, fail)

    async def go():
        journal = MemoryJournal()
        with pytest.raises(RunFailedError):
            await flow.run({"text": "x"}, journal=journal, run_id="parent")
        last = (await journal.read("parent"))[-1].seq
        del fail[:], ran[:]
        await flow.fork("parent", journal=journal, run_id="one", at=last, edit={"text": "y"})
        del ran[:]
        result = await flow.fork("parent", journal=journal, run_id="two", before="b", edit={"text": "y"})
        records = await journal.read("one")
        again = next(r for r in records if isinstance(r, NodeFinished) and r.activation.node == "b")
        return result.state.notes, list(ran), again.attempt

    notes, ran, attempt = run_virtual(go())
    assert notes == ["a saw x0", "b saw y0", "c saw x0"]
    assert ran == ["b", "c", "join"]
    assert attempt == 2


def test_an_edit_settles_a_conflict():
    graph = Graph(State)
    join = graph.node(lambda text: [text], name="join", writes="notes", inline=True)
    for name in "ab":
        branch = graph.node(lambda name=name: name, name=name, writes="text", inline=True)
        graph.chain(START, branch, join)
    graph.edge(join, END)
    with pytest.warns(UserWarning, match="text"):
        flow = graph.compile()

    async def go():
        journal = MemoryJournal()
        with pytest.raises(RunFailedError):
            await flow.run(journal=journal, run_id="parent")
        last = (await journal.read("parent"))[-1].seq
        with pytest.raises(RunFailedError):
            await flow.fork("parent", journal=journal, at=last)
        return await flow.fork("parent", journal=journal, at=last, edit={"text": "both"})

    assert run_virtual(go()).state.notes == ["both"]


@pytest.mark.parametrize(("cancelled", "at"), [(False, 2), (False, 3), (True, 3)])
def test_interrupted_and_cancelled_runs_can_be_forked_at_their_end_and_before(cancelled, at):
    flow = branches({"a": 1, "b": 2, "c": 30})

    async def go():
        journal = MemoryJournal()
        async with flow.start({"text": "x"}, journal=journal, run_id="parent") as run:
            await asyncio.sleep(5)
            if cancelled:
                run.cancel()
                with pytest.raises(RunCancelledError):
                    await run.result()
        assert (await journal.read("parent"))[-1].seq == 3
        return await flow.fork("parent", journal=journal, at=at, edit={"text": "y"})

    assert run_virtual(go()).state.notes == ["a saw x0", "b saw x0", "c saw y0"]


def test_a_run_that_is_under_way_can_be_forked():
    flow = branches({"a": 1, "b": 2, "c": 30})

    async def go():
        journal = MemoryJournal()
        async with flow.start({"text": "x"}, journal=journal, run_id="parent") as run:
            await asyncio.sleep(1.5)
            forked = await flow.fork("parent", journal=journal, at=1, edit={"text": "y"})
            return forked.state, (await run.result()).state

    forked, parent = run_virtual(go())
    assert forked.notes == ["a saw x0", "b saw y0", "c saw y0"]
    assert parent.notes == ["a saw x0", "b saw x0", "c saw x0"]


def test_a_completed_run_is_forked_at_its_end_only_without_an_edit():
    flow = loop()

    async def go():
        journal = MemoryJournal()
        done = await flow.run(journal=journal, run_id="parent")
        again = await flow.fork("parent", journal=journal, at=7)
        assert again.state == done.state
        for start in (True, False):
            with pytest.raises(InputError, match="over at record 7.*such as 6"):
                await flow.fork("parent", journal=journal, at=7, edit={"goal": 9}, start=start)
        return len(await journal.runs())

    assert run_virtual(go()) == 2


def test_a_fork_may_be_made_now_and_run_later():
    ran = []
    flow = loop(ran)

    async def go():
        journal = MemoryJournal()
        await flow.run(journal=journal, run_id="parent")
        del ran[:]
        made = await flow.fork("parent", journal=journal, run_id="f", at=2, edit={"goal": 2}, start=False)
        assert (made.run_id, made.status, ran) == ("f", RunStatus.INTERRUPTED, [])
        assert (await journal.runs())[0].status is RunStatus.INTERRUPTED
        made = await flow.fork("parent", journal=journal, run_id="g", before="checker@1", start=False)
        result = await flow.resume("f", journal=journal)
        async with flow.reopen("g", journal=journal) as run:
            other = await run.result()
        return result.state, other.state

    state, other = run_virtual(go())
    assert (len(state.notes), len(other.notes)) == (2, 3)


def test_making_a_fork_reads_but_one_record_of_its_parent():
    class Counting(MemoryJournal):
        read_records = 0

        async def read(self, run_id, *, after=-1, before=None):
            found = await super().read(run_id, after=after, before=before)
            self.read_records += len(found)
            return found

    flow = loop()

    async def go():
        journal = Counting()
        await flow.run(journal=journal, run_id="parent")
        await flow.fork("parent", journal=journal, at=2, edit={"goal": 2}, start=False)
        return journal.read_records

    assert run_virtual(go()) == 1


async def test_a_fork_that_is_set_aside_is_made_and_ended_in_one_commit(tmp_path):
    async with await SqliteJournal.open(tmp_path / "runs.db") as journal:
        await loop().run(journal=journal, run_id="parent")
        before = journal.commits
        await loop().fork("parent", journal=journal, run_id="f", at=2, start=False)
        assert journal.commits == before + 1
        assert {run.header.run_id: run.status for run in await journal.runs()}["f"] is RunStatus.INTERRUPTED


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "say where to fork"),
        ({"at": 99}, "no record 99; its records go from 0 to 7"),
        ({"at": -1}, "no record -1"),
        ({"at": "3"}, "number of a record, not '3'"),
        ({"at": 2, "edit": {"nope": 1, "goal": "x"}}, "'nope' is no field.*; field 'goal' takes"),
        ({"at": 2, "edit": ["goal"]}, "a mapping of fields to values, not list"),
        ({"before": "writer@9"}, "no such activation runs or waits.*those that do: none"),
        ({"before": "writer@0", "at": 4}, "by record 4.*had finished, at record 1"),
        ({"before": "writer@2", "at": 1}, "those that do: checker@0"),
        ({"at": 2, "on_change": "ignore"}, "on_change is"),
        ({"at": 2, "concurrency": 0}, "concurrency must be"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_is_stored(options, told):
    flow = loop()

    async def go():
        journal = MemoryJournal()
        await flow.run(journal=journal, run_id="parent")
        with pytest.raises(InputError, match=f"(?s){told}"):
            await flow.fork("parent", journal=journal, **options)
        return len(await journal.runs())

    assert run_virtual(go()) == 1


def test_a_run_that_is_not_there_and_an_id_that_is_taken_are_told():
    flow = loop()

    async def go():
        journal = MemoryJournal()
        with pytest.raises(RunNotFoundError):
            await flow.fork("parent", journal=journal, at=1)
        await flow.run(journal=journal, run_id="parent")
        with pytest.raises(RunExistsError):
            await flow.fork("parent", journal=journal, at=1, run_id="parent")

    run_virtual(go())


def test_a_changed_graph_forks_only_when_told_to():
    flow, other = loop(), Graph(State, name="State")

    @other.node(writes="notes")
    async def writer(text: str) -> list[str]:
        return ["new"]

    other.chain(START, writer, END)
    changed = other.compile()

    async def go():
        journal = MemoryJournal()
        await flow.run(journal=journal, run_id="parent")
        with pytest.raises(GraphChangedError, match="checker"):
            await changed.fork("parent", journal=journal, at=0)
        result = await changed.fork("parent", journal=journal, at=0, run_id="f", on_change="continue")
        assert result.state.notes == ["new"]
        with pytest.raises(GraphChangedError, match="fit"):
            await changed.fork("parent", journal=journal, at=2, on_change="continue")
        assert (await changed.resume("f", journal=journal)).state.notes == ["new"]

    run_virtual(go())


def test_a_fork_that_crashed_goes_on_where_it_was(tmp_path):
    ran = []
    delays = {"a": 0, "b": 0.01, "c": 0.02}
    flow = branches(delays, ran)

    async def go():
        async with await SqliteJournal.open(tmp_path / "runs.db") as journal:
            await flow.run({"text": "x"}, journal=journal, run_id="parent")
            del ran[:]
            delays["c"] = 3600
            async with flow.start_fork(
                "parent", journal=journal, run_id="fork", at=1, edit={"text": "y"}
            ) as run:
                async for event in run.events():
                    if str(getattr(event, "activation", "")) == "b" and hasattr(event, "updates"):
                        break
        async with await SqliteJournal.open(tmp_path / "runs.db") as journal:
            assert ran == ["b"]
            delays["c"] = 0
            result = await flow.resume("fork", journal=journal)
            assert [type(r) for r in await journal.read("fork", after=4)][:1] != [RunResumed]
            return result

    assert asyncio.run(go()).state.notes == ["a saw x0", "b saw y0", "c saw y0"]
    assert ran == ["b", "c", "join"]


def test_effects_of_what_was_in_flight_are_kept_unless_it_reads_what_was_edited():
    asked, gate = [], []
    graph = Graph(State)

    def asker(name, body):
        return graph.node(body, name=name, writes="notes")

    async def fetch(name: str) -> str:
        asked.append(name)
        return f"{name} {len(asked)}"

    async def reads(ctx: Context, text: str) -> list[str]:
        found = await ctx.step("fetch", fetch, "reads")
        if not gate:
            raise ValueError("not yet")
        return [f"{text}: {found}"]

    async def blind(ctx: Context) -> list[str]:
        found = await ctx.step("fetch", fetch, "blind")
        if not gate:
            await asyncio.sleep(1)
        return [found]

    async def whole(ctx: Context, state: State) -> list[str]:
        found = await ctx.step("fetch", fetch, "whole")
        if not gate:
            await asyncio.sleep(1)
        return [f"{state.text}: {found}"]

    for name, body in (("blind", blind), ("reads", reads), ("whole", whole)):
        graph.chain(START, asker(name, body), END)
    flow = graph.compile()

    async def go():
        journal = MemoryJournal()
        async with flow.start({"text": "x"}, journal=journal, run_id="parent") as run:
            await asyncio.sleep(0.5)
            run.interrupt()
            with pytest.raises(RunFailedError, match="not yet"):
                await run.result()
        last = (await journal.read("parent"))[-1].seq
        assert sorted(asked) == ["blind", "reads", "whole"]
        gate.append("open")
        del asked[:]
        same = await flow.fork("parent", journal=journal, at=last)
        assert asked == []
        edited = await flow.fork("parent", journal=journal, at=last, edit={"text": "y"})
        return same.state.notes, edited.state.notes, sorted(asked)

    same, edited, asked_again = run_virtual(go())
    assert asked_again == ["reads", "whole"]
    assert [note.split(":")[0] for note in same[1:]] == ["x", "x"]
    assert [note.split(":")[0] for note in edited[1:]] == ["y", "y"]
    assert edited[0] == same[0]


def test_a_fork_of_a_long_run_reads_only_what_its_frontiers_leave_open():
    class Counting(MemoryJournal):
        read_records = 0

        async def read(self, run_id, *, after=-1, before=None):
            found = await super().read(run_id, after=after, before=before)
            self.read_records += len(found)
            return found

    graph = Graph(State)
    step = graph.node(lambda goal: goal + 1, name="step", writes="goal", inline=True)
    graph.edge(START, step)
    graph.feedback(step, step, when=lambda goal: goal < 1500, limit=None)
    graph.edge(step, END, when=lambda goal: goal >= 1500)
    flow = graph.compile()

    async def go():
        journal = Counting()
        await flow.run({"goal": 0}, journal=journal, run_id="parent")
        result = await flow.fork("parent", journal=journal, at=1490, edit={"goal": 1499, "notes": ["x"]})
        return result.state, journal.read_records

    state, read = run_virtual(go())
    assert (state.goal, state.notes) == (1500, ["x"])
    assert read < 1490


def test_a_run_that_waits_for_an_answer_can_be_forked_and_both_answered():
    graph = Graph(State)
    steps = []

    async def prepare() -> int:
        steps.append("prepare")
        return len(steps)

    @graph.node(writes="notes")
    async def asks(ctx: Context, goal: int) -> list[str]:
        first = await ctx.step("prepare", prepare)
        answer = await ctx.ask("Shall we?")
        return [f"{first} {answer} {goal}"]

    graph.chain(START, asks, END)
    flow = graph.compile()

    async def go():
        journal = MemoryJournal()
        waiting = await flow.run(journal=journal, run_id="parent")
        last = (await journal.read("parent"))[-1].seq
        same = await flow.fork("parent", journal=journal, run_id="same", at=last)
        edited = await flow.fork("parent", journal=journal, run_id="edited", at=last, edit={"goal": 9})
        assert {waiting.status, same.status, edited.status} == {RunStatus.SUSPENDED}
        found = []
        for name, answer in (("same", "yes"), ("edited", "no"), ("parent", "perhaps")):
            result = await flow.resume(name, journal=journal, answers={"asks": answer})
            assert await flow.replay(name, journal=journal, rerun="all")
            found.append(result.state.notes)
        return found

    assert run_virtual(go()) == [["1 yes 3"], ["2 no 9"], ["1 perhaps 3"]]
