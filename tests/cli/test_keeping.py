"""Deleting and pruning runs, and carrying them from one journal to another."""

import asyncio
import json
import os
import runpy
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from backedge.checkpoints import SqliteJournal
from backedge.cli.keeping import seconds_of
from backedge.engine.records import RunEnded, RunHeader, RunStarted, RunStatus

from .kit import FINAL, begun, call, contents, ran
from .test_resume import failed

HOUR = 3600.0
ROUNDS = [f"step@{number}" for number in range(5)]
INPUT = '{"spec": "ab"}'


async def fill(runs: Sequence[tuple[str, float, RunStatus | None]]) -> None:
    """Runs of given ids, ages in hours and statuses, oldest first; None: one that crashed."""
    now = time.time()
    async with await SqliteJournal.open("runs.db") as journal:
        for run_id, hours, status in runs:
            at = now - hours * HOUR
            header = RunHeader(run_id, "loop", "digest", b"{}", at)
            end = () if status is None else (RunEnded(1, at, status),)
            log = await journal.create(header, RunStarted(0, at, {}, ()), *end)
            await log.release()


@pytest.fixture
def aged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal with runs of several ages and statuses."""
    monkeypatch.chdir(tmp_path)
    runs = [
        ("crashed", 2000, None),
        ("waiting", 1900, RunStatus.SUSPENDED),
        ("old", 1800, RunStatus.COMPLETED),
        ("failed", 30, RunStatus.FAILED),
        ("new", 1, RunStatus.COMPLETED),
    ]
    asyncio.run(fill(runs))
    return tmp_path


@pytest.fixture
def demo(here: Path) -> Path:
    """A journal with a completed run, and its export."""
    ran("run", "loop.py:graph", "--input", INPUT, "--run-id", "demo", "--journal", "runs.db")
    ran("export", "demo", "demo.jsonl", "--journal", "runs.db")
    return here


def ids(journal: str = "runs.db") -> set[str]:
    return {run["run_id"] for run in json.loads(ran("runs", "--journal", journal, "--json").stdout)["runs"]}


def refused(code: int, *arguments: str) -> str:
    """The one line that a command is refused with; nothing has changed."""
    before = contents(Path())
    result = call(*arguments)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert contents(Path()) == before
    return result.stderr


# --------------------------------------------------------------------------- delete


def test_delete_removes_one_run_whatever_its_status(aged: Path):
    result = ran("delete", "waiting", "--journal", "runs.db")
    assert (result.stdout, result.stderr) == ("", "run waiting: deleted\n")
    told = json.loads(ran("delete", "crashed", "--journal", "runs.db", "--json").stdout)
    assert told == {"journal": "runs.db", "run_id": "crashed", "deleted": True}
    assert ids() == {"old", "failed", "new"}


def test_forks_of_a_deleted_run_stay_whole(demo: Path):
    ran("fork", "demo", "loop.py:graph", "--at", "4", "--run-id", "two", "--no-start", "--journal", "runs.db")
    ran("delete", "demo", "--journal", "runs.db")
    assert json.loads(ran("resume", "two", "loop.py:graph", "--journal", "runs.db").stdout) == FINAL


@pytest.mark.parametrize("command", [["delete", "demi"], ["export", "demi", "x.jsonl"]])
def test_a_run_that_is_not_there_is_told_with_those_like_it(demo: Path, command: list[str]):
    told = refused(4, *command, "--journal", "runs.db")
    assert "there is no run 'demi'; did you mean demo?" in told
    result = call(*command, "--journal", "runs.db", "--json")
    assert json.loads(result.stdout)["error"]["type"] == "RunNotFoundError"


@pytest.mark.parametrize("command", [["delete", "\udcff"], ["export", "\udcff", "x.jsonl"]])
def test_an_id_that_no_run_can_have_is_told_as_unknown(demo: Path, command: list[str]):
    assert "the newest are demo" in refused(4, *command, "--journal", "runs.db")


@pytest.mark.parametrize("command", ["delete demo", "prune --keep-last 1", "export demo x.jsonl"])
def test_a_journal_that_is_not_there_is_not_made(here: Path, command: str):
    assert "journal no.db: there is no such file" in refused(4, *command.split(), "--journal", "no.db")


def test_a_run_that_somebody_works_on_is_neither_deleted_nor_pruned_but_exported(here: Path):
    began = here / "began.txt"
    with begun("run", "gated.py:graph", "--run-id", "demo", "--journal", "runs.db", cwd=here) as owner:
        while not began.exists() or "step@2" not in began.read_text():
            assert owner.poll() is None
            time.sleep(0.01)
        result = call("delete", "demo", "--journal", "runs.db", "--json")
        assert result.exit_code == 4
        assert f"'demo' is being worked on by pid {owner.pid}" in result.stderr
        assert "takeover" not in result.stderr
        assert json.loads(result.stdout)["error"]["type"] == "RunOwnedError"
        assert ran("prune", "--keep-last", "0", "--with-forks", "--journal", "runs.db").stdout == ""
        ran("export", "demo", "demo.jsonl", "--journal", "runs.db")
        (here / "gate").touch()
        owner.communicate(timeout=60)
        assert owner.returncode == 0
    assert ids() == {"demo"}
    ran("import", "demo.jsonl", "--journal", "other.db")
    there = json.loads(ran("resume", "demo", "gated.py:graph", "--journal", "other.db").stdout)
    assert there["done"] == ROUNDS
    assert began.read_text().split() == [*ROUNDS, *ROUNDS[2:]]  # what was recorded did not run again


# --------------------------------------------------------------------------- prune


@pytest.mark.parametrize(
    ("options", "gone"),
    [
        ("--older-than 30d", ["old"]),
        ("--older-than 12h", ["failed", "old"]),
        ("--older-than 7200", ["failed", "old"]),
        ("--older-than 0", ["new", "failed", "old"]),
        ("--keep-last 2", ["old"]),
        ("--keep-last 0", ["new", "failed", "old"]),
        ("--keep-last 99", []),
        ("--keep-last 1 --older-than 30d", ["old"]),
        ("--keep-last 4 --older-than 12h", []),
    ],
)
def test_prune_deletes_what_all_options_let_go_and_never_what_can_go_on(
    aged: Path, options: str, gone: list[str]
):
    before = contents(aged)
    dry = ran("prune", *options.split(), "--dry-run", "--journal", "runs.db")
    assert dry.stdout.splitlines() == gone
    assert "would be deleted" in dry.stderr
    assert contents(aged) == before
    result = ran("prune", *options.split(), "--journal", "runs.db")
    assert result.stdout.splitlines() == gone
    assert result.stderr == f"journal runs.db: deleted {len(gone)} run{'' if len(gone) == 1 else 's'}\n"
    assert ids() == {"crashed", "waiting", "old", "failed", "new"} - set(gone)


def test_programs_are_told_the_ids_and_whether_it_was_in_earnest(aged: Path):
    options = ["prune", "--older-than", "12h", "--journal", "runs.db", "--json"]
    told = {"journal": "runs.db", "dry_run": True, "runs": ["failed", "old"]}
    assert json.loads(ran(*options, "--dry-run").stdout) == told
    assert json.loads(ran(*options).stdout) == {**told, "dry_run": False}
    assert json.loads(ran(*options).stdout) == {**told, "dry_run": False, "runs": []}


def test_forks_go_with_their_parents_only_when_told_to(demo: Path):
    ran("fork", "demo", "loop.py:graph", "--at", "4", "--run-id", "two", "--journal", "runs.db")
    options = ["prune", "--keep-last", "1", "--journal", "runs.db"]
    assert ran(*options, "--dry-run").stdout == "demo\n"
    assert ran(*options, "--dry-run", "--with-forks").stdout == "two\ndemo\n"
    assert ran(*options, "--with-forks").stdout == "two\ndemo\n"
    assert ids() == set()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("", "say what may go: --keep-last N, --older-than 30d, or both"),
        ("--dry-run --with-forks", "say what may go"),
        ("--keep-last -1", "-1 is not in the range x>=0"),
        ("--keep-last 1.5", "'1.5' is not a valid integer"),
        ("--older-than -1", "--older-than: expected a span such as 30d, 12h, 5min"),
        ("--older-than -3d", "found '-3d'"),
        ("--older-than 3w", "found '3w'"),
        ("--older-than 1e9", "found '1e9'"),
        ("--older-than nan", "found 'nan'"),
        ("--older-than d", "found 'd'"),
        ("--older-than=", "found ''"),
        ("--keep-last 0 --older-than x", "found 'x'"),
    ],
)
def test_without_a_proper_say_nothing_is_pruned(aged: Path, options: str, says: str):
    assert says in refused(2, "prune", *options.split(), "--journal", "runs.db")


def test_spans_have_the_units_in_which_ages_are_shown():
    told = {"90": 90, "90s": 90, "1.5min": 90, "12h": 43200, "30d": 2592000, "2 d": 172800, " 0 ": 0}
    assert {text: seconds_of(text) for text in told} == told


# --------------------------------------------------------------------------- export and import


def test_an_exported_run_is_the_same_elsewhere(demo: Path):
    result = ran("import", "demo.jsonl", "--journal", "other.db")
    assert result.stdout == "demo\n"
    assert result.stderr == "run demo of Build is in journal other.db\n"
    logs = [
        json.loads(ran("show", "demo", "--journal", name, "--json").stdout)["log"]
        for name in ("runs.db", "other.db")
    ]
    assert logs[0] == logs[1]
    assert ran("diff", "demo", "demo", "loop.py:graph", "--journal", "other.db").exit_code == 0


def test_programs_are_told_what_was_exported_and_imported(demo: Path):
    told = json.loads(ran("export", "demo", "x.jsonl", "--journal", "runs.db", "--json").stdout)
    assert told == {"journal": "runs.db", "run_id": "demo", "file": "x.jsonl", "records": 8}
    told = json.loads(ran("import", "x.jsonl", "--run-id", "copy", "--journal", "runs.db", "--json").stdout)
    assert told == {"journal": "runs.db", "run_id": "copy", "file": "x.jsonl", "graph": "Build"}
    assert ids() == {"demo", "copy"}


def test_a_fork_is_exported_with_what_it_shares(demo: Path):
    ran("fork", "demo", "loop.py:graph", "--at", "4", "--run-id", "two", "--no-start", "--journal", "runs.db")
    ran("export", "two", "two.jsonl", "--journal", "runs.db")
    ran("import", "two.jsonl", "--journal", "other.db")
    assert json.loads(ran("resume", "two", "loop.py:graph", "--journal", "other.db").stdout) == FINAL


CRASHING = """\
import os
from pathlib import Path
from typing import Annotated

from backedge import END, START, Context, Graph, extend
from pydantic import BaseModel


class Count(BaseModel):
    done: Annotated[list[str], extend] = []


graph = Graph(Count)


@graph.node(writes="done")
async def step(ctx: Context) -> list[str]:
    with Path("began.txt").open("a") as file:
        print(ctx.activation, file=file)
    if ctx.round() == 2 and Path("fatal").exists():
        os.kill(os.getpid(), 9)
    return [str(ctx.activation)]


graph.edge(START, step)
graph.feedback(step, step, when=lambda done: len(done) < 5, limit=10)
graph.edge(step, END, when=lambda done: len(done) == 5)
flow = graph.compile()
"""


def test_a_run_that_crashed_here_is_resumed_and_replayed_there(here: Path):
    (here / "crashing.py").write_text(CRASHING)
    (here / "fatal").touch()
    with begun("run", "crashing.py:graph", "--run-id", "demo", "--journal", "runs.db", cwd=here) as child:
        child.communicate(timeout=60)
        assert child.returncode == -9
    (here / "fatal").unlink()
    ran("export", "demo", "demo.jsonl", "--journal", "runs.db")
    there = here / "there"
    there.mkdir()
    ran("import", "demo.jsonl", "--run-id", "from-ci", "--journal", str(there / "other.db"))
    for path in here.glob("runs.db*"):
        path.unlink()
    flow = runpy.run_path("crashing.py")["flow"]

    async def go_on() -> None:
        journal = there / "other.db"
        broken_off = await flow.replay("from-ci", journal=journal)
        assert broken_off
        result = await flow.resume("from-ci", journal=journal)
        assert (result.status, result.state.done) == (RunStatus.COMPLETED, ROUNDS)
        replayed = await flow.replay("from-ci", journal=journal)
        assert replayed
        assert replayed.records > broken_off.records

    asyncio.run(go_on())
    assert (here / "began.txt").read_text().split() == [*ROUNDS[:3], *ROUNDS[2:]]


def test_a_failed_run_is_resumed_where_it_was_imported(here: Path):
    failed(here)
    ran("export", "demo", "demo.jsonl")
    ran("import", "demo.jsonl", "--journal", "other.db")
    (here / "mended").touch()
    told = json.loads(ran("resume", "demo", "failing.py:graph", "--journal", "other.db").stdout)
    assert told == FINAL
    ran("replay", "demo", "failing.py:graph", "--journal", "other.db")


def test_an_old_export_is_replaced_where_a_link_leads(demo: Path):
    (demo / "old.jsonl").write_text("old")
    (demo / "link.jsonl").symlink_to("old.jsonl")
    ran("export", "demo", "link.jsonl", "--journal", "runs.db")
    assert (demo / "link.jsonl").is_symlink()
    assert (demo / "old.jsonl").read_bytes() == (demo / "demo.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("runs.db", "runs.db: this is a database, such as a journal; name another file"),
        ("folder", "folder: this is a folder; name a file in it"),
        ("", "this is a folder"),
        ("pipe", "pipe: this is a device or a pipe; name a file"),
        ("no/demo.jsonl", "no/demo.jsonl: there is no folder no"),
        ("loop.py/demo.jsonl", "it cannot be written: Not a directory"),
        ("x" * 253, "it cannot be written: File name too long"),
    ],
)
def test_nothing_is_exported_to_where_no_file_should_be(demo: Path, file: str, says: str):
    (demo / "folder").mkdir()
    os.mkfifo(demo / "pipe")
    assert says in refused(2, "export", "demo", file, "--journal", "runs.db")


def test_a_damaged_run_is_not_exported_and_the_old_file_stays(demo: Path):
    with closing(sqlite3.connect("runs.db", isolation_level=None)) as db:
        db.execute("UPDATE records SET body = x'00' WHERE place & 4294967295 = 3")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert "record 3 of run 'demo' is damaged" in refused(
        4, "export", "demo", "demo.jsonl", "--journal", "runs.db"
    )


def spoil(kind: str) -> None:
    """Make ``bad.jsonl``, which is like an export but not one that can be imported."""
    whole = Path("demo.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    bad = {
        "empty": b"",
        "foreign": b"only a few words\n",
        "other JSON": b'{"spec": "ab"}\n' * 5,
        "deep JSON": b"[" * 100_000,
        "bytes": b"\xff\x00" * 100,
        "a journal": Path("runs.db").read_bytes(),
        "newer": whole.replace(b'"version":1', b'"version":2', 1),
        "cut off": whole[:-20],
        "a line less": b"".join([*lines[:3], *lines[4:]]),
        "another letter": whole.replace(b"4 letters", b"5 letters", 1),
    }[kind]
    assert bad != whole
    Path("bad.jsonl").write_bytes(bad)


FOREIGN = ("JournalFormatError", "this is no run that backedge exported")


@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        ("empty", *FOREIGN),
        ("foreign", *FOREIGN),
        ("other JSON", *FOREIGN),
        ("deep JSON", *FOREIGN),
        ("bytes", *FOREIGN),
        ("a journal", *FOREIGN),
        ("newer", "JournalFormatError", "it is of version 2, this backedge knows 1"),
        ("cut off", "JournalCorruptError", "the file is not whole"),
        ("a line less", "JournalCorruptError", "lines are missing"),
        ("another letter", "JournalCorruptError", "the file is damaged"),
    ],
)
def test_what_is_no_whole_export_is_refused_and_no_journal_is_made(
    demo: Path, kind: str, error: str, says: str
):
    spoil(kind)
    told = refused(2, "import", "bad.jsonl", "--journal", "other.db")
    assert told.startswith("error: bad.jsonl: ")
    assert says in told
    result = call("import", "bad.jsonl", "--journal", "other.db", "--json")
    assert json.loads(result.stdout)["error"]["type"] == error


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["no.jsonl"], 2, "no.jsonl: there is no such file"),
        (["."], 2, ".: this is a folder; name a file"),
        (["loop.py/demo.jsonl"], 2, "it cannot be read: Not a directory"),
        (["demo.jsonl", "--run-id", ""], 2, "--run-id: an id has at least one character"),
        (["demo.jsonl", "--run-id", "\udcff"], 2, "--run-id: the id of a run is a text"),
        (["demo.jsonl"], 4, "there is a run 'demo' already"),
        (["demo.jsonl", "--journal", "loop.py"], 4, "this is no SQLite database"),
        (["demo.jsonl", "--journal", "no/runs.db"], 4, "there is no folder"),
    ],
)
def test_what_cannot_be_imported_is_told_and_changes_nothing(
    demo: Path, arguments: list[str], code: int, says: str
):
    assert says in refused(code, "import", "--journal", "runs.db", *arguments)
