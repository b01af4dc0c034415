"""A graph of one node that runs a part, and what becomes of it when it is cancelled here and there."""

import asyncio

from pydantic import BaseModel, JsonValue

from backedge import END, START, Context, Graph
from backedge.checkpoints import MemoryJournal
from backedge.nodes.cancelling import CancelToken, Outcome, cancellable


class State(BaseModel):
    value: JsonValue = None
    reason: str | None = None
    partial: JsonValue = None


class Scene:
    """What happened in a part: it does job after job, and stays in those named until it is let go."""

    def __init__(self, *slow):
        self.slow = set(slow)
        self.inside = asyncio.Event()
        self.go = asyncio.Event()
        self.done = []

    async def job(self, number: int) -> int:
        if number in self.slow:
            self.inside.set()
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.done.append(f"{number} cut")
                raise
        self.done.append(number)
        return number

    def counting(self, ctx, jobs=4):
        async def work(part):
            found = []
            for number in range(jobs):
                await part.checkpoint()
                found.append(await ctx.step("job", self.job, number))
                part.keep(list(found))
            return found

        return work


def flow_of(make, *, tokened=True, **options):
    """A flow whose node runs what `make` makes of its context."""
    graph = Graph(State, resources={"token": CancelToken})

    @graph.node(writes=("value", "reason", "partial"))
    async def node(token: CancelToken, ctx: Context):
        outcome = await cancellable(ctx, make(ctx), token if tokened else None, **options)
        assert isinstance(outcome, Outcome)
        reason = None if outcome.cancel is None else outcome.cancel.reason
        return {"value": outcome.value, "reason": reason, "partial": outcome.partial}

    graph.chain(START, node, END)
    return graph.compile()


class Ran:
    """A run of such a flow, cancelled once its part is inside of something slow; replayed at the end."""

    def __init__(self, flow, scene, token=None):
        self.flow, self.scene, self.journal = flow, scene, MemoryJournal()
        self.token = token or CancelToken("whole")

    async def __call__(self, act):
        resources = {"token": self.token}
        async with self.flow.start({}, journal=self.journal, run_id="r", resources=resources) as run:
            await self.scene.inside.wait()
            await act(run)
            result = await run.result()
        await self.replayed()
        return result.state

    async def replayed(self):
        resources = {"token": CancelToken("another")}
        report = await self.flow.replay("r", journal=self.journal, rerun="all", resources=resources)
        assert report, str(report)
