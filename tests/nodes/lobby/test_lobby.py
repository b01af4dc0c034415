"""Seats in a lobby of this process: talking, waiting, limits, coming and going."""

import asyncio
import gc
import time

import pytest

from backedge.nodes.lobby import (
    LaggedError,
    Lobby,
    LobbyClosedError,
    LobbyError,
    LobbyTimeoutError,
    MemoryLog,
    NameTakenError,
    SeatClosedError,
    SqliteLog,
    UndeliverableError,
    merged,
)
from backedge.providers import File

from ...virtual import run_virtual


@pytest.fixture(params=["memory", "file"])
def log(request, tmp_path):
    return MemoryLog() if request.param == "memory" else SqliteLog(tmp_path / "lobby.db")


async def texts(seat, count):
    return [(await seat.receive()).text for _ in range(count)]


async def test_a_post_is_heard_by_all_others_and_its_contents_are_shared(log):
    attached = File(name="big", media_type="application/pdf", data=b"x" * 10_000)
    async with (
        Lobby(log=log) as lobby,
        lobby.enter("ann") as ann,
        lobby.enter("bob") as bob,
        lobby.enter("eve", observer=True) as eve,
    ):
        made = await ann.post("look", attached)
        heard = [await seat.receive() for seat in (bob, eve)]
        assert all(each is made for each in heard)
        assert made.parts[1] is attached
        assert ann.lag == 0
        with pytest.raises(LobbyError, match="observer"):
            await eve.post("me too")


async def test_a_request_gets_its_reply_and_the_inbox_does_not(log):
    async def answer(seat):
        async for message in seat:
            await seat.send(message.sender, "one moment")
            await seat.reply(message, f"not {message.text}")
            return

    async with Lobby(log=log) as lobby, lobby.enter("ann") as ann, lobby.enter("bob") as bob:
        answering = asyncio.ensure_future(answer(bob))
        assert (await ann.request("bob", "tea?", timeout=5)).text == "not tea?"
        assert await texts(ann, 1) == ["one moment"]
        assert ann.lag == 0
        await answering


async def test_the_first_reply_to_a_request_to_all_counts_and_the_others_are_messages():
    async with (
        Lobby() as lobby,
        lobby.enter("ann") as ann,
        lobby.enter("bob") as bob,
        lobby.enter("cy") as cy,
    ):
        asking = asyncio.ensure_future(ann.request(None, "who?"))
        for seat in (cy, bob):
            await seat.reply(await seat.receive(), seat.name)
        assert (await asking).text == "cy"
        assert await texts(ann, 1) == ["bob"]


def test_a_request_without_reply_times_out_and_a_late_reply_is_a_message():
    async def talk():
        async with Lobby() as lobby, lobby.enter("ann") as ann, lobby.enter("bob") as bob:
            with pytest.raises(LobbyTimeoutError, match=r"no reply from 'bob' within 60 s") as caught:
                await ann.request("bob", "tea?", timeout=60)
            assert isinstance(caught.value, TimeoutError)
            await bob.reply(await bob.receive(), "sorry, late")
            assert await texts(ann, 1) == ["sorry, late"]
            with pytest.raises(LobbyTimeoutError, match="nothing came to 'ann' within 60 s"):
                await ann.receive(timeout=60)
            await bob.post("after all")
            assert await texts(ann, 1) == ["after all"]

    run_virtual(talk())


async def test_a_reply_that_comes_in_the_moment_of_the_timeout_is_the_reply():
    async with Lobby() as lobby, lobby.enter("ann") as ann, lobby.enter("bob") as bob:

        async def late():
            request = await bob.receive()
            time.sleep(0.02)  # noqa: ASYNC251  # so that the timer is due in the turn in which it replies
            await asyncio.sleep(0)
            await bob.reply(request, "yes")

        answering = asyncio.ensure_future(late())
        assert (await ann.request("bob", "tea?", timeout=0.01)).text == "yes"
        await answering
        await asyncio.sleep(0)
        assert (ann.lag, ann.asked) == (0, {})


async def test_a_request_to_who_is_gone_or_goes_fails_at_once(log):
    async with Lobby(log=log) as lobby, lobby.enter("ann") as ann:
        with pytest.raises(UndeliverableError, match="'bob' is not in the lobby"):
            await ann.request("bob", "tea?")
        async with lobby.enter("bob"):
            asking = asyncio.ensure_future(ann.request("bob", "tea?"))
            await asyncio.sleep(0.01)
        with pytest.raises(UndeliverableError, match="'bob' left without reading it"):
            await asking


async def test_what_is_unread_comes_back_in_order_when_its_reader_leaves(log):
    async with Lobby(buffer=2, log=log) as lobby, lobby.enter("ann") as ann:
        async with lobby.enter("bob"):
            sent = [await ann.send("bob", f"{n}") for n in range(5)]
        back = [await ann.receive() for _ in range(5)]
        assert [each.text for each in back] == list("01234")
        assert [each.reply_to for each in back] == [each.handle for each in sent]
        assert all(each.returned == "'bob' left without reading it" for each in back)
        assert (await ann.send("bob", "?")).returned == "'bob' is not in the lobby"


async def test_topics_reach_their_subscribers(log):
    async with Lobby(log=log) as lobby, lobby.enter("ann") as ann, lobby.enter("bob") as bob:
        await bob.subscribe("tea")
        await ann.post("green", topic="tea")
        await ann.post("hot", topic="coffee")
        await bob.unsubscribe("tea")
        await ann.post("black", topic="tea")
        await ann.post("bye")
        assert await texts(bob, 2) == ["green", "bye"]
        with pytest.raises(LobbyError, match="a topic is some text, not ''"):
            await bob.subscribe("")


async def test_members_may_hear_who_comes_and_goes(log):
    async with Lobby(log=log) as lobby, lobby.enter("ann", notices=True) as ann:
        async with lobby.enter("bob"):
            assert lobby.members == lobby.present == ("ann", "bob")
        notices = [await ann.receive() for _ in range(2)]
        assert [(each.kind, each.sender) for each in notices] == [("entered", "bob"), ("left", "bob")]


async def test_a_slow_reader_reads_on_in_the_log_and_is_told_what_it_no_longer_holds():
    async with (
        Lobby(buffer=2, log=MemoryLog(3)) as lobby,
        lobby.enter("ann") as ann,
        lobby.enter("bob") as bob,
    ):
        for number in range(10):
            await ann.post(str(number))
            assert bob.lag == number + 1
        assert await texts(bob, 2) == ["0", "1"]
        with pytest.raises(LaggedError, match="5 messages up to number 9 are gone unread"):
            await bob.receive()
        assert bob.lag == 3
        assert await texts(bob, 3) == ["7", "8", "9"]
        assert bob.lag == 0


async def test_with_a_file_a_slow_reader_loses_nothing(tmp_path):
    async with (
        Lobby(buffer=2, log=SqliteLog(tmp_path / "lobby.db")) as lobby,
        lobby.enter("ann") as ann,
        lobby.enter("bob") as bob,
    ):
        for number in range(20):
            await ann.post(str(number))
        assert bob.lag == 20
        assert await texts(bob, 20) == [str(number) for number in range(20)]


async def test_with_overflow_wait_whoever_speaks_waits_for_the_slowest_reader():
    async with Lobby(buffer=2, overflow="wait") as lobby, lobby.enter("ann") as ann:
        async with lobby.enter("bob") as bob:
            done = []

            async def post():
                for number in range(5):
                    await ann.post(str(number))
                    done.append(number)

            posting = asyncio.ensure_future(post())
            await asyncio.sleep(0)
            assert (done, bob.lag) == ([0, 1], 2)
            assert await texts(bob, 5) == list("01234")
            await posting
            await ann.post("5")
            await ann.post("6")
            stuck = [asyncio.ensure_future(ann.post(text)) for text in ("7", "8")]
            await asyncio.sleep(0)
            stuck[0].cancel()
            assert await texts(bob, 3) == ["5", "6", "8"]
            waiting = [asyncio.ensure_future(ann.post(text)) for text in "abcd"]
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)  # nobody is left to wait for


async def test_a_name_is_taken_once_but_a_session_comes_back(log):
    async with Lobby(log=log) as lobby, lobby.enter("ann") as ann:
        first = await lobby.attach("bob", session="s")
        with pytest.raises(NameTakenError, match="choose another name"):
            await lobby.attach("bob")
        await ann.post("0")
        assert await texts(first, 1) == ["0"]
        await ann.post("1")
        waiting = asyncio.ensure_future(first.request("ann", "?"))
        await asyncio.sleep(0.01)
        second = await lobby.attach("bob", session="s", after=first.cursor)
        with pytest.raises(SeatClosedError, match="came back"):
            await waiting
        with pytest.raises(SeatClosedError, match="came back"):
            await first.post("?")
        assert second.lag == 1
        assert await texts(second, 1) == ["1"]


async def test_a_seat_has_one_reader_at_a_time():
    async with Lobby() as lobby, lobby.enter("ann") as ann:
        reading = asyncio.ensure_future(ann.receive())
        await asyncio.sleep(0)
        with pytest.raises(LobbyError, match="one reader at a time"):
            await ann.receive()
        reading.cancel()


async def test_a_message_is_not_lost_with_the_reader_who_is_cancelled(log):
    async with Lobby(log=log) as lobby, lobby.enter("ann") as ann, lobby.enter("bob") as bob:
        reading = asyncio.ensure_future(bob.receive())
        await asyncio.sleep(0)
        await ann.post("0")
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await ann.post("1")
        rest = await texts(bob, bob.lag)
        assert (["0"] if not reading.cancelled() else []) + rest == ["0", "1"]


async def test_streams_end_when_the_seat_or_the_lobby_does(log):
    lobby = await Lobby(log=log).open()
    ann, bob = await lobby.attach("ann"), await lobby.attach("bob")

    async def listen(seat):
        return [message.text async for message in seat]

    listening = [asyncio.ensure_future(listen(seat)) for seat in (ann, bob)]
    await ann.post("hello")
    await asyncio.sleep(0.01)
    await ann.leave()
    assert await listening[0] == []
    await lobby.close()
    assert await listening[1] == ["hello"]
    with pytest.raises(LobbyClosedError, match="'lobby' is closed"):
        await lobby.attach("cy")
    with pytest.raises(LobbyClosedError):
        await bob.post("?")


async def test_one_stream_over_several_lobbies_is_tagged_in_order_and_fair():
    async with (
        Lobby("hall") as hall,
        Lobby("kitchen") as kitchen,
        hall.enter("ann") as ann,
        kitchen.enter("ann") as cook,
        hall.enter("bob") as bob,
        kitchen.enter("cy") as cy,
    ):
        for number in range(5):
            await bob.post(f"h{number}")
        await cy.post("k0")
        stream = merged(ann, cook)
        got = [await anext(stream) for _ in range(6)]
        assert [each.message.text for each in got if each.lobby == "hall"] == [f"h{n}" for n in range(5)]
        assert [each.message.text for each in got].index("k0") == 1
        await got[1].seat.reply(got[1].message, "thanks")
        assert await texts(cy, 1) == ["thanks"]
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await cook.leave()
        await bob.post("h5")
        assert (await waiting).message.text == "h5"
        await stream.aclose()
        await bob.post("h6")
        assert await texts(ann, 1) == ["h6"]


async def test_a_stream_over_nothing_or_twice_the_same_is_refused():
    async with Lobby() as lobby, lobby.enter("ann") as ann:
        for seats in ((), (ann, ann)):
            with pytest.raises(LobbyError, match="one seat or more, each once"):
                await anext(merged(*seats))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"name": ""}, "a lobby's name"),
        ({"buffer": 0}, "buffer= is how many"),
        ({"buffer": True}, "buffer= is how many"),
        ({"overflow": "drop"}, 'overflow= is "lag" or "wait"'),
    ],
)
def test_options_that_cannot_be_are_refused(options, told):
    with pytest.raises(LobbyError, match=told):
        Lobby(**options)
    with pytest.raises(LobbyError, match="keep= is how many"):
        MemoryLog(-1)


async def test_agents_and_lobbies_leave_nothing_behind():
    async with Lobby() as lobby:
        for number in range(50):
            async with lobby.enter(f"a{number}") as seat:
                await seat.post("x")
        room = lobby._room
        assert not lobby._seats
        assert not lobby._away
        assert not room.members
    gc.collect()
    assert len(asyncio.all_tasks()) == 1


async def test_a_reply_that_comes_while_its_asker_reads_the_log_is_not_read_as_a_message(tmp_path):
    async with (
        Lobby(buffer=1, log=SqliteLog(tmp_path / "lobby.db")) as lobby,
        lobby.enter("ann") as ann,
        lobby.enter("bob") as bob,
    ):
        for number in range(3):
            await bob.post(str(number))
        asking = asyncio.ensure_future(ann.request("bob", "?"))
        await bob.reply(await bob.receive(), "!")
        assert (await asking).text == "!"
        await bob.post("3")
        assert ann.lag == 4
        assert await texts(ann, 4) == ["0", "1", "2", "3"]
