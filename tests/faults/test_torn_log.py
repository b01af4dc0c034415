"""The write-ahead log of a killed process is cut off or damaged: what is left is a whole beginning that goes on."""

import asyncio
import random
import shutil

import pytest

from .kit import Place, injection, needs_strace, soak

pytestmark = needs_strace

HEADER, FRAME = 32, 24 + 4096


@pytest.fixture(scope="module")
def killed(warm, tmp_path_factory):
    """What a process left that was killed amid its run."""
    place = Place(tmp_path_factory.mktemp("killed"))
    place.make()
    ended = warm.run(place, trace=injection(place, "fdatasync", "signal=KILL", 12), more=["full", 1_000_000])
    assert ended.code == -9, ended
    assert (place.folder / "runs.db-wal").stat().st_size > 3 * FRAME
    return place


def copied(killed, folder, log):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(killed.folder, folder)
    (folder / "runs.db-wal").write_bytes(log)
    (folder / "runs.db-shm").unlink(missing_ok=True)
    return Place(folder)


async def goes_on(place, whole, expected):
    there = await place.records()
    assert there == whole[: len(there)]
    assert await place.go_on() == expected[0]
    assert place.intact()
    return len(there)


def damaged(log, chance):
    """The log cut off at and in each frame, with a byte changed in each, and without its beginning."""
    for start in range(HEADER, len(log), FRAME):
        yield log[:start]
        yield log[: start + chance.randrange(1, FRAME)]
        at = start + chance.randrange(FRAME)
        yield log[:at] + bytes([log[at] ^ 1 << chance.randrange(8)]) + log[at + 1 :]
    yield b""
    yield log[: HEADER // 2]
    yield bytes(HEADER) + log[HEADER:]
    yield log + random.randbytes(FRAME)


def check_all(killed, folder, expected, logs):
    whole = asyncio.run(copied(killed, folder, (killed.folder / "runs.db-wal").read_bytes()).records())
    left = {asyncio.run(goes_on(copied(killed, folder, log), whole, expected)) for log in logs}
    assert len(left) > 1, "no damage took anything"


def each(killed, seed):
    return list(damaged((killed.folder / "runs.db-wal").read_bytes(), random.Random(seed)))


def test_a_damaged_log_leaves_a_whole_beginning(killed, expected, tmp_path):
    logs = each(killed, random.randrange(2**32))
    check_all(killed, tmp_path / "copy", expected, [*random.sample(logs[:-4], 16), *logs[-4:]])


@soak
@pytest.mark.timeout(1200)
def test_a_log_damaged_anywhere_leaves_a_whole_beginning(killed, expected, tmp_path):
    for seed in range(10):
        check_all(killed, tmp_path / "copy", expected, each(killed, seed))
