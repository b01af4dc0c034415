"""What all journals say when they refuse the same thing."""

from __future__ import annotations

from backedge.engine.definition import is_text
from backedge.engine.errors import InputError, JournalWriteError


def must_be_id(run_id: object) -> None:
    """What a run is to be called is a text that can be stored. Raises InputError."""
    if not is_text(run_id):
        raise InputError(f"the id of a run is a text that is not empty, not {run_id!r}")


def no_letter(name: str, run_id: str, number: int) -> JournalWriteError:
    """A letter was taken before, or never sent; taking it again would make it count twice."""
    return JournalWriteError(
        name, f"run {run_id!r} has no letter {number} to take: it was taken before, or sent to another run"
    )


def no_record(name: str, run_id: str, seq: int, last: int) -> JournalWriteError:
    """A fork goes on from a record that is not there."""
    return JournalWriteError(
        name, f"run {run_id!r} has no record {seq} to fork from; it has records 0 to {last}"
    )
