"""``backedge check-journal``: is the file that keeps the runs sound, and what of it can be saved?"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import Told, common
from .problems import Exit

if TYPE_CHECKING:
    from backedge.checkpoints.checking import Checked
    from backedge.checkpoints.salvage import Salvaged


@click.command("check-journal")
@click.argument("path", metavar="PATH")
@click.option(
    "--salvage", "target", metavar="NEW.db", help="Copy what can be read into a new journal, run by run."
)
@common
@click.pass_obj
def check_journal(told: Told, /, path: str, target: str | None) -> int:
    """Check a journal's file, and say what is damaged.

    Looks at the database's structure, each record's checksum, large values, forks and letters. It changes nothing, and
    may be used while runs are under way.

    Exit codes: 0 sound, 1 damaged (salvaged or not), 4 no journal, or nothing of it can be read.
    """
    from backedge.engine.errors import JournalCorruptError

    from .journals import must_be_there

    must_be_there(path)
    found: Checked | JournalCorruptError
    try:
        found = _check(Path(path))
    except JournalCorruptError as error:
        if target is None:
            raise
        found = error
    saved = None if target is None else _salvage(Path(path), Path(target))
    _tell(told, path, found, target, saved)
    sound = not isinstance(found, Exception) and not found.findings
    return Exit.OK if sound else Exit.FAILED


def _check(path: Path) -> Checked:
    from backedge.checkpoints.checking import check_file

    return check_file(path.resolve())


def _salvage(path: Path, target: Path) -> list[Salvaged]:
    from backedge.checkpoints.salvage import salvage

    return asyncio.run(salvage(path.resolve(), target.resolve()))


def _tell(
    told: Told,
    path: str,
    found: Checked | Exception,
    target: str | None,
    saved: list[Salvaged] | None,
) -> None:
    from .console import json_line, printable

    if told.json:
        sys.stdout.write(json_line(_as_json(path, found, target, saved)) + "\n")
        return
    for line in _lines(path, found, target, saved):
        sys.stdout.write(f"{printable(line)}\n")


def _lines(
    path: str, found: Checked | Exception, target: str | None, saved: list[Salvaged] | None
) -> Iterator[str]:
    if isinstance(found, Exception):
        yield f"damaged: {found}"
    else:
        yield from (f"damaged: {finding.message}" for finding in found.findings)
        number = len(found.findings)
        what = "sound" if not number else f"{number} {'things are' if number > 1 else 'thing is'} damaged"
        yield f"journal {path}: {found.runs} runs, {found.records} records, {what}"
    if saved is not None:
        yield from map(_saved_line, saved)
        whole = sum(run.whole for run in saved)
        yield f"journal {target}: {whole} of {len(saved)} runs were copied whole"


def _saved_line(run: Salvaged) -> str:
    if run.whole:
        return f"copied: run {run.run_id!r}, whole, {run.records} records"
    if run.records:
        return f"copied: run {run.run_id!r}, its first {run.records} records"
    return f"lost: run {run.run_id!r}, its first record cannot be read"


def _as_json(
    path: str, found: Checked | Exception, target: str | None, saved: list[Salvaged] | None
) -> dict[str, Any]:
    if isinstance(found, Exception):
        findings: list[dict[str, Any]] = [{"message": str(found), "run_id": None, "seq": None}]
        counts: dict[str, int | None] = {"runs": None, "records": None}
    else:
        findings = [{"message": f.message, "run_id": f.run_id, "seq": f.seq} for f in found.findings]
        counts = {"runs": found.runs, "records": found.records}
    copied = [{"run_id": run.run_id, "records": run.records, "whole": run.whole} for run in saved or ()]
    return {
        "journal": path,
        "sound": not findings,
        **counts,
        "findings": findings,
        "salvaged": None if saved is None else {"journal": target, "runs": copied},
    }
