"""Editing what an activation is about to run on, recorded in one with the approval that says so."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..compiler.compile import CompiledGraph
from ..effects.results import told
from ..facts import NodeEdited, StartNode
from ..records import EffectRecorded, InputEdited, Letter
from ..schedule import Schedule
from .calls import Step
from .desk import Desk
from .effects import taken_by
from .ledger import Ledger, Owner


class Editing:
    """Edits the input of one step that has not begun."""

    __slots__ = ("_desk", "_graph", "_ledger", "_owner", "_schedule", "_step")

    def __init__(
        self,
        graph: CompiledGraph,
        schedule: Schedule,
        ledger: Ledger,
        desk: Desk,
        owner: Owner,
        step: Step,
    ) -> None:
        self._graph = graph
        self._schedule = schedule
        self._ledger = ledger
        self._desk = desk
        self._owner = owner
        self._step = step

    def encoded(self, edit: Mapping[str, Any]) -> dict[str, bytes]:
        """The edit, given as what JSON can carry, as records hold it. ValueError says what is wrong with it."""
        schema = self._graph.schema
        encoded: dict[str, bytes] = {}
        for name, value in edit.items():
            if name not in schema.fields:
                raise ValueError(f"edit: {name!r} is no field of the state ({', '.join(schema.fields)})")
            try:
                read = schema.decode_values({name: json.dumps(value).encode()})[name]
                encoded[name] = schema.encode_value(name, read)
            except ValueError as error:
                raise ValueError(f"edit: {told(error)}") from error
        return encoded

    async def edited(
        self, edits: Mapping[str, bytes], make: Callable[[int], EffectRecorded], letter: Letter
    ) -> None:
        """Record the edit and then the effect that caused it; once that is committed the step runs on it."""
        order, ledger = self._step.order, self._ledger
        record = InputEdited(ledger.number(), self._step.activation, time.time(), edits)
        effect = make(ledger.number())
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def committed() -> None:
            values = self._graph.schema.decode_values(edits)
            (again,) = self._schedule.edit(NodeEdited(order.node, order.rounds, values))
            assert isinstance(again, StartNode)
            self._step.order = again
            if self._reads(edits):
                self._desk.forget((order.node, order.rounds))
            self._desk.learn((order.node, order.rounds), effect)
            if not done.done():
                done.set_result(None)

        ledger.submit([record, effect], committed, self._owner, taken_by(letter))
        await done

    def _reads(self, edits: Mapping[str, bytes]) -> bool:
        """Whether the node reads an edited field, so that what it did before counts no more."""
        binding = self._graph.nodes[self._step.order.node].binding
        return binding is not None and (binding.reads_all or not binding.reads.isdisjoint(edits))
