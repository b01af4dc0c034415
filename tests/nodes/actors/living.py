"""An actor in a journal of its own, which lives as long as a test lets it."""

from typing import Any

from backedge import RunResult
from backedge.checkpoints import MemoryJournal
from backedge.nodes.actors import Mailer, actor, stop, tell, waiting


class Life:
    """An actor and its journal."""

    def __init__(self, handler: Any, *, journal: Any = None, replies: bool = False, **options: Any) -> None:
        self.journal = journal or MemoryJournal()
        self.mailer = Mailer(self.journal)
        self.graph = actor(handler, mailer=self.mailer if replies else None, **options)
        self.flow = self.graph.compile()

    async def begin(self, *messages: Any, run_id: str = "r", **inputs: Any) -> "Life":
        await self.flow.run(inputs, journal=self.journal, run_id=run_id)
        await self.told(*messages)
        return self

    async def told(self, *messages: Any, **about: Any) -> None:
        for message in messages:
            await tell("r", message, journal=self.journal, **about)

    async def wake(self, **options: Any) -> RunResult[Any]:
        """Go on with it until it rests."""
        return await self.flow.resume("r", journal=self.journal, **options)

    async def end(self, *, drain: bool = True, **options: Any) -> Any:
        """Stop it, and see that its records lead to the same again; its last state."""
        await stop("r", journal=self.journal, drain=drain)
        result = await self.wake(**options)
        report = await self.flow.replay("r", journal=self.journal, rerun="all", **options)
        assert report, str(report)
        return result.state

    async def left(self) -> list[Any]:
        return [mail.message for mail in await waiting("r", journal=self.journal)]


def noting(notes: list, message: int) -> list:
    """Remember every message."""
    return [*notes, message]


noting.__annotations__ = {"notes": list[int], "message": int, "return": list[int]}
