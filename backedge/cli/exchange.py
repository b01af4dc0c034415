"""``backedge export`` and ``backedge import``: a run as a file, from one journal to another."""

from __future__ import annotations

import asyncio
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from backedge.engine.definition import is_text

from .options import Told, common, journal_option
from .problems import CommandError

if TYPE_CHECKING:
    from backedge.engine.records import RunHeader

_DATABASE: Final = b"SQLite format 3\0"


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("file")
@journal_option
@common
@click.pass_obj
def export(told: Told, /, run_id: str, file: str, journal: str) -> None:
    """Write a run into a file that any journal can import.

    The file is self-contained, also that of a fork. It is there whole or not at all; one that is there already is
    replaced, but never a database. A run under way is written as far as it got.

    \b
    backedge export demo demo.jsonl --journal runs.db
    """
    from .console import json_line, say

    try:
        place = _place_for(file)
        records = asyncio.run(_export(journal, run_id, place))
    except OSError as error:
        raise _unusable(file, "written", error) from error
    if told.json:
        told_json = {"journal": journal, "run_id": run_id, "file": file, "records": records}
        sys.stdout.write(json_line(told_json) + "\n")
    else:
        say(f"run {run_id}: wrote {records} records to {file}")


async def _export(journal: str, run_id: str, place: Path) -> int:
    from backedge.checkpoints import export_run

    from .journals import existing, header_of, summary_of

    async with existing(journal) as store:
        if is_text(run_id):
            await header_of(store, run_id)
        else:
            await summary_of(store, run_id)  # no journal can look it up; this says that there is none
        return await export_run(store, run_id, place)


def _place_for(file: str) -> Path:
    """Where to write, with links followed. What cannot be taken for an old export is not replaced."""
    path = Path(file)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise CommandError(f"{file}: there is no folder {path.parent}") from None
        return path
    if stat.S_ISDIR(mode):
        raise CommandError(f"{file or path}: this is a folder; name a file in it")
    if not stat.S_ISREG(mode):
        raise CommandError(f"{file}: this is a device or a pipe; name a file")
    with path.open("rb") as old:
        if old.read(len(_DATABASE)) == _DATABASE:
            raise CommandError(f"{file}: this is a database, such as a journal; name another file")
    return path.resolve()


@click.command("import")
@click.argument("file")
@click.option("--run-id", "name", metavar="ID", help="What to call the run; by default, as it was called.")
@journal_option
@common
@click.pass_obj
def import_(told: Told, /, file: str, name: str | None, journal: str) -> None:
    """Store a run that `backedge export` wrote.

    Everything is checked before anything is stored. The journal is made when it is not there. The run's id is printed;
    the run can then be resumed, replayed and forked like any other.

    \b
    backedge import demo.jsonl --journal here.db
    backedge import demo.jsonl --run-id demo-from-ci
    """
    from .console import json_line, printable, say

    if name is not None:
        _must_be_id(name)
    header = asyncio.run(_import(journal, file, name))
    if told.json:
        told_json = {"journal": journal, "run_id": header.run_id, "file": file, "graph": header.graph}
        sys.stdout.write(json_line(told_json) + "\n")
    else:
        sys.stdout.write(printable(header.run_id) + "\n")
        sys.stdout.flush()
        say(f"run {header.run_id} of {header.graph} is in journal {journal}")


async def _import(journal: str, file: str, name: str | None) -> RunHeader:
    from backedge.checkpoints import import_run
    from backedge.engine.errors import JournalCorruptError, JournalFormatError

    from .journals import MadeLate

    async with MadeLate(journal) as store:
        try:
            return await import_run(store, file, name)
        except (JournalCorruptError, JournalFormatError) as error:
            if error.journal != file:
                raise  # it is the journal that is damaged or foreign, not what is to be imported
            told = str(error).removeprefix("journal ")
            raise CommandError(told, kind=type(error).__name__) from error
        except RecursionError as error:
            told = f"{file}: this is no run that backedge exported; name another file"
            raise CommandError(told, kind="JournalFormatError") from error
        except OSError as error:
            raise _unusable(file, "read", error) from error


def _must_be_id(name: str) -> None:
    if not name:
        raise CommandError(
            "--run-id: an id has at least one character; leave the option out to keep the run's own"
        )
    if not is_text(name):
        raise CommandError(f"--run-id: the id of a run is a text, found {name!r}")


def _unusable(file: str, what: str, error: OSError) -> CommandError:
    if isinstance(error, FileNotFoundError):
        return CommandError(f"{file}: there is no such file")
    if isinstance(error, IsADirectoryError):
        return CommandError(f"{file}: this is a folder; name a file")
    return CommandError(f"{file}: it cannot be {what}: {error.strerror}")
