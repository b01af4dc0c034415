"""`actor`: a graph that takes one letter after the other from its mailbox, handles it, and goes round for the next.

Between letters its run is suspended: it holds no task, no thread and no connection, and wakes when a letter comes. A letter is
gone from the mailbox in the same transaction that records that it was received, so each is handled once, in the order in
which they came, whatever crashes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Unpack, get_args, get_origin

from pydantic import PydanticUserError, TypeAdapter, create_model

from backedge.engine.compiler.signatures import NoSignatureError, name_of_callable, read_signature
from backedge.engine.context import BlockingContext, Context
from backedge.engine.errors import GraphError
from backedge.engine.graph import END, START, Graph
from backedge.engine.node import Node
from backedge.nodes.agents import Agent, Conversation
from backedge.nodes.agents.wiring import NodeOptions
from backedge.providers import Model

from .handling import WRITES, as_node, handler_of
from .mailer import Mailer
from .nodes import (
    RECEIVED,
    SUPERVISED,
    done,
    over,
    passed_over,
    receiving_node,
    replied,
    replied_and_over,
    supervising_node,
    to_handle,
    to_reply,
)
from .state import ActorState
from .supervision import Supervision

_MISSING: Final = object()


def actor(
    handler: Callable[..., Any] | Agent[Any],
    *,
    message: Any = _MISSING,
    state: Any = _MISSING,
    initial: Any = _MISSING,
    name: str = "",
    mailer: Mailer | None = None,
    supervision: Supervision = Supervision(),  # noqa: B008 - it is frozen
    resources: Mapping[str, Any] | None = None,
    **options: Unpack[NodeOptions],
) -> Graph[ActorState]:
    """Build the graph of an actor.

    Args:
        handler: A function of the state and a message, asynchronous or plain, that returns the new state or a `Next`;
            further parameters are a `Context` (of plain functions a `BlockingContext`), or named like resources. Or an agent:
            then a message is what it is asked, and its answer the reply.
        message: The type of messages; by default as the handler's parameter is annotated, of agents text. A letter that does
            not fit is dead, and who asked is told so.
        state: The type of the state; by default as the handler's parameter is annotated, of agents `Conversation`.
        initial: The state to begin with; without it a run is given one, as ``{"state": ...}``.
        name: What the graph, and so the actor, is called; the handler's name by default.
        mailer: Replies by it; without one, letters that want a reply are dead.
        supervision: What happens when handling a letter fails.
        resources: What the handler is handed besides: name to type.
        **options: Of the node that handles letters, see `Graph.node`: ``retry``, ``timeout``, ``uses``, ``version`` ...

    Returns:
        A graph whose run is one actor. Its id is the actor's address.

    Raises:
        GraphError: Something of it cannot be used; all of it is told.

    Example::

        def count(total: int, amount: int) -> int:
            return total + amount

        flow = actor(count, initial=0).compile()
        await flow.run(journal="runs.db", run_id="counter")        # waits for letters
        await tell("counter", 5, journal="runs.db")                # from any process
        await flow.recover(journal="runs.db")                      # or leave that to `backedge worker`
    """
    agent = handler if isinstance(handler, Agent) else None
    given = dict(resources or {}) | dict.fromkeys(agent.models if agent else (), Model)
    begin = [] if agent and initial is _MISSING else initial
    problems: list[str] = []
    kinds = _kinds(handler, message, state, problems)
    letter = _adapter(kinds["message"], problems)
    function = _function(handler_of(agent) if agent else handler, letter, given, problems)
    problems += _no_options(mailer, supervision)
    if isinstance(supervision, Supervision) and "restart" in supervision.by_error.values():
        problems += _no_restart(kinds["state"], begin)
    if problems:
        raise GraphError(problems)
    called = name or (agent.name if agent else name_of_callable(handler))  # type: ignore[arg-type]  # no agent
    own = (kinds["state"], ... if begin is _MISSING else begin)
    graph: Graph[ActorState] = Graph(
        create_model("ActorState", __base__=ActorState, state=own), name=called, resources=given
    )
    reuse: Any = "all" if agent else "completed"
    handling = graph.node(function, name="handle", writes=WRITES, reuse=reuse, **options)
    receiving = graph.node(
        receiving_node(letter, replies=mailer is not None), name="receive", writes=RECEIVED
    )
    ways = [handling, *_supervised(graph, handling, supervision, begin)]
    _connect(graph, receiving, ways, mailer)
    return graph


def _supervised(
    graph: Graph[ActorState], handling: Node[..., Any], supervision: Supervision, initial: Any
) -> list[Node[..., Any]]:
    """Lead the errors of the handler to nodes that say how the actor goes on: one for each directive."""
    made: dict[str, Node[..., Any]] = {}
    for error, directive in supervision.by_error.items():
        if directive not in made:
            function = supervising_node(directive, supervision, initial)
            fields = ("state", *SUPERVISED) if directive == "restart" else SUPERVISED
            made[directive] = graph.node(function, name=directive, writes=fields)
        graph.on_error(handling, made[directive], error=error)
    return list(made.values())


def _connect(
    graph: Graph[ActorState], receiving: Node[..., Any], ways: list[Node[..., Any]], mailer: Mailer | None
) -> None:
    """Lead round: from the receiver to the handler, and from whatever ends the handling of a letter back to the receiver."""
    end = END if mailer is None else graph.node(mailer.closing(), name="close")
    graph.edge(START, receiving)
    graph.edge(receiving, ways[0], when=to_handle, label="a letter")
    graph.feedback(receiving, receiving, limit=None, when=passed_over, label="passed over")
    graph.edge(receiving, end, when=over, label="the end")
    for one in ways:
        graph.feedback(one, receiving, limit=None, when=done, label="the next")
        graph.edge(one, end, when=over, label="the end")
    if mailer is None:
        return
    graph.edge(end, END)
    replying = graph.node(mailer.replying(), name="reply")
    graph.edge(receiving, replying, when=to_reply, label="does not fit")
    for one in ways:
        graph.edge(one, replying, when=to_reply, label="asked")
    graph.feedback(replying, receiving, limit=None, when=replied, label="the next")
    graph.edge(replying, end, when=replied_and_over, label="the end")


# ---------------------------------------------------------------------- the types


def _kinds(handler: Any, message: Any, state: Any, problems: list[str]) -> dict[str, Any]:
    """The types of the state and of messages: what was said, else the annotations of the handler."""
    if isinstance(handler, Agent):
        return {
            "state": Conversation if state is _MISSING else state,
            "message": str if message is _MISSING else message,
        }
    try:
        told = read_signature(handler, {"Context": Context, "BlockingContext": BlockingContext})
    except NoSignatureError as error:
        problems.append(f"the handler cannot be read: {error}")
        return {"state": Any, "message": Any}
    names = [name for name in told.parameters if name not in told.bound]
    found = {}
    for place, (called, said) in enumerate((("state", state), ("message", message))):
        hint = told.hints.get(names[place]) if place < len(names) else None
        if said is _MISSING and hint is None and place < len(names):
            problems.append(
                f"say {called}=, or annotate the handler's parameter: which type is the {called}?"
            )
        found[called] = hint if said is _MISSING else said
    return found


def _adapter(kind: Any, problems: list[str]) -> TypeAdapter[Any]:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        adapter.rebuild()  # raises where it names what there is not
        return adapter
    except (PydanticUserError, NameError) as error:
        problems.append(f"messages cannot be {kind!r}: {str(error).splitlines()[0]}")
        return TypeAdapter(Any)


def _function(
    handler: Any, letter: TypeAdapter[Any], resources: Mapping[str, Any], problems: list[str]
) -> Callable[..., Any]:
    try:
        return as_node(handler, letter, resources)
    except (TypeError, NoSignatureError) as error:
        problems.append(str(error))
        return handler  # type: ignore[no-any-return]  # it is not used


def _no_options(mailer: object, supervision: object) -> list[str]:
    """What is given in the place of options."""
    problems = []
    if not isinstance(mailer, Mailer | None):
        problems.append(f"mailer= takes a Mailer, such as Mailer({mailer!r}), not {mailer!r}")
    if not isinstance(supervision, Supervision):
        problems.append(f"supervision= takes a Supervision(directive=...), not {supervision!r}")
    return problems


def _no_restart(kind: Any, initial: Any) -> list[str]:
    """Why an actor cannot begin anew."""
    problems = []
    if initial is _MISSING:
        problems.append("a restart begins with the initial state: say initial=")
    if get_origin(kind) is Annotated and any(callable(one) for one in get_args(kind)[1:]):
        problems.append(
            "a state with a reducer takes updates only, and cannot begin anew: do without restart"
        )
    return problems
