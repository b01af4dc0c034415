"""``--workers N``: so many processes run the tests, each of them a fork of the one that collected them.

There is `pytest-xdist` for that, and it is the better choice wherever there is the time: its processes are interpreters
that are started anew, each of which imports and collects everything, and five messages are sent for each test. With ten
thousand short tests that is an eighth of the whole. Here nothing is imported or collected twice, and what is told of a test is
told at once, when it has ended.

Tests are handed out in pieces, none longer than a module. The first process takes them from the front, where
`providers/conftest.py` puts those that load clients, so that only one process loads these; the others take them from
the back.
"""

import os
import signal
import sys
import traceback
from collections import deque
from contextlib import suppress
from itertools import groupby
from multiprocessing.connection import Connection, Pipe, wait

import pytest
from _pytest.config import create_terminal_writer

PIECE = 20
"""So many tests are handed out at once at most: the last process may have them to do when all others have ended."""


def pytest_addoption(parser):
    parser.addoption("--workers", type=int, default=0, metavar="N", help="so many forks run the tests")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    options = session.config.option
    if options.workers < 1 or options.collectonly or session.testsfailed:
        return None
    with Workers(session) as workers:
        workers.run(options.workers)
    return True


class Worker:
    """A fork, as the process sees it that hands out the tests."""

    def __init__(self, session: pytest.Session, *, front: bool) -> None:
        self.front = front
        self.todo: deque[int] = deque()
        """The places of the tests that it was given and that have not ended; it runs the first of them."""
        self.last = False
        """Whether it was told that these are the last."""
        self.connection, other = Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self.connection.close()
            _be_one(session, other)
        other.close()

    def give(self, piece: list[int]) -> None:
        """Hand out some tests more, or none at all: then there are no more."""
        self.last = not piece
        self.todo.extend(piece)
        with suppress(BrokenPipeError):  # it has died, which is seen when it is read from
            self.connection.send(piece)

    def ended(self) -> int:
        """Wait for its end; gives its exit code."""
        self.connection.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Workers:
    """Those that run the tests of a session."""

    def __init__(self, session: pytest.Session) -> None:
        self.session = session
        modules = (
            list(each) for _, each in groupby(range(len(session.items)), lambda n: session.items[n].path)
        )
        self.todo = deque(tests[n : n + PIECE] for tests in modules for n in range(0, len(tests), PIECE))
        self.all: dict[Connection, Worker] = {}

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.all.values():  # something went wrong: they tidy up, and end
            os.kill(worker.pid, signal.SIGINT)
        for worker in self.all.values():
            worker.ended()

    def run(self, number: int) -> None:
        """Run all tests, and show what the processes tell of them."""
        self.session.config._tmp_path_factory.getbasetemp()  # in which all of them make their folders
        for n in range(number):
            self.start(front=n == 0)
        while self.all:
            for connection in wait(self.all):
                self.hear(self.all[connection])
                if self.session.shouldfail:
                    raise self.session.Failed(self.session.shouldfail)
                if self.session.shouldstop:
                    raise self.session.Interrupted(self.session.shouldstop)

    def start(self, *, front: bool) -> None:
        """Start one and give it something to do. It must know of two tests: what the next needs is not torn down."""
        worker = Worker(self.session, front=front)
        self.all[worker.connection] = worker
        self.supply(worker)

    def supply(self, worker: Worker) -> None:
        while len(worker.todo) < 2 and not worker.last:
            worker.give((self.todo.popleft() if worker.front else self.todo.pop()) if self.todo else [])

    def hear(self, worker: Worker) -> None:
        """Show how a test ended, or a process."""
        told = None
        with suppress(EOFError, ConnectionResetError):
            told = worker.connection.recv()
        if told is None:
            del self.all[worker.connection]
            self.lost(worker, worker.ended())
            return
        for name, arguments in told:
            hook = getattr(self.session.config.hook, name)
            hook.call_historic(kwargs=arguments) if hook.is_historic() else hook(**arguments)
        worker.todo.popleft()
        self.supply(worker)

    def lost(self, worker: Worker, code: int) -> None:
        """Where a process ended before its tests did, the first of them failed; another one does the rest."""
        if not worker.todo:
            return
        item, hook = self.session.items[worker.todo.popleft()], self.session.config.hook
        why = f"its process ended with {code}"
        report = pytest.TestReport(item.nodeid, item.location, {}, "failed", why, "call")
        hook.pytest_runtest_logreport(report=report)
        if worker.todo:
            (self.todo.appendleft if worker.front else self.todo.append)(list(worker.todo))
        self.start(front=worker.front)


class Teller:
    """Stands for the terminal in a fork: what would be shown is told to the process that shows it.

    That a test was made ready and tidied up after is told where it failed, or where somebody asks how long it took.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._tw = create_terminal_writer(
            config, sys.__stderr__
        )  # `pytest-timeout` shows what all threads do
        self.whole = config.option.durations is not None
        self.told = []

    def pytest_runtest_logstart(self, nodeid, location):
        self.told.append(("pytest_runtest_logstart", {"nodeid": nodeid, "location": location}))

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or not report.passed or self.whole:
            self.told.append(("pytest_runtest_logreport", {"report": report}))

    def pytest_runtest_logfinish(self, nodeid, location):
        self.told.append(("pytest_runtest_logfinish", {"nodeid": nodeid, "location": location}))

    def pytest_warning_recorded(self, warning_message, when, nodeid, location):
        arguments = {"warning_message": warning_message, "when": when, "nodeid": nodeid, "location": location}
        self.told.append(("pytest_warning_recorded", arguments))


def _be_one(session: pytest.Session, connection: Connection) -> None:
    """Run tests as they come, to the end of this process."""
    code = 1
    try:
        manager = session.config.pluginmanager
        teller = Teller(session.config)
        manager.unregister(name="terminalreporter")
        manager.register(teller, "terminalreporter")
        teller.told.clear()  # warnings of before, which were shown
        capture = manager.getplugin("capturemanager")  # goes on in files of its own
        capture.stop_global_capturing()
        capture.start_global_capturing()
        capture.suspend_global_capture()
        _run(session, teller, connection)
        code = 0
    except KeyboardInterrupt:
        session._setupstate.teardown_exact(None)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _run(session: pytest.Session, teller: Teller, connection: Connection) -> None:
    todo: deque[pytest.Item] = deque()
    more = True
    while True:
        while len(todo) < 2 and more:
            more = connection.recv()
            todo.extend(session.items[n] for n in more)
        if not todo or session.shouldfail or session.shouldstop:
            return
        item = todo.popleft()
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=todo[0] if todo else None)
        connection.send(teller.told)
        teller.told.clear()
