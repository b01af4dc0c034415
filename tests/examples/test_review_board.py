"""Four roles, a debate and a vote with a veto in one workflow, run as anybody would; and killed."""

import re
import signal
import subprocess
from pathlib import Path

import pytest

from .. import forking

BOARD = Path(__file__).parents[2] / "examples" / "review_board.py"
HOW = (BOARD, "--sandbox", "subprocess")
VETOED = "vote/count@0: the vote: vetoed"


def lines(text):
    return [line for line in text.splitlines() if re.match(r"[\w/]+@", line)]


def test_what_security_vetoes_is_built_debated_and_voted_on_anew(tmp_path):
    drawn = tmp_path / "board.svg"
    kept = ("--journal", tmp_path / "board.db", "--run", "board", "--picture", drawn)
    done = forking.run(*HOW, *kept)
    told = done.stderr.decode()
    assert done.returncode == 0, told
    seen = [line.partition(":")[0] for line in lines(told)]
    loop = ["build/interpreter", "build/checker"]
    voices = ["security", "upkeep", "user"]
    debate = [f"debate/{name}" for name in (*voices, "agreement")]
    vote = ["debate/END", *(f"vote/{name}" for name in (*voices, "count"))]
    where = [re.sub(r"@.*", "", name) for name in seen]
    first, second = [*loop, *loop, *debate, *debate, *vote], [*loop, *debate, *vote]
    assert sorted(where[: len(first)]) == sorted(first)
    assert sorted(where[len(first) :]) == sorted(second)
    assert 'build/checker@0.0: wrong: total("0.1 + 0.2") should be 0.3' in told
    assert "debate/END@0: the debate: release" in told, "two of three were for it"
    assert f"{VETOED}, no option is left: security vetoed release (eval runs whatever" in told
    assert "debate/agreement@1.0: they agree by 1.00" in told
    assert "vote/count@1: the vote: won" in told
    assert "eval" not in done.stdout.decode()
    picture = drawn.read_text()
    assert all(f">{name}<" in picture for name in ("coder", "agreement", "count", "minutes"))


@pytest.mark.parametrize(("ended_by", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 3)])
def test_a_board_that_is_killed_or_stopped_after_the_veto_goes_on_from_there(tmp_path, ended_by, code):
    kept = ("--journal", tmp_path / "board.db", "--run", "board")
    process = forking.start(*HOW, *kept, stderr=subprocess.PIPE)
    told = b""
    while VETOED.encode() not in told:
        piece = process.stderr.read(1000)
        assert piece, told.decode()
        told += piece
    process.send_signal(ended_by)
    told += process.communicate()[1]
    assert process.returncode == code
    before = set(lines(told.decode().rpartition("\n")[0]))
    done = forking.run(*HOW, *kept, "--resume")
    assert done.returncode == 0, done.stderr.decode()
    after = lines(done.stderr.decode())
    assert not before & set(after), "nothing that was done is done again"
    assert after[-1].startswith("vote/count@1: the vote: won")
    assert b"InvalidOperation" in done.stdout


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        (("--journal", "b.db"), 2, "--journal and --run go together"),
        (("--resume",), 2, "--resume and --picture want to know which run"),
        (("--model", "nonsense"), 2, "error: there is no model 'nonsense'"),
        (("--journal", "b.db", "--run", "x", "--resume"), 4, "there is no such journal"),
    ],
)
def test_what_was_typed_wrongly_is_told_in_a_line(tmp_path, typed, code, told):
    done = forking.run(*HOW, *typed, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, b"")
    assert told in done.stderr.decode().splitlines()[-1]
    assert b"Traceback" not in done.stderr
