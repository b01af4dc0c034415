"""Records of a run that was made with another graph, read as if their values were of today's types.

A wrapper around a journal: what was recorded before the run first went on with this graph passes through a function for
each field, on its way out. Nothing stored is changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from ..changes import records_before
from ..compiler.compile import CompiledGraph
from ..errors import InputError
from ..ports import Journal
from ..records import InputEdited, NodeFinished, Record, RunForked, RunStarted
from ..shown import shown

Migrations: TypeAlias = Mapping[str, Callable[[Any], Any] | None]
"""Field to a function from a recorded value, as JSON has it, to what its type takes now; None drops a field that is gone."""


def migrated(store: Journal, graph: CompiledGraph, migrations: Migrations | None) -> Journal:
    """The journal as it is, or read through the migrations."""
    return cast("Journal", _Migrated(store, graph, migrations)) if migrations else store


def check_migrations(graph: CompiledGraph, migrations: Migrations) -> None:
    """Raises InputError for a migration of no field, or one that drops a field that is there."""
    fields = graph.schema.fields
    for name, function in migrations.items():
        if function is None and name in fields:
            raise InputError(
                f"migrate=: {name!r} is a field of the state; only one that is gone can be dropped"
            )
        if function is not None and name not in fields:
            raise InputError(f"migrate=: {name!r} is no field of the state ({', '.join(fields)})")


class _Migrated:
    """A journal whose records are migrated when they are read; all else is the journal's."""

    def __init__(self, store: Journal, graph: CompiledGraph, migrations: Migrations) -> None:
        self._store = store
        self._graph = graph
        self._migrations = migrations

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read(self, run_id: str, *, after: int = -1, before: int | None = None) -> Sequence[Record]:
        header = await self._store.header(run_id)
        records = await self._store.read(run_id)
        old = records_before(header, records, self._graph.digest)
        end = len(records) if before is None else max(before, 0)
        return [
            self._migrated(record) if record.seq < old else record
            for record in records[max(after, -1) + 1 : end]
        ]

    async def frontier(self, run_id: str, *, before: int | None = None) -> None:
        """None: what was kept may be of the old types."""

    def _migrated(self, record: Record) -> Record:
        match record:
            case RunStarted():
                return record._replace(inputs=self._values(record.seq, record.inputs, edited=False))
            case NodeFinished():
                return record._replace(writes=self._values(record.seq, record.writes, edited=False))
            case InputEdited() | RunForked():
                return record._replace(edits=self._values(record.seq, record.edits, edited=True))
            case _:
                return record

    def _values(self, seq: int, values: Mapping[str, bytes], *, edited: bool) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for name, raw in values.items():
            if name not in self._migrations:
                found[name] = raw
                continue
            function = self._migrations[name]
            if function is None:
                continue
            try:
                value = function(json.loads(raw))
                encode = self._graph.schema.encode_value if edited else self._graph.schema.encode
                found[name] = encode(name, value)
            except Exception as error:  # it is somebody else's function
                told = f"migrate=: field {name!r}, which record {seq} wrote as {shown(raw.decode(errors='replace'))}"
                raise InputError(f"{told}: {type(error).__name__}: {error}") from error
        return found
