"""The thin driver: carries out the schedule's orders on asyncio, and reports committed facts back to it.

For every step, in this order: what a node returned is validated and encoded, its edges are decided, the record is
queued; once it is committed the fact goes to the schedule, and what that makes ready is started (see `ledger`).

There is no supervising task: a run is the tasks of its nodes (see `launcher`), callbacks, and its end (see `ending`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ..compiler.compile import CompiledGraph
from ..context import Past
from ..effects.recall import Known, Recall
from ..errors import (
    ConflictError,
    InputError,
    JournalError,
    NodeRaisedError,
    ScheduleError,
    StepError,
    UpdateError,
)
from ..facts import (
    CancelNode,
    Fact,
    NodeCancelled,
    NodeErrored,
    NodeFailed,
    NodeRetried,
    NodeReturned,
    NodeRouted,
    NodeSucceeded,
    Order,
    RejectNode,
    StartNode,
)
from ..failures import describe
from ..frontier import Cutter
from ..plan import Key, Rounds
from ..ports import RunLog
from ..records import (
    ActivationCancelled,
    ActivationId,
    AttemptFailed,
    Awaited,
    EffectKind,
    EffectOpened,
    ErrorInfo,
    Letter,
    NodeFinished,
    Record,
    Routed,
    RoutingFailed,
    RunStatus,
)
from ..schedule import Schedule
from ..state.fields import FoldError
from ..state.snapshots import MergeConflict
from . import events, outcome
from .calls import Caller, Step
from .desk import Desk, Question, still_open
from .effects import Effects
from .ending import Ending, Stop
from .launcher import Launcher
from .ledger import Ledger
from .reception import Inbox, Reception
from .settings import Beginning, Settings, Tries

if TYPE_CHECKING:  # loaded where somebody approves
    from .editing import Editing

_log = logging.getLogger("backedge")


class Executor:
    """Carries out one run."""

    __slots__ = (
        "__weakref__",
        "_announcer",
        "_beginning",
        "_caller",
        "_ending",
        "_graph",
        "_handed_over",
        "_inbox",
        "_launcher",
        "_ledger",
        "_reception",
        "_settings",
        "_writes_end",
        "failures",
        "run_id",
        "schedule",
    )

    def __init__(
        self,
        graph: CompiledGraph,
        schedule: Schedule,
        settings: Settings,
        beginning: Beginning,
        *,
        run_id: str,
        log: RunLog | None,
        seq: int,
        tries: Mapping[Key, Tries] | None = None,
        effects: Mapping[Key, Sequence[Known]] | None = None,
        letters: Sequence[Letter] = (),
        inbox: Inbox | None = None,
        past: Past | None = None,
    ) -> None:
        """Take over a schedule whose facts up to `seq` (exclusive) are applied. Needs a running event loop.

        Args:
            graph: The graph.
            schedule: Its state machine.
            settings: How to run it.
            beginning: What `begin` is to do.
            run_id: The run's id.
            log: The run's log, owned; None to run without a journal.
            seq: Number of the next record.
            tries: What activations in flight have behind them.
            effects: What is recorded of their effects.
            letters: What came for them.
            inbox: Reads what comes later.
            past: Reads what is recorded of all its effects, of a run that goes on.
        """
        loop = asyncio.get_running_loop()
        self._graph = graph
        self.schedule = schedule
        self._settings = settings
        self.run_id = run_id
        # None once the run has begun.
        self._beginning: Beginning | None = beginning
        # A run that had completed before has its end in the journal.
        self._writes_end = not beginning.over
        self._announcer = events.Announcer(loop)
        self._caller = Caller(
            graph,
            settings.resources,
            run_id,
            self._announcer,
            settings.break_before,
            goes_on=bool(effects),
            past=past,
        )
        self._launcher = Launcher(graph, schedule, settings, self._caller, loop, tries)
        begun = [opened for known in (effects or {}).values() for opened in still_open(known)]
        self._ledger = Ledger(
            log, seq, None if log is None else Cutter(graph, seq), settings.durability, begun
        )
        self._ending = Ending(loop)
        self._inbox = inbox
        # Stopped, but for somebody else to go on with.
        self._handed_over = False
        # Made when the first effect is asked for, since most runs have none.
        self._reception: Reception | None = None
        if effects or letters:
            self._receive(Desk(loop.time, effects, letters))
        # Why the run failed: activation to error, in order.
        self.failures: dict[str, StepError] = {}

    # ------------------------------------------------------------------ the run

    def begin(self) -> None:
        """Set the run going, or going on. Raises nothing: whatever happens is told at the run's end."""
        beginning, self._beginning = self._beginning, None
        assert beginning is not None
        self._ledger.begin(self)
        if self._settings.deadline is not None:
            self._ending.later(self._settings.deadline, self.interrupt)
        if self._inbox is not None:
            self._ledger.watch(self.posted)
        self._launcher.hold()
        try:
            if beginning.cancel is not None:
                self.cancelled(beginning.cancel)
            else:
                self._begin(beginning)
        except BaseException as bug:
            self.broken(bug)
        self._launcher.release(self)

    def _begin(self, beginning: Beginning) -> None:
        if beginning.error is not None:
            assert isinstance(beginning.fact, NodeReturned)
            self._routing_failed(self._graph.start, (), beginning.error, [], beginning.fact)
        elif beginning.fact is not None:
            self._apply(beginning.fact)
        if self._graph.holds:
            self._launcher.recover()
        due: list[Order] = []
        for order in beginning.orders:
            if beginning.waited and isinstance(order, StartNode) and not self._desk().is_due(_key(order)):
                self._suspend(order, ())  # nothing of what it waits for is there
            else:
                due.append(order)
        self._tell_ready(due, None)
        for order in due:
            self._order(order)
        for node, rounds in beginning.retry:
            self._apply(NodeRetried(node, rounds))
        for node, rounds in beginning.reroute:
            self._reroute(node, rounds)

    async def run(self) -> RunStatus:
        """Wait for the end, by when everything is in the journal and let go of. Raises what broke the run.

        When cancelled it interrupts the run first, so that it can be resumed.
        """
        try:
            await self._ending.until_over()
        except asyncio.CancelledError:
            self.interrupt()
            await self._ending.wait_on()
            raise
        return self._ending.outcome()

    async def wait(self) -> RunStatus:
        """As `run`, but cancelling this changes nothing for the run."""
        await self._ending.until_over()
        return self._ending.outcome()

    def interrupt(self) -> None:
        """Stop at once; the run can be resumed."""
        self._halt(Stop.INTERRUPTED)
        self._cut()

    def hand_over(self) -> None:
        """Stop at once; whoever looks for runs to go on with may have it."""
        self._handed_over = True
        self.interrupt()

    def cancel(self, grace: float = 0.0) -> None:
        """End the run for good: at once, or after letting running nodes finish for up to `grace` seconds."""
        self._halt(Stop.CANCELLED)
        if grace > 0:
            self._ending.later(grace, self._cut)
            self.rest()
        else:
            self._cut()

    def listen(self, size: int) -> events.EventQueue:
        """A queue of everything that happens from now on."""
        queue = self._announcer.listen(size)
        if self._ending.over:
            queue.close()
        return queue

    @property
    def status(self) -> RunStatus:
        """Where the run stands now."""
        return self._ending.status

    @property
    def over(self) -> bool:
        """Whether everything is let go of."""
        return self._ending.over

    # ------------------------------------------------------------------ orders

    def _apply(self, fact: Fact) -> None:
        orders, lends = self.schedule.apply(fact), self._launcher.lends
        if lends:
            self._launcher.gather()
            self._launcher.settled(fact.node, fact.rounds, orders, self)
        if self._graph.holds:
            self._launcher.settle(fact.node, fact.rounds, self)
        if self._ledger.kept:
            self._ledger.stand(self.schedule)
        if len(orders) > 1 and self._launcher.slots is not None:
            orders.sort(key=self._launcher.priority)
        if orders and self._announcer.listeners:
            self._tell_ready(orders, None if isinstance(fact, NodeRetried) else (fact.node, fact.rounds))
        for order in orders:
            self._order(order)
        if lends:
            self._launcher.serve(self)

    def _order(self, order: Order) -> None:
        if self._ending.stop is not None:
            return  # resume gives the same order again
        if isinstance(order, StartNode):
            self._launcher.start(order, self)
        elif isinstance(order, CancelNode):
            self._launcher.stop(_key(order), self)
        else:
            self._reject(order)

    # ------------------------------------------------------------------ outcomes

    def returned(self, step: Step, value: Any) -> None:
        """The node returned: record that and the edges taken, or find that it failed after all."""
        if self._ending.rested:
            return  # it was let go of
        node, rounds, snapshot, _ = step.order
        if self.schedule.cancelled and (node, rounds) in self.schedule.cancelled:
            self.stopped((node, rounds))
            return
        spec = self._graph.nodes[node].spec
        assert spec is not None
        try:
            update = outcome.NOTHING
            if value is not None or spec.writes:
                update = outcome.updates_of(self._graph, node, value, step)
                snapshot = self.schedule.preview(node, rounds, update.values)
            if step.added:
                update = outcome.with_items(self._graph, node, update, step.added, step)
        except FoldError as error:
            told = UpdateError(str(step.activation), str(error))
            told.__cause__ = error
            self.raised(step, told)
            return
        except StepError as error:
            self.raised(step, error)
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
        if not self._ledger.kept and not self._announcer.listeners and step.effects is None:
            self._apply(fact)
        else:
            self._ledger.submit(
                self._finished(step, update.encoded, taken), partial(self._succeeded, step, fact), self
            )

    def _succeeded(self, step: Step, fact: NodeSucceeded) -> None:
        if step.effects is not None:
            self._desk().forget(_key(step.order))
        if self._announcer.listeners:
            now = time.time()
            taken = self._edge_ids(fact.taken)
            updates = outcome.copied(self._graph, fact.updates)
            self._announcer.tell(
                events.ActivationFinished(
                    step.activation, step.attempt, now, now - step.started, updates, taken
                )
            )
        self._apply(fact)

    def raised(self, step: Step, error: BaseException) -> None:
        """The activation failed: an error edge takes it on, or the run fails.

        What a node raises after it was told to stop is no failure of its own: it is in flight still.
        """
        if self._launcher.cut or self._ending.rested:
            _log.info("run %s: %s raised %r while it was stopped", self.run_id, step, type(error).__name__)
            return
        node, rounds = step.order.node, step.order.rounds
        if self.schedule.is_cancelled(node, rounds):
            self.stopped((node, rounds))
            return
        info = describe(error)
        taken = outcome.handlers(self._graph, node, error) if isinstance(error, Exception) else ()
        if taken:
            fact = NodeErrored(node, rounds, info, taken)
            self._ledger.submit(
                self._finished(step, {}, taken, info), partial(self._errored, step, fact), self
            )
            return
        self._fail(step.activation, _as_step_error(error, step.activation, info))
        self._attempt_failed(step, info, final=True, then=partial(self._apply, NodeFailed(node, rounds)))

    def _errored(self, step: Step, fact: NodeErrored) -> None:
        self._tell_failed(step, fact.error, final=False, taken=self._edge_ids(fact.taken))
        self._apply(fact)

    def _reject(self, order: RejectNode) -> None:
        start = StartNode(order.node, order.rounds, self._graph.schema.initial())
        step = self._launcher.step(order.node, order.rounds, start)
        activation, reason = str(step.activation), order.reason
        error: StepError
        if isinstance(reason, MergeConflict):
            first, second = map(str, reason.writers)
            error = ConflictError(activation, reason.field, (first, second))
        else:
            error = UpdateError(activation, str(reason))
        self._fail(step.activation, error)
        self._attempt_failed(step, describe(error), final=True, then=None)

    def stopped(self, key: Key) -> None:
        """The activation was cancelled, and runs no more: record that, so that nothing is looked for that came after."""
        if self._ending.rested:
            return  # resume is told again to stop it
        if self._reception is not None:
            self._desk().drop(key)
        record = ActivationCancelled(self._ledger.number(), self._id(*key), time.time())
        self._ledger.submit([record], partial(self._was_cancelled, key), self)

    def _was_cancelled(self, key: Key) -> None:
        if self._announcer.listeners:
            self._announcer.tell(events.ActivationCancelled(self._id(*key), time.time()))
        self._apply(NodeCancelled(*key))

    async def tried(self, step: Step, error: BaseException) -> None:
        """An attempt failed and another will follow, unless it was told to stop: journal it first."""
        task = asyncio.current_task()
        assert task is not None
        if self._launcher.cut or self._ending.rested or task.cancelling():
            raise asyncio.CancelledError
        committed = asyncio.Event()
        self._attempt_failed(step, describe(error), final=False, then=committed.set)
        await committed.wait()

    def _attempt_failed(
        self, step: Step, info: ErrorInfo, *, final: bool, then: Callable[[], object] | None
    ) -> None:
        record = AttemptFailed(
            self._ledger.number(), step.activation, step.attempt, step.started, time.time(), info, final
        )
        tell = partial(self._tell_failed, step, info, final=final)
        self._ledger.submit([record], lambda: (tell(), then and then()), self)

    def _routing_failed(
        self, node: int, rounds: Rounds, error: StepError, before: list[Record], fact: NodeReturned | None
    ) -> None:
        info = describe(error)
        step = self._launcher.step(node, rounds, StartNode(node, rounds, self._graph.schema.initial()))
        record = RoutingFailed(self._ledger.number(), step.activation, step.started, info)
        self._fail(step.activation, error)

        def committed() -> None:
            self._tell_failed(step, info, final=True)
            if fact is not None:
                self._apply(fact)

        self._ledger.submit([*before, record], committed, self)

    def _reroute(self, node: int, rounds: Rounds) -> None:
        snapshot = self.schedule.snapshot(node, rounds)
        try:
            taken = outcome.route(
                self._graph, self.schedule, node, rounds, snapshot, self._settings.resources
            )
        except StepError as error:
            self._routing_failed(node, rounds, error, [], None)
            return
        record = Routed(self._ledger.number(), self._id(node, rounds), time.time(), self._edge_ids(taken))
        self._ledger.submit([record], partial(self._routed, NodeRouted(node, rounds, taken)), self)

    def _routed(self, fact: NodeRouted) -> None:
        if self._announcer.listeners and fact.node != self._graph.start:
            who, taken = self._id(fact.node, fact.rounds), self._edge_ids(fact.taken)
            self._announcer.tell(events.ActivationFinished(who, 0, time.time(), 0.0, {}, taken))
        self._apply(fact)

    def _finished(
        self,
        step: Step,
        writes: Mapping[str, bytes],
        taken: tuple[int, ...] | None,
        error: ErrorInfo | None = None,
    ) -> list[Record]:
        if not self._ledger.kept:
            return []
        ids = None if taken is None else self._edge_ids(taken)
        who, now = self._graph.plan.activation_id(step.order.node, step.order.rounds), time.time()
        return [NodeFinished(self._ledger.number(), who, step.attempt, step.started, now, writes, ids, error)]

    # ------------------------------------------------------------------ effects

    @property
    def kept(self) -> bool:
        """Whether there is a journal."""
        return self._ledger.kept

    @property
    def cut(self) -> bool:
        """Whether all that runs was told to stop."""
        return self._launcher.cut

    @property
    def questions(self) -> list[Question]:
        """What the run waits for."""
        return [] if self._reception is None else self._reception.desk.questions()

    @property
    def refusals(self) -> Mapping[str, str]:
        """Why answers that were handed over in person were refused, by question."""
        return {} if self._reception is None else self._reception.desk.refusals

    @property
    def declined(self) -> Mapping[str, str]:
        """Why answers that were sent were refused, by question."""
        return {} if self._reception is None else self._reception.desk.declined

    def recall(self, step: Step) -> Recall:
        """What is recorded of the effects that the step's attempt asks for."""
        if self._reception is None:
            return Recall(step.activation, step.attempt)
        spec = self._graph.nodes[step.order.node].spec
        reuse_all = spec is not None and spec.reuse == "all"
        desk = self._reception.desk
        return desk.recall(_key(step.order), step.activation, step.attempt, reuse_all=reuse_all)

    def approving(self, step: Step) -> bool:
        """Whether somebody was asked for leave to run the activation."""
        return self._reception is not None and self._reception.desk.approving(_key(step.order))

    def approvals(self, step: Step) -> Editing:
        """What an approval of this step needs."""
        from .editing import Editing

        return Editing(self._graph, self.schedule, self._ledger, self._desk(), self, step)

    def commit(self, make: Callable[[int], Known], taken: Sequence[int] = ()) -> asyncio.Future[None]:
        """Record something of an effect; done in a later turn of the loop, once it is committed.

        However fast the journal is, a body of a thousand effects lets others run, and can be cancelled.
        """
        if self._ending.rested:
            raise asyncio.CancelledError
        record = make(self._ledger.number())
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def tell() -> None:
            if not done.done():
                done.set_result(None)

        def committed() -> None:
            self._desk().learn(self._key_of(record.activation), record)
            loop.call_soon(tell)

        self._ledger.submit([record], committed, self, taken)
        return done

    async def fence(self) -> None:
        """Make sure that the run is still ours: else it is broken, and nothing more is done for it."""
        try:
            await self._ledger.fence()
        except JournalError as error:  # not told to the node, which might catch it
            self.broken(error)
            raise asyncio.CancelledError from None

    def expect(self, opened: EffectOpened) -> asyncio.Future[Letter]:
        """A future for the letter that this effect waits for."""
        if not self.kept and opened.kind is not EffectKind.TIMER:
            told = f"waits for {opened.name!r}, which only a run with a journal can: run(journal=...)"
            raise InputError(f"{opened.activation}: {told}")
        letter = self._desk().expect(opened)
        if self._reception is not None:
            self._reception.expects(opened)
        return letter

    def came(self, activation: ActivationId) -> set[str]:
        """The paths of what the activation waits for, as recorded, that has come."""
        if self._reception is None:
            return set()
        return self._reception.desk.came(self._key_of(activation))

    def refused(self, letter: Letter, why: str) -> None:
        """What the letter says was no answer."""
        desk = self._desk()
        (desk.declined if letter.number else desk.refusals)[letter.name] = why

    def give_back(self, letters: Sequence[Letter]) -> None:
        """Letters that were handed out and are not used: perhaps somebody else waits for them."""
        if letters:
            self._desk().give_back(letters)
            asyncio.get_running_loop().call_soon(self.receive, ())

    def suspend(self, effects: Effects) -> None:
        """The attempt can do nothing but wait."""
        self._launcher.suspend(self._key_of(effects.activation))

    def suspended(self, step: Step) -> None:
        """The node was let go of: it runs again when what it waits for is there."""
        if self._launcher.cut or self._ending.rested:
            return
        if self.schedule.is_cancelled(*_key(step.order)):
            self.stopped(_key(step.order))
            return
        self._launcher.put_back(step)
        assert step.effects is not None
        self._suspend(step.order, step.effects.awaited)
        assert self._reception is not None
        self._reception.let_go()
        self._reception.deliver(())

    def wake(self, order: StartNode) -> None:
        """What this activation waits for is there."""
        self._tell_ready((order,), None)
        self._order(order)

    def receive(self, letters: Sequence[Letter]) -> None:
        """Letters have come for the run."""
        self._desk()
        assert self._reception is not None
        if not self._ending.rested:
            self._reception.deliver(letters)

    def posted(self) -> None:
        """Letters may have come for the run: read them."""
        if not self._ending.rested:
            self._desk()
            assert self._reception is not None
            self._reception.look()

    def cancelled(self, letter: Letter) -> None:
        """Somebody cancels the run from outside."""
        self._ledger.last_taken = (letter.number,) if letter.number else ()
        self.cancel()

    def call_in_thread(self, function: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Call a plain function in a worker thread."""
        return self._caller.in_thread(function, *args)

    def _desk(self) -> Desk:
        if self._reception is None:
            self._receive(Desk(asyncio.get_running_loop().time))
        assert self._reception is not None
        return self._reception.desk

    def _suspend(self, order: StartNode, passed: Iterable[str]) -> None:
        """Nothing is to be done for the activation until something comes for it."""
        key, desk = _key(order), self._desk()
        desk.suspend(key, order, passed)
        if self._announcer.listeners:
            attempt, waits = desk.waits(key)
            self._announcer.tell(events.ActivationSuspended(self._id(*key), attempt, time.time(), waits))

    def _receive(self, desk: Desk) -> None:
        self._reception = Reception(desk, self, self._inbox, self._settings.patience)

    def _key_of(self, activation: ActivationId) -> Key:
        return self._graph.plan.key(activation)

    # ------------------------------------------------------------------ endings

    def _fail(self, activation: ActivationId, error: StepError) -> None:
        self.failures[str(activation)] = error
        self._halt(Stop.FAILED)

    def broken(self, error: BaseException) -> None:
        """The journal failed, or something did that is no node's failure: nothing would be known, so all stops."""
        self._ending.broken(error)
        self._halt(Stop.INTERRUPTED)
        self._cut()

    def unbegun(self, task: asyncio.Task[None]) -> None:
        """A node's task was cancelled before it began: by us, or because somebody is ending the program."""
        if not self._launcher.forget(task, self) and not self._launcher.cut:
            self.interrupt()
        self.rest()

    def _halt(self, reason: Stop) -> None:
        """From now on nothing new starts."""
        self._ending.halt(reason)
        if not self._ending.rested:
            self._launcher.close(self)

    def _cut(self) -> None:
        """Tell what runs to stop, and wait for it, but not for ever."""
        if self._ending.rested:
            return
        self._launcher.cancel()
        if self._launcher.busy:
            self._ending.later(self._settings.grace, self._give_up)
        self.rest()

    def _give_up(self) -> None:
        """Tasks that ignore being cancelled are no longer waited for."""
        if not self._ending.rested:
            count = self._launcher.let_go()
            _log.warning("run %s: %d nodes ignored being cancelled", self.run_id, count)
            self.rest()

    def rest(self) -> None:
        """Notice that the run has come to rest."""
        ending = self._ending
        if self._launcher.busy or self._ledger.pending or ending.rested:
            return
        reception = self._reception
        if reception is not None and ending.stop is None and reception.desk.suspended:
            if reception.holds():
                return
            ending.waits(reception.status)
        elif ending.stop is None and not self.schedule.idle:
            waiting = ", ".join(str(self._id(node, rounds)) for node, rounds, _ in self.schedule.live())
            ending.broken(ScheduleError(f"nothing runs, and {waiting} never can"))
        if reception is not None:
            reception.close()
        bare = not self._ledger.kept and self._caller.threads is None
        ending.rest(None if bare else self._close, self._last)

    async def _close(self, hurry: bool) -> None:
        """Let go of threads and of the journal."""
        if self._caller.threads is not None:
            stuck = await self._caller.threads.close(0 if hurry else self._settings.grace)
            if stuck:
                _log.warning("run %s: %d worker threads did not return and were let go", self.run_id, stuck)
        silent = self._ending.stop is Stop.BROKEN or not self._writes_end
        await self._ledger.close(None if silent else self._ending.status, self._awaited())

    def _awaited(self) -> Awaited | None:
        if self._ending.stop is None and self._reception is not None and self._reception.desk.suspended:
            return self._reception.awaited
        return Awaited(due=0.0) if self._handed_over and self._ending.stop is Stop.INTERRUPTED else None

    def _last(self) -> None:
        if self._announcer.listeners:
            self._announcer.tell(events.RunFinished(self.run_id, self.status, time.time()))
            self._announcer.close()

    # ------------------------------------------------------------------ small things

    def _id(self, node: int, rounds: Rounds) -> ActivationId:
        return self.schedule.activation_id(node, rounds)

    def _edge_ids(self, numbers: tuple[int, ...]) -> tuple[str, ...]:
        if len(numbers) == 1:
            return (self._graph.plan.edges[numbers[0]].id,)
        edges = self._graph.plan.edges
        return tuple([edges[number].id for number in numbers])

    def _tell_ready(self, orders: Sequence[Order], after: Key | None) -> None:
        if not self._announcer.listeners:
            return
        ready = tuple(self._id(*_key(order)) for order in orders if isinstance(order, StartNode))
        if ready:
            cause = None if after is None else self._id(*after)
            self._announcer.tell(events.ActivationsReady(ready, time.time(), cause))

    def _tell_failed(self, step: Step, error: ErrorInfo, *, final: bool, taken: tuple[str, ...] = ()) -> None:
        if self._announcer.listeners:
            now = time.time()
            seconds = now - step.started
            self._announcer.tell(
                events.ActivationFailed(step.activation, step.attempt, now, seconds, error, final, taken)
            )


def _key(order: StartNode | CancelNode) -> Key:
    return order.node, order.rounds


def _as_step_error(error: BaseException, activation: ActivationId, info: ErrorInfo) -> StepError:
    if isinstance(error, StepError):
        return error
    told = NodeRaisedError(str(activation), info.type_name, info.message, info.traceback)
    told.__cause__ = error
    return told
