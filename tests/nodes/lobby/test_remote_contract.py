"""What a seat does, whether its lobby is in this process or behind a socket: each test runs with both."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from backedge.nodes.lobby import (
    LaggedError,
    Lobby,
    LobbyClosedError,
    LobbyError,
    LobbyTimeoutError,
    MemoryLog,
    MessageTooLargeError,
    NameTakenError,
    RemoteLobby,
    SeatClosedError,
    UndeliverableError,
    merged,
    serve_lobby,
)
from backedge.providers import Code, File, Image


@asynccontextmanager
async def embedded(**options):
    async with Lobby("hall", **options) as lobby:
        yield lobby, lobby


@asynccontextmanager
async def remote(**options):
    async with (
        Lobby("hall", **options) as lobby,
        serve_lobby(lobby, token="a secret") as server,
        RemoteLobby(server.url, token="a secret", window=4) as there,
    ):
        yield there, lobby


@pytest.fixture(params=[embedded, remote], ids=["embedded", "remote"])
def hall(request):
    return request.param


async def texts(seat, count):
    return [(await seat.receive(timeout=20)).text for _ in range(count)]


async def test_what_is_posted_reaches_all_others_in_order_and_never_its_sender(hall):
    async with (
        hall() as (lobby, _),
        lobby.enter("ann") as ann,
        lobby.enter("bob") as bob,
        lobby.enter("cy") as cy,
    ):
        for number in range(20):
            await (ann if number % 2 else bob).post(str(number))
        assert await texts(cy, 20) == [str(number) for number in range(20)]
        assert await texts(ann, 10) == [str(number) for number in range(0, 20, 2)]
        assert await texts(bob, 10) == [str(number) for number in range(1, 20, 2)]
        assert (ann.lag, bob.lag, cy.lag) == (0, 0, 0)
        assert ann.cursor < bob.cursor


async def test_messages_are_text_code_images_and_attachments_and_come_as_they_were(hall):
    parts = (
        "look",
        Code(language="python", text="print(1)"),
        Image(media_type="image/png", data=bytes(range(256))),
        Image(media_type="image/png", url="https://example.org/a.png"),
        File(name="notes.pdf", media_type="application/pdf", data=b"%PDF"),
    )
    async with hall() as (lobby, _), lobby.enter("ann") as ann, lobby.enter("bob") as bob:
        said = await ann.post(*parts)
        heard = await bob.receive(timeout=20)
        assert heard == said
        assert heard.parts[1:] == parts[1:]
        assert heard.text == "lookprint(1)"


async def test_what_is_said_to_one_member_reaches_that_member_alone(hall):
    async with (
        hall() as (lobby, _),
        lobby.enter("ann") as ann,
        lobby.enter("bob") as bob,
        lobby.enter("cy") as cy,
    ):
        said = await ann.send("bob", "psst")
        await ann.post("all")
        assert (said.to, said.returned) == ("bob", "")
        assert await texts(bob, 2) == ["psst", "all"]
        assert await texts(cy, 1) == ["all"]


async def test_what_is_said_to_somebody_who_is_not_there_comes_back(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann:
        async with lobby.enter("bob"):
            pass
        for name in ("bob", "nobody"):
            back = await ann.send(name, "hello?")
            assert name in back.returned
            assert back.text == "hello?"


async def test_what_somebody_left_unread_comes_back_if_it_was_for_them_alone(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann:
        async with lobby.enter("bob") as bob:
            await ann.send("bob", "read")
            await ann.send("bob", "unread")
            await ann.post("for all")
            assert await texts(bob, 1) == ["read"]
        back = await ann.receive(timeout=20)
        assert (back.text, back.to, "left" in back.returned) == ("unread", "bob", True)
        with pytest.raises(LobbyTimeoutError):
            await ann.receive(timeout=0.01)


async def test_a_topic_is_heard_by_those_who_took_it_while_they_have_it(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann, lobby.enter("bob") as bob:
        await ann.post("before", topic="rust")
        await bob.subscribe("rust")
        await bob.subscribe("rust")
        await ann.post("meanwhile", topic="rust")
        await bob.unsubscribe("rust")
        await ann.post("after", topic="rust")
        await ann.post("end")
        assert await texts(bob, 2) == ["meanwhile", "end"]


async def test_a_request_gets_its_reply_and_other_messages_stay_to_be_read(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann, lobby.enter("bob") as bob:

        async def answering():
            request = await bob.receive(timeout=20)
            for number in range(10):  # more than a window holds
                await bob.post(f"noise {number}")
            await bob.reply(request, f"{request.text} is 4")
            await bob.reply(request, "or 5?")

        task = asyncio.create_task(answering())
        reply = await ann.request("bob", "2 + 2", timeout=20)
        await task
        assert (reply.text, reply.kind, reply.sender) == ("2 + 2 is 4", "reply", "bob")
        assert await texts(ann, 11) == [*(f"noise {number}" for number in range(10)), "or 5?"]


async def test_a_reply_that_was_had_before_older_messages_is_not_given_back_as_unread(hall):
    async with hall() as (lobby, _), lobby.enter("bob") as bob:
        async with lobby.enter("ann") as ann:
            asking = asyncio.create_task(ann.request("bob", "2 + 2", timeout=20))
            request = await bob.receive(timeout=20)
            await bob.post("noise")
            await bob.reply(request, "4")
            assert (await asking).text == "4"
        with pytest.raises(LobbyTimeoutError):
            await bob.receive(timeout=0.01)


async def test_a_request_without_a_reply_times_out_and_a_late_one_is_a_message(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann, lobby.enter("bob") as bob:
        with pytest.raises(LobbyTimeoutError, match="no reply from 'bob' within"):
            await ann.request("bob", "hello?", timeout=0.01)
        await bob.reply(await bob.receive(timeout=20), "sorry")
        assert await texts(ann, 1) == ["sorry"]


async def test_a_request_to_somebody_who_is_not_there_or_leaves_unread_fails(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann:
        with pytest.raises(UndeliverableError, match="'bob' is not in the lobby"):
            await ann.request("bob", "hello?", timeout=20)
        async with lobby.enter("bob") as bob:
            asking = asyncio.create_task(ann.request("bob", "hello?", timeout=20))
            await bob.head()
        with pytest.raises(UndeliverableError, match="left"):
            await asking


async def test_observers_hear_and_cannot_speak(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann, lobby.enter("eye", observer=True) as eye:
        await ann.post("hello")
        assert await texts(eye, 1) == ["hello"]
        with pytest.raises(LobbyError, match="observer"):
            await eye.post("me too")


async def test_notices_tell_who_came_and_went_to_those_who_want_them(hall):
    async with hall() as (lobby, _), lobby.enter("ann", notices=True) as ann:
        async with lobby.enter("bob"):
            pass
        seen = [await ann.receive(timeout=20) for _ in range(2)]
        assert [(one.kind, one.sender) for one in seen] == [("entered", "bob"), ("left", "bob")]


async def test_a_name_is_given_once_at_a_time(hall):
    async with hall() as (lobby, _):
        async with lobby.enter("ann"):
            with pytest.raises(NameTakenError, match="'ann' is in the lobby already"):
                async with lobby.enter("ann"):
                    pass
        async with lobby.enter("ann") as again:
            assert again.name == "ann"


async def test_the_same_handle_is_said_once(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann, lobby.enter("bob") as bob:
        first = await ann.say((Code(text="x"),), handle="h-1")
        assert await ann.say((Code(text="x"),), handle="h-1") == first
        with pytest.raises(LobbyError, match="another message"):
            await ann.say((Code(text="y"),), handle="h-1")
        await ann.post("end")
        assert await texts(bob, 2) == ["x", "end"]


async def test_a_session_that_comes_back_with_its_cursor_hears_what_it_missed_and_nothing_twice(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann:
        seat = await lobby.attach("bob", session="of bob")
        await ann.post("one")
        await ann.post("two")
        assert await texts(seat, 1) == ["one"]
        cursor = seat.cursor
        lobby.detach(seat)
        await ann.post("three")
        async with lobby.enter("bob", session="of bob", after=cursor) as back:
            await ann.post("four")
            assert await texts(back, 3) == ["two", "three", "four"]
        with pytest.raises(SeatClosedError):
            await seat.receive()


async def test_messages_that_the_log_no_longer_holds_are_told_as_a_gap(hall):
    async with hall(log=MemoryLog(keep=5)) as (lobby, _), lobby.enter("ann") as ann:
        seat = await lobby.attach("bob", session="of bob")
        cursor = seat.cursor
        lobby.detach(seat)
        for number in range(20):
            await ann.post(str(number))
        async with lobby.enter("bob", session="of bob", after=cursor) as back:
            with pytest.raises(LaggedError, match="gone unread"):
                await back.receive(timeout=20)
            assert await texts(back, 5) == [str(number) for number in range(15, 20)]


async def test_a_session_that_comes_back_ends_its_old_seat(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann:
        old = await lobby.attach("bob", session="of bob")
        waiting = asyncio.create_task(old.receive(timeout=20))
        await asyncio.sleep(0)
        new = await lobby.attach("bob", session="of bob")
        with pytest.raises(SeatClosedError, match="new seat"):
            await waiting
        await ann.post("to the new one")
        assert await texts(new, 1) == ["to the new one"]
        await new.leave()


async def test_a_seat_that_was_left_does_nothing_more(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann:
        seat = await lobby.attach("bob")
        assert not seat.ended
        await seat.leave()
        assert seat.ended
        for call in (
            seat.post("x"),
            seat.receive(),
            seat.leave(),
            seat.subscribe("t"),
            seat.request("ann", "x"),
        ):
            with pytest.raises(SeatClosedError):
                await call
        assert [message async for message in seat] == []
        assert ann.lobby == "hall"


async def test_iterating_ends_when_the_seat_is_left_by_another_task(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann:
        seat = await lobby.attach("bob")

        heard = asyncio.Event()

        async def listening():
            async for message in seat:
                assert message.text == "one"
                heard.set()

        task = asyncio.create_task(listening())
        await ann.post("one")
        await heard.wait()
        await seat.leave()
        await task


async def test_closing_the_lobby_ends_its_seats(hall):
    async with hall() as (lobby, itself):
        seat = await lobby.attach("ann")
        waiting = asyncio.create_task(seat.receive(timeout=20))
        await asyncio.sleep(0)
        await itself.close()
        with pytest.raises(LobbyClosedError, match="closed"):
            await waiting


async def test_nothing_is_lost_when_waiting_times_out_or_is_cancelled(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann, lobby.enter("bob") as bob:
        with pytest.raises(LobbyTimeoutError, match="nothing came to 'bob'"):
            await bob.receive(timeout=0.001)
        task = asyncio.create_task(bob.receive())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        posting = asyncio.create_task(ann.post("still here"))
        await asyncio.sleep(0.001)
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
        assert await texts(bob, 1) == ["still here"]


async def test_a_seat_has_one_reader_at_a_time(hall):
    async with hall() as (lobby, _), lobby.enter("ann") as ann:
        first = asyncio.create_task(ann.receive())
        await asyncio.sleep(0)
        with pytest.raises(LobbyError, match="one reader"):
            await ann.receive()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda seat: seat.post(), "says something"),
        (lambda seat: seat.post(3), "made of text"),
        (lambda seat: seat.send("ann", "me"), "nobody hears themselves"),
        (lambda seat: seat.say((Code(text="x"),), to="bob", topic="t"), "not both"),
        (lambda seat: seat.subscribe(""), "a topic is some text"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(hall, call, why):
    async with hall() as (lobby, itself), lobby.enter("ann") as ann:
        before = itself.number
        with pytest.raises(LobbyError, match=why):
            await call(ann)
        assert itself.number == before
        await ann.post("goes on")


async def test_one_agent_in_two_lobbies_hears_both_in_one_tagged_stream(hall):
    async with (
        hall() as (one, _),
        hall() as (two, _),
        one.enter("ann") as a,
        two.enter("ann") as b,
        one.enter("x") as x,
        two.enter("y") as y,
    ):
        for number in range(5):
            await x.post(f"x{number}")
            await y.post(f"y{number}")
        heard = []
        stream = merged(a, b)
        async for _, seat, message in stream:
            heard.append((seat, message.text))
            if len(heard) == 10:
                break
        await stream.aclose()
        assert [text for seat, text in heard if seat is a] == [f"x{number}" for number in range(5)]
        assert [text for seat, text in heard if seat is b] == [f"y{number}" for number in range(5)]


async def test_a_reply_that_is_found_in_the_log_is_not_read_once_more(hall):
    """As after a restart: the seat is taken anew while its request is still open, and is behind."""
    async with hall() as (lobby, _), lobby.enter("bob") as bob:
        seat = await lobby.attach("ann", session="of ann", settled=set())
        cursor = seat.cursor
        request = await seat.say((Code(text="2 + 2"),), to="bob", kind="request", handle="h-1")
        lobby.detach(seat)
        await bob.post("before")
        await bob.reply(await bob.receive(timeout=20), "4")
        await bob.post("after")
        settled = set()
        back = await lobby.attach("ann", session="of ann", after=cursor, settled=settled)
        assert (await back.answer(request)).text == "4"
        settled.add("h-1")
        assert await texts(back, 2) == ["before", "after"]
        await back.leave()


async def test_a_seat_with_many_requests_behind_it_is_taken_again():
    settled = {f"request {number}" for number in range(2000)}
    async with (
        Lobby("hall") as lobby,
        serve_lobby(lobby, max_message=1000) as server,
        RemoteLobby(server.url) as there,
        lobby.enter("bob") as bob,
    ):
        ann = await there.attach("ann", settled=settled)
        await bob.post("hello")
        assert await texts(ann, 1) == ["hello"]
        with pytest.raises(MessageTooLargeError):
            await ann.post("x" * 1000)


@pytest.mark.parametrize("turns", [0, 1, 2])
async def test_a_reply_to_who_gives_up_in_the_very_moment_is_a_message_like_any(hall, turns):
    async with hall() as (lobby, itself), lobby.enter("ann") as ann, itself.enter("bob") as bob:
        asking = asyncio.create_task(ann.request("bob", "2 + 2"))
        request = await bob.receive(timeout=20)
        await bob.post("before")
        await bob.reply(request, "4")
        await bob.post("after")
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        (had,) = await asyncio.gather(asking, return_exceptions=True)
        heard = await texts(ann, 3 if isinstance(had, asyncio.CancelledError) else 2)
        assert sorted([*heard, *([] if len(heard) == 3 else ["4"])]) == ["4", "after", "before"]
        assert ann.lag == 0
        await bob.post("end")
        assert await texts(ann, 1) == ["end"]
