"""From a compiled graph, and a run's records, to the picture of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ..compiler.binding import Source
from ..compiler.compile import CompiledGraph, CompiledNode
from ..definition import END, START, EdgeSpec, NodeSpec
from ..parts import Part, Port, home_of, parts_of, ports_of, within
from ..records import Record, RunStatus
from .conditions import ConditionTexts
from .frames import Frames, loop_key, nest
from .groups import arrivals, gathered, group_of, join_words, leaving, seen_from
from .history import EdgeHistory, RunHistory, Visit, read_history
from .picture import Arrow, ArrowKind, Box, Kind, Picture, Ring, Status
from .wording import amount, count, seconds

_STANDING = {
    RunStatus.RUNNING: Status.RUNNING,
    RunStatus.SUSPENDED: Status.WAITING,
    RunStatus.INTERRUPTED: Status.STOPPED,
    RunStatus.FAILED: Status.FAILED,
    RunStatus.COMPLETED: Status.DONE,
    RunStatus.CANCELLED: Status.STOPPED,
}
_STATUS_ORDER = list(Status)
_OVER = (Status.IDLE, Status.DONE, Status.HANDLED, Status.CANCELLED)


def compose(
    graph: CompiledGraph, *, run_id: str | None = None, records: Sequence[Record] | None = None
) -> Picture:
    """Describe the picture of a graph; with records, of that run of it.

    Args:
        graph: The graph.
        run_id: What the run is called.
        records: The run's records, in order; None for the graph alone.
    """
    history = None if records is None else read_history(graph, run_id or "", records)
    parts = parts_of(graph)
    loops = {name: loop.body for name, loop in graph.plan.loops.items()}
    made = _Composer(graph, history, parts, ports_of(graph, parts), nest(graph.plan.nodes, loops, parts))
    texts = ConditionTexts()
    boxes = tuple(made.box(number) for number in range(len(graph.nodes)))
    titles = {box.id: box.title for box in boxes}
    arrows = [made.arrow(number, texts, titles) for number in range(len(graph.edges))]
    return Picture(
        title=graph.definition.name,
        status=None if history is None else _STANDING[history.status],
        run="" if history is None else history.status.value,
        lines=_graph_lines(graph) if history is None else _run_lines(history),
        boxes=boxes,
        arrows=gathered(arrows, parts),
        rings=tuple(map(made.ring, graph.plan.loops)),
        groups=tuple(group_of(graph, part, made.frames.outer[name], history) for name, part in parts.items()),
    )


def _graph_lines(graph: CompiledGraph) -> tuple[str, ...]:
    return (f"inputs: {', '.join(graph.inputs)}",) if graph.inputs else ()


# --------------------------------------------------------------------------- boxes


class _Composer(NamedTuple):
    """What is known of the graph and the run while their picture is made."""

    graph: CompiledGraph
    history: RunHistory | None
    parts: Mapping[str, Part]
    ports: Mapping[str, Port]
    frames: Frames

    def box(self, number: int) -> Box:
        """The box of a node."""
        graph, history = self.graph, self.history
        node = graph.nodes[number]
        name = node.name
        loops = tuple(loop for loop in graph.plan.nests[number] if loop in graph.plan.loops)
        visits = [] if history is None else list(history.visits.get(name, {}).values())
        usage = {} if history is None else history.usage.get(name, {})
        status = None if history is None else _status(visits)
        quiet = node.spec is None or name in self.ports
        kind = Kind.PORT if name in self.ports else _kind(node)
        return Box(
            id=name,
            members=(name,),
            kind=kind,
            traits=()
            if node.spec is None
            else ()
            if quiet
            else (*_traits(kind, node.spec), *self._joins(node)),
            reads=self._reads(node),
            writes=() if node.spec is None else self._writes(node.spec),
            uses=(*_resources(node, graph), *(node.spec.uses if node.spec else ())),
            loops=loops,
            header=bool(loops) and name in graph.plan.loops[loops[-1]].headers,
            label=self._label(name),
            around=self.frames.around[name],
            aside=self.ports.get(name) is Port.ERROR,
            status=status,
            runs=sum(1 for visit in visits if visit.attempts),
            failures=sum(visit.failures for visit in visits),
            seconds=sum(visit.seconds for visit in visits),
            figures=() if status is None or quiet else _figures(status, visits, usage),
            details=() if node.spec is None else tuple(map(_detail, visits)),
        )

    def _label(self, name: str) -> str:
        if name == END.name and self.graph.definition.end == "first":
            return "END (first)"
        port = self.ports.get(name)
        short = within(name, home_of(name, self.parts))
        if port is Port.DEEP:
            return f"{short} ({port.value})"
        return short if port is None else port.value

    def _joins(self, node: CompiledNode) -> tuple[str, ...]:
        """How it joins what arrives; of a subgraph the frame says so."""
        if node.spec is None:
            return ()
        return join_words(node.spec, arrivals(self.graph, node.name))

    def _reads(self, node: CompiledNode) -> tuple[str, ...]:
        if node.binding is None:
            return ()
        if any(argument.source is Source.STATE for argument in node.binding.arguments):
            return ("the whole state",)
        order = {name: place for place, name in enumerate(self.graph.schema.fields)}
        fields = {a.name: a.parameter for a in node.binding.arguments if a.source is Source.FIELD}
        home = home_of(node.name, self.parts)
        told = [
            fields[name] if name.endswith("]") else within(name, home)
            for name in sorted(fields, key=lambda name: order.get(name, len(order)))
        ]
        return tuple(name for name in told if node.name not in self.ports or name not in ("over", "results"))

    def _writes(self, spec: NodeSpec) -> tuple[str, ...]:
        home = home_of(spec.name, self.parts)
        hidden = {f"{name}[]": part.mapped.into or "" for name, part in self.parts.items() if part.mapped}
        told = [hidden.get(name, name) for name in spec.fields]
        return tuple(within(name, home) for name in told if name and not name.endswith("]"))

    def arrow(self, number: int, texts: ConditionTexts, titles: Mapping[str, str]) -> Arrow:
        """The arrow of an edge."""
        edge, history = self.graph.edges[number], self.history
        kind = _arrow_kind(edge)
        counted = EdgeHistory() if history is None else history.edges.get(edge.id, EdgeHistory())
        home = home_of(edge.target, self.parts)
        whole = kind is ArrowKind.CANCEL and home is not None and self.parts[home].entry == edge.target
        source = home_of(edge.source, self.parts)
        leaves = leaving(kind, edge.stops, edge.target, self.parts)
        return Arrow(
            ids=(edge.id,),
            source=edge.source,
            target=edge.target,
            kind=kind,
            label=_arrow_label(edge, texts),
            limit=edge.limit if history is None else history.limits.get(edge.id, edge.limit),
            taken=None if history is None else self._taken(number, counted),
            laps=max(counted.entries.values(), default=0),
            entries=len(counted.entries),
            leaves=leaves,
            enters=home if whole and home is not None else "",
            to=seen_from(self._outside(source, leaves), edge.target, titles[edge.target], home, self.parts),
            aside=self._beside(edge),
        )

    def _outside(self, source: str | None, leaves: str) -> str | None:
        return self.parts[leaves].outer if leaves else source

    def _taken(self, number: int, counted: EdgeHistory) -> int:
        """How often an edge was taken; one that leads to a map's instances brings a token to each."""
        if number not in self.graph.rules.fans or self.history is None:
            return counted.taken
        return len(self.history.visits.get(self.graph.edges[number].target, {}))

    def _beside(self, edge: EdgeSpec) -> bool:
        """Whether it is only there for the engine's sake, or leads from or to what drawings leave out."""
        ends = self.ports.get(edge.source), self.ports.get(edge.target)
        return ends == (Port.ITEMS, Port.RESULTS) or Port.ERROR in ends

    def ring(self, name: str) -> Ring:
        """The frame around a loop."""
        loop, history = self.graph.plan.loops[name], self.history
        key = loop_key(name)
        rounds = set() if history is None else history.rounds.get(name, set())
        around = self.frames.outer.get(key, "")
        return Ring(
            name,
            loop.outer,
            loop.headers,
            None if history is None else len(rounds),
            len({each[:-1] for each in rounds}),
            key,
            around,
            tuple(self._header(header, around) for header in loop.headers),
            framed=key in self.frames.outer,
        )

    def _header(self, name: str, around: str) -> str:
        """What to call a header where its loop's frame stands; the way into a subgraph is called like that."""
        while around and around not in self.parts:
            around = self.frames.outer[around]
        home = home_of(name, self.parts)
        entered = home is not None and self.parts[home].entry == name and home != around
        return within(home if entered and home is not None else name, around or None)


def _kind(node: CompiledNode) -> Kind:
    if node.spec is None or node.binding is None:
        return Kind.START if node.name == START.name else Kind.END
    if node.binding.is_async:
        return Kind.ASYNC
    return Kind.INLINE if node.spec.inline else Kind.THREAD


def _resources(node: CompiledNode, graph: CompiledGraph) -> tuple[str, ...]:
    if node.binding is None:
        return ()
    order = list(graph.definition.resources)
    names = {argument.name for argument in node.binding.arguments if argument.source is Source.RESOURCE}
    return tuple(sorted(names, key=order.index))


def _traits(kind: Kind, spec: NodeSpec) -> tuple[str, ...]:
    traits = [kind.value]
    if spec.retry is not None:
        attempts = _most_attempts(spec.retry)
        traits.append("retries" if attempts is None else f"≤ {count(attempts, 'attempt')}")
    if spec.timeout is not None:
        traits.append(f"timeout {seconds(spec.timeout)}")
    if spec.concurrency is not None:
        traits.append(f"{spec.concurrency} at once")
    if spec.may_stop:
        traits.append("may stop")
    return tuple(traits)


def _most_attempts(retry: Any) -> int | None:
    """What tenacity's `stop_after_attempt` was given; None for another policy."""
    most = getattr(getattr(retry, "stop", None), "max_attempt_number", None)
    return most if isinstance(most, int) else None


# --------------------------------------------------------------------------- what a run did to them


def _status(visits: Sequence[Visit]) -> Status:
    """Of all activations the one that matters most now; of those that are over, the last."""
    if not visits:
        return Status.IDLE
    worst = max((visit.status for visit in visits), key=_STATUS_ORDER.index)
    return visits[-1].status if worst in _OVER else worst


def _figures(status: Status, visits: Sequence[Visit], usage: dict[str, float]) -> tuple[str, ...]:
    lines = [f"{status.symbol} {status.value}{_where(status, visits)}"]
    ran = [visit for visit in visits if visit.attempts]
    if len(ran) == 1:
        lines.append(f"1× · {seconds(ran[0].seconds)}")
    elif ran:
        total = sum(visit.seconds for visit in ran)
        apart = any(visit.instance for visit in ran)
        told = (
            f"slowest {seconds(max(visit.seconds for visit in ran))}"
            if apart
            else f"last {seconds(ran[-1].seconds)}"
        )
        lines.append(f"{len(ran):,}× · {seconds(total)} · {told}")
    stopped = sum(1 for visit in visits if visit.status is Status.CANCELLED)
    if stopped and len(visits) > 1:
        lines.append(f"{stopped:,} of {len(visits):,} cancelled")
    if failures := sum(visit.failures for visit in visits):
        lines.append(count(failures, "failed attempt"))
    if usage:
        lines.append(" · ".join(f"{amount(number)} {name}" for name, number in usage.items()))
    lines += [visit.error for visit in visits if visit.status is Status.FAILED][:1]
    return tuple(lines)


def _where(status: Status, visits: Sequence[Visit]) -> str:
    """In which rounds, or for which items and arrivals, for what is alive."""
    if status in _OVER:
        return ""
    there = [visit for visit in visits if visit.status is status and (visit.rounds or visit.instance)]
    if not there:
        return ""
    rounds = [".".join(map(str, visit.rounds)) for visit in there]
    if any(visit.instance for visit in there):
        if len(there) > 1:
            return f" in {len(there):,} instances"
        told = f" in {''.join(f'[{each}]' for each in there[0].instance)}"
        return f"{told} of round {rounds[0]}" if rounds[0] else told
    return f" in round {rounds[0]}" if len(rounds) == 1 else f" in {len(rounds):,} rounds"


def _detail(visit: Visit) -> str:
    told = f"{visit.id} {visit.status.symbol} {visit.status.value}"
    if visit.attempts:
        told += f" · {seconds(visit.seconds)}"
    if visit.failures:
        told += f" · {count(visit.failures, 'failed attempt')} of {visit.attempts}"
    return f"{told} · {visit.error}" if visit.error else told


def _run_lines(history: RunHistory) -> tuple[str, ...]:
    runs = sum(1 for node in history.visits.values() for visit in node.values() if visit.attempts)
    facts = [f"run {history.run_id}", seconds(history.seconds), count(runs, "activation")]
    if history.started is not None:
        facts.append(f"began {_moment(history.started)}")
    if history.resumes:
        facts.append(f"resumed {history.resumes:,}×")
    failed = [
        f"{Status.FAILED.symbol} {visit.id}: {visit.error}"
        for node in history.visits.values()
        for visit in node.values()
        if visit.status is Status.FAILED and visit.error
    ]
    if len(failed) > 3:
        failed[3:] = [f"{Status.FAILED.symbol} and {count(len(failed) - 3, 'more failure')}"]
    return (" · ".join(facts), *failed, *history.notes)


def _moment(at: float) -> str:
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):  # a clock can be set to anything
        return f"{at:g} s after 1970"


# --------------------------------------------------------------------------- arrows


def _arrow_kind(edge: EdgeSpec) -> ArrowKind:
    if edge.cancels:
        return ArrowKind.CANCEL
    if edge.error is not None:
        return ArrowKind.ERROR
    if edge.feedback:
        return ArrowKind.FEEDBACK
    if edge.instead_of is not None:
        return ArrowKind.LIMIT
    return ArrowKind.PLAIN if edge.when is None else ArrowKind.CONDITION


def _arrow_label(edge: EdgeSpec, texts: ConditionTexts) -> str:
    label = texts.of(edge)
    if edge.error is not None:
        name = edge.error.__name__
        return f"on {name}" if label in ("", name) else f"on {name}: {label}"
    if edge.cancels and edge.keeps:
        return f"completes: {label}" if label else "completes"
    return label
