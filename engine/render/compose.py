"""From a compiled graph, and a run's records, to the picture of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ..compiler.binding import Source
from ..compiler.compile import CompiledGraph, CompiledNode
from ..definition import START, EdgeSpec, NodeSpec
from ..records import Record, RunStatus
from .conditions import ConditionTexts
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
    texts = ConditionTexts()
    return Picture(
        title=graph.definition.name,
        status=None if history is None else _STANDING[history.status],
        run="" if history is None else history.status.value,
        lines=_graph_lines(graph) if history is None else _run_lines(history),
        boxes=tuple(_box(graph, number, history) for number in range(len(graph.nodes))),
        arrows=tuple(_arrow(edge, texts, history) for edge in graph.edges),
        rings=tuple(_ring(graph, name, history) for name in graph.plan.loops),
    )


def _graph_lines(graph: CompiledGraph) -> tuple[str, ...]:
    return (f"inputs: {', '.join(graph.inputs)}",) if graph.inputs else ()


# --------------------------------------------------------------------------- boxes


def _box(graph: CompiledGraph, number: int, history: RunHistory | None) -> Box:
    node = graph.nodes[number]
    name, nest = node.name, graph.plan.nests[number]
    kind = _kind(node)
    visits = [] if history is None else list(history.visits.get(name, {}).values())
    usage = {} if history is None else history.usage.get(name, {})
    status = None if history is None else _status(visits)
    return Box(
        id=name,
        members=(name,),
        kind=kind,
        traits=() if node.spec is None else _traits(kind, node.spec),
        reads=_bound(node, Source.FIELD, graph),
        writes=() if node.spec is None else node.spec.fields,
        uses=(*_bound(node, Source.RESOURCE, graph), *(node.spec.uses if node.spec else ())),
        loops=nest,
        header=bool(nest) and name in graph.plan.loops[nest[-1]].headers,
        status=status,
        runs=sum(1 for visit in visits if visit.attempts),
        failures=sum(visit.failures for visit in visits),
        seconds=sum(visit.seconds for visit in visits),
        figures=() if status is None or node.spec is None else _figures(status, visits, usage),
        details=() if node.spec is None else tuple(map(_detail, visits)),
    )


def _kind(node: CompiledNode) -> Kind:
    if node.spec is None or node.binding is None:
        return Kind.START if node.name == START.name else Kind.END
    if node.binding.is_async:
        return Kind.ASYNC
    return Kind.INLINE if node.spec.inline else Kind.THREAD


def _bound(node: CompiledNode, source: Source, graph: CompiledGraph) -> tuple[str, ...]:
    if node.binding is None:
        return ()
    order = list(graph.schema.fields if source is Source.FIELD else graph.definition.resources)
    names = {argument.name for argument in node.binding.arguments if argument.source is source}
    whole = source is Source.FIELD and any(a.source is Source.STATE for a in node.binding.arguments)
    return ("the whole state",) if whole else tuple(sorted(names, key=order.index))


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
    return visits[-1].status if worst in (Status.DONE, Status.HANDLED) else worst


def _figures(status: Status, visits: Sequence[Visit], usage: dict[str, float]) -> tuple[str, ...]:
    lines = [f"{status.symbol} {status.value}{_where(status, visits)}"]
    ran = [visit for visit in visits if visit.attempts]
    if len(ran) == 1:
        lines.append(f"1× · {seconds(ran[0].seconds)}")
    elif ran:
        total = sum(visit.seconds for visit in ran)
        lines.append(f"{len(ran):,}× · {seconds(total)} · last {seconds(ran[-1].seconds)}")
    if failures := sum(visit.failures for visit in visits):
        lines.append(count(failures, "failed attempt"))
    if usage:
        lines.append(" · ".join(f"{amount(number)} {name}" for name, number in usage.items()))
    lines += [visit.error for visit in visits if visit.status is Status.FAILED][:1]
    return tuple(lines)


def _where(status: Status, visits: Sequence[Visit]) -> str:
    """In which rounds, for what is alive."""
    if status in (Status.IDLE, Status.DONE, Status.HANDLED):
        return ""
    rounds = [".".join(map(str, visit.rounds)) for visit in visits if visit.status is status and visit.rounds]
    if not rounds:
        return ""
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


# --------------------------------------------------------------------------- arrows and loops


def _arrow(edge: EdgeSpec, texts: ConditionTexts, history: RunHistory | None) -> Arrow:
    label = texts.of(edge)
    if edge.error is not None:
        kind = ArrowKind.ERROR
        name = edge.error.__name__
        label = f"on {name}" if label in ("", name) else f"on {name}: {label}"
    elif edge.feedback:
        kind = ArrowKind.FEEDBACK
    elif edge.instead_of is not None:
        kind = ArrowKind.LIMIT
    else:
        kind = ArrowKind.PLAIN if edge.when is None else ArrowKind.CONDITION
    counted = EdgeHistory() if history is None else history.edges.get(edge.id, EdgeHistory())
    return Arrow(
        ids=(edge.id,),
        source=edge.source,
        target=edge.target,
        kind=kind,
        label=label,
        limit=edge.limit if history is None else history.limits.get(edge.id, edge.limit),
        taken=None if history is None else counted.taken,
        laps=max(counted.entries.values(), default=0),
        entries=len(counted.entries),
    )


def _ring(graph: CompiledGraph, name: str, history: RunHistory | None) -> Ring:
    loop = graph.plan.loops[name]
    if history is None:
        return Ring(name, loop.outer, loop.headers)
    rounds = history.rounds.get(name, set())
    return Ring(name, loop.outer, loop.headers, len(rounds), len({each[:-1] for each in rounds}))
