"""A debate of three models and its judge, which may be killed in the middle: ``performing.py FOLDER [SLOW]``

Each call of a model leaves a line in the file ``calls`` of the folder, such as ``bob-1`` for bob's second. In the call SLOW
the process says ``inside``, as soon as the others of that round have answered, and stays until it is killed.
"""

import asyncio
import sys
from pathlib import Path

from backedge import ActivationFinished
from backedge.checkpoints import SqliteJournal
from backedge.nodes.orchestra import Choice, Perspective, orchestra
from backedge.providers import ModelRequest, ScriptedModel

SAID = {"ann": "NNY", "bob": "YNY", "cy": "NYY"}
CHOICES = {"Y": "yes", "N": "no"}


class Noted(ScriptedModel):
    """Notes each call."""

    def __init__(self, name: str, stage: "Stage") -> None:
        super().__init__(self.answer)
        self.who, self.stage = name, stage

    async def respond(self, request: ModelRequest):
        await self.stage.note(self.who, round_of(request))
        return await super().respond(request)

    def answer(self, request: ModelRequest) -> str:
        said = SAID.get(self.who, "YYY")[round_of(request)]
        return f'{{"choice": "{CHOICES[said]}", "reason": "round {round_of(request)}"}}'


def round_of(request: ModelRequest) -> int:
    """The round that a model is asked in, by the reason of what it said before."""
    told = request.messages[-1].text.partition("What you answered so far:")[2]
    return int(told.partition("Reason: round ")[2][0]) + 1 if told else 0


class Stage:
    """What was done outside, and where the process stays."""

    def __init__(self, folder: Path, slow: str) -> None:
        self.path, self.slow = folder / "calls", slow
        self.alone = asyncio.Event()

    async def note(self, who: str, number: int) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{who}-{number}\n")
        if self.slow == f"{who}-{number}":
            await self.alone.wait()
            print("inside", flush=True)
            await asyncio.sleep(3600)

    def others(self) -> set[str]:
        """What has to be finished before the process stays."""
        who, _, number = self.slow.partition("-")
        return {f"{name}@{number}" for name in SAID if name != who} if who in SAID else set()


async def main(folder: Path, slow: str) -> None:
    stage = Stage(folder, slow)
    sides = [Perspective(name, f"You are {name}.", by=Noted(name, stage)) for name in SAID]
    graph = orchestra(
        sides,
        synthesis="debate",
        kind=Choice("yes", "no"),
        threshold=1,
        conductor=Noted("judge", stage),
        deadline=3600,
    )
    flow, finished = graph.compile(), set()
    async with await SqliteJournal.open(folder / "runs.db") as journal:
        if [one.header.run_id for one in await journal.runs()]:
            state = (await flow.resume("r", journal=journal)).state
            assert await flow.replay("r", journal=journal, rerun="all")
            said = [f"{one.perspective}-{one.round}:{one.text}" for one in state.answers]
            print(*said, state.result.status, state.result.answer.text, state.result.rounds, flush=True)
            return
        async with flow.start({"question": "Go?"}, journal=journal, run_id="r") as run:
            async for event in run.events():
                if isinstance(event, ActivationFinished):
                    finished.add(str(event.activation))
                if stage.others() <= finished:
                    stage.alone.set()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
