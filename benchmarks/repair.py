"""How many defects the search repairs, and how fast: ``python -m benchmarks.repair [--seconds S] [NAME ...]``.

Each file in ``defects/`` is a small correct program with a table of defects, each one small change of its text. For
every defect the program is broken so, cases are made by asking the correct one, and the repair is run as the command
line runs it. A patch that passes all cases is *plausible*; whether it is also right is asked of inputs that the search
never saw. NAME picks programs, or one defect of a program (``bisect:2``).
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import json
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from backedge.nodes.repair.graph import Request, repair_graph
from backedge.nodes.repair.judge import Rules
from backedge.nodes.repair.programmer import SearchProgrammer
from backedge.nodes.repair.runner import Runner
from backedge.nodes.sandbox import open_sandbox

DEFECTS = Path(__file__).parent / "defects"
MARK = "\n# --- defects\n"


@dataclass(frozen=True, slots=True)
class Defect:
    """A broken program and what it should do.

    Attributes:
        name: ``program:number``.
        kind: What sort of mistake it is.
        source: The broken program.
        right: The correct one.
        function: What the cases call.
        inputs: Arguments of the cases.
        held: Arguments that the search does not see.
    """

    name: str
    kind: str
    source: str
    right: str
    function: str
    inputs: Sequence[list[Any]]
    held: Sequence[list[Any]]


def defects(names: Sequence[str] = ()) -> Iterator[Defect]:
    """All defects, or those named.

    Raises:
        ValueError: The text that a defect changes is not there, or is there twice.
    """
    for path in sorted(DEFECTS.glob("*.py")):
        right, _, _ = path.read_text().partition(MARK)
        table = _module(path.read_text(), path.stem)
        for number, (kind, old, new) in enumerate(table.DEFECTS):
            name = f"{path.stem}:{number}"
            if names and name not in names and path.stem not in names:
                continue
            if right.count(old) != 1:
                raise ValueError(f"{name}: {old!r} is in the program {right.count(old)} times")
            inputs, held = list(table.INPUTS), list(getattr(table, "HELD", ()))
            yield Defect(name, kind, right.replace(old, new), right, table.FUNCTION, inputs, held)


def _module(source: str, name: str) -> ModuleType:
    module = ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)  # our own files
    return module


def answers(source: str, function: str, inputs: Sequence[list[Any]]) -> list[str]:
    """What a program gives for each input, as JSON; what it raises, by its name."""
    found = []
    for arguments in copy.deepcopy(list(inputs)):
        try:
            result = getattr(_module(source, "program"), function)(*arguments)
            found.append(json.dumps(list(result) if hasattr(result, "__next__") else result))
        except Exception as error:
            found.append(type(error).__name__)
    return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the repair of one defect went; `right` of a plausible patch only."""

    plausible: bool
    right: bool
    rounds: int
    candidates: int
    seconds: float


async def attempt(defect: Defect, folder: Path, *, seconds: float, sandbox: str, workers: int) -> Outcome:
    """Repair one defect."""
    program, cases = folder / "program.py", folder / "cases.jsonl"
    program.write_text(defect.source)
    wanted = answers(defect.right, defect.function, defect.inputs)
    lines = zip(defect.inputs, wanted, strict=True)
    cases.write_text("".join(f"[{json.dumps(given)}, {result}]\n" for given, result in lines))
    box = open_sandbox(sandbox)
    try:
        runner = Runner(sandbox=box, workers=workers)
        request = Request(program=str(program), function=defect.function, cases=str(cases))
        resources = {"programmer": SearchProgrammer(), "runner": runner}
        flow = repair_graph().compile()
        run = await flow.run({"request": request, "rules": Rules(seconds=seconds)}, resources=resources)
    finally:
        await box.close()
    state = run.state
    right = False
    if state.memory.winners:
        patched = state.memory.winners[0].candidate.source(state.specification.source)
        held = defect.held
        right = answers(patched, defect.function, held) == answers(defect.right, defect.function, held)
    memory = state.memory
    return Outcome(bool(memory.winners), right, memory.round, memory.candidates, memory.seconds)


async def measure(names: Sequence[str], seconds: float, sandbox: str, workers: int) -> None:
    """Print a line for each defect, and the sums."""
    found: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        for defect in defects(names):
            outcome = await attempt(defect, Path(folder), seconds=seconds, sandbox=sandbox, workers=workers)
            found.append(outcome)
            told = ("right" if outcome.right else "plausible") if outcome.plausible else "NOT REPAIRED"
            print(
                f"{defect.name:<18} {defect.kind:<34} {told:<13} {outcome.rounds:>3} rounds "
                f"{outcome.candidates:>6} candidates {outcome.seconds:>6.1f} s",
                flush=True,
            )
    good = [one for one in found if one.plausible]
    pace = statistics.median(one.candidates / one.seconds for one in found) if found else 0.0
    print(
        f"\n{len(good)} of {len(found)} repaired, {sum(one.right for one in good)} of these right on inputs not seen; "
        f"median {statistics.median([one.seconds for one in good] or [0.0]):.1f} s and "
        f"{statistics.median([one.candidates for one in good] or [0]):.0f} candidates; {pace:.0f} candidates a second"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repair", description=__doc__)
    parser.add_argument("name", nargs="*", help="programs, or single defects such as bisect:2")
    parser.add_argument("--seconds", type=float, default=60.0, help="time for each (default: 60)")
    parser.add_argument("--sandbox", default="bubblewrap", choices=("bubblewrap", "subprocess"))
    parser.add_argument("--workers", type=int, default=2, help="sandboxes at once (default: 2)")
    given = parser.parse_args(arguments)
    asyncio.run(measure(given.name, given.seconds, given.sandbox, given.workers))


if __name__ == "__main__":
    main()
