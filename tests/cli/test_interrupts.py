"""Real processes that are stopped in the middle of a run, and the commands they print."""

import json
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ..forking import Forked
from .kit import GATED, begun, call, process, ran, typed, whole

DONE = {"done": [f"step@{n}" for n in range(5)]}


def start(here: Path, *arguments: str, began: str = "step@2") -> Forked:
    """Start a run and wait until an activation has begun."""
    run = begun("run", *arguments, "--run-id", "demo", cwd=here)
    until(here, began, run)
    return run


def until(here: Path, began: str, run: Forked) -> None:
    log = here / "began.txt"
    while not (log.exists() and began in log.read_text().split()):
        assert run.poll() is None, run.communicate()
        time.sleep(0.01)


def go_on(here: Path, told: str, entirely: bool = False) -> subprocess.CompletedProcess[bytes]:
    """Type the command that was printed."""
    command = re.search(r"go on with: (.*)", told)
    assert command, told
    (here / "gate").touch()
    return whole(*shlex.split(command[1]), cwd=here) if entirely else typed(command[1], here)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_and_the_printed_command_goes_on(here: Path, number: signal.Signals):
    run = start(here, "gated.py:graph")
    run.send_signal(number)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 3, err
    assert out == b""
    assert b"stopping so that the run can be resumed" in err
    assert "run 'demo' was interrupted" in err.decode().splitlines()
    done = go_on(here, err.decode(), entirely=number == signal.SIGINT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == DONE
    assert (here / "began.txt").read_text().split() == [
        "step@0",
        "step@1",
        "step@2",
        "step@2",
        "step@3",
        "step@4",
    ]


def test_json_of_an_interrupted_run_holds_the_command(here: Path):
    run = start(here, "gated.py:graph", "--json")
    run.send_signal(signal.SIGTERM)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 3, err
    told = json.loads(out)
    assert (told["status"], told["error"]["type"]) == ("interrupted", "RunInterruptedError")
    assert go_on(here, f"go on with: {told['resume']}").returncode == 0


STUBBORN = {
    "ignores its cancellation": "while not Path('gate').exists():\n"
    "            try:\n                await asyncio.sleep(0.01)\n"
    "            except asyncio.CancelledError:\n                pass\n",
    "keeps the event loop busy": "while not Path('gate').exists():\n            pass\n",
}


@pytest.mark.parametrize("how", STUBBORN)
def test_a_second_ctrl_c_does_not_wait_for_a_node_that_will_not_stop(here: Path, how: str):
    loop = re.search(r"while not .*\n.*\n", GATED)
    assert loop
    (here / "stubborn.py").write_text(GATED.replace(loop[0], STUBBORN[how]))
    run = start(here, "stubborn.py:graph")
    run.send_signal(signal.SIGINT)
    assert run.stderr
    told = b""
    while b"once more" not in told:
        told += os.read(run.stderr.fileno(), 1000)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert "stopped at once" in err.decode()
    assert go_on(here, err.decode()).returncode == 0


def test_a_run_that_was_killed_is_shown_as_crashed_and_resume_completes_it(here: Path):
    run = start(here, "gated.py:graph")
    assert " running " in ran("runs").stdout
    run.kill()
    run.communicate(timeout=60)
    listed = json.loads(ran("runs", "--json").stdout)["runs"]
    assert [(one["run_id"], one["status"], one["owner"]) for one in listed] == [("demo", "crashed", None)]
    assert " crashed " in ran("runs").stdout
    assert "demo of Count: crashed" in ran("show", "demo").stdout
    (here / "gate").touch()
    done = process("resume", "demo", "gated.py:graph", cwd=here)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == DONE
    assert (here / "began.txt").read_text().split() == [
        "step@0",
        "step@1",
        "step@2",
        "step@2",
        "step@3",
        "step@4",
    ]
    assert " completed " in ran("runs").stdout


def test_takeover_fences_off_an_owner_that_is_stuck(here: Path):
    run = start(here, "gated.py:graph")
    run.send_signal(signal.SIGSTOP)
    assert call("resume", "demo", "gated.py:graph").exit_code == 4
    (here / "gate").touch()
    result = ran("resume", "demo", "gated.py:graph", "--takeover")
    assert json.loads(result.stdout) == DONE
    run.send_signal(signal.SIGCONT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 4, err
    assert b"was taken over" in err
    assert b"go on with" not in err


def test_ctrl_c_while_nothing_runs_ends_quietly(here: Path):
    (here / "slow.py").write_text(
        "from pathlib import Path\nPath('began.txt').write_text('import')\nwhile True: pass\n"
    )
    run = start(here, "slow.py:graph", began="import")
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert out == b""
    assert err.decode().split() == ["error:", "stopped", "by", "Ctrl-C"]
