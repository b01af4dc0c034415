"""A compiled graph, ready to run: run, start, resume, look back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, Unpack

from pydantic import BaseModel

from . import recovery
from .compiler.compile import CompiledGraph
from .definition import Definition, is_text
from .errors import InputError
from .execution.executor import Executor
from .execution.inputs import Inputs, checked_inputs
from .execution.options import AT_ONCE, BUFFER, DEATHS, PATIENCE, Options, RunOptions
from .execution.preparing import How, new_run, old_run, unfit
from .execution.sync import wait_for
from .ports import Journal, opened
from .records import Record, RunStatus
from .run import Run, RunResult, error_of
from .shown import shown

if TYPE_CHECKING:  # what looks back is loaded when somebody does, so that a run starts sooner
    from .past.diff import RunDiff
    from .past.history import Checkpoint
    from .past.migrate import Migrations
    from .past.report import ReplayReport
    from .supervising import Recovery, Work

__all__ = ["Flow", "Inputs", "RunOptions", "Where"]

S = TypeVar("S", bound=BaseModel)

Where: TypeAlias = str | PathLike[str] | Journal
"""A journal: the path of its file, or an open one."""


class Flow(Generic[S]):
    """A graph that passed every check. Made by `Graph.compile`; holds no run, so it may be shared freely.

    Example::

        result = await flow.run({"spec": "…"}, journal="runs.db", run_id="demo")
        result.state.code
    """

    def __init__(self, graph: CompiledGraph, state: type[S]) -> None:
        self.graph = graph
        self.state = state
        self._options = Options(graph)
        self._migrations: Migrations | None = None

    # ------------------------------------------------------------------ what it is

    @property
    def name(self) -> str:
        """The graph's name."""
        return self.graph.definition.name

    @property
    def definition(self) -> Definition:
        """What was declared."""
        return self.graph.declared

    @property
    def inputs(self) -> dict[str, Any]:
        """The fields a run must be given, and their types."""
        return {name: self.graph.schema.fields[name].annotation for name in self.graph.inputs}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What will work but is likely not meant."""
        return self.graph.warnings

    def migrating(self, migrations: Migrations) -> Flow[S]:
        """The same flow, for runs that were made when fields had other types.

        What such a run recorded before it went on with this graph is read through the migrations, whenever it is
        resumed, forked, replayed or looked at with this flow. Nothing stored is changed.

        Args:
            migrations: Field to a function from a recorded value, as JSON has it, to what its type takes now. Of a field
                with a reducer every update is such a value. None drops what was written to a field that is gone.

        Raises:
            InputError: A migration is for no field.

        Example: ``await flow.migrating({"score": int}).resume("demo", journal="runs.db", on_change="continue")``
        """
        from .past.migrate import check_migrations

        check_migrations(self.graph, migrations)
        other = Flow(self.graph, self.state)
        other._migrations = dict(migrations)
        return other

    def seen(self, store: Journal) -> Journal:
        """The journal as this flow reads it: through its migrations, if it has any."""
        if self._migrations is None:
            return store
        from .past.migrate import migrated

        return migrated(store, self.graph, self._migrations)

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
        self._check(inputs, options, journal)
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
        self._check(inputs, options, journal)

        async def make(store: Journal | None) -> Executor:
            return await self._create(inputs, store, run_id, options)

        return Run(make, self._finisher(journal), journal, buffer=options.get("buffer", BUFFER))

    async def resume(
        self,
        run_id: str,
        /,
        *,
        journal: Where,
        answers: Mapping[str, object] | None = None,
        takeover: bool = False,
        on_change: str = "stop",
        migrate: Migrations | None = None,
        **options: Unpack[RunOptions],
    ) -> RunResult[S]:
        """Go on with a run after a crash, an interruption or a failure, or with answers, from its last record.

        No node that finished runs again, and no effect that completed. A run that had completed gives its result at once.

        Args:
            run_id: The run.
            journal: Where it is kept.
            answers: Answers to open questions, by `Question.id` or the id of the activation that asks.
            takeover: Fence off an owner that is alive but stuck.
            on_change: What to do when the graph is not the one the run was made with: ``"stop"`` with an error that
                lists what changed and what that means for the run, or ``"continue"``.
            migrate: Functions for fields whose types changed; see `migrating`.
            **options: See `RunOptions`; limits raised here stay raised for the run.

        Raises:
            RunNotFoundError: There is no such run.
            RunOwnedError: Somebody is working on it.
            GraphChangedError: The graph changed.
            RunError: As for `run`; a `RunCancelledError` also for a run that had been cancelled before.
        """
        flow = self if migrate is None else self.migrating(migrate)
        async with opened(journal, create=False) as store:
            executor = await flow._reopen(run_id, store, takeover, on_change, options, answers)
            executor.begin()
            status = await executor.run()
            if executor.refusals:
                told = "; ".join(f"{name}: {why}" for name, why in executor.refusals.items())
                raise InputError(
                    f"answers= of run {run_id!r} were refused, the questions are still open: {told}"
                )
            return self._result(executor, status, store)

    def reopen(
        self,
        run_id: str,
        /,
        *,
        journal: Where,
        answers: Mapping[str, object] | None = None,
        takeover: bool = False,
        on_change: str = "stop",
        migrate: Migrations | None = None,
        **options: Unpack[RunOptions],
    ) -> Run[S]:
        """A live run that goes on where a run stopped; `start` for `resume`."""
        flow = self if migrate is None else self.migrating(migrate)

        async def make(store: Journal | None) -> Executor:
            if store is None:
                raise InputError(f"resuming run {run_id!r} needs its journal=")
            return await flow._reopen(run_id, store, takeover, on_change, options, answers)

        return Run(make, self._finisher(journal), journal, buffer=options.get("buffer", BUFFER), create=False)

    async def recover(
        self,
        *,
        journal: Where,
        at_once: int = AT_ONCE,
        on_change: str = "stop",
        max_deaths: int = DEATHS,
        **options: Unpack[RunOptions],
    ) -> list[Recovery]:
        """Go on with every run of this graph that should be: its owner died, or what it waits for has come.

        Timers that are due, answers and signals count, and so does a run that somebody asked to cancel. Runs that failed,
        or were interrupted on purpose, are left alone. Others may do the same at the same time, in any process:
        nothing is done twice. ``backedge worker`` does this again and again.

        Args:
            journal: Where the runs are.
            at_once: How many of them to work on at once.
            on_change: As for `resume`.
            max_deaths: After how many processes in a row that went on with a run and died without a new record it is
                left alone, with a `RunAbandonedError`. `resume` goes on with it all the same.
            **options: See `RunOptions`. `patience` is 1 second by default: a run that waits longer for a timer rests.

        Returns:
            What came of each, in the order in which they came to rest; errors are told there, not raised.

        Example: ``for it in await flow.recover(journal="runs.db"): print(it.run_id, it.cause, it.status)``
        """
        from .supervising import Supervisor

        recovered: list[Recovery] = []
        patient: RunOptions = {"patience": PATIENCE, **options}
        async with opened(journal, create=False) as store:
            work = self.work(patient)
            supervisor = Supervisor(
                [work],
                store,
                at_once=at_once,
                on_change=on_change,
                max_deaths=max_deaths,
                tell=recovered.append,
            )
            await supervisor.once()
        return recovered

    def work(self, options: RunOptions) -> Work:
        """What a `Supervisor` needs to go on with runs of this graph. Raises InputError."""
        from .supervising import Work

        return Work(self.graph, self._how(options))

    async def fork(
        self,
        parent: str,
        /,
        *,
        journal: Where,
        at: int | None = None,
        before: str | None = None,
        edit: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        start: bool = True,
        on_change: str = "stop",
        **options: Unpack[RunOptions],
    ) -> RunResult[S]:
        """Go on from somewhere in a run's past, as a new run, with edits.

        What the parent had recorded up to there counts for the fork too and is not stored again. The edges of the
        record it begins at are looked at again; what was in flight there begins anew.

        Args:
            parent: The run to go on from; it is not changed, and may be in any state.
            journal: Where it is kept.
            at: Number of the last record that counts.
            before: Id of an activation (``coder@2``) whose input alone is edited. Without `at` the fork begins just
                before the first record of that activation.
            edit: Field to new value: one write, later than all others. It replaces a reducer's value.
            run_id: What to call the fork; made up by default.
            start: False to only make the fork, for `resume` or `reopen`.
            on_change: As for `resume`.
            **options: See `RunOptions`; limits stay raised for the fork.

        Raises:
            InputError: There is no such checkpoint, or the edit does not fit. Nothing was stored.
            RunNotFoundError: There is no such run.
            RunExistsError: The journal holds a run of this id.
            GraphChangedError: The graph changed.
            RunError: As for `run`.
        """
        from .past import fork

        where = fork.Where(at, before, {} if edit is None else edit)
        async with opened(journal, create=False) as store:
            if not start:
                name = await fork.set_aside(
                    self.graph, parent, where, self.seen(store), run_id, on_change=on_change
                )
                return RunResult(name, RunStatus.INTERRUPTED)
            executor = await fork.forked(
                self.graph, parent, where, self.seen(store), run_id, self._how(options), on_change=on_change
            )
            executor.begin()
            return self._result(executor, await executor.run(), store)

    def start_fork(
        self,
        parent: str,
        /,
        *,
        journal: Where,
        at: int | None = None,
        before: str | None = None,
        edit: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        on_change: str = "stop",
        **options: Unpack[RunOptions],
    ) -> Run[S]:
        """A live run that goes on from another one's past; `start` for `fork`."""
        from .past import fork

        where = fork.Where(at, before, {} if edit is None else edit)

        async def make(store: Journal | None) -> Executor:
            assert store is not None
            how = self._how(options)
            return await fork.forked(
                self.graph, parent, where, self.seen(store), run_id, how, on_change=on_change
            )

        return Run(make, self._finisher(journal), journal, buffer=options.get("buffer", BUFFER), create=False)

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
        return wait_for(self.run(inputs, journal=journal, run_id=run_id, **options))

    def resume_sync(
        self,
        run_id: str,
        /,
        *,
        journal: Where,
        answers: Mapping[str, object] | None = None,
        takeover: bool = False,
        on_change: str = "stop",
        **options: Unpack[RunOptions],
    ) -> RunResult[S]:
        """`resume` for code that is not async."""
        return wait_for(
            self.resume(
                run_id, journal=journal, answers=answers, takeover=takeover, on_change=on_change, **options
            )
        )

    # ------------------------------------------------------------------ look back

    async def history(self, run_id: str, /, *, journal: Where) -> list[Checkpoint[S]]:
        """What happened in a run, record by record, oldest first; no ownership needed, the run may be under way.

        The states before and after are worked out when they are asked for.

        Raises:
            RunNotFoundError: There is no such run.
        """
        from .past.history import history_of

        _must_be_id(run_id)
        async with opened(journal, create=False) as given:
            store = self.seen(given)
            header = await store.header(run_id)
            records = await store.read(run_id)
            try:
                return history_of(self.graph, records, self._build)
            except recovery.UNFIT as error:
                raise unfit(self.graph, store, header, error) from error

    async def replay(
        self,
        run_id: str,
        /,
        *,
        journal: Where,
        verify: str | None = None,
        rerun: Iterable[str] | str = (),
        resources: Mapping[str, Any] | None = None,
    ) -> ReplayReport:
        """Drive a run once more from its records, and check each of them; nothing is written, no model called.

        Args:
            run_id: The run.
            journal: Where it is kept.
            verify: ``"conditions"`` decides edges anew, by today's conditions on the recorded states.
            rerun: Names of nodes whose code is run anew, or ``"all"``. Their effects come from the records.
            resources: What those nodes and conditions are handed besides the state.

        Returns:
            A report that is true where all is as recorded; ``str()`` of it says where not.

        Raises:
            InputError: There is no such node, or a resource is missing.
            RunNotFoundError: There is no such run.
        """
        from .past.looking import replayed

        async with opened(journal, create=False) as store:
            return await replayed(
                self.graph, self.seen(store), run_id, verify=verify, rerun=rerun, resources=resources or {}
            )

    async def diff(self, one: str, other: str, /, *, journal: Where) -> RunDiff:
        """Where two runs part, and how their states differ there and at the end.

        Raises:
            RunNotFoundError: There is no such run.
            GraphChangedError: The records of one do not fit this graph.
        """
        from .past.looking import differed

        async with opened(journal, create=False) as store:
            return await differed(self.graph, self.seen(store), one, other)

    async def state_at(self, run_id: str, seq: int, /, *, journal: Where) -> S:
        """The state after a record: what its activation left, or, where that failed, what it ran on.

        Raises:
            RunNotFoundError: There is no such run.
            InputError: The run has no such record.
            GraphChangedError: The graph is not the one the run was made with, and its records do not fit.
        """
        from .past.walk import Walk

        _must_be_id(run_id)
        if not isinstance(seq, int):
            raise InputError(f"seq is the number of a record, from 0, not {shown(seq)}")
        async with opened(journal, create=False) as given:
            store = self.seen(given)
            header = await store.header(run_id)
            records = await store.read(run_id, before=max(seq, 0) + 1)
            if not records or records[-1].seq != seq:
                last = len(await store.read(run_id)) - 1
                raise InputError(f"run {run_id!r} has no record {seq}; its records go from 0 to {last}")
            try:
                snapshot = Walk(self.graph, records).after(seq)
            except recovery.UNFIT as error:
                raise unfit(self.graph, store, header, error) from error
        return self._build(snapshot)

    def render(
        self, path: str | PathLike[str], *, run: str | None = None, journal: Where | None = None
    ) -> None:
        """Draw the graph into a file; see `Graph.render`."""
        from .render import render

        records: Sequence[Record] | None = None
        if run is None and journal is not None:
            raise InputError(
                "journal= says where a run is: say run= too, or leave it out to draw the graph alone"
            )
        if run is not None:
            _must_be_id(run)
            if journal is None:
                raise InputError("say in which journal= the run is")
            records = wait_for(_read(journal, run))
        render(self.graph, path, run_id=run, records=records)

    # ------------------------------------------------------------------ how

    def _check(self, inputs: Inputs | None, options: RunOptions, journal: Where | None) -> None:
        """Find what is wrong with inputs and options before a journal's file is made."""
        if journal is not None and not isinstance(journal, Journal):
            self._how(options)
            checked_inputs(self.graph, inputs)

    def _how(self, options: RunOptions, answers: Mapping[str, object] | None = None) -> How:
        limits = self._options.limits(options.get("limits"))
        return How(self._options.settings(options), limits, answers or {})

    async def _create(
        self, inputs: Inputs | None, store: Journal | None, run_id: str | None, options: RunOptions
    ) -> Executor:
        if run_id is not None:
            _must_be_id(run_id)
        return await new_run(self.graph, inputs, store, run_id, self._how(options))

    async def _reopen(
        self,
        run_id: str,
        store: Journal,
        takeover: bool,
        on_change: str,
        options: RunOptions,
        answers: Mapping[str, object] | None,
    ) -> Executor:
        _must_be_id(run_id)
        how = self._how(options, answers)
        return await old_run(
            self.graph, run_id, self.seen(store), how, takeover=takeover, on_change=on_change
        )

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
        state = None if snapshot is None else self._build(snapshot)
        return RunResult(executor.run_id, status, state, tuple(executor.questions))

    def _build(self, snapshot: Any) -> S:
        built = self.graph.schema.build(snapshot)
        assert isinstance(built, self.state)
        return built


def _must_be_id(run_id: str) -> None:
    if not is_text(run_id):
        raise InputError(f"the id of a run is a text that is not empty, not {shown(run_id)}")


async def _read(journal: Where, run_id: str) -> Sequence[Record]:
    async with opened(journal, create=False) as store:
        return await store.read(run_id)
