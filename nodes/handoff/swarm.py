"""`swarm`: agents that hand off to each other, as a graph with a node for each.

Where two agents can have the work in turn, what leads from one to the other is a feedback edge; all else is plain edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Union, Unpack

from pydantic import create_model

from backedge.engine.definition import Case
from backedge.engine.errors import GraphError
from backedge.engine.graph import END, START, Graph
from backedge.engine.loops import components
from backedge.nodes.agents.wiring import NodeOptions
from backedge.providers import Model

from .limits import Limits
from .planning import AnyAgent, Handoffs, Plan
from .state import SwarmState
from .turning import WRITES, AtLimit, Member, as_node


def swarm(
    agents: Sequence[AnyAgent],
    *,
    start: AnyAgent | str | None = None,
    handoffs: Handoffs | Literal["all"] = "all",
    limits: Limits = Limits(),  # noqa: B008 - it is frozen
    at_limit: AtLimit | AnyAgent = "answer",
    go_on: bool = False,
    name: str = "swarm",
    reuse: Literal["completed", "all"] = "all",
    **options: Unpack[NodeOptions],
) -> Graph[SwarmState]:
    """Build the graph of agents that hand off to each other, until one of them has the answer.

    Args:
        agents: Who is in it.
        start: Who begins; the first of them by default.
        handoffs: Who may hand off to whom; by default each to every other, for good.
        limits: How often they may hand off.
        at_limit: What happens when an agent wants to hand off once more than it may. ``"answer"``: it is told so, and has to
            answer itself. ``"fail"``: the run fails with a `HandoffLimitError`. ``"end"``: the run ends, and what was said
            last is the answer. An agent: it gets the work, and has to answer.
        go_on: Whether a run may begin with whoever the field ``active`` names, for a further question in a conversation.
        name: What the graph is called.
        reuse: What an attempt of an agent after a failed one takes over, see `Agent.node`: all, answers of models included;
            with ``"completed"`` its model is asked anew.
        **options: Of each agent's node, see `Graph.node`: ``retry``, ``timeout``, ``uses`` ...

    Returns:
        A graph that is given a ``question``, and whose ``answer`` is that of the agent that gave it. Add to it, draw it,
        compile it, or make it a node of another.

    Raises:
        GraphError: Something does not fit together; all of it is told.

    Example::

        graph = swarm([triage, billing, law], handoffs={triage: [billing, Handoff(to=law, returns=True)]})
        state = (await graph.compile().run({"question": "..."}, journal="runs.db")).state
        state.answer, [(one.source, one.target) for one in state.trail]
    """
    plan = Plan(agents, start, handoffs, at_limit, go_on)
    given: object = limits
    if not isinstance(given, Limits):
        plan.problems.append(f"limits= takes Limits(handoffs=10, depth=5, pair=None), not {given!r}")
    if plan.problems:
        raise GraphError(plan.problems)
    resources = {model: Model for agent in plan.agents.values() for model in sorted(agent.models)}
    graph: Graph[SwarmState] = Graph(_state_of(plan.agents.values()), name=name, resources=resources)
    nodes = {}
    for called, agent in plan.agents.items():
        member = Member(
            agent=agent,
            handoffs={each.name: each for each in plan.handoffs[called].values()},
            tools=plan.tools[called],
            limits=limits,
            at_limit=at_limit if isinstance(at_limit, str) else "answer",
            fallback=plan.fallback,
        )
        function = as_node(member, plan.targets(called))
        nodes[called] = graph.node(function, name=called, writes=WRITES, reuse=reuse, **options)
    _connect(graph, nodes, plan, limits)
    return graph


def _connect(graph: Graph[SwarmState], nodes: Mapping[str, Any], plan: Plan, limits: Limits) -> None:
    if plan.go_on:
        for called in plan.agents:
            named = (called, "") if called == plan.start else (called,)
            graph.edge(START, nodes[called], when=Case("active", named), label=f"{called} is active")
    else:
        graph.edge(START, nodes[plan.start])
    knot_of = {called: knot for knot in components(plan.agents, plan.arcs) for called in knot}
    for source, target in plan.arcs:
        if source == target or knot_of[source] is knot_of[target]:
            most = limits.handoffs + (target == plan.fallback)
            graph.feedback(nodes[source], nodes[target], limit=most)
        else:
            graph.edge(nodes[source], nodes[target])
    for called in plan.ends:
        graph.edge(nodes[called], END)


def _state_of(agents: Iterable[AnyAgent]) -> type[SwarmState]:
    """The state, whose answer has the type of the agents' answers."""
    kinds: list[Any] = []
    for agent in agents:
        kinds += [agent.output] if agent.output not in kinds else []
    if kinds == [str]:
        return SwarmState
    answer: Any = Union[(*kinds, None)]
    return create_model("SwarmState", __base__=SwarmState, answer=(answer, None))
