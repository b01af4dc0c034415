"""Nodes that talk in a lobby of another process: recorded, resumed and replayed as in one of their own."""

import asyncio
import signal
from pathlib import Path

from backedge.checkpoints import SqliteJournal
from backedge.nodes.lobby import Lobby, RemoteLobby, serve_lobby

from ... import forking
from ...programs import lobby_node

PROGRAM = Path(__file__).parents[2] / "programs" / "lobby_node.py"
TOLD = [text for turn in range(1, 6) for text in (f"to ask {turn}", f"news{turn}")]


async def echo(seat, heard):
    """Tells all it heard; answers requests, each after some news."""
    async for message in seat:
        heard.append(message.text)
        if message.kind == "request":
            await seat.post(f"news{message.text[-1]}", topic="news")
            await seat.reply(message, f"to {message.text}")


async def hears(seat):
    heard = []
    return asyncio.create_task(echo(seat, heard)), heard


ALL = [text for turn in range(1, 6) for text in (f"turn {turn}", f"ask {turn}")]


async def test_a_node_talks_in_a_lobby_behind_a_socket_and_is_replayed_without_it(tmp_path):
    async with Lobby("hall") as lobby, await SqliteJournal.open(tmp_path / "runs.db") as journal:
        async with serve_lobby(lobby) as server, lobby.enter("echo") as seat:
            task, heard = await hears(seat)
            async with RemoteLobby(server.url) as there:
                flow, resources = lobby_node.flow_for(0), {"lobby": there}
                state = (await flow.run(journal=journal, run_id="run", resources=resources)).state
            assert state.told == TOLD
            assert heard == ALL
            assert lobby.members == ("echo",)
            number = lobby.number
        await task
        report = await flow.replay("run", journal=journal, rerun="all", resources=resources)
        assert report, report
        assert lobby.number == number + 1, "but for echo's leaving"


async def test_a_killed_run_goes_on_in_the_lobby_as_the_member_it_was(tmp_path):
    async with (
        Lobby("hall") as lobby,
        serve_lobby(lobby) as server,
        lobby.enter("echo", notices=True) as seat,
        lobby.enter("eye", observer=True, notices=True) as eye,
    ):
        task, heard = await hears(seat)
        for stop in (1, 4, 0):
            process = forking.start(PROGRAM, tmp_path / "runs.db", "run", server.url, str(stop))
            line = await asyncio.to_thread(process.stdout.readline)
            if stop:
                assert line == b"inside\n", process.communicate()[1]
                process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(process.communicate)
        assert line.decode().strip() == " ".join(TOLD)
        assert [text for text in heard if text] == ALL, "each once, whoever was killed"
        seen = [(await eye.receive(timeout=20)) for _ in range(eye.lag)]
        assert [one.kind for one in seen if one.sender == "ann" and one.kind != "message"] == [
            "entered",
            "left",
        ]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
