"""What people see: live pictures, colours, narrow and poor terminals, pipes that close."""

import fcntl
import json
import os
import pty
import re
import struct
import termios
from pathlib import Path

import pytest

from backedge.cli.console import ago, cut, json_line, printable, span

from .kit import FINAL, LOOP, begun, environment, process, ran

SPEC = '{"spec": "ab"}'
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7]")


def on_terminal(*arguments: str, cwd: Path, columns: int = 100, **more: str) -> tuple[int, str]:
    """Run the command line on a terminal of its own; its exit code and all it wrote."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    with begun(
        *arguments,
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(TERM="xterm-256color", **more),
        start_new_session=True,
    ) as run:
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 10_000)
            except OSError:  # what a terminal gives when its last user is gone
                break
            seen += piece
            if b"coder@1" in seen:
                (cwd / "gate").touch()
        os.close(ours)
    return run.returncode, seen.decode()


def test_a_person_sees_the_run_live_and_then_the_state(here: Path):
    (here / "slow.py").write_text(
        LOOP.replace(
            "    return spec *",
            "    print('a word')\n    while notes and not Path('gate').exists():\n        await asyncio.sleep(0.01)\n    return spec *",
        )
    )
    code, seen = on_terminal("run", "slow.py:graph", "--input", SPEC, cwd=here)
    assert code == 0
    assert "coder@1, 0." in seen  # what is under way, and for how long
    assert "finished, 1 running" in seen
    assert "a word" in seen
    assert seen.index("finished, 1 running") < seen.index("completed in")
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen)
    assert json.loads(plain[plain.rindex("\n{") :]) == FINAL


@pytest.mark.parametrize("arguments", [["show", "nobody"], ["run", "loop.py:graph", "--input", SPEC]])
def test_colours_are_for_terminals_and_not_where_no_color_is_set(here: Path, arguments: list[str]):
    ran("run", "loop.py:graph", "--input", SPEC)
    assert COLOUR.search(on_terminal(*arguments, cwd=here)[1])
    assert not COLOUR.search(on_terminal(*arguments, cwd=here, NO_COLOR="1")[1])
    done = process(*arguments, cwd=here)
    assert b"\x1b" not in done.stdout + done.stderr


def test_a_narrow_terminal_folds_and_a_pipe_does_not(here: Path):
    long = json.dumps({"spec": "word " * 9})
    ran("run", "loop.py:graph", "--input", long, "--run-id", "demo")
    row = next(line for line in ran("show", "demo").stdout.splitlines() if line.startswith("  3 "))
    assert row.count("word ") >= 9
    code, seen = on_terminal("show", "demo", cwd=here, columns=60)
    assert code == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen).splitlines()
    assert max(map(len, plain[3:])) <= 60
    assert sum("coder@1" in line for line in plain) == 1


def test_a_terminal_that_lacks_letters_does_not_crash(here: Path):
    ran("run", "loop.py:graph", "--input", '{"spec": "é→\U0001f600"}', "--run-id", "demö")
    poor = environment(PYTHONIOENCODING="ascii:strict")
    for arguments in (["runs"], ["show", "demö"], ["show", "demö", "--seq", "1"], ["show", "nobödy"]):
        done = process(*arguments, cwd=here, env=poor)
        assert done.returncode == (4 if "nobödy" in arguments else 0), done.stderr
        assert done.stdout.isascii()
        assert b"dem\\xf6" in done.stdout + done.stderr or "--seq" in arguments
    done = process("show", "demö", "--json", cwd=here, env=poor)
    assert json.loads(done.stdout)["log"][1]["writes"] == {"code": "é→\U0001f600"}


@pytest.mark.parametrize("arguments", [["show", "demo"], ["show", "demo", "--json"], ["runs"]])
def test_a_reader_that_goes_away_is_no_error(here: Path, arguments: list[str]):
    big = json.dumps({"spec": "x" * 100_000, "goal": 3})
    ran("run", "loop.py:graph", "--input", big, "--run-id", "demo")
    reading, writing = os.pipe()
    os.close(reading)  # before it starts: it might be done with little output by then
    with begun(*arguments, cwd=here, stdout=writing) as process:
        os.close(writing)
        assert process.stderr
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_control_characters_never_reach_a_terminal():
    assert printable("a\x1b[31mb\x9bc\x07\u202ed\udc80") == "a\\x1b[31mb\\x9bc\\x07\\u202ed\\udc80"
    assert printable("ä → \U0001f600\nnext") == "ä → \U0001f600\nnext"
    assert cut("one\ntwo\x1b", 9) == "one\\nt..."


def test_json_is_valid_whatever_the_text():
    assert json.loads(json_line({"x": "\ud800", "y": float("nan"), "z": (1, 2)})) == {
        "x": "\ud800",
        "y": "NaN",
        "z": [1, 2],
    }


def test_times_are_told_in_fitting_units():
    assert [ago(s) for s in (0, 59.9, 60, 7200, 200_000)] == ["0 s", "59 s", "1 min", "2 h", "2 d"]
    assert [span(s) for s in (0.0001234, 0.5, 1.234, 250.4)] == ["0.123 ms", "500 ms", "1.23 s", "250 s"]
