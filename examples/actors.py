"""Actors: an account that people pay into, and a clerk, an agent, who is asked about it. Both rest while nothing comes.

    .venv/bin/python examples/actors.py
    .venv/bin/python examples/actors.py --rest 10000   # so many actors in one file, and what one of them takes

Letters may come from any process, and before anybody works on the actor. Here both are done by one process, so that what
happens can be told; else `backedge worker` wakes them.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from backedge import Context
from backedge.checkpoints import SqliteJournal
from backedge.nodes.actors import Mailer, Next, Supervision, actor, ask, stop, tell, waiting
from backedge.nodes.agents import Agent
from backedge.providers import ScriptedModel


async def account(balance: int, message: int, ctx: Context) -> Next:
    """Pay in, or out, which has to be there."""
    if balance + message < 0:
        raise ValueError(f"there are only {balance} euros")
    return Next(state=balance + message, reply=f"{balance + message} euros")


clerk = Agent(
    ScriptedModel(lambda request: f"You have asked {len(request.messages) // 2 + 1} times."), name="clerk"
)


async def main(folder: Path) -> None:
    async with await SqliteJournal.open(folder / "actors.db") as journal:
        mailer = Mailer(journal)
        watch = Supervision(directive="resume", most=3, within=60)
        bank = actor(account, initial=0, mailer=mailer, supervision=watch).compile()
        desk = actor(clerk, mailer=mailer).compile()
        print("ann:", (await bank.run(journal=journal, run_id="ann")).status.value)
        await desk.run(journal=journal, run_id="desk")
        for euros in (50, -80, 20):
            await tell("ann", euros, journal=journal)
        print("letters that wait for ann:", [one.message for one in await waiting("ann", journal=journal)])

        async def wake() -> None:
            while True:  # what `backedge worker` does
                await bank.recover(journal=journal)
                await desk.recover(journal=journal)
                await asyncio.sleep(0.01)

        waking = asyncio.create_task(wake())
        print("ann replies:", await ask("ann", 5, journal=journal, returns=str))
        for _ in range(2):
            print("desk replies:", await ask("desk", "How much have I?", journal=journal, returns=str))
        waking.cancel()
        await asyncio.gather(waking, return_exceptions=True)
        await stop("ann", journal=journal)
        state = (await bank.resume("ann", journal=journal)).state
        print(f"ann {state.ended} with {state.state} euros after {state.handled} letters")
        print("dead:", [f"{one.mail.message}, {one.why}" for one in state.dead])


def on_disk(folder: Path) -> int:
    """Bytes in a folder."""
    return sum(one.stat().st_size for one in folder.iterdir())


async def rest(folder: Path, number: int) -> None:
    """Let many actors rest in one file, and wake one of them."""
    flow = actor(account, initial=0).compile()
    path = folder / "many.db"
    async with await SqliteJournal.open(path) as journal:
        began = time.perf_counter()
        for first in range(0, number, 500):
            some = range(first, min(first + 500, number))
            await asyncio.gather(
                *(flow.run(journal=journal, run_id=f"{one}", durability="exit") for one in some)
            )
        born = time.perf_counter() - began
        await tell(f"{number // 2}", 7, journal=journal)
        began = time.perf_counter()
        woken = await flow.recover(journal=journal)
        found = time.perf_counter() - began
    tasks = len(asyncio.all_tasks()) - 1
    print(
        f"{number} actors rest in one file: {on_disk(folder) / number / 1000:.1f} KB each on disk, {tasks} tasks"
    )
    print(
        f"{born / number * 1000:.2f} ms to begin one; {found * 1000:.0f} ms to find and wake {len(woken)} of them"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Actors.")
    parser.add_argument("--rest", type=int, metavar="NUMBER", help="let so many rest, and measure")
    typed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(rest(Path(folder), typed.rest) if typed.rest else main(Path(folder)))
