"""Whatever is wrong with what a command is given: one line on stderr that says so, and nothing is changed."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from backedge.checkpoints.migrations import APPLICATION_ID

from .kit import LOOP, begun, call, contents, environment, process, ran


@dataclass(frozen=True)
class Case:
    """Arguments, the exit code, and what the line says."""

    arguments: str
    code: int
    says: tuple[str, ...]


def case(arguments: str, code: int, *says: str) -> Case:
    return Case(arguments, code, says)


RUN = "run loop.py:graph --input {}"
CASES = {
    # the target
    "missing file": case("run lop.py:graph", 2, "there is no file lop.py", "did you mean loop.py?"),
    "missing folder": case("check no/such.py:graph", 2, "there is no file no/such.py"),
    "folder as target": case("check folder:graph", 2, "folder is a folder", "name a Python file"),
    "file of another kind": case("check notes.txt:graph", 2, "notes.txt is no Python file", ".py"),
    "missing module": case(
        "check no.such.module:graph", 2, "there is no file and no module 'no.such.module'"
    ),
    "no module's name": case(
        "check loop-py:graph", 2, "'loop-py' is neither a file nor the name of a module"
    ),
    "no attribute": case("check loop.py", 2, "names no graph", "there is loop.py:graph, loop.py:flow"),
    "missing attribute": case(
        "check loop.py:grap", 2, "has no 'grap'", "there is loop.py:graph, loop.py:flow"
    ),
    "no graph": case(
        "check loop.py:coder", 2, "loop.py:coder is a node of a graph, not a Graph", "loop.py:graph"
    ),
    "no graphs at all": case("check empty.py:graph", 2, "there is no Graph or compiled flow in it"),
    "syntax error": case("check syntax.py:graph", 2, "syntax.py:2: SyntaxError"),
    "file that raises": case("check raises.py:graph", 2, "raises.py:3: ValueError: no luck"),
    "import that raises": case("check imports.py:graph", 2, "raises.py:3: ValueError: no luck"),
    "import that is missing": case(
        "check lacks.py:graph", 2, "lacks.py:1: ModuleNotFoundError", "'no_such_thing'"
    ),
    "file that exits": case("check exits.py:graph", 2, "exits.py:2: it ends the process", "__name__"),
    "no text": case("check binary.py:graph", 2, "binary.py"),
    # inputs
    "broken JSON": case('run loop.py:graph --input {"spec":', 2, "--input", "line 1, column 9"),
    "path without @": case("run loop.py:graph --input in.json", 2, "no JSON", "write --input @in.json"),
    "JSON of another kind": case(
        "run loop.py:graph --input [1]", 2, "expected a JSON object", "found a list"
    ),
    "missing input file": case(
        "run loop.py:graph --input @no.json", 2, "--input @no.json: there is no such file"
    ),
    "folder as input": case("run loop.py:graph --input @folder", 2, "--input @folder: this is a folder"),
    "input that is no text": case(
        "run loop.py:graph --input @binary.py", 2, "--input @binary.py", "not UTF-8"
    ),
    "missing inputs": case("run loop.py:graph", 2, "cannot run Build", "'spec' must be given"),
    "unknown input": case(
        'run loop.py:graph --input {"spec":"a","sped":1}', 2, "'sped' is no field of the state"
    ),
    "input of another type": case('run loop.py:graph --input {"spec":3}', 2, "'spec'", "str", "3"),
    "deep JSON": case("run loop.py:graph --input @deep.json", 2, "--input @deep.json", "cannot be read"),
    # options
    "no arguments": case("run", 2, "Missing argument 'TARGET'", "--help"),
    "unknown command": case("ruin", 2, "ruin", "--help"),
    "unknown option": case("run loop.py:graph --imput {}", 2, "--imput", "--help"),
    "no slots": case(f"{RUN} --concurrency 0", 2, "--concurrency", "x>=1"),
    "unknown durability": case(f"{RUN} --durability full", 2, "--durability", "'step', 'batched', 'exit'"),
    "no time": case(f"{RUN} --deadline 0", 2, "--deadline", "x>0"),
    "unknown limit": case(
        f"{RUN} --limit checker->coda=1", 2, "no feedback edge", "did you mean checker->coder?"
    ),
    "limit without number": case(
        f"{RUN} --limit checker->coder", 2, "--limit 'checker->coder': expected EDGE=N"
    ),
    "limit of another kind": case(
        f"{RUN} --limit checker->coder=x", 2, "expected a whole number from 0, found 'x'"
    ),
    "limit twice": case(f"{RUN} --limit checker->coder=1 --limit checker->coder=2", 2, "given twice"),
    "unknown slot": case(f"{RUN} --slots gpu=1", 2, "'gpu' is no slot that a node uses", "threads"),
    "empty run id": case("run loop.py:graph --run-id=", 2, "--run-id"),
    "missing resource": case(
        "run needy.py:graph", 2, "needs the resource unit", "--resource unit=FILE.py:ATTRIBUTE"
    ),
    "unknown resource": case(f"{RUN} --resource unit=loop.py:flow", 2, "'unit' is no resource of this graph"),
    "resource that is not there": case(
        "run needy.py:graph --resource unit=needy.py:thing", 2, "needy.py has no 'thing'", "things"
    ),
    "resource that fails": case(
        "run needy.py:graph --resource unit=needy.py:fails", 2, "needy.py:", "KeyError: 'x'"
    ),
    "resource without attribute": case("run needy.py:graph --resource unit=needy.py", 2, "names no resource"),
    "async resource": case("run needy.py:graph --resource unit=needy.py:later", 2, "async function"),
    # journals and runs
    "missing journal": case("runs --journal no.db", 4, "journal no.db: there is no such file"),
    "missing default journal": case("show demo", 4, "backedge.db", "--journal"),
    "missing journal to resume": case(
        "resume demo loop.py:graph --journal no.db", 4, "no.db: there is no such file"
    ),
    "missing journal to draw": case(
        "render loop.py:graph x.txt --run demo --journal no.db", 4, "no such file"
    ),
    "folder as journal": case("runs --journal folder", 4, "this is a folder"),
    "run into a folder": case(
        'run loop.py:graph --input {"spec":"a"} --journal folder', 4, "this is a folder; name a file in it"
    ),
    "run into no folder": case(
        'run loop.py:graph --input {"spec":"a"} --journal no/runs.db', 4, "there is no folder"
    ),
    "empty journal": case("runs --journal empty.db", 4, "empty.db: this file is empty"),
    "pipe as journal": case("runs --journal pipe", 4, "a device or a pipe; name a file"),
    "run into a pipe": case(
        'run loop.py:graph --input {"spec":"a"} --journal pipe', 4, "a device or a pipe; name a file"
    ),
    "picture into a pipe": case("render loop.py:graph pipe.txt", 2, "a device or a pipe; name a file"),
    "pipe as target": case("check pipe:graph", 2, "pipe is no Python file"),
    "text as journal": case("runs --journal notes.txt", 4, "this is no SQLite database"),
    "run into a text": case(
        'run loop.py:graph --input {"spec":"a"} --journal notes.txt', 4, "no SQLite database"
    ),
    "foreign database": case("show demo --journal foreign.db", 4, "is not a backedge journal"),
    "newer journal": case("runs --journal newer.db", 4, "newer.db: it was written by a newer backedge"),
    "damaged file": case("show demo --journal torn.db", 4, "torn.db", "damaged"),
    "unknown run": case("show demi --journal runs.db", 4, "there is no run 'demi'; did you mean demo?"),
    "unknown run to resume": case("resume dem loop.py:graph --journal runs.db", 4, "no run 'dem'", "demo"),
    "unknown run to draw": case(
        "render loop.py:graph x.txt --run x --journal runs.db", 4, "no run 'x'", "demo"
    ),
    "run id that is taken": case(
        'run loop.py:graph --input {"spec":"a"} --run-id demo --journal runs.db',
        4,
        "'demo' already",
        "resume",
    ),
    "unknown record": case("show demo --seq 99 --journal runs.db", 2, "no record 99", "from 0 to 7"),
    "unknown state": case("show demo loop.py:graph --state 99 --journal runs.db", 2, "no record 99"),
    "state far away": case(
        f"show demo loop.py:graph --state {10**30} --journal runs.db", 2, "no record 1000"
    ),
    "state without graph": case("show demo --state 3 --journal runs.db", 2, "add TARGET"),
    "resume without graph": case(
        "resume demo --journal runs.db", 2, "of graph 'Build'", "resume demo path/to/file.py"
    ),
    "changed graph": case(
        "resume demo other.py:graph --journal runs.db", 4, "graph changed", "use the graph it was made with"
    ),
    "picture of no kind": case("render loop.py:graph x.xyz", 2, "'.xyz'", ".svg"),
    "picture in no folder": case("render loop.py:graph no/x.txt", 2, "there is no folder"),
    "journal without run": case("render loop.py:graph x.txt --journal runs.db", 2, "--run"),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that is wrong in it, made once."""
    here = tmp_path_factory.mktemp("bad")
    (here / "folder").mkdir()
    os.mkfifo(here / "pipe")
    os.mkfifo(here / "pipe.txt")
    files = {
        "loop.py": LOOP,
        "other.py": LOOP.replace("coder", "writer"),
        "empty.py": "",
        "syntax.py": "x = 1\ndef f(:\n",
        "raises.py": "def f():\n    pass\nraise ValueError('no luck')\n",
        "imports.py": "import raises\n",
        "lacks.py": "import no_such_thing\n",
        "exits.py": "import sys\nsys.exit(3)\n",
        "needy.py": LOOP.replace("Graph(Build)", "Graph(Build, resources={'unit': str})")
        + "things = 1\ndef fails():\n    return {}['x']\nasync def later(): ...\n",
        "notes.txt": "only a few words\n" * 20,
        "in.json": '{"spec": "ab"}',
        "deep.json": "[" * 100_000,
        "empty.db": "",
    }
    for name, text in files.items():
        (here / name).write_text(text)
    (here / "binary.py").write_bytes(b"\xff\xfe\x00\x01" * 100)
    made = process(
        "run", "loop.py:graph", "--input", "@in.json", "--run-id", "demo", "--journal", "runs.db", cwd=here
    )
    assert made.returncode == 0, made.stderr
    _spoil(here)
    return here


def _spoil(here: Path) -> None:
    with closing(sqlite3.connect(here / "foreign.db")) as db:
        db.execute("CREATE TABLE things (x)")
        db.commit()
    shutil.copy(here / "runs.db", here / "newer.db")
    with closing(sqlite3.connect(here / "newer.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA user_version = 999")
    whole = (here / "runs.db").read_bytes()
    (here / "torn.db").write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))


FIRST = {wrong.arguments.split()[0]: name for name, wrong in reversed(CASES.items())}
"""For each command a case that is tried in a process of its own; the long tests try all of them there."""


@pytest.mark.parametrize(
    "name",
    [
        name if name in FIRST.values() else pytest.param(name, marks=pytest.mark.soak, id=f"{name}, process")
        for name in CASES
    ],
)
def test_bad_input_is_told_on_one_line_and_changes_nothing(prepared: Path, name: str):
    wrong = CASES[name]
    before = contents(prepared)
    done = process(*wrong.arguments.split(), cwd=prepared)
    told(wrong, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert contents(prepared) == before


@pytest.mark.parametrize("name", [name for name in CASES if name not in FIRST.values()])
def test_bad_input_is_told_so_where_the_command_line_is_called(
    prepared: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(prepared)
    wrong = CASES[name]
    before = contents(prepared)
    done = call(*wrong.arguments.split())
    told(wrong, done.exit_code, done.stdout, done.stderr)
    assert contents(prepared) == before


def told(wrong: Case, code: int, out: str, errors: str):
    """Whether an error is told as it should be: on one line, and what it says."""
    assert code == wrong.code, errors
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    for text in wrong.says:
        assert text in errors
    assert out == ""


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ("show demi --journal runs.db", "RunNotFoundError"),
        ("resume demi --journal runs.db", "RunNotFoundError"),
        ("render loop.py:graph x.txt --run demi --journal runs.db", "RunNotFoundError"),
        ("show demo --journal no.db", "JournalOpenError"),
        ("runs --journal empty.db", "JournalOpenError"),
        ("runs --journal notes.txt", "JournalFormatError"),
    ],
)
def test_with_json_an_error_has_the_name_it_has_in_python(prepared: Path, arguments: str, kind: str):
    done = process(*arguments.split(), "--json", cwd=prepared)
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["type"] == kind


def test_with_json_the_error_is_one_object_on_stdout(here: Path):
    result = call("run", "loop.py:graph", "--json")
    assert result.exit_code == 2
    told = json.loads(result.stdout)["error"]
    assert told["type"] == "InputError"
    assert "'spec' must be given" in told["message"]
    assert result.stderr == f"error: {told['message']}\n"
    told = json.loads(call("runs", "--json", "--no-such-option").stdout)["error"]
    assert "--no-such-option" in told["message"]


@pytest.mark.parametrize(
    "arguments", [["--debug", "check", "raises.py:graph"], ["check", "raises.py:graph", "--debug"]]
)
def test_debug_shows_the_traceback_of_the_users_file(here: Path, arguments: list[str]):
    (here / "raises.py").write_text("raise ValueError('no luck')\n")
    result = call(*arguments)
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert 'raises.py", line 1' in result.stderr


def test_problems_of_a_graph_are_listed_where_it_cannot_run(here: Path):
    (here / "wrong.py").write_text(
        LOOP.replace("limit=5", "limit=-1").replace("spec: str, notes", "spek: str, notes")
    )
    result = call("run", "wrong.py:graph", "--input", "{}")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert lines[0] == "error: 2 problems in the graph:"
    assert any("'spek'" in line for line in lines[1:])
    assert any("limit" in line for line in lines[1:])
    assert not (here / "backedge.db").exists()


def test_a_damaged_record_is_named_and_what_lies_before_it_is_shown(here: Path):
    ran("run", "loop.py:graph", "--input", '{"spec": "ab"}', "--run-id", "demo")
    with closing(sqlite3.connect("backedge.db", isolation_level=None)) as db:
        db.execute("UPDATE records SET body = x'00' WHERE place & 4294967295 = 3")
    result = call("show", "demo")
    assert result.exit_code == 4
    assert "coder@0" in result.stdout
    assert "coder@1" not in result.stdout
    assert "record 3 of run 'demo' is damaged" in result.stderr
    result = call("show", "demo", "--json")
    assert result.exit_code == 4
    assert "record 3" in json.loads(result.stdout)["error"]["message"]


@pytest.mark.parametrize("lost", ["place & 4294967295 = 3", "place & 4294967295 >= 5", "1"])
@pytest.mark.parametrize(
    "arguments",
    [
        "show demo",
        "show demo loop.py:graph --state 6",
        "render loop.py:graph x.txt --run demo",
    ],
)
def test_records_that_are_gone_are_told_and_nothing_is_changed(here: Path, arguments: str, lost: str):
    ran("run", "loop.py:graph", "--input", '{"spec": "ab"}', "--run-id", "demo")
    with closing(sqlite3.connect("backedge.db", isolation_level=None)) as db:
        db.execute(f"DELETE FROM records WHERE {lost}")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = contents(here)
    result = call(*arguments.split())
    if result.exit_code != 0:
        assert result.exit_code in (2, 4)
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
        assert contents(here) == before


def test_a_schema_that_is_no_text_any_more_is_told_as_damage(here: Path):
    ran("run", "loop.py:graph", "--input", '{"spec": "ab"}', "--run-id", "demo")
    path = here / "backedge.db"
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE", b"CREATE\xd5TABLE"))
    before = contents(here)
    result = call("runs")
    assert result.exit_code == 4
    assert result.stderr.startswith("error: ")
    assert "damaged" in result.stderr
    assert contents(here) == before


def test_a_run_that_somebody_works_on_is_not_resumed(here: Path):
    with begun("run", "gated.py:graph", "--run-id", "demo", cwd=here) as owner:
        while not (here / "began.txt").exists():
            assert owner.poll() is None
        result = call("resume", "demo", "gated.py:graph")
        assert result.exit_code == 4
        assert f"pid {owner.pid}" in result.stderr
        assert "--takeover" in result.stderr
        assert result.stderr.count("\n") == 1
        (here / "gate").touch()
        owner.communicate(timeout=60)
        assert owner.returncode == 0


@pytest.mark.parametrize(
    "arguments",
    ["check secret.py:graph", "runs --journal secret.db", "run loop.py:graph --input @secret.json"],
)
def test_what_may_not_be_read_is_told(here: Path, arguments: str):
    ran("run", "loop.py:graph", "--input", '{"spec": "ab"}', "--journal", "secret.db")
    (here / "secret.py").write_text(LOOP)
    (here / "secret.json").write_text("{}")
    for path in here.glob("secret.*"):
        path.chmod(0)
    command = [sys.executable, "-m", "backedge", *arguments.split()]
    if os.geteuid() == 0:  # whom nothing stops from reading, but for the lack of a capability
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv to give up root's right to read everything")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    done = subprocess.run(command, cwd=here, capture_output=True, env=environment(), timeout=60, check=False)
    told = done.stderr.decode()
    assert done.returncode in (2, 4), told
    assert told.startswith("error: ")
    assert told.count("\n") == 1
    assert "secret" in told
    assert "ermission denied" in told


def test_an_application_id_alone_makes_no_journal(here: Path):
    with closing(sqlite3.connect(here / "fake.db", isolation_level=None)) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
    result = call("runs", "--journal", "fake.db")
    assert result.exit_code == 4
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_a_defect_of_ours_is_one_line_too(here: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("backedge.cli.journals.status_of", broken)
    ran("run", "loop.py:graph", "--input", '{"spec": "ab"}')
    result = call("runs")
    assert result.exit_code == 70
    assert result.stderr == "error: backedge itself failed: ZeroDivisionError: oh (--debug shows where)\n"


@pytest.mark.parametrize("arguments", [["show"], ["send"], ["cancel"], ["delete"], ["resume"]])
def test_an_id_that_no_run_can_have_is_not_found(here: Path, arguments: list[str]):
    ran("run", "loop.py:graph", "--input", '{"spec": "ab"}')
    more = {"send": ["go"], "resume": ["loop.py:graph"]}.get(arguments[0], [])
    result = call(*arguments, "half\udcff", *more)
    assert result.exit_code == 4, result.output
    assert result.stderr.startswith("error: ")
    assert "no run" in result.stderr
