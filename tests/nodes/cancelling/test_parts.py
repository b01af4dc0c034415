"""Parts of a node that are cancelled: where they stop, what is left of them, and what is recorded."""

import asyncio

import pytest

from backedge import (
    END,
    START,
    Context,
    Graph,
    RunCancelledError,
    RunFailedError,
    RunInterruptedError,
    RunStatus,
    open_questions,
    send,
)
from backedge.checkpoints import MemoryJournal
from backedge.nodes.cancelling import (
    Cancel,
    CancelToken,
    Outcome,
    PartCancelledError,
    cancellable,
    partial_results,
)

from ...virtual import run_virtual
from .running import Ran, Scene, State, flow_of


def told(state):
    return state.value, state.reason, state.partial


async def quiet():
    """Time for whatever can go on to do so."""
    for _ in range(50):
        await asyncio.sleep(0)


def test_a_part_that_nobody_cancels_gives_what_it_returns():
    async def main():
        scene = Scene()
        flow, journal = flow_of(scene.counting), MemoryJournal()
        token = CancelToken()
        state = (await flow.run({}, journal=journal, run_id="r", resources={"token": token})).state
        assert told(state) == ([0, 1, 2, 3], None, None)
        assert not token._children, "its token is closed"
        assert await flow.replay("r", journal=journal, rerun="all", resources={"token": token})

    run_virtual(main())


def test_at_once_cuts_it_off_in_what_it_awaits_and_keeps_what_it_had():
    async def main():
        scene = Scene(2)

        async def act(run):
            ran.token.cancel("enough")

        ran = Ran(flow_of(scene.counting, keeps=list[int]), scene)
        assert told(await ran(act)) == (None, "enough", [0, 1])
        assert scene.done == [0, 1, "2 cut"]

    run_virtual(main())


def test_graceful_lets_it_go_on_to_its_next_checkpoint():
    async def main():
        scene = Scene(2)

        async def act(run):
            ran.token.cancel("enough", how="graceful")
            await quiet()
            assert scene.done == [0, 1], "it is left in peace"
            scene.go.set()

        ran = Ran(flow_of(scene.counting), scene)
        assert told(await ran(act)) == (None, "enough", [0, 1, 2])
        assert scene.done == [0, 1, 2]

    run_virtual(main())


def test_a_graceful_one_with_a_deadline_is_at_once_when_that_is_over():
    async def main():
        scene, loop = Scene(2), asyncio.get_running_loop()

        async def act(run):
            ran.token.cancel("enough", how="graceful", deadline=7)
            ran.began = loop.time()

        ran = Ran(flow_of(scene.counting), scene)
        assert told(await ran(act)) == (None, "enough", [0, 1])
        assert loop.time() - ran.began == pytest.approx(7, abs=0.5)
        assert scene.done == [0, 1, "2 cut"]

    run_virtual(main())


def test_a_graceful_one_may_be_hastened():
    async def main():
        scene = Scene(2)

        async def act(run):
            ran.token.cancel("enough", how="graceful")
            await quiet()
            ran.token.cancel("hurry")

        ran = Ran(flow_of(scene.counting), scene)
        assert told(await ran(act)) == (None, "enough", [0, 1])

    run_virtual(main())


def test_work_that_ends_by_itself_while_it_is_being_ended_is_done():
    async def main():
        scene = Scene(3)

        async def act(run):
            ran.token.cancel("too late", how="graceful")
            await quiet()
            scene.go.set()

        ran = Ran(flow_of(scene.counting), scene)
        assert told(await ran(act)) == ([0, 1, 2, 3], None, None)

    run_virtual(main())


def test_work_may_see_that_it_is_to_stop_and_come_to_an_end_of_its_own():
    async def main():
        scene = Scene(0)

        def make(ctx):
            async def work(part):
                await ctx.step("job", scene.job, 0)
                return f"ended early: {part.asked.reason}" if part.asked else "all"

            return work

        async def act(run):
            ran.token.cancel("enough", how="graceful")
            await quiet()
            scene.go.set()

        ran = Ran(flow_of(make), scene)
        ran.replayed = quiet  # it depends on the token alone, which only the first time was cancelled
        assert (await ran(act)).value == "ended early: enough"

    run_virtual(main())


@pytest.mark.parametrize("how", ["at once", "graceful"])
def test_a_token_that_is_cancelled_before_lets_nothing_begin(how):
    async def main():
        scene = Scene()
        flow, journal, token = flow_of(scene.counting), MemoryJournal(), CancelToken()
        token.cancel("before", how=how)
        state = (await flow.run({}, journal=journal, run_id="r", resources={"token": token})).state
        assert (told(state), scene.done) == ((None, "before", None), [])
        assert await flow.replay("r", journal=journal, rerun="all", resources={"token": CancelToken()})

    run_virtual(main())


# ---------------------------------------------------------------------- guards


def guarded(scene, ctx, *hows):
    """Work whose second job is in guards, one in the other."""

    def inside(part, left):
        async def go():
            if not left:
                part.keep([0, await ctx.step("job", scene.job, 1)])
                return 1
            async with part.guard(*left[0][:1], **dict(left[0][1:])):
                return await inside(part, left[1:])()

        return go

    async def work(part):
        found = [await ctx.step("job", scene.job, 0)]
        part.keep(list(found))
        found.append(await inside(part, hows)())
        found.append(await ctx.step("job", scene.job, 2))
        return found

    return work


@pytest.mark.parametrize(
    ("hows", "how", "left"),
    [
        ([("never",)], "at once", [0, 1]),
        ([("never",)], "graceful", None),  # there is no checkpoint behind it
        ([("at once",)], "at once", [0]),
        ([("never",), ("at once",)], "at once", [0, 1]),
        ([("at once",), ("never",)], "at once", [0, 1]),
        ([("graceful",)], "at once", [0, 1]),
        ([("graceful",), ("never",)], "at once", [0, 1]),
    ],
)
def test_what_a_guard_holds_back_arrives_at_its_end(hows, how, left):
    async def main():
        scene = Scene(1)

        async def act(run):
            ran.token.cancel("enough", how=how)
            await quiet()
            scene.go.set()

        ran = Ran(flow_of(lambda ctx: guarded(scene, ctx, *hows)), scene)
        state = await ran(act)
        assert told(state) == ((None, "enough", left) if left else ([0, 1, 2], None, None))

    run_virtual(main())


def test_a_graceful_guard_with_a_deadline_gives_so_much_time():
    async def main():
        scene, loop = Scene(1), asyncio.get_running_loop()

        async def act(run):
            ran.token.cancel("enough")
            ran.began = loop.time()

        ran = Ran(flow_of(lambda ctx: guarded(scene, ctx, ("graceful", ("deadline", 3)))), scene)
        assert told(await ran(act)) == (None, "enough", [0])
        assert loop.time() - ran.began == pytest.approx(3, abs=0.5)

    run_virtual(main())


def test_in_a_guard_that_says_never_checkpoints_are_passed():
    async def main():
        scene = Scene(0)

        def make(ctx):
            async def work(part):
                async with part.guard("never"):
                    for number in range(3):
                        await ctx.step("job", scene.job, number)
                        part.keep(number)
                        await part.checkpoint()
                await part.checkpoint()

            return work

        async def act(run):
            ran.token.cancel("enough", how="graceful")
            await quiet()
            scene.go.set()

        ran = Ran(flow_of(make), scene)
        assert told(await ran(act)) == (None, "enough", 2)

    run_virtual(main())


def test_a_guard_of_a_part_inside_holds_for_the_parts_around_it():
    async def main():
        scene = Scene(1)

        def make(ctx):
            async def outer(part):
                outcome = await cancellable(ctx, guarded(scene, ctx, ("never",)), part.token, name="inner")
                part.keep([outcome.value, outcome.partial])
                return "outer went on"

            return outer

        async def act(run):
            ran.token.cancel("enough")
            await quiet()
            assert scene.done == [0]
            scene.go.set()

        ran = Ran(flow_of(make), scene)
        assert (await ran(act)).reason == "enough"
        assert scene.done[:2] == [0, 1]

    run_virtual(main())


@pytest.mark.parametrize(("around", "left"), [(True, [0, 1, 2]), (False, "inner: enough")])
def test_a_guard_around_a_part_holds_for_all_of_it_and_a_guard_beside_it_does_not(around, left):
    async def main():
        scene = Scene(1)

        def make(ctx):
            async def inner(part):
                return [await ctx.step("job", scene.job, number) for number in (0, 1, 2)]

            async def run_inner(part):
                outcome = await cancellable(ctx, inner, part.token, name="inner")
                part.keep(f"inner: {outcome.cancel.reason}" if outcome.cancel else outcome.value)

            async def guarded_for(part, work):
                async with part.guard("never"):
                    await work

            async def work(part):
                if around:
                    await guarded_for(part, run_inner(part))
                else:
                    await ctx.gather(run_inner(part), guarded_for(part, asyncio.sleep(10)))

            return work

        async def act(run):
            ran.token.cancel("enough")
            await quiet()
            scene.go.set()

        ran = Ran(flow_of(make), scene)
        assert told(await ran(act)) == (None, "enough", left)

    run_virtual(main())


@pytest.mark.parametrize(
    ("guard", "left"),
    [
        ("at once", (None, "enough", [0, 1])),
        ("graceful", (None, "enough", [0, 1, 2])),
        ("never", ([0, 1, 2, 3], None, None)),
    ],
)
def test_a_part_may_have_a_guard_around_all_of_it(guard, left):
    async def main():
        scene = Scene(2)

        async def act(run):
            ran.token.cancel("enough")
            await quiet()
            scene.go.set()

        ran = Ran(flow_of(scene.counting, guard=guard), scene)
        assert told(await ran(act)) == left

    run_virtual(main())


def test_who_stands_at_a_checkpoint_tears_nobody_out_of_a_guard_beside():
    async def main():
        scene = Scene(1)

        def make(ctx):
            async def careful(part):
                async with part.guard("never"):
                    part.keep(await ctx.step("job", scene.job, 1))

            async def stepping(part):
                with part.line():
                    while True:
                        await asyncio.sleep(1)
                        await part.checkpoint()

            async def work(part):
                await ctx.gather(careful(part), stepping(part))

            return work

        async def act(run):
            ran.token.cancel("enough", how="graceful")
            await asyncio.sleep(5)
            scene.go.set()

        ran = Ran(flow_of(make), scene)
        assert told(await ran(act)) == (None, "enough", 1)

    run_virtual(main())


# ---------------------------------------------------------------------- lines, parts in parts


def test_work_of_several_lines_is_ended_when_all_of_them_stand_at_a_checkpoint():
    async def main():
        scene = Scene(10)

        def make(ctx):
            async def line(part, first):
                with part.line():
                    for number in range(first, first + 3):
                        await part.checkpoint()
                        await ctx.step("job", scene.job, number)

            async def work(part):
                await ctx.gather(line(part, 0), line(part, 10))

            return work

        async def act(run):
            ran.token.cancel("enough", how="graceful")
            await quiet()
            assert 10 not in scene.done
            scene.go.set()

        ran = Ran(flow_of(make), scene)
        assert (await ran(act)).reason == "enough"
        assert 10 in scene.done
        assert 11 not in scene.done

    run_virtual(main())


def test_a_part_in_a_part_is_cancelled_alone_and_the_work_around_it_goes_on():
    async def main():
        scene = Scene(2)

        def make(ctx):
            async def work(part):
                token = part.token.child("inner token")
                tokens.append(token)
                outcome = await cancellable(ctx, scene.counting(ctx), token, name="inner")
                return f"{outcome.name}: {outcome.cancel and outcome.cancel.reason}, had {outcome.partial}"

            return work

        tokens = []

        async def act(run):
            tokens[0].cancel("only this")

        ran = Ran(flow_of(make), scene)
        state = await ran(act)
        assert (state.value, state.reason) == ("inner: only this, had [0, 1]", None)
        assert not ran.token.cancelled

    run_virtual(main())


def test_a_part_may_be_begun_again_with_what_it_had():
    async def main():
        scene = Scene(2)

        def make(ctx):
            async def work(part):
                tokens.append(part.token.child())
                outcome = await cancellable(ctx, scene.counting(ctx), tokens[-1], name="search")
                assert outcome.cancelled
                scene.slow.clear()

                async def rest(inner):
                    return [*outcome.partial, *[await ctx.step("job", scene.job, n) for n in (2, 3)]]

                again = await cancellable(ctx, rest, part.token.child(), name="search")
                return again.result()

            return work

        tokens = []

        async def act(run):
            tokens[0].cancel("first try")

        ran = Ran(flow_of(make), scene)
        assert (await ran(act)).value == [0, 1, 2, 3]
        assert scene.done == [0, 1, "2 cut", 2, 3]

    run_virtual(main())


def test_a_node_that_failed_because_it_was_cancelled_begins_again_when_it_is_resumed():
    async def main():
        scene, token = Scene(2), CancelToken()
        graph = Graph(State)

        @graph.node(writes="value")
        async def node(ctx: Context) -> list[int]:
            return (await cancellable(ctx, scene.counting(ctx), token, name="search")).result()

        graph.chain(START, node, END)
        flow, journal = graph.compile(), MemoryJournal()
        async with flow.start({}, journal=journal, run_id="r") as run:
            await scene.inside.wait()
            token.cancel("enough")
            with pytest.raises(RunFailedError, match="search was cancelled: enough"):
                await run.result()
        scene.slow, token = set(), CancelToken()
        assert (await flow.resume("r", journal=journal)).state.value == [0, 1, 2, 3]
        assert scene.done == [0, 1, "2 cut", 2, 3], "what was done is not done again"
        assert await flow.replay("r", journal=journal, rerun="all")

    run_virtual(main())


def test_a_node_that_was_cancelled_may_be_led_on_by_an_error_edge():
    async def main():
        scene, token = Scene(2), CancelToken()
        graph = Graph(State)

        @graph.node(writes="value")
        async def node(ctx: Context) -> list[int]:
            return (await cancellable(ctx, scene.counting(ctx), token, name="search")).result()

        @graph.node(writes=("reason", "partial"))
        async def handler(error: PartCancelledError):
            return {"reason": error.reason, "partial": error.partial}

        graph.chain(START, node, END)
        graph.on_error(node, handler, error=PartCancelledError)
        graph.edge(handler, END)
        async with graph.compile().start({}, journal=MemoryJournal(), run_id="r") as run:
            await scene.inside.wait()
            token.cancel("enough")
            assert told((await run.result()).state) == (None, "enough", [0, 1])

    run_virtual(main())


# ---------------------------------------------------------------------- from outside, by a signal


@pytest.mark.parametrize(
    ("value", "left"),
    [("enough", [0, 1]), ({"reason": "enough", "how": "graceful"}, [0, 1, 2])],
)
async def test_a_signal_cancels_from_anywhere(value, left):
    scene = Scene(2)

    async def act(run):
        await send("r", "stop", value, journal=ran.journal)
        await quiet()
        if len(left) == 3:
            await asyncio.sleep(0.05)
            scene.go.set()

    ran = Ran(flow_of(scene.counting, signal="stop"), scene)
    assert told(await ran(act)) == (None, "enough", left)


async def test_a_part_that_waits_for_a_person_is_suspended_and_a_signal_ends_its_waiting():
    def make(ctx):
        async def work(part):
            part.keep("asked")
            return await ctx.ask("well?")

        return work

    flow = flow_of(make, tokened=False, signal="stop")
    journal, resources = MemoryJournal(), {"token": CancelToken()}
    result = await flow.run({}, journal=journal, run_id="r", resources=resources)
    assert result.status is RunStatus.SUSPENDED
    assert {one.text for one in await open_questions("r", journal=journal)} == {"well?", "stop"}
    await send("r", "stop", "never mind", journal=journal)
    result = await flow.resume("r", journal=journal, resources=resources)
    assert told(result.state) == (None, "never mind", "asked")


def test_what_waits_for_a_person_under_a_token_is_suspended_too():
    async def main():
        def make(ctx):
            async def work(part):
                return await ctx.ask("well?")

            return work

        flow, journal, resources = flow_of(make), MemoryJournal(), {"token": CancelToken()}
        result = await flow.run({}, journal=journal, run_id="r", resources=resources)
        assert [one.text for one in result.questions] == ["well?"]
        result = await flow.resume("r", journal=journal, resources=resources, answers={"node": "fine"})
        assert result.state.value == "fine"

    run_virtual(main())


def test_a_deadline_is_kept_by_what_waits_for_a_person():
    async def main():
        scene = Scene()

        def make(ctx):
            async def work(part):
                scene.inside.set()
                return await ctx.ask("well?")

            return work

        async def act(run):
            ran.token.cancel("enough", how="graceful", deadline=60)

        ran = Ran(flow_of(make), scene)
        assert (await ran(act)).reason == "enough"

    run_virtual(main())


# ---------------------------------------------------------------------- with what asyncio and the engine do


def test_timeouts_and_groups_inside_and_outside_of_a_part_keep_their_meaning():
    async def main():
        scene = Scene(99)

        def make(ctx):
            async def inner(part):
                try:
                    async with asyncio.timeout(1):
                        await asyncio.sleep(5)
                except TimeoutError:
                    part.keep("timed out")
                scene.inside.set()
                async with asyncio.TaskGroup() as group:
                    group.create_task(asyncio.sleep(100))
                    group.create_task(asyncio.sleep(200))

            return inner

        async def act(run):
            ran.token.cancel("enough")

        ran = Ran(flow_of(make), scene)
        ran.replayed = quiet
        assert told(await ran(act)) == (None, "enough", "timed out")

    run_virtual(main())


def test_a_timeout_around_a_part_ends_it_as_a_timeout():
    async def main():
        scene, seen = Scene(2), []

        def make(ctx):
            async def work(part):
                try:
                    async with asyncio.timeout(3):
                        await cancellable(ctx, scene.counting(ctx), part.token, name="inner")
                except TimeoutError:
                    seen.append("timeout")
                return "went on"

            return work

        token = CancelToken()
        flow = flow_of(make)
        assert (await flow.run({}, resources={"token": token})).state.value == "went on"
        assert (seen, token.cancelled) == (["timeout"], False)

    run_virtual(main())


def test_work_that_swallows_what_stops_it_is_cancelled_all_the_same():
    async def main():
        scene = Scene(0)

        def make(ctx):
            async def work(part):
                part.keep("kept")
                try:
                    await ctx.step("job", scene.job, 0)
                except asyncio.CancelledError:
                    return "as if nothing had been"

            return work

        async def act(run):
            ran.token.cancel("enough")

        ran = Ran(flow_of(make), scene)
        assert told(await ran(act)) == (None, "enough", "kept")

    run_virtual(main())


def test_what_work_raises_while_it_is_stopped_is_raised():
    async def main():
        scene = Scene(0)

        def make(ctx):
            async def work(part):
                try:
                    await ctx.step("job", scene.job, 0)
                finally:
                    raise ValueError("could not tidy up")

            return work

        async def act(run):
            ran.token.cancel("enough")

        ran = Ran(flow_of(make), scene)
        with pytest.raises(RunFailedError, match="could not tidy up"):
            await ran(act)

    run_virtual(main())


@pytest.mark.parametrize(
    ("end", "error"), [("cancel", RunCancelledError), ("interrupt", RunInterruptedError)]
)
def test_the_end_of_the_run_goes_through_guards_and_parts(end, error):
    async def main():
        scene = Scene(1)

        async def act(run):
            getattr(run, end)()

        ran = Ran(flow_of(lambda ctx: guarded(scene, ctx, ("never",))), scene)
        with pytest.raises(error):
            await ran(act)
        assert scene.done == [0, "1 cut"]
        assert not ran.token._children

    run_virtual(main())


def test_what_is_cancelled_in_the_grace_of_a_run_still_leaves_its_partial_result_in_the_journal():
    async def main():
        scene = Scene(2)

        async def act(run):
            ran.token.cancel("the run ends", how="graceful")
            run.cancel(grace=30)
            await quiet()
            scene.go.set()

        ran = Ran(flow_of(scene.counting), scene)
        with pytest.raises(RunCancelledError):
            await ran(act)
        written = [getattr(record, "writes", {}) for record in await ran.journal.read("r")]
        assert any(writes.get("partial") == b"[0,1,2]" for writes in written)

    run_virtual(main())


# ---------------------------------------------------------------------- what it gives, and what it refuses


def test_an_outcome_gives_its_value_or_raises_what_an_error_edge_can_take():
    assert Outcome(name="p", value=3).result() == 3
    with pytest.raises(PartCancelledError) as caught:
        Outcome(name="p", cancel=Cancel(reason="enough"), partial=[1]).result()
    error = PartCancelledError(*caught.value.args)
    assert (error.part, error.reason, error.partial) == ("p", "enough", [1])
    assert str(error).startswith("p was cancelled: enough; ")
    assert str(PartCancelledError("p", "")).startswith("p was cancelled; ")


def test_a_part_that_nothing_could_cancel_is_refused():
    with pytest.raises(RunFailedError, match="say what may cancel 'search': a token, or a signal="):
        flow_of(Scene().counting, tokened=False, name="search").run_sync(resources={"token": CancelToken()})


def test_what_cannot_be_kept_is_told():
    async def main():
        scene = Scene(0)

        def make(ctx):
            async def work(part):
                part.keep(object())
                await ctx.step("job", scene.job, 0)

            return work

        async def act(run):
            ran.token.cancel("enough")

        ran = Ran(flow_of(make), scene)
        with pytest.raises(RunFailedError, match="partial result"):
            await ran(act)

    run_virtual(main())


def test_a_token_that_is_cancelled_before_lets_no_step_begin():
    async def main():
        done = []

        async def step() -> None:
            done.append("step")

        def make(ctx):
            async def work(part):
                await ctx.step("step", step)

            return work

        token = CancelToken()
        token.cancel("before")
        flow = flow_of(make)
        state = (await flow.run({}, journal=MemoryJournal(), resources={"token": token})).state
        assert (state.reason, done) == ("before", [])

    run_virtual(main())


def test_a_guard_of_another_token_around_a_part_does_not_hold_it():
    async def main():
        scene, other = Scene(2), CancelToken("other")

        def make(ctx):
            async def work(part):
                async with other.guard("never"):
                    outcome = await cancellable(ctx, scene.counting(ctx), part.token, name="inner")
                    return outcome.cancel.reason

            return work

        async def act(run):
            ran.token._children[next(iter(ran.token._children))].cancel("enough")

        ran = Ran(flow_of(make, guard="graceful"), scene)
        state = await ran(act)
        assert "2 cut" in scene.done
        assert (state.value, state.reason) == ("enough", None)

    run_virtual(main())


def test_an_attempt_that_is_cancelled_again_has_a_reason_and_a_partial_result_of_its_own():
    async def main():
        scene, token = Scene(1), CancelToken()
        graph = Graph(State)

        @graph.node(writes="value")
        async def node(ctx: Context) -> list[int]:
            return (await cancellable(ctx, scene.counting(ctx), token, name="search")).result()

        graph.chain(START, node, END)
        flow, journal = graph.compile(), MemoryJournal()
        async with flow.start({}, journal=journal, run_id="r") as run:
            await scene.inside.wait()
            token.cancel("first")
            with pytest.raises(RunFailedError, match="search was cancelled: first"):
                await run.result()
        scene.slow, token = {3}, CancelToken()
        scene.inside.clear()
        async with flow.reopen("r", journal=journal) as run:
            await scene.inside.wait()
            token.cancel("second")
            with pytest.raises(RunFailedError, match="search was cancelled: second"):
                await run.result()
        (left,) = await partial_results("r", journal=journal)
        assert (left.cancel.reason, left.partial) == ("second", [0, 1, 2])

    run_virtual(main())
