"""What a picture shows, whatever draws it: boxes, arrows, loops, and what a run did to each.

Everything here is plain frozen data in a fixed order (the plan's), so that the same graph and the same records give
the same picture, in whatever order the graph was declared. Texts are whole; each output wraps and escapes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from .wording import count


class Kind(StrEnum):
    """What a box stands for, and how it runs."""

    START = "start"
    END = "end"
    ASYNC = "async"
    THREAD = "thread"
    INLINE = "inline"


class Status(StrEnum):
    """What a run made of a node, in words. Those further down are told first when several hold."""

    IDLE = "not reached"
    DONE = "done"
    HANDLED = "error handled"  # it failed, and an error edge took the error on
    CANCELLED = "cancelled"  # another one's end made it needless
    WAITING = "waiting"  # for branches that are still alive, or for the world
    STOPPED = "stopped"  # in flight when the run stopped: it runs on resume
    RUNNING = "running"
    FAILED = "failed"

    @property
    def symbol(self) -> str:
        """Says the same without colour."""
        return _SYMBOLS[self]


_SYMBOLS = {
    Status.IDLE: "○",
    Status.DONE: "✓",
    Status.HANDLED: "!",
    Status.CANCELLED: "⊘",
    Status.WAITING: "◷",
    Status.STOPPED: "■",
    Status.RUNNING: "▶",
    Status.FAILED: "✗",
}


class ArrowKind(Enum):
    """What sort of edge an arrow is."""

    PLAIN = "plain"
    CONDITION = "condition"
    FEEDBACK = "feedback"
    LIMIT = "limit"  # taken when a feedback edge is at its limit
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Box:
    """A node, START or END, or a stack of nodes of the same shape.

    Attributes:
        id: The node's name; of a stack the first one's.
        members: All names: more than one for a stack.
        kind: What it is.
        traits: How it runs, as words: ``async``, ``retry ≤ 3``, ``timeout 30 s``.
        reads: Fields it reads.
        writes: Fields it writes.
        uses: Resources and named slots.
        loops: Names of the loops around it, outermost first.
        header: Whether rounds of its innermost loop begin here.
        status: Where the run stands at it; None in a picture without a run.
        runs: How many activations were tried.
        failures: How many attempts failed.
        seconds: Time of all attempts.
        figures: What the run did here, a line each: rounds, times, failures, cost.
        details: More of the same: a line for each activation.
    """

    id: str
    members: tuple[str, ...]
    kind: Kind
    traits: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    loops: tuple[str, ...] = ()
    header: bool = False
    status: Status | None = None
    runs: int = 0
    failures: int = 0
    seconds: float = 0.0
    figures: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Its name, or what a stack is called."""
        return self.id if len(self.members) == 1 else f"{self.members[0]} … {self.members[-1]}"


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge, or all edges between two boxes that say the same.

    Attributes:
        ids: Ids of the edges: more than one between stacks.
        source: Id of the box it leaves.
        target: Id of the box it leads to.
        kind: What sort of edge.
        label: Its condition, in words or source text; "" for none.
        limit: For a feedback edge how often it may be taken per entry into its loop; None for no limit.
        taken: How often the run took it, in all; None in a picture without a run.
        laps: For a feedback edge: the most often it was taken in one entry into its loop.
        entries: For a feedback edge: into how many entries those that were taken fall.
    """

    ids: tuple[str, ...]
    source: str
    target: str
    kind: ArrowKind
    label: str = ""
    limit: int | None = None
    taken: int | None = None
    laps: int = 0
    entries: int = 0

    @property
    def tally(self) -> str:
        """How often it was taken, and how often it may be."""
        if self.kind is not ArrowKind.FEEDBACK:
            return f"{self.taken:,}×" if self.taken else ""
        if self.taken is None:
            return "no limit" if self.limit is None else f"≤ {self.limit:,}"
        told = f"{self.laps:,}×" if self.limit is None else f"{self.laps:,} of {self.limit:,}"
        return told if self.entries < 2 else f"{told} at most, {self.taken:,} in all"


@dataclass(frozen=True, slots=True)
class Ring:
    """A loop: the frame around its nodes.

    Attributes:
        name: The loop's name, its first header.
        outer: Name of the loop right around it, or None.
        headers: All its headers.
        rounds: How many rounds the run began, over all entries; None in a picture without a run.
        entries: How often the run entered it.
    """

    name: str
    outer: str | None
    headers: tuple[str, ...]
    rounds: int | None = None
    entries: int = 0

    @property
    def title(self) -> str:
        """What to write at the frame."""
        told = f"loop {self.name}"
        if len(self.headers) > 1:
            told += f" (headers {', '.join(self.headers)})"
        if self.rounds is None:
            return told
        told += f" · {count(self.rounds, 'round')}"
        return told if self.entries < 2 else f"{told} in {self.entries:,} entries"


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything to be drawn.

    Attributes:
        title: The graph's name.
        status: How the run stands, as a node's status that looks like it; None in a picture without a run.
        run: The run's own status, such as ``completed``; "" in a picture without a run.
        lines: What is to be said about the whole, a line each: the run, its failures, the graph's inputs.
        boxes: In order of the plan: START first.
        arrows: In order of the plan.
        rings: Outer loops before inner ones.
    """

    title: str
    status: Status | None
    run: str
    lines: tuple[str, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    rings: tuple[Ring, ...]

    @property
    def standing(self) -> str:
        """How the run stands, with its symbol; "" in a picture without a run."""
        return "" if self.status is None else f"{self.status.symbol} {self.run}"

    @property
    def legend(self) -> tuple[Status | ArrowKind, ...]:
        """The statuses and the sorts of edges that occur and need a word."""
        statuses = {box.status for box in self.boxes}
        kinds = {arrow.kind for arrow in self.arrows}
        silent = {ArrowKind.PLAIN, ArrowKind.CONDITION, ArrowKind.LIMIT}
        return (*(s for s in Status if s in statuses), *(k for k in ArrowKind if k in kinds - silent))
