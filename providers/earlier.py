"""The calls of models among a run's recorded effects: whom each was for, what it took, and when."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from .labels import Labels
from .messages import Usage
from .past import Effect, Node
from .protocol import ModelResponse
from .recorded import FAILED_TRY, FailedTry


class EarlierCall(NamedTuple):
    """A call that is on record.

    Attributes:
        labels: Whom it was for. The agent is the innermost branch that it was made in: agents make all their calls in
            one of their name.
        asked: Who was asked, as we name it.
        response: What came of it; of a call that failed only what it took.
        at: When it was over, in seconds since the epoch.
        failed: Whether there was no answer.
    """

    labels: Labels
    asked: str
    response: ModelResponse
    at: float
    failed: bool = False


def calls_in(run_id: str, effects: Iterable[Effect], *, since: float = 0.0) -> list[EarlierCall]:
    """The calls among effects, in order; then tries that failed of calls that have no record.

    Such tries are left when a process died while it waited for the next one.

    Args:
        run_id: The run.
        effects: All its effects, in order.
        since: What was over before this time is left out; in seconds since the epoch.
    """
    calls: list[EarlierCall] = []
    # Failed tries that are in no record of their call, by whom they were for, activation and model.
    tries: defaultdict[tuple[Labels, Node, str], list[FailedTry]] = defaultdict(list)
    for effect in effects:
        if effect.at < since:
            continue
        if effect.kind == "model":
            labels = _labels(run_id, effect)
            calls.append(_call(labels, effect))
            _take_out(tries[labels, effect.activation, effect.name], effect)
        elif effect.name.startswith(FAILED_TRY) and effect.result is not None:
            name = effect.name.removeprefix(FAILED_TRY)
            noted = FailedTry.model_validate_json(effect.result)
            tries[_labels(run_id, effect), effect.activation, name].append(noted)
    for (labels, _, _), left in tries.items():
        calls += [EarlierCall(labels, one.model, _took(one.usage), one.at, failed=True) for one in left]
    return calls


def _labels(run_id: str, effect: Effect) -> Labels:
    """Whom a call was for: the node, and the innermost branch with a name."""
    names = [step for step in effect.path.split(".") if step.isidentifier()]
    return Labels(run=run_id, node=effect.activation.node, agent=names[-1] if names else "")


def _call(labels: Labels, effect: Effect) -> EarlierCall:
    if effect.result is not None:
        response = ModelResponse.model_validate_json(effect.result)
        return EarlierCall(labels, effect.name, response, effect.at)
    # Models' errors have what they know as their second argument.
    usage = Usage.model_validate(_facts(effect).get("usage", {}))
    return EarlierCall(labels, effect.name, _took(usage), effect.at, failed=True)


def _took(usage: Usage) -> ModelResponse:
    return ModelResponse.model_construct(usage=usage)


def _take_out(tries: list[FailedTry], effect: Effect) -> None:
    """Take out the tries that the record of a call holds itself. One that failed at its only try does not name it."""
    if not tries:
        return
    if effect.result is not None:
        attempts = json.loads(effect.result).get("attempts", [])
    else:
        attempts = _facts(effect).get("attempts", [])
        if not attempts:
            began = effect.at - effect.seconds - 1e-3
            tries[:] = [one for one in tries if one.at < began]
    held = {(one["model"], one["error"], one["seconds"]) for one in attempts}
    tries[:] = [one for one in tries if (one.model, one.error, one.seconds) not in held]


def _facts(effect: Effect) -> dict[str, Any]:
    """What the error of a failed call says of itself."""
    args = json.loads(effect.error.args) if effect.error is not None and effect.error.args else []
    return args[1] if len(args) > 1 and isinstance(args[1], dict) else {}
