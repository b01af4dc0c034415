"""Three agents, found by what they can do; a manager gives them jobs, is stopped in the middle, and the next one goes on.

    .venv/bin/python examples/registry.py

The agents ask a scripted model; a job is a run of its agent's graph, so nothing is asked twice.
"""

import asyncio
import tempfile
from pathlib import Path

from pydantic import BaseModel

from backedge import END, START, Flow, Graph
from backedge.nodes.agents import Agent
from backedge.nodes.registry import AgentCard, Manager, Registry
from backedge.providers import ScriptedModel


class Text(BaseModel):
    """What is asked for, and what came of it."""

    request: str
    text: str = ""


MORNING = asyncio.Event()
"""Before it nobody answers: the first manager is stopped while its agents are at work."""


def flow_of(name: str, *answers: str) -> Flow[Text]:
    """A flow of one agent, which answers from a script."""
    graph = Graph(Text, name=name)

    @graph.node
    async def think() -> None:
        await MORNING.wait()

    agent = Agent(ScriptedModel(list(answers)), name=name)
    graph.chain(START, think, agent.node(graph, reads="request", writes="text"), END)
    return graph.compile()


registry = Registry(
    AgentCard("ann", flow_of("ann", "a poem", "an ode"), role="writer", functions=("draft",), concurrency=1),
    AgentCard("bob", flow_of("bob", "a song"), role="writer", functions=("draft", "mend")),
    AgentCard("cy", flow_of("cy", "fine"), role="checker", functions=("check",)),
)


def shown(manager: Manager) -> str:
    """Each agent with its jobs."""
    told = []
    for one in manager.list():
        jobs = [*(f"{job} running" for job in one.running), *(f"{job} queued" for job in one.queued)]
        told.append(f"{one.id}: {', '.join(jobs) or 'nothing to do'}")
    return "; ".join(told)


async def main(journal: Path) -> None:
    """Give jobs, stop, and go on."""
    print("who drafts:", ", ".join(card.id for card in registry.by_function("draft")))
    async with Manager(registry, journal=journal) as manager:
        await manager.submit("ann", {"request": "spring"}, job="spring")
        await manager.submit("ann", {"request": "autumn"}, job="autumn")
        await manager.submit("bob", {"request": "summer"}, job="summer")
        print(shown(manager))
    print("-- stopped, and started again --")
    MORNING.set()
    async with Manager(registry, journal=journal) as manager:
        print(shown(manager))
        waiting = [manager.job("ann", job) for job in ("spring", "autumn")]
        for job in waiting:
            print(f"{job.id}: {(await job.result()).state.text}")
        shortest = min(registry.by_role("checker"), key=lambda card: manager.queue_lengths()[card.id])
        checked = await manager.submit(shortest.id, {"request": "an ode"})
        print(f"{shortest.id} says: {(await checked.result()).state.text}")
        await manager.stop(how="drain")
        print("log of ann:", "; ".join(line.text for line in manager.logs("ann")[-2:]))


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(Path(folder) / "jobs.db"))
