"""Gets nodes to run: when slots allow it, as tasks or one after the other, and stops them.

It knows nothing of records or of the schedule; what comes of a node it tells its `Host`.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..compiler.compile import CompiledGraph
from ..errors import NodeRaisedError, ReplayMismatchError
from ..facts import Order, StartNode
from ..plan import Key, Rounds
from ..schedule import Schedule
from .calls import Caller, Step
from .calls import Host as CallsHost
from .handing import Handing
from .holds import Holds
from .settings import FIRST, Settings, Tries
from .slots import Slots

INLINE_BURST = 100
"""How many inline nodes run in a row before the event loop gets its turn."""

_NEVER_OURS = (KeyboardInterrupt, SystemExit, ReplayMismatchError)
"""What ends the run, whatever the node was about to do."""


class Host(CallsHost, Protocol):
    """Whoever wants the nodes run."""

    def returned(self, step: Step, value: Any) -> None:
        """The node returned."""

    def raised(self, step: Step, error: BaseException) -> None:
        """The node raised: it failed."""

    def suspended(self, step: Step) -> None:
        """The node waits for something, and was let go of."""

    def stopped(self, key: Key) -> None:
        """The node was told to stop for good, and did."""

    def interrupt(self) -> None:
        """A node's task was cancelled, and we did not do it: somebody is ending the program."""

    def unbegun(self, task: asyncio.Task[None]) -> None:
        """A node's task was cancelled before it began; `Launcher.forget` it."""

    def broken(self, error: BaseException) -> None:
        """Something went wrong that is no node's failure, or the program is being ended."""

    def rest(self) -> None:
        """Something that ran runs no more: perhaps that was the last thing."""


class Launcher:
    """The running nodes of one run.

    Attributes:
        cut: Whether running nodes were told to stop. What they raise from then on is no failure of theirs.
        lends: Whether slots are lent. Then what is ready at once is to be seen together: what a node leads to may have a
            better claim to the node's place than those who wait already.
    """

    __slots__ = (
        "_caller",
        "_closed",
        "_context",
        "_gathering",
        "_graph",
        "_handing",
        "_holds",
        "_inline",
        "_loop",
        "_needs",
        "_pumping",
        "_schedule",
        "_slots",
        "_stopping",
        "_tasks",
        "_tries",
        "_waiting",
        "cut",
        "lends",
    )

    def __init__(
        self,
        graph: CompiledGraph,
        schedule: Schedule,
        settings: Settings,
        caller: Caller,
        loop: asyncio.AbstractEventLoop,
        tries: Mapping[Key, Tries] | None,
    ) -> None:
        self._context = contextvars.copy_context()
        self._graph = graph
        self._schedule = schedule
        self._caller = caller
        self._loop = loop
        # What activations in flight have behind them, until they are launched.
        self._tries = dict(tries) if tries else None
        self._needs = settings.needs
        self._slots: Slots[StartNode] | None = None
        if settings.needs is not None:
            self._slots = Slots(settings.capacity, settings.shares)
        self.lends = self._slots is not None and self._slots.lends
        # How often `gather` was called and not `serve` yet: orders wait meanwhile, whatever is free.
        self._gathering = 0
        # What keeps its places though it is done, where places are lent.
        self._handing = Handing() if self.lends else None
        # The tasks of running nodes; inline nodes have none.
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        # Orders of inline nodes not yet begun (None before the first), and whether somebody is at work on them or about to.
        self._inline: deque[StartNode] | None = None
        self._pumping = False
        # Subgraphs that hold slots until they are over.
        self._holds = Holds(graph.holds) if graph.holds and self._slots is not None else None
        # Orders that wait for slots.
        self._waiting: dict[Key, StartNode] = {}
        # Running nodes that nobody needs any more.
        self._stopping: dict[Key, None] = {}
        self._closed = False
        self.cut = False

    @property
    def busy(self) -> bool:
        """Whether anything runs or is about to; not those who wait for slots."""
        return bool(self._tasks) or self._pumping

    @property
    def running(self) -> int:
        """How many nodes have a task."""
        return len(self._tasks)

    @property
    def slots(self) -> Slots[StartNode] | None:
        """The run's slots; None where nothing is limited."""
        return self._slots

    # ------------------------------------------------------------------ starting

    def start(self, order: StartNode, host: Host) -> None:
        """Run a node as soon as there are slots for it."""
        if self._slots is not None and self._needs is not None:
            needs = self._needs[order.node]
            if (self._gathering and needs) or not self._slots.acquire(needs):
                self._slots.wait(needs, self.priority(order), order)
                self._waiting[order.node, order.rounds] = order
                return
        self._launch(order, host)

    def gather(self) -> None:
        """Where slots are lent: let all that is to be started wait until `serve`."""
        self._gathering += self.lends

    def serve(self, host: Host) -> None:
        """Start those that were gathered, as far as there are slots for them."""
        if self._gathering:
            self._gathering -= 1
            if not self._gathering and self._slots is not None:
                self._launch_all(self._slots.serve(), host)

    def settled(self, node: int, rounds: Rounds, orders: Sequence[Order], host: Host) -> None:
        """The schedule knows what came of an activation: what it leads to is ready, and its places are free.

        Unless what it leads to does no work of its own, as the end of a subgraph: then what that leads to is waited for.
        """
        if self._handing is not None:
            heir = next(filter(self._passes, orders), None)
            for each in self._handing.over((node, rounds), heir and (heir.node, heir.rounds)):
                self._free(each, host)

    def _passes(self, order: Order) -> bool:
        """Whether an order is done at once, and needs no place."""
        node = self._graph.nodes[order.node]
        if not isinstance(order, StartNode) or node.spec is None or (self._needs and self._needs[order.node]):
            return False
        return node.spec.inline is True and node.spec.retry is None and not self._caller.pauses(node)

    def hold(self) -> None:
        """Begin nothing inline until `release`: more is to be started, and the run is not at rest before that."""
        self._pumping = True
        self.gather()

    def release(self, host: Host) -> None:
        """Begin what was held."""
        self.serve(host)
        self._pump(host)

    def priority(self, order: Order) -> tuple[int, ...]:
        """Lowest first: the longest remaining path, then the first in order."""
        plan = self._graph.plan
        return (-plan.remaining[order.node], *plan.position(order.node, order.rounds))

    def step(self, node: int, rounds: Rounds, order: StartNode) -> Step:
        """The activation's step, with the tries that a recovered one has behind it."""
        tries = FIRST
        if self._tries:
            tries = self._tries.pop((node, rounds), FIRST)
        return Step(self._schedule, order, tries.next, tries.seen)

    def _launch(self, order: StartNode, host: Host) -> None:
        node = self._graph.nodes[order.node]
        spec = node.spec
        assert spec is not None
        if self._handing is not None:
            self._handing.begun((order.node, order.rounds))
        if not spec.inline or spec.retry is not None or self._caller.pauses(node):
            # Not through the loop's task factory: an eager one would run the node here and now.
            # In the context of the run's beginning: whoever wakes a node is in one that is none of its business.
            task = asyncio.Task(self._perform(order, host), loop=self._loop, context=self._context.copy())
            task.add_done_callback(host.unbegun)
            self._tasks[order.node, order.rounds] = task
            return
        if self._inline is None:
            self._inline = deque()
        self._inline.append(order)
        if not self._pumping:
            self._pump(host)

    def settle(self, node: int, rounds: Rounds, host: Host) -> None:
        """Something happened to an activation: perhaps a subgraph around it is over that holds slots."""
        if self._holds:
            for entry in self._holds.over(node, rounds, self._schedule):
                self._free(entry, host)

    def recover(self) -> None:
        """Hold the slots again that subgraphs held when the run was left."""
        if self._holds is not None and self._slots is not None and self._needs is not None:
            live = [(node, rounds) for node, rounds, _ in self._schedule.live()]
            for entry in self._holds.recovered(live, self._schedule):
                self._slots.seize(self._needs[entry])

    def _ended(self, order: StartNode, host: Host, *, told: bool) -> None:
        """A node is done with its slots, unless it is the entry of a subgraph that holds them.

        `told`: the host was told an outcome, which the schedule will know.
        """
        if self._holds is not None and self._holds.begin(order.node, order.rounds):
            return
        if not (told and self._handing is not None and self._handing.keeps((order.node, order.rounds))):
            self._free(order.node, host)

    def _free(self, node: int, host: Host) -> None:
        """Give the node's slots back, and start whoever waited for them."""
        if self._slots is not None and self._needs is not None:
            self._slots.give(self._needs[node])
            if not self._gathering:
                self._launch_all(self._slots.serve(), host)

    def _launch_all(self, orders: list[StartNode], host: Host) -> None:
        for order in orders:
            self._waiting.pop((order.node, order.rounds), None)
            if self._closed:  # by one of them that failed at once
                self._free(order.node, host)
            else:
                self._launch(order, host)

    # ------------------------------------------------------------------ running

    async def _perform(self, order: StartNode, host: Host) -> None:
        """The task of one activation."""
        key = (order.node, order.rounds)
        task = self._tasks[key]
        task.remove_done_callback(host.unbegun)
        step = self.step(order.node, order.rounds, order)
        told = False
        try:
            try:
                value = await self._caller.call(step, host)
            except BaseException as error:
                if isinstance(error, _NEVER_OURS) or not (step.suspended or key in self._stopping):
                    told = True
                    self._stumbled(step, error, host)
                elif key not in self._stopping:
                    host.suspended(step)
            else:
                if step.effects is not None and step.suspended and key not in self._stopping:
                    host.suspended(step)
                elif key not in self._stopping:
                    told = True
                    host.returned(step, value)
            if key in self._stopping:
                del self._stopping[key]
                host.stopped(key)
        except BaseException as bug:
            host.broken(bug)
        finally:
            if (now := self._tasks.get(key)) is task:  # else it was let go of, or goes on already
                del self._tasks[key]
            if now is not None and self._slots is not None:
                self._ended(order, host, told=told)
            if not self._tasks:
                host.rest()

    def _pump(self, host: Host) -> None:
        """Run inline nodes one after the other, without recursion, and let others in from time to time."""
        self._pumping = True
        for _ in range(INLINE_BURST):
            if not self._inline:
                break
            order = self._inline.popleft()
            step = self.step(order.node, order.rounds, order)
            try:
                try:
                    value = self._caller.call_inline(step)
                except BaseException as error:
                    self._stumbled(step, error, host)
                else:
                    host.returned(step, value)
            except BaseException as bug:
                host.broken(bug)
            if self._slots is not None:
                self._ended(order, host, told=True)
        if self._inline:
            self._loop.call_soon(self._pump, host)
        else:
            self._pumping = False
            host.rest()

    def _stumbled(self, step: Step, error: BaseException, host: Host) -> None:
        """Something left the node that is no value."""
        if isinstance(error, _NEVER_OURS):
            host.broken(error)
            return
        task = self._tasks.get((step.order.node, step.order.rounds))
        if task is not None and task.cancelling() and not self.cut:
            host.interrupt()
        if not isinstance(error, asyncio.CancelledError):
            host.raised(step, error)
        elif not self.cut:
            own = NodeRaisedError(str(step.activation), "CancelledError", "the node cancelled itself")
            host.raised(step, own)

    # ------------------------------------------------------------------ stopping

    def close(self, host: Host) -> None:
        """Start nothing any more; what runs goes on."""
        self._closed = True
        if self._slots is not None:
            self._slots.clear()
        self._waiting.clear()
        while self._inline:
            self._free(self._inline.popleft().node, host)

    def cancel(self) -> None:
        """Tell everything that runs to stop. Call `close` before."""
        self.cut = True
        for task in self._tasks.values():
            task.cancel()

    def stop(self, key: Key, host: Host) -> None:
        """Tell one node to stop for good; `Host.stopped` says when it has, which may be at once."""
        if key in self._tasks:
            self._stopping[key] = None
            self._tasks[key].cancel()
            return
        order = self._waiting.pop(key, None)
        if order is not None and self._slots is not None:
            self._slots.forget(order)
        for order in self._inline or ():
            if (order.node, order.rounds) == key:
                assert self._inline is not None
                self._inline.remove(order)
                self._free(order.node, host)
                break
        host.stopped(key)

    def forget(self, task: asyncio.Task[None], host: Host) -> bool:
        """A task was cancelled before it began: its body was never entered, so it cleaned up nothing.

        Whether it was told to `stop`.
        """
        for key, each in list(self._tasks.items()):
            if each is task:
                del self._tasks[key]
                self._free(key[0], host)
                if key in self._stopping:
                    del self._stopping[key]
                    host.stopped(key)
                    return True
        return False

    def put_back(self, step: Step) -> None:
        """The step is to go on, later, with the attempt it is at."""
        if self._tries is None:
            self._tries = {}
        self._tries[step.order.node, step.order.rounds] = Tries(step.attempt, step.tried)

    def suspend(self, key: Key) -> None:
        """Tell one node to stop."""
        if key in self._tasks:
            self._tasks[key].cancel()

    def let_go(self) -> int:
        """No longer wait for the tasks that are left; returns how many they are."""
        count = len(self._tasks)
        self._tasks.clear()
        return count
