"""`Crew`: tasks that depend on each other, done by roles: one after the other, in parallel, or under a manager."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from backedge.engine.errors import GraphError
from backedge.engine.graph import Graph
from backedge.engine.node import Node

from .building import build
from .checking import problems, shape_problems
from .declared import Member, Role, Task
from .outputs import output_problems, outputs_of
from .plan import AtLimit, Plan, Process

if TYPE_CHECKING:
    from backedge.engine.flow import Flow


class Crew:
    """Tasks and who does them, as a graph.

    Args:
        tasks: What is to be done. The result of each is the state's field of its name, and is told to those who need it.
        roles: Who does it, by name. An agent, a model or a function alone is a role with one member.
        process: ``"sequential"``: one after the other in the order given. ``"parallel"``: each as soon as what it needs is
            there and there is a place. ``"hierarchical"``: so too, and each is reviewed by all above who did it, up to the
            manager; where several could do it, the manager chooses.
        limit: How many may work at once; by default as many as the roles have members. What a role does not need of its
            share is lent to the role with the most work waiting.
        inputs: What a run is given: a pydantic model, whose fields tasks may need as well.
        manager: The role at the top, of a hierarchy.
        rejections: How often each reviewer may send a task back.
        at_limit: What happens then. ``"accept"``: it goes on to the next above, and from the manager out. ``"fail"``: the run
            fails, and may be resumed with a higher limit; an optional task is missed.
        name: What the crew is called.

    Attributes:
        graph: The graph: add to it, draw it, compile it, or make it a node of another.
        nodes: The node of each task.

    Raises:
        GraphError: Something cannot work; every problem is listed, each with what to do.

    Example::

        crew = Crew(
            tasks=[
                Task("facts", "Find out about the topic.", role="scout", needs=["topic"]),
                Task("draft", "Write an article.", role="writer", needs=["topic", "facts"]),
            ],
            roles={"scout": Role(model, count=2), "writer": other_model},
            process="parallel",
            inputs=Topic,
        )
        state = (await crew.compile().run({"topic": "loops"}, journal="runs.db")).state
        state.draft
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        roles: Mapping[str, Role | Member],
        process: Process = "sequential",
        limit: int | None = None,
        inputs: type[BaseModel] | None = None,
        manager: str = "",
        rejections: int = 3,
        at_limit: AtLimit = "accept",
        name: str = "crew",
    ) -> None:
        if wrong := list(shape_problems(tasks, roles)):
            raise GraphError(wrong)
        named = {task.name: task for task in tasks}
        plan = Plan(
            name=name,
            tasks=named,
            roles={each: who if isinstance(who, Role) else Role(who) for each, who in roles.items()},
            process=process,
            inputs=BaseModel if inputs is None else inputs,
            manager=manager,
            limit=limit,
            rejections=rejections,
            at_limit=at_limit,
            twice=tuple(each for each, times in Counter(task.name for task in tasks).items() if times > 1),
        )
        outputs = outputs_of(plan)
        if wrong := [*problems(plan), *output_problems(plan, outputs)]:
            raise GraphError(wrong)
        built = build(plan, outputs)
        self.graph: Graph[Any] = built.graph
        self.nodes: Mapping[str, Node[..., Any]] = built.nodes

    def compile(self) -> Flow[Any]:
        """Make it runnable; see `Graph.compile`."""
        return self.graph.compile()
