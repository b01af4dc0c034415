"""Calling a node: its arguments, the event loop or a thread, its timeout, its retries.

What comes back is a value or an exception, as if the function had been called; the tries in between are told to
whoever journals them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Protocol

from ..compiler.binding import ArgumentMismatchError, Binding
from ..compiler.compile import CompiledGraph, CompiledNode
from ..compiler.synthetic import item_error
from ..context import Context, Past
from ..definition import NodeSpec
from ..effects.recall import Recall
from ..errors import NodeTimeoutError, ParameterError, RejectedError, ReplayMismatchError, UpdateError
from ..facts import StartNode
from ..failures import as_step_error, rebuild
from ..records import ActivationId
from ..schedule import Schedule
from ..shown import shown
from . import events
from .effects import Effects
from .effects import Host as EffectsHost

if TYPE_CHECKING:  # what most runs do without is loaded when it is needed, so that they start sooner
    from tenacity import AsyncRetrying, BaseRetrying

    from .approval import Host as ApprovalHost
    from .threads import WorkerThreads


class Step:
    """An activation being carried out.

    Attributes:
        order: What to run, and on what.
        attempt: Number of the current attempt, as records count them.
        tried: How many attempts its retry policy has seen before.
        started: When the current attempt began, in seconds since the epoch.
        effects: The effects of the current attempt, of a node that has any.
        added: The items that the current attempt adds to the map around it.
    """

    __slots__ = ("_schedule", "added", "attempt", "effects", "order", "started", "tried")

    def __init__(self, schedule: Schedule, order: StartNode, attempt: int, tried: int) -> None:
        self._schedule = schedule
        self.order = order
        self.attempt = attempt
        self.tried = tried
        self.started = time.time()
        self.effects: Effects | None = None
        self.added: list[object] | None = None

    @property
    def suspended(self) -> bool:
        """Whether it was let go of, since it waits: what comes of it is nothing."""
        return self.effects is not None and self.effects.suspended

    @property
    def activation(self) -> ActivationId:
        """The activation's id; made when asked for, since most steps need none."""
        return self._schedule.activation_id(self.order.node, self.order.rounds)

    def __str__(self) -> str:
        return str(self.activation)


class Host(EffectsHost, Protocol):
    """The run, as its calls see it."""

    async def tried(self, step: Step, error: BaseException) -> None:
        """An attempt failed and another one is to follow; it does once this returns."""

    def recall(self, step: Step) -> Recall:
        """What is recorded of the effects that the step's attempt asks for."""

    def approving(self, step: Step) -> bool:
        """Whether somebody was asked for leave to run the activation."""

    def approvals(self, step: Step) -> ApprovalHost:
        """What an approval of this step needs."""


class Caller:
    """Calls the nodes of one run."""

    __slots__ = (
        "_announcer",
        "_bound",
        "_break_before",
        "_graph",
        "_may_pause",
        "_past",
        "_resources",
        "_run_id",
        "threads",
    )

    def __init__(
        self,
        graph: CompiledGraph,
        resources: Mapping[str, Any],
        run_id: str,
        announcer: events.Announcer,
        break_before: frozenset[str] = frozenset(),
        *,
        goes_on: bool = False,
        past: Past | None = None,
    ) -> None:
        """Call nodes; `goes_on`: what was asked before is on record, so a node may pause that does not say so now.

        `past` is for the contexts of a run that goes on.
        """
        self._graph = graph
        self._resources = resources
        # Those of which each activation gets one of its own, so that what it does through it is journaled.
        self._bound = tuple(
            [name for name, resource in resources.items() if hasattr(type(resource), "for_activation")]
        )
        self._run_id = run_id
        self._announcer = announcer
        self._break_before = break_before
        # Whether nodes may pause that are not declared to.
        self._may_pause = goes_on or bool(break_before)
        self._past = past
        # Made when the first def node runs.
        self.threads: WorkerThreads | None = None

    def call(self, step: Step, host: Host) -> Awaitable[Any]:
        """Run the node, retries included. Awaiting it raises whatever the node's last attempt raised."""
        node = self._graph.nodes[step.order.node]
        if node.spec is not None and node.spec.retry is not None and node.spec.retry.enabled:
            return self._with_retries(node, node.spec.retry, step, host)
        return self._attempt(node, step, host)

    def call_inline(self, step: Step) -> Any:
        """Run an inline node, here and now."""
        node = self._graph.nodes[step.order.node]
        assert node.binding is not None
        if self._announcer.listeners:
            self._tell_started(step)
        if not node.binding.arguments:
            return _not_a_coroutine(node.binding.function(), step)
        positional, keywords = self._arguments(node, step, None)
        return _not_a_coroutine(node.binding.function(*positional, **keywords), step)

    def _attempt(self, node: CompiledNode, step: Step, host: Host) -> Awaitable[Any]:
        if self._announcer.listeners:
            self._tell_started(step)
        assert node.spec is not None
        if node.spec.approve or (self._may_pause and (self.pauses(node) or host.approving(step))):
            return self._once_approved(node, step, host)
        return self._run(node, step, host)

    def pauses(self, node: CompiledNode) -> bool:
        """Whether the node waits for somebody's leave to run."""
        return (node.spec is not None and node.spec.approve) or node.name in self._break_before

    def _run(self, node: CompiledNode, step: Step, host: Host) -> Awaitable[Any]:
        binding, spec = node.binding, node.spec
        assert binding is not None
        assert spec is not None
        if binding.arguments:
            positional, keywords = self._arguments(node, step, None if spec.inline else host)
        else:
            positional, keywords = [], {}
        call: Awaitable[Any]
        if spec.inline:
            return _soon(partial(binding.function, *positional, **keywords), step)
        if binding.is_async:
            call = binding.function(*positional, **keywords)
            if spec.timeout is not None:
                call = _timed(call, spec.timeout, step)
        else:
            call = self._in_thread(spec, binding, positional, keywords, step)
        return call if step.effects is None else _with_effects(call, step.effects)

    async def _once_approved(self, node: CompiledNode, step: Step, host: Host) -> Any:
        """Run the node once somebody has said that it may run."""
        from .approval import approval

        effects = Effects(self._run_id, step.activation, step.attempt, host.recall(step), host)
        step.effects = effects
        await _with_effects(approval(effects, partial(host.approvals, step), node.name), effects, whole=False)
        if effects.suspended:
            raise asyncio.CancelledError
        step.effects = None
        return await self._run(node, step, host)

    async def _in_thread(
        self, spec: NodeSpec, binding: Binding, positional: list[Any], keywords: dict[str, Any], step: Step
    ) -> Any:
        function = partial(binding.function, *positional, **keywords)
        call: Awaitable[Any]
        if step.effects is None:
            call = self.in_thread(function)
        else:
            call = step.effects.call_in_line(step.effects.branch(), function)
        return _not_a_coroutine(await _timed(call, spec.timeout, step), step)

    def in_thread(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        """Call a function in a worker thread of the run."""
        if self.threads is None:
            from .threads import WorkerThreads

            self.threads = WorkerThreads(f"backedge {self._run_id}")
        return self.threads.call(function, *args, **kwargs)

    async def _with_retries(self, node: CompiledNode, policy: BaseRetrying, step: Step, host: Host) -> Any:
        """Try until it succeeds or the policy gives up; then the last exception is raised."""
        from tenacity import DoAttempt, DoSleep, RetryCallState

        retrying = _asynchronous(policy)
        retrying.begin()
        state = RetryCallState(retrying, fn=None, args=(), kwargs={})
        state.attempt_number = step.tried + 1
        while True:
            action = await retrying.iter(state)
            if isinstance(action, DoAttempt):
                try:
                    state.set_result(await self._attempt(node, step, host))
                except (ReplayMismatchError, RejectedError):
                    raise  # a next attempt would hide the one, and ask again after the other
                except Exception as error:
                    state.set_exception((type(error), error, error.__traceback__))
            elif isinstance(action, DoSleep):
                assert state.outcome is not None
                refused = state.outcome.exception()
                if refused is None:
                    refused = ValueError(f"retry refused {shown(state.outcome.result())}")
                await host.tried(step, refused)
                state.prepare_for_next_attempt()
                await asyncio.sleep(float(action))
                step.attempt += 1
                step.tried += 1
                step.started = time.time()
            else:
                return action

    def _tell_started(self, step: Step) -> None:
        self._announcer.tell(events.ActivationStarted(step.activation, step.attempt, step.started))

    def _arguments(
        self, node: CompiledNode, step: Step, host: Host | None
    ) -> tuple[list[Any], dict[str, Any]]:
        order, binding = step.order, node.binding
        assert binding is not None
        resources = self._resources
        bound: Collection[str] = ()
        if binding.is_async and self._bound:
            bound = binding.resources.intersection(self._bound)
        context = self._context(step, host) if binding.wants_context or bound else None
        if bound:
            resources = {**resources, **{name: resources[name].for_activation(context) for name in bound}}
        as_told = binding.function is item_error
        handled: Sequence[BaseException] = ()
        if order.errors:
            handled = [self._handled(number, info, as_told=as_told) for number, info in order.errors]
        try:
            return binding.gather(
                order.snapshot, self._graph.schema, resources=resources, context=context, errors=handled
            )
        except ArgumentMismatchError as error:
            raise ParameterError(str(step.activation), str(error)) from None
        except KeyError as error:
            raise ParameterError(
                str(step.activation), f"reads field {error.args[0]!r}, which is unset"
            ) from None

    def _handled(self, edge: int, info: Any, *, as_told: bool) -> BaseException:
        declared = self._graph.edges[edge]
        assert declared.error is not None
        if as_told:
            return as_step_error(info, declared.source)
        return rebuild(info, declared.error, declared.source)

    def _context(self, step: Step, host: Host | None) -> Context:
        announcer, activation = self._announcer, step.activation

        def emit(data: object) -> None:
            if announcer.listeners:
                announcer.tell_from_anywhere(events.CustomEvent(activation, data))

        if host is not None:
            step.effects = Effects(self._run_id, activation, step.attempt, host.recall(step), host)
        step.added = [] if step.order.node in self._graph.rules.adders else None
        return Context(self._run_id, activation, step.attempt, emit, step.effects, step.added, self._past)


async def _with_effects(call: Awaitable[Any], effects: Effects, *, whole: bool = True) -> Any:
    """Await a body; when it is over it has no more effects.

    A `whole` one must have asked for all that are recorded. A mismatch counts whatever the body made of it.
    """
    effects.begin()
    task = asyncio.current_task()
    try:
        value = await call
        if task is not None and task.cancelling():
            raise asyncio.CancelledError  # the body caught it and went on
        if whole and not effects.suspended:
            effects.finish()
    except (Exception, asyncio.CancelledError) as error:
        ours = effects.suspended or isinstance(error, Exception)
        if ours and effects.mismatch is not None and error is not effects.mismatch:
            raise effects.mismatch from error
        raise
    finally:
        effects.close()
    if effects.mismatch is not None:
        raise effects.mismatch
    return value


async def _soon(function: Callable[[], Any], step: Step) -> Any:
    return _not_a_coroutine(function(), step)


async def _timed(call: Awaitable[Any], seconds: float | None, step: Step) -> Any:
    """Await `call` for at most so many seconds. A TimeoutError of the call's own passes through as it is."""
    if seconds is None:
        return await call
    try:
        async with asyncio.timeout(seconds) as limit:
            return await call
    except TimeoutError:
        if limit.expired():
            raise NodeTimeoutError(str(step.activation), seconds) from None
        raise


def _not_a_coroutine(value: Any, step: Step) -> Any:
    if isinstance(value, CoroutineType):
        value.close()
        raise UpdateError(str(step.activation), "returned a coroutine: make the node's function an async def")
    return value


def _asynchronous(policy: BaseRetrying) -> AsyncRetrying:
    """The same policy with a state of its own, awaiting, and raising the node's own error at the end."""
    from tenacity import AsyncRetrying

    return AsyncRetrying(
        stop=policy.stop,
        wait=policy.wait,
        retry=policy.retry,
        before=policy.before,
        after=policy.after,
        before_sleep=policy.before_sleep,
        retry_error_callback=policy.retry_error_callback,
        reraise=True,
        enabled=policy.enabled,
    )
