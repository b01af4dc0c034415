"""Effects of def nodes: the same ones, each of which blocks the node's thread."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from backedge import BlockingContext, Context, Graph, GraphError, RunFailedError, RunStatus
from backedge.checkpoints import MemoryJournal

from .kit import State, World, flow_of


def run(work):
    return asyncio.run(work, debug=True)


def threads():
    return {thread for thread in threading.enumerate() if thread.name.startswith("backedge")}


def test_a_def_node_has_every_effect():
    world = World()

    def body(ctx: BlockingContext) -> list:
        which = ctx.first(
            partial(ctx.step, "slow", world.slow, "a", 30.0), partial(ctx.step, "b", world.plain, "b")
        )
        with ctx.branch("more"):
            more = ctx.step("fetch", world.fetch, "c")
        ctx.sleep(0.01)
        chance = (ctx.now() is not None, ctx.random() < 1, len(str(ctx.uuid())))
        return [*which, more, *chance, ctx.ask("ok?"), ctx.receive("go")]

    async def go():
        from backedge import send

        journal, flow = MemoryJournal(), flow_of(body)
        await flow.run(journal=journal, run_id="r")
        await send("r", "go", 1, journal=journal)
        return (await flow.resume("r", journal=journal, answers={"node": "yes"})).state.out

    assert run(go()) == [1, "B", "C", True, True, 36, "yes", 1]
    # While a thread is held up the clock may come to the end of the one that was not chosen.
    assert [each for each in world.done if each != "a"] == ["b", "c"]


def test_a_def_node_that_waits_gives_its_thread_back_whatever_its_handlers_do():
    ended = []

    def body(ctx: BlockingContext) -> str:
        try:
            answer = ctx.ask("ok?")
        except Exception:
            return "swallowed"
        except BaseException:
            try:
                ctx.step("plain", World().plain, "forbidden")
            except BaseException:
                ended.append("refused")
            return "swallowed"
        return answer

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        before = threads()
        assert (await flow.run(journal=journal, run_id="r")).status is RunStatus.SUSPENDED
        for thread in threads() - before:
            thread.join(5)
        assert threads() == before
        return (await flow.resume("r", journal=journal, answers={"node": "yes"})).state.out

    assert run(go()) == "yes"
    assert ended == ["refused"]


def test_threads_of_a_body_keep_their_places_in_named_branches():
    world = World()

    def part(ctx, name):
        with ctx.branch(name):
            return [ctx.step("plain", world.plain, f"{name}{n}") for n in range(3)]

    def body(ctx: BlockingContext) -> list:
        with ThreadPoolExecutor(3) as pool:
            found = list(pool.map(partial(part, ctx), "abc"))
        return [*found, ctx.ask("ok?")]

    async def go():
        journal, flow = MemoryJournal(), flow_of(body)
        await flow.run(journal=journal, run_id="r")
        return (await flow.resume("r", journal=journal, answers={"node": "yes"})).state.out

    assert run(go()) == [["A0", "A1", "A2"], ["B0", "B1", "B2"], ["C0", "C1", "C2"], "yes"]
    assert sorted(world.done) == sorted(set(world.done))


def test_def_nodes_run_at_the_same_time():
    from backedge import END, START

    meeting = threading.Barrier(2, timeout=30)

    def meet() -> str:
        meeting.wait()
        return "met"

    graph = Graph(State)

    def one(ctx: BlockingContext) -> str:
        return ctx.step("meet", meet)

    graph.chain(START, graph.node(one, name="one", writes="out"), END)
    graph.chain(START, graph.node(one, name="other", writes="text"), END)
    state = run(graph.compile().run(journal=MemoryJournal())).state
    assert (state.out, state.text) == ("met", "met")


def test_a_failing_part_of_a_gather_fails_the_body():
    world = World()

    def body(ctx: BlockingContext) -> list:
        return ctx.gather(
            partial(ctx.step, "fail", world.fail, "x"), partial(ctx.step, "p", world.plain, "p")
        )

    with pytest.raises(RunFailedError, match="'fail' failed: ValueError: no x"):
        run(flow_of(body).run(journal=MemoryJournal()))


def test_after_a_timeout_the_thread_can_do_nothing_more():
    seen = []
    go_on = threading.Event()

    def body(ctx: BlockingContext) -> str:
        go_on.wait(30)
        try:
            return ctx.step("plain", World().plain, "late")
        except BaseException as error:
            seen.append(type(error).__name__)
            raise

    async def go():
        try:
            with pytest.raises(RunFailedError, match="took longer"):
                await flow_of(body, timeout=0.05).run(journal=MemoryJournal(), grace=0)
        finally:
            go_on.set()
        for _ in range(500):
            if seen:
                break
            await asyncio.sleep(0.01)

    run(go())
    assert seen == ["Suspension"]


def test_a_context_of_the_wrong_kind_is_refused():
    def wrong(ctx: Context) -> str:
        return str(ctx.now())

    with pytest.raises(RunFailedError, match="in a def node, ctx.now\\(\\) is for a BlockingContext"):
        run(flow_of(wrong).run())

    async def wrong_too(ctx: BlockingContext) -> str:
        return ""

    with pytest.raises(GraphError, match="is a BlockingContext; an async def node takes a Context"):
        flow_of(wrong_too)


def test_a_branch_has_a_name_and_one_user_at_a_time():
    async def both(ctx: Context) -> list:
        async def part():
            with ctx.branch("same"):
                await asyncio.sleep(0)

        return await asyncio.gather(part(), part())

    with pytest.raises(RunFailedError, match="two tasks use the branch 'same' at once"):
        run(flow_of(both).run())

    def named(ctx: BlockingContext) -> str:
        with ctx.branch("no name"):
            return ""

    with pytest.raises(RunFailedError, match="a branch's name is an identifier, not 'no name'"):
        run(flow_of(named).run())
