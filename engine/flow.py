"""A compiled graph, ready to run: run, start, resume, look back."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from os import PathLike
from typing import Any, Generic, TypeAlias, TypedDict, TypeVar, Unpack

from pydantic import BaseModel

from . import outcome, recovery
from .compile import CompiledGraph
from .errors import GraphChangedError, InputError, StepError, UpdateError
from .executor import Beginning, Executor, Settings
from .facts import NodeReturned, NodeSucceeded
from .history import Checkpoint, history_of
from .ports import Journal, RunLog, opened
from .records import Record, RunHeader, RunResumed, RunStarted, RunStatus
from .run import Run, RunResult, error_of
from .schedule import Phase
from .slots import Needs

S = TypeVar("S", bound=BaseModel)
T = TypeVar("T")

Where: TypeAlias = str | PathLike[str] | Journal
"""A journal: the path of its file, or an open one."""

Inputs: TypeAlias = Mapping[str, Any] | BaseModel

THREADS = 64
"""How many ``def`` nodes run at once when nobody says otherwise."""


class RunOptions(TypedDict, total=False):
    """How to carry out a run; every one may be left out.

    Attributes:
        resources: What nodes are handed besides the state, by name.
        concurrency: How many nodes may run at once; without it as many as are ready.
        slots: How many of each named slot there are (see ``uses=`` of a node); ``"threads"`` is how many ``def`` nodes
            run at once, by default as many as `concurrency` says, else 64.
        limits: Feedback edge (``"checker->coder"``) to a limit that replaces the declared one.
        deadline: Seconds after which the run is interrupted.
        grace: Seconds that an ending waits for nodes that do not stop at once. 5 by default.
        buffer: How many events are kept for a slow listener. 1,000 by default.
    """

    resources: Mapping[str, Any]
    concurrency: int | None
    slots: Mapping[str, int]
    limits: Mapping[str, int | None]
    deadline: float | None
    grace: float
    buffer: int


class Flow(Generic[S]):
    """A graph that passed every check. Made by `Graph.compile`; holds no run, so it may be shared freely.

    Example::

        result = await flow.run({"spec": "…"}, journal="runs.db", run_id="demo")
        result.state.code
    """

    def __init__(self, graph: CompiledGraph, state: type[S]) -> None:
        self.graph = graph
        self.state = state
        # Worked out once: the settings of a run without options, and slots by what was asked for.
        self._plain: Settings | None = None
        self._needs: dict[tuple[int | None, tuple[tuple[str, int], ...]], tuple[Any, Any]] = {}

    # ------------------------------------------------------------------ what it is

    @property
    def name(self) -> str:
        """The graph's name."""
        return self.graph.definition.name

    @property
    def inputs(self) -> dict[str, Any]:
        """The fields a run must be given, and their types."""
        return {name: self.graph.schema.fields[name].annotation for name in self.graph.inputs}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What will work but is likely not meant."""
        return self.graph.warnings

    # ------------------------------------------------------------------ run

    async def run(
        self,
        inputs: Inputs | None = None,
        /,
        *,
        journal: Where | None = None,
        run_id: str | None = None,
        **options: Unpack[RunOptions],
    ) -> RunResult[S]:
        """Run to the end.

        Args:
            inputs: Values of fields: a mapping or a model. See `inputs` for those that are needed.
            journal: Where to keep the run; without one it cannot be resumed.
            run_id: What to call it; made up by default.
            **options: See `RunOptions`.

        Raises:
            InputError: Something handed over does not fit; nothing was started.
            RunExistsError: The journal holds a run of this id.
            RunError: The run failed or was stopped; says how to go on.
        """
        if journal is None:
            executor = await self._create(inputs, None, run_id, options)
            executor.begin()
            return self._result(executor, await executor.run())
        async with opened(journal) as store:
            executor = await self._create(inputs, store, run_id, options)
            executor.begin()
            return self._result(executor, await executor.run(), store)

    def start(
        self,
        inputs: Inputs | None = None,
        /,
        *,
        journal: Where | None = None,
        run_id: str | None = None,
        **options: Unpack[RunOptions],
    ) -> Run[S]:
        """A live run, to be watched and steered: ``async with flow.start(...) as run``. Arguments as for `run`."""

        async def make(store: Journal | None) -> Executor:
            return await self._create(inputs, store, run_id, options)

        return Run(make, self._finisher(journal), journal, buffer=options.get("buffer", 1000))

    async def resume(
        self,
        run_id: str,
        /,
        *,
        journal: Where,
        takeover: bool = False,
        on_change: str = "stop",
        **options: Unpack[RunOptions],
    ) -> RunResult[S]:
        """Go on with a run after a crash, an interruption or a failure, from its last record.

        No node that finished runs again. A run that had completed gives its result at once.

        Args:
            run_id: The run.
            journal: Where it is kept.
            takeover: Fence off an owner that is alive but stuck.
            on_change: What to do when the graph is not the one the run was made with: ``"stop"`` with an error that
                lists what changed, or ``"continue"``.
            **options: See `RunOptions`; limits raised here stay raised for the run.

        Raises:
            RunNotFoundError: There is no such run.
            RunOwnedError: Somebody is working on it.
            GraphChangedError: The graph changed.
            RunError: As for `run`; also for a run that had been cancelled.
        """
        async with opened(journal) as store:
            executor = await self._reopen(run_id, store, takeover, on_change, options)
            executor.begin()
            return self._result(executor, await executor.run(), store)

    def reopen(
        self,
        run_id: str,
        /,
        *,
        journal: Where,
        takeover: bool = False,
        on_change: str = "stop",
        **options: Unpack[RunOptions],
    ) -> Run[S]:
        """A live run that goes on where a run stopped; `start` for `resume`."""

        async def make(store: Journal | None) -> Executor:
            assert store is not None
            return await self._reopen(run_id, store, takeover, on_change, options)

        return Run(make, self._finisher(journal), journal, buffer=options.get("buffer", 1000))

    def run_sync(
        self,
        inputs: Inputs | None = None,
        /,
        *,
        journal: Where | None = None,
        run_id: str | None = None,
        **options: Unpack[RunOptions],
    ) -> RunResult[S]:
        """`run` for code that is not async; works inside a notebook too, where an event loop runs already."""
        return _wait_for(self.run(inputs, journal=journal, run_id=run_id, **options))

    def resume_sync(
        self,
        run_id: str,
        /,
        *,
        journal: Where,
        takeover: bool = False,
        on_change: str = "stop",
        **options: Unpack[RunOptions],
    ) -> RunResult[S]:
        """`resume` for code that is not async."""
        return _wait_for(
            self.resume(run_id, journal=journal, takeover=takeover, on_change=on_change, **options)
        )

    # ------------------------------------------------------------------ look back

    async def history(self, run_id: str, /, *, journal: Where) -> list[Checkpoint]:
        """What happened in a run, record by record, oldest first; no ownership needed, the run may be under way.

        Raises:
            RunNotFoundError: There is no such run.
        """
        async with opened(journal) as store:
            return history_of(self.graph, await store.read(run_id))

    async def state_at(self, run_id: str, seq: int, /, *, journal: Where) -> S:
        """The state after a record: what its activation left, or, where that failed, what it ran on.

        Raises:
            RunNotFoundError: There is no such run.
            InputError: The run has no such record.
        """
        async with opened(journal) as store:
            header = await store.header(run_id)
            records = await store.read(run_id, before=seq + 1)
            if not records or records[-1].seq != seq:
                raise InputError(
                    f"run {run_id!r} has no record {seq}; its records go from 0 to {len(records) - 1}"
                )
            try:
                snapshot = recovery.snapshot_after(self.graph, list(records))
            except recovery.UnknownActivationError as error:
                raise self._changed(store, header, str(error)) from None
        return self._build(snapshot)

    def render(
        self, path: str | PathLike[str], *, run: str | None = None, journal: Where | None = None
    ) -> None:
        """Draw the graph into a file; see `Graph.render`."""
        from .render import render

        records: Sequence[Record] | None = None
        if run is not None:
            if journal is None:
                raise InputError("say in which journal= the run is")
            records = _wait_for(_read(journal, run))
        render(self.graph, path, run_id=run, records=records)

    # ------------------------------------------------------------------ how

    async def _create(
        self, inputs: Inputs | None, store: Journal | None, run_id: str | None, options: RunOptions
    ) -> Executor:
        update = self._checked_inputs(inputs)
        settings = self._settings(options)
        schedule = recovery.new_schedule(self.graph, self._limits(options.get("limits")))
        start = self.graph.start
        snapshot = schedule.preview(start, (), update.values)
        failed: StepError | None = None
        taken: tuple[int, ...] | None = None
        try:
            taken = outcome.route(self.graph, schedule, start, (), snapshot, settings.resources)
        except StepError as error:
            failed = error
        name = run_id if run_id is not None else secrets.token_hex(6)
        log = None
        if store is not None:
            now = time.time()
            ids = None if taken is None else tuple(self.graph.plan.edges[number].id for number in taken)
            header = RunHeader(name, self.name, self.graph.digest, self.graph.shape, now)
            log = await store.create(header, RunStarted(0, now, update.encoded, ids))
        executor = Executor(self.graph, schedule, settings, run_id=name, log=log, seq=1)
        if taken is None:
            executor.plan(Beginning(NodeReturned(start, (), update.values), failed))
        else:
            executor.plan(Beginning(NodeSucceeded(start, (), update.values, taken)))
        return executor

    async def _reopen(
        self, run_id: str, store: Journal, takeover: bool, on_change: str, options: RunOptions
    ) -> Executor:
        if on_change not in ("stop", "continue"):
            raise InputError(f'on_change is "stop" or "continue", not {on_change!r}')
        settings = self._settings(options)
        limits = self._limits(options.get("limits"))
        header = await store.header(run_id)
        if header.digest != self.graph.digest and on_change == "stop":
            raise self._changed(store, header)
        log = await store.acquire(run_id, takeover=takeover)
        try:
            return await self._recovered(log, store, header, settings, limits)
        except BaseException:
            await log.release()
            raise

    async def _recovered(
        self,
        log: RunLog,
        store: Journal,
        header: RunHeader,
        settings: Settings,
        limits: Mapping[int, int | None],
    ) -> Executor:
        try:
            run = recovery.recover(self.graph, await store.read(header.run_id))
        except recovery.UnknownActivationError as error:
            raise self._changed(store, header, str(error)) from None
        if run.status is RunStatus.CANCELLED:
            raise InputError(
                f"run {header.run_id!r} was cancelled, which is final; fork it to go on from a checkpoint"
            )
        retry = run.in_phase(Phase.FAILED)
        reroute = [key for key in run.in_phase(Phase.RETURNED) if not run.schedule.must_wait(*key)]
        run.schedule.limits.update(limits)
        over = run.status is RunStatus.COMPLETED
        if not over:
            edges = self.graph.plan.edges
            told = {edges[number].id: limit for number, limit in limits.items()}
            await log.append(RunResumed(run.seq, time.time(), log.epoch, told))
            run.seq += 1
        executor = Executor(
            self.graph,
            run.schedule,
            settings,
            run_id=header.run_id,
            log=log,
            seq=run.seq,
            tries=run.tries,
        )
        orders = tuple(run.orders.values())
        executor.plan(Beginning(orders=orders, retry=tuple(retry), reroute=tuple(reroute), over=over))
        return executor

    def _changed(self, store: Journal, header: RunHeader, why: str | None = None) -> GraphChangedError:
        told = recovery.changes(json.loads(header.shape), json.loads(self.graph.shape))
        return GraphChangedError(store.name, header.run_id, [why] if why else told)

    def _checked_inputs(self, inputs: Inputs | None) -> outcome.Update:
        if isinstance(inputs, BaseModel):
            given: dict[str, Any] = {name: getattr(inputs, name) for name in inputs.model_fields_set}
        elif inputs is None or isinstance(inputs, Mapping):
            given = dict(inputs or {})
        else:
            raise InputError(f"inputs are a mapping of fields or a model, not {type(inputs).__name__}")
        fields = self.graph.schema.fields
        problems = [
            f"{name!r} is no field of the state ({', '.join(fields)})" for name in given if name not in fields
        ]
        missing = [name for name in self.graph.inputs if name not in given]
        if missing:
            problems.append(f"{', '.join(map(repr, missing))} must be given: read before any node writes it")
        encoded: dict[str, bytes] = {}
        values: dict[str, object] = {}
        for name in [name for name in fields if name in given]:
            try:
                update = outcome.encode(self.graph, {name: given[name]}, "input")
            except UpdateError as error:
                problems.append(str(error))
                continue
            encoded |= update.encoded
            values |= update.values
        if problems:
            raise InputError(f"cannot run {self.name}: {'; '.join(problems)}")
        return outcome.Update(encoded, values)

    def _settings(self, options: RunOptions) -> Settings:
        if not options and self._plain is not None:
            return self._plain
        unknown = set(options) - set(RunOptions.__annotations__)
        if unknown:
            raise InputError(f"unknown option {', '.join(map(repr, sorted(unknown)))}; see RunOptions")
        resources = options.get("resources", {})
        declared = self.graph.definition.resources
        if missing := [name for name in declared if name not in resources]:
            raise InputError(f"resources= lacks {', '.join(map(repr, missing))}")
        if extra := [name for name in resources if name not in declared]:
            raise InputError(f"the graph declares no resource {', '.join(map(repr, extra))}")
        capacity, needs = self._slots(options.get("concurrency"), options.get("slots", {}))
        settings = Settings(resources, capacity, needs, options.get("deadline"), options.get("grace", 5.0))
        if not options:
            self._plain = settings
        return settings

    def _slots(
        self, concurrency: int | None, slots: Mapping[str, int]
    ) -> tuple[Mapping[str, int], tuple[Needs, ...] | None]:
        key = (concurrency, tuple(sorted(slots.items())))
        if key not in self._needs:
            self._needs[key] = _needs_of(self.graph, concurrency, slots)
        return self._needs[key]

    def _limits(self, limits: Mapping[str, int | None] | None) -> dict[int, int | None]:
        found: dict[int, int | None] = {}
        for edge, limit in (limits or {}).items():
            number = self.graph.plan.edge_number.get(edge)
            if number is None or number not in self.graph.limits:
                known = ", ".join(self.graph.plan.edges[known].id for known in self.graph.limits)
                raise InputError(f"limits=: {edge!r} is no feedback edge; there is {known or 'none'}")
            found[number] = limit
        return found

    def _finisher(self, journal: Where | None) -> Callable[[Executor, RunStatus], RunResult[S]]:
        return lambda executor, status: self._result(executor, status, journal)

    def _result(self, executor: Executor, status: RunStatus, journal: Where | None = None) -> RunResult[S]:
        name = None
        if journal is not None:
            name = journal.name if isinstance(journal, Journal) else str(journal)
        error = error_of(executor, status, name)
        if error is not None:
            raise error
        snapshot = executor.schedule.result
        return RunResult(executor.run_id, status, None if snapshot is None else self._build(snapshot))

    def _build(self, snapshot: Any) -> S:
        built = self.graph.schema.build(snapshot)
        assert isinstance(built, self.state)
        return built


def _needs_of(
    graph: CompiledGraph, concurrency: int | None, slots: Mapping[str, int]
) -> tuple[Mapping[str, int], tuple[Needs, ...] | None]:
    """How many of each slot there are, and which ones each node needs."""
    for name, count in [("concurrency", concurrency), *slots.items()]:
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
            raise InputError(f"{name} must be a whole number from 1, not {count!r}")
    used = {name for spec in graph.definition.nodes.values() for name in spec.uses}
    if unknown := [name for name in slots if name != "threads" and name not in used]:
        raise InputError(f"slots=: no node uses {', '.join(map(repr, unknown))}")
    capacity = {**slots, "threads": slots.get("threads", concurrency or THREADS)}
    if concurrency is not None:
        capacity["run"] = concurrency
    needs: list[Needs] = []
    for node in graph.nodes:
        wanted: list[str] = []
        if node.spec is not None and node.binding is not None:
            wanted = [name for name in node.spec.uses if name in capacity]
            if concurrency is not None:
                wanted.append("run")
            if not node.binding.is_async and not node.spec.inline:
                wanted.append("threads")
            if node.spec.concurrency is not None:
                wanted.append(f"node {node.name}")
                capacity[wanted[-1]] = node.spec.concurrency
        needs.append(tuple(sorted(set(wanted))))
    return (capacity, tuple(needs)) if any(needs) else ({}, None)


async def _read(journal: Where, run_id: str) -> Sequence[Record]:
    async with opened(journal) as store:
        return await store.read(run_id)


def _wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from code that is not async, in a thread of its own if a loop runs here already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    outcomes: list[T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            outcomes.append(asyncio.run(work))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=body, name="backedge run_sync")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return outcomes[0]
