"""Calling a node: what its policy may do, and what is told of it."""

import asyncio

import pytest
import tenacity
from pydantic import BaseModel

from backedge import END, START, Context, Graph, NodeTimeoutError, RunFailedError
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import AttemptFailed

from ..virtual import run_virtual


class State(BaseModel):
    text: str = ""


class Hollow(Exception):
    def __bool__(self):
        return False


def run(policy, *, error=None, good_from=99, timeout=None):
    """Run a node that fails until this attempt; gives its state or error, the attempts told, and the time."""
    graph = Graph(State)

    @graph.node(writes="text", retry=policy, timeout=timeout)
    async def node(ctx: Context) -> str:
        if timeout:
            await asyncio.sleep(100)
        if ctx.attempt < good_from:
            raise ValueError(f"try {ctx.attempt}") if error is None else error
        return f"try {ctx.attempt}"

    graph.chain(START, node, END)

    async def go():
        journal = MemoryJournal()
        try:
            came = (await graph.compile().run(journal=journal, run_id="r")).state.text
        except RunFailedError as raised:
            came = raised.failures["node"]
        records = [r for r in await journal.read("r") if isinstance(r, AttemptFailed)]
        assert asyncio.all_tasks() == {asyncio.current_task()}
        told = [(r.attempt, r.error.message, r.final) for r in records]
        return came, told, asyncio.get_running_loop().time()

    return run_virtual(go())


def policy(**options):
    return tenacity.AsyncRetrying(
        **{"stop": tenacity.stop_after_attempt(3), "wait": tenacity.wait_fixed(1)} | options
    )


def breaks(_):
    raise KeyError("in the policy")


@pytest.mark.parametrize(
    "part", ["before", "after", "before_sleep", "wait", "stop", "retry", "retry_error_callback"]
)
def test_a_policy_that_raises_fails_its_node(part):
    came, told, _ = run(policy(**{part: breaks}))
    assert "in the policy" in str(came)
    assert told[-1][1:] == ("'in the policy'", True)


def test_what_a_retry_error_callback_returns_is_the_nodes_result():
    came, told, seconds = run(policy(retry_error_callback=lambda state: f"gave up at {state.attempt_number}"))
    assert came == "gave up at 3"
    assert told == [(1, "try 1", False), (2, "try 2", False)]
    assert seconds == 2


def test_a_retry_error_callback_may_be_asynchronous():
    async def back(state):
        await asyncio.sleep(10)
        return "later"

    assert run(policy(retry_error_callback=back))[::2] == ("later", 12)


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        (tenacity.wait_none(), 0),
        (tenacity.wait_fixed(3), 6),
        (tenacity.wait_exponential(multiplier=2), 2 + 4),
        (tenacity.wait_chain(tenacity.wait_fixed(1), tenacity.wait_fixed(5)), 6),
        (lambda state: state.attempt_number * 10, 30),
    ],
)
def test_it_waits_as_its_policy_says(wait, seconds):
    came, _, took = run(policy(wait=wait), good_from=3)
    assert (came, took) == ("try 3", seconds)


def test_a_policy_that_is_switched_off_retries_nothing():
    came, told, seconds = run(policy(enabled=False))
    assert "try 1" in str(came)
    assert (told, seconds) == ([(1, "try 1", True)], 0)


def test_an_error_that_is_false_is_told_as_it_is():
    _, told, _ = run(policy(), error=Hollow("mine"))
    assert [message for _, message, final in told if not final] == ["mine"] * 2


def test_a_timeout_holds_for_each_attempt():
    came, told, seconds = run(policy(), timeout=5)
    assert isinstance(came, NodeTimeoutError)
    assert (len(told), seconds) == (3, 17)
