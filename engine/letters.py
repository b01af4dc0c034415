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
    ActivationId,
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


async def send(run_id: str, signal: str, value: object = None, /, *, journal: Where) -> None:
    """Send a signal to a run. It is kept until a node receives it, also one that asks for it later.

    Raises:
        InputError: The value is nothing that JSON can carry, or the run is over for good.
        RunNotFoundError: There is no such run.
    """
    await _post(run_id, LetterKind.SIGNAL, signal, value, journal)


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
        elif isinstance(record, NodeFinished):
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
        last = (await store.read(run_id))[-1]
        if isinstance(last, RunEnded) and last.status in _OVER:
            raise InputError(f"run {run_id!r} is {last.status.value}: it takes no {kind.value} any more")
        await store.post(run_id, Letter(kind, name, raw, time.time()))
