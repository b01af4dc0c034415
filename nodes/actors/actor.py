"""`actor`: a graph that takes one letter after the other from its mailbox, handles it, and goes round for the next.

Between letters its run is suspended: it holds no task, no thread and no connection, and wakes when a letter comes. A letter is
gone from the mailbox in the same transaction that records that it was received, so each is handled once, in the order in
which they came, whatever crashes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Unpack, get_args, get_origin

from pydantic import create_model

from backedge.engine.context import Context
from backedge.engine.errors import GraphError
from backedge.engine.graph import END, START, Graph
from backedge.engine.node import Node
from backedge.nodes.agents import Agent, Conversation
from backedge.nodes.agents.wiring import NodeOptions
from backedge.providers import Model

from .errors import ActorFailingError
from .handling import WRITES, as_node, handler_of
from .mail import ABORT, MAIL, DeadLetter, Mail, Pill, Reply
from .mailer import Mailer
from .state import ActorState, kept
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
            not fit is refused and noted in the records.
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
    given = dict(resources or {}) | ({one: Model for one in sorted(agent.models)} if agent else {})
    handle = handler_of(agent) if agent else handler
    problems: list[str] = []
    kinds = _kinds(handler, message, state, problems)
    if initial is _MISSING and agent:
        initial = []
    if "restart" in supervision.by_error.values():
        if initial is _MISSING:
            problems.append("a restart begins with the initial state: say initial=")
        if _reduced(kinds["state"]):
            problems.append(
                "a state with a reducer only takes updates, and cannot begin anew: do without restart"
            )
    try:
        function = as_node(handle, given)  # type: ignore[arg-type]  # what is no function is told
    except TypeError as error:
        problems.append(str(error))
    if problems:
        raise GraphError(problems)
    called = name or (agent.name if agent else getattr(handler, "__name__", "actor"))
    graph = Graph(_state_of(kinds, initial), name=called, resources=given)
    reuse: Any = "all" if agent else "completed"
    handling = graph.node(function, name="handle", writes=WRITES, reuse=reuse, **options)
    _connect(graph, handling, kinds["message"], mailer, supervision, initial)
    return graph


def _connect(
    graph: Graph[ActorState],
    handling: Node[..., Any],
    kind: Any,
    mailer: Mailer | None,
    supervision: Supervision,
    initial: Any,
) -> None:
    receiving = graph.node(
        _receiving(kind, replies=mailer is not None),
        name="receive",
        writes=("mail", "ended", "seen", "dead"),
    )
    graph.edge(START, receiving)
    graph.edge(receiving, handling, when=_alive, label="a letter")
    graph.edge(receiving, END, when=_over, label="the end")
    ways = [handling]
    for error, directive in supervision.by_error.items():
        supervising = next((one for one in ways if one.name == directive), None)
        if supervising is None:
            function = _supervising(directive, supervision, initial)
            fields = ("state", *SUPERVISED) if directive == "restart" else SUPERVISED
            supervising = graph.node(function, name=directive, writes=fields)
            ways.append(supervising)
        graph.on_error(handling, supervising, error=error)
    if mailer is None:
        for one in ways:
            graph.feedback(one, receiving, limit=None, when=_alive, label="the next")
            graph.edge(one, END, when=_over, label="the end")
        return
    replying = graph.node(mailer.replying(), name="reply")
    for one in ways:
        graph.edge(one, replying, when=_replies, label="asked")
        graph.feedback(one, receiving, limit=None, when=_told_and_alive, label="told")
        graph.edge(one, END, when=_told_and_over, label="the end")
    graph.feedback(replying, receiving, limit=None, when=_alive, label="the next")
    graph.edge(replying, END, when=_over, label="the end")


def _alive(ended: str) -> bool:
    return not ended


def _over(ended: str) -> bool:
    return bool(ended)


def _replies(reply: Reply | None) -> bool:
    return reply is not None


def _told_and_alive(reply: Reply | None, ended: str) -> bool:
    return reply is None and not ended


def _told_and_over(reply: Reply | None, ended: str) -> bool:
    return reply is None and bool(ended)


# ---------------------------------------------------------------------- the nodes


def _receiving(kind: Any, *, replies: bool) -> Callable[..., Any]:
    letter = Mail[kind] | Pill

    async def receive(seen: list[str], ctx: Context) -> dict[str, Any]:
        """Take the next letter. Who is to end does so first; what came before, or cannot be replied to, is passed over."""
        dead: list[DeadLetter[Any]] = []
        while True:
            which, came = await ctx.first(ctx.receive(ABORT), ctx.receive(MAIL, schema=letter))
            if which == 0:
                return {"ended": "aborted", "dead": dead}
            if isinstance(came, Pill):
                return {"ended": "drained", "dead": dead}
            if came.id and came.id in seen:
                continue
            if came.reply_to and not replies:
                dead.append(DeadLetter(mail=came, why="it wants a reply, and the actor has no mailer="))
                continue
            return {"mail": came, "dead": dead, "seen": [came.id] if came.id else []}

    return receive


SUPERVISED: Final = ("dead", "failures", "ended", "reply")


def _supervising(directive: str, supervision: Supervision, initial: Any) -> Callable[..., Any]:
    async def supervise(mail: Any, failures: list[float], error: Exception, ctx: Context) -> dict[str, Any]:
        """Set the letter aside, and say how the actor goes on."""
        why = f"{type(error).__name__}: {error}"
        lately, too_often = supervision.counted(failures, ctx.now().timestamp())
        if too_often and ctx.attempt == 1:
            raise ActorFailingError(len(lately), supervision.within, why)
        fields = {
            "dead": [DeadLetter(mail=mail, why=why)],
            "failures": [] if too_often else lately,
            "ended": "failed" if directive == "stop" else "",
            "reply": Reply(error=why) if mail.reply_to else None,
        }
        return fields | ({"state": initial} if directive == "restart" else {})

    return supervise


# ---------------------------------------------------------------------- the types


def _kinds(handler: Any, message: Any, state: Any, problems: list[str]) -> dict[str, Any]:
    """The types of the state and of messages: what was said, else the annotations of the handler."""
    if isinstance(handler, Agent):
        return {
            "state": Conversation if state is _MISSING else state,
            "message": str if message is _MISSING else message,
        }
    try:
        hints = list(inspect.signature(handler, eval_str=True).parameters.values())
    except (TypeError, ValueError, NameError) as error:
        problems.append(f"the handler cannot be read: {error}")
        hints = []
    found = {}
    for place, (called, said) in enumerate((("state", state), ("message", message))):
        hint = hints[place].annotation if place < len(hints) else inspect.Parameter.empty
        if said is _MISSING and hint is inspect.Parameter.empty and hints:
            problems.append(
                f"say {called}=, or annotate the handler's parameter: which type is the {called}?"
            )
        found[called] = hint if said is _MISSING else said
    return found


def _reduced(kind: Any) -> bool:
    return get_origin(kind) is Annotated and any(callable(one) for one in get_args(kind)[1:])


def _state_of(kinds: Mapping[str, Any], initial: Any) -> type[ActorState]:
    message = kinds["message"]
    return create_model(
        "ActorState",
        __base__=ActorState,
        state=(kinds["state"], ... if initial is _MISSING else initial),
        mail=(Mail[message] | None, None),
        dead=(Annotated[list[DeadLetter[message]], kept], []),
    )
