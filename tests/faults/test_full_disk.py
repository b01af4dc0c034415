"""A disk without room, files that may not grow, a disk that may only be read: told clearly; later the run goes on."""

import asyncio
import os
import subprocess

import pytest

from .kit import Place, clear, recovers

ROOM = (0, 60_000, 120_000, 180_000, 200_000)


@pytest.fixture
def small(tmp_path):
    """A disk of 2 MB; its folder is the place."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs to be allowed to mount a tmpfs")
    yield Place(folder)
    subprocess.run(["umount", "-l", folder], check=True)


def remount(place, how):
    subprocess.run(["mount", "-o", f"remount,{how}", place.folder], check=True)


def fill(place, room):
    filler = place.folder / "filler"
    free = os.statvfs(place.folder)
    filler.write_bytes(b"x" * (free.f_bavail * free.f_bsize - room))
    return filler


@pytest.mark.parametrize("room", ROOM)
def test_a_full_disk_is_told_and_the_run_goes_on_once_there_is_room(warm, small, expected, room):
    small.log.touch()
    filler = fill(small, room)
    ended = warm.run(small)
    assert clear(ended), ended
    assert "make room on the disk, then resume" in ended.errors
    filler.unlink()
    asyncio.run(recovers(small, ended, expected))


@pytest.mark.parametrize("limit", [1_000, 70_000, 100_000])
def test_files_that_may_not_grow_are_told_and_the_run_goes_on_when_they_may(warm, place, expected, limit):
    ended = warm.run(place, limit=limit)
    assert clear(ended), ended
    asyncio.run(recovers(place, ended, expected))


def test_a_disk_that_became_read_only_is_told_and_the_run_goes_on_when_it_is_not(warm, small, expected):
    begun = warm.run(small, limit=100_000)
    assert clear(begun), begun
    assert begun.kept
    remount(small, "ro")
    refused = warm.run(small)
    assert clear(refused), refused
    assert "the file or its folder may only be read; allow writing, then resume" in refused.errors
    remount(small, "rw")
    asyncio.run(recovers(small, begun, expected))
