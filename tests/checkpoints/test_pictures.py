"""A conversation with a picture in it is written with every turn, the picture once."""

import sqlite3
from contextlib import closing

from pydantic import BaseModel

from backedge import END, START, Graph
from backedge.checkpoints import MemoryJournal, SqliteJournal, export_run, import_run, prune
from backedge.checkpoints.checking import check_file
from backedge.checkpoints.salvage import salvage
from backedge.providers import Image, Message

PICTURE = Image(media_type="image/png", data=bytes(range(256)) * 400)  # 100 KB
ROUNDS = 30


class Talk(BaseModel):
    messages: list[Message] = []


def talking():
    graph = Graph(Talk)

    @graph.node(writes="messages")
    def speaker(messages: list[Message]) -> list[Message]:
        return [*messages, Message.of("user", f"turn {len(messages)}", *([] if messages else [PICTURE]))]

    graph.chain(START, speaker)
    graph.feedback(speaker, speaker, when=lambda messages: len(messages) < ROUNDS, limit=ROUNDS)
    graph.edge(speaker, END, when=lambda messages: len(messages) >= ROUNDS)
    return graph.compile()


async def talked(path):
    return (await talking().run({}, journal=str(path), run_id="talk")).state.messages


def sizes(path):
    """Bytes of all record bodies, and of all blobs."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(
            "SELECT (SELECT sum(length(body)) FROM records), (SELECT sum(length(content)) FROM blobs)"
        ).fetchone()


async def test_storage_grows_by_what_is_new(tmp_path):
    messages = await talked(tmp_path / "runs.db")
    assert messages[0].parts[1] == PICTURE
    bodies, blobs = sizes(tmp_path / "runs.db")
    assert blobs < 1.5 * len(PICTURE.data)
    assert bodies < 300 * ROUNDS + 80 * ROUNDS**2  # a record, and the words of all turns until then


async def test_what_keeps_runs_knows_the_picture(tmp_path):
    path = tmp_path / "runs.db"
    messages = await talked(path)
    assert check_file(path).findings == ()
    fork = await talking().fork("talk", at=ROUNDS // 2, journal=str(path), run_id="fork")
    assert fork.state.messages == messages
    assert (await salvage(path, tmp_path / "saved.db"))[0].records > ROUNDS
    async with (
        await SqliteJournal.open(tmp_path / "saved.db") as saved,
        await SqliteJournal.open(path) as journal,
    ):
        for run in ("talk", "fork"):
            records = await journal.read(run)
            assert await saved.read(run) == records
            await export_run(journal, run, tmp_path / run)
            memory = MemoryJournal()
            await import_run(memory, tmp_path / run)
            assert await memory.read(run) == records
        assert await prune(journal, keep_last=1) == ["talk"]
        assert await journal.read("fork") == await saved.read("fork")
