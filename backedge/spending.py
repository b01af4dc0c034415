"""What the calls of models in a run took and cost, told from its journal: also of a process that has died since."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import Final

from backedge.engine.ports import Journal, opened
from backedge.engine.records import EffectRecorded, Record, RunForked
from backedge.providers.earlier import calls_in
from backedge.providers.errors import MissingPackageError
from backedge.providers.messages import Usage
from backedge.providers.protocol import ModelResponse
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
    """
    async with opened(journal, create=False) as store:
        return ledger_of(run_id, await store.read(run_id), since=since)


def ledger_of(run_id: str, records: Iterable[Record], *, since: float = 0.0) -> Ledger:
    """The same, of a run's records."""
    effects: list[EffectRecorded] = []
    for record in records:
        if isinstance(record, RunForked):
            effects.clear()
        elif isinstance(record, EffectRecorded):
            effects.append(record)
    ledger, prices = Ledger(), PriceList()
    for call in calls_in(run_id, effects, since=since):
        response = call.response
        cost = response.cost if response.cost is not None else _cost(prices, response, call.asked)
        ledger.add(call.labels, response.by or call.asked, response.usage, cost, failed=call.failed)
    return ledger


def _cost(prices: PriceList, response: ModelResponse, name: str) -> float | None:
    if response.usage == _NOTHING:
        return 0.0
    try:
        return prices.of_response(response, name)
    except MissingPackageError:
        return None
