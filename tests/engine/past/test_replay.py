"""Runs driven again from their records."""

import random
from typing import Annotated

import pytest
import tenacity
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge import (
    END,
    START,
    Context,
    Graph,
    InputError,
    RunFailedError,
    RunNotFoundError,
    extend,
)
from backedge.checkpoints import MemoryJournal
from backedge.engine.past.replay import Replay
from backedge.engine.records import NodeFinished, RunEnded, RunStatus

from ...virtual import VirtualLoop, run_virtual
from ..graphs import graphs
from ..sizes import examples
from ..test_determinism import flow_of


class State(BaseModel):
    goal: int = 3
    text: str = ""
    notes: Annotated[list[str], extend] = []


def loop(*, when=None, check=None, limit=4, ran=None, extra=False, resources=None):
    ran = [] if ran is None else ran
    graph = Graph(State, resources=resources)

    @graph.node(writes="text")
    async def writer(notes: list[str]) -> str:
        ran.append("writer")
        return f"text {len(notes)}"

    @graph.node(writes="notes")
    def checker(text: str) -> list[str]:
        ran.append("checker")
        return check(text) if check is not None else [f"saw {text}"]

    graph.chain(START, writer, checker)
    more = when or (lambda notes, goal: len(notes) < goal)
    graph.feedback(checker, writer, when=more, limit=limit)
    graph.edge(checker, END, when=lambda notes, goal: len(notes) >= goal)
    if extra:

        @graph.node(writes="text", may_stop=True)
        async def other() -> str:
            return "x"

        graph.edge(writer, other)
    return graph.compile()


def replayed(now, *, then=None, rewrite=None, **options):
    """The report of replaying a run of `then` with `now`; `rewrite` changes its records before."""

    class Doctored(MemoryJournal):
        async def read(self, run_id, *, after=-1, before=None):
            records = await super().read(run_id, after=after, before=before)
            return rewrite(list(records)) if rewrite else records

    async def go():
        journal = Doctored()
        await (then or now).run(journal=journal, run_id="r")
        before = await MemoryJournal.read(journal, "r")
        report = await now.replay("r", journal=journal, **options)
        assert await MemoryJournal.read(journal, "r") == before
        return report

    return run_virtual(go())


def test_a_run_replays_as_recorded_without_any_of_its_code():
    ran = []
    flow = loop(ran=ran)
    report = replayed(flow)
    assert report
    assert (report.records, report.conditions, report.rerun, report.mismatches) == (8, 0, 0, ())
    assert len(ran) == 6
    assert str(report) == "replay of run 'r' (8 records): all as recorded"


def test_conditions_that_would_go_another_way_are_all_told():
    def when(notes, goal):
        return len(notes) < goal - 1

    report = replayed(loop(when=when), then=loop(), verify="conditions")
    assert not report
    (wrong,) = report.mismatches
    assert (wrong.seq, wrong.activation, wrong.what) == (4, "checker@1", "edges")
    assert wrong.recorded == "checker->writer"
    assert wrong.now.startswith("DeadEndError")
    assert report.conditions == 7
    assert "record 4, checker@1: edges" in str(report)
    assert replayed(loop(), verify="conditions")


def test_without_being_asked_conditions_are_not_called():
    def when(notes):
        raise AssertionError

    assert replayed(loop(when=when), then=loop())


def test_a_condition_that_raises_is_a_mismatch():
    def when(notes):
        raise KeyError("x")

    report = replayed(loop(when=when), then=loop(), verify="conditions")
    assert [wrong.seq for wrong in report.mismatches] == [2, 4, 6]
    assert "RoutingError" in report.mismatches[0].now


def test_a_node_that_does_something_else_now_is_told_field_by_field():
    report = replayed(
        loop(check=lambda text: [f"read {text}"] if text == "text 1" else [f"saw {text}"]),
        then=loop(),
        rerun={"checker"},
    )
    (wrong,) = report.mismatches
    assert (wrong.seq, wrong.activation, wrong.what) == (4, "checker@1", "field 'notes'")
    assert (wrong.recorded, wrong.now) == ('["saw text 1"]', '["read text 1"]')
    assert report.rerun == 3


def test_a_node_that_raises_now_is_told():
    def check(text):
        raise ValueError("no")

    report = replayed(loop(check=check), then=loop(), rerun=["checker"])
    assert [wrong.now for wrong in report.mismatches] == ["raised ValueError: no"] * 3
    assert report.mismatches[0].recorded == "wrote notes"


def test_only_the_named_nodes_run():
    ran = []
    flow = loop(ran=ran)
    assert replayed(flow, rerun={"writer"})
    assert ran[6:] == ["writer"] * 3
    del ran[:]
    assert replayed(flow, rerun="all").rerun == 6
    assert ran[6:] == ["writer", "checker"] * 3


def failing(error=None, handled=False, policy=None):
    graph = Graph(State)

    @graph.node(writes="text", retry=policy)
    async def fragile(ctx: Context) -> str:
        if error is not None:
            raise error
        return "fine"

    graph.chain(START, fragile, END)
    if handled:

        @graph.node(writes="notes")
        async def rescue(error: ValueError) -> list[str]:
            return [f"rescued {error}"]

        graph.on_error(fragile, rescue, error=ValueError)
        graph.edge(rescue, END)
    return graph.compile()


@pytest.mark.parametrize("handled", [True, False])
def test_a_failure_that_fails_in_the_same_way_is_as_recorded(handled):
    policy = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3))
    then = failing(ValueError("a"), handled, policy)

    async def go():
        journal = MemoryJournal()
        try:
            await then.run(journal=journal, run_id="r")
        except RunFailedError:
            assert not handled
        same = await then.replay("r", journal=journal, rerun="all")
        other = await failing(ValueError("b"), handled, policy).replay("r", journal=journal, rerun="all")
        kind = await failing(TypeError("a"), handled, policy).replay("r", journal=journal, rerun="all")
        assert [w.now for w in kind.mismatches] == ["raised TypeError: a"]
        none = await failing(None, handled, policy).replay("r", journal=journal, rerun="all")
        return same, other, none

    same, other, none = run_virtual(go())
    assert same, str(same)
    assert [(w.recorded, w.now) for w in other.mismatches] == [
        ("raised ValueError: a", "raised ValueError: b")
    ]
    assert [(w.recorded, w.now) for w in none.mismatches] == [("raised ValueError: a", "wrote text")]


def test_effects_come_from_the_records_and_others_are_refused():
    calls = []

    def flow_asking(*names):
        graph = Graph(State)

        async def fetch(name: str) -> str:
            calls.append(name)
            return f"{name} {len(calls)}"

        @graph.node(writes="notes")
        async def asks(ctx: Context) -> list[str]:
            found = [await ctx.step(name, fetch, name) for name in names]
            return [*found, str(ctx.random())]

        graph.chain(START, asks, END)
        return graph.compile()

    async def go():
        journal = MemoryJournal()
        await flow_asking("a", "b").run(journal=journal, run_id="r")
        return [
            await flow_asking(*names).replay("r", journal=journal, rerun="all")
            for names in (("a", "b"), ("a", "c"), ("a", "b", "c"), ("a",), ())
        ]

    same, *others = run_virtual(go())
    assert same, str(same)
    assert calls == ["a", "b"]
    assert [wrong.what for other in others for wrong in other.mismatches] == ["effects"] * 4
    assert "'c'" in others[0].mismatches[0].now


def test_a_body_that_waits_for_what_is_not_recorded_is_ended():
    def flow_waiting(*, waits):
        graph = Graph(State)

        @graph.node(writes="text")
        async def node(ctx: Context) -> str:
            return await ctx.receive("go", schema=str) if waits else "x"

        graph.chain(START, node, END)
        return graph.compile()

    report = replayed(flow_waiting(waits=True), then=flow_waiting(waits=False), rerun="all")
    (wrong,) = report.mismatches
    assert wrong.what == "effects"
    assert "'go'" in wrong.now


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"limit": 1}, (4, "checker@1", "edges", "checker->writer", "the limit of 1 of checker->writer")),
        ({"extra": True}, (1, "writer@0", "edges", "writer->checker", "writer->other, writer->checker")),
    ],
)
def test_a_graph_that_would_not_go_this_way_is_told(changed, told):
    report = replayed(loop(**changed), then=loop())
    first = report.mismatches[0]
    assert (first.seq, first.activation, first.what, first.recorded) == told[:4]
    assert sorted(first.now.split(", ")) == sorted(told[4].split(", "))
    assert bool(report.changes) == ("extra" in changed)


def edited(place, **changes):
    def rewrite(records):
        records[place] = records[place]._replace(**changes)
        return records

    return rewrite


def without(place):
    return lambda records: [r._replace(seq=n) for n, r in enumerate(records[:place] + records[place + 1 :])]


@pytest.mark.parametrize(
    ("rewrite", "told"),
    [
        (edited(3, attempt=2), "record 3, writer@1: attempt\n    recorded: 2\n    now:      1"),
        (edited(3, writes={"text": b'"x"', "notes": b"[]"}), "fields written\n    recorded: text, notes"),
        (edited(3, writes={"goal": b"1"}), "now:      text"),
        (edited(3, writes={"text": b' "x"'}), "encoding of field 'text'"),
        (edited(3, writes={"text": b"1"}), "record 3, writer@1: does not fit this graph"),
        (edited(4, taken=()), "edges\n    recorded: none\n    now:      at least one"),
        (edited(4, taken=("writer->checker",)), "recorded: writer->checker"),
        (edited(4, taken=("gone->checker",)), "gone->checker, which the run took, is gone"),
        (edited(3, seq=7), "number\n    recorded: 7"),
        (without(3), "record 3, checker@1: the activation\n    recorded: running, then NodeFinished"),
        (without(6), "the end\n    recorded: completed\n    now:      checker@2 still to end"),
        (
            lambda records: [*records[:7], RunEnded(7, 0.0, RunStatus.FAILED)],
            "recorded: failed\n    now:      nothing is left to run",
        ),
    ],
)
def test_records_that_are_not_those_of_a_run_are_named_with_both_sides(rewrite, told):
    report = replayed(loop(), rewrite=rewrite)
    assert not report
    assert told in str(report)


def test_texts_of_several_lines_are_told_as_a_difference_of_lines():
    def flow_writing(text):
        graph = Graph(State)

        @graph.node(writes="text")
        async def writer() -> str:
            return text

        graph.chain(START, writer, END)
        return graph.compile()

    report = replayed(flow_writing("a\nB\nc"), then=flow_writing("a\nb\nc"), rerun="all")
    assert "-b" in str(report)
    assert "+B" in str(report)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"verify": "all"}, "verify= is"),
        ({"rerun": "checker"}, "a set of names"),
        ({"rerun": {"nobody"}}, "there is no node nobody; there is writer, checker"),
    ],
)
def test_what_cannot_be_asked_is_told(options, told):
    with pytest.raises(InputError, match=told):
        replayed(loop(), **options)


def test_resources_are_wanted_only_by_what_is_called():
    def build():
        graph = Graph(State, resources={"speak": object, "hear": object})

        @graph.node(writes="text")
        async def a(speak: object) -> str:
            return str(speak)

        @graph.node(writes="notes")
        async def b(hear: object) -> list[str]:
            return [str(hear)]

        graph.chain(START, a, b, END)
        return graph.compile()

    flow = build()

    async def go():
        journal = MemoryJournal()
        await flow.run(journal=journal, run_id="r", resources={"speak": "x", "hear": "y"})
        assert await flow.replay("r", journal=journal, verify="conditions")
        assert await flow.replay("r", journal=journal, rerun={"a"}, resources={"speak": "x"})
        assert not await flow.replay("r", journal=journal, rerun={"a"}, resources={"speak": "z"})
        with pytest.raises(InputError, match="'hear'"):
            await flow.replay("r", journal=journal, rerun={"a", "b"}, resources={"speak": "x"})
        with pytest.raises(RunNotFoundError):
            await flow.replay("s", journal=journal)

    run_virtual(go())


async def all_ways(drawn, seed):
    journal = MemoryJournal()
    flow = flow_of(drawn, seed, random.Random(seed))
    await flow.run(journal=journal, run_id="r")
    records = await journal.read("r")
    at = records[random.Random(seed).randrange(len(records))].seq
    await flow.fork("r", journal=journal, run_id="f", at=at)
    for run in ("r", "f"):
        report = await flow.replay(run, journal=journal, verify="conditions", rerun="all")
        assert report, str(report)
    finished = [r for r in records if isinstance(r, NodeFinished) and r.taken]
    for victim in finished[:3]:
        doctored = [r._replace(taken=r.taken[1:]) if r is victim else r for r in records]
        replay = Replay(flow.graph, doctored, conditions=True)
        assert next(m.seq for _, _, found in replay.steps() for m in found) == victim.seq


@settings(max_examples=examples(12), deadline=None)
@given(graphs(most=7), st.integers(0, 1000))
def test_any_run_and_any_fork_replays(drawn, seed):
    run_virtual(all_ways(drawn, seed), loop=VirtualLoop, debug=False)
