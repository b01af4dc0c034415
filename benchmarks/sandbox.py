"""What a sandbox costs: one run of an empty Python program, bare and in each sandbox, side by side.

Run with ``python -m benchmarks.sandbox``. The rounds are interleaved, so that whatever else the machine does hits
all of them alike; what counts are the ratios of the medians. Processor time (ours and that of all processes
started) hardly depends on what else runs.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping

from backedge.nodes.sandbox import Program, Sandbox, open_sandbox

ROUNDS = 60
AT_ONCE = 32
SIZES = {"with packages": ("-c", "pass"), "without packages (-S)": ("-S", "-c", "pass")}

Way = Callable[[], Awaitable[None]]


def main() -> None:
    """Measure and print a table."""
    asyncio.run(measure())


async def measure() -> None:
    """Measure one run after another, with and without packages, then many at once."""
    sandboxes = {name: open_sandbox(name) for name in ("subprocess", "bubblewrap")}
    try:
        for name, sandbox in sandboxes.items():
            started = time.perf_counter()
            await sandboxed(sandbox, ("-S", "-c", "pass"))()
            print(f"first run with {name}: {1000 * (time.perf_counter() - started):.0f} ms")
        for title, arguments in SIZES.items():
            print(f"\nan empty program {title}, {ROUNDS} runs one after another")
            await compare(ways(sandboxes, arguments), rounds=ROUNDS, at_once=1)
        print(f"\nthe same without packages, {AT_ONCE} at once on {os.cpu_count()} cores, per run")
        await compare(ways(sandboxes, SIZES["without packages (-S)"]), rounds=5, at_once=AT_ONCE)
    finally:
        for sandbox in sandboxes.values():
            await sandbox.close()


def ways(sandboxes: Mapping[str, Sandbox], arguments: tuple[str, ...]) -> dict[str, Way]:
    """The ways to run Python with `arguments`, by name; the bare one first."""
    boxed = {name: sandboxed(sandbox, arguments) for name, sandbox in sandboxes.items()}
    return {"bare": bare(arguments), **boxed}


def bare(arguments: tuple[str, ...]) -> Way:
    """Python as a child process and nothing else."""

    async def run() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", *arguments, stdin=subprocess.DEVNULL
        )
        assert await process.wait() == 0

    return run


def sandboxed(sandbox: Sandbox, arguments: tuple[str, ...]) -> Way:
    """Python in a sandbox."""

    async def run() -> None:
        outcome = await sandbox.run(Program(argv=("python", *arguments)))
        assert outcome.ok, outcome

    return run


async def compare(to_compare: Mapping[str, Way], *, rounds: int, at_once: int) -> None:
    """Run each way `rounds` times, `at_once` at a time, and print medians and their ratios to the first."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in to_compare}
    for _ in range(rounds):
        for name, way in to_compare.items():
            clock, processor = time.perf_counter(), processor_time()
            await asyncio.gather(*[way() for _ in range(at_once)])
            spent = time.perf_counter() - clock, processor_time() - processor
            taken[name].append((spent[0] / at_once, spent[1] / at_once))
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in taken.items()
    }
    base = next(iter(medians.values()))
    for name, (clock, processor) in medians.items():
        print(
            f"  {name:<12}{1000 * clock:7.1f} ms {clock / base[0]:5.2f} x"
            f"   processor {1000 * processor:7.1f} ms {processor / base[1]:5.2f} x"
        )


def processor_time() -> float:
    """Processor seconds used so far, by us and by all children that were waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


if __name__ == "__main__":
    main()
