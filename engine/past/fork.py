"""New runs that go on from somewhere in another one's past.

A checkpoint is a frontier: the unconsumed tokens, and the activations in flight, each with its own snapshot. A fork
goes on from the frontier behind one record, and stores but that: which run, which record, and what was edited. An edit
is one write, later than all others, on everything alive there; or, with `before`, on the input of one activation.

Edges of the record itself are looked at again, on what was edited, and activations in flight begin anew.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from .. import recovery
from ..activation import Phase
from ..compiler.compile import CompiledGraph
from ..errors import InputError
from ..execution.executor import Executor
from ..execution.preparing import How, by_id, check_graph, going_on, since_frontier, unfit
from ..ports import Journal
from ..records import (
    ActivationId,
    NodeFinished,
    Record,
    RunEnded,
    RunForked,
    RunHeader,
    RunResumed,
    RunStatus,
)


class Where(NamedTuple):
    """Where a fork begins, and what is edited there.

    Attributes:
        at: Number of the last record that counts, or None with `before`: the last one before that activation began.
        before: Id of the activation whose input alone is edited, such as ``coder@2``.
        edit: Field to new value.
    """

    at: int | None
    before: str | None
    edit: Mapping[str, Any]


class _Begun(NamedTuple):
    """What a fork begins with, and the run as that and the parent's records leave it."""

    first: RunForked
    run: recovery.Recovered


async def forked(
    graph: CompiledGraph,
    parent: str,
    where: Where,
    store: Journal,
    run_id: str | None,
    how: How,
    *,
    on_change: str,
) -> Executor:
    """Make a fork and prepare it to go on.

    Raises:
        InputError: There is no such checkpoint, or the edit does not fit. Nothing was stored.
        RunNotFoundError: There is no such run.
        RunExistsError: The journal holds a run called `run_id`.
        GraphChangedError: The graph is not the one the run was made with.
    """
    header = await _parent(graph, parent, where, store, on_change)
    edits = _encoded(graph, where.edit)
    begun = await _begin(graph, store, header, where, edits)
    name = run_id if run_id is not None else secrets.token_hex(6)
    log = await store.create(_header(graph, name, header, begun.first), begun.first)
    try:
        if how.limits:
            seq = begun.run.seq
            await log.append(RunResumed(seq, time.time(), log.epoch, by_id(graph, how.limits), graph.digest))
            begun.run.seq += 1
        return going_on(graph, begun.run, log, how, store)
    except BaseException:
        await log.release()
        raise


async def set_aside(
    graph: CompiledGraph, parent: str, where: Where, store: Journal, run_id: str | None, *, on_change: str
) -> str:
    """Make a fork that is to be resumed later, and give its id. Raises what `forked` does.

    With `at` this takes the same time however long the parent is: only the record forked at is read.
    """
    header = await _parent(graph, parent, where, store, on_change)
    edits = _encoded(graph, where.edit)
    record = None if where.at is None else await _record(store, header, where.at)
    if where.before is None and record is not None and _surely_alive(record):
        first = _first(graph, header, record.seq + 1, edits)
    else:
        first = (await _begin(graph, store, header, where, edits)).first
    name = run_id if run_id is not None else secrets.token_hex(6)
    # Ended in the same commit that makes it: in between a worker might start it.
    ended = RunEnded(first.seq + 1, time.time(), RunStatus.INTERRUPTED)
    log = await store.create(_header(graph, name, header, first), first, ended)
    await log.release()
    return name


# --------------------------------------------------------------------------- what is asked for


async def _parent(
    graph: CompiledGraph, parent: str, where: Where, store: Journal, on_change: str
) -> RunHeader:
    if on_change not in ("stop", "continue"):
        raise InputError(f'on_change is "stop" or "continue", not {on_change!r}')
    if where.at is None and where.before is None:
        raise InputError("say where to fork: at= the number of a record, or before= the id of an activation")
    if where.at is not None and (not isinstance(where.at, int) or isinstance(where.at, bool)):
        raise InputError(f"at= is the number of a record, not {where.at!r}")
    header = await store.header(parent)
    if header.digest != graph.digest and on_change == "stop":
        await check_graph(graph, store, header)
    return header


def _encoded(graph: CompiledGraph, edit: Mapping[str, Any]) -> dict[str, bytes]:
    """The edit as records hold it. Raises InputError with all that is wrong."""
    if not isinstance(edit, Mapping):
        raise InputError(f"edit= is a mapping of fields to values, not {type(edit).__name__}")
    fields = graph.schema.fields
    encoded: dict[str, bytes] = {}
    problems: list[str] = []
    for name, value in edit.items():
        if name not in fields:
            problems.append(f"{name!r} is no field of the state ({', '.join(fields)})")
            continue
        try:
            encoded[name] = graph.schema.encode_value(name, value)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise InputError(f"edit=: {'; '.join(problems)}")
    return encoded


def _first(
    graph: CompiledGraph,
    parent: RunHeader,
    seq: int,
    edits: Mapping[str, bytes],
    before: ActivationId | None = None,
) -> RunForked:
    digest = "" if parent.digest == graph.digest else graph.digest
    return RunForked(seq, time.time(), edits, before, digest)


def _header(graph: CompiledGraph, name: str, parent: RunHeader, first: RunForked) -> RunHeader:
    origin = (parent.run_id, first.seq - 1)
    return RunHeader(name, graph.definition.name, graph.digest, graph.shape, time.time(), origin)


def _nothing_left(parent: RunHeader, seq: int) -> InputError:
    return InputError(
        f"run {parent.run_id!r} is over at record {seq}, so an edit there would reach nobody; "
        f"fork it at an earlier record, such as {max(seq - 1, 0)}, whose edges are then looked at again"
    )


async def _record(store: Journal, parent: RunHeader, at: int | None) -> Record:
    assert at is not None
    found = await store.read(parent.run_id, after=at - 1, before=at + 1) if at >= 0 else ()
    if not found:
        last = (await store.read(parent.run_id))[-1].seq
        raise InputError(f"run {parent.run_id!r} has no record {at}; its records go from 0 to {last}")
    return found[0]


# --------------------------------------------------------------------------- the frontier


async def _begin(
    graph: CompiledGraph, store: Journal, parent: RunHeader, where: Where, edits: Mapping[str, bytes]
) -> _Begun:
    at = where.at
    if at is not None:
        await _record(store, parent, at)
    try:
        if where.before is not None:
            records = await store.read(parent.run_id, before=None if at is None else at + 1)
            return _before(graph, parent, records, where, edits)
        assert at is not None
        run = await since_frontier(graph, store, parent.run_id, before=at)
        records = await store.read(parent.run_id, after=run.seq - 1, before=at + 1)
        return _everywhere(graph, parent, run, records, edits)
    except recovery.UNFIT as error:
        raise unfit(graph, store, parent, error) from error


def _everywhere(
    graph: CompiledGraph,
    parent: RunHeader,
    run: recovery.Recovered,
    records: Sequence[Record],
    edits: Mapping[str, bytes],
) -> _Begun:
    """The fork's beginning; `run` is how the records before these leave it."""
    first = _first(graph, parent, records[-1].seq + 1, edits)
    for record, following in pairwise([*records, first]):
        recovery.advance(graph, run, record, following)
    if edits and run.schedule.idle:
        raise _nothing_left(parent, records[-1].seq)
    recovery.advance(graph, run, first, None)
    return _Begun(first, run)


def _surely_alive(record: Record) -> bool:
    """Whether something is alive behind this record in any run, so that one need not look."""
    if isinstance(record, NodeFinished):
        return record.error is None
    return not isinstance(record, RunEnded | RunResumed | RunForked)


def _before(
    graph: CompiledGraph,
    parent: RunHeader,
    records: Sequence[Record],
    where: Where,
    edits: Mapping[str, bytes],
) -> _Begun:
    assert where.before is not None
    if where.at is None:
        own = [record for record in records if str(getattr(record, "activation", "")) == where.before]
        if own:
            records = records[: own[0].seq]
    run = recovery.recover(graph, records)
    found = _waiting(graph, run).get(where.before)
    if found is None:
        raise _never_waits(graph, parent, records, run, where.before)
    first = _first(graph, parent, run.seq, edits, found)
    recovery.advance(graph, run, first, None)
    return _Begun(first, run)


def _waiting(graph: CompiledGraph, run: recovery.Recovered) -> dict[str, ActivationId]:
    """The activations whose input can be edited, by id."""
    ids = [
        run.schedule.activation_id(node, rounds)
        for node, rounds, phase in run.schedule.live()
        if phase is not Phase.RETURNED and node != graph.start
    ]
    return {str(each): each for each in ids}


def _never_waits(
    graph: CompiledGraph,
    parent: RunHeader,
    records: Sequence[Record],
    run: recovery.Recovered,
    before: str,
) -> InputError:
    for record in records:
        if isinstance(record, NodeFinished) and str(record.activation) == before:
            return InputError(
                f"before={before!r}: by record {records[-1].seq} of run {parent.run_id!r} it had finished, at record "
                f"{record.seq}; fork at an earlier record, or leave at= out"
            )
    waiting = ", ".join(_waiting(graph, run)) or "none"
    return InputError(
        f"before={before!r}: no such activation runs or waits to run at record {records[-1].seq} of run "
        f"{parent.run_id!r}; those that do: {waiting}"
    )
