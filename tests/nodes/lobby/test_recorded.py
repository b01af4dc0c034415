"""Seats inside of nodes: what they say and hear is recorded; replay calls nothing, retries and forks do what they should."""

import asyncio
from typing import Annotated

import pytest
from pydantic import BaseModel
from tenacity import Retrying, stop_after_attempt

from backedge import END, START, Context, Graph, RunFailedError, extend
from backedge.checkpoints import MemoryJournal
from backedge.checkpoints.memory import MemoryRunLog
from backedge.nodes.lobby import (
    LaggedError,
    Lobby,
    LobbyError,
    LobbyTimeoutError,
    MemoryLog,
    UndeliverableError,
    merged,
)

from ...virtual import run_virtual


class State(BaseModel):
    notes: Annotated[list[str], extend] = []


def flow_of(*bodies, retry=None):
    graph = Graph(State, resources={"lobby": Lobby, "kitchen": Lobby})
    for body in bodies:
        graph.chain(START, graph.node(body, writes="notes", retry=retry), END)
    return graph.compile()


async def ran(*bodies, lobby=None, **options):
    """Run nodes side by side; what they did is run anew from its records, without anybody in the lobby."""
    flow, journal = flow_of(*bodies, **options), MemoryJournal()
    given = {"lobby": lobby or Lobby(), "kitchen": Lobby("kitchen")}
    result = await flow.run(journal=journal, run_id="r", resources=given)
    nobody = {"lobby": Lobby(), "kitchen": Lobby("kitchen")}
    report = await flow.replay("r", journal=journal, rerun="all", resources=nobody)
    assert report, str(report)
    assert nobody["lobby"]._room is None, "replay does not even open the lobby"
    return result.state.notes


async def until_there(seat, name, ctx):
    while (await seat.send(name, "there?")).returned:
        await ctx.sleep(0.001)


async def ann(lobby: Lobby, ctx: Context) -> list[str]:
    async with lobby.enter("ann", ctx) as seat:
        await until_there(seat, "bob", ctx)
        reply = await seat.request("bob", "tea?", timeout=60)
        gone = await seat.send("zed", "hello")
        await seat.subscribe("tea")
        await seat.send("bob", "go on")
        return [reply.text, gone.returned, (await seat.receive()).text]


async def bob(lobby: Lobby, ctx: Context) -> list[str]:
    async with lobby.enter("bob", ctx) as seat:
        heard = []
        while not heard or heard[-1] != "go on":
            message = await seat.receive(timeout=60)
            heard.append(message.text)
            if message.kind == "request":
                await seat.reply(message, "yes")
        await seat.post("green", topic="tea")
        return heard


async def test_nodes_talk_and_replay_does_without_the_lobby():
    lobby = Lobby()
    notes = await ran(ann, bob, lobby=lobby)
    assert notes == ["yes", "'zed' is not in the lobby", "green", "there?", "tea?", "go on"]
    assert lobby.members == ()


def test_timeouts_are_recorded():
    async def alone(lobby: Lobby, ctx: Context) -> list[str]:
        told = []
        async with lobby.enter("ann", ctx) as seat, lobby.enter("bob", ctx):
            for call in (
                seat.receive(timeout=30),
                seat.request("bob", "?", timeout=30),
                seat.request("zed", "?"),
            ):
                try:
                    await call
                except (LobbyTimeoutError, UndeliverableError) as error:
                    told.append(str(error))
        return told

    assert run_virtual(ran(alone)) == [
        "nothing came to 'ann' within 30 s",
        "no reply from 'bob' within 30 s",
        "'zed' is not in the lobby",
    ]


async def test_a_late_reply_is_heard_like_any_message_also_when_the_body_runs_again():
    async def asks(lobby: Lobby, ctx: Context) -> list[str]:
        async with lobby.enter("ann", ctx) as seat:
            with pytest.raises(LobbyTimeoutError):
                await seat.request("bob", "?", timeout=0.01)
            await seat.send("bob", "too late")
            return [(await seat.receive(timeout=10)).text]

    lobby = Lobby()
    async with lobby.enter("bob") as bob:
        running = asyncio.ensure_future(ran(asks, lobby=lobby))
        asked = await bob.receive()
        assert (await bob.receive()).text == "too late"
        await bob.reply(asked, "sorry")
        assert await running == ["sorry"]


@pytest.mark.parametrize("late", [-0.5, 0.5, 1.5, 2.5])
def test_a_reply_that_comes_while_it_is_recorded_that_none_came_is_heard_like_any_message(late, monkeypatch):
    async def asks(lobby: Lobby, ctx: Context) -> list[str]:
        async with lobby.enter("ann", ctx) as seat:
            try:
                return [(await seat.request("bob", "?", timeout=30)).text, (await seat.receive()).text]
            except LobbyTimeoutError:
                return sorted([(await seat.receive(timeout=50)).text for _ in range(2)], reverse=True)

    def slow(log, *records, **options):
        """Each record takes a second."""
        loop, done = asyncio.get_running_loop(), append(log, *records, **options)
        if any("sleep" in str(record) for record in records) and not due.done():
            due.set_result(loop.time() + 30)
        kept = loop.create_future()
        loop.call_later(1, lambda: kept.cancelled() or kept.set_result(done.result()))
        return kept

    append = MemoryRunLog.append
    monkeypatch.setattr(MemoryRunLog, "append", slow)

    async def talk():
        nonlocal due
        lobby, loop = Lobby(), asyncio.get_running_loop()
        due = loop.create_future()
        async with lobby.enter("bob") as bob:
            running = asyncio.ensure_future(ran(asks, lobby=lobby))
            asked = await bob.receive()
            await asyncio.sleep(await due - loop.time() + late)
            await bob.reply(asked, "yes")
            await bob.post("more")
            assert await running == ["yes", "more"]

    due = None
    run_virtual(talk())


async def test_a_gap_is_recorded_and_the_reader_goes_on_after_it():
    async def slow(lobby: Lobby, ctx: Context) -> list[str]:
        async with lobby.enter("slow", ctx) as seat, lobby.enter("quick", ctx) as other:
            for number in range(6):
                await other.post(str(number))
            told = []
            while not told or told[-1] != "5":
                try:
                    told.append((await seat.receive()).text)
                except LaggedError as error:
                    told.append(str(error))
            return told

    notes = await ran(slow, lobby=Lobby(buffer=1, log=MemoryLog(2)))
    assert notes[0] == "0"
    assert notes[1].startswith("3 messages up to number 6 are gone unread")
    assert notes[2:] == ["4", "5"]


async def test_an_attempt_after_a_failed_one_comes_back_to_its_seat_and_says_nothing_twice():
    tries = []

    async def talks(lobby: Lobby, ctx: Context) -> list[str]:
        async with lobby.enter("ann", ctx) as seat:
            await seat.post("once")
            first = (await seat.receive()).text
            tries.append(first)
            if len(tries) < 3:
                raise ValueError("not yet")
            return [first, (await seat.receive()).text]

    lobby = Lobby()
    async with lobby.enter("eve", notices=True) as eve:
        flow, journal = (
            flow_of(talks, retry=Retrying(stop=stop_after_attempt(3), reraise=True)),
            MemoryJournal(),
        )
        given = {"lobby": lobby, "kitchen": Lobby("kitchen")}
        running = asyncio.ensure_future(flow.run(journal=journal, resources=given))
        assert [(await eve.receive()).kind, (await eve.receive()).text] == ["entered", "once"]
        await eve.send("ann", "one")
        await eve.send("ann", "two")
        assert (await running).state.notes == ["one", "two"]
        assert tries == ["one"] * 3
        assert [(await eve.receive()).kind] == ["left"]
        assert eve.lag == 0


async def test_a_node_that_failed_for_good_is_away_and_a_resume_takes_its_seat_again():
    class Broken:
        on = True

    async def talks(lobby: Lobby, ctx: Context) -> list[str]:
        async with lobby.enter("ann", ctx) as seat:
            if Broken.on:
                raise ValueError("broken")
            return [(await seat.receive()).text]

    lobby, journal, flow = Lobby(), MemoryJournal(), flow_of(talks)
    given = {"lobby": lobby, "kitchen": Lobby("kitchen")}
    with pytest.raises(RunFailedError):
        await flow.run(journal=journal, run_id="r", resources=given)
    assert (lobby.members, lobby.present) == (("ann",), ())
    async with lobby.enter("bob") as bob:
        await bob.send("ann", "are you there?")
    Broken.on = False
    result = await flow.resume("r", journal=journal, resources=given)
    assert result.state.notes == ["are you there?"]
    assert lobby.members == ()


async def test_a_run_that_goes_on_without_the_lobby_it_was_in_is_told_so():
    async def talks(lobby: Lobby, ctx: Context) -> list[str]:
        async with lobby.enter("ann", ctx) as seat:
            await ctx.ask("go on?")
            await seat.post("hello")
            return []

    flow, journal = flow_of(talks), MemoryJournal()
    first = {"lobby": Lobby(), "kitchen": Lobby("kitchen")}
    await flow.run(journal=journal, run_id="r", resources=first)
    assert first["lobby"].members == ("ann",), "who waits for a person is still in"
    other = Lobby()
    async with other.enter("bob") as bob:
        for number in range(5):
            await bob.post(str(number))
        with pytest.raises(RunFailedError, match="was in another lobby 'lobby' before"):
            await flow.resume(
                "r", journal=journal, answers={"talks": "yes"}, resources={**first, "lobby": other}
            )
        assert other.members == ("bob",)


async def test_a_fork_says_its_own_and_not_what_its_parent_said():
    async def talks(lobby: Lobby, ctx: Context) -> list[str]:
        async with lobby.enter("ann", ctx) as seat:
            return [(await seat.post("hello")).handle]

    lobby, journal, flow = Lobby(), MemoryJournal(), flow_of(talks)
    given = {"lobby": lobby, "kitchen": Lobby("kitchen")}
    async with lobby.enter("eve") as eve:
        result = await flow.run(journal=journal, run_id="r", resources=given)
        fork = await flow.fork("r", at=0, journal=journal, resources=given)
        heard = [(await eve.receive()).handle for _ in range(2)]
        assert heard == [result.state.notes[0], fork.state.notes[0]]
        assert heard[0] != heard[1]


async def test_a_run_that_has_the_id_of_another_is_told_that_what_it_says_was_said():
    async def talks(lobby: Lobby, ctx: Context) -> list[str]:
        async with lobby.enter("ann", ctx) as seat:
            return [(await seat.post("hello")).handle]

    flow, given = flow_of(talks), {"lobby": Lobby(), "kitchen": Lobby("kitchen")}
    await flow.run(journal=MemoryJournal(), run_id="r", resources=given)
    with pytest.raises(RunFailedError, match="before it entered: another run had this run's id"):
        await flow.run(journal=MemoryJournal(), run_id="r", resources=given)


async def test_one_stream_over_two_lobbies_is_recorded():
    async def talks(lobby: Lobby, kitchen: Lobby, ctx: Context) -> list[str]:
        async with (
            lobby.enter("ann", ctx) as one,
            kitchen.enter("ann", ctx) as two,
            lobby.enter("bob", ctx) as bob,
            kitchen.enter("bob", ctx) as cook,
        ):
            for number in range(3):
                await bob.post(f"h{number}")
                await cook.post(f"k{number}")
            told = []
            async for lobby_, _, message in merged(one, two):
                told.append(f"{lobby_} {message.text}")
                if len(told) == 6:
                    break
            return told

    notes = await ran(talks)
    for place in ("lobby h", "kitchen k"):
        assert [each for each in notes if each.startswith(place)] == [
            f"{place}{number}" for number in range(3)
        ]


async def test_a_seat_of_a_node_refuses_what_it_does_by_itself():
    async def wrong(lobby: Lobby, ctx: Context) -> list[str]:
        told = []
        async with lobby.enter("ann", ctx) as seat:
            for call in (
                lambda: seat.say((), handle="h"),
                lambda: lobby.enter("x", ctx, session="s").__aenter__(),
                lambda: lobby.enter("ann", ctx).__aenter__(),
                lambda: seat.send("ann", "?"),
                lambda: anext(merged(seat, await_none)),
            ):
                try:
                    await call()
                except (LobbyError, AttributeError) as error:
                    told.append(str(error))
            await seat.leave()
            try:
                await seat.post("?")
            except LobbyError as error:
                told.append(str(error))
        return told

    await_none = await Lobby("other").attach("ann")
    notes = await ran(wrong)
    assert [each.split(":")[0] for each in notes] == [
        "inside of a node a message's handle is the key of its effect",
        "with a context the seat keeps its session and cursor itself",
        "'ann' is in the lobby already",
        "'ann' speaks to themselves, and nobody hears themselves",
        "merged() takes seats of one node, or seats outside of nodes, not both",
        "'ann' left the lobby 'lobby'",
    ]


async def test_a_branch_that_comes_back_early_does_not_make_another_hear_twice():
    """The first branch has nothing recorded and takes the seat again, before the second has gone through its records."""
    broken = [True]

    async def talks(lobby: Lobby, ctx: Context) -> list[str]:
        async with lobby.enter("ann", ctx) as seat:

            async def say() -> None:
                if not broken[0]:
                    await seat.post("back again")

            async def hear() -> list[str]:
                heard = [(await seat.receive()).text for _ in range(3)]
                if broken[0]:
                    raise ValueError("broken")
                return [*heard, (await seat.receive()).text]

            with ctx.branch("say"):
                await say()
            with ctx.branch("hear"):
                return await hear()

    lobby, journal, flow = Lobby(), MemoryJournal(), flow_of(talks)
    given = {"lobby": lobby, "kitchen": Lobby("kitchen")}
    async with lobby.enter("bob", notices=True) as bob:
        running = asyncio.ensure_future(flow.run(journal=journal, run_id="r", resources=given))
        await bob.receive()
        for number in range(3):
            await bob.post(str(number))
        with pytest.raises(RunFailedError):
            await running
        await bob.post("3")
        broken[0] = False
        result = await flow.resume("r", journal=journal, resources=given)
        assert result.state.notes == ["0", "1", "2", "3"]


async def test_a_reply_that_is_in_the_records_is_not_given_back_though_the_seat_was_being_taken_meanwhile():
    class Slow(Lobby):
        async def attach(self, name, **options):
            seat = await super().attach(name, **options)
            for _ in range(50):
                await asyncio.sleep(0)
            return seat

    broken = [True]

    async def talks(lobby: Lobby, ctx: Context) -> list[str]:
        async with lobby.enter("ann", ctx) as seat:

            async def say() -> None:
                if not broken[0]:
                    await seat.post("back again")

            async def ask() -> list[str]:
                heard = [(await seat.request("bob", "?")).text, (await seat.receive()).text]
                if broken[0]:
                    raise ValueError("broken")
                return heard

            return (await ctx.gather(say(), ask()))[1]

    lobby, journal, flow = Slow(), MemoryJournal(), flow_of(talks)
    given = {"lobby": lobby, "kitchen": Lobby("kitchen")}
    async with lobby.enter("bob") as bob:
        running = asyncio.ensure_future(flow.run(journal=journal, run_id="r", resources=given))
        await bob.reply(await bob.receive(), "!")
        await bob.send("ann", "more")
        with pytest.raises(RunFailedError):
            await running
        broken[0] = False
        result = await flow.resume("r", journal=journal, resources=given)
        assert result.state.notes == ["!", "more"]
        assert [(await bob.receive()).text for _ in range(bob.lag)] == ["back again"], "and nothing came back"
