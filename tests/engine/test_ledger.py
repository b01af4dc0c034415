"""What follows a commit follows it in the order of the commits, however soon one is over."""

import asyncio

import pytest

from backedge.engine.errors import JournalWriteError
from backedge.engine.execution.ledger import Ledger
from backedge.engine.records import RunHeader


class Log:
    """A log whose appends are done when a test says so, or at once."""

    header = RunHeader("demo", "graph", "digest", b"{}", 1.0)

    def __init__(self):
        self.at_once = False
        self.futures = []

    def append(self, *records):
        future = asyncio.get_running_loop().create_future()
        if self.at_once:
            future.set_result(None)
        self.futures.append(future)
        return future


class Owner:
    def __init__(self):
        self.said = []

    def rest(self):
        self.said.append("rest")

    def broken(self, error):
        self.said.append(error)


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def owner():
    return Owner()


async def test_what_follows_a_commit_that_is_over_at_once_follows_at_once(log, owner):
    ledger = Ledger(log, 0, None)
    log.at_once = True
    ledger.submit([], lambda: owner.said.append("first"), owner)
    assert owner.said == ["first", "rest"]
    assert ledger.pending == 0


async def test_a_commit_that_is_over_at_once_waits_for_those_before_it(log, owner):
    ledger = Ledger(log, 0, None)
    ledger.submit([], lambda: owner.said.append("first"), owner)
    log.futures[0].set_result(None)  # which is told in the next turn of the loop
    log.at_once = True
    ledger.submit([], lambda: owner.said.append("second"), owner)
    assert owner.said == []
    assert ledger.pending == 2
    await asyncio.sleep(0)
    assert owner.said == ["first", "rest", "second", "rest"]


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_goes_wrong_in_what_follows_is_told(log, owner, at_once):
    ledger = Ledger(log, 0, None)
    log.at_once = at_once
    error = ValueError("no")

    def fails():
        raise error

    ledger.submit([], fails, owner)
    if not at_once:
        log.futures[0].set_result(None)
        await asyncio.sleep(0)
    assert owner.said == [error, "rest"]


async def test_a_commit_that_was_cancelled_breaks_the_run(log, owner):
    ledger = Ledger(log, 0, None)
    ledger.submit([], lambda: owner.said.append("first"), owner)
    log.futures[0].cancel()
    await asyncio.sleep(0)
    error, rest = owner.said
    assert isinstance(error, JournalWriteError)
    assert rest == "rest"
    assert "a commit was cancelled" in str(error)


async def test_without_a_journal_what_follows_follows_at_once_and_there_is_nothing_to_rest_from(owner):
    ledger = Ledger(None, 0, None)
    ledger.submit([], lambda: owner.said.append("first"), owner)
    assert owner.said == ["first"]
    assert not ledger.kept
