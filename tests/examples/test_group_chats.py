"""The examples of group chats, run as anybody would."""

import os
import signal
from pathlib import Path

from .. import forking

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_model_lets_the_critic_speak_before_the_editor_and_the_editor_ends_it():
    done = forking.run(EXAMPLES / "group_chat.py")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert [line.split(": ")[0] for line in lines[:-1]] == ["admin", "writer", "critic", "writer", "editor"]
    assert lines[-1] == "-- 4 turns, then editor said 'PRINT IT'"


def test_at_ctrl_c_the_admin_says_something_to_all(tmp_path):
    answer = tmp_path / "answer"
    answer.write_text("Mind the syllables.\n")
    with answer.open() as stdin:
        process = forking.start(EXAMPLES / "group_chat.py", "--pace", "0.05", stdin=stdin.fileno())
        first = process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert (first, err.count(b"you have the floor")) == (b"admin: A haiku about loops.\n", 1)
    told = out.decode()
    assert "admin, you have the floor. Say something to all, or nothing to let them go on." in told
    assert told.index("admin: Mind the syllables.") < told.index("editor: PRINT IT")


def test_the_user_proxy_looks_prices_up_runs_the_program_and_asks_at_the_end(tmp_path):
    answer = tmp_path / "answer"
    answer.write_text("two dozen, please\n\n")
    with answer.open() as stdin:
        done = forking.run(
            EXAMPLES / "user_proxy.py",
            "--sandbox",
            "subprocess",
            stdin=stdin.fileno(),
        )
    assert done.returncode == 0, done.stderr
    told = done.stdout.decode()
    for part in (
        '[calls price with {"part": "bolt"}]',
        "user: [result: 0.25]\n[result: 0.1]",
        "user: The program ran.\noutput:\n4.20\n",
        "The talk is about to end: assistant said 'TERMINATE'.",
        "assistant: Twice that, then: 8.40 dollars. TERMINATE",
    ):
        assert part in told
    assert told.endswith("-- 6 turns, then assistant said 'TERMINATE'\n")
