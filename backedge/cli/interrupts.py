"""Ctrl-C and SIGTERM while a run is under way: the first asks it to stop, the second does not wait for it.

The handlers are Python's own, not the event loop's: a node that keeps the loop busy cannot hold off the second one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final, NoReturn

from .problems import Exit

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ASKED: Final = "\nstopping so that the run can be resumed (once more: stop waiting) ...\n"
"""What is said at the first signal."""
_SHOW_CURSOR: Final = "\x1b[?25h"


@contextmanager
def interrupts(stop: Callable[[], None], parting: str, *, notice: str = ASKED) -> Iterator[None]:
    """While open, the first signal calls `stop` on the running event loop, the second ends the process.

    Args:
        stop: What asks the run to stop.
        parting: What to say when it is not waited for.
        notice: What to say at the first signal; empty where a live picture says it, which this would garble.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    loop = asyncio.get_running_loop()
    asked = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            _leave(parting)
        asked = True
        _write(notice)
        loop.call_soon_threadsafe(stop)

    before: dict[signal.Signals, Any] = {}
    try:
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                before[number] = signal.signal(number, handle)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(parting: str) -> NoReturn:
    """End the process now: what is committed is safe, as it is from any other sudden death."""
    _write(f"{_SHOW_CURSOR if os.isatty(2) else ''}\n{parting}\n")
    os._exit(Exit.KILLED)


def _write(text: str) -> None:
    # Not through sys.stderr: the handler may have interrupted somebody who is writing to it.
    with suppress(OSError):
        os.write(2, text.encode(errors="backslashreplace"))
