"""What every journal must do. Subclass `JournalContract` and give it a fixture `journal` with an empty, open one."""

import asyncio

import pytest

from backedge.engine.errors import (
    FencedError,
    InputError,
    JournalError,
    JournalWriteError,
    RunExistsError,
    RunNotFoundError,
    RunOwnedError,
)
from backedge.engine.ports import Journal
from backedge.engine.records import RunResumed, RunStatus

from .contract_forks import ForkContract
from .contract_frontiers import FrontierContract
from .contract_letters import LetterContract
from .contract_pending import PendingContract
from .samples import BIG, TALK, ended, every_kind, finished, forked, header, letter, started


class JournalContract(LetterContract, ForkContract, FrontierContract, PendingContract):
    @pytest.fixture
    async def journal(self):
        raise NotImplementedError

    async def test_it_is_a_journal(self, journal):
        assert isinstance(journal, Journal)
        assert journal.name

    async def test_a_new_run_has_its_header_and_first_record_and_is_owned(self, journal):
        log = await journal.create(header(), started())
        assert log.header == await journal.header("demo") == header()
        assert log.epoch == 1
        assert await journal.read("demo") == [started()]

    async def test_a_run_can_be_made_with_several_records_at_once(self, journal):
        log = await journal.create(header(), *every_kind())
        assert await journal.read("demo") == every_kind()
        assert (await journal.runs())[0].status is RunStatus.SUSPENDED
        await log.append(finished(len(every_kind())))

    async def test_a_run_made_with_a_gap_in_its_records_is_not_made(self, journal):
        with pytest.raises(JournalWriteError, match="goes on with record 1, not with record 2"):
            await journal.create(header(), started(), finished(2))
        assert await journal.runs() == []

    async def test_records_of_every_kind_come_back_equal(self, journal):
        records = every_kind()
        log = await journal.create(header(), records[0])
        for record in records[1:]:
            await log.append(record)
        assert await journal.read("demo") == records

    async def test_records_of_one_append_are_stored_together_and_in_order(self, journal):
        log = await journal.create(header(), started())
        await log.append(*[finished(seq) for seq in range(1, 6)])
        assert [record.seq for record in await journal.read("demo")] == [0, 1, 2, 3, 4, 5]

    async def test_appends_that_nobody_awaits_are_stored_in_the_order_of_the_calls(self, journal):
        log = await journal.create(header(), started())
        waits = [log.append(finished(seq, b"%d" % seq)) for seq in range(1, 40)]
        await waits[-1]
        assert all(wait.done() for wait in waits)
        assert [record.writes["code"] for record in (await journal.read("demo"))[1:]] == [
            b"%d" % seq for seq in range(1, 40)
        ]

    async def test_an_append_of_nothing_is_done(self, journal):
        log = await journal.create(header(), started())
        await log.append()
        assert len(await journal.read("demo")) == 1

    @pytest.mark.parametrize(
        ("after", "before", "expected"),
        [
            (-1, None, 6),
            (-9, None, 6),
            (2, None, 3),
            (9, None, 0),
            (-1, 2, 2),
            (1, 4, 2),
            (-1, 0, 0),
            (3, -5, 0),
        ],
    )
    async def test_reading_can_be_limited_to_a_part(self, journal, after, before, expected):
        log = await journal.create(header(), started())
        await log.append(*[finished(seq) for seq in range(1, 6)])
        part = await journal.read("demo", after=after, before=before)
        assert [record.seq for record in part] == list(
            range(max(after, -1) + 1, max(after, -1) + 1 + expected)
        )

    @pytest.mark.parametrize("far", [2**32, 2**33, 2**80])
    async def test_no_bound_is_too_far_away(self, journal, far):
        for name in ("first", "demo", "last"):
            await journal.create(header(name), started())
        assert await journal.read("demo", before=far) == [started()]
        assert await journal.read("demo", after=-far, before=far) == [started()]
        assert await journal.read("demo", after=far) == []
        assert await journal.read("demo", after=far, before=2 * far) == []
        assert await journal.read("demo", before=-far) == []

    async def test_a_long_run_is_read_whole(self, journal):
        log = await journal.create(header(), started())
        await log.append(*[finished(seq) for seq in range(1, 1301)])
        assert [record.seq for record in await journal.read("demo")] == list(range(1301))
        assert len(await journal.read("demo", after=299)) == 1001

    async def test_runs_do_not_mix(self, journal):
        one = await journal.create(header("one"), started())
        two = await journal.create(header("two"), started())
        await asyncio.gather(one.append(finished(1, b"1")), two.append(finished(1, b"2"), finished(2, b"3")))
        assert await journal.read("one") == [started(), finished(1, b"1")]
        assert await journal.read("two") == [started(), finished(1, b"2"), finished(2, b"3")]

    async def test_an_id_that_is_taken_changes_nothing(self, journal):
        await journal.create(header(), started())
        with pytest.raises(RunExistsError, match="'demo' exists already"):
            await journal.create(header(created=2000.0), started())
        assert await journal.header("demo") == header()
        assert len(await journal.runs()) == 1

    async def test_a_run_that_is_not_there_is_told_with_those_that_are(self, journal):
        await journal.create(header("other"), started())
        for ask in (journal.header, journal.read, journal.acquire):
            with pytest.raises(RunNotFoundError, match="no run 'demo'; it holds 'other'"):
                await ask("demo")

    @pytest.mark.parametrize("wrong", [3, "", None, "half \ud800", b"3"])
    async def test_a_run_is_called_by_a_text(self, journal, wrong):
        log = await journal.create(header("3"), started())
        with pytest.raises(InputError, match="the id of a run is a text"):
            await journal.create(header(wrong), started())
        asking = [journal.acquire, journal.header, journal.read, journal.letters, journal.delete]
        for ask in asking:
            with pytest.raises(RunNotFoundError, match="holds '3'"):
                await ask(wrong)
        with pytest.raises(RunNotFoundError):
            await journal.post(wrong, letter())
        await log.append(finished(1))  # it was not disturbed
        await log.release()
        assert len(await journal.read("3")) == 2

    async def test_the_list_of_runs_tells_newest_first_how_they_stand(self, journal):
        old = await journal.create(header("old", created=1.0), started())
        await journal.create(header("new", created=3.0, parent=("old", 0)), forked(1))
        await journal.create(header("middle", created=2.0), started())
        await old.append(finished(1), ended(2, RunStatus.FAILED))
        await old.release()
        runs = await journal.runs()
        assert [run.header.run_id for run in runs] == ["new", "middle", "old"]
        assert runs[0].header.parent == ("old", 0)
        assert [run.status for run in runs] == [RunStatus.RUNNING, RunStatus.RUNNING, RunStatus.FAILED]
        assert [run.records for run in runs] == [2, 1, 3]
        assert [run.updated for run in runs] == [1001.75, 1000.5, 1005.0]
        assert runs[0].owner is not None
        assert runs[2].owner is None

    @pytest.mark.parametrize("status", list(RunStatus))
    async def test_the_last_record_decides_the_status(self, journal, status):
        log = await journal.create(header(), started())
        await log.append(ended(1, status))
        assert (await journal.runs())[0].status is status
        await log.append(RunResumed(2, 5.0, 2))
        assert (await journal.runs())[0].status is RunStatus.RUNNING

    async def test_a_released_run_can_be_acquired_and_goes_on(self, journal):
        log = await journal.create(header(), started())
        await log.append(finished(1))
        await log.release()
        await log.release()
        again = await journal.acquire("demo")
        assert again.epoch == 2
        assert again.header == header()
        await again.append(finished(2))
        assert len(await journal.read("demo")) == 3

    async def test_release_writes_what_is_queued(self, journal):
        log = await journal.create(header(), started())
        wait = log.append(finished(1))
        await log.release()
        assert wait.done()
        assert len(await journal.read("demo")) == 2

    async def test_an_owned_run_is_refused_to_others(self, journal):
        log = await journal.create(header(), started())
        with pytest.raises(RunOwnedError, match="takeover=True") as caught:
            await journal.acquire("demo")
        assert caught.value.run_id == "demo"
        assert caught.value.owner
        await log.append(finished(1))

    async def test_a_refused_acquisition_leaves_nothing_behind(self, journal):
        log = await journal.create(header(), started())
        with pytest.raises(RunOwnedError):
            await journal.acquire("demo")
        await log.release()
        assert (await journal.acquire("demo")).epoch == 2

    async def test_a_takeover_fences_the_owner_of_before(self, journal):
        old = await journal.create(header(), started())
        new = await journal.acquire("demo", takeover=True)
        assert new.epoch == 2
        with pytest.raises(FencedError) as caught:
            await old.append(finished(1, b'"old"'))
        assert (caught.value.epoch, caught.value.current) == (1, 2)
        await new.append(finished(1, b'"new"'))
        assert await journal.read("demo") == [started(), finished(1, b'"new"')]

    async def test_the_release_of_a_fenced_owner_does_not_free_the_run(self, journal):
        old = await journal.create(header(), started())
        new = await journal.acquire("demo", takeover=True)
        await old.release()
        with pytest.raises(RunOwnedError):
            await journal.acquire("demo")
        await new.append(finished(1))

    async def test_once_fenced_always_fenced(self, journal):
        old = await journal.create(header(), started())
        await journal.acquire("demo", takeover=True)
        errors = [
            wait.exception() for wait in await self.settled(old.append(finished(1)), old.append(finished(2)))
        ]
        errors += [wait.exception() for wait in await self.settled(old.append(finished(1)))]
        assert [type(error) for error in errors] == [FencedError] * 3

    async def test_a_takeover_of_a_free_run_is_an_acquisition(self, journal):
        await (await journal.create(header(), started())).release()
        log = await journal.acquire("demo", takeover=True)
        await log.append(finished(1))
        with pytest.raises(RunOwnedError):
            await journal.acquire("demo")

    @pytest.mark.parametrize("wrong", [0, 1, 3])
    async def test_a_gap_or_a_repetition_is_refused_and_stops_the_log(self, journal, wrong):
        log = await journal.create(header(), started())
        await log.append(finished(1))
        with pytest.raises(JournalWriteError, match="goes on with record 2"):
            await log.append(finished(wrong))
        with pytest.raises(JournalWriteError, match="goes on with record 2"):
            await log.append(finished(2))
        assert len(await journal.read("demo")) == 2

    async def test_a_gap_inside_one_append_stores_none_of_it(self, journal):
        log = await journal.create(header(), started())
        with pytest.raises(JournalWriteError):
            await log.append(finished(1), finished(3))
        assert len(await journal.read("demo")) == 1

    async def test_one_bad_run_does_not_disturb_the_others(self, journal):
        good = await journal.create(header("good"), started())
        bad = await journal.create(header("bad"), started())
        await journal.acquire("bad", takeover=True)
        waits = await self.settled(
            good.append(finished(1)), bad.append(finished(1), finished(2)), good.append(finished(2))
        )
        assert [wait.exception() is None for wait in waits] == [True, False, True]
        assert len(await journal.read("good")) == 3
        assert len(await journal.read("bad")) == 1

    async def test_an_append_after_release_fails(self, journal):
        log = await journal.create(header(), started())
        await log.release()
        with pytest.raises(JournalWriteError, match="released"):
            await log.append(finished(1))

    async def test_a_cancelled_wait_does_not_take_back_the_records(self, journal):
        log = await journal.create(header(), started())
        wait = log.append(finished(1))
        wait.cancel()
        await log.append(finished(2))
        assert len(await journal.read("demo")) == 3

    async def test_a_value_that_is_no_json_line_is_refused_and_nothing_is_queued(self, journal):
        log = await journal.create(header(), started())
        with pytest.raises(ValueError, match="raw newline"):
            log.append(finished(1), finished(2, b'"a\nb"'))
        await log.append(finished(1))
        assert len(await journal.read("demo")) == 2

    async def test_a_large_value_may_look_like_anything(self, journal):
        log = await journal.create(header(), started())
        values = [
            BIG,
            BIG[:-1] + b'c"',
            b'"' + b"\\n" * 20_000 + b'"',
            b'[[0,"00"]]',
            TALK,
            TALK[:-1] + b',["b"]]',
        ]
        for seq, value in enumerate(values, 1):
            await log.append(finished(seq, value))
        assert [record.writes["code"] for record in (await journal.read("demo"))[1:]] == values

    async def test_closing_twice_does_nothing_and_later_calls_are_refused(self, journal):
        log = await journal.create(header(), started())
        await journal.close()
        await journal.close()
        with pytest.raises(JournalError, match="closed"):
            await log.append(finished(1))
        for call in (journal.runs(), journal.read("demo"), journal.create(header("x"), started())):
            with pytest.raises(JournalError, match="closed"):
                await call
        await log.release()

    @staticmethod
    async def settled(*waits):
        await asyncio.wait(waits)
        return waits
