"""Whatever is stopped, started, left and entered in whatever order: each job is done once, and never too many at once."""

import asyncio
from typing import Annotated

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge import END, START, Context, Graph, RunStatus, extend
from backedge.checkpoints import MemoryJournal
from backedge.nodes.registry import AgentCard, Manager, Registry

from ...virtual import run_virtual


class Job(BaseModel):
    name: str
    log: Annotated[list[str], extend] = []


class Desk:
    """Effects that were carried out, and how many jobs were at them at once."""

    def __init__(self):
        self.now, self.most, self.done = 0, 0, []


def flow_of(desk):
    async def part(name, number):
        desk.done.append((name, number))

    async def work(name: str, ctx: Context) -> list[str]:
        desk.now += 1
        desk.most = max(desk.most, desk.now)
        try:
            for number in range(3):
                await ctx.step(f"part{number}", part, name, number)
                await asyncio.sleep(0.4)
        finally:
            desk.now -= 1
        return [name]

    graph = Graph(Job, name="work")
    graph.chain(START, graph.node(work, name="work", writes="log"), END)
    return graph.compile()


ACTIONS = st.sampled_from(["submit", "submit", "submit", "sleep", "now", "graceful", "start", "leave"])


@given(st.lists(ACTIONS, max_size=14), st.integers(1, 3), st.floats(0.05, 1.0))
@settings(max_examples=25, deadline=None)
def test_each_job_is_done_once_and_each_of_its_effects_too(actions, concurrency, pause):
    desk = Desk()
    registry = Registry(AgentCard("ann", flow_of(desk), concurrency=concurrency))
    journal, given_ = MemoryJournal(), []

    async def go():
        left = list(actions)
        while True:
            async with Manager(registry, journal=journal) as manager:
                while left and (action := left.pop(0)) != "leave":
                    await act(manager, action)
                if not left:
                    await manager.start("ann")
                    await manager.stop(how="drain")
                    break
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def act(manager, action):
        if action == "submit":
            given_.append(f"j{len(given_)}")
            await manager.submit("ann", {"name": given_[-1]}, job=given_[-1])
        elif action == "sleep":
            await asyncio.sleep(pause)
        elif action == "start":
            await manager.start("ann")
        else:
            await manager.stop("ann", how=action)

    run_virtual(go(), debug=False)
    runs = asyncio.run(journal.runs())
    assert sorted(run.header.run_id for run in runs) == sorted(f"jobs/ann/{name}" for name in given_)
    assert all(run.status is RunStatus.COMPLETED for run in runs)
    assert sorted(desk.done) == sorted((name, number) for name in given_ for number in range(3))
    assert desk.most <= concurrency
