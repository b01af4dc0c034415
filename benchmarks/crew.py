"""What it gains a crew that idle places move to the role with the most work waiting: ``python -m benchmarks crew``.

The same tasks are done by the same roles with the same number of places: once with a fixed split, in which each role keeps
its own places for itself, and once with places that are lent. The loads are uneven: in how much there is for each role, or
in when there is something for it. Times are told on a virtual clock, where a second of a task takes no time, so they are
the same on every machine; one load is done on the real clock as well. What no schedule can beat is beside them: the work
divided by the places, or the longest chain of tasks.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backedge.nodes.crew import Crew, Job, Role, Task

SEEDS = 30
REAL = 0.02  # seconds of the real clock for one of a task


@dataclass(frozen=True)
class Load:
    """Tasks of a crew, how long each takes, and how many places each role has of its own."""

    name: str
    tasks: tuple[Task, ...]
    seconds: Mapping[str, float]
    counts: Mapping[str, int]

    def least(self) -> float:
        """No schedule takes less."""
        ends: dict[str, float] = {}
        for task in self.tasks:
            ends[task.name] = self.seconds[task.name] + max((ends[need] for need in task.needs), default=0.0)
        return max(sum(self.seconds.values()) / sum(self.counts.values()), *ends.values())


def skewed() -> Load:
    """Four roles with two places each; one of them has most of the work."""
    tasks = [Task(f"{role}{n}", "x", role=role) for role, count in _SKEW.items() for n in range(count)]
    return Load(
        "one role has most of it",
        tuple(tasks),
        dict.fromkeys([t.name for t in tasks], 1.0),
        dict.fromkeys(_SKEW, 2),
    )


_SKEW = {"coder": 40, "tester": 12, "writer": 8, "scout": 4}


def wandering() -> Load:
    """Three roles with three places each, and twenty-four things that go from one to the next: the work wanders."""
    tasks: list[Task] = []
    seconds: dict[str, float] = {}
    stages = {"scout": 1.0, "coder": 3.0, "tester": 2.0}
    for thing in range(24):
        before: list[str] = []
        for role, takes in stages.items():
            tasks.append(Task(f"{role}{thing}", "x", role=role, needs=before))
            seconds[tasks[-1].name] = takes
            before = [tasks[-1].name]
    return Load("it wanders from role to role", tuple(tasks), seconds, dict.fromkeys(stages, 3))


def even() -> Load:
    """As much for each role: there is nothing to gain, and nothing must be lost."""
    tasks = [Task(f"{role}{n}", "x", role=role) for role in _SKEW for n in range(16)]
    return Load(
        "as much for each role",
        tuple(tasks),
        dict.fromkeys([t.name for t in tasks], 1.0),
        dict.fromkeys(_SKEW, 2),
    )


def drawn(seed: int) -> Load:
    """By chance: 60 tasks for five roles, of which each next one has half as much; some need one that came before."""
    chance = random.Random(seed)
    roles = list("abcde")
    chance.shuffle(roles)
    tasks: list[Task] = []
    seconds: dict[str, float] = {}
    for number in range(60):
        role = chance.choices(roles, [16, 8, 4, 2, 1])[0]
        needs = [chance.choice(tasks).name] if tasks and chance.random() < 0.3 else []
        tasks.append(Task(f"t{number}", "x", role=role, needs=needs))
        seconds[tasks[-1].name] = 0.2 + 4 * chance.betavariate(0.8, 2.4)
    return Load("drawn by chance", tuple(tasks), seconds, dict.fromkeys(roles, 2))


# ---------------------------------------------------------------------- measuring


def makespan(load: Load, *, moving: bool, real: float = 0.0) -> float:
    """How long a crew takes for it: seconds of the virtual clock, or of the real one, of which a task's second takes `real`."""
    factor, most, now = real or 1.0, 0, 0

    async def work(job: Job) -> str:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(load.seconds[job.task] * factor)
        now -= 1
        return job.task

    roles = {
        name: Role(work, count=count, least=0 if moving else count) for name, count in load.counts.items()
    }
    flow = Crew(load.tasks, roles=roles, process="parallel").compile()

    async def timed() -> float:
        clock: Callable[[], float] = time.perf_counter if real else asyncio.get_running_loop().time
        began = clock()
        await flow.run()
        return clock() - began

    with asyncio.Runner(loop_factory=None if real else _Virtual) as runner:
        took = runner.run(timed())
    assert most <= sum(load.counts.values())
    return took


class _Jumping(selectors.DefaultSelector):
    """Waits for no timer: its clock goes there at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(None if timeout is None else 0)
        if not found:
            self.now += max(timeout or 0.0, 0.0)
        return found


class _Virtual(asyncio.SelectorEventLoop):
    """An event loop on a clock of its own."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def main() -> None:
    print(f"{'':<34} {'places':>6} {'bound':>8} {'fixed':>8} {'moving':>8} {'gain':>8}")
    for load in (skewed(), wandering(), even()):
        _tell(load, makespan(load, moving=False), makespan(load, moving=True))
    gains, above = [], []
    for seed in range(SEEDS):
        load = drawn(seed)
        fixed, moving = makespan(load, moving=False), makespan(load, moving=True)
        gains.append(fixed / moving)
        above.append(moving / load.least())
    print(
        f"{f'{SEEDS} drawn by chance':<34} {sum(load.counts.values()):>6} {'':>8} {'':>8} {'':>8} "
        f"{statistics.median(gains):>6.2f} x  (from {min(gains):.2f} to {max(gains):.2f}; "
        f"{statistics.median(above):.2f} x the bound)"
    )
    load = skewed()
    pairs = [
        (makespan(load, moving=False, real=REAL), makespan(load, moving=True, real=REAL)) for _ in range(5)
    ]
    fixed, moving = (statistics.median(each) for each in zip(*pairs, strict=True))
    _tell(load, fixed, moving, "on the real clock", load.least() * REAL)


def _tell(load: Load, fixed: float, moving: float, name: str = "", bound: float | None = None) -> None:
    least = load.least() if bound is None else bound
    places = sum(load.counts.values())
    print(
        f"{name or load.name:<34} {places:>6} {least:>6.2f} s {fixed:>6.2f} s {moving:>6.2f} s {fixed / moving:>6.2f} x"
    )


if __name__ == "__main__":
    main()
