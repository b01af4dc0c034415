"""Asking actors, from outside and from inside of nodes: replies find who asked, once, or he is told why there is none."""

import asyncio
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from backedge import (
    END,
    START,
    Context,
    EffectError,
    Graph,
    InputError,
    RunFailedError,
    RunNotFoundError,
    RunStatus,
    add,
)
from backedge.checkpoints import MemoryJournal
from backedge.nodes.actors import (
    AskError,
    AskTimeoutError,
    Mailer,
    Next,
    Supervision,
    actor,
    ask,
    stop,
    tell,
)
from backedge.nodes.agents import Agent
from backedge.providers import ScriptedModel

from .living import Life


def count(total: int, message: int) -> Next:
    """Add, and reply with the sum."""
    if message < 0:
        raise ValueError("less than nothing")
    return Next(state=total + message, reply=total + message)


async def asked(life: Life, message: Any, **options: Any) -> Any:
    """Ask from outside while somebody works on the actor."""
    asking = asyncio.create_task(ask("r", message, journal=life.journal, **options))
    while not await life.left():  # noqa: ASYNC110 - the letter is all that shows
        await asyncio.sleep(0)
    await life.flow.recover(journal=life.journal)
    return await asking


async def test_who_asks_gets_the_reply_as_a_value_of_a_type_and_leaves_no_run_behind():
    life = await Life(count, initial=0, replies=True).begin(2)
    assert await asked(life, 3, returns=int, within=600) == 5
    assert [one.header.run_id for one in await life.journal.runs()] == ["r"]
    assert (await life.end()).state == 5


async def test_who_asks_an_agent_gets_its_answer():
    life = await Life(Agent(ScriptedModel(["42"])), replies=True).begin()
    assert await asked(life, "why?", within=600) == "42"


@pytest.mark.parametrize(
    ("message", "why"),
    [(-1, "less than nothing"), ("x", "the message does not fit: Input should be a valid")],
)
async def test_who_asks_is_told_why_there_is_no_reply_and_the_actor_goes_on(message, why):
    watch = Supervision(directive="resume")
    life = await Life(count, initial=1, replies=True, supervision=watch).begin()
    with pytest.raises(AskError, match=f"actor 'r' has no reply: {why}"):
        await asked(life, message, within=600)
    assert await asked(life, 1, within=600) == 2


async def test_an_actor_that_ends_with_a_letter_replies_to_it_before():
    def last(total: int, message: int) -> Next:
        return Next(reply="bye", stop=True)

    life = await Life(last, initial=0, replies=True).begin()
    assert await asked(life, 1, within=600) == "bye"
    assert (await life.wake()).status is RunStatus.COMPLETED


async def test_without_a_mailer_a_letter_that_wants_a_reply_is_dead():
    life = await Life(count, initial=0).begin()
    with pytest.raises(
        AskTimeoutError, match="did not reply within 0.05 seconds: perhaps nobody works on its run"
    ):
        await asked(life, 1, within=0.05)
    state = await life.end()
    assert (state.state, state.dead[0].why) == (0, "it wants a reply, and the actor has no mailer=")


async def test_a_reply_to_who_has_given_up_is_dropped_and_the_actor_goes_on():
    life = await Life(count, initial=0, replies=True).begin()
    with pytest.raises(AskTimeoutError):
        await ask("r", 1, journal=life.journal, within=0)
    assert await life.left() == [1], "nobody worked on it"
    assert await asked(life, 1, within=600) == 2
    assert (await life.end()).handled == 2


@pytest.mark.parametrize(("drain", "how"), [(True, "drained"), (False, "aborted")])
async def test_who_asks_one_that_has_ended_is_told_at_once_and_so_is_who_had_asked_before(drain, how):
    life = await Life(count, initial=0, replies=True).begin()
    await stop("r", journal=life.journal, drain=drain)
    with pytest.raises(AskError, match=f"actor 'r' has no reply: it has ended, {how}"):
        await asked(life, 1, within=600)
    with pytest.raises(AskError, match=f"it has ended, {how}"):
        await ask("r", 2, journal=life.journal, within=600)
    assert await life.left() == [1, 2], "they are dead letters all the same"
    assert await life.flow.replay("r", journal=life.journal, rerun="all")


async def test_one_that_ends_does_not_mind_who_has_given_up_asking():
    life = await Life(count, initial=0, replies=True).begin()
    await stop("r", journal=life.journal)
    with pytest.raises(AskTimeoutError):
        await ask("r", 1, journal=life.journal, within=0)
    assert ((await life.wake()).state.ended, await life.left()) == ("drained", [1])


async def test_a_node_that_asks_one_that_has_ended_is_told_so_from_its_records_too():
    life = await Life(count, initial=0, replies=True).begin()
    await life.end()
    flow = asking_flow(life.mailer)
    result = await flow.run(journal=life.journal, run_id="q")
    assert result.state.error == "actor 'r' has no reply: it has ended, drained"
    assert await flow.replay("q", journal=life.journal, rerun="all")
    assert await life.left() == [3], "a replay sends nothing"


async def test_one_that_ends_within_another_graph_says_nothing_for_those_that_come_after_it():
    class Twice(BaseModel):
        state: int = 0
        rounds: Annotated[int, add] = 0

    def until(total: int, message: int) -> Next:
        return Next(state=total + message, stop=message == 0)

    graph, journal = Graph(Twice), MemoryJournal()
    inner = graph.subgraph(actor(until, initial=0, mailer=Mailer(journal)), name="actor")

    @graph.node(writes="rounds")
    async def lap(state: int) -> int:
        return 1

    graph.chain(START, inner, lap)
    graph.feedback(lap, inner, when=lambda rounds: rounds < 2, limit=1)
    graph.edge(lap, END, when=lambda rounds: rounds == 2)
    flow = graph.compile()
    await flow.run(journal=journal, run_id="r")
    for message in (1, 0):
        await tell("r", message, journal=journal)
    await flow.resume("r", journal=journal)
    assert await journal.letters("r") == []
    for message in (2, 0):
        await tell("r", message, journal=journal)
    assert (await flow.resume("r", journal=journal)).state.state == 2


async def test_a_reply_of_another_type_is_no_reply():
    life = await Life(count, initial=0, replies=True).begin()
    with pytest.raises(
        AskError, match="what it replied does not fit returns=: Input should be a valid array"
    ):
        await asked(life, 3, returns=list[int], within=600)


@pytest.mark.parametrize("within", [-1, float("nan")])
async def test_nobody_waits_for_less_than_no_time(within):
    life = await Life(count, initial=0).begin()
    with pytest.raises(InputError, match="within= takes a number of seconds from 0"):
        await ask("r", 1, journal=life.journal, within=within)
    with pytest.raises(RunFailedError, match="within= takes a number of seconds from 0"):
        await asking_flow(life.mailer, within=within).run(journal=life.journal)
    assert await life.left() == []


async def test_who_asks_in_vain_or_nonsense_is_told():
    with pytest.raises(RunNotFoundError):
        await ask("nobody", 1, journal=MemoryJournal())
    life = await Life(count, initial=0).begin()
    with pytest.raises(InputError, match="the message is nothing that JSON can carry"):
        await ask("r", object(), journal=life.journal)
    with pytest.raises(InputError, match="the message is nothing that JSON can carry"):
        await tell("r", object(), journal=life.journal)
    assert len(await life.journal.runs()) == 1


async def test_a_reply_that_json_cannot_carry_is_the_handlers_failure():
    def odd(total: int, message: int) -> Next:
        return Next(reply=object())

    life = await Life(odd, initial=0, replies=True, supervision=Supervision(directive="resume")).begin()
    with pytest.raises(AskError, match="the reply is nothing that JSON can carry"):
        await asked(life, 1, within=600)


class State(BaseModel):
    answer: int = 0
    error: str = ""


def asking_flow(mailer: Mailer, message: Any = 3, to: str = "r", **options: Any) -> Any:
    graph = Graph(State)

    @graph.node(writes=("answer", "error"))
    async def work(ctx: Context) -> dict[str, Any]:
        try:
            return {"answer": await mailer.ask(ctx, to, message, returns=int, **options)}
        except (AskError, EffectError) as error:
            return {"error": str(error)}

    graph.chain(START, work, END)
    return graph.compile()


async def test_a_node_that_asks_rests_until_there_is_a_reply_and_asks_once():
    life = await Life(count, initial=0, replies=True).begin()
    flow = asking_flow(life.mailer)
    assert (await flow.run(journal=life.journal, run_id="q")).status is RunStatus.SUSPENDED
    await life.flow.recover(journal=life.journal)
    found = await flow.recover(journal=life.journal)
    assert [(one.run_id, one.status) for one in found] == [("q", RunStatus.COMPLETED)]
    assert (await flow.resume("q", journal=life.journal)).state.answer == 3
    assert await flow.replay("q", journal=life.journal, rerun="all")
    assert (await life.end()).handled == 1
    assert await life.journal.letters("q") == [], "the reply was sent once"


async def test_a_node_may_ask_several_at_once():
    life = await Life(count, initial=0, replies=True).begin()
    graph = Graph(State)

    @graph.node(writes="answer")
    async def both(ctx: Context) -> int:
        asking = (life.mailer.ask(ctx, "r", message, returns=int) for message in (1, 10))
        return sum(await ctx.gather(*asking))

    graph.chain(START, both, END)
    flow = graph.compile()
    await flow.run(journal=life.journal, run_id="q")
    await life.flow.recover(journal=life.journal)
    state = (await flow.resume("q", journal=life.journal)).state
    assert state.answer in (12, 21)
    assert await flow.replay("q", journal=life.journal, rerun="all")
    assert (await life.end()).handled == 2


async def test_a_node_waits_for_a_reply_no_longer_than_it_says():
    life = await Life(count, initial=0, replies=True).begin()
    flow = asking_flow(life.mailer, within=0.05)
    assert "did not reply within 0.05 seconds" in (await flow.run(journal=life.journal)).state.error
    assert "nobody" in (await asking_flow(life.mailer, to="nobody").run(journal=life.journal)).state.error
    assert (await life.end()).handled == 1, "a late reply is dropped"


async def test_actors_tell_and_ask_each_other():
    journal = MemoryJournal()
    mailer = Mailer(journal)

    async def relay(log: list[str], message: int, ctx: Context) -> list[str]:
        await mailer.tell(ctx, "r", message)
        return [*log, f"{await mailer.ask(ctx, 'r', message)}"]

    life = await Life(count, journal=journal, initial=0, replies=True).begin()
    relaying = actor(relay, initial=[]).compile()
    await relaying.run(journal=journal, run_id="relay")
    for message in (1, 10):
        await tell("relay", message, journal=journal)
    for _ in range(5):
        await relaying.recover(journal=journal)
        await life.flow.recover(journal=journal)
    await stop("relay", journal=journal)
    assert (await relaying.resume("relay", journal=journal)).state.state == ["2", "22"]
    assert await relaying.replay("relay", journal=journal, rerun="all")
    assert (await life.end()).handled == 4


class Halting(MemoryJournal):
    """A journal that takes its time after the first letter was posted, before anybody can record that."""

    def __init__(self) -> None:
        super().__init__()
        self.posted = asyncio.Event()

    async def post(self, run_id: str, letter: Any) -> int:
        number = await super().post(run_id, letter)
        if not self.posted.is_set():
            self.posted.set()
            await asyncio.Event().wait()
        return number


async def test_a_letter_that_is_sent_again_since_nobody_knew_is_handled_once():
    journal = Halting()
    mailer = Mailer(journal)

    class Notes(BaseModel):
        sent: list[str] = []

    graph = Graph(Notes)

    @graph.node(writes="sent")
    async def send(ctx: Context) -> list[str]:
        await mailer.tell(ctx, "r", 5)
        return ["5"]

    graph.chain(START, send, END)
    flow = graph.compile()
    life = await Life(count, journal=journal, initial=0).begin()
    async with flow.start(journal=journal, run_id="s"):  # and is left early
        await journal.posted.wait()
    assert await life.left() == [5]
    assert (await flow.resume("s", journal=journal)).state.sent == ["5"]
    assert await life.left() == [5, 5], "it was sent again"
    state = await life.end()
    assert (state.state, state.handled) == (5, 1)
