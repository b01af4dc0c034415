"""Running nodes of a recorded run anew, on what they ran on, to see whether they still do what they did.

Everything a node does to the world comes from its records: an effect that they do not hold is a mismatch, and is not
carried out. What is no effect (a file that the body reads by itself) happens for real.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from .. import recovery
from ..compiler.binding import Source
from ..compiler.compile import CompiledGraph
from ..effects.recall import Known, Recall
from ..errors import InputError, ReplayMismatchError, StepError
from ..execution import outcome
from ..execution.approval import Host as ApprovalHost
from ..execution.calls import Caller, Step
from ..execution.effects import Effects
from ..execution.events import Announcer
from ..facts import StartNode
from ..failures import describe
from ..records import (
    ActivationId,
    AttemptFailed,
    EffectKind,
    EffectOpened,
    EffectRecorded,
    Letter,
    NodeFinished,
    Record,
)
from .report import Mismatch, error_text, text_of


class Rerunner:
    """Runs the activations of some nodes anew.

    Attributes:
        count: How many activations were run.
    """

    def __init__(
        self,
        graph: CompiledGraph,
        names: frozenset[str],
        resources: Mapping[str, Any],
        run_id: str,
    ) -> None:
        """Begin. `names` are those of the nodes. Needs a running event loop."""
        self._graph = graph
        self._nodes = frozenset(graph.plan.number[name] for name in names)
        self._caller = Caller(graph, resources, run_id, Announcer(asyncio.get_running_loop()))
        self.count = 0

    async def close(self) -> None:
        """Let go of threads."""
        if self._caller.threads is not None:
            await self._caller.threads.close(5.0)

    async def check(self, record: Record, run: recovery.Recovered) -> list[Mismatch]:
        """Run the record's activation anew, if it is one of those, and compare what comes of it.

        Args:
            record: The record.
            run: The run just before it.
        """
        if not isinstance(record, NodeFinished | AttemptFailed):
            return []
        key = recovery.key_of(self._graph, record.activation)
        order = run.orders.get(key)
        if key[0] not in self._nodes or not isinstance(order, StartNode):
            return []
        if isinstance(record, AttemptFailed) and not record.final:
            return []
        self.count += 1
        step = Step(run.schedule, order, record.attempt, 0)
        spec = self._graph.nodes[key[0]].spec
        assert spec is not None
        known = run.effects.get(key, [])
        host = _Recorded(
            Recall(str(step), record.attempt, known, reuse_all=spec.reuse == "all"), self._caller
        )
        now = await self._outcome(step, host, inline=spec.inline)
        if host.refused_effect is not None:
            return [Mismatch(record.seq, str(step), "effects", _effects_text(known), host.refused_effect)]
        return list(_compared(record, str(step), now))

    async def _outcome(self, step: Step, host: _Recorded, *, inline: bool) -> Mapping[str, bytes] | str:
        """What the activation writes now, or what it raises."""
        try:
            if inline:
                value = self._caller.call_inline(step)
            else:
                host.task = asyncio.ensure_future(_awaited(self._caller.call(step, host)))
                value = await host.task
            update = outcome.updates_of(self._graph, step.order.node, value, step)
            if step.added:
                update = outcome.with_items(self._graph, step.order.node, update, step.added, step)
            return update.encoded
        except asyncio.CancelledError:
            if host.refused_effect is None:
                raise
            return host.refused_effect
        except ReplayMismatchError as error:
            host.refused_effect = host.refused_effect or str(error)
            return str(error)
        except Exception as error:
            info = describe(error)
            return error_text(info.type_name, info.message)


def needed_resources(graph: CompiledGraph, names: frozenset[str], *, conditions: bool) -> frozenset[str]:
    """The resources that these nodes are handed, and those that conditions are."""
    bindings = [graph.nodes[graph.plan.number[name]].binding for name in names]
    bindings += graph.conditions if conditions else ()
    return frozenset(
        argument.name
        for binding in bindings
        if binding is not None
        for argument in binding.arguments
        if argument.source is Source.RESOURCE
    )


def named_nodes(graph: CompiledGraph, rerun: object) -> frozenset[str]:
    """The nodes to be run anew: names, or ``"all"``. Raises InputError."""
    names = graph.definition.nodes
    if rerun == "all":
        return frozenset(names)
    if isinstance(rerun, str) or not isinstance(rerun, set | frozenset | list | tuple):
        raise InputError(f'rerun= is a set of names of nodes, or "all", not {rerun!r}')
    if unknown := [str(name) for name in rerun if name not in names]:
        raise InputError(f"rerun=: there is no node {', '.join(unknown)}; there is {', '.join(names)}")
    return frozenset(str(name) for name in rerun)


def _compared(
    record: NodeFinished | AttemptFailed, activation: str, now: Mapping[str, bytes] | str
) -> list[Mismatch]:
    if record.error is not None:
        then = error_text(record.error.type_name, record.error.message)
        told = now if isinstance(now, str) else f"wrote {', '.join(now) or 'nothing'}"
        return [] if told == then else [Mismatch(record.seq, activation, "outcome", then, told)]
    assert isinstance(record, NodeFinished)
    if isinstance(now, str):
        then = f"wrote {', '.join(record.writes) or 'nothing'}"
        return [Mismatch(record.seq, activation, "outcome", then, now)]
    found = []
    for field in dict.fromkeys([*record.writes, *now]):
        one, other = record.writes.get(field), now.get(field)
        if one != other:
            sides = ["not written" if raw is None else text_of(raw) for raw in (one, other)]
            found.append(Mismatch(record.seq, activation, f"field {field!r}", *sides))
    return found


def _effects_text(known: Sequence[Known]) -> str:
    return ", ".join(repr(each.name) for each in known if isinstance(each, EffectRecorded)) or "none"


async def _awaited(call: Awaitable[Any]) -> Any:
    return await call


class _Recorded:
    """The run as the effects of a rerun see it: it has its records, and carries nothing out."""

    kept = True
    cut = False

    def __init__(self, recall: Recall, caller: Caller) -> None:
        self._recall = recall
        self._caller = caller
        self.task: asyncio.Task[Any] | None = None
        # What the body wanted to do that its records do not hold, for people.
        self.refused_effect: str | None = None

    def recall(self, step: Step) -> Recall:
        """What is recorded of the activation."""
        return self._recall

    def approving(self, step: Step) -> bool:
        """Leave was given; a node that always asks for it finds that recorded."""
        return False

    def approvals(self, step: Step) -> ApprovalHost:
        """Nobody says more than what is recorded."""
        raise self._refuse(step, "asks for leave to run, which is not recorded")

    def commit(self, make: Callable[[int], Known], taken: Sequence[int] = ()) -> asyncio.Future[None]:
        """Nothing is recorded anew."""
        known = make(0)
        raise self._refuse(known.activation, f"asks for {_what(known)}, which is not recorded")

    async def fence(self) -> None:
        """Nothing is carried out."""
        raise self._refuse("", "asks for an effect that is not recorded")

    def expect(self, opened: EffectOpened) -> asyncio.Future[Letter]:
        """Nobody answers."""
        raise self._refuse(opened.activation, f"waits for {_what(opened)}, whose end is not recorded")

    def came(self, activation: ActivationId) -> set[str]:
        """Nothing comes."""
        return set()

    def refused(self, letter: Letter, why: str) -> None:
        """There are no letters."""

    def give_back(self, letters: Sequence[Letter]) -> None:
        """There are no letters."""

    def suspend(self, effects: Effects) -> None:
        """The body can do nothing but wait, and nothing will come."""
        self._refuse(effects.activation, "waits for something that is not recorded")
        if self.task is not None:
            self.task.cancel()

    def call_in_thread(self, function: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        """A part of a ``def`` node's body. A step that is not recorded was refused before this."""
        return self._caller.in_thread(function, *args)

    async def tried(self, step: Step, error: BaseException) -> None:
        """No attempt follows: the recorded one is what counts."""
        raise error

    def _refuse(self, activation: object, told: str) -> StepError:
        self.refused_effect = self.refused_effect or told
        return ReplayMismatchError(str(activation), told)


def _what(known: Known) -> str:
    return repr(known.name) if known.kind is not EffectKind.VALUE else f"ctx.{known.name}()"
