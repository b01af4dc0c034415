"""What the journal costs beside a bare commit: ``python -m benchmarks.journal [FOLDER]``.

A bare commit is one function on aiosqlite's thread that begins, inserts the same bytes into a table of two columns, and
commits: the least that a durable step can cost. Both are measured alternately in one loop, so that what else the
machine and its disk do falls on both; the ratio is what travels. FOLDER says which disk to use.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

import aiosqlite

from backedge.checkpoints import SqliteJournal
from backedge.checkpoints.codec import decode, encode
from backedge.engine.records import ActivationId, NodeFinished, RunHeader, RunStarted

KILOBYTE = b'"' + b"x" * 1022 + b'"'
SMALL = b'"' + b"x" * 98 + b'"'


def header(run_id: str) -> RunHeader:
    return RunHeader(run_id, "loop", "digest", b"{}", 1_700_000_000.0)


def started() -> RunStarted:
    return RunStarted(0, 1_700_000_000.0, {"spec": b'"..."'}, ("START->coder",))


def finished(seq: int, value: bytes) -> NodeFinished:
    activation = ActivationId("coder", (("coder", seq),))
    return NodeFinished(
        *(
            seq,
            activation,
            1,
            1_700_000_000.123456,
            1_700_000_001.234567,
            {"code": value},
            ("coder->checker",),
        )
    )


@asynccontextmanager
async def bare(path: Path, synchronous: str):
    """A function that commits one row in one hop."""
    async with aiosqlite.connect(path, isolation_level=None) as db:
        for pragma in ("journal_mode = WAL", f"synchronous = {synchronous}", "wal_autocheckpoint = 0"):
            await db.execute_fetchall(f"PRAGMA {pragma}")
        await db.execute_fetchall("CREATE TABLE steps (id INTEGER PRIMARY KEY, body BLOB)")
        connection: sqlite3.Connection = db._conn

        def commit(body: bytes) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO steps (body) VALUES (?)", (body,))
            connection.execute("COMMIT")

        yield lambda body: db._execute(commit, body)


async def steps(folder: Path, synchronous: str, value: bytes, rounds: int = 2000) -> tuple[float, float]:
    """Median seconds of a bare commit and of an append, each awaited before the next."""
    name = f"{synchronous}-{len(value)}"
    took: tuple[list[float], list[float]] = ([], [])
    async with (
        bare(folder / f"bare-{name}.db", synchronous) as commit,
        await SqliteJournal.open(folder / f"{name}.db", synchronous=synchronous) as journal,
    ):
        log = await journal.create(header("loop"), started())
        for seq in range(1, rounds + 1):
            record = finished(seq, value)
            body = encode(record).body
            start = perf_counter()
            await commit(body)
            middle = perf_counter()
            await log.append(record)
            took[0].append(middle - start)
            took[1].append(perf_counter() - middle)
    return median(took[0]), median(took[1])


async def wide(folder: Path, width: int = 1000) -> tuple[float, int]:
    """Seconds a record and transactions, when `width` of them are appended at once."""
    async with await SqliteJournal.open(folder / "wide.db") as journal:
        log = await journal.create(header("wide"), started())
        before = journal.commits
        start = perf_counter()
        await asyncio.gather(*[log.append(finished(seq, SMALL)) for seq in range(1, width + 1)])
        return (perf_counter() - start) / width, journal.commits - before


async def storage(folder: Path, rounds: int) -> int:
    """Bytes of a loop of two records a round, one of which carries a kilobyte, after the checkpoint."""
    path = folder / f"storage-{rounds}.db"
    async with await SqliteJournal.open(path, synchronous="normal") as journal:
        log = await journal.create(header("loop"), started())
        for seq in range(1, 2 * rounds, 2):
            await log.append(finished(seq, KILOBYTE))
            await log.append(finished(seq + 1, b"[]"))
    return path.stat().st_size


async def reading(folder: Path) -> tuple[float, float]:
    """Seconds to open and read a run of 10,000 records, and to list 1,000 runs."""
    path = folder / "reading.db"
    async with await SqliteJournal.open(path, synchronous="normal") as journal:
        log = await journal.create(header("long"), started())
        await log.append(*[finished(seq, SMALL) for seq in range(1, 10_000)])
        await asyncio.gather(*[journal.create(header(f"run{n}"), started()) for n in range(1000)])
    start = perf_counter()
    async with await SqliteJournal.open(path) as journal:
        assert len(await journal.read("long")) == 10_000
        middle = perf_counter()
        assert len(await journal.runs()) == 1001
        return middle - start, perf_counter() - middle


def each(call: Callable[[], object], number: int = 5000) -> float:
    """Median seconds of a call, over 9 series."""

    def series() -> Iterator[float]:
        for _ in range(9):
            start = perf_counter()
            for _ in range(number):
                call()
            yield (perf_counter() - start) / number

    return median(series())


async def measure(folder: Path) -> None:
    """Print a line for each measurement."""
    for synchronous in ("normal", "full"):
        for value in (SMALL, KILOBYTE):
            floor, ours = await steps(folder, synchronous, value)
            print(
                f"append of {len(value):4} bytes, {synchronous:6}: {ours * 1e6:6.0f} µs, "
                f"bare commit {floor * 1e6:6.0f} µs, ratio {ours / floor:.2f}"
            )
    per_record, commits = await wide(folder)
    print(f"1,000 appends at once: {per_record * 1e6:.0f} µs a record, {commits} transactions")
    record = finished(7, KILOBYTE)
    encoded = encode(record)
    print(f"encoding a record of 1 KB: {each(lambda: encode(record)) * 1e6:.1f} µs")
    decoded = each(lambda: decode(encoded.seq, encoded.crc, encoded.body, {}.get))
    print(f"decoding it: {decoded * 1e6:.1f} µs")
    for rounds in (1000, 2000):
        print(f"storage of {rounds:,} rounds of 1 KB: {await storage(folder, rounds) / 1e6:.2f} MB")
    opened, listed = await reading(folder)
    print(f"opening and reading a run of 10,000 records: {opened * 1e3:.0f} ms")
    print(f"listing 1,001 runs: {listed * 1e3:.1f} ms")


def main() -> None:
    """Measure in a new folder and remove it."""
    where = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
