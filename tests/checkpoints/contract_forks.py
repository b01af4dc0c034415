"""What every journal must do with forks and with runs that are deleted. A part of `JournalContract`."""

import pytest

from backedge.engine.errors import (
    JournalWriteError,
    RunExistsError,
    RunNotFoundError,
    RunOwnedError,
)

from .samples import BIG, finished, forked, header, letter, started


async def grown(journal, run_id="demo", records=6):
    """A run with so many records, owned."""
    log = await journal.create(header(run_id), started())
    await log.append(*[finished(seq, b"%d" % seq) for seq in range(1, records)])
    return log


async def fork(journal, run_id, parent, seq, more=0):
    """A fork with a number of records after its first, owned."""
    log = await journal.create(header(run_id, parent=(parent, seq)), forked(seq + 1))
    await log.append(*[own(run_id, at) for at in range(seq + 2, seq + 2 + more)])
    return log


def own(run_id, seq):
    return finished(seq, b'"%s %d"' % (run_id.encode(), seq))


async def deleted(journal, *logs):
    for log in logs:
        await log.release()
        await journal.delete(log.header.run_id)


class ForkContract:
    async def test_a_fork_has_its_parents_records_and_then_its_own(self, journal):
        await grown(journal)
        log = await fork(journal, "fork", "demo", 3, more=2)
        assert log.header == await journal.header("fork") == header("fork", parent=("demo", 3))
        assert log.epoch == 1
        parent = await journal.read("demo")
        assert await journal.read("fork") == [
            *parent[:4],
            forked(4),
            own("fork", 5),
            own("fork", 6),
        ]

    @pytest.mark.parametrize(
        ("after", "before"), [(-1, None), (-1, 3), (1, 4), (2, 6), (3, None), (5, None), (0, 1), (9, None)]
    )
    async def test_reading_can_be_limited_on_both_sides_of_the_border(self, journal, after, before):
        await grown(journal)
        await fork(journal, "fork", "demo", 2, more=3)
        whole = await journal.read("fork")
        assert await journal.read("fork", after=after, before=before) == whole[after + 1 : before]

    async def test_parent_and_fork_go_on_without_each_other(self, journal):
        parent = await grown(journal, records=3)
        child = await fork(journal, "fork", "demo", 1)
        await parent.append(finished(3, b'"parent"'))
        await child.append(finished(3, b'"child"'))
        await parent.append(finished(4, b'"parent"'))
        assert [record.seq for record in await journal.read("demo")] == [0, 1, 2, 3, 4]
        assert (await journal.read("demo"))[3].writes == {"code": b'"parent"'}
        assert await journal.read("fork") == [
            *(await journal.read("demo", before=2)),
            forked(2),
            finished(3, b'"child"'),
        ]

    async def test_a_fork_of_a_fork_goes_on_from_either(self, journal):
        await grown(journal)
        await fork(journal, "a", "demo", 3, more=3)
        await fork(journal, "deep", "a", 5, more=1)
        await fork(journal, "shallow", "a", 2, more=1)
        a = await journal.read("a")
        assert await journal.read("deep") == [*a[:6], forked(6), own("deep", 7)]
        assert await journal.read("deep", after=2, before=6) == a[3:6]
        assert await journal.read("shallow") == [*a[:3], forked(3), own("shallow", 4)]
        assert (await journal.header("shallow")).parent == ("a", 2)

    async def test_a_fork_can_be_released_and_goes_on(self, journal):
        await grown(journal)
        await (await fork(journal, "fork", "demo", 3, more=1)).release()
        again = await journal.acquire("fork")
        assert again.epoch == 2
        await again.append(own("fork", 6))
        assert [record.seq for record in await journal.read("fork")] == list(range(7))

    async def test_the_list_of_runs_tells_ancestry_and_counts_shared_records(self, journal):
        await grown(journal, records=10)
        await fork(journal, "fork", "demo", 3, more=1)
        runs = {run.header.run_id: run for run in await journal.runs()}
        assert runs["fork"].header.parent == ("demo", 3)
        assert runs["fork"].records == len(await journal.read("fork")) == 6
        assert runs["demo"].records == 10

    async def test_a_large_value_of_the_parent_is_read_through_the_fork(self, journal):
        log = await journal.create(header(), started())
        await log.append(finished(1, BIG))
        child = await journal.create(header("fork", parent=("demo", 1)), forked(2, BIG))
        await child.append(finished(3, BIG))
        assert await journal.read("fork") == [started(), finished(1, BIG), forked(2, BIG), finished(3, BIG)]

    async def test_a_parent_that_is_not_there_is_told(self, journal):
        with pytest.raises(RunNotFoundError, match="no run 'demo'"):
            await journal.create(header("fork", parent=("demo", 3)), forked(4))
        assert await journal.runs() == []

    @pytest.mark.parametrize("seq", [6, 99, -1])
    async def test_a_record_that_the_parent_does_not_have_is_told(self, journal, seq):
        await grown(journal)
        with pytest.raises(JournalWriteError, match=f"no record {seq} to fork from; it has records 0 to 5"):
            await journal.create(header("fork", parent=("demo", seq)), forked(seq + 1))
        assert len(await journal.runs()) == 1

    async def test_a_fork_that_does_not_follow_the_record_it_names_is_refused(self, journal):
        await grown(journal)
        for first in (forked(3), forked(5), started()):
            with pytest.raises(JournalWriteError, match="goes on with record 4"):
                await journal.create(header("fork", parent=("demo", 3)), first)
        assert len(await journal.runs()) == 1

    async def test_a_fork_under_an_id_that_is_taken_changes_nothing(self, journal):
        await grown(journal)
        with pytest.raises(RunExistsError):
            await journal.create(header("demo", parent=("demo", 3)), forked(4))
        assert len(await journal.read("demo")) == 6

    # ------------------------------------------------------------------- deleting

    async def test_a_deleted_run_is_gone_with_its_letters(self, journal):
        log = await grown(journal)
        await grown(journal, "other")
        await journal.post("demo", letter())
        await deleted(journal, log)
        for ask in (journal.header, journal.read, journal.acquire, journal.letters, journal.delete):
            with pytest.raises(RunNotFoundError, match="no run 'demo'; it holds 'other'"):
                await ask("demo")
        assert [run.header.run_id for run in await journal.runs()] == ["other"]
        assert len(await journal.read("other")) == 6

    async def test_the_id_of_a_deleted_run_can_be_used_again(self, journal):
        await journal.post((await grown(journal)).header.run_id, letter())
        log = await fork(journal, "fork", "demo", 3)
        await deleted(journal, await journal.acquire("demo", takeover=True))
        again = await journal.create(header(created=5000.0), started())
        assert again.epoch == 1
        assert await journal.read("demo") == [started()]
        assert await journal.letters("demo") == []
        await again.append(finished(1, b'"new"'))
        await log.append(own("fork", 5))
        assert [record.seq for record in await journal.read("fork")] == list(range(6))
        assert (await journal.read("fork"))[1] == finished(1, b"1")

    async def test_an_owned_run_is_not_deleted(self, journal):
        log = await grown(journal)
        with pytest.raises(RunOwnedError):
            await journal.delete("demo")
        await log.append(finished(6))
        assert len(await journal.read("demo")) == 7

    async def test_forks_of_a_deleted_run_stay_whole_and_go_on(self, journal):
        logs = [
            await grown(journal, records=10),
            await fork(journal, "a", "demo", 5, more=3),
            await fork(journal, "b", "demo", 2, more=1),
            await fork(journal, "c", "a", 7, more=1),
        ]
        before = {log.header.run_id: await journal.read(log.header.run_id) for log in logs}
        await deleted(journal, logs[0])
        assert (await journal.header("a")).parent == ("demo", 5)
        for run_id in "abc":
            assert await journal.read(run_id) == before[run_id]
        await deleted(journal, logs[1])
        for run_id in "bc":
            assert await journal.read(run_id) == before[run_id]
        await deleted(journal, logs[3])
        assert await journal.read("b") == before["b"]
        await logs[2].append(own("b", 5))
        grandchild = await fork(journal, "d", "b", 1)
        await deleted(journal, logs[2])
        assert await journal.read("d") == [*before["demo"][:2], forked(2)]
        await deleted(journal, grandchild)
        assert await journal.runs() == []
