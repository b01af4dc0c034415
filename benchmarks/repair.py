"""How many defects the search repairs, and how fast: ``python -m benchmarks.repair [--seconds S] [NAME ...]``.

For every defect of the corpus (see `corpus`) the program is broken so, cases are made by asking the correct one, and
the repair is run as the command line runs it. A patch that passes all cases is *plausible*; whether it is also right is asked of inputs that the search
never saw. NAME picks programs, or one defect of a program (``bisect:2``).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backedge.nodes.repair.graph import Request, repair_graph
from backedge.nodes.repair.judge import Rules
from backedge.nodes.repair.patch import patch
from backedge.nodes.repair.programmer import SearchProgrammer
from backedge.nodes.repair.runner import Runner
from backedge.nodes.sandbox import open_sandbox

from .corpus import PROGRAM, TESTS, Defect, defects


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the repair of one defect went.

    Attributes:
        kind: What sort of mistake it was.
        plausible: Whether a patch was found that all cases pass with.
        right: Whether the first patch also does the right thing where the search did not look.
        found: Whether any of the patches does.
        rounds: Of the loop.
        candidates: That were run.
        seconds: On the clock.
        patch: The first patch.
    """

    kind: str
    plausible: bool
    right: bool
    found: bool
    rounds: int
    candidates: int
    seconds: float
    patch: str

    @property
    def told(self) -> str:
        """How it went in a word or two."""
        if not self.plausible:
            return "NOT REPAIRED"
        return "right" if self.right else "ranked lower" if self.found else "plausible"


def request_of(defect: Defect, folder: Path) -> Request:
    """Lay a defect out as files, and ask for its repair."""
    program = folder / PROGRAM
    program.write_text(defect.source)
    if defect.tests is not None:
        for name, text in {**defect.files, TESTS: defect.tests}.items():
            (folder / name).write_text(text)
        return Request(program=str(program), tests=str(folder / TESTS))
    cases = folder / "cases.jsonl"
    wanted = zip(defect.inputs, defect.seen(defect.right), strict=True)
    cases.write_text("".join(f"[{json.dumps(given)}, {result}]\n" for given, result in wanted))
    return Request(program=str(program), function=defect.function, cases=str(cases))


async def attempt(defect: Defect, *, seconds: float, sandbox: str, workers: int) -> Outcome:
    """Repair one defect."""
    box = open_sandbox(sandbox)
    try:
        with tempfile.TemporaryDirectory() as folder:
            resources = {"programmer": SearchProgrammer(), "runner": Runner(sandbox=box, workers=workers)}
            request = request_of(defect, Path(folder))
            given = {"request": request, "rules": Rules(seconds=seconds)}
            run = await repair_graph().compile().run(given, resources=resources)
    finally:
        await box.close()
    memory, source = run.state.memory, run.state.specification.source
    patched = memory.winners[0].candidate.source(source) if memory.winners else ""
    wanted = defect.unseen(defect.right)
    return Outcome(
        kind=defect.kind,
        plausible=bool(patched),
        right=bool(patched) and defect.unseen(patched) == wanted,
        found=any(defect.unseen(one.candidate.source(source)) == wanted for one in memory.winners),
        rounds=memory.round,
        candidates=memory.candidates,
        seconds=memory.seconds,
        patch="".join(patch(run.state.specification, memory.winners[0].candidate)) if patched else "",
    )


async def measure(names: Sequence[str], seconds: float, sandbox: str, workers: int, *, show: bool) -> None:
    """Print a line for each defect, and the sums."""
    found: list[Outcome] = []
    for defect in defects(names):
        one = await attempt(defect, seconds=seconds, sandbox=sandbox, workers=workers)
        found.append(one)
        print(
            f"{defect.name:<16} {defect.kind:<26} {one.told:<13} {one.rounds:>3} rounds "
            f"{one.candidates:>6} candidates {one.seconds:>6.1f} s",
            flush=True,
        )
        if show and one.patch:
            print(one.patch, flush=True)
    print(f"\n{table(found)}")


def table(found: Sequence[Outcome]) -> str:
    """The sums by kind of defect, as a table in Markdown."""
    lines = ["| kind | defects | repaired | right | candidates (median) |", "| --- | --- | --- | --- | --- |"]
    kinds = sorted({one.kind for one in found}, key=lambda kind: [one.kind for one in found].count(kind))
    for kind in [*reversed(kinds), "all"]:
        group = [one for one in found if kind in (one.kind, "all")]
        good = [one for one in group if one.plausible]
        tried = statistics.median([one.candidates for one in good] or [0])
        right = sum(one.right for one in good)
        lines.append(f"| {kind} | {len(group)} | {len(good)} | {right} | {tried:.0f} |")
    good = [one for one in found if one.plausible]
    pace = statistics.median([one.candidates / one.seconds for one in found if one.seconds] or [0.0])
    lines.append(f"\nmedian {statistics.median([one.seconds for one in good] or [0.0]):.1f} s to a patch; ")
    lines[-1] += f"{pace:.0f} candidates a second; "
    lines[-1] += f"{sum(one.found and not one.right for one in good)} right ones found and ranked lower"
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repair", description=__doc__)
    parser.add_argument("name", nargs="*", help="programs, or single defects such as bisect:2")
    parser.add_argument("--seconds", type=float, default=60.0, help="time for each (default: 60)")
    parser.add_argument("--sandbox", default="bubblewrap", choices=("bubblewrap", "subprocess"))
    parser.add_argument("--workers", type=int, default=2, help="sandboxes at once (default: 2)")
    parser.add_argument("--show", action="store_true", help="print the patches")
    given = parser.parse_args(arguments)
    asyncio.run(measure(given.name, given.seconds, given.sandbox, given.workers, show=given.show))


if __name__ == "__main__":
    main()
