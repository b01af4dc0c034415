"""How many agents a lobby carries in one process: ``python -m benchmarks lobby``, or ``python -m benchmarks.lobby 10000 60``.

All agents are alive at once in one lobby. Each one asks others, over and over, and answers whoever asks it; so many answers a
second are wanted of each. Every answer is checked: it is the one to the question, and none is missing at the end.
"""

from __future__ import annotations

import asyncio
import gc
import random
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from backedge.nodes.lobby import Lobby, LobbyMessage, MemoryLog, Seat

AGENTS = 10_000
SECONDS = 60.0
RATE = 3.0


@dataclass
class Load:
    """What was counted.

    Attributes:
        agents: How many were alive.
        asked: Questions that were asked.
        wrong: Answers to something else.
        answers: For each agent, how many questions it answered.
        got: For each agent, how many answers it got.
        seconds: How long it took, on the clock.
        busy: How long the process was busy.
        memory: Bytes that the agents hold: seats, tasks and all.
        late: How late the latest answer was, in seconds.
    """

    agents: int
    asked: int
    wrong: int
    answers: list[int]
    got: list[int]
    seconds: float
    busy: float
    memory: int
    late: float

    @property
    def lost(self) -> int:
        """Questions without an answer."""
        return self.asked - sum(self.got)


class Agents:
    """Agents that ask and answer each other.

    Args:
        count: How many.
        rounds: How often each one asks.
        pause: Seconds between two questions of one agent; 0 for as fast as it goes.
    """

    def __init__(self, count: int, rounds: int, pause: float) -> None:
        self.count, self.rounds, self.pause = count, rounds, pause
        self.lobby = Lobby("load", log=MemoryLog(0))
        self.answers = [0] * count
        self.got = [0] * count
        self.asked = self.wrong = 0
        self.late = 0.0

    async def run(self) -> Load:
        """Let them all talk, until everybody has asked and was answered."""
        async with self.lobby:
            before = _memory()
            seats = [await self.lobby.attach(f"a{number}") for number in range(self.count)]
            answering = [asyncio.ensure_future(self._answer(n, seat)) for n, seat in enumerate(seats)]
            began, busy = time.perf_counter(), time.process_time()
            asking = [asyncio.ensure_future(self._ask(n, seat, began)) for n, seat in enumerate(seats)]
            await asyncio.sleep(0)
            held = _memory() - before
            await asyncio.gather(*asking)
            seconds, busy = time.perf_counter() - began, time.process_time() - busy
        await asyncio.gather(*answering)
        return Load(
            self.count, self.asked, self.wrong, self.answers, self.got, seconds, busy, held, self.late
        )

    async def _answer(self, number: int, seat: Seat) -> None:
        async for message in seat:
            self.answers[number] += 1
            await seat.reply(message, message.text)

    async def _ask(self, number: int, seat: Seat, began: float) -> None:
        chance = random.Random(number)
        due = began + chance.random() * self.pause
        for turn in range(self.rounds):
            if self.pause:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            other = (number + 1 + chance.randrange(self.count - 1)) % self.count
            self.asked += 1
            said = f"{number}:{turn}"
            answer: LobbyMessage = await seat.request(f"a{other}", said)
            self.got[number] += 1
            self.wrong += answer.text != said
            self.late = max(self.late, time.perf_counter() - max(due, began))
            due += self.pause


def _memory() -> int:
    """Bytes that the process has in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def measure(agents: int, seconds: float, rate: float) -> Load:
    """So many agents, each of which is asked so often a second; a rate of 0 is as fast as it goes, for so many rounds as seconds."""
    rounds = round(seconds * rate) if rate else round(seconds)
    return asyncio.run(Agents(agents, rounds, 1 / rate if rate else 0.0).run())


def tell(load: Load) -> None:
    """Print what was counted."""
    answered = sum(load.answers) / load.agents / load.seconds
    print(
        f"{load.agents:,} agents, {load.seconds:.1f} s: {sum(load.answers):,} answers, {answered:.2f} a second each (the fewest "
        f"{min(load.answers)}, the most {max(load.answers)})"
    )
    print(
        f"  lost {load.lost}, wrong {load.wrong}; {load.memory / load.agents / 1024:.1f} KB an agent; the latest answer "
        f"{load.late:.2f} s after its question was due"
    )
    messages = 2 * sum(load.answers)
    print(
        f"  busy {load.busy / load.seconds:.0%} of one core: {load.busy / messages * 1e6:.1f} us a message, tasks and timers "
        "included"
    )


def main() -> None:
    agents = int(sys.argv[1]) if len(sys.argv) > 1 else AGENTS
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    rate = float(sys.argv[3]) if len(sys.argv) > 3 else RATE
    gc.disable()
    gc.freeze()
    tell(measure(agents, seconds, rate))
    print("as fast as it goes:")
    tell(measure(agents, 20, 0))


if __name__ == "__main__":
    main()
