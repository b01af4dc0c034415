"""What becomes of an actor when handling a letter fails."""

import pytest
from pydantic import BaseModel

from backedge import END, START, Graph, RunFailedError, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.nodes.actors import Supervision, actor, stop, tell
from backedge.nodes.agents import Agent
from backedge.providers import ScriptedModel

from .living import Life


class Sick:
    """A handler that fails at messages below 0 until it is well."""

    def __init__(self) -> None:
        self.well, self.tries = False, 0

    async def __call__(self, notes: list[int], message: int) -> list[int]:
        if message < 0 and not self.well:
            self.tries += 1
            raise (ValueError if message == -1 else ConnectionError)(f"no {message}")
        return [*notes, message]


def sick(directive="escalate", **more):
    handler = Sick()
    life = Life(handler, initial=[0], supervision=Supervision(directive=directive, **more), name="sick")
    life.handler = handler
    return life


@pytest.mark.parametrize(("directive", "after"), [("resume", [0, 1, 2]), ("restart", [0, 2])])
async def test_it_goes_on_with_the_state_before_or_with_that_it_began_with(directive, after):
    life = await sick(directive).begin(1, -1, 2)
    state = await life.end()
    assert state.state == after
    assert [(one.mail.message, one.why) for one in state.dead] == [(-1, "no -1")]
    assert (state.handled, len(state.failures)) == (2, 1)


async def test_a_dead_letter_says_in_words_why_it_is_dead():
    agent = Agent(ScriptedModel([""]), name="clerk", repairs=0)
    life = await Life(agent, supervision=Supervision(directive="resume")).begin("why?")
    assert (await life.end()).dead[0].why == "clerk has no answer that can be used: the answer is empty"


async def test_it_may_end_and_leaves_what_waits():
    life = await sick("stop").begin(1, -1, 2)
    result = await life.wake()
    assert (result.state.ended, result.state.state, await life.left()) == ("failed", [0, 1], [2])


async def test_errors_may_be_told_apart_and_what_is_not_named_escalates():
    life = await sick({ValueError: "resume"}).begin(-1, 1, -2)
    with pytest.raises(RunFailedError, match="no -2"):
        await life.wake()
    life = await sick({ValueError: "resume", ConnectionError: "restart", Exception: "stop"}).begin(
        1, -1, 2, -2, 3
    )
    state = await life.end()
    assert (state.state, state.ended) == ([0, 3], "drained")


async def test_an_escalated_failure_fails_the_run_and_resuming_handles_the_same_letter_again():
    life = await sick().begin(1, -1, 2)
    with pytest.raises(RunFailedError, match="no -1"):
        await life.wake()
    with pytest.raises(RunFailedError, match="no -1"):
        await life.wake()
    life.handler.well = True
    await stop("r", journal=life.journal)
    state = (await life.wake()).state
    assert (state.state, state.dead, life.handler.tries) == ([0, 1, -1, 2], [], 2)


async def test_a_graph_around_it_may_lead_the_error_on():
    class Outer(BaseModel):
        said: str = ""

    graph, journal = Graph(Outer), MemoryJournal()
    node = graph.subgraph(actor(Sick(), initial=[], name="sick"))

    @graph.node(writes="said")
    async def mend(error: ValueError) -> str:
        return f"mended {error}"

    graph.chain(START, node, END)
    graph.on_error(node, mend, error=ValueError)
    graph.edge(mend, END)
    flow = graph.compile()
    await flow.run(journal=journal, run_id="r")
    await tell("r", -1, journal=journal)
    assert (await flow.resume("r", journal=journal)).state.said == "mended no -1"


async def test_one_that_fails_too_often_fails_its_run_and_goes_on_behind_the_letter_when_that_is_resumed():
    life = await sick("resume", most=2).begin(-1, -2, 1, -1, -1, -1, 2)
    with pytest.raises(
        RunFailedError, match="the actor failed 3 times within 60 seconds, the last time with no -1"
    ):
        await life.wake()
    assert (await life.wake()).status is RunStatus.SUSPENDED, "what it failed at before counts no more"
    state = await life.end()
    assert (state.state, [one.mail.message for one in state.dead]) == ([0, 1, 2], [-1, -2, -1, -1, -1])


def test_only_failures_that_are_not_long_ago_count():
    watch = Supervision(directive="resume", most=2, within=10)
    assert watch.counted([], 100) == ([100], False)
    assert watch.counted([91, 95], 100) == ([91, 95, 100], True)
    assert watch.counted([90, 95], 100) == ([95, 100], False)
    assert Supervision(directive="resume", most=None).counted([1], 2) == ([], False)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"directive": "retry"}, "takes resume, restart, stop, not 'retry'"),
        ({"directive": {ValueError: "escalate"}}, "what is not named escalates"),
        ({"directive": {"ValueError": "stop"}}, "wants classes of exceptions, not 'ValueError'"),
        ({"most": 0}, "most= wants a number from 1"),
        ({"within": 0}, "within= wants a number of seconds above 0"),
    ],
)
def test_what_cannot_supervise_is_refused(options, problem):
    with pytest.raises(ValueError, match=problem):
        Supervision(**options)
