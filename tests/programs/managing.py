"""A manager with one agent and six jobs, of three effects each, noted in an account; made to be killed inside one of them."""

import asyncio
import os
import sys
from contextlib import suppress

from pydantic import BaseModel

from backedge import END, START, Context, EffectKey, Graph, RunExistsError
from backedge.nodes.registry import AgentCard, Manager, Registry


class Job(BaseModel):
    name: str
    total: int = 0


class Account:
    """What was done, in a file that outlives the process."""

    path = ""
    last = 0  # inside this effect, counted in this process, it hangs; 0: it does not
    begun = 0

    def note(self, *words: object) -> None:
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, (" ".join(map(str, [os.getpid(), *words])) + "\n").encode())
        os.close(file)


ACCOUNT = Account()


async def effect(name: str, number: int, key: EffectKey) -> int:
    ACCOUNT.note("begin", f"{name}-{number}", key)
    ACCOUNT.begun += 1
    if ACCOUNT.begun == ACCOUNT.last:
        print("inside", flush=True)
        await asyncio.Event().wait()
    await asyncio.sleep(0.001)
    ACCOUNT.note("end", f"{name}-{number}", key)
    return number


async def work(name: str, ctx: Context) -> int:
    ACCOUNT.note("job", name)
    total = sum([await ctx.step(f"effect{number}", effect, name, number) for number in range(3)])
    ACCOUNT.note("over", name)
    return total


def flow():
    graph = Graph(Job, name="work")
    graph.chain(START, graph.node(work, name="work", writes="total"), END)
    return graph.compile()


async def main() -> None:
    registry = Registry(AgentCard("ann", flow()))
    async with Manager(registry, journal=sys.argv[1], poll=0.05) as manager:
        found = manager.status("ann")
        print("found", len(found.queued) + len(found.running), flush=True)
        for number in range(6):
            with suppress(RunExistsError):  # from the process before
                await manager.submit("ann", {"name": f"j{number}"}, job=f"j{number}")
        await manager.idle()
        print("ended", sum(manager.status("ann").ended.values()), flush=True)


if __name__ == "__main__":
    ACCOUNT.path = sys.argv[2]
    ACCOUNT.last = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    asyncio.run(main())
