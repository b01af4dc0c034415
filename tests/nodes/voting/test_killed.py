"""A vote whose process is killed goes on with the ballots that it has."""

import importlib.util
import signal
import subprocess

from ... import forking

PROGRAM = r"""
import asyncio
from pathlib import Path

from backedge import ActivationFinished
from backedge.nodes.voting import Election, Opinion, poll

ASKED = Path("asked.txt")


def voter(name):
    async def vote(election, ctx):
        first = not ASKED.exists() or name not in ASKED.read_text()
        with ASKED.open("a") as told:
            told.write(f"{name}\n")
        if name == "slow" and first:
            await asyncio.sleep(3600)
        return Opinion(approve=("plan",), reason=name)

    return vote


flow = poll({name: voter(name) for name in ("slow", "ann", "bob")}).compile()


async def main():
    cast = set()
    inputs = {"election": Election(options=["plan"], quorum=3)}
    async with flow.start(inputs, journal="votes.db", run_id="vote") as run:
        async for event in run.events():
            if isinstance(event, ActivationFinished):
                cast.add(event.activation.node)
            if cast == {"ann", "bob"}:
                print(*sorted(ASKED.read_text().split()), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
"""


def test_a_killed_vote_asks_only_those_whose_ballot_is_missing(tmp_path, monkeypatch):
    program = tmp_path / "killed_vote.py"
    program.write_text(PROGRAM)
    with forking.start(program, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        told = process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert told == b"ann bob slow\n"
    assert process.returncode == -signal.SIGKILL

    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("killed_vote", program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    state = module.flow.resume_sync("vote", journal="votes.db").state
    assert state.result.winner == "plan"
    assert sorted(one.reason for one in state.ballots) == ["ann", "bob", "slow"]
    assert (tmp_path / "asked.txt").read_text().split()[3:] == ["slow"]
