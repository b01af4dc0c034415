"""A process that works on a journal as it is told: a command per line comes in, an answer per line goes out."""

import asyncio
import sys

from backedge.checkpoints import SqliteJournal
from backedge.engine.errors import JournalError
from backedge.engine.records import ActivationId, Letter, LetterKind, NodeFinished, RunHeader, RunStarted


def finished(seq: int) -> NodeFinished:
    return NodeFinished(seq, ActivationId("worker"), 1, 1.0, 2.0, {"x": b'"%d"' % seq}, ())


async def answer(journal, logs, command, run_id, count) -> str:
    if command == "create":
        logs[run_id] = [
            await journal.create(RunHeader(run_id, "g", "d", b"{}", 1.0), RunStarted(0, 1.0, {}, ())),
            1,
        ]
    elif command in ("acquire", "takeover"):
        log = await journal.acquire(run_id, takeover=command == "takeover")
        logs[run_id] = [log, len(await journal.read(run_id))]
    elif command == "release":
        await logs.pop(run_id)[0].release()
    elif command == "post":
        number = await journal.post(run_id, Letter(LetterKind.SIGNAL, "s", b"%d" % count, 1.0))
        return f"posted {number}"
    elif command == "delete":
        await journal.delete(run_id)
    elif command == "append":
        for _ in range(count):
            log, seq = logs[run_id]
            logs[run_id][1] += 1
            await log.append(finished(seq))
            if count > 1:
                print("stored", seq, flush=True)
    return f"ok {command} {run_id}"


async def main() -> None:
    async with await SqliteJournal.open(sys.argv[1]) as journal:
        print("ready", flush=True)
        logs: dict[str, list] = {}
        while line := await asyncio.to_thread(sys.stdin.readline):
            command, run_id, count = (*line.split(), "1")[:3]
            try:
                print(await answer(journal, logs, command, run_id, int(count)), flush=True)
            except JournalError as error:
                print(type(error).__name__, str(error).replace("\n", " "), flush=True)


asyncio.run(main())
