"""What every journal must do to tell which runs should be gone on with, and that letters came. A part of `JournalContract`."""

import asyncio

import pytest

from backedge.engine.errors import RunOwnedError
from backedge.engine.records import Awaited, Cause, LetterKind, RunResumed, RunStatus

from .samples import ended, finished, forked, header, letter, started

NOTHING = Awaited()
SIGNAL = (LetterKind.SIGNAL, "go")
QUIET = [RunStatus.SUSPENDED, RunStatus.IN_DOUBT, RunStatus.INTERRUPTED, RunStatus.FAILED]
FINAL = [RunStatus.COMPLETED, RunStatus.CANCELLED]


def go(value=b"1"):
    return letter("go", value, LetterKind.SIGNAL)


def stop():
    return letter("", b"null", LetterKind.CANCEL)


async def rested(journal, run_id="demo", status=RunStatus.SUSPENDED, awaited=NOTHING):
    log = await journal.create(header(run_id), started())
    await log.append(ended(1, status), awaited=awaited)
    await log.release()


async def causes(journal, now=100.0, graphs=("loop",)):
    return {found.run_id: found.cause for found in await journal.pending(graphs, now)}


async def deaths(journal):
    """As both ways to ask tell it."""
    (found,) = await journal.pending(["loop"], 0.0)
    assert (await journal.runs())[0].deaths == found.deaths
    return found.deaths


class PendingContract:
    async def test_a_run_whose_owner_is_gone_is_found_and_one_that_is_owned_is_not(self, journal):
        log = await journal.create(header(), started())
        assert await journal.pending(["loop"], 0.0) == []
        await log.release()
        (found,) = await journal.pending(["loop"], 0.0)
        assert (found.run_id, found.graph, found.digest) == ("demo", "loop", "digest")
        assert (found.status, found.epoch, found.cause) == (RunStatus.RUNNING, 1, Cause.CRASHED)
        await journal.acquire("demo")
        assert await journal.pending(["loop"], 0.0) == []

    async def test_it_is_told_how_many_in_a_row_went_on_with_a_run_and_left_nothing_else(self, journal):
        await (await journal.create(header(), started())).release()
        assert await deaths(journal) == 0, "who made it left its first record"
        for number in range(1, 4):
            log = await journal.acquire("demo")
            await log.append(RunResumed(number, 1.0, log.epoch, {"a->b": number}, "digest"))
            assert (await journal.runs())[0].deaths == 0, "somebody works on it"
            await log.release()
            assert await deaths(journal) == number
        log = await journal.acquire("demo")
        await log.append(RunResumed(4, 1.0, log.epoch), finished(5))
        await log.release()
        assert await deaths(journal) == 0
        log = await journal.acquire("demo")
        await log.append(RunResumed(6, 1.0, log.epoch))
        await log.release()
        assert await deaths(journal) == 1

    async def test_a_fork_has_no_part_in_the_deaths_of_its_parent(self, journal):
        log = await journal.create(header(), started())
        await log.append(RunResumed(1, 1.0, 2), RunResumed(2, 1.0, 3))
        await log.release()
        fork = await journal.create(header("fork", parent=("demo", 2)), forked(3))
        await fork.release()
        assert {it.run_id: it.deaths for it in await journal.pending(["loop"], 0.0)} == {"demo": 2, "fork": 0}

    async def test_a_run_that_rests_has_no_deaths(self, journal):
        log = await journal.create(header(), started())
        await log.append(RunResumed(1, 1.0, 2), ended(2, RunStatus.FAILED))
        await log.release()
        assert (await journal.runs())[0].deaths == 0

    async def test_a_crashed_run_that_is_to_be_cancelled_is_told_as_such(self, journal):
        await (await journal.create(header(), started())).release()
        await journal.post("demo", stop())
        assert await causes(journal) == {"demo": Cause.CANCELLED}

    async def test_only_runs_of_the_graphs_named_are_found(self, journal):
        await (await journal.create(header(), started())).release()
        assert await causes(journal, graphs=["other"]) == {}
        assert await causes(journal, graphs=["other", "loop"]) == {"demo": Cause.CRASHED}

    @pytest.mark.parametrize("status", [*QUIET, *FINAL])
    async def test_a_run_that_came_to_rest_is_left_alone(self, journal, status):
        await rested(journal, status=status)
        assert await causes(journal) == {}

    @pytest.mark.parametrize("status", QUIET[:2])
    async def test_a_run_of_which_nobody_said_what_it_waits_for_is_found(self, journal, status):
        await rested(journal, status=status, awaited=None)
        await (await journal.create(header("imported"), started(), ended(1, status))).release()
        assert await causes(journal) == {"demo": Cause.LETTERS, "imported": Cause.LETTERS}

    async def test_a_timer_is_found_from_when_it_is_due(self, journal):
        await rested(journal, awaited=Awaited(due=50.0))
        assert await causes(journal, now=49.9) == {}
        assert await causes(journal, now=50.0) == {"demo": Cause.DUE}

    async def test_a_run_that_was_handed_over_is_found(self, journal):
        await rested(journal, status=RunStatus.INTERRUPTED, awaited=Awaited(due=0.0))
        assert await causes(journal) == {"demo": Cause.LETTERS}

    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_a_letter_that_a_run_waits_for_lets_it_be_found_whenever_it_came(self, journal, when):
        log = await journal.create(header(), started())
        if when == "before":
            await journal.post("demo", go())
        await log.append(
            ended(1, RunStatus.SUSPENDED), awaited=Awaited(due=500.0, letters=frozenset({SIGNAL}))
        )
        await log.release()
        if when == "after":
            assert await causes(journal) == {}
            await journal.post("demo", go())
        assert await causes(journal) == {"demo": Cause.LETTERS}

    async def test_a_letter_that_fits_nothing_lets_nobody_be_found(self, journal):
        await rested(journal, awaited=Awaited(letters=frozenset({SIGNAL})))
        await journal.post("demo", letter("stop", b"1", LetterKind.SIGNAL))
        await journal.post("demo", letter("go", b"1", LetterKind.ANSWER))
        assert await causes(journal) == {}

    async def test_letters_that_the_last_records_took_are_not_counted(self, journal):
        log = await journal.create(header(), started())
        number = await journal.post("demo", go())
        awaited = Awaited(letters=frozenset({SIGNAL}))
        await log.append(finished(1), ended(2, RunStatus.SUSPENDED), taken=[number], awaited=awaited)
        await log.release()
        assert await causes(journal) == {}

    @pytest.mark.parametrize("status", QUIET)
    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_a_run_that_was_asked_to_be_cancelled_is_found_unless_it_is_over(
        self, journal, status, when
    ):
        log = await journal.create(header(), started())
        if when == "before":
            await journal.post("demo", stop())
        await log.append(ended(1, status), awaited=Awaited(due=0.0))
        await log.release()
        if when == "after":
            await journal.post("demo", stop())
        assert await causes(journal) == {"demo": Cause.CANCELLED}

    @pytest.mark.parametrize("status", FINAL)
    async def test_a_run_that_is_over_is_not_found_whatever_comes(self, journal, status):
        await rested(journal, status=status)
        await journal.post("demo", stop())
        await journal.post("demo", go())
        assert await causes(journal) == {}

    async def test_what_a_run_waited_for_counts_no_more_once_it_goes_on(self, journal):
        await rested(journal, awaited=Awaited(due=50.0, letters=frozenset({SIGNAL})))
        log = await journal.acquire("demo")
        await log.append(RunResumed(2, 1.0, 2))
        await log.append(ended(3, RunStatus.FAILED))
        await log.release()
        await journal.post("demo", go())
        assert await causes(journal) == {}

    async def test_no_more_are_told_than_asked_for(self, journal):
        for number in range(5):
            await rested(journal, f"run{number}", awaited=Awaited(due=1.0))
        assert len(await journal.pending(["loop"], 100.0, limit=2)) == 2

    async def test_a_deleted_run_is_not_found(self, journal):
        await rested(journal, awaited=Awaited(due=50.0, letters=frozenset({SIGNAL})))
        await journal.delete("demo")
        assert await causes(journal) == {}

    async def test_a_summary_tells_what_a_run_waits_for(self, journal):
        awaited = Awaited(due=50.0, letters=frozenset({SIGNAL}))
        await rested(journal, awaited=awaited)
        await rested(journal, "failed", status=RunStatus.FAILED)
        told = {run.header.run_id: run.awaited for run in await journal.runs()}
        assert told == {"demo": awaited, "failed": None}

    async def test_who_was_slower_does_not_get_the_run(self, journal):
        await rested(journal, awaited=Awaited(due=50.0))
        (found,) = await journal.pending(["loop"], 100.0)
        first = await journal.acquire("demo", epoch=found.epoch)
        await first.release()
        with pytest.raises(RunOwnedError, match="faster"):
            await journal.acquire("demo", epoch=found.epoch)
        assert (await journal.acquire("demo")).epoch == found.epoch + 2

    async def test_an_owner_is_told_that_a_letter_came_until_it_lets_go(self, journal):
        log = await journal.create(header(), started())
        other = await journal.create(header("other"), started())
        told, wrong = asyncio.Event(), asyncio.Event()
        log.watch(told.set)
        other.watch(wrong.set)
        await journal.post("demo", go())
        await asyncio.wait_for(told.wait(), 30)
        assert not wrong.is_set()
        told.clear()
        await log.release()
        await journal.post("demo", go())
        await asyncio.sleep(0)
        assert not told.is_set()

    async def test_an_owner_is_told_of_letters_that_came_before_it_watched(self, journal):
        log = await journal.create(header(), started())
        await journal.post("demo", go())
        told = asyncio.Event()
        log.watch(told.set)
        await asyncio.wait_for(told.wait(), 30)

    async def test_watching_what_was_released_does_nothing(self, journal):
        log = await journal.create(header(), started())
        await log.release()
        told = asyncio.Event()
        log.watch(told.set)
        await journal.post("demo", go())
        await asyncio.sleep(0)
        assert not told.is_set()
