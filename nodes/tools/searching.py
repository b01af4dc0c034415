"""Searches a folder; a program of its own, run by the tool in `search`.

A regular expression can take for ever and cannot be interrupted, so it is tried where it can be killed. This runs with
nothing but the standard library; it gets the folder as an open descriptor, never follows a link, and says what it found
as one JSON object.
"""

from __future__ import annotations

import json
import os
import re
import resource
import stat
import sys
import time
from collections.abc import Iterator
from typing import Any

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def main() -> None:
    """Read what to search for from standard input, the descriptor's number from the command line."""
    asked = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (asked["memory"], asked["memory"]))
    json.dump(Search(asked).run(int(sys.argv[1])), sys.stdout)


class Search:
    """One search: what it found, what it skipped and why it stopped."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        self.found: list[list[Any]] = []
        self.skipped = {"binary": 0, "too large": 0, "unreadable": 0}
        self.files = 0
        self.deadline = time.monotonic() + asked["seconds"]
        self.stopped = ""

    def run(self, folder: int) -> dict[str, Any]:
        """Search; the descriptor is of the folder to begin in."""
        flags = re.IGNORECASE if self.asked["ignore_case"] else 0
        query = self.asked["query"] if self.asked["regex"] else re.escape(self.asked["query"])
        try:
            pattern = re.compile(query, flags)
            globbed = re.compile(glob_to_regex(self.asked["glob"]))
        except (re.error, OverflowError, RecursionError) as error:
            return {"error": str(error)}
        for path, at, name in self.walk(folder, self.asked["prefix"], 0):
            if globbed.fullmatch(path if "/" in self.asked["glob"] else name):
                self.look(pattern, path, at, name)
            if self.stopped:
                break
        return {"found": self.found, "skipped": self.skipped, "files": self.files, "stopped": self.stopped}

    def walk(self, at: int, prefix: str, depth: int) -> Iterator[tuple[str, int, str]]:
        """Regular files below a folder: path, descriptor of the folder they lie in, and name."""
        try:
            names = sorted(os.listdir(at))
        except OSError:
            self.skipped["unreadable"] += 1
            return
        for name in names:
            if self.stopped or (name.startswith(".") and not self.asked["hidden"]) or name == ".git":
                continue
            if time.monotonic() > self.deadline:
                self.stopped = f"after {self.asked['seconds']:g} seconds"
                return
            path = f"{prefix}/{name}" if prefix else name
            try:
                mode = os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
                if stat.S_ISREG(mode):
                    yield path, at, name
                elif stat.S_ISDIR(mode) and depth < 100:
                    below = os.open(name, FOLDER, dir_fd=at)
                    try:
                        yield from self.walk(below, path, depth + 1)
                    finally:
                        os.close(below)
            except OSError:
                self.skipped["unreadable"] += 1

    def look(self, pattern: re.Pattern[str], path: str, at: int, name: str) -> None:
        """Look at one file, or at its name."""
        self.files += 1
        if self.asked["names"]:
            if pattern.search(path):
                self.note([path])
            return
        text = self.text(at, name)
        if text is None:
            return
        for number, line in enumerate(text.split("\n"), 1):
            match = pattern.search(line)
            if match is not None:
                begin = max(0, match.start() - self.asked["width"] // 2)
                shown = line[begin : begin + self.asked["width"]].rstrip("\r")
                self.note([path, number, ("…" if begin else "") + shown])
                if self.stopped:
                    return

    def note(self, what: list[Any]) -> None:
        """One more was found."""
        if len(self.found) >= self.asked["most"]:
            self.stopped = f"at the first {self.asked['most']}"
        else:
            self.found.append(what)

    def text(self, at: int, name: str) -> str | None:
        """A file's text; None, and counted, where it has none to look at."""
        try:
            file = os.open(name, FILE, dir_fd=at)
            with os.fdopen(file, "rb") as stream:
                about = os.fstat(stream.fileno())
                if not stat.S_ISREG(about.st_mode):
                    return None
                content = stream.read(self.asked["largest"] + 1)
        except OSError:
            self.skipped["unreadable"] += 1
            return None
        if len(content) > self.asked["largest"]:
            self.skipped["too large"] += 1
        elif b"\0" in content[:8192]:
            self.skipped["binary"] += 1
        else:
            return content.decode("utf-8", "replace")
        return None


def glob_to_regex(glob: str) -> str:
    """A pattern with ``*``, ``**`` and ``?`` as a regular expression."""
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "(?s:" + "".join(known.get(piece, re.escape(piece)) for piece in pieces) + ")"


if __name__ == "__main__":
    main()
