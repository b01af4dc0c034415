"""Processes that talk, and are killed in the middle of it: who is started again goes on, and nobody misses or doubles a word."""

import random
import signal
import sqlite3
import subprocess
import time
from contextlib import contextmanager
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

    def start(self, name):
        if name == "server":
            port = self.url.rpartition(":")[2].partition("/")[0] or "0"
            process = forking.start(PROGRAMS / "lobby_server.py", self.folder / "hall.db", port)
            self.url = process.stdout.readline().decode().strip()
            assert self.url, process.communicate()[1]
        else:
            file = str(self.folder / name)
            program = PROGRAMS / "lobby_client.py"
            process = forking.start(program, self.url, name, file, str(COUNT), stdin=subprocess.PIPE)
            assert process.stdout.readline() == b"in\n", process.communicate()[1]
        self.processes[name] = process

    def go(self, name):
        if name != "server":
            self.processes[name].stdin.write(b"go\n")

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

    def until(self, name, lines):
        end = time.monotonic() + 30
        while len(self.lines(name)) < lines:
            assert time.monotonic() < end, self.processes[name].poll()
            time.sleep(0.002)


@contextmanager
def talking(folder, *names):
    talk = Talk(folder)
    try:
        for name in ("server", *names):
            talk.start(name)
        for name in names:
            talk.go(name)
        yield talk
    finally:
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


@pytest.mark.parametrize("victims", [["ann", "bob", "ann"], ["server", "server"]], ids=["clients", "server"])
def test_who_is_killed_in_the_middle_of_the_talk_goes_on_when_started_again(tmp_path, victims):
    with talking(tmp_path, "ann", "bob") as talk:
        for victim in victims:
            some = victim if victim != "server" else "ann"
            talk.until(some, min(len(talk.lines(some)) + random.randint(1, 15), 2 * COUNT - 5))
            talk.kill(victim)
            talk.start(victim)
            talk.go(victim)
        talk.done("ann")
        talk.done("bob")
        check(talk)
