"""What was done of what never came to its end, as its journal has it: whatever cancelled it, and in whatever process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ConfigDict

from backedge.engine.ports import Journal, opened
from backedge.engine.records import (
    ActivationCancelled,
    ActivationId,
    EffectKind,
    EffectOpened,
    EffectRecorded,
    NodeFinished,
    Record,
    RunEnded,
    RunStatus,
)
from backedge.providers import ModelResponse
from backedge.providers.recorded import FAILED_TRY

from .parts import CANCELLED, CHECKPOINT, ENDING, PARTIAL, Asked
from .policy import Cancel

Where: TypeAlias = str | PathLike[str] | Journal
_Effect: TypeAlias = EffectOpened | EffectRecorded

_DEEDS: Final = frozenset({EffectKind.STEP, EffectKind.TOOL})


class Deed(BaseModel):
    """A step or a call of a tool.

    Attributes:
        name: What was called.
        result: What it gave, as JSON has it; None where it failed or nobody knows.
        error: What went wrong.
        doubtful: Whether it was begun, and nobody knows how it ended: of those only that must not be done twice.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    result: Any = None
    error: str = ""
    doubtful: bool = False


class Remains(BaseModel):
    """What is left of something that was cancelled.

    Attributes:
        activation: The activation that it was, or was in.
        part: The part's name; empty where the activation as a whole was cancelled, by the run's end or by another node.
        cancel: What the part was cancelled with; None for an activation as a whole.
        partial: What the part had kept, as JSON has it.
        said: What models said, in order.
        done: What steps and tools did, in order.
    """

    model_config = ConfigDict(frozen=True)

    activation: str
    part: str = ""
    cancel: Cancel | None = None
    partial: Any = None
    said: tuple[str, ...] = ()
    done: tuple[Deed, ...] = ()


async def partial_results(run_id: str, /, *, journal: Where) -> list[Remains]:
    """What a run had of what was cancelled in it: parts, activations that others made needless, and what ran at its end.

    Nothing is changed, and the run may be under way.

    Args:
        run_id: The run.
        journal: Where it is kept.

    Raises:
        RunNotFoundError: There is no such run.

    Example::

        for left in await partial_results("demo", journal="runs.db"):
            print(left.activation, left.said, left.partial)
    """
    async with opened(journal, create=False) as store:
        return remains_in(await store.read(run_id))


def remains_in(records: Iterable[Record]) -> list[Remains]:
    """What is left of what was cancelled in a run of these records."""
    effects: dict[ActivationId, list[_Effect]] = {}
    whole: dict[ActivationId, None] = {}
    open_: dict[ActivationId, None] = {}
    finished: dict[ActivationId, int] = {}
    for record in records:
        if isinstance(record, EffectOpened | EffectRecorded):
            effects.setdefault(record.activation, []).append(record)
            open_[record.activation] = None
        elif isinstance(record, NodeFinished):
            open_.pop(record.activation, None)
            finished[record.activation] = record.attempt
        elif isinstance(record, ActivationCancelled):
            open_.pop(record.activation, None)
            whole[record.activation] = None
        elif isinstance(record, RunEnded) and record.status is RunStatus.CANCELLED:
            whole |= open_
    found: list[Remains] = []
    for activation in {**effects, **whole}:
        own = _of_last_attempt(effects.get(activation, ()), finished.get(activation, 0))
        found += _parts(activation, own)
        if activation in whole:
            found.append(_remains(activation, own))
    return found


def _of_last_attempt(records: Sequence[_Effect], finished: int) -> list[_Effect]:
    """The effects of an activation as its last attempt has them, in order; what is completed is not open.

    `finished` is the attempt in which it finished, be it without any effect; 0 where it did not.
    """
    last = max([finished, *(record.attempt for record in records)])
    found: dict[str, _Effect] = {}
    for record in records:
        if record.attempt == last:
            found.pop(record.path, None)
            found[record.path] = record
    return list(found.values())


def _parts(activation: ActivationId, effects: Sequence[_Effect]) -> list[Remains]:
    """The parts in an activation that were cancelled: of each the ending stands under ``.0``, the work under ``.1``."""
    at = {effect.path: effect for effect in effects}
    found = []
    for effect in effects:
        root, _, _ = effect.path.rpartition(f".0.{ENDING}.")
        asked = _asked(effect) if root else None
        if asked is None or _result(at.get(root)) == 1:  # the work was done first
            continue
        kept = at.get(f"{root}.0.{ENDING}.kept.0")
        work = [one for one in effects if one.path.startswith(f"{root}.1.")]
        about = {"part": asked.part, "cancel": asked.cancel, "partial": _result(kept)}
        found.append(_remains(activation, work, **about))
    return found


def _asked(effect: _Effect) -> Asked | None:
    if effect.name != CANCELLED or not isinstance(effect, EffectRecorded) or effect.result is None:
        return None
    try:
        return Asked.model_validate_json(effect.result)
    except ValueError:
        return None  # a step of somebody else's that is called so


def _remains(activation: ActivationId, effects: Sequence[_Effect], **more: Any) -> Remains:
    answers = [effect for effect in effects if effect.kind is EffectKind.MODEL]
    said = [ModelResponse.model_validate(told).text for told in map(_result, answers) if told is not None]
    done = [_deed(effect) for effect in effects if effect.kind in _DEEDS and not _is_ours(effect)]
    return Remains(
        activation=str(activation),
        said=tuple(text for text in said if text.strip()),
        done=tuple(done),
        **more,
    )


def _is_ours(effect: _Effect) -> bool:
    """Whether it is on record for other reasons than what it did."""
    return effect.name in (CANCELLED, CHECKPOINT, PARTIAL) or effect.name.startswith(FAILED_TRY)


def _deed(effect: _Effect) -> Deed:
    error = effect.error if isinstance(effect, EffectRecorded) else None
    return Deed(
        name=effect.name,
        result=_result(effect),
        error="" if error is None else f"{error.type_name}: {error.message}",
        doubtful=isinstance(effect, EffectOpened),
    )


def _result(effect: _Effect | None) -> Any:
    """As JSON has it; None where there is none."""
    raw = effect.result if isinstance(effect, EffectRecorded) else None
    return None if raw is None else json.loads(raw)
