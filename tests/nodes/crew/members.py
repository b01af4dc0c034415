"""Members of crews for tests: functions that say what they were given, and runs on virtual time that are run anew."""

import asyncio

from pydantic import BaseModel

from backedge.checkpoints import MemoryJournal
from backedge.nodes.crew import Job

from ...virtual import run_virtual


class Topic(BaseModel):
    topic: str = "loops"


async def told(job: Job) -> str:
    """Says what it was given."""
    needs = ", ".join(f"{name}={value}" for name, value in job.needs.items())
    return f"{job.task}({needs})"


class Slow:
    """Takes a second for each job, or as long as is said, and notes when it began which."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = seconds
        self.began: dict[str, float] = {}
        self.now = self.most = 0

    async def __call__(self, job: Job) -> str:
        self.began[job.task] = asyncio.get_running_loop().time()
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.seconds.get(job.task, 1))
        self.now -= 1
        return job.task


def ran(crew, inputs=None, **options):
    """Run a crew on virtual time, with what it did run anew: the state, and how long it took."""

    async def run():
        flow, journal = crew.compile(), MemoryJournal()
        state = (await flow.run(inputs or {}, journal=journal, run_id="r", **options)).state
        seconds = asyncio.get_running_loop().time()
        report = await flow.replay("r", journal=journal)
        assert report, str(report)
        return state, seconds

    return run_virtual(run())
