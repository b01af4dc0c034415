"""Draws the pictures of `docs/repair.md`: `python docs/images/draw_repair.py [FOLDER]`.

Both are real repairs of `examples/repair/parking.py`, one by the search, one by search and model; the model's answers
are scripted. Their clock is replaced as in `draw.py`. How many rounds the search needs depends a little on the machine, since a
round has as many candidates as the last one's pace allows.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from draw import steady

from backedge import Flow
from backedge.checkpoints import MemoryJournal
from backedge.engine.records import Record
from backedge.engine.render import render
from backedge.nodes.repair.board import JournalBoard
from backedge.nodes.repair.contest import contest_graph
from backedge.nodes.repair.graph import Request, repair_graph
from backedge.nodes.repair.modelled import ModelProgrammer
from backedge.nodes.repair.programmer import SearchProgrammer
from backedge.nodes.repair.runner import Runner
from backedge.nodes.sandbox import SubprocessSandbox
from backedge.providers import ModelRequest, ModelResponse, ScriptedModel

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "repair"

HALF_RIGHT: Final = """The last line picks the larger of the two.

```python
def fee_of_a_day(minutes):
    if minutes <= FREE:
        return 0
    hours = (minutes + 60) // 60
    fee = 0
    for hour in range(hours):
        fee += FIRST if hour < FIRST_HOURS else LATER
    return min(fee, DAY)
```
"""
RIGHT: Final = HALF_RIGHT.replace("+ 60)", "+ 59)").replace("The last line", "A full hour began anew, and it")


class Thoughtful(ScriptedModel):
    """Thinks until the search has had a round, as models do, so that both loops have several rounds in the picture."""

    def __init__(self, board: JournalBoard) -> None:
        super().__init__([HALF_RIGHT, RIGHT])
        self._board = board

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """See `ScriptedModel`."""
        while self._board.look().round < 2:
            await asyncio.sleep(0.01)
        return await super().respond(request)


async def repaired(flow: Flow[Any], run_id: str, *, both: bool) -> Sequence[Record]:
    """Repair the example, and read what the journal holds."""
    request = Request(
        program=str(EXAMPLE / "parking.py"), function="fee", cases=str(EXAMPLE / "parking.jsonl")
    )
    sandbox = SubprocessSandbox()
    try:
        async with MemoryJournal() as journal:
            runner = Runner(sandbox=sandbox)
            resources: dict[str, Any] = {"programmer": SearchProgrammer(), "runner": runner}
            if both:
                board = JournalBoard(journal)
                resources |= {
                    "author": ModelProgrammer(Thoughtful(board)),
                    "tester": Runner(sandbox=sandbox, workers=1),
                    "board": board,
                }
            await flow.run({"request": request}, journal=journal, run_id=run_id, resources=resources)
            return steady(await journal.read(run_id))
    finally:
        await sandbox.close()


def main(folder: Path) -> None:
    """Draw both into the folder."""
    search, two = repair_graph().compile(), contest_graph().compile()
    alone = asyncio.run(repaired(search, "parking", both=False))
    render(search.graph, folder / "repair.svg", run_id="parking", records=alone)
    together = asyncio.run(repaired(two, "parking", both=True))
    render(two.graph, folder / "repair-by-two.svg", run_id="parking", records=together)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
