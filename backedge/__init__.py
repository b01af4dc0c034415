"""Graph workflows of agents and tools, acyclic and cyclic: typed, parallel, journaled, resumable.

Everything one needs to build and run graphs stands here; journals are in `backedge.checkpoints`, models in
`backedge.providers`, ready nodes and sandboxes in `backedge.nodes`.
"""

from typing import TYPE_CHECKING

from backedge.engine.compiler.compile import BackedgeWarning
from backedge.engine.compiler.goto import Goto
from backedge.engine.context import BlockingContext, Context
from backedge.engine.effects.identity import EffectKey
from backedge.engine.errors import (
    BackedgeError,
    ConflictError,
    DeadEndError,
    EffectError,
    EffectValueError,
    FencedError,
    GraphChangedError,
    GraphError,
    InputError,
    JournalCorruptError,
    JournalError,
    JournalFormatError,
    JournalOpenError,
    JournalWriteError,
    LoopLimitError,
    NodeRaisedError,
    NodeTimeoutError,
    ParameterError,
    RejectedError,
    RenderError,
    ReplayMismatchError,
    RoutingError,
    RunAbandonedError,
    RunCancelledError,
    RunError,
    RunExistsError,
    RunFailedError,
    RunInterruptedError,
    RunNotFoundError,
    RunOwnedError,
    ScheduleError,
    StepError,
    UpdateError,
)
from backedge.engine.execution.desk import Question
from backedge.engine.execution.events import (
    ActivationCancelled,
    ActivationFailed,
    ActivationFinished,
    ActivationsReady,
    ActivationStarted,
    ActivationSuspended,
    CustomEvent,
    Event,
    EventsDropped,
    RunFinished,
)
from backedge.engine.execution.steps import NOT_DONE
from backedge.engine.flow import Flow, RunOptions
from backedge.engine.graph import END, START, Graph, Marker, Node
from backedge.engine.letters import answer, cancel, open_questions, send
from backedge.engine.records import ActivationId, Cause, ErrorInfo, RunStatus
from backedge.engine.run import Run, RunResult
from backedge.engine.shares import Share
from backedge.engine.state.reducers import add, append, extend, maximum, merge, minimum, union

if TYPE_CHECKING:
    from backedge.engine.compiler.itemerror import ItemError
    from backedge.engine.past.diff import FieldDiff, Parting, RunDiff
    from backedge.engine.past.history import Checkpoint
    from backedge.engine.past.report import Mismatch, ReplayReport
    from backedge.engine.supervising import Recovery
    from backedge.providers.names import model
    from backedge.spending import spent

__all__ = [
    "END",
    "NOT_DONE",
    "START",
    "ActivationCancelled",
    "ActivationFailed",
    "ActivationFinished",
    "ActivationId",
    "ActivationStarted",
    "ActivationSuspended",
    "ActivationsReady",
    "BackedgeError",
    "BackedgeWarning",
    "BlockingContext",
    "Cause",
    "Checkpoint",
    "ConflictError",
    "Context",
    "CustomEvent",
    "DeadEndError",
    "EffectError",
    "EffectKey",
    "EffectValueError",
    "ErrorInfo",
    "Event",
    "EventsDropped",
    "FencedError",
    "FieldDiff",
    "Flow",
    "Goto",
    "Graph",
    "GraphChangedError",
    "GraphError",
    "InputError",
    "ItemError",
    "JournalCorruptError",
    "JournalError",
    "JournalFormatError",
    "JournalOpenError",
    "JournalWriteError",
    "LoopLimitError",
    "Marker",
    "Mismatch",
    "Node",
    "NodeRaisedError",
    "NodeTimeoutError",
    "ParameterError",
    "Parting",
    "Question",
    "Recovery",
    "RejectedError",
    "RenderError",
    "ReplayMismatchError",
    "ReplayReport",
    "RoutingError",
    "Run",
    "RunAbandonedError",
    "RunCancelledError",
    "RunDiff",
    "RunError",
    "RunExistsError",
    "RunFailedError",
    "RunFinished",
    "RunInterruptedError",
    "RunNotFoundError",
    "RunOptions",
    "RunOwnedError",
    "RunResult",
    "RunStatus",
    "ScheduleError",
    "Share",
    "StepError",
    "UpdateError",
    "add",
    "answer",
    "append",
    "cancel",
    "extend",
    "maximum",
    "merge",
    "minimum",
    "model",
    "open_questions",
    "send",
    "spent",
    "union",
]

# Loaded by those who use them: a run starts sooner.
_LAZY = {
    "Checkpoint": "engine.past.history",
    "FieldDiff": "engine.past.diff",
    "ItemError": "engine.compiler.itemerror",
    "Mismatch": "engine.past.report",
    "Parting": "engine.past.diff",
    "Recovery": "engine.supervising",
    "ReplayReport": "engine.past.report",
    "RunDiff": "engine.past.diff",
    "model": "providers.names",
    "spent": "spending",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"backedge.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
