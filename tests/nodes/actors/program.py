"""An actor that weighs parcels and tells another one their sum: ``program.py DB FILE [SLOW]``

Each parcel is weighed and stamped in a step of its own, and each leaves a line in FILE. In the step SLOW (such as
``stamp-2``) the process says ``inside`` and stays until it is killed. With SLOW ``tell-2`` that is when the second letter to
the other actor has been posted.
"""

import asyncio
import sys
from pathlib import Path

from backedge import Context
from backedge.checkpoints import SqliteJournal
from backedge.nodes.actors import Mailer, actor, stop, tell

PARCELS = 4


class Account:
    """What was done outside."""

    def __init__(self, path: Path, slow: str) -> None:
        self.path, self.slow = path, slow

    async def note(self, what: str) -> int:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{what}\n")
        if what == self.slow:
            print("inside", flush=True)
            await asyncio.sleep(3600)
        return int(what.rpartition("-")[2])


def flows_for(account: Account, journal: SqliteJournal):
    mailer = Mailer(journal)

    async def weigh(total: int, message: int, ctx: Context) -> int:
        weight = await ctx.step("weigh", account.note, f"weigh-{message}")
        await ctx.step("stamp", account.note, f"stamp-{message}")
        await mailer.tell(ctx, "book", total + weight)
        await account.note(f"tell-{message}")  # plain code: it runs again
        return total + weight

    async def book(sums: list[int], message: int) -> list[int]:
        return [*sums, message]

    return actor(weigh, initial=0).compile(), actor(book, initial=[]).compile()


async def main(database: str, account: str, slow: str) -> None:
    async with await SqliteJournal.open(database) as journal:
        scales, books = flows_for(Account(Path(account), slow), journal)
        if not await journal.runs():
            await books.run(journal=journal, run_id="book")
            await scales.run(journal=journal, run_id="scales")
            for parcel in range(1, PARCELS + 1):
                await tell("scales", parcel, journal=journal)
            await stop("scales", journal=journal)
        weighed = (await scales.resume("scales", journal=journal)).state
        await stop("book", journal=journal)
        booked = (await books.resume("book", journal=journal)).state
        for flow, run_id in ((scales, "scales"), (books, "book")):
            assert await flow.replay(run_id, journal=journal)
        print(weighed.state, weighed.handled, booked.state, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3], sys.argv[3] if len(sys.argv) > 3 else ""))
