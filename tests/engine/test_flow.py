"""A compiled flow: what it must be given, where it keeps its runs, how it is called from code that is not async."""

import asyncio
import threading
from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import (
    END,
    START,
    FencedError,
    Graph,
    InputError,
    JournalOpenError,
    JournalWriteError,
    RunExistsError,
    RunFailedError,
    add,
    extend,
)
from backedge.checkpoints import MemoryJournal, SqliteJournal
from backedge.engine.records import RunStatus

from ..virtual import run_virtual


class State(BaseModel):
    spec: str
    style: str = "plain"
    code: str
    notes: Annotated[list[str], extend] = []


class Asked(BaseModel):
    spec: str


def build(**resources):
    graph = Graph(State, resources=resources or None)

    @graph.node(writes="code")
    async def coder(spec: str, style: str) -> str:
        return f"{style} {spec}"

    graph.chain(START, coder, END)
    return graph.compile()


# --------------------------------------------------------------------------- inputs


def test_inputs_are_the_fields_that_are_read_before_anybody_writes_them():
    assert build().inputs == {"spec": str}


@pytest.mark.parametrize("inputs", [{"spec": "x"}, State.model_construct({"spec"}, spec="x")])
def test_inputs_are_a_mapping_or_a_model_of_which_the_set_fields_count(inputs):
    state = run_virtual(build().run(inputs)).state
    assert (state.spec, state.style, state.code) == ("x", "plain", "plain x")


def test_an_input_may_replace_a_default_and_adds_to_a_reducers():
    state = run_virtual(build().run({"spec": "x", "style": "fine", "notes": ["a"]})).state
    assert state.code == "fine x"
    assert state.notes == ["a"]


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        (None, "'spec' must be given"),
        ({}, "'spec' must be given"),
        ({"spec": "x", "spek": "y"}, "'spek' is no field"),
        ({"spec": 3}, "'spec'"),
        ([("spec", "x")], "not list"),
        ({"spec": "x", "notes": "no list"}, "'notes'"),
    ],
)
def test_inputs_that_do_not_fit_are_told_and_nothing_is_started(inputs, told):
    async def go():
        journal = MemoryJournal()
        with pytest.raises(InputError, match=told):
            await build().run(inputs, journal=journal)
        assert await journal.runs() == []

    run_virtual(go())


def test_everything_that_is_wrong_with_the_inputs_is_told_at_once():
    with pytest.raises(InputError) as caught:
        run_virtual(build().run({"style": 3, "x": 1}))
    for part in ("'style'", "'x'", "'spec'"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"resources": {}}, "lacks 'model'"),
        ({"resources": {"model": 1, "other": 2}}, "no resource 'other'"),
        ({"resources": {"model": 1}, "concurrency": 0}, "concurrency must be"),
        ({"resources": {"model": 1}, "slots": {"sandbox": 2}}, "no node uses 'sandbox'"),
        ({"resources": {"model": 1}, "slots": {"threads": True}}, "threads must be"),
        ({"resources": {"model": 1}, "limits": {"a->b": 2}}, "no feedback edge"),
        ({"resources": {"model": 1}, "retries": 2}, "unknown option 'retries'"),
        ({"resources": None}, "resources= is a mapping of names to objects, not None"),
        (
            {"resources": {"model": 1}, "limits": 3},
            "limits= is a mapping of feedback edges to numbers, not 3",
        ),
        ({"resources": {"model": 1}, "slots": ["sandbox"]}, "slots= is a mapping of names to numbers"),
        ({"resources": {"model": 1}, "slots": {"threads": []}}, "threads must be"),
        ({"resources": {"model": 1}, "concurrency": []}, "concurrency must be"),
        ({"resources": {"model": 1}, "break_before": "coder"}, "several names, as in"),
        ({"resources": {"model": 1}, "break_before": 3}, "several names, as in"),
    ],
)
def test_options_that_do_not_fit_are_told(options, told):
    with pytest.raises(InputError, match=told):
        run_virtual(build(model=int).run({"spec": "x"}, **options))


def test_resources_reach_nodes_and_conditions_by_name():
    graph = Graph(State, resources={"suffix": str})

    @graph.node(writes="code")
    async def coder(spec: str, suffix: str) -> str:
        return spec + suffix

    graph.edge(START, coder)
    graph.edge(coder, END, when=lambda code, suffix: code.endswith(suffix))
    assert run_virtual(graph.compile().run({"spec": "x"}, resources={"suffix": "!"})).state.code == "x!"


# --------------------------------------------------------------------------- results


def test_a_result_has_the_state_and_unset_fields_say_so():
    class Partial(BaseModel):
        asked: str = ""
        never: str

    graph = Graph(Partial)

    @graph.node(writes="never", may_stop=True)
    async def rare() -> str:
        return "x"

    graph.edge(START, END)
    graph.edge(START, rare, when=lambda asked: bool(asked))
    result = run_virtual(graph.compile().run())
    assert result.status is RunStatus.COMPLETED
    with pytest.raises(AttributeError, match="never"):
        _ = result.state.never


def test_what_a_node_does_to_its_arguments_or_later_to_its_result_changes_nothing():
    graph = Graph(State)
    kept = []

    @graph.node(writes="notes")
    async def write() -> list[str]:
        kept.append("mine")
        return kept

    @graph.node(writes="code")
    async def spoil(notes: list[str]) -> str:
        notes.append("spoilt")
        kept.append("spoilt")
        return "done"

    graph.chain(START, write, spoil, END)
    assert run_virtual(graph.compile().run({"spec": "x"})).state.notes == ["mine"]


# --------------------------------------------------------------------------- journals


async def test_a_journal_is_a_path_or_an_open_journal(tmp_path):
    flow = build()
    path = tmp_path / "runs.db"
    for where in (str(path), path):
        await flow.run({"spec": "x"}, journal=where)
    async with await SqliteJournal.open(path) as journal:
        await flow.run({"spec": "x"}, journal=journal)
        assert len(await journal.runs()) == 3
        assert {summary.status for summary in await journal.runs()} == {RunStatus.COMPLETED}


@pytest.mark.parametrize("run_id", ["", "\ud800", 3, b"x", True])
def test_the_id_of_a_run_is_a_text_that_can_be_stored(run_id, tmp_path):
    async def go():
        flow, journal = build(), MemoryJournal()
        for where in (None, journal):
            with pytest.raises(InputError, match="the id of a run is a text"):
                await flow.run({"spec": "x"}, journal=where, run_id=run_id)
        for looked in (
            flow.resume(run_id, journal=journal),
            flow.history(run_id, journal=journal),
            flow.state_at(run_id, 0, journal=journal),
        ):
            with pytest.raises(InputError, match="the id of a run is a text"):
                await looked
        assert await journal.runs() == []

    run_virtual(go())
    with pytest.raises(InputError, match="the id of a run is a text"):
        build().render(tmp_path / "x.txt", run=run_id, journal=tmp_path / "runs.db")


async def test_who_looks_at_a_run_makes_no_journal(tmp_path):
    flow, path = build(), tmp_path / "runs.db"
    for looked in (
        flow.resume("demo", journal=path),
        flow.history("demo", journal=path),
        flow.state_at("demo", 0, journal=path),
        flow.reopen("demo", journal=path).__aenter__(),
        asyncio.to_thread(flow.render, tmp_path / "x.txt", run="demo", journal=path),
    ):
        with pytest.raises(JournalOpenError, match="there is no such journal"):
            await looked
    assert list(tmp_path.iterdir()) == []


async def test_a_run_without_journal_cannot_be_reopened():
    with pytest.raises(InputError, match="'demo' needs its journal="):
        async with build().reopen("demo", journal=None):
            pass


@pytest.mark.parametrize("seq", ["1", None, 1.0])
async def test_a_record_is_named_by_its_number(seq):
    with pytest.raises(InputError, match="seq is the number of a record"):
        await build().state_at("demo", seq, journal=MemoryJournal())


def test_a_picture_with_a_journal_wants_a_run_of_it(tmp_path):
    with pytest.raises(InputError, match="say run= too"):
        build().render(tmp_path / "x.txt", journal=tmp_path / "runs.db")
    with pytest.raises(InputError, match="in which journal="):
        build().render(tmp_path / "x.txt", run="demo")
    assert list(tmp_path.iterdir()) == []


def test_a_run_id_that_is_taken_is_an_error_that_names_resume():
    async def go():
        journal = MemoryJournal()
        await build().run({"spec": "x"}, journal=journal, run_id="demo")
        before = await journal.read("demo")
        with pytest.raises(RunExistsError, match="resume"):
            await build().run({"spec": "y"}, journal=journal, run_id="demo")
        assert await journal.read("demo") == before

    run_virtual(go())


class BreakingLog:
    """A log whose appends fail from one on."""

    def __init__(self, log, good, error):
        self._log, self._good, self._error = log, good, error
        self.released = False

    def __getattr__(self, name):
        return getattr(self._log, name)

    def append(self, *records, **more):
        self._good -= 1
        if self._good >= 0:
            return self._log.append(*records, **more)
        future = asyncio.get_running_loop().create_future()
        future.set_exception(self._error)
        return future

    async def release(self):
        self.released = True
        await self._log.release()


@pytest.mark.parametrize(
    "error", [JournalWriteError("memory", "disk full"), FencedError("memory", "r", 1, 2)]
)
def test_when_the_journal_breaks_the_run_stops_and_nothing_that_depends_on_it_starts(error):
    graph = Graph(Asked)
    ran = []

    def node(name, seconds):
        async def work() -> None:
            ran.append(name)
            await asyncio.sleep(seconds)
            ran.append(f"{name} ended")

        return graph.node(work, name=name)

    graph.chain(START, node("one", 1), node("two", 1), node("three", 1), END)
    graph.chain(START, node("long", 100), END)
    flow = graph.compile()

    async def go():
        journal = MemoryJournal()
        logs = []
        create = journal.create

        async def breaking(header, first):
            logs.append(BreakingLog(await create(header, first), 1, error))
            return logs[0]

        journal.create = breaking
        with pytest.raises(type(error)):
            await flow.run({"spec": "x"}, journal=journal, run_id="r")
        assert logs[0].released
        assert asyncio.all_tasks() == {asyncio.current_task()}
        del journal.create
        assert (await flow.resume("r", journal=journal)).status is RunStatus.COMPLETED

    run_virtual(go())
    assert ran == [
        "long",
        "one",
        "one ended",
        "two",
        "two ended",
        "long",
        "two",
        "two ended",
        "three",
        "three ended",
        "long ended",
    ]


def test_many_runs_share_a_journal():
    async def go():
        journal = MemoryJournal()
        flow = build()
        results = await asyncio.gather(*(flow.run({"spec": str(n)}, journal=journal) for n in range(50)))
        assert [result.state.spec for result in results] == [str(n) for n in range(50)]
        assert len(await journal.runs()) == 50

    run_virtual(go())


# --------------------------------------------------------------------------- not async


def test_run_sync_and_resume_sync_from_plain_code(tmp_path):
    flow = build()
    result = flow.run_sync({"spec": "x"}, journal=tmp_path / "runs.db", run_id="r")
    assert flow.resume_sync("r", journal=tmp_path / "runs.db") == result


async def test_run_sync_works_where_an_event_loop_runs_already():
    before = set(threading.enumerate())  # one of an earlier test may be about to end
    assert build().run_sync({"spec": "x"}).state.code == "plain x"
    with pytest.raises(InputError):
        build().run_sync({})
    assert before.issuperset(threading.enumerate())


def test_the_error_of_run_sync_is_that_of_run():
    graph = Graph(Asked)

    @graph.node
    async def broken() -> None:
        raise ValueError("x")

    graph.chain(START, broken, END)
    with pytest.raises(RunFailedError) as caught:
        graph.compile().run_sync({"spec": "x"})
    assert isinstance(caught.value.__cause__, ValueError)


class Nothing(BaseModel):
    pass


async def test_what_is_wrong_with_inputs_or_options_leaves_no_file_behind(tmp_path):
    graph = Graph(Nothing)

    @graph.node
    async def node() -> None: ...

    graph.chain(START, node, END)
    flow = graph.compile()
    for wrong in ({"inputs": {"nothing": 1}}, {"concurrency": 0}):
        inputs = wrong.pop("inputs", None)
        with pytest.raises(InputError):
            await flow.run(inputs, journal=tmp_path / "runs.db", **wrong)
        with pytest.raises(InputError):
            async with flow.start(inputs, journal=tmp_path / "runs.db", **wrong):
                pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kept", [False, True])
async def test_inline_nodes_that_begin_a_run_together_do_not_end_it_before_all_have_begun(kept):
    class Counting(BaseModel):
        n: Annotated[int, add] = 0

    graph = Graph(Counting)

    @graph.node(writes="n", inline=True)
    def turn() -> int:
        return 1

    @graph.node(inline=True)
    def quick() -> None: ...

    graph.chain(START, quick, END)
    graph.edge(START, turn)
    graph.feedback(turn, turn, when=lambda n: n < 3, limit=5)
    graph.edge(turn, END, when=lambda n: n >= 3)
    assert (await graph.compile().run(journal=MemoryJournal() if kept else None)).state.n == 3
