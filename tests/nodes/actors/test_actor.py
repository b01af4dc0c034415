"""Actors: letters are handled one after the other, in order, and between them nothing is held."""

import asyncio
from functools import partial

import pytest
from pydantic import BaseModel
from tenacity import AsyncRetrying, stop_after_attempt

from backedge import (
    END,
    START,
    BlockingContext,
    Context,
    Graph,
    GraphError,
    RunFailedError,
    RunNotFoundError,
    RunStatus,
    send,
)
from backedge.checkpoints import MemoryJournal, SqliteJournal
from backedge.nodes.actors import (
    SAME,
    ActorState,
    MailboxFullError,
    Next,
    Supervision,
    actor,
    stop,
    tell,
    waiting,
)
from backedge.nodes.actors.state import KEPT, REMEMBERED, kept, remembered
from backedge.nodes.agents import Agent, Conversation
from backedge.nodes.tools import tool
from backedge.providers import Message, Model, ScriptedModel, ToolCall
from backedge.providers.errors import OverloadedError

from .living import Life, noting


async def test_letters_are_handled_in_the_order_in_which_they_came_whenever_the_actor_wakes():
    life = await Life(noting, initial=[]).begin(1, 2)
    assert (await life.wake()).status is RunStatus.SUSPENDED
    await life.told(3)
    await life.told(4)
    state = await life.end()
    assert (state.state, state.handled, state.ended, state.dead) == ([1, 2, 3, 4], 4, "drained", [])
    assert state.seen == [], "letters without a key are not remembered"


async def test_an_actor_that_waits_holds_no_task():
    life = await Life(noting, initial=[]).begin(1)
    await life.wake()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert {one.text for one in (await life.wake()).questions} == {"mail", "abort"}


async def test_the_state_to_begin_with_is_that_of_the_graph_or_of_the_run():
    assert (await (await Life(noting).begin(2, state=[1])).end()).state == [1, 2]
    assert (await (await Life(noting, initial=[0]).begin(2)).end()).state == [0, 2]
    assert (await (await Life(noting, initial=[0]).begin(2, state=[1])).end()).state == [1, 2]
    assert Life(noting).flow.inputs == {"state": list[int]}


class Deposit(BaseModel):
    euros: int


class Withdraw(BaseModel):
    less: int


def account(balance: int, message: Deposit | Withdraw) -> int:
    return balance + message.euros if isinstance(message, Deposit) else balance - message.less


async def test_messages_are_values_of_a_type():
    life = await Life(account, initial=0).begin(Deposit(euros=7), Withdraw(less=2))
    assert (await life.end()).state == 5


async def test_a_letter_that_does_not_fit_is_dead_and_the_actor_goes_on():
    life = await Life(account, initial=0).begin({"dollars": 1}, Deposit(euros=7))
    state = await life.end()
    assert (state.state, state.handled) == (7, 1)
    assert state.dead[0].mail.message == {"dollars": 1}
    assert state.dead[0].why.startswith("the message does not fit: Deposit.euros: Field required; ")


async def test_handlers_may_be_async_take_a_context_and_resources():
    async def with_all(total: int, message: int, ctx: Context, factor: int) -> Next:
        doubled = await ctx.step("multiply", lambda one: one * factor, message, returns=int)
        return Next(state=total + doubled)

    def in_a_thread(total: int, message: int, ctx: BlockingContext) -> int:
        return total + ctx.step("add", lambda one: one + 1, message, returns=int)

    life = await Life(in_a_thread, initial=0).begin(1, 2)
    assert (await life.end()).state == 5
    life = Life(with_all, initial=0, resources={"factor": int})
    given = {"resources": {"factor": 10}}
    await life.flow.run(journal=life.journal, run_id="r", **given)
    await life.told(1, 2)
    assert (await life.end(**given)).state == 30


async def test_an_actor_may_keep_its_state_and_may_end_itself_and_leaves_the_rest():
    def until(total: int, message: int) -> Next:
        return Next(state=SAME) if message == 0 else Next(state=total + message, stop=message > 9)

    life = await Life(until, initial=0).begin(1, 0, 10, 5)
    result = await life.wake()
    assert (result.status, result.state.state, result.state.ended) == (RunStatus.COMPLETED, 11, "stopped")
    assert (result.state.handled, await life.left()) == (3, [5])


async def test_a_drained_actor_handles_what_came_before_and_leaves_what_comes_after():
    life = await Life(noting, initial=[]).begin(1, 2)
    await stop("r", journal=life.journal)
    await life.told(3)
    assert await life.left() == [1, 2, 3]
    result = await life.wake()
    assert (result.state.state, result.state.ended, await life.left()) == ([1, 2], "drained", [3])
    await life.told(4)
    assert await life.left() == [3, 4], "who sends to one that has ended finds a dead letter"


async def test_an_aborted_actor_ends_before_its_next_letter_and_leaves_them_all():
    life = await Life(noting, initial=[]).begin(1)
    await life.wake()
    await life.told(2, 3)
    state = await life.end(drain=False)
    assert (state.state, state.ended, await life.left()) == ([1], "aborted", [2, 3])


async def test_an_abort_does_not_break_off_the_letter_that_is_being_handled():
    inside, go = asyncio.Event(), asyncio.Event()

    async def slow(notes: list[int], message: int) -> list[int]:
        inside.set()
        await go.wait()
        return [*notes, message]

    life = await Life(slow, initial=[]).begin(1, 2)
    waking = asyncio.create_task(life.wake())
    await inside.wait()
    await stop("r", journal=life.journal, drain=False)
    go.set()
    assert ((await waking).state.state, await life.left()) == ([1], [2])


async def test_a_letter_with_a_key_that_came_before_is_dropped():
    life = await Life(noting, initial=[]).begin()
    await life.told(1, key="a")
    await life.wake()
    await life.told(1, key="a")
    await life.told(2, key="b")
    await life.told(2, key="b")
    state = await life.end()
    assert (state.state, state.seen) == ([1, 2], ["a", "b"])


def test_keys_and_dead_letters_are_kept_within_bounds():
    many = [str(number) for number in range(REMEMBERED + 5)]
    assert remembered(many[:-1], [many[-1]]) == many[5:]
    assert len(kept([0] * KEPT, [1])) == KEPT


async def test_a_mailbox_may_be_bounded_by_those_who_send():
    life = await Life(noting, initial=[]).begin(1, 2)
    with pytest.raises(MailboxFullError, match="2 letters or more wait for actor 'r'"):
        await life.told(3, most=2)
    await life.told(3, most=3)
    assert await life.left() == [1, 2, 3]


async def test_what_is_no_letter_is_refused_and_disturbs_nobody():
    life = await Life(noting, initial=[]).begin(1)
    await send("r", "mail", 7, journal=life.journal)
    await send("r", "other", {"message": 8}, journal=life.journal)
    await life.told(2)
    assert await life.left() == [1, 2]
    assert (await life.end()).state == [1, 2]


async def test_an_object_that_can_be_called_is_a_handler_and_what_it_returns_is_checked():
    class Weigh:
        def __call__(self, total: int, message: int) -> int:
            return "heavy" if message > 9 else total + message

    life = await Life(Weigh(), initial=0, supervision=Supervision(directive="resume")).begin(1, 10, 2)
    state = await life.end()
    assert (life.graph.name, state.state) == ("Weigh", 3)
    assert "field 'state' takes int, but got str 'heavy'" in state.dead[0].why


async def test_parameters_of_a_handler_may_be_given_by_place_or_bound():
    def by_place(total: int, message: int, /, factor: int = 1) -> int:
        return total + message * factor

    for handler, after in ((by_place, 3), (partial(by_place, factor=10), 30)):
        assert (await (await Life(handler, initial=0).begin(1, 2)).end()).state == after


async def test_types_of_a_module_that_are_known_to_the_handler_alone_will_do():
    class Parcel(BaseModel):
        weight: int

    async def weigh(total: int, message: "Parcel") -> int:
        assert Parcel
        return total + message.weight

    life = await Life(weigh, initial=0).begin(Parcel(weight=3))
    assert (await life.end()).state == 3


async def test_who_sends_to_nobody_is_told():
    for call in (tell("r", 1, journal=MemoryJournal()), stop("r", journal=MemoryJournal())):
        with pytest.raises(RunNotFoundError):
            await call


async def test_an_agent_is_an_actor_whose_state_is_its_conversation():
    model = ScriptedModel(lambda request: f"answer {len(request.messages)}")
    life = await Life(Agent(model, name="clerk")).begin("one", "two")
    await life.wake()
    await life.told("three")
    state = await life.end()
    assert [one.text for one in state.state] == ["one", "answer 1", "two", "answer 3", "three", "answer 5"]
    assert life.graph.name == "clerk"


async def test_an_agent_whose_model_could_not_be_reached_goes_on_in_the_middle_of_the_letter():
    @tool(permission="read")
    async def look() -> str:
        """Look."""
        return "seen"

    wanted = Message.of("assistant", ToolCall(id="1", name="look", arguments="{}"))
    model = ScriptedModel([wanted, OverloadedError("full"), "answer"])
    life = await Life(Agent(model, [look])).begin("one")
    with pytest.raises(RunFailedError, match="full"):
        await life.wake()
    state = await life.end()
    assert [one.role for one in state.state] == ["user", "assistant", "tool", "assistant"]
    assert (state.state[-1].text, len(model.requests)) == ("answer", 3)


async def test_the_model_of_an_agent_may_be_a_resource():
    life = Life(Agent("brain"))
    given = {"resources": {"brain": ScriptedModel(["hello"])}}
    assert life.graph.resources == {"brain": Model}
    await life.flow.run(journal=life.journal, run_id="r", **given)
    await life.told("hi")
    assert [one.text for one in (await life.end(**given)).state] == ["hi", "hello"]


async def test_a_state_with_a_reducer_takes_updates():
    async def note(past: Conversation, message: str) -> Next:
        return Next(state=[Message.of("user", f"{message} after {len(past)}")])

    life = await Life(note, initial=[]).begin("x", "y")
    assert [one.text for one in (await life.end()).state] == ["x after 0", "y after 1"]


async def test_retries_of_the_handler_are_its_nodes():
    tries = []

    async def flaky(notes: list[int], message: int) -> list[int]:
        tries.append(message)
        if len(tries) == 1:
            raise ConnectionError("once")
        return [*notes, message]

    retry = AsyncRetrying(stop=stop_after_attempt(2))
    life = await Life(flaky, initial=[], retry=retry, version="2").begin(1, 2)
    assert (await life.end()).state == [1, 2]
    assert tries[:3] == [1, 1, 2]


async def test_an_actor_is_a_node_of_another_graph():
    class Outer(BaseModel):
        state: int = 0
        ended: str = ""

    def add(total: int, message: int) -> Next:
        return Next(state=total + message, stop=True)

    graph, journal = Graph(Outer), MemoryJournal()
    graph.chain(
        START, graph.subgraph(actor(add, initial=0), writes={"state": "state", "ended": "ended"}), END
    )
    flow = graph.compile()
    await flow.run(journal=journal, run_id="r")
    await tell("r", 5, journal=journal)
    state = (await flow.resume("r", journal=journal)).state
    assert (state.state, state.ended) == (5, "stopped")


def test_an_actor_is_drawn_as_a_loop_with_what_happens_when_handling_fails():
    flow = Life(noting, initial=[], replies=True, supervision=Supervision(directive="restart")).flow
    edges = {one.id for one in flow.definition.edges}
    assert {"START->receive", "receive->handle", "handle->receive", "handle->restart!Exception"} < edges
    assert {"restart->receive", "handle->reply", "receive->reply", "reply->close", "receive->close"} < edges
    assert "receive->receive" in edges
    assert flow.name == "noting"
    assert flow.warnings == ()


async def test_hundreds_of_actors_rest_in_one_file_and_only_those_with_letters_wake(tmp_path):
    flow = actor(noting, initial=[]).compile()
    async with await SqliteJournal.open(tmp_path / "runs.db") as journal:
        await asyncio.gather(
            *(
                flow.run(journal=journal, run_id=f"actor-{number}", durability="batched")
                for number in range(200)
            )
        )
        assert asyncio.all_tasks() == {asyncio.current_task()}
        for number in (3, 77, 150):
            await tell(f"actor-{number}", number, journal=journal)
        woken = await flow.recover(journal=journal)
        assert {one.run_id for one in woken} == {"actor-3", "actor-77", "actor-150"}
        assert await flow.recover(journal=journal) == []
        assert await waiting("actor-77", journal=journal) == []


class Plain:
    """No callable."""


def one(state: int) -> int:
    return state


def more(state: int, message: int, other: str) -> int:
    return state


def wrong_context(state: int, message: int, ctx: Context) -> int:
    return state


def bare(state, message):
    return state


@pytest.mark.parametrize(
    ("handler", "options", "problem"),
    [
        (one, {"message": int}, "a handler takes the state and a message"),
        (more, {}, "takes 'other', which is neither a context nor one of resources= (there are none)"),
        (wrong_context, {}, "'ctx' is to be annotated BlockingContext, as its function is"),
        (bare, {}, "say state=, or annotate the handler's parameter: which type is the state?"),
        (bare, {}, "say message=, or annotate"),
        (noting, {"message": Plain}, "messages cannot be <class"),
        (noting, {"message": "Nowhere"}, "messages cannot be 'Nowhere'"),
        (noting, {"supervision": Supervision(directive="restart")}, "say initial="),
        (Agent(ScriptedModel([])), {"supervision": Supervision(directive="restart")}, "do without restart"),
        (3, {"state": int, "message": int}, "the handler cannot be read"),
        (noting, {"mailer": "runs.db"}, "mailer= takes a Mailer, such as Mailer('runs.db'), not 'runs.db'"),
        (noting, {"supervision": "resume"}, "supervision= takes a Supervision"),
    ],
)
def test_what_cannot_be_an_actor_is_refused(handler, options, problem):
    with pytest.raises(GraphError) as caught:
        actor(handler, **options)
    assert problem in str(caught.value)


def test_types_may_be_said_where_a_handler_has_none():
    graph = actor(bare, state=int, message=int, initial=0)
    assert issubclass(graph.state, ActorState)
    assert graph.name == "bare"
