"""``backedge show``: what happened in a run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from .options import Told, common, journal_option
from .problems import CommandError

if TYPE_CHECKING:
    from backedge.engine.errors import JournalCorruptError
    from backedge.engine.records import Record, RunSummary


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("target", required=False)
@journal_option
@click.option("--seq", type=click.IntRange(min=0), metavar="N", help="One record, whole.")
@click.option(
    "--state", type=click.IntRange(min=0), metavar="N", help="The state after record N; needs TARGET."
)
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the last N records.")
@common
@click.pass_obj
def show(
    told: Told,
    /,
    run_id: str,
    target: str | None,
    journal: str,
    seq: int | None,
    state: int | None,
    last: int | None,
) -> None:
    """Show what happened in a run: its records, one of them, or the state after one.

    \b
    backedge show demo --journal runs.db
    backedge show demo --seq 12
    backedge show demo loop.py:graph --state 12
    """
    if state is not None:
        if target is None:
            raise CommandError(
                "--state: a state can only be read with its graph: add TARGET, as path/to/file.py:graph"
            )
        _show_state(told, run_id, target, journal, state)
        return
    story = asyncio.run(_read(journal, run_id))
    if seq is not None:
        _show_record(told, story, seq)
    elif told.json:
        _show_json(story, last)
    else:
        _show_table(story, last)
    if story.damage is not None:
        raise story.damage


@dataclass(frozen=True, slots=True)
class Story:
    """A run as its journal tells it; `damage` is what kept the rest from being read."""

    journal: str
    summary: RunSummary
    records: Sequence[Record]
    damage: JournalCorruptError | None


async def _read(path: str, run_id: str) -> Story:
    from backedge.engine.errors import JournalCorruptError

    from .journals import existing, summary_of

    async with existing(path) as journal:
        summary = await summary_of(journal, run_id)
        try:
            return Story(path, summary, await journal.read(run_id), None)
        except JournalCorruptError as damage:
            if damage.seq is None:
                raise
            return Story(path, summary, await journal.read(run_id, before=damage.seq), damage)


def _show_table(story: Story, last: int | None) -> None:
    from .console import console_for, table
    from .records import COLUMNS, row_of

    console = console_for(sys.stdout)
    began = story.summary.header.created
    records = story.records if last is None else story.records[-last:]
    for line in _head(story):
        sys.stdout.write(line + "\n")
    table(console, COLUMNS, [row_of(record, began).cells for record in records], right="seq at took")


def _head(story: Story) -> list[str]:
    from backedge.engine.letters import questions_in

    from .console import printable
    from .journals import status_of
    from .waiting import deaths_text, kind_of, told

    run = story.summary
    header = run.header
    created = datetime.fromtimestamp(header.created).astimezone().isoformat(" ", "seconds")
    lines = [
        f"run {header.run_id} of {header.graph}: {status_of(run)}",
        f"{run.records} records since {created}, graph {header.digest[:12]}",
    ]
    if header.parent is not None:
        lines.append(f"forked from run {header.parent[0]} at record {header.parent[1]}")
    if run.owner is not None:
        lines.append(f"being worked on by {run.owner}")
    if run.deaths:
        lines.append(
            f"{deaths_text(run)}; workers leave it alone after some times (--attempts), resume does not"
        )
    lines += [
        f"waits for {kind_of(question)} {question.id}: {told(question)}"
        for question in questions_in(story.records)
    ]
    lines += _spending(header.run_id, story.records)
    return [*map(printable, lines), ""]


def _spending(run_id: str, records: Sequence[Record]) -> list[str]:
    """What calls of models took and cost; nothing where there were none."""
    from backedge.engine.records import EffectKind, EffectRecorded

    if not any(isinstance(one, EffectRecorded) and one.kind is EffectKind.MODEL for one in records):
        return []
    from backedge.spending import ledger_of

    ledger = ledger_of(run_id, records)
    usage = ledger.total.usage
    return [
        f"models: {ledger.total}, {usage.input_tokens:,} tokens read, {usage.output_tokens:,} written",
        *(f"  {node}: {spent}" for node, spent in ledger.by("node").items()),
        *(f"  {model}: {spent}" for model, spent in ledger.by("model").items()),
    ]


def _show_record(told: Told, story: Story, seq: int) -> None:
    from .console import console_for, json_line, print_json
    from .records import as_json

    if seq >= len(story.records):
        if story.damage is not None:
            return  # it is told why
        run_id, most = story.summary.header.run_id, len(story.records) - 1
        raise CommandError(f"--seq: run {run_id!r} has no record {seq}; its records go from 0 to {most}")
    record = as_json(story.records[seq])
    if told.json:
        sys.stdout.write(json_line(record) + "\n")
    else:
        print_json(console_for(sys.stdout), record)


def _show_json(story: Story, last: int | None) -> None:
    from backedge.engine.letters import questions_in

    from .console import json_line
    from .records import as_json
    from .runs import summary_json
    from .waiting import as_json as question_json

    if story.damage is not None:
        return  # one object only: the error's
    records = story.records if last is None else story.records[-last:]
    run: dict[str, Any] = {"journal": story.journal, **summary_json(story.summary)}
    run["questions"] = [question_json(question) for question in questions_in(story.records)]
    sys.stdout.write(json_line({**run, "log": [as_json(record) for record in records]}) + "\n")


def _show_state(told: Told, run_id: str, target: str, journal: str, seq: int) -> None:
    from .console import console_for, json_line, print_json, stdout_kept
    from .drive import state_json
    from .journals import existing, header_of
    from .target import Loader

    with stdout_kept(told.json) as answer, Loader() as loader:
        flow = loader.flow(target)

        async def at() -> dict[str, Any]:
            async with existing(journal) as store:
                await header_of(store, run_id)
                return state_json(flow, await flow.state_at(run_id, seq, journal=store))

        state = asyncio.run(at())
        if told.json:
            answer.write(json_line({"run_id": run_id, "seq": seq, "state": state}) + "\n")
            answer.flush()
        else:
            print_json(console_for(sys.stdout), state)
