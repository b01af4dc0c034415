"""``backedge send`` and ``backedge cancel``: tell a run something, whoever works on it."""

from __future__ import annotations

import asyncio
import sys

import click

from .options import Told, common, journal_option


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("signal")
@click.argument("value", required=False)
@click.option("--now", is_flag=True, help="Only for who waits for it now; else it is lost.")
@journal_option
@common
@click.pass_obj
def send(told: Told, /, run_id: str, signal: str, value: str | None, journal: str, now: bool) -> None:
    """Send a signal to a run. It is kept until a node receives it, also one that asks for it later.

    VALUE is JSON, or else plain text; without it null is sent. With --now it is lost unless something waits for it now.

    \b
    backedge send demo go --journal runs.db
    backedge send demo price '{"amount": 12}'
    """
    from backedge.engine import letters

    from .console import json_line, say
    from .journals import existing, header_of
    from .waiting import parsed

    sent = None if value is None else parsed(value)

    async def post() -> bool:
        async with existing(journal) as store:
            await header_of(store, run_id)
            return await letters.send(run_id, signal, sent, journal=store, keep=not now)

    arrived = asyncio.run(post())
    if told.json:
        line = {"run_id": run_id, "signal": signal, "value": sent, "sent": arrived}
        sys.stdout.write(json_line(line) + "\n")
    else:
        say(f"run {run_id}: {'sent' if arrived else 'nothing waits for'} {signal}")


@click.command()
@click.argument("run_id", metavar="RUN")
@journal_option
@common
@click.pass_obj
def cancel(told: Told, /, run_id: str, journal: str) -> None:
    """End a run for good: ask whoever works on it to, or a worker, or who resumes it next.

    \b
    backedge cancel demo --journal runs.db
    """
    from backedge.engine import letters

    from .console import json_line, say
    from .journals import existing, header_of

    async def post() -> None:
        async with existing(journal) as store:
            await header_of(store, run_id)
            await letters.cancel(run_id, journal=store)

    asyncio.run(post())
    if told.json:
        sys.stdout.write(json_line({"run_id": run_id, "asked": "cancel"}) + "\n")
    else:
        say(f"run {run_id}: asked to be cancelled")
