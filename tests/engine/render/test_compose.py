import asyncio
import json
from contextlib import suppress
from typing import Annotated

import pytest
from pydantic import BaseModel
from tenacity import AsyncRetrying, stop_after_attempt, wait_none

from backedge import END, START, Context, Graph, RunError, add
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import (
    AttemptFailed,
    ErrorInfo,
    NodeFinished,
    RunEnded,
    RunResumed,
    RunStarted,
    RunStatus,
)
from backedge.engine.render.picture import Arrow, ArrowKind, Box, Kind, Picture, Status

from .samples import Counts, fan_out, loop, nested, picture, ran, steady, until


def box(drawn: Picture, name: str) -> Box:
    return next(each for each in drawn.boxes if each.id == name)


def arrow(drawn: Picture, name: str) -> Arrow:
    return next(each for each in drawn.arrows if each.ids == (name,))


# --------------------------------------------------------------------------- a graph


def test_a_picture_without_a_run_tells_the_graph_and_nothing_else():
    drawn = picture(loop())
    assert (drawn.title, drawn.status, drawn.standing) == ("Build", None, "")
    assert drawn.lines == ("inputs: spec",)
    assert [each.id for each in drawn.boxes] == ["START", "coder", "interpreter", "checker", "END"]
    assert all(each.status is None and each.figures == () and each.details == () for each in drawn.boxes)
    assert all(each.taken is None for each in drawn.arrows)
    assert drawn.legend == (ArrowKind.FEEDBACK,)


def test_boxes_tell_what_nodes_read_write_and_use_and_how_they_run():
    class State(BaseModel):
        b: int = 0
        a: int = 0

    graph = Graph(State, resources={"model": str})

    @graph.node(
        writes=("b", "a"),
        retry=AsyncRetrying(stop=stop_after_attempt(3)),
        timeout=90,
        uses="sandbox",
        may_stop=True,
    )
    async def many(a: int, b: int, model: str, ctx: Context) -> dict[str, int]:
        return {}

    @graph.node(concurrency=2, retry=AsyncRetrying())
    def threaded(state: State) -> None: ...

    @graph.node(inline=True)
    def quick() -> None: ...

    graph.chain(START, many, threaded, quick, END)
    drawn = picture(graph.compile())
    first = box(drawn, "many")
    assert first.kind is Kind.ASYNC
    assert first.traits == ("async", "≤ 3 attempts", "timeout 1 min 30 s", "may stop")
    assert (first.reads, first.writes, first.uses) == (("b", "a"), ("b", "a"), ("model", "sandbox"))
    assert box(drawn, "threaded").traits == ("thread", "retries", "2 at once")
    assert box(drawn, "threaded").reads == ("the whole state",)
    assert box(drawn, "quick").traits == ("inline",)
    assert (box(drawn, "START").kind, box(drawn, "END").kind) == (Kind.START, Kind.END)


def test_loops_are_rings_in_rings_with_their_headers():
    drawn = picture(nested())
    assert [(ring.name, ring.outer, ring.headers) for ring in drawn.rings] == [
        ("begin", None, ("begin",)),
        ("turn", "begin", ("turn",)),
    ]
    assert [(each.id, each.loops, each.header) for each in drawn.boxes] == [
        ("START", (), False),
        ("begin", ("begin",), True),
        ("turn", ("begin", "turn"), True),
        ("end", ("begin",), False),
        ("END", (), False),
    ]
    assert drawn.rings[0].title == "loop begin"


def test_a_loop_with_several_headers_names_them():
    graph = Graph(Counts)
    nodes = [graph.node(lambda inner: None, name=name, inline=True) for name in ("a", "b", "c")]
    a, b, c = nodes
    graph.edge(START, a)
    graph.edge(START, b)
    graph.edge(a, c)
    graph.edge(b, c)
    graph.feedback(c, a, when=lambda inner: inner < 1, limit=1)
    graph.feedback(c, b, when=lambda inner: inner < 1, limit=1)
    graph.edge(c, END, when=lambda inner: inner >= 1)
    (ring,) = picture(graph.compile()).rings
    assert ring.title == "loop a (headers a, b)"


def test_arrows_tell_sort_condition_and_limit():
    graph = Graph(Counts)

    @graph.node(writes="inner")
    async def try_it(inner: int) -> int:
        return 1

    @graph.node
    async def mend(error: KeyError) -> None: ...

    @graph.node
    async def give_up() -> None: ...

    graph.chain(START, try_it)
    graph.feedback(try_it, try_it, when=lambda inner: inner < 9, limit=4, otherwise=give_up)
    graph.on_error(try_it, mend, error=KeyError)
    graph.edge(try_it, END, when=lambda inner: inner >= 9, label="all nine")
    graph.chain(mend, END)
    graph.chain(give_up, END)
    drawn = picture(graph.compile())
    assert arrow(drawn, "START->try_it").kind is ArrowKind.PLAIN
    back = arrow(drawn, "try_it->try_it")
    assert (back.kind, back.label, back.limit, back.tally) == (ArrowKind.FEEDBACK, "inner < 9", 4, "≤ 4")
    assert arrow(drawn, "try_it->mend!KeyError").kind is ArrowKind.ERROR
    assert arrow(drawn, "try_it->mend!KeyError").label == "on KeyError"
    assert arrow(drawn, "try_it->END").kind is ArrowKind.CONDITION
    assert arrow(drawn, "try_it->END").label == "all nine"
    assert arrow(drawn, "try_it->give_up!limit:try_it").kind is ArrowKind.LIMIT
    assert arrow(picture(nested()), "end->begin").tally == "no limit"


def test_an_error_edge_with_a_label_of_its_own_tells_both():
    graph = Graph(Counts)

    @graph.node
    async def risky() -> None: ...

    @graph.node
    async def mend(error: OSError) -> None: ...

    graph.chain(START, risky, END)
    graph.on_error(risky, mend, error=OSError, label="no disk")
    graph.chain(mend, END)
    assert arrow(picture(graph.compile()), "risky->mend!OSError").label == "on OSError: no disk"


# --------------------------------------------------------------------------- a run


async def test_after_a_run_boxes_tell_how_often_and_how_long():
    flow = loop(passes=2)
    drawn = picture(flow, await ran(flow, {"spec": "x"}))
    coder = box(drawn, "coder")
    assert (coder.status, coder.runs, coder.seconds, coder.failures) == (Status.DONE, 3, 15.0, 0)
    assert coder.figures == ("✓ done", "3× · 15 s · last 5 s")
    assert coder.details == tuple(f"coder@{number} ✓ done · 5 s" for number in range(3))
    assert drawn.standing == "✓ completed"
    assert drawn.lines == ("run demo · 1 min 9 s · 9 activations · began 1970-01-12 13:46:40 UTC",)
    assert [box(drawn, name).status for name in ("START", "END")] == [Status.DONE, Status.DONE]
    assert drawn.rings[0].title == "loop coder · 3 rounds"


async def test_a_node_that_ran_once_is_not_told_twice():
    flow = loop(passes=0)
    assert box(picture(flow, await ran(flow, {"spec": "x"})), "coder").figures == ("✓ done", "1× · 5 s")


async def test_arrows_tell_how_often_they_were_taken_and_feedback_of_how_many():
    flow = loop(passes=3)
    drawn = picture(flow, await ran(flow, {"spec": "x"}))
    assert {each.ids[0]: each.tally for each in drawn.arrows} == {
        "START->coder": "1×",
        "coder->interpreter": "4×",
        "interpreter->checker": "4×",
        "checker->coder": "3 of 8",
        "checker->END": "1×",
    }


async def test_what_a_run_did_not_take_is_told_as_zero_and_what_it_did_not_reach_as_such():
    flow = loop()
    records = until(await ran(flow, {"spec": "x"}), "coder", times=1)
    drawn = picture(flow, records)
    assert arrow(drawn, "checker->END").taken == 0
    assert arrow(drawn, "checker->coder").tally == "0 of 8"
    assert box(drawn, "checker").status is Status.IDLE
    assert box(drawn, "checker").figures == ("○ not reached",)
    assert box(drawn, "END").status is Status.IDLE


async def test_limits_of_an_inner_loop_count_per_entry():
    flow = nested()
    drawn = picture(flow, await ran(flow))
    assert arrow(drawn, "turn->turn").tally == "2 of 5 at most, 4 in all"
    assert arrow(drawn, "end->begin").tally == "1×"
    assert [ring.title for ring in drawn.rings] == [
        "loop begin · 2 rounds",
        "loop turn · 6 rounds in 2 entries",
    ]


async def test_a_run_under_way_shows_what_is_in_flight_and_in_which_round():
    flow = loop()
    drawn = picture(flow, until(await ran(flow, {"spec": "x"}), "coder", times=3))
    assert drawn.standing == "▶ running"
    current = box(drawn, "interpreter")
    assert current.status is Status.RUNNING
    assert current.figures == ("▶ running in round 2", "2× · 22 s · last 11 s")
    assert box(drawn, "coder").status is Status.DONE
    assert box(drawn, "END").status is Status.IDLE


async def test_a_join_whose_branches_are_alive_is_shown_waiting():
    flow = fan_out(2)
    drawn = picture(flow, until(await ran(flow), "w0", times=1))
    assert [box(drawn, name).status for name in ("w0", "w1", "join")] == [
        Status.DONE,
        Status.RUNNING,
        Status.WAITING,
    ]
    assert box(drawn, "join").figures == ("◷ waiting",)


async def test_a_failed_run_shows_the_failed_node_its_error_and_what_is_due():
    flow = fan_out(3, broken=1)
    drawn = picture(flow, await ran(flow))
    assert drawn.standing == "✗ failed"
    assert drawn.lines[1:] == ("✗ w1: ZeroDivisionError: none",)
    assert [box(drawn, f"w{number}").status for number in range(3)] == [
        Status.DONE,
        Status.FAILED,
        Status.STOPPED,
    ]
    assert box(drawn, "w1").figures == ("✗ failed", "1× · 2 s", "1 failed attempt", "ZeroDivisionError: none")


async def test_of_many_failures_the_heading_tells_three_and_counts_the_others():
    flow = fan_out(6)
    records = [
        AttemptFailed(r.seq, r.activation, 1, r.started, r.ended, ErrorInfo("ValueError", "bad"), final=True)
        if isinstance(r, NodeFinished) and r.activation.node.startswith("w")
        else r
        for r in await ran(flow)
    ]
    drawn = picture(
        flow, [r for r in records if not isinstance(r, NodeFinished) or r.activation.node != "join"][:-1]
    )
    assert [line.split(":")[0] for line in drawn.lines[1:]] == [
        "✗ w0",
        "✗ w1",
        "✗ w2",
        "✗ and 3 more failures",
    ]


async def test_an_error_that_an_error_edge_took_is_told_apart_from_success():
    graph = Graph(Counts)

    @graph.node
    async def risky() -> None:
        raise KeyError("gone")

    @graph.node(inline=True)
    def mend(error: KeyError) -> None: ...

    graph.chain(START, risky, END)
    graph.on_error(risky, mend, error=KeyError)
    graph.chain(mend, END)
    flow = graph.compile()
    drawn = picture(flow, await ran(flow))
    assert box(drawn, "risky").status is Status.HANDLED
    assert box(drawn, "risky").figures == ("! error handled", "1× · 5 s", "1 failed attempt")
    assert "KeyError" in box(drawn, "risky").details[0]
    assert arrow(drawn, "risky->mend!KeyError").taken == 1
    assert drawn.standing == "✓ completed"


async def test_retries_count_as_attempts_of_one_activation():
    graph = Graph(Counts)
    calls = []

    @graph.node(retry=AsyncRetrying(stop=stop_after_attempt(5), wait=wait_none()))
    async def shaky() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise OSError("not yet")

    graph.chain(START, shaky, END)
    flow = graph.compile()
    records = await ran(flow)
    done = box(picture(flow, records), "shaky")
    assert (done.runs, done.failures, done.seconds) == (1, 2, 15.0)
    assert done.figures == ("✓ done", "1× · 15 s", "2 failed attempts")
    assert done.details == ("shaky ✓ done · 15 s · 2 failed attempts of 3 · OSError: not yet",)
    trying = box(picture(flow, records[:2]), "shaky")
    assert trying.status is Status.RUNNING
    assert trying.failures == 1


async def test_a_condition_that_raised_marks_its_node_as_failed():
    graph = Graph(Counts)

    @graph.node
    async def ask() -> None: ...

    graph.chain(START, ask)
    graph.edge(ask, END, when=lambda inner: 1 / inner > 0)
    flow = graph.compile()
    drawn = picture(flow, await ran(flow))
    assert box(drawn, "ask").status is Status.FAILED
    assert "division by zero" in box(drawn, "ask").figures[-1]
    assert box(drawn, "ask").figures[1] == "1× · 3 s"


async def test_a_start_that_could_not_be_routed_is_shown_failed():
    graph = Graph(Counts)

    @graph.node
    async def ask() -> None: ...

    graph.edge(START, ask, when=lambda inner: 1 / inner > 0)
    graph.chain(ask, END)
    flow = graph.compile()
    drawn = picture(flow, await ran(flow))
    assert box(drawn, "START").status is Status.FAILED
    assert box(drawn, "ask").status is Status.IDLE


async def test_a_routing_made_up_for_counts_once():
    graph = Graph(Counts)
    holds = []

    @graph.node
    async def ask() -> None: ...

    graph.chain(START, ask)
    graph.edge(ask, END, when=lambda: holds[0])
    flow = graph.compile()
    async with MemoryJournal() as journal:
        with pytest.raises(Exception, match="IndexError"):
            await flow.run(journal=journal, run_id="demo")
        holds.append(True)
        await flow.resume("demo", journal=journal)
        drawn = picture(flow, steady(await journal.read("demo")))
    assert box(drawn, "ask").figures == ("✓ done", "1× · 3 s")
    assert arrow(drawn, "ask->END").taken == 1


async def test_a_resume_is_told_and_its_limits_count():
    flow = loop(passes=9)
    records = await ran(flow, {"spec": "x"}, resumes=1, limits={"checker->coder": 20})
    assert not any(isinstance(record, RunResumed) and record.limits == {} for record in records)
    first = picture(flow, await ran(flow, {"spec": "x"}))
    assert first.standing == "✗ failed"
    assert "reached its limit of 8" in first.lines[1]
    async with MemoryJournal() as journal:
        with pytest.raises(Exception, match="limit of 8"):
            await flow.run({"spec": "x"}, journal=journal, run_id="demo")
        await flow.resume("demo", journal=journal, limits={"checker->coder": 20})
        drawn = picture(flow, steady(await journal.read("demo")))
    assert arrow(drawn, "checker->coder").tally == "9 of 20"
    assert drawn.lines[0].endswith("resumed 1×")


def test_a_break_between_two_owners_does_not_count_as_work():
    flow = loop()
    records = [
        RunStarted(0, 100.0, {"spec": b'"x"'}, ("START->coder",)),
        RunEnded(1, 103.0, RunStatus.INTERRUPTED),
        RunResumed(2, 9_000.0, 2),
        RunResumed(3, 20_000.0, 3),  # the one before crashed at once
        RunEnded(4, 20_004.0, RunStatus.INTERRUPTED),
    ]
    drawn = picture(flow, records)
    assert drawn.lines[0].startswith("run demo · 7 s · 0 activations")
    assert drawn.standing == "■ interrupted"
    assert box(drawn, "coder").status is Status.STOPPED


def test_a_clock_that_jumps_back_gives_no_negative_times():
    flow = loop()
    drawn = picture(
        flow, [RunStarted(0, 100.0, {"spec": b'"x"'}, ("START->coder",)), RunEnded(1, 3.0, RunStatus.FAILED)]
    )
    assert "0 µs" in drawn.lines[0]


@pytest.mark.parametrize("at", [1e30, -1e30, float("inf")])
def test_a_clock_set_to_nonsense_is_drawn_all_the_same(at: float):
    drawn = picture(loop(), [RunStarted(0, at, {"spec": b'"x"'}, ("START->coder",))])
    assert "after 1970" in drawn.lines[0]


async def test_a_cancelled_run_shows_what_it_left():
    class Empty(BaseModel):
        pass

    graph = Graph(Empty, resources={"begun": asyncio.Event})

    @graph.node
    async def endless(begun: asyncio.Event) -> None:
        begun.set()
        await asyncio.Event().wait()

    graph.chain(START, endless, END)
    flow = graph.compile()
    async with MemoryJournal() as journal:
        begun = asyncio.Event()
        with suppress(RunError):
            async with flow.start(journal=journal, run_id="demo", resources={"begun": begun}) as run:
                await begun.wait()
                run.cancel()
        drawn = picture(flow, await journal.read("demo"))
    assert drawn.standing == "■ cancelled"
    assert box(drawn, "endless").status is Status.STOPPED


async def test_what_activations_spent_is_added_up():
    flow = loop(passes=1)
    spent = json.dumps(
        {"tokens": {"input": 1000, "output": 20}, "cost": 0.004, "model": "m", "cached": True}
    ).encode()
    records = [
        r._replace(usage=spent) if isinstance(r, NodeFinished) and r.activation.node == "coder" else r
        for r in await ran(flow, {"spec": "x"})
    ]
    drawn = picture(flow, records)
    assert box(drawn, "coder").figures[-1] == "2,000 tokens.input · 40 tokens.output · 0.008 cost"
    assert len(box(drawn, "checker").figures) == 2


async def test_a_run_of_another_graph_is_drawn_as_far_as_it_goes():
    other = loop(passes=1)
    records = await ran(other, {"spec": "x"})
    graph = Graph(_Changed)

    @graph.node(writes="code")
    async def coder(spec: str) -> str:
        return ""

    graph.chain(START, coder, END)
    drawn = picture(graph.compile(), records)
    assert box(drawn, "coder").runs == 2
    assert any("graph changed" in line for line in drawn.lines)
    assert any("interpreter, checker" in line for line in drawn.lines)


async def test_a_failure_in_an_earlier_round_outweighs_a_success_in_a_later_one():
    records = await ran(loop(passes=1), {"spec": "x"})
    first = next(r for r in records if isinstance(r, NodeFinished) and r.activation.node == "coder")
    failed = AttemptFailed(
        first.seq, first.activation, 1, first.started, first.ended, ErrorInfo("ValueError", "bad"), final=True
    )
    drawn = picture(loop(), [failed if record is first else record for record in records])
    assert box(drawn, "coder").status is Status.FAILED
    assert box(drawn, "coder").figures[0] == "✗ failed in round 0"


def test_no_records_at_all_is_a_run_of_which_nothing_is_known():
    drawn = picture(loop(), [])
    assert box(drawn, "coder").status is not Status.DONE
    assert drawn.lines == ("run demo · 0 µs · 0 activations",)


class _Changed(BaseModel):
    spec: str
    code: str = ""
    total: Annotated[int, add] = 0
