"""What the workflows of the patterns are made of, besides the builder: a state with a log, and steps that write it."""

from typing import Annotated

from pydantic import BaseModel

from backedge import Context, extend


class State(BaseModel):
    """Each step adds its activation's id to the log."""

    log: Annotated[list[str], extend] = []


class Work:
    """Stands for what a step does: it takes a while, and gives what to log."""

    async def takes_a_while(self, activation):
        """Here the tests come in, and make it last as long as they like."""

    def for_activation(self, context: Context):
        async def work(part=""):
            await self.takes_a_while(f"{context.activation}{part and ':'}{part}")
            return [str(context.activation)]

        return work


async def step(work: Work) -> list[str]:
    return await work()


def steps(graph, names, **options):
    """A node for each name, each of which does its work and logs it."""
    return [graph.node(step, name=name, writes="log", **options) for name in names.split()]
