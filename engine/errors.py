"""Every error backedge raises, and whose fault it is.

::

    BackedgeError
    ├── GraphError                 the graph: all its problems at once
    ├── RenderError                a picture that could not be made or written
    ├── InputError                 what was handed to a run, a resume or a command
    ├── RunError                   a run that did not complete; knows how to go on
    │   ├── RunFailedError         a node, its routing or a merge failed (`.failures`)
    │   ├── RunCancelledError      somebody cancelled it; final
    │   ├── RunInterruptedError    stopped on the way; `resume` goes on
    │   └── RunAbandonedError      it ended one process after the other; nobody goes on with it by himself
    ├── StepError                  why an activation failed; the cause of a RunFailedError
    │   ├── NodeRaisedError        the node's own exception, as its record tells it
    │   ├── NodeTimeoutError       the node took longer than its timeout
    │   ├── UpdateError            the node returned what its fields do not accept
    │   ├── ParameterError         a parameter is narrower than the value its field holds
    │   ├── ConflictError          two concurrent branches wrote the same plain field
    │   ├── RoutingError           a condition raised or was no boolean
    │   ├── DeadEndError           no outgoing edge was taken
    │   ├── EffectError            a step raised something that was not declared with raises=
    │   ├── EffectValueError       an effect's result cannot be stored or read back
    │   ├── ReplayMismatchError    the body asks for another effect than its record holds
    │   ├── RejectedError          a person refused to let the node run
    │   └── LoopLimitError         a feedback edge reached its limit
    ├── ScheduleError              an illegal fact: a defect of a driver, never of a user
    └── JournalError               what is stored, or where
        ├── RunExistsError         `run` with an id that is taken
        ├── RunNotFoundError       no such run in this journal
        ├── RunOwnedError          another process owns the run
        ├── FencedError            this process lost the run to a newer owner
        ├── GraphChangedError      the graph is not the one the run was made with
        ├── JournalWriteError      a commit failed (full disk, I/O error); the run stopped before it
        ├── JournalOpenError       the file cannot be opened: no such folder, not allowed
        ├── JournalCorruptError    a record or file is damaged
        └── JournalFormatError     not one of our databases, or written by a newer version

Each class takes typed arguments and writes its own message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class BackedgeError(Exception):
    """Base of everything backedge raises on purpose."""


# --------------------------------------------------------------------------- before a run


class GraphError(BackedgeError):
    """The graph cannot work. `problems` lists everything found, one sentence each with what to do."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "1 problem in the graph" if count == 1 else f"{count} problems in the graph"
        super().__init__("\n".join([f"{head}:", *(f"  {n}. {p}" for n, p in enumerate(self.problems, 1))]))


class RenderError(BackedgeError):
    """The picture could not be made or written: an unknown suffix, no `dot` program, a path that cannot be written."""


class InputError(BackedgeError):
    """What was handed to a run does not fit: inputs, resources, limits. Nothing was started."""


# --------------------------------------------------------------------------- the end of a run


class RunError(BackedgeError):
    """A run that did not complete. `run_id` and `hint` say how to go on."""

    def __init__(self, run_id: str, what: str, hint: str) -> None:
        self.run_id = run_id
        self.hint = hint
        super().__init__(f"run {run_id!r} {what}; {hint}" if hint else f"run {run_id!r} {what}")


class RunFailedError(RunError):
    """Activations failed. `failures` maps each one's id to its error; the first is also the cause."""

    def __init__(self, run_id: str, failures: Mapping[str, StepError], hint: str) -> None:
        self.failures = dict(failures)
        told = "; ".join(f"{error}" for error in self.failures.values())
        super().__init__(run_id, f"failed: {told}", hint)


class RunCancelledError(RunError):
    """The run was cancelled. That is final: fork it to go on from one of its checkpoints."""


class RunInterruptedError(RunError):
    """The run was stopped before its end and can be resumed."""


class RunAbandonedError(RunError):
    """Processes that went on with the run died, one after the other, without a new record: it is left alone.

    `deaths` says how many, `activations` what was in flight each time: one of these likely ends its process. `why` tells
    all that in words.
    """

    def __init__(self, run_id: str, deaths: int, activations: Sequence[str] = ()) -> None:
        self.deaths = deaths
        self.activations = tuple(activations)
        where = f" at {', '.join(self.activations)}" if self.activations else ""
        times = "1 process died" if deaths == 1 else f"{deaths} processes in a row died"
        self.why = f"{times}{where} without a new record"
        super().__init__(
            run_id,
            f"is left alone: {self.why}",
            f"find out why, then go on by hand with resume({run_id!r}), or raise max_deaths=",
        )


# --------------------------------------------------------------------------- why a step failed


class StepError(BackedgeError):
    """Why one activation failed. `activation` is its id, such as ``checker@2``."""

    def __init__(self, activation: str, message: str) -> None:
        self.activation = activation
        super().__init__(f"{activation}: {message}")


class NodeRaisedError(StepError):
    """The node's function raised. `type_name`, `message` and `traceback` are what its record keeps."""

    def __init__(self, activation: str, type_name: str, message: str, traceback: str = "") -> None:
        self.type_name = type_name
        self.message = message
        self.traceback = traceback
        super().__init__(activation, f"{type_name}: {message}" if message else type_name)


class NodeTimeoutError(StepError, TimeoutError):
    """The node took longer than its `timeout` seconds."""

    def __init__(self, activation: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(activation, f"took longer than its timeout of {seconds:g} s")


class UpdateError(StepError):
    """The node returned what its fields do not accept, or what does not survive its encoding."""


class EffectError(StepError):
    """A step inside a node raised. `name` is the step's; `type_name`, `message`, `traceback` are the exception's."""

    def __init__(self, activation: str, name: str, type_name: str, message: str, traceback: str = "") -> None:
        self.name = name
        self.type_name = type_name
        self.message = message
        self.traceback = traceback
        super().__init__(activation, f"{name!r} failed: {type_name}" + (f": {message}" if message else ""))


class EffectValueError(StepError):
    """An effect's result cannot be stored, or what is stored is not of its type any more."""


class ReplayMismatchError(StepError):
    """The body asks for another effect than the one recorded at this place; nothing was done.

    The node's code changed since the run began, or it depends on something that is no effect (the clock, chance).
    """


class RejectedError(StepError):
    """A person refused to let the node run. `reason` is what they said."""

    def __init__(self, activation: str, reason: str) -> None:
        self.reason = reason
        super().__init__(activation, f"was rejected: {reason}" if reason else "was rejected")


class ParameterError(StepError):
    """A parameter's annotation does not accept the value its field holds."""


class ConflictError(StepError):
    """Two branches that ran concurrently wrote the same plain field and then met.

    `field` is the field, `writers` the ids of the two activations that wrote it.
    """

    def __init__(self, activation: str, field: str, writers: tuple[str, str]) -> None:
        self.field = field
        self.writers = writers
        super().__init__(
            activation,
            f"field {field!r} was written concurrently by {writers[0]} and {writers[1]}; "
            f"give it a reducer, let them write different fields, or put an edge between them",
        )


class RoutingError(StepError):
    """A condition raised or returned something that is not a boolean. The node's result is kept."""


class DeadEndError(StepError):
    """A node with outgoing edges finished and none of them was taken.

    `conditions` holds a line per edge: its name, its condition and the values the condition saw.
    """

    def __init__(self, activation: str, conditions: Sequence[str]) -> None:
        self.conditions = tuple(conditions)
        told = "; ".join(self.conditions)
        super().__init__(
            activation,
            f"none of its outgoing edges was taken ({told}); add an edge for this case, or declare may_stop=True",
        )


class LoopLimitError(StepError):
    """A feedback edge was about to be taken more often than its limit allows."""

    def __init__(self, activation: str, edge: str, limit: int) -> None:
        self.edge = edge
        self.limit = limit
        super().__init__(
            activation,
            f"feedback edge {edge} reached its limit of {limit}; raise it with "
            f"resume(limits={{{edge!r}: {limit * 2}}}), or give the edge an otherwise= target",
        )


class ScheduleError(BackedgeError):
    """An illegal fact was reported to the schedule, which is unchanged. `history` holds the last facts."""

    def __init__(self, message: str, history: Sequence[object] = ()) -> None:
        self.history = tuple(history)
        told = "".join(f"\n  {fact!r}" for fact in self.history)
        super().__init__(f"{message}; last facts:{told}" if told else message)


# --------------------------------------------------------------------------- the journal


class JournalError(BackedgeError):
    """Something about the journal. `journal` says which one: a path, or ``memory``."""

    def __init__(self, journal: str, message: str) -> None:
        self.journal = journal
        super().__init__(f"journal {journal}: {message}")


class RunExistsError(JournalError):
    """`run` was called with an id the journal already holds."""

    def __init__(self, journal: str, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(
            journal, f"run {run_id!r} exists already; go on with resume, or choose another run_id"
        )


class RunNotFoundError(JournalError):
    """The journal holds no such run. `known` lists a few that it does hold."""

    def __init__(self, journal: str, run_id: str, known: Sequence[str] = ()) -> None:
        self.run_id = run_id
        self.known = tuple(known)
        there = f"it holds {', '.join(map(repr, self.known))}" if self.known else "it holds no runs"
        super().__init__(journal, f"there is no run {run_id!r}; {there}")


class RunOwnedError(JournalError):
    """Another process, or another handle in this one, is working on the run."""

    def __init__(self, journal: str, run_id: str, owner: str) -> None:
        self.run_id = run_id
        self.owner = owner
        super().__init__(
            journal,
            f"run {run_id!r} is being worked on by {owner}; wait for it or stop it, "
            f"or pass takeover=True to fence it off and take the run over",
        )


class FencedError(JournalError):
    """This owner lost the run: a newer one took it over. What it had not committed is not written."""

    def __init__(self, journal: str, run_id: str, epoch: int, current: int) -> None:
        self.run_id = run_id
        self.epoch = epoch
        self.current = current
        super().__init__(
            journal, f"run {run_id!r} was taken over (our epoch {epoch}, now {current}); this owner stopped"
        )


class GraphChangedError(JournalError):
    """The graph's digest is not the one the run was made with.

    `changes` lists what differs and what that means for the run; `possible` says whether the run can go on all the same.
    """

    def __init__(self, journal: str, run_id: str, changes: Sequence[str], *, possible: bool = True) -> None:
        self.run_id = run_id
        self.changes = tuple(changes)
        self.possible = possible
        told = "".join(f"\n  - {change}" for change in self.changes)
        hint = 'pass on_change="continue" to go on all the same, or run it with the graph it was made with'
        if not possible:
            hint = "run it with the graph it was made with, fork it before that, or migrate= what is of another type"
        super().__init__(journal, f"the graph changed since run {run_id!r} was made:{told}\n{hint}")


class JournalWriteError(JournalError):
    """A commit failed. Nothing that depends on it was started; the run can be resumed."""


class JournalOpenError(JournalError):
    """The journal's file cannot be opened: its folder is missing, or the system does not allow it."""


class JournalCorruptError(JournalError):
    """A record or the file is damaged. What lies before the damage stays readable.

    `run_id` and `seq` say which record, where that is known; ``journal.read(run_id, before=seq)`` reads what lies
    before it.
    """

    def __init__(
        self, journal: str, message: str, *, run_id: str | None = None, seq: int | None = None
    ) -> None:
        self.run_id = run_id
        self.seq = seq
        super().__init__(journal, message)

    @classmethod
    def of_record(cls, journal: str, run_id: str, seq: int, why: str) -> JournalCorruptError:
        """The error for one damaged record; `why` says what is wrong with it."""
        return cls(
            journal,
            f"record {seq} of run {run_id!r} is damaged: {why}; the {seq} records before it can be read",
            run_id=run_id,
            seq=seq,
        )


class JournalFormatError(JournalError):
    """The file is not a backedge journal, or was written by a newer version of backedge."""
