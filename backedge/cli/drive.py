"""Carrying out a run for the command line: watched, interruptible, and told at its end."""

from __future__ import annotations

import asyncio
import json
import shlex
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import IO, Any, TypeAlias, cast

from pydantic import BaseModel

from backedge import RunOptions
from backedge.engine.errors import (
    BackedgeError,
    FencedError,
    JournalError,
    RunCancelledError,
    RunError,
    RunInterruptedError,
)
from backedge.engine.execution.desk import Question
from backedge.engine.execution.durability import Durability
from backedge.engine.flow import Flow
from backedge.engine.ports import Journal
from backedge.engine.records import RunStatus
from backedge.engine.run import Run, RunResult

from . import waiting, watch
from .again import after, program, resume_command
from .console import complain, console_for, json_line, print_json, print_traceback, say, span
from .interrupts import ASKED, interrupts
from .options import HowToRun, Told, limits_of, resource_places, slots_of
from .problems import Exit, exit_code, explain, failures_of
from .target import Loader

OpenJournal: TypeAlias = Callable[[], AbstractAsyncContextManager[Journal | None]]
Start: TypeAlias = Callable[[Journal | None], Run[Any]]

_BUFFER = 100_000  # events; a fan-out of thousands is not to be lost from the picture


@dataclass(frozen=True, slots=True)
class Order:
    """A run to be carried out.

    Attributes:
        flow: The flow.
        target: What the user called it.
        journal: Path of the journal, or None.
        how: The options typed.
        open_journal: Opens the journal.
        start: Makes the live run.
    """

    flow: Flow[Any]
    target: str
    journal: str | None
    how: HowToRun
    open_journal: OpenJournal
    start: Start


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended.

    Attributes:
        run_id: Its id.
        status: Its status.
        seconds: How long it was under way.
        state: The final state by field, as JSON values; None where there is none.
        error: What it ended with, or None.
        again: The command that goes on with it; None where nothing can.
        questions: What it waits for.
    """

    run_id: str
    status: RunStatus
    seconds: float
    state: dict[str, Any] | None
    error: BackedgeError | None
    again: str | None
    questions: tuple[Question, ...] = ()

    @property
    def code(self) -> int:
        """The exit code."""
        if self.error is not None:
            return exit_code(self.error)
        return Exit.OK if self.status is RunStatus.COMPLETED else Exit.INTERRUPTED


def no_journal() -> AbstractAsyncContextManager[None]:
    """What opens no journal."""
    return nullcontext()


def needed(store: Journal | None) -> Journal:
    """The journal, which is open."""
    assert store is not None
    return store


def options_of(flow: Flow[Any], how: HowToRun, loader: Loader) -> RunOptions:
    """What was typed, as the engine's options; resources are made. Raises CommandError."""
    limits, slots = limits_of(flow, how.limit), slots_of(flow, how.slots)
    declared = flow.graph.definition.resources
    resources = {
        name: loader.resource(place, declared[name])
        for name, place in resource_places(flow, how.resource).items()
    }
    return RunOptions(
        resources=resources,
        limits=limits,
        slots=slots,
        concurrency=how.concurrency,
        deadline=how.deadline,
        durability=cast("Durability", how.durability),
        buffer=_BUFFER,
    )


def carry_out(order: Order, told: Told, answer: IO[str]) -> int:
    """Carry out a run, tell how it ended, and give the exit code.

    Args:
        order: The run.
        told: Whom to tell.
        answer: Where the result is printed.

    Raises:
        BackedgeError: It could not begin.
    """
    if not told.json:
        for text in order.flow.warnings:
            complain(text, what="warning")
    ended = asyncio.run(_carry_out(order, told))
    _tell(ended, order, told, answer)
    return ended.code


async def _carry_out(order: Order, told: Told) -> Ended:
    async with order.open_journal() as journal:
        run = order.start(journal)
        began = time.monotonic()
        async with run:
            if not told.json:
                where = f"journal {order.journal}" if order.journal else "no journal"
                say(f"run {run.run_id} of {order.flow.name}, {where}")
            parting = f"stopped at once; {_go_on(_again(order, run.run_id))}"
            error: BackedgeError | None = None
            result: RunResult[Any] | None = None
            how = watch.chosen(order.how.progress, as_json=told.json)
            with interrupts(run.interrupt, parting, notice="" if how == "live" else ASKED):
                await watch.show(run, f"{order.flow.name} {run.run_id}", how)
                try:
                    result = await run.result()
                except (RunError, JournalError) as its:
                    error = its
            questions = () if result is None else result.questions
            final = isinstance(error, RunCancelledError | FencedError) or (
                error is None and result is not None and not questions
            )
            return Ended(
                run.run_id,
                run.status,
                time.monotonic() - began,
                None if result is None else _state(order.flow, result),
                error,
                None if final else _again(order, run.run_id, error),
                questions,
            )


def _again(order: Order, run_id: str, error: BackedgeError | None = None) -> str | None:
    if order.journal is None:
        return None
    return resume_command(run_id, order.target, order.journal, after(order.how, error))


def _go_on(again: str | None) -> str:
    return f"go on with: {again}" if again else "it had no journal, so it cannot be resumed"


def _state(flow: Flow[Any], result: RunResult[Any]) -> dict[str, Any] | None:
    try:
        return state_json(flow, result.state)
    except BackedgeError:  # every way ended at a node that may stop
        return None


def state_json(flow: Flow[Any], state: BaseModel) -> dict[str, Any]:
    """The fields of a state that are set, as JSON values."""
    fields = flow.graph.schema.fields
    return {
        name: json.loads(field.value.encode(getattr(state, name)))
        for name, field in fields.items()
        if name in state.model_fields_set
    }


def _tell(ended: Ended, order: Order, told: Told, answer: IO[str]) -> None:
    if ended.error is not None:
        if told.debug:
            print_traceback(ended.error)
        if isinstance(ended.error, RunInterruptedError):
            say(explain(ended.error))
        else:
            complain(explain(ended.error))
    if told.json:
        answer.write(json_line(_as_json(ended, order)) + "\n")
        answer.flush()
        return
    if ended.error is None:
        say(f"run {ended.run_id} {ended.status} in {span(ended.seconds)}")
        if ended.state is not None:
            print_json(console_for(answer), ended.state)
        elif ended.questions:
            _tell_questions(ended, order)
        else:
            say("it ended without reaching END, so there is no final state")
    if ended.again is not None or (ended.error is not None and order.journal is None):
        say(_go_on(ended.again))


def _tell_questions(ended: Ended, order: Order) -> None:
    for question in ended.questions:
        say(f"waits for {waiting.kind_of(question)} {question.id}: {waiting.told(question)}")
    if any(map(waiting.answerable, ended.questions)):
        command = [*program(), "answer", ended.run_id, "--journal", str(order.journal)]
        say(f"answer with: {shlex.join(command)}")


def _as_json(ended: Ended, order: Order) -> dict[str, Any]:
    error = ended.error
    return {
        "run_id": ended.run_id,
        "graph": order.flow.name,
        "status": ended.status.value,
        "journal": order.journal,
        "seconds": round(ended.seconds, 6),
        "state": ended.state,
        "questions": [waiting.as_json(question) for question in ended.questions],
        "error": None if error is None else _error_json(error),
        "resume": ended.again,
    }


def _error_json(error: BackedgeError) -> dict[str, Any]:
    return {"type": type(error).__name__, "message": explain(error), "failures": failures_of(error)}
