"""Which runs `prune` deletes, and which it leaves."""

from datetime import timedelta

import pytest

from backedge.checkpoints import MemoryJournal, SqliteJournal, prune
from backedge.checkpoints.retention import chosen
from backedge.engine.errors import RunNotFoundError
from backedge.engine.records import RunEnded, RunStatus, RunSummary

from .samples import forked, header, started


def run(run_id, age, *, status=RunStatus.COMPLETED, parent=None, owner=None, idle=None):
    """A run made `age` seconds before 1000, whose last record is `idle` seconds old."""
    made = header(run_id, created=1000.0 - age, parent=parent)
    return RunSummary(made, status, 3, 1000.0 - (age if idle is None else idle), owner)


def choose(runs, **wanted):
    told = {"keep_last": None, "older_than": None, "keep_forks": True, "now": 1000.0}
    told["statuses"] = {RunStatus.COMPLETED, RunStatus.FAILED}
    return chosen(sorted(runs, key=lambda run: -run.header.created), **(told | wanted))


def test_the_last_so_many_runs_stay():
    runs = [run(f"r{age}", age) for age in range(5)]
    assert choose(runs, keep_last=2) == ["r2", "r3", "r4"]
    assert choose(runs, keep_last=0) == ["r0", "r1", "r2", "r3", "r4"]
    assert choose(runs, keep_last=9) == []


def test_age_counts_from_the_last_record():
    runs = [run("old", 100), run("old but busy", 100, idle=5), run("young", 10), run("just so", 50)]
    assert choose(runs, older_than=50.0) == ["old"]


def test_a_run_goes_only_if_all_that_is_given_lets_it_go():
    runs = [run("a", 1), run("b", 60), run("c", 70), run("d", 80, idle=2)]
    assert choose(runs, keep_last=2, older_than=50.0) == ["c"]


@pytest.mark.parametrize("status", list(RunStatus))
def test_only_runs_of_the_wanted_statuses_go(status):
    gone = choose([run("r", 9, status=status)], keep_last=0)
    assert gone == (["r"] if status in (RunStatus.COMPLETED, RunStatus.FAILED) else [])


def test_a_run_that_somebody_works_on_stays():
    assert choose([run("r", 9, owner="pid 1 on x")], keep_last=0) == []


def test_forks_are_judged_by_themselves_unless_they_are_to_go_with_their_parents():
    runs = [
        run("parent", 100),
        run("child", 5, parent=("parent", 3)),
        run("grandchild", 4, parent=("child", 3)),
        run("waiting", 3, parent=("parent", 3), status=RunStatus.SUSPENDED),
        run("below the waiting one", 2, parent=("waiting", 3)),
        run("other", 1),
    ]
    assert choose(runs, older_than=50) == ["parent"]
    assert choose(runs, older_than=50, keep_forks=False) == [
        "below the waiting one",
        "grandchild",
        "child",
        "parent",
    ]


def test_a_run_made_later_under_the_id_of_a_deleted_parent_is_not_the_parent():
    runs = [run("fork", 5, parent=("parent", 3)), run("parent", 2)]
    assert choose(runs, older_than=1, keep_forks=False) == ["parent", "fork"]
    assert choose([runs[0], run("parent", 2, idle=90)], older_than=50, keep_forks=False) == ["parent"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [({}, "say what may go"), ({"keep_last": -1}, "keep_last"), ({"older_than": -1.0}, "older_than")],
)
async def test_what_makes_no_sense_is_refused(wanted, told):
    async with MemoryJournal() as journal:
        with pytest.raises(ValueError, match=told):
            await prune(journal, **wanted)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_pruning_deletes_and_names_the_runs_and_leaves_forks_whole(kind, tmp_path):
    opened = MemoryJournal() if kind == "memory" else await SqliteJournal.open(tmp_path / "runs.db")
    async with opened as journal:
        for number in range(4):
            log = await journal.create(header(f"r{number}", created=float(number)), started())
            await log.append(RunEnded(1, 5.0, RunStatus.COMPLETED))
            await log.release()
        await journal.create(header("fork", parent=("r0", 1)), forked(2))  # is under way
        assert await prune(journal, keep_last=2, older_than=timedelta(days=1)) == ["r2", "r1", "r0"]
        assert [found.header.run_id for found in await journal.runs()] == ["fork", "r3"]
        assert len(await journal.read("fork")) == 3
        assert await prune(journal, keep_last=2) == []


async def test_a_run_that_is_taken_or_deleted_meanwhile_is_left_out():
    class Meddled(MemoryJournal):
        async def runs(self):
            found = await super().runs()
            await super().acquire("taken")
            await super().delete("gone")
            return found

    async with Meddled() as journal:
        for run_id in ("taken", "gone", "plain"):
            log = await journal.create(header(run_id), started(), RunEnded(1, 5.0, RunStatus.FAILED))
            await log.release()
        assert await prune(journal, older_than=0) == ["plain"]
        assert await journal.header("taken")
        with pytest.raises(RunNotFoundError):
            await journal.header("plain")
