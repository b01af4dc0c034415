"""What changed in a graph, and what that means for a run."""

from typing import Annotated

import pytest
from pydantic import BaseModel

from backedge import END, START, Graph, GraphChangedError, InputError, RunFailedError, extend
from backedge.checkpoints import MemoryJournal
from backedge.engine.changes import changes, digest_of, records_before
from backedge.engine.records import RunForked, RunHeader, RunResumed, RunStarted

from ..virtual import run_virtual


class State(BaseModel):
    text: str = ""
    score: int = 0
    notes: Annotated[list[str], extend] = []


class Changed(BaseModel):
    text: str = ""
    score: str = ""
    notes: Annotated[list[str], extend] = []


class Less(BaseModel):
    text: str = ""
    notes: Annotated[list[str], extend] = []


def build(state=State, *, broken=False, version="", nodes="abc", extra=False, score=7, twice=False):
    """A chain a, b, c, of which b scores and c may be broken."""
    graph = Graph(state, name="chain")

    async def a() -> str:
        return "a"

    async def b():
        return score

    async def c(text: str) -> list[str]:
        if broken:
            raise ValueError("broken")
        return [f"c{version}"]

    functions = {"a": (a, "text"), "b": (b, "score"), "c": (c, "notes")}
    made = []
    for name in nodes:
        function, writes = functions[name]
        if writes not in state.model_fields:
            writes = ()
        made.append(graph.node(function, name=name, writes=writes, version=version if name == "c" else ""))
    graph.chain(START, *made, END)
    if extra:
        d = graph.node(lambda text: ["d"], name="d", writes="notes", inline=True)
        graph.chain(made[0], d, END)
    return graph.compile()


async def failed(flow=None):
    journal = MemoryJournal()
    with pytest.raises(RunFailedError):
        await (flow or build(broken=True)).run(journal=journal, run_id="r")
    return journal


def refused(now, then=None):
    """What resuming with another graph is refused with."""

    async def go():
        journal = await failed(then)
        before = await journal.read("r")
        with pytest.raises(GraphChangedError) as caught:
            await now.resume("r", journal=journal)
        assert await journal.read("r") == before
        return caught.value

    return run_virtual(go())


def test_a_node_of_another_version_is_told_with_what_ran_and_what_will():
    error = refused(build(version="2"))
    assert error.changes == (
        "node 'c': version was '', is '2': it has not run in this run, and will as the new one",
        "so the run can go on, with c",
    )
    assert error.possible
    assert 'on_change="continue"' in str(error)


def test_a_node_that_is_gone_matters_only_if_it_ran_or_was_to():
    error = refused(build(nodes="ab"))
    assert error.changes[0] == "node 'c' is gone: it was about to run, since b->c was taken"
    assert error.changes[-1].startswith("so the run cannot go on with this graph: edge b->c")
    assert not error.possible
    assert "on_change" not in str(error)
    error = refused(build(nodes="bc"))
    assert error.changes[0] == "node 'a' is gone: it ran as a, which its records cannot do without"


def test_edges_and_nodes_that_are_new_count_from_now_on():
    error = refused(build(extra=True))
    assert error.changes[:3] == (
        "node 'd' is new: it runs when an edge to it is taken from now on",
        "edge a->d is new: it counts from now on, and not for a, which took their edges before",
        "edge d->END is new: it counts from now on",
    )
    assert error.possible


def test_an_edge_that_is_gone_is_told_with_the_record_that_took_it():
    then = build(broken=True, extra=True)
    error = refused(build(), then)
    assert "edge a->d is gone: record 1 took it" in error.changes


def test_a_field_of_another_type_is_told_with_the_first_value_that_does_not_fit():
    error = refused(build(Changed))
    assert error.changes[0].startswith(
        "field 'score': type was 'int', is 'str': record 2 wrote '7', which is not"
    )
    assert "migrate={'score': …}" in error.changes[0]
    assert not error.possible


def test_a_field_that_is_gone_is_told_with_what_drops_it():
    error = refused(build(Less))
    assert "field 'score' is gone: record 2 wrote it; migrate={'score': None} drops it" in error.changes
    assert not error.possible


def test_going_on_all_the_same_does_so_and_is_asked_for_once():
    async def go():
        journal = await failed()
        worse = build(version="2", broken=True)
        with pytest.raises(RunFailedError):
            await worse.resume("r", journal=journal, on_change="continue")
        result = await build(version="2").resume("r", journal=journal)
        with pytest.raises(GraphChangedError):
            await build(version="3").resume("r", journal=journal)
        return result.state

    assert run_virtual(go()).notes == ["c2"]


def test_a_migration_reads_old_values_as_the_new_type():
    flow = build(Changed, score="8")

    async def go():
        journal = await failed()
        before = await journal.read("r")
        with pytest.raises(GraphChangedError):
            await flow.resume("r", journal=journal, on_change="continue")
        result = await flow.resume("r", journal=journal, on_change="continue", migrate={"score": str})
        assert (await journal.read("r"))[: len(before)] == before
        again = await flow.resume("r", journal=journal, migrate={"score": str})
        seen = flow.migrating({"score": str})
        history = await seen.history("r", journal=journal)
        report = await seen.replay("r", journal=journal)
        forked = await seen.fork("r", journal=journal, at=2, edit={"text": "x"})
        later = await seen.resume(forked.run_id, journal=journal)
        return result.state, again.state, history[2].updates, report, forked.state, later.state

    state, again, updates, report, forked, later = run_virtual(go())
    assert (state.score, again.score, updates) == ("7", "7", {"score": "7"})
    assert report, str(report)
    assert (forked.score, forked.text, later) == ("7", "x", forked)


def test_what_was_written_since_is_not_migrated():
    def doubled(value):
        return f"{value}{value}"

    async def go():
        journal = await failed(build(broken=True, nodes="acb"))
        flow = build(Changed, nodes="acb", score="new")
        migrate = {"score": doubled, "text": doubled}
        async with flow.reopen("r", journal=journal, on_change="continue", migrate=migrate) as run:
            result = await run.result()
        again = await flow.resume("r", journal=journal, migrate=migrate)
        return result.state, again.state

    state, again = run_virtual(go())
    assert (state.text, state.score) == ("aa", "new")
    assert again == state


def test_what_was_written_to_a_field_that_is_gone_can_be_dropped():
    async def go():
        journal = await failed()
        flow = build(Less)
        return await flow.resume("r", journal=journal, on_change="continue", migrate={"score": None})

    assert run_virtual(go()).state.notes == ["c"]


@pytest.mark.parametrize(
    ("state", "migrate", "told"),
    [
        (Changed, {"scor": str}, "'scor' is no field of the state"),
        (Changed, {"score": None}, "'score' is a field of the state"),
        (Changed, {"score": lambda value: value}, "field 'score', which record 2 wrote as '7': ValueError"),
        (Changed, {"score": lambda value: value["x"]}, "record 2 wrote as '7': TypeError"),
    ],
)
def test_migrations_that_do_not_work_are_told_and_leave_the_run_alone(state, migrate, told):
    async def go():
        journal = await failed()
        before = await journal.read("r")
        with pytest.raises(InputError, match=told):
            await build(state).resume("r", journal=journal, on_change="continue", migrate=migrate)
        assert await journal.read("r") == before

    run_virtual(go())


def test_changes_are_told_one_sentence_each():
    before = {"nodes": {"a": {"writes": ["x"]}, "b": {}}, "fields": {"x": {"type": "int"}}, "edges": ["a->b"]}
    now = {"nodes": {"a": {"writes": ["y"]}, "c": {}}, "fields": {"x": {"type": "int"}}, "edges": ["a->c"]}
    assert [change.told for change in changes(before, now)] == [
        "node 'b' is gone",
        "node 'c' is new",
        "node 'a': writes was ['x'], is ['y']",
        "edge a->b is gone",
        "edge a->c is new",
    ]
    assert changes(now, now) == []


STARTED = RunStarted(0, 0.0, {}, ())


@pytest.mark.parametrize(
    ("records", "last", "old"),
    [
        ([STARTED], "1", 0),
        ([STARTED, RunResumed(1, 0.0, 2, {}, "1")], "1", 0),
        ([STARTED, RunResumed(1, 0.0, 2, {}, "2"), RunResumed(2, 0.0, 3, {}, "2")], "2", 1),
        ([STARTED, RunResumed(1, 0.0, 2, {}, "2"), RunResumed(2, 0.0, 3, {}, "1")], "1", 2),
        ([STARTED, RunForked(1, 0.0, {})], "1", 0),
        ([STARTED, RunForked(1, 0.0, {}, None, "1")], "1", 1),
        ([STARTED, RunResumed(1, 0.0, 2, {}, "2"), RunForked(2, 0.0, {})], "1", 2),
    ],
)
def test_a_run_knows_with_which_graph_it_went_on_and_since_when(records, last, old):
    header = RunHeader("r", "g", "1", b"{}", 0.0)
    assert digest_of(header, records) == last
    assert records_before(header, records, last) == old
    assert records_before(header, records, "other") == len(records)
