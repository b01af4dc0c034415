"""What a journal stores: a run is its header and its records, in order.

Records are plain facts. Values of fields are carried as compact JSON (`bytes`), encoded and decoded by the engine
with the pydantic adapters of the fields' declared types, so that a journal never needs to know a type and never
loads a class that data names.

A record's `seq` is its place in the run: 0 is always `RunStarted`, and there are no gaps. The schedule is driven by
records alone, so whoever reads them in order has the run.

Times are seconds since the epoch. Edges are named by their stable ids (``checker->coder``). Everything is a named tuple:
the engine makes one for every step, and the classes themselves are made in a tenth of the time of dataclasses. Annotations
are evaluated, where elsewhere they are texts: of a named tuple each text is compiled, which took half of this module's time.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

NO_LIMITS: Final[Mapping[str, int | None]] = MappingProxyType({})


class ActivationId(NamedTuple):
    """One execution of a node: the node, and the round of each loop around it.

    Attributes:
        node: The node's name. Nodes of a subgraph have paths (``build/coder``).
        rounds: ``(loop, round)`` for each loop around the node, outermost first.
        instance: The coordinates that maps and ``join="each"`` add, such as ``("17",)``.
    """

    node: str
    rounds: tuple[tuple[str, int], ...] = ()
    instance: tuple[str, ...] = ()

    def __str__(self) -> str:
        rounds = "@" + ".".join(str(number) for _, number in self.rounds) if self.rounds else ""
        return f"{self.node}{rounds}{''.join(f'[{i}]' for i in self.instance)}"


def parts_of_id(text: str) -> tuple[str, tuple[int, ...], tuple[str, ...]]:
    """An activation's id taken apart: the node, its rounds, its coordinates.

    >>> parts_of_id("lint@2.0[17]"), parts_of_id("notify[ask@1[0]]")
    (('lint', (2, 0), ('17',)), ('notify', (), ('ask@1[0]',)))

    Raises:
        ValueError: It is none.
    """
    head, instances, depth = text, [], 0
    if "[" in text:
        at = text.index("[")
        head, start = text[:at], at
        for place in range(at, len(text)):
            depth += {"[": 1, "]": -1}.get(text[place], 0)
            if depth == 0:
                instances.append(text[start + 1 : place])
                start = place + 1
    node, _, numbers = head.partition("@")
    if depth or not node:
        raise ValueError(text)
    return node, tuple(int(number) for number in numbers.split(".") if numbers), tuple(instances)


class ErrorInfo(NamedTuple):
    """An exception as data.

    Attributes:
        type_name: Qualified name of the class, to be read by people; it is never imported.
        message: ``str()`` of the exception.
        traceback: The formatted traceback, for debugging.
        args: The exception's arguments as one JSON array, or None where they cannot be encoded.
    """

    type_name: str
    message: str
    traceback: str = ""
    args: bytes | None = None


class RunStatus(StrEnum):
    """Where a run stands. Only COMPLETED and CANCELLED are final."""

    RUNNING = "running"  # under way, or its owner died
    SUSPENDED = "suspended"  # waits for an answer, a signal or a timer
    IN_DOUBT = (
        "in_doubt"  # nobody knows whether an unsafe effect was done before a crash; a person has to say
    )
    INTERRUPTED = "interrupted"  # stopped on the way, on purpose
    FAILED = "failed"  # an activation failed
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class RunHeader(NamedTuple):
    """What is fixed when a run is made.

    Attributes:
        run_id: Unique in its journal.
        graph: Name of the graph.
        digest: Digest of the graph's nodes, versions, edges, field types and reducers.
        shape: JSON description of what the digest covers, so that a change can be told in words.
        created: When, in seconds since the epoch.
        parent: ``(run_id, seq)`` this run was forked from, or None.
    """

    run_id: str
    graph: str
    digest: str
    shape: bytes
    created: float
    parent: tuple[str, int] | None = None


class RunStarted(NamedTuple):
    """Record 0: the inputs, and which of START's edges were taken (None: routing is still owed).

    `limits` are the loop limits that the run was given (edge id to limit).
    """

    seq: int
    at: float
    inputs: Mapping[str, bytes]
    taken: tuple[str, ...] | None
    limits: Mapping[str, int | None] = NO_LIMITS


class NodeFinished(NamedTuple):
    """An activation finished, by returning or by an error that an error edge took.

    Attributes:
        writes: Field to encoded update; empty when `error` is set.
        taken: Ids of the edges taken, or None while routing is owed (a condition raised, a dead end, a limit).
        error: The handled error that flows along the error edges taken.
        usage: What the activation spent (tokens, money), as one JSON object, or None.
    """

    seq: int
    activation: ActivationId
    attempt: int
    started: float
    ended: float
    writes: Mapping[str, bytes]
    taken: tuple[str, ...] | None
    error: ErrorInfo | None = None
    usage: bytes | None = None


class AttemptFailed(NamedTuple):
    """One attempt of an activation failed. `final` means that no retry follows: the activation failed."""

    seq: int
    activation: ActivationId
    attempt: int
    started: float
    ended: float
    error: ErrorInfo
    final: bool


class ActivationCancelled(NamedTuple):
    """An activation that another one's end made needless was stopped; what was recorded of it in between does not count."""

    seq: int
    activation: ActivationId
    at: float


class RoutingFailed(NamedTuple):
    """A finished activation (or START) could not be routed; its result stands, resume routes again."""

    seq: int
    activation: ActivationId
    at: float
    error: ErrorInfo


class Routed(NamedTuple):
    """The routing that a finished activation owed, made up for."""

    seq: int
    activation: ActivationId
    at: float
    taken: tuple[str, ...]


class EffectKind(StrEnum):
    """What an effect does, and so how it goes on after a crash."""

    STEP = "step"  # a function of the user's
    MODEL = "model"  # a call of a model; a retry of the node makes it anew
    TOOL = "tool"  # a call of a tool
    VALUE = "value"  # the clock, a random number, a fresh id
    CHOICE = "choice"  # which of several came first
    QUESTION = "question"  # waits for an answer
    SIGNAL = "signal"  # waits for a signal
    TIMER = "timer"  # waits for a time
    APPROVAL = "approval"  # waits for leave to run the node at all


class EffectOpened(NamedTuple):
    """An effect was begun that may outlive its process.

    A question, signal, timer or approval waits for something; a step is about to do what must not be done twice, so if
    no `EffectRecorded` follows nobody knows whether it was done.

    Attributes:
        path: Where in the activation: stable under `gather`, `first` and `branch`.
        name: What was asked for.
        digest: Digest of the arguments.
        detail: One JSON object: what somebody who is to answer needs to know, or when a timer is due.
    """

    seq: int
    activation: ActivationId
    attempt: int
    path: str
    name: str
    digest: str
    at: float
    kind: EffectKind
    detail: bytes


class EffectRecorded(NamedTuple):
    """One completed interaction with the world inside an activation.

    Attributes:
        path: Where in the activation: stable under `gather`, `first` and `branch`.
        name: What was asked for.
        digest: Digest of the arguments.
        at: When it was over, in seconds since the epoch.
        result: Encoded result, or None when `error` is set.
        seconds: How long it took.
        usage: What it spent (tokens, money), as one JSON object, or None.
        occurrence: Which of several equal ones its key was made for, from 0.
    """

    seq: int
    activation: ActivationId
    attempt: int
    path: str
    name: str
    digest: str
    at: float
    result: bytes | None
    error: ErrorInfo | None = None
    kind: EffectKind = EffectKind.STEP
    seconds: float = 0.0
    usage: bytes | None = None
    occurrence: int = 0


class InputEdited(NamedTuple):
    """Somebody edited what an activation that had not begun is to run on: one write, later than all others."""

    seq: int
    activation: ActivationId
    at: float
    edits: Mapping[str, bytes]


class RunForked(NamedTuple):
    """First own record of a run that goes on from another one's record; those before it are the parent's.

    Attributes:
        edits: Field to encoded value: one write, later than all others, on every snapshot of the frontier.
        before: The activation whose input alone is edited, or None for all.
        digest: Digest of the graph it goes on with, where that is not the one its parent was made with.
    """

    seq: int
    at: float
    edits: Mapping[str, bytes]
    before: ActivationId | None = None
    digest: str = ""


class RunResumed(NamedTuple):
    """A new owner went on with the run.

    Attributes:
        limits: The loop limits it was given (edge id to limit).
        digest: Digest of the graph it goes on with.
    """

    seq: int
    at: float
    epoch: int
    limits: Mapping[str, int | None] = NO_LIMITS
    digest: str = ""


class RunEnded(NamedTuple):
    """The run came to rest with `status`; anything but COMPLETED and CANCELLED may be resumed."""

    seq: int
    at: float
    status: RunStatus


Record: TypeAlias = (
    RunStarted
    | RunForked
    | NodeFinished
    | AttemptFailed
    | ActivationCancelled
    | RoutingFailed
    | Routed
    | EffectOpened
    | EffectRecorded
    | InputEdited
    | RunResumed
    | RunEnded
)


class LetterKind(StrEnum):
    """What somebody tells a run from outside."""

    ANSWER = "answer"
    SIGNAL = "signal"
    CANCEL = "cancel"


class Letter(NamedTuple):
    """Something that was sent to a run, kept until the run has taken it.

    Attributes:
        number: Its number in the journal, which grows; 0 before it was posted.
        kind: What it is.
        name: Which question is answered, or the signal's name; empty for a cancellation.
        value: One JSON value.
        at: When it was sent, in seconds since the epoch.
    """

    kind: LetterKind
    name: str
    value: bytes
    at: float
    number: int = 0


class Awaited(NamedTuple):
    """What a run that rests waits for. Kept beside its records, so that nobody has to read those to find it.

    Attributes:
        due: When the first of its timers is due, in seconds since the epoch, or None; 0: it is to be gone on with as
            soon as somebody can.
        letters: The letters that it waits for, by kind and name.
    """

    due: float | None = None
    letters: frozenset[tuple[LetterKind, str]] = frozenset()


UNTOLD_AWAITED: Final = Awaited(due=0.0)
"""For a run of which is only known that it waits: who goes on with it will see for what."""


class Cause(StrEnum):
    """Why a run should be gone on with."""

    CRASHED = "crashed"  # its owner died
    DUE = "due"  # a timer is due
    LETTERS = "letters"  # what it waits for has come, or it was handed over
    CANCELLED = "cancelled"  # somebody asks to end it for good


class Pending(NamedTuple):
    """A run that nobody works on and that should be gone on with.

    Attributes:
        epoch: How often it had been acquired by then: who acquires it next knows whether somebody was faster.
        deaths: Where its owner died: how many in a row went on with it and left no record but that they did.
    """

    run_id: str
    graph: str
    digest: str
    status: RunStatus
    epoch: int
    cause: Cause
    deaths: int = 0


class RunSummary(NamedTuple):
    """A line in a list of runs.

    Attributes:
        records: How many records the run has.
        updated: When its last record was written, in seconds since the epoch.
        owner: Who works on it right now (``pid 123 on host``), or None. A run that is `RUNNING` without owner
            crashed and can be resumed.
        awaited: What it waits for, where it does.
        deaths: Of a run that crashed how many owners in a row went on with it and left no record but that they did.
    """

    header: RunHeader
    status: RunStatus
    records: int
    updated: float
    owner: str | None = None
    awaited: Awaited | None = None
    deaths: int = 0
