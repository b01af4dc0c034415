"""Connections that are lost: nothing is lost with them, nothing comes twice, order is kept, and what cannot be had is told."""

import asyncio
import random
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from tenacity import wait_fixed

from backedge.nodes.lobby import (
    LaggedError,
    Lobby,
    LobbyLostError,
    LobbyRefusedError,
    LobbyTimeoutError,
    MemoryLog,
    NameTakenError,
    RemoteLobby,
    SeatClosedError,
    SqliteLog,
    UndeliverableError,
    serve_lobby,
)

from .wires import Wire, until

SOON = wait_fixed(0.01)


@asynccontextmanager
async def wired(lobby=None, *, heartbeat=20, window=32, give_up_after=30, **options):
    """A lobby, a wire to it, and the lobby as it looks through the wire."""
    async with (
        lobby or Lobby("hall") as lobby,
        serve_lobby(lobby, heartbeat=heartbeat, **options) as server,
        Wire(urlsplit(server.url).port) as wire,
        RemoteLobby(
            f"ws://127.0.0.1:{wire.port}/hall",
            heartbeat=heartbeat,
            window=window,
            give_up_after=give_up_after,
            wait=SOON,
        ) as there,
    ):
        yield lobby, wire, there


async def texts(seat, count):
    return [(await seat.receive(timeout=20)).text for _ in range(count)]


async def test_talk_over_a_wire_that_is_cut_again_and_again_loses_and_doubles_nothing():
    count = 40
    async with (
        wired(window=5) as (lobby, wire, there),
        lobby.enter("bob") as bob,
        there.enter("ann") as ann,
        there.enter("cy") as cy,
    ):

        async def cutting():
            for _ in range(8):
                await asyncio.sleep(random.random() * 0.02)
                wire.cut()

        async def talking(seat):
            for number in range(count):
                await seat.post(f"{seat.name} {number}")

        talk = asyncio.gather(cutting(), talking(ann), talking(bob), talking(cy))
        heard = await asyncio.gather(*(texts(seat, 2 * count) for seat in (ann, bob, cy)))
        await talk
        assert ann.reconnections + cy.reconnections > 0
        assert (ann.lag, bob.lag, cy.lag) == (0, 0, 0)
    for me, told in zip(("ann", "bob", "cy"), heard, strict=True):
        for other in {"ann", "bob", "cy"} - {me}:
            assert [one for one in told if one.startswith(other)] == [f"{other} {n}" for n in range(count)]


async def test_a_post_that_was_not_acknowledged_is_sent_again_and_said_once():
    async with (
        wired(heartbeat=0.1) as (lobby, wire, there),
        lobby.enter("bob") as bob,
        there.enter("ann") as ann,
    ):
        wire.deaden()  # whatever is sent now is lost, and nobody is told
        posting = asyncio.create_task(ann.post("into the void"))
        await asyncio.sleep(0.01)
        assert not posting.done()
        wire.mend()
        said = await posting
        await ann.post("end")
        assert await texts(bob, 2) == ["into the void", "end"]
        assert said.number < lobby.number
        assert ann.reconnections >= 1


async def test_a_post_whose_acknowledgement_was_lost_is_said_once():
    async with wired() as (lobby, wire, there), lobby.enter("bob") as bob, there.enter("ann") as ann:
        wire.answers_lost = True
        posting = asyncio.create_task(ann.post("once"))
        assert await texts(bob, 1) == ["once"]
        wire.cut()
        wire.answers_lost = False
        assert (await posting).number == bob.cursor
        with pytest.raises(LobbyTimeoutError):
            await bob.receive(timeout=0.02)


async def test_a_reply_reaches_its_request_over_the_next_connection():
    async with wired() as (lobby, wire, there), lobby.enter("bob") as bob, there.enter("ann") as ann:
        asking = asyncio.create_task(ann.request("bob", "2 + 2", timeout=20))
        request = await bob.receive(timeout=20)
        wire.cut()
        await until(lambda: ann.state == "lost")
        await bob.reply(request, "4")
        await bob.post("and more")
        assert (await asking).text == "4"
        assert await texts(ann, 1) == ["and more"]


async def test_a_reply_that_was_had_does_not_come_again_over_the_next_connection():
    async with wired() as (lobby, wire, there), lobby.enter("bob") as bob, there.enter("ann") as ann:
        asking = asyncio.create_task(ann.request("bob", "2 + 2", timeout=20))
        await bob.reply(await bob.receive(timeout=20), "4")
        await asking
        wire.cut()
        await bob.post("end")
        assert await texts(ann, 1) == ["end"]


async def test_both_sides_notice_a_wire_that_went_dead_without_a_word():
    async with (
        wired(heartbeat=0.1) as (lobby, wire, there),
        lobby.enter("bob") as bob,
        there.enter("ann") as ann,
    ):
        wire.deaden()
        await until(lambda: "ann" not in lobby.present)
        assert "ann" in lobby.members, "she is away, and waited for"
        await bob.post("while you were away")
        wire.mend()
        assert await texts(ann, 1) == ["while you were away"]
        assert ann.reconnections >= 1


async def test_who_is_gone_for_longer_than_the_grace_leaves_and_others_are_told():
    async with wired(grace=0.05) as (lobby, _wire, there), lobby.enter("bob", notices=True) as bob:
        ann = await there.attach("ann", session="of ann")
        await bob.post("heard")
        assert await texts(ann, 1) == ["heard"]
        cursor = ann.cursor
        there.detach(ann)
        back = await bob.send("ann", "unheard")
        assert not back.returned
        seen = [await bob.receive(timeout=20) for _ in range(3)]
        assert [(one.kind, one.sender) for one in seen[:2]] == [("entered", "ann"), ("left", "ann")]
        assert (seen[2].text, seen[2].to) == ("unheard", "ann")
        assert seen[2].returned
        async with there.enter("ann", session="of ann", after=cursor) as again:
            with pytest.raises(LaggedError):
                await again.receive(timeout=20)
            await bob.post("welcome back")
            assert await texts(again, 1) == ["welcome back"]


async def test_who_had_to_leave_has_its_topics_again_when_it_comes_back():
    async with wired(grace=0.02, heartbeat=0.1) as (lobby, wire, there), lobby.enter("bob") as bob:
        ann = await there.attach("ann")
        for topic in ("rust", "weather", "rain"):
            await ann.subscribe(topic)
        await ann.unsubscribe("weather")
        wire.deaden()
        await until(lambda: "ann" not in lobby.members)
        wire.mend()
        with pytest.raises(LaggedError):
            await ann.receive(timeout=20)
        for topic in ("rust", "weather", "rain"):
            await bob.post(f"on {topic}", topic=topic)
        assert await texts(ann, 2) == ["on rust", "on rain"]


async def test_who_is_made_to_leave_is_told_and_does_not_come_back_by_itself():
    async with wired(grace=0.02) as (lobby, _, there), lobby.enter("bob", notices=True) as bob:
        ann = await there.attach("ann")
        await lobby.remove("ann")
        with pytest.raises(SeatClosedError, match="'ann' left"):
            await ann.receive(timeout=20)
        await asyncio.sleep(0.1)  # longer than it would be waited for
        seen = [(await bob.receive(timeout=20)).kind for _ in range(bob.lag)]
        assert seen == ["entered", "left"]


async def test_a_request_that_is_given_up_while_it_is_posted_leaves_nothing_behind():
    async with wired() as (lobby, _wire, there), lobby.enter("bob") as bob, there.enter("ann") as ann:
        asking = asyncio.create_task(ann.request("bob", "2 + 2"))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        request = await bob.receive(timeout=20)
        await ann.post("so that bob knows it was forgotten")
        await bob.reply(request, "4")
        assert await texts(ann, 1) == ["4"]


async def test_a_reply_to_who_gave_up_passes_nothing_that_is_still_at_the_server():
    async with wired(window=2) as (lobby, wire, there), lobby.enter("bob") as bob, there.enter("ann") as ann:
        asking = asyncio.create_task(ann.request("bob", "2 + 2"))
        request = await bob.receive(timeout=20)
        for number in range(6):
            await bob.post(str(number))
        await bob.reply(request, "4!")
        await until(lambda: any(reply.done() for reply in ann._replies.values()), every=0)
        asking.cancel()
        heard = await texts(ann, 3)
        assert "4!" in heard
        wire.cut()
        assert [*heard, *await texts(ann, 4)] == ["0", "1", "4!", "2", "3", "4", "5"]


async def test_a_request_times_out_though_it_could_not_be_posted():
    async with wired() as (lobby, wire, there), lobby.enter("bob") as bob, there.enter("ann") as ann:
        wire.deaden()
        with pytest.raises(LobbyTimeoutError, match="no reply from 'bob'"):
            await ann.request("bob", "2 + 2", timeout=0.01)
        wire.mend()
        wire.cut()
        await bob.reply(await bob.receive(timeout=20), "4")
        assert await texts(ann, 1) == ["4"]


async def test_a_request_to_who_is_gone_for_too_long_fails():
    async with wired(grace=0.05) as (lobby, _wire, there), lobby.enter("bob") as bob:
        ann = await there.attach("ann")
        there.detach(ann)
        with pytest.raises(UndeliverableError, match="'ann' left"):
            await bob.request("ann", "hello?", timeout=20)


async def test_who_comes_back_within_the_grace_stays():
    async with (
        wired(grace=0.5) as (lobby, wire, there),
        lobby.enter("bob", notices=True) as bob,
        there.enter("ann") as ann,
    ):
        for number in range(1, 4):
            wire.cut()
            await until(lambda so_many=number: ann.reconnections == so_many)
            await until(lambda: ann.state == "open")
        await asyncio.sleep(0.6)  # as long as nobody would have been waited for
        await ann.post("still here")
        seen = [await bob.receive(timeout=20) for _ in range(2)]
        assert [one.kind for one in seen] == ["entered", "message"]


async def test_without_a_connection_a_seat_gives_up_after_the_time_it_was_given():
    async with wired(give_up_after=0.05) as (_lobby, wire, there):
        ann = await there.attach("ann")
        waiting = asyncio.create_task(ann.receive())
        wire.refuse()
        posting = asyncio.create_task(ann.post("hello?"))
        for task in (waiting, posting):
            with pytest.raises(LobbyLostError, match=r"no connection to the lobby ws://.* for 0.05 s"):
                await task
        assert (ann.state, ann.ended) == ("closed", True)
        with pytest.raises(LobbyLostError):
            async for _ in ann:
                pass


async def test_where_nobody_serves_entering_fails_in_time():
    async with Lobby("hall") as lobby, serve_lobby(lobby) as server:
        url = server.url
    with pytest.raises(LobbyLostError, match="no connection"):
        async with RemoteLobby(url, give_up_after=0.02, wait=SOON).enter("ann"):
            pass


@asynccontextmanager
async def serving(path, port=0):
    async with Lobby("hall", log=SqliteLog(path)) as lobby, serve_lobby(lobby, port=port) as server:
        yield server


async def test_a_server_that_ends_and_begins_again_over_its_log_has_everything(tmp_path):
    async with serving(tmp_path / "hall.db") as first:
        port = urlsplit(first.url).port
        there = RemoteLobby(first.url, wait=SOON)
        ann, bob = await there.attach("ann"), await there.attach("bob")
        await ann.post("before")
        await bob.subscribe("rust")
    posting = asyncio.create_task(ann.post("in between"))
    await until(lambda: ann.state == bob.state == "lost")
    async with serving(tmp_path / "hall.db", port) as second:
        assert second.url == first.url
        await posting
        await ann.post("after", topic="rust")
        assert await texts(bob, 3) == ["before", "in between", "after"]
        await ann.leave()
        await bob.leave()
        assert second.lobby.members == ()


async def test_a_server_that_begins_again_without_its_log_is_another_lobby_and_says_so():
    async with Lobby("hall") as lobby, serve_lobby(lobby) as server:
        port = urlsplit(server.url).port
        there = RemoteLobby(server.url, wait=SOON)
        ann = await there.attach("ann")
        await ann.post("before")
    async with Lobby("hall") as lobby, serve_lobby(lobby, port=port):
        with pytest.raises(LobbyRefusedError, match="without its log"):
            await ann.receive(timeout=20)
        assert lobby.members == ()


async def test_who_does_not_come_back_to_the_next_server_leaves(tmp_path):
    async with serving(tmp_path / "hall.db") as first:
        there = RemoteLobby(first.url, wait=SOON)
        for name in ("ann", "bob"):
            await there.attach(name)
        await there.close()
    lobby = Lobby("hall", log=SqliteLog(tmp_path / "hall.db"))
    async with lobby, lobby.enter("here", session="mine"), serve_lobby(lobby, grace=0.02):
        assert lobby.members == ("ann", "bob", "here")
        await until(lambda: lobby.members == ("here",))


async def test_a_name_is_kept_for_its_session_while_it_is_away():
    async with wired() as (lobby, _wire, there):
        ann = await there.attach("ann", session="of ann")
        there.detach(ann)
        await until(lambda: "ann" not in lobby.present)
        with pytest.raises(NameTakenError, match="'ann' is in the lobby already"):
            await there.attach("ann", session="of another")
        with pytest.raises(NameTakenError):
            await lobby.attach("ann", session="of ann")  # a session of the wire is none of this process
        async with there.enter("ann", session="of ann") as back:
            assert back.name == "ann"


async def test_a_name_of_this_process_cannot_be_taken_from_outside():
    async with wired() as (lobby, _wire, there), lobby.enter("ann", session="of ann"):
        with pytest.raises(NameTakenError):
            await there.attach("ann", session="of ann")


async def test_a_session_without_memory_hears_what_it_had_not_taken():
    async with wired() as (lobby, _wire, there), lobby.enter("bob") as bob:
        ann = await there.attach("ann", session="of ann")
        for number in range(4):
            await bob.post(str(number))
        assert await texts(ann, 4) == ["0", "1", "2", "3"]
        await bob.post("4")
        await until(lambda: ann.lag)
        await ann.post("so the server knows what was read")
        there.detach(ann)
        async with there.enter("ann", session="of ann") as back:
            assert await texts(back, 1) == ["4"]


async def test_two_that_share_a_session_do_not_throw_each_other_out_for_ever():
    async with wired() as (_lobby, _wire, there):
        old = await there.attach("ann", session="of ann")
        new = await there.attach("ann", session="of ann")
        with pytest.raises(SeatClosedError, match="new seat"):
            await old.receive(timeout=20)
        assert (old.state, new.state, new.reconnections) == ("closed", "open", 0)


async def test_a_slow_reader_holds_a_window_of_messages_and_sees_how_many_wait(monkeypatch):
    monkeypatch.setattr("backedge.nodes.lobby.visit.LAG_EVERY", 0.02)
    lobby = Lobby("hall", buffer=10, log=MemoryLog(keep=1000))
    async with (
        wired(lobby, window=4) as (_, wire, there),
        lobby.enter("bob") as bob,
        there.enter("ann") as ann,
    ):
        for number in range(100):
            await bob.post(str(number))
        await until(lambda: ann.lag == 100)
        carried = wire.carried
        for number in range(100):
            await bob.post(str(100 + number))
        await until(lambda: ann.lag == 200)
        assert wire.carried - carried < 2000, "the wire told how many wait, and carried none of them"
        assert len(ann._exchange.inbox) == 4
        assert await texts(ann, 200) == [str(number) for number in range(200)]
        assert ann.lag == 0


async def test_a_reader_too_slow_for_the_log_is_told_what_is_missing():
    lobby = Lobby("hall", buffer=2, log=MemoryLog(keep=5))
    async with (
        wired(lobby, window=3) as (_, _wire, there),
        lobby.enter("bob") as bob,
        there.enter("ann") as ann,
    ):
        for number in range(50):
            await bob.post(str(number))
        heard, gaps = [], 0
        while not heard or heard[-1] != "49":
            try:
                heard += await texts(ann, 1)
            except LaggedError:
                gaps += 1
        assert gaps >= 1
        assert heard == sorted(set(heard), key=int)
        assert heard[-5:] == ["45", "46", "47", "48", "49"]


async def test_leaving_waits_for_a_connection_as_long_as_it_may_be_waited_for():
    async with wired(grace=0.02, give_up_after=0.1) as (lobby, wire, there):
        ann = await there.attach("ann")
        wire.refuse()
        await until(lambda: ann.state == "lost")
        await ann.leave()
        assert ann.ended
        await until(lambda: lobby.members == ())


@pytest.mark.parametrize("heard", [True, False], ids=["heard of", "not heard of"])
async def test_a_leaving_that_meets_a_lost_connection_is_done_once_over_the_next(heard):
    async with wired() as (lobby, wire, there), lobby.enter("bob", notices=True) as bob:
        ann = await there.attach("ann")
        if heard:
            wire.answers_lost = True
        else:
            wire.deaden()
        leaving = asyncio.create_task(ann.leave())
        if heard:
            await until(lambda: lobby.members == ("bob",))
        else:
            await asyncio.sleep(0.01)
        wire.answers_lost = False
        wire.mend()
        wire.cut()
        await leaving
        assert lobby.members == ("bob",)
        assert [(await bob.receive(timeout=20)).kind for _ in range(bob.lag)] == ["entered", "left"]


async def test_a_server_ends_though_a_member_that_leaves_still_waits_for_room_to_speak(monkeypatch):
    monkeypatch.setattr("backedge.nodes.lobby.remote_seat._LEAVE_WITHIN", 0.02)
    lobby = Lobby("hall", buffer=1, overflow="wait")
    async with wired(lobby) as (_, _wire, there), lobby.enter("bob"):
        ann = await there.attach("ann")
        posts = [asyncio.create_task(ann.post(str(number))) for number in range(3)]
        await posts[0]
        await ann.leave()
        for post in posts[1:]:
            with pytest.raises(SeatClosedError):
                await post


async def test_nothing_is_left_of_server_and_clients_when_they_end():
    before = asyncio.all_tasks()
    async with wired() as (_lobby, _wire, there):
        seats = [await there.attach(f"a{number}") for number in range(5)]
        waiting = [asyncio.create_task(seat.receive()) for seat in seats]
        await asyncio.sleep(0)
    for task in waiting:
        with pytest.raises(SeatClosedError):
            await task
    assert asyncio.all_tasks() == before
