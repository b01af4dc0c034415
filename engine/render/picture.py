"""What a picture shows, whatever draws it: boxes, arrows, loops, and what a run did to each.

Everything here is plain frozen data in a fixed order (the plan's), so that the same graph and the same records give
the same picture, in whatever order the graph was declared. Texts are whole; each output wraps and escapes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from .wording import count


class Kind(StrEnum):
    """What a box stands for, and how it runs."""

    START = "start"
    END = "end"
    ASYNC = "async"
    THREAD = "thread"
    INLINE = "inline"
    PORT = "port"  # nobody declared it: the way into or out of a subgraph or a map


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
    CANCEL = "cancel"  # carries nothing: what it leads to is cancelled


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
        label: What to call it where it stands: inside of a subgraph without the path there; "" for its id.
        around: Key of the innermost frame that it is drawn in, or "".
        aside: Whether drawings leave it out, since the frame around it says the same.
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
    label: str = ""
    around: str = ""
    aside: bool = False
    status: Status | None = None
    runs: int = 0
    failures: int = 0
    seconds: float = 0.0
    figures: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Its name, or what a stack is called."""
        if self.label:
            return self.label
        return self.id if len(self.members) == 1 else f"{self.members[0]} … {self.members[-1]}"

    @property
    def small(self) -> bool:
        """Whether it is drawn small: it does nothing by itself."""
        return self.kind in (Kind.START, Kind.END, Kind.PORT)


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
        leaves: The subgraph or map that it leaves wherever something in it failed; "" for one that leaves its source.
        enters: The subgraph or map that it leads to as a whole; "" for one that leads to its target.
        to: What to call its target where it begins; "" for the target's title.
        aside: Whether drawings leave it out.
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
    leaves: str = ""
    enters: str = ""
    to: str = ""
    aside: bool = False

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
        key: What `around` calls its frame.
        around: Key of the frame right around it, or "".
        labels: What to call the headers where it stands; without any by their names.
        framed: Whether a frame can be drawn: it overlaps no other.
    """

    name: str
    outer: str | None
    headers: tuple[str, ...]
    rounds: int | None = None
    entries: int = 0
    key: str = ""
    around: str = ""
    labels: tuple[str, ...] = ()
    framed: bool = True

    @property
    def title(self) -> str:
        """What to write at the frame."""
        labels = self.labels or self.headers
        told = f"loop {labels[0]}"
        if len(labels) > 1:
            told += f" (headers {', '.join(labels)})"
        if self.rounds is None:
            return told
        told += f" · {count(self.rounds, 'round')}"
        return told if self.entries < 2 else f"{told} in {self.entries:,} entries"


@dataclass(frozen=True, slots=True)
class Group:
    """A subgraph or a map: the frame around its nodes.

    Attributes:
        name: Its name in the whole graph, which is its frame's key.
        label: Its name where it stands.
        around: Key of the frame right around it, or "".
        graph: Name of the graph inside; "" for a map of a function.
        over: Of a map what it goes over: a field, or what a function is called; "" of a subgraph.
        item: Of a map what one of them is called.
        traits: What else is to be said: how it joins, what becomes of errors.
        figures: What the run did here, a line each.
        instances: Of a map how many instances the run made; None in a picture without a run.
        items: Of a map the box that finds the items; "" of a subgraph.
        results: Of a map the box where the instances meet; "" of a subgraph.
    """

    name: str
    label: str
    around: str = ""
    graph: str = ""
    over: str = ""
    item: str = ""
    traits: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    instances: int | None = None
    items: str = ""
    results: str = ""

    @property
    def goes_over(self) -> str:
        """What a map goes over, in words; "" for a subgraph."""
        return f"each {self.item} of {self.over}" if self.items else ""

    @property
    def heading(self) -> str:
        """Its name, and that of the graph inside if it is another."""
        return self.label if self.graph in ("", self.label) else f"{self.label} · {self.graph}"

    @property
    def title(self) -> str:
        """All there is to say about it without a run."""
        return " · ".join(part for part in (self.heading, self.goes_over, *self.traits) if part)


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
        rings: Loops, outer ones before inner ones.
        groups: Subgraphs and maps, outer ones before inner ones.
    """

    title: str
    status: Status | None
    run: str
    lines: tuple[str, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    rings: tuple[Ring, ...]
    groups: tuple[Group, ...] = ()

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

    def scopes(self) -> dict[str, list[Box | Ring | Group]]:
        """For each frame ("" for the whole) what lies right inside it: boxes in their order, then frames."""
        found: dict[str, list[Box | Ring | Group]] = {"": []}
        for box in self.boxes:
            found.setdefault(box.around, []).append(box)
        for ring in self.rings:
            if ring.framed:
                found.setdefault(ring.around, []).append(ring)
        for group in self.groups:
            found.setdefault(group.around, []).append(group)
        return found

    def drawn(self) -> Picture:
        """The same without what drawings leave out."""
        if not any(box.aside for box in self.boxes) and not any(arrow.aside for arrow in self.arrows):
            return self
        return replace(
            self,
            boxes=tuple(box for box in self.boxes if not box.aside),
            arrows=tuple(arrow for arrow in self.arrows if not arrow.aside),
        )
