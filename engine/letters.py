"""Telling a run something from outside, whoever works on it: answers, signals, a cancellation.

What is sent is kept in the run's journal until a node takes it. A process that works on the run looks for it by itself; a
run that rests goes on with it when it is resumed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from os import PathLike
from typing import Final, TypeAlias

from pydantic_core import PydanticSerializationError, to_json

from .effects.recall import Known
from .errors import InputError
from .execution.desk import Question, question_of, still_open
from .ports import Journal, opened
from .records import (
    ActivationCancelled,
    ActivationId,
    EffectKind,
    EffectOpened,
    EffectRecorded,
    Letter,
    LetterKind,
    NodeFinished,
    Record,
    RunEnded,
    RunStatus,
)

Where: TypeAlias = str | PathLike[str] | Journal

_OVER: Final = (RunStatus.COMPLETED, RunStatus.CANCELLED)


async def send(
    run_id: str, signal: str, value: object = None, /, *, journal: Where, keep: bool = True
) -> bool:
    """Send a signal to a run.

    Args:
        run_id: The run.
        signal: The signal's name.
        value: What comes with it, for JSON.
        journal: Where the run is kept.
        keep: Whether it is kept until a node receives it, also one that asks for it later. Without it, it is for whoever
            waits for it now, for the longest time; if nobody does, it is lost.

    Returns:
        Whether it was sent: False where it is lost.

    Raises:
        InputError: The value is nothing that JSON can carry, or the run is over for good.
        RunNotFoundError: There is no such run.
    """
    async with opened(journal) as store:
        name = signal if keep else await waiting_for(store, run_id, signal)
        if name is not None:
            await _post(run_id, LetterKind.SIGNAL, name, value, store)
        return name is not None


async def waiting_for(store: Journal, run_id: str, signal: str) -> str | None:
    """The id of what has waited longest for a signal of this name, or None."""
    asked = questions_in(await store.read(run_id))
    found = [each.id for each in asked if each.kind is EffectKind.SIGNAL and each.text == signal]
    return found[0] if found else None


async def answer(run_id: str, question: str, value: object, /, *, journal: Where) -> None:
    """Answer a question of a run, named by `Question.id` or by the id of the activation that asks.

    Raises:
        InputError: The value is nothing that JSON can carry, or the run is over for good.
        RunNotFoundError: There is no such run.
    """
    await _post(run_id, LetterKind.ANSWER, question, value, journal)


async def cancel(run_id: str, /, *, journal: Where) -> None:
    """Ask the process that works on a run to end it for good; without one it is cancelled when it is resumed.

    Raises:
        InputError: The run is over for good already.
        RunNotFoundError: There is no such run.
    """
    await _post(run_id, LetterKind.CANCEL, "", None, journal)


async def open_questions(run_id: str, /, *, journal: Where) -> list[Question]:
    """What a run waits for: questions, signals, timers, approvals, steps in doubt; oldest first.

    Raises:
        RunNotFoundError: There is no such run.
    """
    async with opened(journal) as store:
        return questions_in(await store.read(run_id))


def questions_in(records: Iterable[Record]) -> list[Question]:
    """What a run of these records waits for, oldest first."""
    asked: dict[ActivationId, list[Known]] = {}
    for record in records:
        if isinstance(record, EffectOpened | EffectRecorded):
            asked.setdefault(record.activation, []).append(record)
        elif isinstance(record, NodeFinished | ActivationCancelled):
            asked.pop(record.activation, None)
        elif isinstance(record, RunEnded) and record.status in _OVER:
            asked.clear()
    waiting = [question_of(opened) for records in asked.values() for opened in still_open(records)]
    return sorted(waiting, key=lambda question: question.since)


async def _post(run_id: str, kind: LetterKind, name: str, value: object, journal: Where) -> None:
    try:
        raw = to_json(value)
    except PydanticSerializationError as error:
        raise InputError(
            f"{kind.value} {name!r}: the value is nothing that JSON can carry: {error}"
        ) from None
    async with opened(journal) as store:
        kept = await store.frontier(run_id)  # so that no long run is read from its beginning
        last = (await store.read(run_id, after=-1 if kept is None else kept[0] - 1))[-1]
        if isinstance(last, RunEnded) and last.status in _OVER:
            raise InputError(f"run {run_id!r} is {last.status.value}: it takes no {kind.value} any more")
        await store.post(run_id, Letter(kind, name, raw, time.time()))
