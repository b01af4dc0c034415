"""The log in a file: what was acknowledged is there again, handles are taken once, and failures are told."""

import asyncio
import sqlite3

import pytest

from backedge.nodes.lobby import Lobby, LobbyClosedError, LobbyError, MemoryLog, SqliteLog
from backedge.nodes.lobby.message import parts_of


async def test_who_comes_back_after_a_restart_gets_what_they_missed_and_nothing_else(tmp_path):
    path = tmp_path / "lobby.db"
    async with Lobby("hall", log=SqliteLog(path)) as lobby:
        ann, bob = await lobby.attach("ann", session="a"), await lobby.attach("bob", session="b")
        await bob.subscribe("tea")
        await ann.post("0")
        assert (await bob.receive()).text == "0"
        cursor, ident = bob.cursor, lobby.ident
        await ann.post("1")
        await ann.post("green", topic="tea")
        await ann.post("hot", topic="coffee")
        await bob.post("mine")
    async with Lobby("hall", log=SqliteLog(path)) as lobby:
        assert lobby.ident == ident
        assert (lobby.members, lobby.present) == (("ann", "bob"), ())
        ann = await lobby.attach("ann", session="a")
        await ann.send("bob", "2")  # who is away is still in
        bob = await lobby.attach("bob", session="b", after=cursor)
        assert bob.lag == 3
        assert [(await bob.receive()).text for _ in range(3)] == ["1", "green", "2"]
        assert bob.lag == 0
        await lobby.remove("ann")
        assert lobby.members == ("bob",)


async def test_a_handle_is_said_once_over_restarts_and_at_the_same_time(tmp_path):
    path = tmp_path / "lobby.db"
    async with Lobby(log=SqliteLog(path)) as lobby:
        ann, bob = await lobby.attach("ann", session="a"), await lobby.attach("bob", session="b")
        made = await asyncio.gather(*(ann.say(parts_of(["once"]), handle="h") for _ in range(3)))
        assert made[0] == made[1] == made[2]
        assert bob.lag == 1
        with pytest.raises(LobbyError, match="the handle 'h' is another message's"):
            await bob.say(parts_of(["once"]), handle="h")
    async with Lobby(log=SqliteLog(path)) as lobby:
        ann = await lobby.attach("ann", session="a")
        assert await ann.say(parts_of(["once"]), handle="h") == made[0]
        assert lobby.number == made[0].number


async def test_who_is_cancelled_while_a_post_is_committed_has_posted(tmp_path):
    async with (
        Lobby(log=SqliteLog(tmp_path / "lobby.db")) as lobby,
        lobby.enter("ann") as ann,
        lobby.enter("bob") as bob,
    ):
        for handle in (None, "h"):
            posting = asyncio.ensure_future(ann.say(parts_of(["x"]), handle=handle))
            while lobby._room.number == lobby.number:  # noqa: ASYNC110  # nobody tells when a post is on its way
                await asyncio.sleep(0)
            posting.cancel()
            assert (await bob.receive()).text == "x"
            with pytest.raises(asyncio.CancelledError):
                await posting


async def test_many_posts_are_committed_together(tmp_path):
    async with (
        Lobby(log=SqliteLog(tmp_path / "lobby.db")) as lobby,
        lobby.enter("ann") as ann,
        lobby.enter("bob") as bob,
    ):
        groups, insert = [], lobby._log._insert
        lobby._log._insert = lambda rows: (groups.append(len(rows)), insert(rows))[1]
        await asyncio.gather(*(ann.post(str(number)) for number in range(200)))
        assert sum(groups) == 200
        assert len(groups) < 20
        assert [(await bob.receive()).text for _ in range(200)] == [str(number) for number in range(200)]


async def test_what_could_not_be_committed_was_not_heard_and_closes_the_lobby(tmp_path):
    async with Lobby(log=SqliteLog(tmp_path / "lobby.db")) as lobby:
        ann, bob = await lobby.attach("ann"), await lobby.attach("bob")

        def full(rows):
            raise sqlite3.OperationalError("database or disk is full")

        lobby._log._insert = full
        listening = asyncio.ensure_future(anext(bob))
        with pytest.raises(LobbyError, match="could not be written: database or disk is full"):
            await ann.post("x")
        for doing in (listening, ann.post("y"), lobby.attach("cy")):
            with pytest.raises(LobbyClosedError, match="its log failed: .* disk is full"):
                await doing


async def test_a_log_is_one_lobbys_at_a_time(tmp_path):
    path = tmp_path / "lobby.db"
    log = SqliteLog(path)
    async with Lobby("hall", log=log):
        with pytest.raises(LobbyError, match="lobby.db is in use"):
            await Lobby("hall", log=SqliteLog(path)).open()
        with pytest.raises(LobbyError, match="open in this process already"):
            await Lobby("hall", log=log).open()
    with pytest.raises(LobbyError, match="the log of the lobby 'hall', not of 'kitchen'"):
        await Lobby("kitchen", log=SqliteLog(path)).open()
    async with Lobby("hall", log=log):
        pass


async def test_files_that_are_no_logs_are_refused(tmp_path):
    (tmp_path / "text").write_text("no database, but long enough to be taken for one" * 20)
    with sqlite3.connect(tmp_path / "other.db") as db:
        db.execute("CREATE TABLE t (x)")
    db.close()
    async with Lobby(log=SqliteLog(tmp_path / "new.db")):
        pass
    with sqlite3.connect(tmp_path / "new.db") as db:
        db.execute("PRAGMA user_version = 9")
    db.close()
    for name, told in (
        ("text", "not a database"),
        ("other.db", "is no lobby's log"),
        ("new.db", "newer version"),
        ("no/such.db", "cannot be opened"),
    ):
        with pytest.raises(LobbyError, match=told):
            await Lobby(log=SqliteLog(tmp_path / name)).open()


async def test_a_cursor_of_a_lobby_that_is_no_more_is_refused():
    async with Lobby(log=MemoryLog()) as lobby:
        with pytest.raises(LobbyError, match="its log did not outlive the process"):
            await lobby.attach("ann", after=57)
        assert lobby.members == ()


async def test_in_memory_who_was_away_too_long_is_told():
    async with Lobby(log=MemoryLog(2)) as lobby:
        ann, bob = await lobby.attach("ann", session="a"), await lobby.attach("bob", session="b")
        lobby.detach(bob)
        for number in range(4):
            await ann.post(str(number))
        bob = await lobby.attach("bob", session="b", after=bob.cursor)
        with pytest.raises(LobbyError, match="messages up to number 4 are gone unread"):
            await bob.receive()
        assert [(await bob.receive()).text for _ in range(2)] == ["2", "3"]


async def test_who_is_cancelled_while_entering_is_not_in(tmp_path):
    async with Lobby(log=SqliteLog(tmp_path / "lobby.db")) as lobby, lobby.enter("ann") as ann:
        entering = asyncio.ensure_future(lobby.attach("bob"))
        while "bob" not in lobby.members:  # noqa: ASYNC110  # nobody tells when somebody is on their way
            await asyncio.sleep(0)
        entering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await entering
        await asyncio.wait(lobby._doing)
        assert lobby.members == ("ann",)
        asking = asyncio.ensure_future(ann.request("zed", "?"))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert ann.asked == {}


async def test_a_session_that_comes_back_without_a_cursor_hears_what_it_had_not_read():
    async with Lobby() as lobby, lobby.enter("ann") as ann:
        bob = await lobby.attach("bob", session="b")
        for number in range(3):
            await ann.post(str(number))
        await bob.receive()
        again = await lobby.attach("bob", session="b")
        assert (again.lag, (await again.receive()).text) == (2, "1")
        lobby.detach(again)
        once_more = await lobby.attach("bob", session="b")
        assert (once_more.lag, (await once_more.receive()).text) == (1, "2")


async def test_what_is_on_its_way_to_somebody_who_leaves_comes_back(tmp_path):
    lobby = await Lobby(log=SqliteLog(tmp_path / "lobby.db")).open()
    ann, bob = await lobby.attach("ann", session="a"), await lobby.attach("bob")
    sending = asyncio.ensure_future(ann.send("bob", "x"))
    while lobby._room.number == lobby.number:  # noqa: ASYNC110  # nobody tells when a post is on its way
        await asyncio.sleep(0)
    await asyncio.gather(sending, bob.leave())
    await lobby.close()  # waits for what is on its way back
    async with Lobby(log=SqliteLog(tmp_path / "lobby.db")) as lobby:
        ann = await lobby.attach("ann", session="a")
        assert [(await ann.receive()).returned for _ in range(ann.lag)] == ["'bob' left without reading it"]
