"""The driver: what runs when, what a failure does, what slots, retries, timeouts and cancellation do.

All of it on virtual time; what is durable is tested with journals in test_flow.py and test_resume.py.
"""

import asyncio
import threading
import time
from typing import Annotated, Literal

import pytest
import tenacity
from pydantic import BaseModel

from backedge import (
    END,
    START,
    ConflictError,
    Context,
    DeadEndError,
    Graph,
    LoopLimitError,
    NodeRaisedError,
    NodeTimeoutError,
    ParameterError,
    RoutingError,
    RunCancelledError,
    RunFailedError,
    RunInterruptedError,
    UpdateError,
    add,
    extend,
)
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import AttemptFailed, NodeFinished, RoutingFailed, RunEnded, RunStatus

from ..virtual import run_virtual


class State(BaseModel):
    seed: int = 0
    text: str = ""
    kind: Literal["a", "b"] = "a"
    maybe: int | None = None
    log: Annotated[list[str], extend] = []
    total: Annotated[int, add] = 0


def sleeper(graph, name, seconds, **options):
    """A node that logs its name after so many seconds."""

    async def work() -> list[str]:
        await asyncio.sleep(seconds)
        return [name]

    return graph.node(work, name=name, writes="log", **options)


def timed(flow, **options):
    """Run a flow on virtual time; gives its result and how long it took."""

    async def go():
        loop = asyncio.get_running_loop()
        start = loop.time()
        result = await flow.run(**options)
        return result, loop.time() - start

    return run_virtual(go())


def failure(flow, *args, **options):
    """Run a flow that fails; gives the error of its first failed activation."""
    with pytest.raises(RunFailedError) as caught:
        run_virtual(flow.run(*args, **options))
    return next(iter(caught.value.failures.values()))


# --------------------------------------------------------------------------- what runs when


def test_branches_run_in_parallel_and_a_join_waits_for_the_slowest():
    graph = Graph(State)
    slow, quick, join = sleeper(graph, "slow", 3), sleeper(graph, "quick", 1), sleeper(graph, "join", 1)
    for branch in (slow, quick):
        graph.chain(START, branch, join)
    graph.edge(join, END)
    result, seconds = timed(graph.compile())
    assert result.state.log == ["quick", "slow", "join"]  # in the fixed order, not in that of arrival
    assert seconds == 4


def test_a_slow_branch_holds_back_nobody_who_does_not_depend_on_it():
    graph = Graph(State)
    slow, first, second = sleeper(graph, "slow", 10), sleeper(graph, "first", 5), sleeper(graph, "second", 5)
    graph.chain(START, slow, END)
    graph.chain(START, first, second, END)
    _, seconds = timed(graph.compile())
    assert seconds == 10  # supersteps would take 15


def test_a_branch_that_a_condition_cut_off_is_not_waited_for():
    graph = Graph(State)
    taken, cut, join = sleeper(graph, "taken", 1), sleeper(graph, "cut", 1), sleeper(graph, "join", 0)
    graph.edge(START, taken)
    graph.edge(START, cut, when=lambda seed: seed > 0)
    graph.chain(taken, join, END)
    graph.edge(cut, join)
    result, _ = timed(graph.compile())
    assert result.state.log == ["taken", "join"]


def test_a_loop_goes_round_until_its_condition_ends_it():
    graph = Graph(State)

    @graph.node(writes="seed")
    async def up(seed: int) -> int:
        return seed + 1

    graph.edge(START, up)
    graph.feedback(up, up, when=lambda seed: seed < 5, limit=None)
    graph.edge(up, END, when=lambda seed: seed >= 5)
    assert run_virtual(graph.compile().run()).state.seed == 5


def test_ten_thousand_inline_rounds_need_no_recursion_and_let_others_run():
    graph = Graph(State)

    @graph.node(writes="seed", inline=True)
    def up(seed: int) -> int:
        return seed + 1

    graph.edge(START, up)
    graph.feedback(up, up, when=lambda seed: seed < 10_000, limit=None)
    graph.edge(up, END, when=lambda seed: seed >= 10_000)
    turns = 0

    async def go():
        nonlocal turns
        run = asyncio.ensure_future(graph.compile().run())
        while not run.done():
            turns += 1
            await asyncio.sleep(0)
        return await run

    with asyncio.Runner() as runner:  # not in debug mode, where every callback costs
        assert runner.run(go()).state.seed == 10_000
    assert turns >= 100


def test_a_node_without_writes_and_one_that_writes_none():
    graph = Graph(State)

    @graph.node(writes="maybe")
    async def clear() -> int | None:
        return None

    @graph.node
    async def look(maybe: int | None) -> None:
        assert maybe is None

    graph.chain(START, clear, look, END)
    assert run_virtual(graph.compile().run({"maybe": 3})).state.maybe is None


# --------------------------------------------------------------------------- what goes wrong


def test_a_failing_node_lets_its_siblings_finish_and_starts_nothing_new():
    graph = Graph(State)
    sibling, after = sleeper(graph, "sibling", 5), sleeper(graph, "after", 1)

    @graph.node
    async def broken() -> None:
        await asyncio.sleep(1)
        raise ValueError("no good")

    graph.edge(START, broken)
    graph.chain(START, sibling, after, END)
    graph.edge(broken, END)

    async def go():
        journal = MemoryJournal()
        with pytest.raises(RunFailedError) as caught:
            await graph.compile().run(journal=journal, run_id="r")
        return caught.value, await journal.read("r")

    error, records = run_virtual(go())
    assert list(error.failures) == ["broken"]
    assert isinstance(error.failures["broken"], NodeRaisedError)
    assert isinstance(error.__cause__, ValueError)
    assert "resume('r'" in str(error)
    assert [r.activation.node for r in records if isinstance(r, NodeFinished)] == ["sibling"]
    assert isinstance(records[-1], RunEnded)
    assert records[-1].status is RunStatus.FAILED


def test_writing_one_plain_field_on_two_branches_is_a_conflict_that_names_both():
    graph = Graph(State)

    @graph.node(writes="text")
    async def one() -> str:
        return "same"

    @graph.node(writes="text")
    async def two() -> str:
        return "same"

    join = sleeper(graph, "join", 0)
    for node in (one, two):
        graph.chain(START, node, join)
    graph.edge(join, END)
    with pytest.warns(UserWarning, match="run concurrently"):
        flow = graph.compile()
    error = failure(flow)
    assert isinstance(error, ConflictError)
    assert (error.activation, error.field, set(error.writers)) == ("join", "text", {"one", "two"})


def test_a_reducer_that_raises_is_told_as_an_update_that_does_not_fit():
    def divide(value: int, update: int) -> int:
        return value // update

    class Divided(BaseModel):
        left: Annotated[int, divide] = 100

    globals()["divide"] = divide  # a reducer needs a name one can find it by
    divide.__qualname__ = "divide"
    graph = Graph(Divided)

    @graph.node(writes="left")
    async def zero() -> int:
        return 0

    graph.chain(START, zero, END)
    error = failure(graph.compile())
    assert isinstance(error, UpdateError)
    assert "'left'" in str(error)
    assert "ZeroDivisionError" in str(error)


def test_a_dead_end_tells_the_conditions_and_what_they_saw():
    graph = Graph(State)
    node = sleeper(graph, "node", 0)
    graph.edge(START, node)
    graph.edge(node, END, when=lambda seed: seed > 10, label="large")
    error = failure(graph.compile(), {"seed": 3})
    assert isinstance(error, DeadEndError)
    assert "node->END [large] saw seed=3" in str(error)


def test_a_node_that_may_stop_ends_the_run_and_there_is_no_final_state():
    graph = Graph(State)
    node = sleeper(graph, "node", 0, may_stop=True)
    graph.edge(START, node)
    graph.edge(node, END, when=lambda seed: seed > 10)
    result = run_virtual(graph.compile().run())
    assert result.status is RunStatus.COMPLETED
    with pytest.raises(Exception, match="without reaching END"):
        _ = result.state


def test_a_loop_that_reaches_its_limit_fails_or_goes_the_other_way():
    def build(otherwise):
        graph = Graph(State)
        node = sleeper(graph, "node", 1)
        graph.edge(START, node)
        graph.feedback(node, node, limit=2, otherwise=END if otherwise else None, when=lambda: True)
        graph.edge(node, END, when=lambda: False)
        return graph.compile()

    assert run_virtual(build(True).run()).state.log == ["node"] * 3
    error = failure(build(False))
    assert isinstance(error, LoopLimitError)
    assert (error.activation, error.edge, error.limit) == ("node@2", "node->node", 2)


@pytest.mark.parametrize(
    ("condition", "told"), [(lambda: 1 / 0, "ZeroDivisionError"), (lambda: "yes", "'yes'")]
)
def test_a_condition_that_raises_or_is_no_boolean_is_a_routing_error(condition, told):
    graph = Graph(State)
    node = sleeper(graph, "node", 0)
    graph.edge(START, node)
    graph.edge(node, END, when=condition)

    async def go():
        journal = MemoryJournal()
        with pytest.raises(RunFailedError) as caught:
            await graph.compile().run(journal=journal, run_id="r")
        return caught.value.failures["node"], await journal.read("r")

    error, records = run_virtual(go())
    assert isinstance(error, RoutingError)
    assert told in str(error)
    assert [type(record) for record in records[1:]] == [NodeFinished, RoutingFailed, RunEnded]
    assert records[1].taken is None


def test_a_condition_on_an_edge_of_start_that_fails_fails_the_run():
    graph = Graph(State)
    node = sleeper(graph, "node", 0)
    graph.edge(START, node, when=lambda seed: seed > 0)
    graph.edge(node, END)
    error = failure(graph.compile())
    assert isinstance(error, DeadEndError)
    assert error.activation == "START"


@pytest.mark.parametrize("value", ["text", None, [1]])
def test_a_value_that_the_field_does_not_accept_is_told_with_field_and_node(value):
    graph = Graph(State)

    @graph.node(writes="seed")
    async def node():
        return value

    graph.chain(START, node, END)
    error = failure(graph.compile())
    assert isinstance(error, UpdateError)
    assert error.activation == "node"
    assert "'seed'" in str(error)


def test_a_value_that_nobody_asked_for_is_told():
    graph = Graph(State)

    @graph.node
    async def node():
        return 3

    graph.chain(START, node, END)
    assert "declares no field" in str(failure(graph.compile()))


def test_a_parameter_narrower_than_its_field_is_checked_when_the_node_starts():
    graph = Graph(State)

    @graph.node
    async def node(maybe: int) -> None: ...

    graph.chain(START, node, END)
    flow = graph.compile()
    assert run_virtual(flow.run({"maybe": 3})).status is RunStatus.COMPLETED
    error = failure(flow)
    assert isinstance(error, ParameterError)
    assert "'maybe' wants int" in str(error)


def test_a_plain_function_that_returns_a_coroutine_is_told_so():
    graph = Graph(State)

    async def work() -> str:
        return "x"

    node = graph.node(lambda: work(), name="node", writes="text")
    graph.chain(START, node, END)
    assert "async def" in str(failure(graph.compile()))


def test_a_node_that_cancels_itself_has_failed():
    graph = Graph(State)

    @graph.node
    async def node() -> None:
        raise asyncio.CancelledError

    graph.chain(START, node, END)
    assert "cancelled itself" in str(failure(graph.compile()))


# --------------------------------------------------------------------------- error edges


class Special(ValueError):
    pass


def handled(raised, *edges):
    """Run a node that raises, with handlers for these error types; gives what the handlers were given."""
    graph = Graph(State)
    seen = []

    @graph.node
    async def risky() -> None:
        raise raised

    graph.chain(START, risky, END)
    for kind in edges:

        async def handler(error: Exception, expected=kind) -> list[str]:
            seen.append((expected, error))
            return [expected.__name__]

        handler.__annotations__["error"] = kind
        node = graph.node(handler, name=f"on_{kind.__name__}", writes="log")
        graph.on_error(risky, node, error=kind)
        graph.edge(node, END)
    return run_virtual(graph.compile().run()), seen


def test_an_error_edge_takes_the_error_on_as_a_parameter_of_its_type():
    result, seen = handled(ValueError("bad", 3), ValueError, KeyError)
    assert result.state.log == ["ValueError"]
    [(_, error)] = seen
    assert type(error) is ValueError
    assert error.args == ("bad", 3)


def test_of_several_error_edges_the_most_special_one_is_taken():
    result, seen = handled(Special("x"), Exception, ValueError, Special)
    assert result.state.log == ["Special"]
    assert isinstance(seen[0][1], Special)


def test_an_error_that_no_edge_takes_fails_the_run():
    with pytest.raises(RunFailedError, match="KeyError"):
        handled(KeyError("x"), ValueError)


def test_a_timeout_can_be_handled():
    graph = Graph(State)
    node = sleeper(graph, "node", 100, timeout=2)

    @graph.node(writes="text")
    async def late(error: TimeoutError) -> str:
        return str(error)

    graph.chain(START, node, END)
    graph.on_error(node, late, error=TimeoutError)
    graph.edge(late, END)
    result, seconds = timed(graph.compile())
    assert "timeout of 2 s" in result.state.text
    assert seconds == 2


# --------------------------------------------------------------------------- retries and timeouts


@pytest.mark.parametrize("policy", [tenacity.AsyncRetrying, tenacity.Retrying])
def test_a_node_is_retried_as_its_policy_says_and_each_attempt_is_journaled(policy):
    graph = Graph(State)
    attempts = []

    @graph.node(
        writes="text",
        retry=policy(stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_exponential(multiplier=1)),
    )
    async def flaky(ctx: Context) -> str:
        attempts.append(ctx.attempt)
        if ctx.attempt < 3:
            raise ConnectionError(f"try {ctx.attempt}")
        return "done"

    graph.chain(START, flaky, END)

    async def go():
        journal = MemoryJournal()
        result = await graph.compile().run(journal=journal, run_id="r")
        return result, await journal.read("r"), asyncio.get_running_loop().time()

    result, records, seconds = run_virtual(go())
    assert result.state.text == "done"
    assert attempts == [1, 2, 3]
    failed = [record for record in records if isinstance(record, AttemptFailed)]
    assert [(record.attempt, record.final, record.error.message) for record in failed] == [
        (1, False, "try 1"),
        (2, False, "try 2"),
    ]
    assert [record.attempt for record in records if isinstance(record, NodeFinished)] == [3]
    assert seconds == 1 + 2


def test_when_the_retries_are_used_up_the_nodes_own_error_comes_out():
    graph = Graph(State)

    @graph.node(retry=tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(2)))
    async def broken() -> None:
        raise ConnectionError("gone")

    graph.chain(START, broken, END)
    error = failure(graph.compile())
    assert isinstance(error, NodeRaisedError)
    assert error.type_name == "ConnectionError"


def test_a_policy_retries_only_what_it_names():
    graph = Graph(State)
    calls = []

    @graph.node(retry=tenacity.AsyncRetrying(retry=tenacity.retry_if_exception_type(ConnectionError)))
    async def broken() -> None:
        calls.append(1)
        raise KeyError("x")

    graph.chain(START, broken, END)
    failure(graph.compile())
    assert len(calls) == 1


def test_a_policy_may_refuse_a_result():
    graph = Graph(State)

    @graph.node(writes="seed", retry=tenacity.AsyncRetrying(retry=tenacity.retry_if_result(lambda n: n < 3)))
    async def count(ctx: Context) -> int:
        return ctx.attempt

    graph.chain(START, count, END)
    assert run_virtual(graph.compile().run()).state.seed == 3


def test_runs_that_share_a_policy_do_not_share_its_attempts():
    graph = Graph(State)

    @graph.node(writes="seed", retry=tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(2)))
    async def flaky(ctx: Context) -> int:
        await asyncio.sleep(1)
        if ctx.attempt == 1:
            raise ConnectionError
        return ctx.attempt

    graph.chain(START, flaky, END)
    flow = graph.compile()

    async def go():
        return await asyncio.gather(*(flow.run() for _ in range(5)))

    assert [result.state.seed for result in run_virtual(go())] == [2] * 5


def test_a_timeout_ends_one_attempt_and_retries_may_follow():
    graph = Graph(State)

    @graph.node(writes="text", timeout=5, retry=tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(2)))
    async def slow(ctx: Context) -> str:
        await asyncio.sleep(100 if ctx.attempt == 1 else 1)
        return "done"

    graph.chain(START, slow, END)
    result, seconds = timed(graph.compile())
    assert result.state.text == "done"
    assert seconds == 6


def test_a_timeout_error_of_the_nodes_own_is_not_taken_for_ours():
    graph = Graph(State)

    @graph.node(timeout=5)
    async def node() -> None:
        raise TimeoutError("theirs")

    graph.chain(START, node, END)
    error = failure(graph.compile())
    assert not isinstance(error, NodeTimeoutError)
    assert "theirs" in str(error)


# --------------------------------------------------------------------------- slots


def most_at_once(concurrent, **options):
    """Run eight nodes of a second each; gives how many ran at once, and how long it took."""
    graph = Graph(State)
    running, most = 0, 0
    for number in range(8):

        async def work() -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(1)
            running -= 1

        node = graph.node(work, name=f"w{number}", **concurrent)
        graph.chain(START, node, END)
    _, seconds = timed(graph.compile(), **options)
    return most, seconds


def test_without_a_limit_everything_that_is_ready_runs():
    assert most_at_once({}) == (8, 1)


def test_a_run_may_be_limited():
    assert most_at_once({}, concurrency=3) == (3, 3)


def test_a_named_slot_limits_those_who_use_it():
    assert most_at_once({"uses": "sandbox"}, slots={"sandbox": 2}) == (2, 4)


def test_a_node_may_be_limited():
    graph = Graph(State)
    many = sleeper(graph, "many", 1, concurrency=1)
    graph.chain(START, many, END)
    assert timed(graph.compile())[1] == 1


def test_when_slots_are_short_the_longest_remaining_path_goes_first():
    graph = Graph(State)
    started = []

    def node(name):
        async def work() -> None:
            started.append(name)
            await asyncio.sleep(1)

        return graph.node(work, name=name)

    short, long = node("a_short"), [node(f"long{number}") for number in range(3)]
    graph.chain(START, short, END)
    graph.chain(START, *long, END)
    first = node("b_short")
    graph.chain(START, first, END)
    _, seconds = timed(graph.compile(), concurrency=2)
    assert started.index("long1") < started.index("b_short")
    assert seconds == 3


# --------------------------------------------------------------------------- threads


def test_plain_functions_run_in_as_many_threads_as_the_limit_says():
    graph = Graph(State)
    barrier = threading.Barrier(40, timeout=20)
    for number in range(40):
        node = graph.node(lambda: barrier.wait(), name=f"w{number}", writes="total")
        graph.chain(START, node, END)
    graph.compile().run_sync(slots={"threads": 40})
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("backedge")]


def test_a_thread_that_is_timed_out_is_let_go_of_and_told(caplog):
    graph = Graph(State)
    release = threading.Event()

    @graph.node(timeout=0.01)
    def stuck() -> None:
        release.wait(20)

    graph.chain(START, stuck, END)
    with pytest.raises(RunFailedError) as caught:
        graph.compile().run_sync(grace=0.01)
    assert isinstance(caught.value.failures["stuck"], NodeTimeoutError)
    assert "1 worker threads did not return" in caplog.text
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("backedge"):
            thread.join(10)
            assert not thread.is_alive()


def test_a_threads_exception_and_context_are_those_of_the_node():
    import contextvars

    variable = contextvars.ContextVar("variable", default="unset")
    graph = Graph(State)

    @graph.node(writes="text")
    def look() -> str:
        return variable.get()

    @graph.node
    def stop() -> None:
        raise StopIteration(3)

    graph.chain(START, look, stop, END)

    async def go():
        variable.set("set")
        await graph.compile().run()

    with pytest.raises(RunFailedError, match="StopIteration"):
        asyncio.run(go())


# --------------------------------------------------------------------------- endings


def cancelled_after(seconds, *, stop, node_seconds=10, ignore=False, **options):
    """Start a run of one long node and stop it; gives the error, the records and how long it took."""
    graph = Graph(State)

    async def work() -> list[str]:
        deadline = asyncio.get_running_loop().time() + node_seconds
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            try:
                await asyncio.sleep(left)
            except asyncio.CancelledError:
                if not ignore:
                    raise
        return ["done"]

    node = graph.node(work, name="node", writes="log")
    graph.chain(START, node, sleeper(graph, "after", 1), END)

    async def go():
        journal = MemoryJournal()
        loop = asyncio.get_running_loop()
        error = None
        async with graph.compile().start(journal=journal, run_id="r", **options) as run:
            await asyncio.sleep(seconds)
            stop(run)
            try:
                await run.result()
            except Exception as raised:
                error = raised
        ended = loop.time()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if not ignore:
            assert left == []
        await asyncio.gather(*left, return_exceptions=True)
        return error, await journal.read("r"), ended

    return run_virtual(go())


def finished(records):
    return [record.activation.node for record in records if isinstance(record, NodeFinished)]


def test_cancelling_at_once_ends_the_run_for_good():
    error, records, seconds = cancelled_after(3, stop=lambda run: run.cancel())
    assert isinstance(error, RunCancelledError)
    assert finished(records) == []
    assert records[-1].status is RunStatus.CANCELLED
    assert seconds == 3


def test_cancelling_with_grace_lets_what_runs_finish_and_starts_nothing():
    error, records, seconds = cancelled_after(3, stop=lambda run: run.cancel(grace=60))
    assert isinstance(error, RunCancelledError)
    assert finished(records) == ["node"]
    assert seconds == 10


def test_the_grace_ends():
    _, records, seconds = cancelled_after(3, stop=lambda run: run.cancel(grace=2))
    assert finished(records) == []
    assert seconds == 5


def test_an_interrupted_run_can_be_resumed():
    error, records, _ = cancelled_after(3, stop=lambda run: run.interrupt())
    assert isinstance(error, RunInterruptedError)
    assert "resume" in str(error)
    assert records[-1].status is RunStatus.INTERRUPTED


def test_a_node_that_ignores_being_cancelled_is_let_go_of_after_the_grace(caplog):
    error, records, seconds = cancelled_after(3, stop=lambda run: run.cancel(), ignore=True, grace=4)
    assert isinstance(error, RunCancelledError)
    assert finished(records) == []
    assert seconds == 7
    assert "ignored being cancelled" in caplog.text


def test_a_deadline_interrupts_the_run():
    graph = Graph(State)
    graph.chain(START, sleeper(graph, "node", 100), END)
    with pytest.raises(RunInterruptedError):
        timed(graph.compile(), deadline=7)


def test_cancelling_the_task_that_runs_it_interrupts_the_run_and_leaves_nothing():
    graph = Graph(State)
    graph.chain(START, sleeper(graph, "node", 100), END)

    async def go():
        journal = MemoryJournal()
        task = asyncio.ensure_future(graph.compile().run(journal=journal, run_id="r"))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return await journal.read("r")

    assert run_virtual(go())[-1].status is RunStatus.INTERRUPTED


def test_time_is_not_measured_but_in_records():
    """A node's record tells when it began and ended, in seconds since the epoch."""
    graph = Graph(State)
    graph.chain(START, sleeper(graph, "node", 0), END)

    async def go():
        journal = MemoryJournal()
        await graph.compile().run(journal=journal, run_id="r")
        return (await journal.read("r"))[1]

    before = time.time()
    record = run_virtual(go())
    assert before <= record.started <= record.ended <= time.time()
