"""How a crew becomes a graph: tasks are nodes, what they need are edges, reviews are loops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backedge.engine.graph import END, START, Graph
from backedge.engine.node import Node, Place
from backedge.engine.shares import Share
from backedge.providers import Model

from .declared import Missed, RejectedTaskError, Task, several
from .members import models_of
from .plan import GIVEN, Plan
from .states import crew_state, task_state
from .working import assign_node, review_node, work_node


@dataclass(frozen=True)
class Built:
    """A crew's graph, and the node of each task."""

    graph: Graph[Any]
    nodes: Mapping[str, Node[..., Any]]


def build(plan: Plan, outputs: Mapping[str, Any]) -> Built:
    """Make the graph of a crew that is sound.

    Args:
        plan: The crew.
        outputs: The type of each task's result.
    """
    graph: Graph[Any] = Graph(
        crew_state(plan, outputs), name=plan.name, slots=_slots(plan), resources=_models(plan)
    )
    nodes: dict[str, Node[..., Any]] = {}
    for name, task in plan.tasks.items():
        if plan.process == "hierarchical":
            nodes[name] = _reviewed(graph, plan, task, outputs)
        else:
            nodes[name] = _plain(graph, plan, task, outputs)
    missed = {
        name: _missed(graph, plan, task, nodes[name]) for name, task in plan.tasks.items() if task.optional
    }
    for name, before in _predecessors(plan).items():
        for source in before or [""]:
            place = nodes[source] if source else START
            graph.edge(place, nodes[name] if name else END)
            if source in missed:
                graph.edge(missed[source], nodes[name] if name else END)
    return Built(graph, nodes)


def _predecessors(plan: Plan) -> dict[str, tuple[str, ...]]:
    """What each task comes after; the empty name stands for the end, and no name for the beginning."""
    names = list(plan.tasks)
    if plan.process == "sequential":
        return {name: tuple(names[number - 1 : number]) for number, name in enumerate(names)} | {
            "": (names[-1],)
        }
    found = {name: plan.before(task) for name, task in plan.tasks.items()}
    needed = {need for before in found.values() for need in before}
    return found | {"": tuple(name for name in names if name not in needed)}


# ---------------------------------------------------------------------- places


def slot_of(plan: Plan, role: str) -> str:
    """The slot of a role's members."""
    return f"{plan.name}.{role}"


def _slots(plan: Plan) -> dict[str, int | Share]:
    """A share of the crew's places for each role that has something to do."""
    if plan.process == "sequential":
        return {}
    slots: dict[str, int | Share] = {}
    for name in plan.busy():
        role = plan.roles[name]
        slots[slot_of(plan, name)] = Share(role.count, of=plan.name, least=role.least, most=role.most)
    return slots if plan.limit is None else {**slots, plan.name: plan.limit}


def _models(plan: Plan) -> dict[str, Any]:
    """The resources that roles name as their models."""
    names = set[str]().union(*map(models_of, plan.roles.values()))
    return dict.fromkeys(sorted(names), Model)


# ---------------------------------------------------------------------- tasks


def _plain(graph: Graph[Any], plan: Plan, task: Task, outputs: Mapping[str, Any]) -> Node[..., Any]:
    """A task that is done once."""
    (name,) = plan.workers(task)
    needs = {need: need for need in several(task.needs)}
    return _work(graph, plan, name, task, outputs, needs, called=task.name, writes=task.name)


def _work(
    graph: Graph[Any],
    plan: Plan,
    name: str,
    task: Task,
    outputs: Mapping[str, Any],
    needs: Mapping[str, str],
    *,
    called: str,
    writes: str,
) -> Node[..., Any]:
    again = writes == "result"
    return graph.node(
        work_node(name, plan.roles[name], task, outputs[task.name], needs, again=again),
        name=called,
        writes=writes,
        uses=() if plan.process == "sequential" else slot_of(plan, name),
        retry=task.retry,
        timeout=task.timeout,
        approve=task.approve,
        version=task.version,
        reuse="completed" if task.retry is not None else "all",
    )


def _missed(graph: Graph[Any], plan: Plan, task: Task, node: Node[..., Any]) -> Node[..., Any]:
    """What stands in for an optional task that failed."""

    def missed(error: Exception) -> list[Missed]:
        return [Missed(task=task.name, error=str(error) or "it failed without a word")]

    handler = graph.node(missed, name=f"{task.name}-missed", writes="missed", inline=True)
    graph.on_error(node, handler)
    return handler


# ---------------------------------------------------------------------- tasks that are reviewed


def _reviewed(graph: Graph[Any], plan: Plan, task: Task, outputs: Mapping[str, Any]) -> Node[..., Any]:
    """A task as a graph of its own: who does it is chosen, it is done, it is reviewed from one to the next above."""
    needs = {need: GIVEN + need for need in several(task.needs)}
    inner: Graph[Any] = Graph(task_state(plan, task, outputs, needs), name=task.name, resources=_models(plan))
    names = plan.workers(task)
    workers = {
        name: _work(inner, plan, name, task, outputs, needs, called=name, writes="result") for name in names
    }
    header = _assigned(inner, plan, task, needs, workers) if len(names) > 1 else workers[names[0]]
    inner.edge(START, header)
    reviewers = _reviewers(inner, plan, task, needs, header)
    for name, worker in workers.items():
        inner.edge(worker, reviewers.get(plan.above(name), END))
    writes = {"result": task.name, "reviews": "reviews"}
    return graph.subgraph(
        inner, name=task.name, reads={field: need for need, field in needs.items()}, writes=writes
    )


def _assigned(
    inner: Graph[Any], plan: Plan, task: Task, needs: Mapping[str, str], workers: Mapping[str, Node[..., Any]]
) -> Node[..., Any]:
    """The manager chooses one of several who can do a task, each time it has to be done."""
    roles = {name: plan.roles[name] for name in workers}
    assign = inner.node(
        assign_node(plan.manager, plan.roles[plan.manager], task, needs, roles),
        name=f"{plan.manager}-assigns",
        writes="role",
        uses=slot_of(plan, plan.manager),
        reuse="all",
    )
    for name, worker in workers.items():
        inner.edge(assign, worker, when=_Chosen(name), label=name)
    return assign


def _reviewers(
    inner: Graph[Any], plan: Plan, task: Task, needs: Mapping[str, str], header: Node[..., Any]
) -> dict[str, Node[..., Any]]:
    """Those above who does it: each passes it on to the next above, or sends it back to be done again."""
    names = plan.workers(task)
    only = names[0] if len(names) == 1 else ""
    above = dict.fromkeys(reviewer for name in names for reviewer in plan.chain(name))
    found = {name: _review(inner, plan, name, task, needs, only) for name in above}
    for name, review in found.items():
        upward: Place = found.get(plan.above(name), END)
        inner.edge(review, upward, when=_good, label="passed")
        beyond: Place | None = upward if plan.at_limit == "accept" else None
        if plan.at_limit == "fail" and task.optional:
            beyond = _refused(inner, task, name)
        inner.feedback(
            review, header, when=_wrong, limit=plan.rejections, otherwise=beyond, label="sent back"
        )
    return found


def _review(
    inner: Graph[Any], plan: Plan, name: str, task: Task, needs: Mapping[str, str], worker: str
) -> Node[..., Any]:
    return inner.node(
        review_node(name, plan.roles[name], task, needs, worker),
        name=f"{name}-reviews",
        writes=("passed", "feedback", "reviews"),
        uses=slot_of(plan, name),
        reuse="all",
    )


def _refused(inner: Graph[Any], task: Task, reviewer: str) -> Node[..., Any]:
    """An error that others can go on without, unlike that of a limit."""

    def refused(feedback: list[str]) -> None:
        raise RejectedTaskError(
            f"{task.name} was rejected {len(feedback)} times, at last by {reviewer}: {feedback[-1]}"
        )

    node = inner.node(refused, name=f"{reviewer}-refuses", inline=True)
    inner.edge(node, END)
    return node


@dataclass(frozen=True)
class _Chosen:
    """The condition of the way to a role."""

    name: str

    def __call__(self, role: str) -> bool:
        return role == self.name


def _good(passed: bool) -> bool:
    return passed


def _wrong(passed: bool) -> bool:
    return not passed
