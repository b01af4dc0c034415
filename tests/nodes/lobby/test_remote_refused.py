"""What a server does not let in, and what it and its clients keep to themselves."""

import asyncio
import json
import logging
import sys
import traceback

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from backedge.nodes.lobby import (
    LaggedError,
    Lobby,
    LobbyError,
    LobbyRefusedError,
    MessageTooLargeError,
    RemoteLobby,
    serve_lobby,
)
from backedge.nodes.lobby.links import Token
from backedge.nodes.lobby.wire import PIPELINE, VERSION
from backedge.providers import File

HELLO = {"frame": "hello", "version": VERSION, "name": "raw", "session": "of raw"}
POST = {"frame": "post", "handle": "h", "parts": [{"kind": "text", "text": "x"}]}


async def told(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), 20))


async def let_in(socket, **more):
    await socket.send(json.dumps({**HELLO, **more}))
    return await told(socket)


async def end_of(socket):
    """How the server ended a connection, whatever it said before."""
    try:
        while True:
            await asyncio.wait_for(socket.recv(), 20)
    except ConnectionClosed as closed:
        return closed.rcvd.code, closed.rcvd.reason


@pytest.mark.parametrize(
    ("sent", "code", "why"),
    [
        ("hello?", 1007, "a hello with a version"),
        ("{}", 1007, "a hello with a version"),
        (json.dumps(POST), 1007, "a hello with a version"),
        (json.dumps({"frame": "hello", "version": VERSION}), 1007, "Field required"),
        (json.dumps({**HELLO, "name": ""}), 1007, "at least 1 character"),
        (json.dumps({**HELLO, "window": 10**9}), 1007, "less than or equal"),
        (b"\xff\xfe", 1007, "Invalid JSON"),
        (b"\x80", 1007, ""),
    ],
)
async def test_who_does_not_say_hello_properly_is_told_why_and_let_go(sent, code, why):
    async with Lobby("hall") as lobby, serve_lobby(lobby) as server, connect(server.url) as socket:
        await socket.send(sent)
        ended, reason = await end_of(socket)
        assert ended == code
        assert why in reason
        assert lobby.members == ()


@pytest.mark.parametrize(
    ("sent", "code", "why"),
    [
        ("{", 1007, "no frame of version 1"),
        ("[]", 1007, "no frame"),
        (json.dumps({"frame": "dance"}), 1007, "no frame"),
        (json.dumps({**POST, "kind": "entered"}), 1007, "kind"),
        (json.dumps({**POST, "parts": [{"kind": "tool_call"}]}), 1007, "parts"),
        (json.dumps(HELLO), 1008, "a second hello"),
        (b"\x00", 1007, "binary"),
        ("x" * 5000, 1009, ""),
    ],
)
async def test_frames_that_make_no_sense_end_the_connection_and_nothing_else(sent, code, why):
    async with (
        Lobby("hall") as lobby,
        lobby.enter("bob") as bob,
        serve_lobby(lobby, max_message=4000) as server,
        RemoteLobby(server.url).enter("ann") as ann,
        connect(server.url) as socket,
    ):
        assert (await let_in(socket))["frame"] == "welcome"
        await socket.send(sent)
        ended, reason = await end_of(socket)
        assert ended == code
        assert why in reason
        await ann.post("others talk on")
        assert (await bob.receive(timeout=20)).text == "others talk on"
        assert bob.lag == 0


async def test_another_version_is_refused_by_name_and_number():
    async with Lobby("hall") as lobby, serve_lobby(lobby) as server, connect(server.url) as socket:
        refused = await let_in(socket, version=VERSION + 1, news="of the future")
        assert (refused["frame"], refused["code"]) == ("refused", "version")
        assert f"speaks version {VERSION}, the client {VERSION + 1}" in refused["why"]
        assert lobby.members == ()


@pytest.mark.parametrize(
    ("answer", "error", "why"),
    [
        (
            {"frame": "refused", "code": "version", "why": "version 7 only"},
            LobbyRefusedError,
            "version 7 only",
        ),
        (
            {
                "frame": "welcome",
                "version": 7,
                "lobby": "h",
                "ident": "i",
                "heard": 0,
                "max_message": 9,
                "grace": 1,
            },
            LobbyRefusedError,
            "the server speaks version 7",
        ),
        ({"frame": "waiting", "waiting": 3}, LobbyError, "welcome first"),
        ({"frame": "what"}, LobbyError, "no frame"),
    ],
)
async def test_a_client_that_is_answered_strangely_says_so_and_does_not_try_for_ever(answer, error, why):
    async def strange(socket):
        await socket.recv()
        await socket.send(json.dumps(answer))
        await socket.wait_closed()

    async with serve(strange, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(error, match=why):
            async with RemoteLobby(f"ws://127.0.0.1:{port}/hall", give_up_after=20).enter("ann"):
                pass


async def test_who_says_nothing_is_let_go():
    async with (
        Lobby("hall") as lobby,
        serve_lobby(lobby, heartbeat=0.05) as server,
        connect(server.url) as socket,
    ):
        assert await end_of(socket) == (1007, "no hello within 0.05 s")


async def test_who_sends_without_waiting_for_answers_is_let_go():
    lobby = Lobby("hall", buffer=1, overflow="wait")
    async with lobby, lobby.enter("bob"), serve_lobby(lobby) as server, connect(server.url) as socket:
        await let_in(socket)
        for number in range(PIPELINE + 3):
            await socket.send(json.dumps({**POST, "handle": str(number)}))
        ended, reason = await end_of(socket)
        assert ended == 1008
        assert f"more than {PIPELINE}" in reason


async def test_a_client_with_many_posts_at_once_waits_for_answers_and_all_are_said():
    lobby = Lobby("hall", buffer=1000)
    async with (
        lobby,
        lobby.enter("bob") as bob,
        serve_lobby(lobby) as server,
        RemoteLobby(server.url).enter("ann") as ann,
    ):
        await asyncio.gather(*(ann.post(str(number)) for number in range(3 * PIPELINE)))
        assert [(await bob.receive()).text for _ in range(3 * PIPELINE)] == [
            str(number) for number in range(3 * PIPELINE)
        ]
        assert ann.reconnections == 0


# ---------------------------------------------------------------------- size


async def test_a_message_that_is_too_large_is_refused_before_it_is_sent_and_the_seat_goes_on():
    async with (
        Lobby("hall") as lobby,
        lobby.enter("bob") as bob,
        serve_lobby(lobby, max_message=2000) as server,
        RemoteLobby(server.url).enter("ann") as ann,
    ):
        with pytest.raises(MessageTooLargeError, match=r"has \d+ bytes on the wire, which carries 2000"):
            await ann.post(File(name="a", media_type="a/b", data=bytes(1600)))
        await ann.post("x" * 1500)
        assert len((await bob.receive(timeout=20)).text) == 1500
        assert ann.reconnections == 0


async def test_a_message_of_this_process_that_the_wire_cannot_carry_is_told_as_a_gap():
    async with (
        Lobby("hall") as lobby,
        lobby.enter("bob") as bob,
        serve_lobby(lobby, max_message=2000) as server,
        RemoteLobby(server.url).enter("ann") as ann,
    ):
        await bob.post("x" * 3000)
        await bob.post("small")
        with pytest.raises(LaggedError, match=r"3\d\d\d bytes on the wire, which carries 2000"):
            await ann.receive(timeout=20)
        assert (await ann.receive(timeout=20)).text == "small"


async def test_a_reply_that_the_wire_cannot_carry_is_told_to_who_asked():
    async with (
        Lobby("hall") as lobby,
        lobby.enter("bob") as bob,
        serve_lobby(lobby, max_message=2000) as server,
        RemoteLobby(server.url).enter("ann") as ann,
    ):
        asking = asyncio.create_task(ann.request("bob", "all you know", timeout=20))
        await bob.reply(await bob.receive(timeout=20), "x" * 3000)
        with pytest.raises(LobbyError, match=r"the reply has 3\d\d\d bytes on the wire"):
            await asking
        assert ann.reconnections == 0


async def test_what_is_no_text_for_json_is_refused_at_its_end_of_the_wire_and_nothing_breaks():
    async with (
        Lobby("hall") as lobby,
        lobby.enter("bob") as bob,
        serve_lobby(lobby) as server,
        RemoteLobby(server.url).enter("ann") as ann,
    ):
        with pytest.raises(LobbyError, match="cannot be written as JSON"):
            await ann.post("\ud800")
        await bob.post("\ud800")
        await bob.post("small")
        with pytest.raises(LaggedError, match="cannot be written as JSON"):
            await ann.receive(timeout=20)
        assert (await ann.receive(timeout=20)).text == "small"
        assert ann.reconnections == 0


# ---------------------------------------------------------------------- the token


@pytest.mark.parametrize("given", [None, "wrong", "canary-8127364", "canary-81273645x"])
async def test_a_wrong_token_is_refused_before_anything_is_said(given):
    async with Lobby("hall") as lobby, serve_lobby(lobby, token="canary-81273645") as server:
        with pytest.raises(LobbyRefusedError, match="HTTP 401: a token is needed"):
            async with RemoteLobby(server.url, token=given).enter("ann"):
                pass
        assert lobby.members == ()
        async with RemoteLobby(server.url, token="canary-81273645").enter("ann"):
            assert lobby.members == ("ann",)


async def test_the_token_is_in_no_log_no_repr_and_no_error(caplog):
    caplog.set_level(logging.DEBUG)
    errors = []
    async with Lobby("hall") as lobby, serve_lobby(lobby, token="canary-81273645") as server:
        there = RemoteLobby(server.url, token="canary-81273645")
        async with there.enter("ann") as ann:
            shown = [repr(one) for one in (server, there, ann, lobby, vars(there), vars(server))]
        for wrong in (
            RemoteLobby(server.url, token="canary-2"),
            RemoteLobby(server.url + "x", token="canary-81273645"),
        ):
            with pytest.raises(LobbyRefusedError) as caught:
                await wrong.attach("ann")
            errors += traceback.format_exception(caught.value)
    assert "canary" not in "".join([*shown, *errors, caplog.text])
    assert caplog.text, "something was logged"
    with pytest.raises(TypeError):
        Token("canary-81273645").__reduce__()


@pytest.mark.parametrize("bad", ["", " x", "x\r\nX-Evil: 1", "ä", 3])
def test_a_token_that_no_header_can_bear_is_refused_without_being_shown(bad):
    with pytest.raises(LobbyError, match="token=") as caught:
        RemoteLobby("ws://127.0.0.1:1/hall", token=bad)
    assert "Evil" not in str(caught.value)


async def test_a_token_of_other_characters_is_wrong_and_nothing_worse():
    async with Lobby("hall") as lobby, serve_lobby(lobby, token="t") as server:
        for token in ("\u00e9", "\u00ff", "t\u00e9"):
            with pytest.raises(InvalidStatus) as caught:
                await connect(server.url, additional_headers={"Authorization": f"Bearer {token}"})
            assert caught.value.response.status_code == 401


async def test_a_page_in_a_browser_cannot_enter():
    async with Lobby("hall") as lobby, serve_lobby(lobby) as server:
        with pytest.raises(InvalidStatus) as caught:
            await connect(server.url, origin="https://evil.example")
        assert caught.value.response.status_code == 403


# ---------------------------------------------------------------------- addresses and options


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
async def test_an_address_that_others_reach_needs_a_token(host):
    async with Lobby("hall") as lobby:
        with pytest.raises(LobbyError, match="is reached from other machines: give token="):
            async with serve_lobby(lobby, host=host):
                pass


async def test_with_a_token_it_may_be_any_address():
    async with Lobby("the hall/1") as lobby, serve_lobby(lobby, host="0.0.0.0", token="t") as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        async with RemoteLobby(url, token="t").enter("ann") as ann:
            assert ann.lobby == "the hall/1"


async def test_a_lobby_of_another_name_is_not_here():
    async with Lobby("hall") as lobby, serve_lobby(lobby) as server:
        with pytest.raises(LobbyRefusedError, match="HTTP 404: there is no such lobby here"):
            async with RemoteLobby(server.url.replace("hall", "cellar")).enter("ann"):
                pass


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/hall",
        "ws://127.0.0.1:1",
        "ws://127.0.0.1:1/",
        "ws:///hall",
        "hall",
        "ws://u:pw@h:1/hall",
    ],
)
def test_an_address_that_is_none_is_refused_at_once(url):
    with pytest.raises(LobbyError, match="a lobby's address is such as") as caught:
        RemoteLobby(url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "options", [{"give_up_after": 0}, {"heartbeat": 0}, {"window": 0}, {"window": 10**6}]
)
def test_options_of_a_client_that_make_no_sense_are_refused(options):
    with pytest.raises(LobbyError, match="window="):
        RemoteLobby("ws://127.0.0.1:1/hall", **options)


@pytest.mark.parametrize(
    "options", [{"grace": -1}, {"heartbeat": 0}, {"max_message": 10}, {"max_message": 2**40}]
)
async def test_options_of_a_server_that_make_no_sense_are_refused(options):
    async with Lobby("hall") as lobby:
        with pytest.raises(LobbyError, match="max_message="):
            async with serve_lobby(lobby, **options):
                pass


async def test_without_the_package_it_is_said_which_one_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "websockets", None)
    with pytest.raises(LobbyError, match=r"pip install 'backedge\[lobby\]'"):
        RemoteLobby("ws://127.0.0.1:1/hall")
    with pytest.raises(LobbyError, match=r"pip install 'backedge\[lobby\]'"):
        async with serve_lobby(Lobby("hall")):
            pass
