"""From what a caller asks for to an executor that is ready to begin: new runs, and runs that go on.

Everything that can be wrong is found here, before any node runs; where it is found nothing is left behind.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from pydantic_core import to_json

from .. import recovery
from ..activation import Phase
from ..changes import changes, digest_of, meaning
from ..compiler.compile import CompiledGraph
from ..errors import (
    GraphChangedError,
    InputError,
    JournalCorruptError,
    RunCancelledError,
    RunOwnedError,
    StepError,
)
from ..facts import NodeReturned, NodeSucceeded
from ..frontier import recovered_at
from ..ports import Journal, RunLog
from ..records import (
    EffectKind,
    EffectRecorded,
    Letter,
    LetterKind,
    Pending,
    RunForked,
    RunHeader,
    RunResumed,
    RunStarted,
    RunStatus,
)
from ..state.fields import FoldError
from . import outcome
from .desk import question_of, still_open
from .executor import Executor
from .inputs import Inputs, checked_inputs
from .settings import Beginning, Settings


class How(NamedTuple):
    """How to carry out a run: its settings, limits that replace declared ones, by edge, and answers, by question."""

    settings: Settings
    limits: Mapping[int, int | None]
    answers: Mapping[str, object] = {}


async def new_run(
    graph: CompiledGraph, inputs: Inputs | None, store: Journal | None, run_id: str | None, how: How
) -> Executor:
    """Prepare a new run, with record 0 in the journal.

    Raises:
        InputError: The inputs do not fit.
        RunExistsError: The journal holds a run of this id.
    """
    update = checked_inputs(graph, inputs)
    schedule = recovery.new_schedule(graph, how.limits)
    start = graph.start
    try:
        snapshot = schedule.preview(start, (), update.values)
    except FoldError as error:
        raise InputError(f"cannot run {graph.definition.name}: {error}") from error
    failed: StepError | None = None
    taken: tuple[int, ...] | None = None
    try:
        taken = outcome.route(graph, schedule, start, (), snapshot, how.settings.resources)
    except StepError as error:
        failed = error
    name = run_id if run_id is not None else secrets.token_hex(6)
    log = None
    if store is not None:
        now = time.time()
        ids = None if taken is None else tuple(graph.plan.edges[number].id for number in taken)
        header = RunHeader(name, graph.definition.name, graph.digest, graph.shape, now)
        log = await store.create(header, RunStarted(0, now, update.encoded, ids, by_id(graph, how.limits)))
    if taken is None:
        beginning = Beginning(NodeReturned(start, (), update.values), failed)
    else:
        beginning = Beginning(NodeSucceeded(start, (), update.values, taken))
    inbox = None if store is None else partial(store.letters, name)
    return Executor(graph, schedule, how.settings, beginning, run_id=name, log=log, seq=1, inbox=inbox)


async def old_run(
    graph: CompiledGraph, run_id: str, store: Journal, how: How, *, takeover: bool, on_change: str
) -> Executor:
    """Prepare a run to go on.

    Raises:
        InputError: `on_change` is wrong, or nothing asks for an answer.
        RunCancelledError: The run was cancelled.
        RunNotFoundError: There is no such run.
        RunOwnedError: Somebody is working on it.
        GraphChangedError: The graph is another one, and `on_change` says stop or the records do not fit it.
        JournalCorruptError: The records make no run.
    """
    if on_change not in ("stop", "continue"):
        raise InputError(f'on_change is "stop" or "continue", not {on_change!r}')
    header = await store.header(run_id)
    if header.digest != graph.digest and on_change == "stop":
        await check_graph(graph, store, header)
    # Read before it is acquired, so that a run that cannot go on is left as it is.
    run = await since_frontier(graph, store, run_id)
    await _read_on(graph, store, header, run)
    log = await store.acquire(run_id, takeover=takeover)
    try:
        await _read_on(graph, store, header, run)
        return await _going_on(graph, run, log, store, how)
    except BaseException:
        await log.release()
        raise


async def found_run(
    graph: CompiledGraph, found: Pending, store: Journal, how: How, *, on_change: str
) -> Executor | None:
    """Prepare a run to go on that was found by `Journal.pending`; None if somebody was faster.

    Raises:
        GraphChangedError: As `old_run`.
        JournalCorruptError: The records make no run.
        RunNotFoundError: It was deleted meanwhile.
    """
    header = await store.header(found.run_id)
    if header.digest != graph.digest and on_change == "stop":
        await check_graph(graph, store, header)
    try:
        log = await store.acquire(found.run_id, epoch=found.epoch)
    except RunOwnedError:
        return None
    try:
        run = await since_frontier(graph, store, found.run_id)
        with suppress(RunCancelledError):  # since it was found
            await _read_on(graph, store, header, run)
        if run.status is found.status:
            return await _going_on(graph, run, log, store, how)
    except BaseException:
        await log.release()
        raise
    await log.release()  # it came to its end between being found and being acquired
    return None


async def in_flight(graph: CompiledGraph, store: Journal, run_id: str) -> list[str]:
    """The ids of the activations of a run that its records leave in flight. Errors as for `old_run`."""
    header = await store.header(run_id)
    run = await since_frontier(graph, store, run_id)
    await _read_on(graph, store, header, run)
    return [str(run.schedule.activation_id(*key)) for key in run.orders]


async def _read_on(graph: CompiledGraph, store: Journal, header: RunHeader, run: recovery.Recovered) -> None:
    """Apply the records that are there by now."""
    records = await store.read(header.run_id, after=run.seq - 1)
    if not records and run.seq == 0:
        raise JournalCorruptError.of_record(store.name, header.run_id, 0, "it is missing")
    try:
        recovery.recover(graph, records, run)
    except recovery.UNFIT as error:
        raise unfit(graph, store, header, error) from error
    if run.status is RunStatus.CANCELLED:
        raise RunCancelledError(
            header.run_id, "was cancelled, which is final", "fork it to go on from a checkpoint"
        )


async def _going_on(
    graph: CompiledGraph, run: recovery.Recovered, log: RunLog, store: Journal, how: How
) -> Executor:
    header = log.header
    over = run.status is RunStatus.COMPLETED
    letters = [] if over else [*await store.letters(header.run_id), *answered(run, how.answers)]
    if not over:
        await log.append(RunResumed(run.seq, time.time(), log.epoch, by_id(graph, how.limits), graph.digest))
        run.seq += 1
    return going_on(graph, run, log, how, store, letters, over=over)


async def since_frontier(
    graph: CompiledGraph, store: Journal, run_id: str, *, before: int | None = None
) -> recovery.Recovered:
    """The run at its last frontier (of a record below `before`), or at its beginning."""
    kept = await store.frontier(run_id, before=before)
    run = None if kept is None else recovered_at(graph, kept[1])
    return run or recovery.Recovered(recovery.new_schedule(graph))


def answered(run: recovery.Recovered, answers: Mapping[str, object]) -> list[Letter]:
    """Answers as letters. Raises InputError for one that nobody asked for."""
    asked = [question_of(opened) for records in run.effects.values() for opened in still_open(records)]
    asked = [question for question in asked if question.kind not in (EffectKind.TIMER, EffectKind.SIGNAL)]
    known = {name for question in asked for name in (question.id, question.activation)}
    if unknown := [name for name in answers if name not in known]:
        told = ", ".join(f"{question.id!r} ({question.text})" for question in asked)
        raise InputError(f"answers=: nothing asks {unknown[0]!r}; open questions: {told or 'none'}")
    now = time.time()
    return [Letter(LetterKind.ANSWER, name, to_json(value), now) for name, value in answers.items()]


def going_on(
    graph: CompiledGraph,
    run: recovery.Recovered,
    log: RunLog,
    how: How,
    store: Journal,
    letters: Sequence[Letter] = (),
    *,
    over: bool = False,
) -> Executor:
    """The executor of a run that goes on; `over`: it had completed, nothing is to be done."""
    waited = run.status in (RunStatus.SUSPENDED, RunStatus.IN_DOUBT)
    run.schedule.limits.update(how.limits)
    retry = [key for key in run.in_phase(Phase.FAILED) if key not in run.orders]
    beginning = Beginning(
        orders=tuple(run.orders.values()),
        retry=tuple(retry),
        reroute=tuple(run.in_phase(Phase.RETURNED)),
        waited=waited,
        over=over,
        cancel=next((letter for letter in letters if letter.kind is LetterKind.CANCEL), None),
    )
    return Executor(
        graph,
        run.schedule,
        how.settings,
        beginning,
        run_id=log.header.run_id,
        log=log,
        seq=run.seq,
        tries=run.tries,
        effects=run.effects,
        letters=letters,
        inbox=None if over else partial(store.letters, log.header.run_id),
        past=partial(_past, store, log.header.run_id, run.seq),
    )


async def _past(store: Journal, run_id: str, before: int) -> list[EffectRecorded]:
    """What is recorded of a run's effects below a number; a fork's parent's are not its own."""
    found: list[EffectRecorded] = []
    for record in await store.read(run_id, before=before):
        if isinstance(record, RunForked):
            found.clear()
        elif isinstance(record, EffectRecorded):
            found.append(record)
    return found


def by_id(graph: CompiledGraph, limits: Mapping[int, int | None]) -> dict[str, int | None]:
    """Limits by the ids of their feedback edges, as records hold them."""
    return {graph.plan.edges[number].id: limit for number, limit in limits.items()}


async def check_graph(graph: CompiledGraph, store: Journal, header: RunHeader) -> None:
    """Raises GraphChangedError for a run that was made with another graph and has not gone on with this one yet."""
    records = await store.read(header.run_id)
    if digest_of(header, records) != graph.digest:
        found = changes(json.loads(header.shape), json.loads(graph.shape))
        told, possible = meaning(found, graph, records)
        raise GraphChangedError(store.name, header.run_id, told, possible=possible)


def changed(
    graph: CompiledGraph, store: Journal, header: RunHeader, why: str | None = None
) -> GraphChangedError:
    """The error for a run that was made with another graph; `why` says where they part, if that is known."""
    told = [change.told for change in changes(json.loads(header.shape), json.loads(graph.shape))]
    return GraphChangedError(
        store.name, header.run_id, [*([why] if why else []), *told], possible=why is None
    )


def unfit(
    graph: CompiledGraph, store: Journal, header: RunHeader, error: Exception
) -> GraphChangedError | JournalCorruptError:
    """The error for records that cannot be those of a run of this graph."""
    why = f"field {error} is gone" if isinstance(error, KeyError) else str(error)
    if header.digest != graph.digest or isinstance(error, recovery.UnknownActivationError):
        return changed(graph, store, header, f"what it recorded does not fit any more ({why})")
    told = f"the records of run {header.run_id!r} make no run of this graph: {why}"
    return JournalCorruptError(store.name, told, run_id=header.run_id)
