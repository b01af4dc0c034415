"""``backedge repair`` as it is typed; programs run without isolation here, since they are our own."""

import json
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backedge.cli import repairing

from ..nodes.repair.warm import Open, warm_sandbox
from .kit import begun, call, process, typed

WRONG = 'def add(a, b):\n    """The sum."""\n    return a - b\n'
CASES = "[[0, 0], 0]\n[[1, 2], 3]\n[[5, 5], 10]\n"
OPTIONS = ("--function", "add", "--cases", "add.jsonl", "--sandbox", "subprocess")
PROGRAMS = Path(__file__).parents[1] / "nodes" / "repair" / "programs"


@pytest.fixture(scope="module", autouse=True)
def harness_is_loaded() -> Iterator[None]:
    """What is called in this process need not load the harness for each run; other processes do."""
    with warm_sandbox() as sandbox, pytest.MonkeyPatch.context() as patched:
        patched.setattr(repairing, "open_sandbox", lambda _name: Open(sandbox))
        yield


@pytest.fixture
def there(here: Path) -> Path:
    """The current folder, with a program to repair in it."""
    (here / "add.py").write_text(WRONG)
    (here / "add.jsonl").write_text(CASES)
    return here


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a repair, run ``my/run 1``, with the patch it printed and the picture it drew beside it."""
    folder = tmp_path_factory.mktemp("done")
    (folder / "add.py").write_text(WRONG)
    (folder / "add.jsonl").write_text(CASES)
    ended = process("repair", "add.py", *OPTIONS, "--run-id", "my/run 1", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    (folder / "printed").write_bytes(ended.stdout)
    return folder


def repaired(*arguments: str) -> str:
    """The patch that a repair prints."""
    result = call("repair", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_patch_is_printed_and_all_else_is_told_beside_it(there: Path):
    result = call("repair", "add.py", *OPTIONS, "--run-id", "it")
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        '--- a/add.py\n+++ b/add.py\n@@ -1,3 +1,3 @@\n def add(a, b):\n     """The sum."""\n'
        "-    return a - b\n+    return a + b\n"
    )
    assert re.search(r"^repaired: .* \(\d+ rounds, \d+ candidates, ", result.stderr, re.MULTILINE)
    assert "journal: backedge.db, run it" in result.stderr
    assert "picture: backedge-it.svg" in result.stderr
    assert "<svg" in (there / "backedge-it.svg").read_text()


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("./add.py", "add.py"), ("deep/../deep/add.py", "deep/add.py")],
)
def test_the_diff_names_the_file_as_it_was_given(there: Path, typed: str, shown: str):
    (there / "deep").mkdir()
    (there / "deep" / "add.py").write_text(WRONG)
    assert repaired(typed, *OPTIONS).startswith(f"--- a/{shown}\n+++ b/{shown}\n")


STRANGE = WRONG.replace("The sum", "Form\ffeed, d\u2028, größe 日")
FILES = {
    "CRLF": WRONG.replace("\n", "\r\n"),
    "byte order mark": "\ufeff" + WRONG,
    "strange separators": STRANGE,
    "all of that": "\ufeff" + STRANGE.replace("\n", "\r\n"),
}


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(text, marks=() if name == "all of that" else pytest.mark.soak, id=name)
        for name, text in FILES.items()
    ],
)
def test_a_patch_applies_to_the_file_as_it_is(there: Path, before: str):
    (there / "add.py").write_bytes(before.encode())
    done = process("repair", "add.py", *OPTIONS, cwd=there)
    assert done.returncode == 0, done.stderr
    subprocess.run(["git", "apply", "-"], input=done.stdout, cwd=there, check=True)
    assert (there / "add.py").read_bytes() == before.replace("a - b", "a + b").encode()


def test_json_holds_patches_and_counts(there: Path):
    result = call("repair", "add.py", *OPTIONS, "--json", "--all", "2")
    told = json.loads(result.stdout)
    assert (told["status"], told["error"], told["resume"]) == ("repaired", None, None)
    assert len(told["patches"]) == 2
    assert told["rounds"] >= 2
    assert 0 < told["searched"] <= told["seconds"] + 1


def test_a_program_that_cannot_be_repaired_ends_with_1(there: Path):
    (there / "add.jsonl").write_text("[[0, 0], [1]]\n[[0, 0], [2]]\n")
    result = call("repair", "add.py", *OPTIONS, "--seconds", "1")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert re.search(r"^(exhausted|out of time): ", result.stderr, re.MULTILINE)


BAD = {
    "add.jsonl:2: not JSON": {"add.jsonl": "[[1, 2], 3]\n[[1"},
    "add.jsonl:1: expected [[arguments], expected]": {"add.jsonl": "[1, 2]\n"},
    "add.py:1: not Python": {"add.py": "def add(:\n"},
    "there is no function 'add'": {"add.py": "def other():\n    return 1\n"},
    "nothing to repair: all 3 cases pass already": {"add.py": WRONG.replace("-", "+")},
}


@pytest.mark.parametrize("told", BAD)
def test_bad_input_ends_with_2_and_says_where(there: Path, told: str):
    for name, text in BAD[told].items():
        (there / name).write_text(text)
    result = call("repair", "add.py", *OPTIONS)
    assert result.exit_code == 2
    assert f"error: {told}" in result.stderr or told in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("tests", "told"),
    [
        ("import nowhere_to_be_found\n", "the tests cannot be run here: ModuleNotFoundError"),
        ("from add import add\n", "checks.py holds no tests"),
    ],
)
def test_tests_that_cannot_be_used_end_with_2(there: Path, tests: str, told: str):
    (there / "checks.py").write_text(tests)
    result = call("repair", "add.py", "--tests", "checks.py", "--sandbox", "subprocess")
    assert result.exit_code == 2
    assert told in result.stderr
    assert "go on with" not in result.stderr


@pytest.mark.parametrize("seconds", ["nan", "inf", "0", "-1"])
def test_seconds_that_are_no_number_of_seconds_are_refused(there: Path, seconds: str):
    result = call("repair", "add.py", *OPTIONS, "--seconds", seconds)
    assert result.exit_code == 2
    assert not (there / "backedge.db").exists()


def test_a_picture_that_cannot_be_written_is_no_reason_to_fail(there: Path):
    result = call("repair", "add.py", *OPTIONS, "--svg", "no/such/folder/run.svg")
    assert result.exit_code == 0
    assert "warning: the run could not be drawn" in result.stderr
    assert call("repair", "add.py", *OPTIONS, "--svg", "run.png").exit_code == 2


def test_any_run_id_gets_a_picture(done: Path):
    assert (done / "backedge-my_run_1.svg").exists()


def test_what_the_journal_holds_cannot_be_given_again(here: Path, done: Path):
    shutil.copy(done / "backedge.db", here)
    result = call("repair", "--resume", "my/run 1", "add.py", "--seconds", "5")
    assert result.exit_code == 2
    assert "leave PROGRAM, --seconds out" in result.stderr


def test_a_repair_that_is_done_tells_its_patch_again(here: Path, done: Path):
    shutil.copy(done / "backedge.db", here)
    patch = (done / "printed").read_text()
    assert patch.startswith("--- a/add.py\n")
    assert repaired("--resume", "my/run 1", "--sandbox", "subprocess") == patch


def interrupted(command: list[str], cwd: Path, rounds: int) -> tuple[list[int], str]:
    """Interrupt a repair after some rounds: those it told, and the command it printed."""
    run = begun(*command, cwd=cwd)
    assert run.stderr
    assert run.stdout
    told, sent = b"", False
    for line in run.stderr:
        told += line
        if not sent and told.count(b"round ") - told.count(b" round ") >= rounds:
            run.send_signal(signal.SIGINT)
            sent = True
    out = run.stdout.read()
    run.stdout.close()
    run.stderr.close()
    assert run.wait(timeout=60) == 3, told
    assert out == b""
    command_line = re.search(r"go on with: (.*)", told.decode())
    assert command_line, told
    return rounds_of(told), command_line[1]


def rounds_of(told: bytes) -> list[int]:
    """The numbers of the rounds that were told."""
    return [int(number) for number in re.findall(rb"^round +(\d+)", told, re.MULTILINE)]


ASKED = {
    "settings": ("--function", "merged", "--cases", "settings.jsonl"),
    "roman": ("--tests", "roman_checks.py"),
}


@pytest.mark.parametrize("name", ["settings", pytest.param("roman", marks=pytest.mark.soak)])
def test_ctrl_c_prints_the_command_that_goes_on_again_and_again(here: Path, name: str):
    for file in PROGRAMS.glob(f"{name}*"):
        (here / file.name).write_text(file.read_text())
    options = ("--sandbox", "subprocess", "--workers", "1", "--journal", "my runs.db")
    command = ["repair", f"{name}.py", *ASKED[name], *options]
    told: list[int] = []
    for _ in range(2):
        rounds, line = interrupted(command, here, 1)
        told += rounds
        command = shlex.split(line)
        command = command[command.index("repair") :]
        assert {"--sandbox", "--workers", "--resume"} <= set(command)
    for file in here.glob(f"{name}*"):
        file.unlink()  # the journal holds all that is needed
    done = typed(line, here)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().startswith(f"--- a/{name}.py\n+++ b/{name}.py\n")
    told += rounds_of(done.stderr)
    assert told == list(range(len(told)))
