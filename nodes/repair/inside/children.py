"""Forked children, in which candidates run.

A child inherits a warm interpreter. It hands lines over through a pipe, and only its parent writes the report. A
child that is stuck where no Python signal is seen, in one long call into C, is killed from here, with everything it
started.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time

from .clock import TimeUpError, time_limit
from .values import SHOWN, NotJSONError

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes longer to import than all of this
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

    from .subjects import Subject

    Line = dict[str, Any]
    Request = dict[str, Any]
    Tell = Callable[[Line], None]
    Report = Callable[[Line], None]

LOADING = 5.0
"""Seconds of processor time a program may take to load."""

GRACE = 0.25
"""Seconds on the clock added to a case's limit, times `SLACK`, before its process is killed."""

SLACK = 4.0

MOST_STRETCH = 10.0

STEP = 0.01
"""Seconds by which the processor's clock may be wrong."""

SOON = 0.004
"""Seconds that lines may wait for others."""


def judged(subject: Subject, case: int, limit: float) -> Line:
    """Run one case and say how it went.

    Returns:
        ``code`` is one of ``p`` passed, ``f`` wrong result, ``e`` raised, ``t`` time was up; ``text`` tells more.
    """
    before, began = time.process_time(), time.monotonic()
    try:
        with time_limit(limit):
            code, text = subject.run(case)
    except TimeUpError:
        code, text = "t", f"more than {limit:.2g} s"
    except AssertionError as error:
        code, text = "f", _cut(str(error) or "an assertion failed")
    except NotJSONError as error:
        code, text = "e", _cut(str(error))
    except BaseException as error:
        code, text = "e", _cut(f"{type(error).__name__}: {_message(error)}")
    # The processor's clock may move in steps of milliseconds, the one on the wall says what else was going on.
    seconds = min(time.monotonic() - began, time.process_time() - before + STEP)
    return {"case": case, "code": code, "text": text, "seconds": seconds}


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:
        return "(its message cannot be shown)"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"


def load(subject: Subject, source: str, limit: float = LOADING) -> Line | None:
    """Load a program; None when it did, else a line that says why not."""
    try:
        with time_limit(limit):
            subject.load(source)
    except TimeUpError:
        return {"code": "t", "text": "loading the program took too long"}
    except BaseException as error:
        return {"code": "e", "text": _cut(f"{type(error).__name__}: {_message(error)}")}
    return None


def fork(work: Callable[[Tell], None], limit: Callable[[], float]) -> Iterator[Line]:
    """Run `work` in a child process and give the lines it tells, as they come.

    Args:
        work: Gets a function that hands a line over.
        limit: How many seconds on the clock the child may be silent from now on; asked before each wait.

    Yields:
        The child's lines; the last one is ``{"end": how}`` with ``done``, ``killed`` or ``died``.
    """
    reader, writer = os.pipe()
    seal = os.urandom(8).hex().encode()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(work, Outbox(writer, seal))
    os.close(writer)
    end = "died"
    try:
        rest = b""
        while True:
            if not select.select([reader], [], [], limit())[0]:
                end = "killed"
                break
            data = os.read(reader, 1 << 16)
            if not data:
                break
            *whole, rest = (rest + data).split(b"\n")
            for line in (one for data in whole for one in _decoded(data, seal)):
                if line.get("done"):
                    end = "done"
                elif line:
                    yield line
            if end == "done":
                break
    finally:
        os.close(reader)
        for target in (-child, child):  # its whole group, in case it forked
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(target, signal.SIGKILL)
        os.waitpid(child, 0)
    yield {"end": end}


def _decoded(data: bytes, seal: bytes) -> list[Line]:
    if not data.startswith(seal):  # a candidate wrote into our pipe
        return []
    lines: list[Line] = json.loads(data[len(seal) :])
    return lines


class Outbox:
    """Lines on their way to the parent, sent together: each sending wakes the parent up.

    Args:
        writer: The pipe.
        seal: What our messages begin with, which a candidate that finds the pipe cannot know.
    """

    def __init__(self, writer: int, seal: bytes) -> None:
        self._writer = writer
        self._seal = seal
        self._lines: list[Line] = []
        self._sent = time.monotonic()

    def tell(self, line: Line) -> None:
        """Hand a line over: soon, or at once where a candidate is done, so that the next one cannot take it along."""
        self._lines.append(line)
        if "next" in line or time.monotonic() - self._sent > SOON:
            self.flush()

    def flush(self) -> None:
        """Hand over what waits."""
        data = b"\n" + self._seal + json.dumps(self._lines).encode() + b"\n"
        while data:
            data = data[os.write(self._writer, data) :]
        self._lines = []
        self._sent = time.monotonic()


def _child(work: Callable[[Tell], None], outbox: Outbox) -> NoReturn:
    status = 1
    try:
        os.setpgid(0, 0)
        work(outbox.tell)
        outbox.tell({"done": True})
        outbox.flush()
        status = 0
    finally:
        os._exit(status)


def patience(seconds: float, stretch: float = 1.0) -> float:
    """Seconds on the clock after which a silent case is taken for stuck.

    Args:
        seconds: Its limit, of processor time.
        stretch: How much more than usual that is. A process on a busy machine may stand still for a moment, so whoever
            gets more time gets more of this too, up to a bound: what is really stuck holds up all others.
    """
    return GRACE * min(stretch, MOST_STRETCH) + SLACK * seconds
