"""What the calls of models in a run took and cost, told from its journal: also of a process that has died since."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from os import PathLike
from typing import Any, Final

from backedge.engine.ports import Journal, opened
from backedge.engine.records import ActivationId, EffectKind, EffectRecorded, Record, RunForked
from backedge.providers.errors import MissingPackageError
from backedge.providers.labels import Labels
from backedge.providers.messages import Usage
from backedge.providers.protocol import ModelResponse
from backedge.providers.recorded import FAILED_TRY, FailedTry
from backedge.providers.wrappers.ledger import Ledger
from backedge.providers.wrappers.prices import PriceList

_NOTHING: Final = Usage()


async def spent(run_id: str, /, *, journal: str | PathLike[str] | Journal, since: float = 0.0) -> Ledger:
    """What a run's calls of models took and cost, by node, agent and model; of all its processes and attempts together.

    The agent is the innermost `Context.branch` that the call was made in: agents make all their calls in one of their name.

    Tries that failed count although their call never ended, as when the process died while it waited for the next one.
    A cost that a record does not hold is told by the price list, if that is installed. What a fork has from its parent
    the parent paid for.

    Args:
        run_id: The run.
        journal: Where it is recorded.
        since: Calls that ended before this time are left out; in seconds since the epoch.

    Raises:
        RunNotFoundError: There is no such run.
        JournalError: The journal cannot be read.

    Example::

        earlier = await spent("demo", journal="runs.db")
        print(earlier.total, earlier.by("node"))
        budget.count(earlier)           # before the run is resumed under a budget
    """
    async with opened(journal, create=False) as store:
        return ledger_of(run_id, await store.read(run_id), since=since)


def ledger_of(run_id: str, records: Iterable[Record], *, since: float = 0.0) -> Ledger:
    """The same, of a run's records."""
    ledger, prices = Ledger(), PriceList()
    # Failed tries that are in no record of their call, by whom they were for, activation and model.
    tries: defaultdict[tuple[Labels, ActivationId, str], list[FailedTry]] = defaultdict(list)
    for record in records:
        if isinstance(record, RunForked):
            ledger = Ledger()
            tries.clear()
        elif isinstance(record, EffectRecorded) and record.at >= since:
            labels = _labels(run_id, record)
            if record.kind is EffectKind.MODEL:
                _count(ledger, labels, record, prices)
                _take_out(tries[labels, record.activation, record.name], record)
            elif record.name.startswith(FAILED_TRY) and record.result is not None:
                name = record.name.removeprefix(FAILED_TRY)
                tries[labels, record.activation, name].append(FailedTry.model_validate_json(record.result))
    for (labels, _, _), left in tries.items():
        for one in left:
            cost = _cost(prices, ModelResponse.model_construct(usage=one.usage), one.model)
            ledger.add(labels, one.model, one.usage, cost, failed=True)
    return ledger


def _labels(run_id: str, record: EffectRecorded) -> Labels:
    """Whom a call was for: the node, and the innermost branch with a name."""
    names = [step for step in record.path.split(".") if step.isidentifier()]
    return Labels(run=run_id, node=record.activation.node, agent=names[-1] if names else "")


def _take_out(tries: list[FailedTry], record: EffectRecorded) -> None:
    """Take out the tries that the record of a call holds itself. One that failed at its only try does not name it."""
    if record.result is not None:
        attempts = json.loads(record.result).get("attempts", [])
    else:
        attempts = _facts(record).get("attempts", [])
        if not attempts:
            began = record.at - record.seconds - 1e-3
            tries[:] = [one for one in tries if one.at < began]
    held = {(one["model"], one["error"], one["seconds"]) for one in attempts}
    tries[:] = [one for one in tries if (one.model, one.error, one.seconds) not in held]


def _count(ledger: Ledger, labels: Labels, record: EffectRecorded, prices: PriceList) -> None:
    if record.result is None:
        usage = _usage_of_error(record)
        cost = _cost(prices, ModelResponse.model_construct(usage=usage), record.name)
        ledger.add(labels, record.name, usage, cost, failed=True)
        return
    response = ModelResponse.model_validate_json(record.result)
    cost = response.cost if response.cost is not None else _cost(prices, response, record.name)
    ledger.add(labels, response.by or record.name, response.usage, cost)


def _usage_of_error(record: EffectRecorded) -> Usage:
    """What a failed call took, as its error says: models' errors have what they know as their second argument."""
    return Usage.model_validate(_facts(record).get("usage", {}))


def _facts(record: EffectRecorded) -> dict[str, Any]:
    """What the error of a failed call says of itself."""
    args = json.loads(record.error.args) if record.error is not None and record.error.args else []
    return args[1] if len(args) > 1 and isinstance(args[1], dict) else {}


def _cost(prices: PriceList, response: ModelResponse, name: str) -> float | None:
    if response.usage == _NOTHING:
        return 0.0
    try:
        return prices.of_response(response, name)
    except MissingPackageError:
        return None
