"""The thin driver: carries out the schedule's orders on asyncio, and reports committed facts back to it.

For every step, in this order: what a node returned is validated and encoded, its edges are decided, the record is
queued; once it is committed the fact goes to the schedule, and what that makes ready is started. Records are committed
and applied in the order in which they were queued. So nothing ever starts that depends on something not on disk, and
without a journal the same path is taken with the commit left out.

There is no supervising task: a run is the tasks of its nodes, and callbacks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

from . import events, outcome
from .calls import Caller, Step
from .compile import CompiledGraph
from .errors import ConflictError, NodeRaisedError, ScheduleError, StepError, UpdateError
from .facts import (
    Fact,
    NodeErrored,
    NodeFailed,
    NodeRetried,
    NodeReturned,
    NodeRouted,
    NodeSucceeded,
    Order,
    RejectNode,
    RouteNode,
    StartNode,
)
from .failures import describe
from .fields import FoldError
from .plan import Rounds
from .ports import RunLog
from .records import (
    ActivationId,
    AttemptFailed,
    ErrorInfo,
    NodeFinished,
    Record,
    Routed,
    RoutingFailed,
    RunEnded,
    RunStatus,
)
from .schedule import Key, Schedule
from .slots import Needs, Slots
from .state import MergeConflict, Snapshot

_log = logging.getLogger("backedge")

INLINE_BURST = 100
"""How many inline nodes run in a row before the event loop gets its turn."""


class Stop(Enum):
    """Why nothing new is started any more."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    BROKEN = "broken"  # the journal failed, or this driver did: nothing more can be said of the run


_STATUS = {
    Stop.FAILED: RunStatus.FAILED,
    Stop.CANCELLED: RunStatus.CANCELLED,
    Stop.INTERRUPTED: RunStatus.INTERRUPTED,
    Stop.BROKEN: RunStatus.INTERRUPTED,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run is to be carried out.

    Attributes:
        resources: What nodes are handed, by name.
        capacity: Number of slots by name, the run's own limit and those of nodes included.
        needs: For each node the slots it needs; None where nothing is limited.
        deadline: Seconds after which the run is interrupted, or None.
        grace: Seconds an ending waits for what does not stop at once.
    """

    resources: Mapping[str, Any] = field(default_factory=dict)
    capacity: Mapping[str, int] = field(default_factory=dict)
    needs: tuple[Needs, ...] | None = None
    deadline: float | None = None
    grace: float = 5.0


@dataclass(frozen=True, slots=True)
class Tries:
    """What a recovered activation has behind it: its next attempt's number, and how many its policy has seen."""

    next: int
    seen: int


FIRST = Tries(1, 0)


class Beginning(NamedTuple):
    """What sets a run going.

    Attributes:
        fact: For a new run the fact of record 0.
        error: Why START could not be routed, if so; then the fact is a `NodeReturned`.
        orders: For a recovered run what was in flight.
        retry: The activations that had failed.
        reroute: The activations that owe their routing.
        over: The run had completed: nothing is to be done, nothing is written.
    """

    fact: NodeSucceeded | NodeReturned | None = None
    error: StepError | None = None
    orders: tuple[Order, ...] = ()
    retry: tuple[Key, ...] = ()
    reroute: tuple[Key, ...] = ()
    over: bool = False


class Executor:
    """Carries out one run."""

    __slots__ = (
        "_announcer",
        "_beginning",
        "_broken",
        "_caller",
        "_committing",
        "_done",
        "_graph",
        "_inline",
        "_log",
        "_loop",
        "_over",
        "_pumping",
        "_seq",
        "_settings",
        "_slots",
        "_stop",
        "_tasks",
        "_timers",
        "_tries",
        "failures",
        "run_id",
        "schedule",
    )

    def __init__(
        self,
        graph: CompiledGraph,
        schedule: Schedule,
        settings: Settings,
        *,
        run_id: str,
        log: RunLog | None,
        seq: int,
        tries: Mapping[Key, Tries] | None = None,
    ) -> None:
        """Take over a schedule whose facts up to `seq` (exclusive) are applied. Needs a running event loop.

        Args:
            graph: The graph.
            schedule: Its state machine.
            settings: How to run it.
            run_id: The run's id.
            log: The run's log, owned; None to run without a journal.
            seq: Number of the next record.
            tries: What activations in flight have behind them.
        """
        self._graph = graph
        self.schedule = schedule
        self._settings = settings
        self.run_id = run_id
        self._log = log
        self._seq = seq
        self._tries = dict(tries) if tries else None
        self._loop = asyncio.get_running_loop()
        # What `begin` will do; None once it has.
        self._beginning: Beginning | None = None
        self._announcer = events.Announcer(self._loop)
        self._caller = Caller(graph, settings.resources, run_id, self._announcer)
        # The tasks of running nodes; inline nodes have none.
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        # Orders of inline nodes not yet begun, and whether somebody is at work on them.
        self._inline: deque[StartNode] | None = None
        self._pumping = False
        # The run had completed before: its end stands in the journal.
        self._over = False
        # Appends whose records are not yet committed and applied.
        self._committing = 0
        # Set once, from then on nothing new is started; only BROKEN, and CANCELLED, replace another reason.
        self._stop: Stop | None = None
        # What to raise at the end, with Stop.BROKEN.
        self._broken: BaseException | None = None
        self._slots: Slots[StartNode] | None = (
            Slots(settings.capacity) if settings.needs is not None else None
        )
        self._timers: tuple[asyncio.TimerHandle, ...] = ()
        # Done when nothing runs, nothing is being committed, and nothing will start.
        self._done: asyncio.Future[None] = self._loop.create_future()
        # Why the run failed: activation to error, in order.
        self.failures: dict[str, StepError] = {}

    # ------------------------------------------------------------------ the run

    def plan(self, beginning: Beginning) -> None:
        """Say what `begin` is to do."""
        self._beginning = beginning

    def begin(self) -> None:
        """Set the run going, or going on."""
        beginning, self._beginning = self._beginning, None
        assert beginning is not None
        self._over = beginning.over
        if beginning.error is not None:
            assert isinstance(beginning.fact, NodeReturned)
            self._routing_failed(self._graph.start, (), beginning.error, [], beginning.fact)
        elif beginning.fact is not None:
            self._apply(beginning.fact)
        for order in beginning.orders:
            self._order(order)
        for node, rounds in beginning.retry:
            self._apply(NodeRetried(node, rounds))
        for node, rounds in beginning.reroute:
            self._reroute(node, rounds)
        self._rest()

    async def run(self) -> RunStatus:
        """Wait for the end, put it into the journal and let go of everything. Raises what broke the journal.

        When cancelled it interrupts the run first, so that it can be resumed.
        """
        if self._settings.deadline is not None:
            self._later(self._settings.deadline, self.interrupt)
        try:
            await self._done
        except asyncio.CancelledError:
            if self._done.cancelled():  # that is how the cancellation of whoever awaits it arrives
                self._done = self._loop.create_future()
            self.interrupt()
            await _to_its_end(self._loop.create_task(self._wind_up()))
            raise
        if self._log is None and self._caller.threads is None and not self._announcer.listeners:
            return self._finish()
        return await _to_its_end(self._loop.create_task(self._wind_up()))

    def interrupt(self) -> None:
        """Stop at once; the run can be resumed."""
        self._halt(Stop.INTERRUPTED)
        self._cancel_tasks()

    def cancel(self, grace: float = 0.0) -> None:
        """End the run for good: at once, or after letting running nodes finish for up to `grace` seconds."""
        self._halt(Stop.CANCELLED)
        if grace > 0:
            self._later(grace, self._cancel_tasks)
            self._rest()
        else:
            self._cancel_tasks()

    def listen(self, size: int) -> events.EventQueue:
        """A queue of everything that happens from now on."""
        queue = self._announcer.listen(size)
        if self._done.done():
            queue.close()
        return queue

    @property
    def status(self) -> RunStatus:
        """Where the run stands now."""
        if self._stop is not None:
            return _STATUS[self._stop]
        return RunStatus.COMPLETED if self._done.done() else RunStatus.RUNNING

    # ------------------------------------------------------------------ orders

    def _apply(self, fact: Fact) -> None:
        orders = self.schedule.apply(fact)
        if self._slots is not None and len(orders) > 1:
            orders.sort(key=self._priority)
        for order in orders:
            self._order(order)

    def _order(self, order: Order) -> None:
        if self._stop is not None:
            return  # resume gives the same order again
        if isinstance(order, RejectNode):
            self._reject(order)
        elif isinstance(order, RouteNode):
            self._reroute(order.node, order.rounds)
        elif self._slots is None:
            self._launch(order)
        else:
            assert self._settings.needs is not None
            needs = self._settings.needs[order.node]
            if self._slots.acquire(needs):
                self._launch(order)
            else:
                self._slots.wait(needs, self._priority(order), order)

    def _priority(self, order: Order) -> tuple[int, ...]:
        """Lowest first: the longest remaining path, then the first in order."""
        plan = self._graph.plan
        return (-plan.remaining[order.node], *plan.position(order.node, order.rounds))

    def _launch(self, order: StartNode) -> None:
        spec = self._graph.nodes[order.node].spec
        assert spec is not None
        if not spec.inline or spec.retry is not None:
            self._tasks[order.node, order.rounds] = self._loop.create_task(self._perform(order))
            return
        if self._inline is None:
            self._inline = deque()
        self._inline.append(order)
        if not self._pumping:
            self._pump()

    def _pump(self) -> None:
        """Run inline nodes one after the other, without recursion, and let others in from time to time."""
        assert self._inline is not None
        self._pumping = True
        for _ in range(INLINE_BURST):
            if not self._inline or self._stop is not None:
                break
            step = self._step(self._inline.popleft())
            try:
                try:
                    value = self._caller.call_inline(step)
                except Exception as error:
                    self._raised(step, error)
                else:
                    self._returned(step, value)
                self._free(step.order.node)
            except Exception as bug:
                self._break(bug)
        if self._stop is not None:
            self._inline.clear()
        if self._inline:
            self._loop.call_soon(self._pump)
        else:
            self._pumping = False
            self._rest()

    async def _perform(self, order: StartNode) -> None:
        """The task of one activation."""
        step = self._step(order)
        try:
            try:
                value = await self._caller.call(step, self._tried)
            except asyncio.CancelledError:
                if self._stop is None:  # nobody asked for it: the node's own doing
                    self._raised(
                        step,
                        NodeRaisedError(str(step.activation), "CancelledError", "the node cancelled itself"),
                    )
            except Exception as error:
                self._raised(step, error)
            else:
                self._returned(step, value)
        except Exception as bug:
            self._break(bug)
        finally:
            del self._tasks[order.node, order.rounds]
            self._free(order.node)
            self._rest()

    def _step(self, order: StartNode) -> Step:
        tries = FIRST
        if self._tries:
            tries = self._tries.pop((order.node, order.rounds), FIRST)
        return Step(self.schedule, order, tries.next, tries.seen)

    # ------------------------------------------------------------------ outcomes

    def _returned(self, step: Step, value: Any) -> None:
        node, rounds, snapshot, _ = step.order
        spec = self._graph.nodes[node].spec
        assert spec is not None
        try:
            update = outcome.NOTHING
            if value is not None or spec.writes:
                update = outcome.updates_of(self._graph, node, value, step)
                snapshot = self._preview(step, update.values)
        except StepError as error:
            self._raised(step, error)
            return
        if self.schedule.must_wait(node, rounds):
            returned = NodeReturned(node, rounds, update.values)
            self._submit(self._finished(step, update.encoded, None), partial(self._succeeded, step, returned))
            return
        try:
            taken = outcome.route(
                self._graph, self.schedule, node, rounds, snapshot, self._settings.resources
            )
        except StepError as error:
            finished = self._finished(step, update.encoded, None)
            self._routing_failed(node, rounds, error, finished, NodeReturned(node, rounds, update.values))
            return
        fact = NodeSucceeded(node, rounds, update.values, taken)
        if self._log is None and not self._announcer.listeners:
            self._apply(fact)
        else:
            self._submit(self._finished(step, update.encoded, taken), partial(self._succeeded, step, fact))

    def _succeeded(self, step: Step, fact: NodeSucceeded | NodeReturned) -> None:
        if self._announcer.listeners:
            now = time.time()
            taken = self._edge_ids(fact.taken) if isinstance(fact, NodeSucceeded) else ()
            self._announcer.tell(
                events.ActivationFinished(
                    step.activation, step.attempt, now, now - step.started, fact.updates, taken
                )
            )
        self._apply(fact)

    def _preview(self, step: Step, updates: Mapping[str, object]) -> Snapshot:
        try:
            return self.schedule.preview(step.order.node, step.order.rounds, updates)
        except FoldError as error:
            raise UpdateError(str(step.activation), str(error)) from error

    def _raised(self, step: Step, error: Exception) -> None:
        """The activation failed: an error edge takes it on, or the run fails."""
        node, rounds = step.order.node, step.order.rounds
        info = describe(error)
        taken = outcome.handlers(self._graph, node, error)
        if taken:
            fact = NodeErrored(node, rounds, info, taken)
            self._submit(self._finished(step, {}, taken, info), partial(self._errored, step, fact))
            return
        self._fail(step.activation, _as_step_error(error, step.activation, info))
        self._attempt_failed(step, info, final=True, then=partial(self._apply, NodeFailed(node, rounds)))

    def _errored(self, step: Step, fact: NodeErrored) -> None:
        self._tell_failed(step, fact.error, final=False, taken=self._edge_ids(fact.taken))
        self._apply(fact)

    def _reject(self, order: RejectNode) -> None:
        start = StartNode(order.node, order.rounds, self.schedule.initial)
        step = self._step(start)
        activation, reason = str(step.activation), order.reason
        error: StepError
        if isinstance(reason, MergeConflict):
            first, second = map(str, reason.writers)
            error = ConflictError(activation, reason.field, (first, second))
        else:
            error = UpdateError(activation, str(reason))
        self._fail(step.activation, error)
        self._attempt_failed(step, describe(error), final=True, then=None)

    async def _tried(self, step: Step, error: BaseException) -> None:
        """An attempt failed and another will follow: journal it first."""
        committed = self._loop.create_future()
        self._attempt_failed(step, describe(error), final=False, then=partial(committed.set_result, None))
        await committed

    def _attempt_failed(
        self, step: Step, info: ErrorInfo, *, final: bool, then: Callable[[], object] | None
    ) -> None:
        record = AttemptFailed(
            self._next(), step.activation, step.attempt, step.started, time.time(), info, final
        )
        tell = partial(self._tell_failed, step, info, final=final)
        self._submit([record], lambda: (tell(), then and then()))

    def _routing_failed(
        self, node: int, rounds: Rounds, error: StepError, before: list[Record], fact: NodeReturned | None
    ) -> None:
        info = describe(error)
        step = self._step(StartNode(node, rounds, self.schedule.initial))
        record = RoutingFailed(self._next(), step.activation, step.started, info)
        self._fail(step.activation, error)

        def committed() -> None:
            self._tell_failed(step, info, final=True)
            if fact is not None:
                self._apply(fact)

        self._submit([*before, record], committed)

    def _reroute(self, node: int, rounds: Rounds) -> None:
        snapshot = self.schedule.snapshot(node, rounds)
        try:
            taken = outcome.route(
                self._graph, self.schedule, node, rounds, snapshot, self._settings.resources
            )
        except StepError as error:
            self._routing_failed(node, rounds, error, [], None)
            return
        record = Routed(self._next(), self._id(node, rounds), time.time(), self._edge_ids(taken))
        self._submit([record], partial(self._apply, NodeRouted(node, rounds, taken)))

    def _finished(
        self,
        step: Step,
        writes: Mapping[str, bytes],
        taken: tuple[int, ...] | None,
        error: ErrorInfo | None = None,
    ) -> list[Record]:
        if self._log is None:
            return []
        ids = None if taken is None else self._edge_ids(taken)
        now = time.time()
        return [
            NodeFinished(self._next(), step.activation, step.attempt, step.started, now, writes, ids, error)
        ]

    # ------------------------------------------------------------------ commits

    def _submit(self, records: list[Record], then: Callable[[], object]) -> None:
        """Commit the records, then call `then`."""
        if self._log is None:
            then()
            return
        self._committing += 1
        self._log.append(*records).add_done_callback(partial(self._committed, then))

    def _committed(self, then: Callable[[], object], future: asyncio.Future[None]) -> None:
        self._committing -= 1
        try:
            future.result()
            if self._broken is None:
                then()
        except Exception as error:
            self._break(error)
        self._rest()

    def _break(self, error: BaseException) -> None:
        """The journal failed: nothing that happens now would be known later, so everything stops."""
        if self._broken is None:
            self._broken = error
        self._halt(Stop.BROKEN)
        self._stop = Stop.BROKEN
        self._cancel_tasks()

    # ------------------------------------------------------------------ endings

    def _fail(self, activation: ActivationId, error: StepError) -> None:
        self.failures[str(activation)] = error
        self._halt(Stop.FAILED)

    def _halt(self, reason: Stop) -> None:
        """From now on nothing new starts."""
        if self._done.done():
            return
        if self._stop is None or (reason is Stop.CANCELLED and self._stop is not Stop.BROKEN):
            self._stop = reason
        if self._slots is not None:
            self._slots.clear()

    def _cancel_tasks(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()
        if self._tasks:
            self._later(self._settings.grace, self._give_up)
        self._rest()

    def _give_up(self) -> None:
        """Tasks that ignore being cancelled are no longer waited for."""
        if not self._done.done():
            _log.warning("run %s: %d nodes ignored being cancelled", self.run_id, len(self._tasks))
            self._done.set_result(None)

    def _rest(self) -> None:
        """Notice that the run has come to rest."""
        if self._tasks or self._committing or self._inline or self._pumping or self._done.done():
            return
        if self._stop is None and not self.schedule.idle:
            waiting = ", ".join(str(self._id(node, rounds)) for node, rounds, _ in self.schedule.live())
            self._stop, self._broken = Stop.BROKEN, ScheduleError(f"nothing runs, and {waiting} never can")
        self._done.set_result(None)

    async def _wind_up(self) -> RunStatus:
        """Everything that follows the last step. Not to be cancelled."""
        await self._done
        if self._caller.threads is not None:
            stuck = await self._caller.threads.close(self._settings.grace)
            if stuck:
                _log.warning("run %s: %d worker threads did not return and were let go", self.run_id, stuck)
        try:
            if self._log is not None:
                await self._write_end(self._log)
        finally:
            self._announcer.tell(events.RunFinished(self.run_id, self.status, time.time()))
            self._announcer.close()
        return self._finish()

    async def _write_end(self, log: RunLog) -> None:
        try:
            if self._broken is None and not self._over:
                await log.append(RunEnded(self._next(), time.time(), self.status))
        finally:
            await log.release()

    def _finish(self) -> RunStatus:
        for timer in self._timers:
            timer.cancel()
        if self._broken is not None:
            raise self._broken
        return self.status

    # ------------------------------------------------------------------ small things

    def _id(self, node: int, rounds: Rounds) -> ActivationId:
        return self.schedule.activation_id(node, rounds)

    def _edge_ids(self, numbers: tuple[int, ...]) -> tuple[str, ...]:
        edges = self._graph.plan.edges
        return tuple([edges[number].id for number in numbers])

    def _next(self) -> int:
        seq = self._seq
        self._seq += 1
        return seq

    def _free(self, node: int) -> None:
        """Give the node's slots back, and start whoever waited for them."""
        if self._slots is not None:
            assert self._settings.needs is not None
            for order in self._slots.release(self._settings.needs[node]):
                self._launch(order)

    def _later(self, seconds: float, callback: Callable[[], None]) -> None:
        self._timers += (self._loop.call_later(seconds, callback),)

    def _tell_failed(self, step: Step, error: ErrorInfo, *, final: bool, taken: tuple[str, ...] = ()) -> None:
        if self._announcer.listeners:
            now = time.time()
            seconds = now - step.started
            self._announcer.tell(
                events.ActivationFailed(step.activation, step.attempt, now, seconds, error, final, taken)
            )


async def _to_its_end(task: asyncio.Task[RunStatus]) -> RunStatus:
    """Await a task to its end, even when we are cancelled meanwhile; that is passed on afterwards."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        task.exception()
        raise asyncio.CancelledError
    return task.result()


def _as_step_error(error: Exception, activation: ActivationId, info: ErrorInfo) -> StepError:
    if isinstance(error, StepError):
        return error
    told = NodeRaisedError(str(activation), info.type_name, info.message, info.traceback)
    told.__cause__ = error
    return told
