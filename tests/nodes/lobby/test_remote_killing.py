"""Processes that talk, and are killed in the middle of it: who is started again goes on, and nobody misses or doubles a word."""

import random
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from ... import forking

PROGRAMS = Path(__file__).parents[2] / "programs"
COUNT = 40


class Talk:
    """A server and members, each a process that can be killed and started again."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = {}
        self.url = ""

    def serve(self):
        port = self.url.rpartition(":")[2].partition("/")[0] or "0"
        process = forking.start(PROGRAMS / "lobby_server.py", self.folder / "hall.db", port)
        self.processes["server"] = process
        self.url = process.stdout.readline().decode().strip()
        assert self.url, process.communicate()[1]

    def start(self, name, stop=0):
        """Start a member that stays where it would note line `stop`; 0 for nowhere."""
        options = (self.url, name, self.folder / name, str(COUNT), str(stop))
        process = forking.start(PROGRAMS / "lobby_client.py", *options, stdin=subprocess.PIPE)
        self.processes[name] = process
        assert process.stdout.readline() == b"in\n", process.communicate()[1]

    def go(self, name):
        self.processes[name].stdin.write(b"go\n")

    def kill_inside(self, name):
        """Kill a member that has got what it did not note, or said what it does not know to be said."""
        assert self.processes[name].stdout.readline() == b"inside\n"
        self.kill(name)

    def kill(self, name):
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL, "it was in the middle of the talk"

    def done(self, name):
        out, err = self.processes.pop(name).communicate(timeout=30)
        assert out == b"done\n", err

    def lines(self, name):
        return (self.folder / name).read_text().splitlines() if (self.folder / name).exists() else []

    def heard(self, name):
        return [line.split(" ", 2)[2] for line in self.lines(name) if line.startswith("heard")]


@pytest.fixture
def talk(tmp_path):
    talk = Talk(tmp_path)
    talk.serve()
    yield talk
    for process in talk.processes.values():
        process.kill()
        process.communicate()


def check(talk):
    for name, other in (("ann", "bob"), ("bob", "ann")):
        assert talk.heard(name) == [f"{other} {number}" for number in range(COUNT)]
        numbers = [int(line.split(" ")[1]) for line in talk.lines(name) if line.startswith("heard")]
        assert numbers == sorted(set(numbers))
    server = talk.processes.pop("server")
    server.send_signal(signal.SIGTERM)
    out, err = server.communicate(timeout=30)
    assert (server.returncode, out, err) == (0, b"", b""), "it ends cleanly"
    with sqlite3.connect(talk.folder / "hall.db") as database:
        handles = [
            handle for (handle,) in database.execute("SELECT handle FROM records ORDER BY number") if handle
        ]
    database.close()
    assert sorted(handles) == sorted(f"{name}-{number}" for name in ("ann", "bob") for number in range(COUNT))


def test_members_that_are_killed_in_the_middle_of_the_talk_go_on_when_they_are_started_again(talk):
    talk.start("ann", random.randrange(1, COUNT))  # as much as it does whether others talk or not
    talk.start("bob", random.randrange(1, COUNT))
    for name in ("ann", "bob"):
        talk.go(name)
    talk.kill_inside("ann")
    talk.start("ann", random.randrange(COUNT, 2 * COUNT))
    talk.go("ann")
    for name in ("bob", "ann"):
        talk.kill_inside(name)
        talk.start(name)
        talk.go(name)
    talk.done("ann")
    talk.done("bob")
    check(talk)


def test_a_server_that_is_killed_in_the_middle_of_the_talk_has_all_that_it_acknowledged(talk):
    for name in ("ann", "bob"):
        talk.start(name)
    for name in ("ann", "bob"):
        talk.go(name)
    for _ in range(3):
        lines = len(talk.lines("ann"))
        while len(talk.lines("ann")) <= lines < 2 * COUNT:
            time.sleep(0.001)
        talk.kill("server")
        talk.serve()
    talk.done("ann")
    talk.done("bob")
    check(talk)
