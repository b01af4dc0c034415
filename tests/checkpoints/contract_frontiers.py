"""What every journal must do with frontiers, and with those who ask whether a run is still theirs."""

import pytest

from backedge.engine.errors import FencedError, JournalWriteError, RunNotFoundError

from .samples import finished, forked, header, started


class FrontierContract:
    async def test_the_last_frontier_kept_is_the_one_that_is_given(self, journal):
        log = await journal.create(header(), started())
        assert await journal.frontier("demo") is None
        await log.append(*[finished(seq) for seq in range(1, 10)])
        log.keep(3, b"three")
        log.keep(7, b"seven")
        await log.append(finished(10))
        assert await journal.frontier("demo") == (7, b"seven")
        assert await journal.frontier("demo", before=8) == (7, b"seven")
        assert await journal.frontier("demo", before=7) == (3, b"three")
        assert await journal.frontier("demo", before=3) is None

    async def test_who_lost_the_run_keeps_nothing_and_is_told_when_he_asks(self, journal):
        old = await journal.create(header(), started())
        await old.check()
        new = await journal.acquire("demo", takeover=True)
        old.keep(0, b"old")
        with pytest.raises(FencedError):
            await old.check()
        await new.check()
        await new.append(finished(1))
        assert await journal.frontier("demo") is None

    async def test_a_frontier_of_records_that_could_not_be_written_is_not_kept(self, journal):
        log = await journal.create(header(), started())
        failing = log.append(finished(1), taken=[12345])
        log.keep(1, b"one")
        with pytest.raises(JournalWriteError):
            await failing
        assert await journal.frontier("demo") is None

    async def test_a_fork_has_no_frontier_of_the_record_it_was_forked_at_nor_of_later_ones(self, journal):
        log = await journal.create(header(), started())
        await log.append(*[finished(seq) for seq in range(1, 10)])
        log.keep(5, b"five")
        log.keep(8, b"eight")
        await log.append(finished(10))
        fork = await journal.create(header("fork", parent=("demo", 5)), forked(6))
        assert await journal.frontier("fork") is None
        fork.keep(6, b"own")
        await fork.append(finished(7))
        assert await journal.frontier("fork") == (6, b"own")
        assert await journal.frontier("demo") == (8, b"eight")

    async def test_frontiers_go_with_their_run(self, journal):
        log = await journal.create(header(), started())
        log.keep(0, b"zero")
        await log.release()
        await journal.delete("demo")
        with pytest.raises(RunNotFoundError):
            await journal.frontier("demo")
        await journal.create(header(), started())
        assert await journal.frontier("demo") is None
