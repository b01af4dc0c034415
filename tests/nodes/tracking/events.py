"""Events written short, at times written out: `a` begins at 10 and so on."""

from backedge.engine.execution.desk import Question
from backedge.engine.execution.events import (
    ActivationCancelled,
    ActivationFailed,
    ActivationFinished,
    ActivationsReady,
    ActivationStarted,
    ActivationSuspended,
    RunFinished,
)
from backedge.engine.records import ActivationId, EffectKind, ErrorInfo, RunStatus


def who(name):
    """``a``, or ``a@2`` in a loop named `a`."""
    node, _, lap = name.partition("@")
    return ActivationId(node, ((node, int(lap)),) if lap else ())


def ready(at, *names, after=None):
    return ActivationsReady(tuple(map(who, names)), at, None if after is None else who(after))


def began(at, name, attempt=1):
    return ActivationStarted(who(name), attempt, at)


def finished(at, name, seconds, *taken, attempt=1):
    return ActivationFinished(who(name), attempt, at, seconds, {}, taken)


def failed(at, name, seconds, *taken, final=False, attempt=1):
    return ActivationFailed(who(name), attempt, at, seconds, ErrorInfo("ValueError", "no"), final, taken)


def cancelled(at, name):
    return ActivationCancelled(who(name), at)


def question(name, kind=EffectKind.QUESTION, **detail):
    return Question(f"{name}:0", name, kind, "Shall we?", detail, 5.0)


def waits(at, name, *questions):
    return ActivationSuspended(who(name), 1, at, questions or (question(name),))


def ended(at, status=RunStatus.COMPLETED):
    return RunFinished("r", status, at)
