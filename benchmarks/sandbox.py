"""What a sandbox costs: one run of an empty Python program, bare and in each sandbox, side by side.

Run with ``python -m benchmarks.sandbox``. The rounds are interleaved, so that whatever else the machine does hits
all of them alike; what counts are the ratios of the medians.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

from backedge.nodes.sandbox import Program, Sandbox, open_sandbox

ROUNDS = 60
AT_ONCE = 32
PROGRAMS = {
    "python -I -c pass": ("-c", "pass"),
    "python -I -S -c pass (no packages)": ("-S", "-c", "pass"),
}


async def main() -> None:
    """Measure and print a table."""
    sandboxes = {name: open_sandbox(name) for name in ("subprocess", "bubblewrap")}
    try:
        for sandbox in sandboxes.values():
            started = time.perf_counter()
            await run_once(sandbox, ("-c", "pass"))
            print(f"first run of {type(sandbox).__name__}: {1000 * (time.perf_counter() - started):.0f} ms")
        for title, arguments in PROGRAMS.items():
            await compare(title, arguments, sandboxes)
        await compare_at_once(sandboxes)
    finally:
        for sandbox in sandboxes.values():
            await sandbox.close()


async def compare(title: str, arguments: tuple[str, ...], sandboxes: dict[str, Sandbox]) -> None:
    """One after another."""

    async def bare() -> None:
        subprocess.run([sys.executable, "-I", *arguments], check=True, stdin=subprocess.DEVNULL)  # noqa: ASYNC221

    ways: dict[str, Callable[[], Awaitable[None]]] = {"bare": bare}
    for name, sandbox in sandboxes.items():
        ways[name] = lambda sandbox=sandbox: run_once(sandbox, arguments)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started = time.perf_counter()
            await way()
            times[name].append(time.perf_counter() - started)
    show(f"{title}, {ROUNDS} runs", {name: statistics.median(taken) for name, taken in times.items()})


async def compare_at_once(sandboxes: dict[str, Sandbox]) -> None:
    """Many at once: the time of all, divided by their number."""

    async def bare() -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-I", "-c", "pass")
        assert await process.wait() == 0

    ways: dict[str, Callable[[], Awaitable[None]]] = {"bare": bare}
    for name, sandbox in sandboxes.items():
        ways[name] = lambda sandbox=sandbox: run_once(sandbox, ("-c", "pass"))
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(5):
        for name, way in ways.items():
            started = time.perf_counter()
            await asyncio.gather(*[way() for _ in range(AT_ONCE)])
            times[name].append((time.perf_counter() - started) / AT_ONCE)
    title = f"{AT_ONCE} at once on {os.cpu_count()} cores, time per run"
    show(title, {name: statistics.median(taken) for name, taken in times.items()})


async def run_once(sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    """One run, which must succeed."""
    outcome = await sandbox.run(Program(argv=("python", *arguments)))
    assert outcome.ok, outcome


def show(title: str, medians: dict[str, float]) -> None:
    """Print medians with their ratios to the first."""
    print(f"\n{title}")
    base = next(iter(medians.values()))
    for name, seconds in medians.items():
        extra = f"  + {1000 * (seconds - base):5.1f} ms" if seconds != base else ""
        print(f"  {name:<12}{1000 * seconds:8.1f} ms  {seconds / base:5.2f} x{extra}")


if __name__ == "__main__":
    asyncio.run(main())
