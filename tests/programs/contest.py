"""A repair by search and model. ``contest.py DB RUN FOLDER [CALL]``; the program and its cases are in FOLDER.

Each call of the model leaves a line in ``FOLDER/calls``. With CALL that one says so and never answers.
"""

import asyncio
import hashlib
import json
import sys
from pathlib import Path

from backedge.checkpoints import SqliteJournal
from backedge.nodes.repair.board import JournalBoard
from backedge.nodes.repair.contest import contest_graph
from backedge.nodes.repair.graph import Request
from backedge.nodes.repair.judge import Rules
from backedge.nodes.repair.modelled import ModelProgrammer
from backedge.nodes.repair.programmer import SearchProgrammer
from backedge.nodes.repair.runner import Runner
from backedge.nodes.sandbox import SubprocessSandbox
from backedge.providers import ScriptedModel


class Noted(ScriptedModel):
    def __init__(self, folder: Path, pending: int) -> None:
        self.calls, self.pending = folder / "calls", pending
        answers = json.loads((folder / "answers.json").read_text())
        super().__init__(lambda request: answers[self.made() - 1])

    def made(self) -> int:
        """Calls that were begun, those that were cut off not counted twice."""
        told = [line for line in self.calls.read_text().split("\n") if line]
        return len(set(told))

    async def respond(self, request):
        digest = hashlib.sha256(request.messages[-1].text.encode()).hexdigest()
        with self.calls.open("a") as file:
            file.write(f"{digest}\n")
        if self.made() == self.pending:
            print("pending", flush=True)
            await asyncio.Event().wait()
        return await super().respond(request)


async def main(database: str, run_id: str, folder: Path, pending: int) -> None:
    flow, sandbox = contest_graph().compile(), SubprocessSandbox()
    async with await SqliteJournal.open(database) as journal:
        resources = {
            "programmer": SearchProgrammer(),
            "runner": Runner(sandbox=sandbox),
            "author": ModelProgrammer(Noted(folder, pending)),
            "tester": Runner(sandbox=sandbox, workers=1),
            "board": JournalBoard(database),
        }
        known = run_id in [summary.header.run_id for summary in await journal.runs()]
        if known:
            run = flow.reopen(run_id, journal=journal, resources=resources)
        else:
            request = Request(
                program=str(folder / "p.py"), function="double", cases=str(folder / "cases.jsonl")
            )
            inputs = {"request": request, "rules": Rules(seconds=60)}
            run = flow.start(inputs, journal=journal, run_id=run_id, resources=resources)
        async with run:
            async for event in run.events():
                print(type(event).__name__, getattr(event, "activation", ""), flush=True)
            state = (await run.result()).state
        print("outcome", state.verdict.status, state.memory.bill.calls, flush=True)
        print(state.memory.winners[0].candidate.source(state.specification.source), flush=True)
    await sandbox.close()


if __name__ == "__main__":
    asyncio.run(
        main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 0)
    )
