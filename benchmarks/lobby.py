"""How many agents a lobby carries in one process: ``python -m benchmarks lobby``, or ``python -m benchmarks.lobby 10000 60 3``.

All agents are alive at once in one lobby, each a task of its own. Each hundred have a topic, under which one member more posts,
so many times a second; all who hear it answer. Each answer is checked: it belongs to a post, no agent answers one twice, and
in the end no answer is missing.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from backedge.nodes.lobby import Lobby, LobbyTimeoutError, MemoryLog, Seat
from backedge.providers import Text

AGENTS = 10_000
SECONDS = 60.0
RATE = 3.0
GROUP = 100  # agents for one who asks
OPEN = 5 * GROUP  # who asks does not run further ahead, should the machine be too slow
QUESTION = Text(text="what do you think?")


@dataclass(frozen=True)
class Load:
    """What was counted.

    Attributes:
        agents: How many were alive.
        sent: Messages that they should hear.
        missing: Of these, how many were not answered.
        wrong: Answers to nothing that was sent, or second ones.
        answers: How many messages each agent answered.
        seconds: How long it took, on the clock.
        busy: Seconds of the processor.
        memory: Bytes that the agents hold: seats, tasks and all.
        late: How long after its message was due the latest answer came, in seconds.
    """

    agents: int
    sent: int
    missing: int
    wrong: int
    answers: tuple[int, ...]
    seconds: float
    busy: float
    memory: int
    late: float


class Agents:
    """Agents who answer, and those who ask them.

    Args:
        count: How many agents.
        rounds: How many messages each one is sent.
        pause: Seconds between two of them; 0 for as soon as all have answered.
    """

    def __init__(self, count: int, rounds: int, pause: float) -> None:
        self.count, self.rounds, self.pause = count, rounds, pause
        self.lobby = Lobby("load", log=MemoryLog(0))
        self.answers = [0] * count
        self.sent = self.missing = self.wrong = 0
        self.late = 0.0

    async def run(self) -> Load:
        """Let them talk until everything was answered, or ten seconds went by without an answer."""
        async with self.lobby:
            before = _memory()
            seats = [await self.lobby.attach(f"agent {number}") for number in range(self.count)]
            for number, seat in enumerate(seats):
                await seat.subscribe(str(number // GROUP))
            agents = [asyncio.ensure_future(self._agent(number, seat)) for number, seat in enumerate(seats)]
            await asyncio.sleep(0)
            held = _memory() - before
            gc.freeze()  # no collection need look through the agents again and again
            began, busy = time.perf_counter(), time.process_time()
            firsts = range(0, self.count, GROUP)
            await asyncio.gather(*(self._asker(first, began) for first in firsts))
            seconds, busy = time.perf_counter() - began, time.process_time() - busy
        await asyncio.gather(*agents)
        gc.unfreeze()
        what = self.sent, self.missing, self.wrong, tuple(self.answers)
        return Load(self.count, *what, seconds, busy, held, self.late)

    async def _agent(self, number: int, seat: Seat) -> None:
        async for message in seat:
            self.answers[number] += 1
            await seat.reply(message, *message.parts)

    async def _asker(self, first: int, began: float) -> None:
        """Ask the agents from `first` on, and check what they answer."""
        topic = str(first // GROUP)
        async with self.lobby.enter(f"asker {first}") as seat:
            open_: dict[tuple[str | None, str], float] = {}
            names = [f"agent {number}" for number in range(first, min(first + GROUP, self.count))]
            due = began + self.pause * first / self.count
            for _ in range(self.rounds):
                while (left := due - time.perf_counter()) > 0 or seat.lag or len(open_) > OPEN:
                    await self._hear(seat, open_, max(left, 0) or 1)
                asked = await seat.post(QUESTION, topic=topic)
                open_.update(((asked.handle, name), due) for name in names)
                self.sent += len(names)
                due = due + self.pause if self.pause else time.perf_counter()
                while not self.pause and open_:
                    await self._hear(seat, open_, 10)
            while open_ and await self._hear(seat, open_, 10):
                pass
            self.missing += len(open_)

    async def _hear(self, seat: Seat, open_: dict[tuple[str | None, str], float], seconds: float) -> bool:
        """Take an answer, if one comes in time."""
        try:
            answer = await seat.receive(timeout=seconds)
        except LobbyTimeoutError:
            return False
        due = open_.pop((answer.reply_to, answer.sender), None)
        if due is None:
            self.wrong += 1
        else:
            self.late = max(self.late, time.perf_counter() - due)
        return True


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
    total = sum(load.answers)
    print(
        f"{load.agents:,} agents, {load.seconds:.1f} s: {total:,} answers, {total / load.agents / load.seconds:.2f} a "
        f"second each (each {min(load.answers)} to {max(load.answers)})"
    )
    print(
        f"  missing {load.missing}, wrong {load.wrong}; {load.memory / load.agents / 1024:.1f} KB an agent; the latest answer "
        f"{load.late:.2f} s after its message was due"
    )
    print(
        f"  {load.busy / load.seconds:.0%} of one core; {load.busy / total * 1e6:.1f} us for a message and its answer, the "
        "tasks of both included"
    )


def main() -> None:
    agents = int(sys.argv[1]) if len(sys.argv) > 1 else AGENTS
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    rate = float(sys.argv[3]) if len(sys.argv) > 3 else RATE
    tell(measure(agents, seconds, rate))
    print("as fast as it goes:")
    tell(measure(agents, 10, 0))


if __name__ == "__main__":
    main()
