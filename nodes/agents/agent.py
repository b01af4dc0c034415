"""`Agent`: a model with tools and instructions, which works until it has an answer. A node of a graph, or a tool of another.

An agent never changes and holds no run: what it does belongs to the activation of a node, through whose context it calls its
model and its tools.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypedDict, TypeVar, Unpack, overload

from pydantic import TypeAdapter

from backedge.engine.context import Context
from backedge.engine.errors import GraphError
from backedge.nodes.tools import AnyTool, Tool, tool
from backedge.providers import Model
from backedge.providers.messages import Json
from backedge.providers.protocol import Effort
from backedge.providers.structured import Mode

from .answering import answers_of
from .asking import Allow, allowed
from .conversation import Entry
from .guards import Guard
from .loop import Loop
from .memory import Everything, Memory
from .prompts import Prompt, message_of
from .result import AgentExit, AgentResult
from .stopping import Stopping
from .wiring import Delegate, NodeOptions, as_node, needed_models

if TYPE_CHECKING:
    from backedge.engine.graph import Graph
    from backedge.engine.node import Node

T = TypeVar("T")


class Settings(TypedDict, total=False):
    """What each request of an agent says besides; all may be left out, see `ModelRequest`.

    Attributes:
        max_tokens: The most that one answer may have.
        temperature: How much chance there is in the answers.
        effort: How much to think.
        parallel_tools: Whether the model may call several tools at once.
        extra: The provider's own parameters.
    """

    max_tokens: int
    temperature: float
    effort: Effort
    parallel_tools: bool
    extra: Json


class Agent(Generic[T]):
    """A model that may call tools, turn by turn, until it answers.

    Each call of its model and of its tools is a recorded effect of the node it works in: after a crash it goes on with the
    call it was in. Calls of one turn are made at once.

    Args:
        model: Who answers; or the name of the graph's resource that does, which is handed to the node then.
        tools: What it may call: tools, other agents, or functions that `tool` makes tools of. Tools without a permission ask
            a person.
        instructions: What the model is told of its task, before all else.
        output: The type of its answers. Text by default; all else is asked for by its schema and validated.
        name: What it is called in costs, events, errors and questions; an identifier.
        max_turns: How often its model may answer. In the last turn it may call no more tools, and an answer counts.
        max_calls: How often it may call tools in all; None for no bound but that of its turns.
        memory: What of a long conversation the model is shown.
        input_guards: Look at what it is asked.
        output_guards: Look at what it answers.
        allow: What its tools may do without asking a person; see `Allow`.
        repairs: How often in a row an answer that cannot be used goes back to the model.
        mode: How the form of an answer is told, see `respond_as`.
        stream: Whether answers are asked for in pieces, which are told as events.
        **settings: See `Settings`.

    Raises:
        ValueError: One of them cannot be used.
        TypeError: Answers of such a type cannot be asked for.

    Example::

        agent = Agent(model, [weather, calculator], "You plan trips.", output=Trip, max_turns=10)

        agent.node(graph, reads="wish", writes="trip")                    # as a node
        result = await agent.run("To Rome, by train", ctx)                # or inside of one
        boss = Agent(model, [agent.as_tool("plan", "Plan a trip.")])      # or as a tool
    """

    @overload
    def __init__(
        self: Agent[str],
        model: Model | str,
        tools: Sequence[AnyTool | Agent[Any] | Callable[..., Any]] = ...,
        instructions: str = ...,
        *,
        name: str = ...,
        max_turns: int = ...,
        max_calls: int | None = ...,
        memory: Memory = ...,
        input_guards: Sequence[Guard] = ...,
        output_guards: Sequence[Guard] = ...,
        allow: Allow = ...,
        repairs: int = ...,
        mode: Mode = ...,
        stream: bool = ...,
        **settings: Unpack[Settings],
    ) -> None: ...
    @overload
    def __init__(
        self,
        model: Model | str,
        tools: Sequence[AnyTool | Agent[Any] | Callable[..., Any]] = ...,
        instructions: str = ...,
        *,
        output: type[T],
        name: str = ...,
        max_turns: int = ...,
        max_calls: int | None = ...,
        memory: Memory = ...,
        input_guards: Sequence[Guard] = ...,
        output_guards: Sequence[Guard] = ...,
        allow: Allow = ...,
        repairs: int = ...,
        mode: Mode = ...,
        stream: bool = ...,
        **settings: Unpack[Settings],
    ) -> None: ...
    def __init__(
        self,
        model: Model | str,
        tools: Sequence[AnyTool | Agent[Any] | Callable[..., Any]] = (),
        instructions: str = "",
        *,
        output: Any = str,
        name: str = "agent",
        max_turns: int = 10,
        max_calls: int | None = None,
        memory: Memory = Everything(),  # noqa: B008 - it is frozen
        input_guards: Sequence[Guard] = (),
        output_guards: Sequence[Guard] = (),
        allow: Allow = "read",
        repairs: int = 2,
        mode: Mode = "native",
        stream: bool = False,
        **settings: Unpack[Settings],
    ) -> None:
        if not name.isidentifier():
            raise ValueError(f"an agent's name is an identifier, such as 'coder', not {name!r}")
        if isinstance(model, str) and not model.isidentifier():
            raise ValueError(
                f"{name}: model= takes a model, or the name of a resource of the graph; {model!r} is neither: "
                f"for a provider's model say backedge.model({model!r})"
            )
        for option, number, least in (("max_turns", max_turns, 1), ("repairs", repairs, 0)):
            if number < least:
                raise ValueError(f"{name}: {option}= wants a number from {least}, not {number}")
        allowed(allow)
        self.model = model
        self.instructions = instructions
        self.output: type[T] = output
        self.name = name
        self.max_turns = max_turns
        self.max_calls = max_calls
        self.memory = memory
        self.input_guards = tuple(input_guards)
        self.output_guards = tuple(output_guards)
        self.allow = allow
        self.repairs = repairs
        self.stream = stream
        self.settings = settings
        self._kind: TypeAdapter[T] = TypeAdapter(output)
        self._answers = answers_of(output, mode)
        self.tools = _by_name(name, tools, self._answers.name)
        self.models = needed_models(model, self.tools.values())

    def __repr__(self) -> str:
        return f"<agent {self.name}>"

    async def run(
        self,
        prompt: Prompt,
        context: Context,
        *,
        conversation: Sequence[Entry] = (),
        models: Mapping[str, Model] | None = None,
        stopping: Stopping | None = None,
    ) -> AgentResult[T]:
        """Work until there is an answer, inside a node.

        Args:
            prompt: What it is asked.
            context: The node's. Runs at once go into `Context.gather`.
            conversation: What was said before.
            models: The models that it names, where it has none of its own.
            stopping: Who may stop it between its turns, such as a `Part` that may be cancelled.

        Raises:
            AgentError: There is no answer; its type says why.
            ModelError: A call of the model failed. What was done is in the journal, and resuming goes on there.

        Example::

            @graph.node(writes="answer")
            async def research(question: str, ctx: Context) -> str:
                return (await agent.run(question, ctx)).output
        """
        result = await self._run(prompt, context, conversation, models or {}, {}, stopping)
        assert isinstance(result, AgentResult)  # without exits there is no other end
        return result

    async def run_or_exit(
        self,
        prompt: Prompt,
        context: Context,
        *,
        exits: Sequence[AnyTool],
        conversation: Sequence[Entry] = (),
        models: Mapping[str, Model] | None = None,
    ) -> AgentResult[T] | AgentExit:
        """Work until there is an answer, or until the model calls an exit: a tool whose call ends its turn.

        An exit is called like any other tool, without asking a person. When it raises a `ToolError` the model is told and
        goes on; else the agent ends as soon as the other calls of that answer are carried out. Of several exits in one
        answer the first that succeeds counts, and the others are answered so.

        Args:
            prompt: As for `run`.
            context: As for `run`.
            exits: The exits, besides its own tools. Let them take a `Context`: then their calls are no effects.
            conversation: As for `run`.
            models: As for `run`.

        Raises:
            ValueError: An exit is called as one of its tools.
            AgentError: As for `run`.
            ModelError: As for `run`.
        """
        named = _by_name(self.name, [*self.tools.values(), *exits], self._answers.name)
        return await self._run(
            prompt, context, conversation, models or {}, {one.name: named[one.name] for one in exits}
        )

    async def _run(
        self,
        prompt: Prompt,
        context: Context,
        conversation: Sequence[Entry],
        given: Mapping[str, Model],
        exits: Mapping[str, AnyTool],
        stopping: Stopping | None = None,
    ) -> AgentResult[T] | AgentExit:
        missing = sorted(self.models - given.keys())
        if missing:
            raise ValueError(f"{self.name} needs models={{{missing[0]!r}: ...}}, which it only names")
        loop: Loop[T] = Loop(
            self,
            context,
            conversation,
            model=given[self.model] if isinstance(self.model, str) else self.model,
            tools={**{name: _with_models(one, given) for name, one in self.tools.items()}, **exits},
            answers=self._answers,
            kind=self._kind,
            exits=exits,
            stopping=stopping,
        )
        with context.branch(self.name), nullcontext() if stopping is None else stopping.line():
            return await loop.run(message_of(prompt))

    def node(
        self,
        graph: Graph[Any],
        *,
        reads: str | Sequence[str] | Callable[..., Prompt],
        writes: str,
        conversation: str = "",
        name: str = "",
        reuse: Literal["completed", "all"] = "all",
        **options: Unpack[NodeOptions],
    ) -> Node[..., Any]:
        """Make it a node of a graph.

        Args:
            graph: The graph.
            reads: The field it is asked with, or several, which are told under their names; or a function of fields that
                gives what it is asked.
            writes: The field that takes its answer.
            conversation: The field that keeps its conversation, of type `Conversation`: in the next round of a loop it
                goes on with it.
            name: The node's name; the agent's by default.
            reuse: What an attempt after a failed one takes over. Unlike other nodes all, answers of models included, so
                that an agent whose 17th call failed goes on with that one. With ``retry=`` say ``"completed"``: else a
                new attempt would come to the same end.
            **options: See `Graph.node`.

        Raises:
            GraphError: It names a model that is no resource of the graph.

        Example::

            agent.node(graph, reads=("spec", "feedback"), writes="code", conversation="chat")
        """
        missing = sorted(self.models - graph.resources.keys())
        if missing:
            raise GraphError(
                [
                    f"agent {self.name!r} names the model {missing[0]!r}: say Graph(..., resources={{{missing[0]!r}: Model}})"
                ]
            )
        function = as_node(self, reads=reads, writes=writes, conversation=conversation)
        written = (writes, conversation) if conversation else writes
        return graph.node(function, name=name or self.name, writes=written, reuse=reuse, **options)

    def as_tool(self, name: str = "", description: str = "") -> AnyTool:
        """The agent as a tool of another: it is given a request in words, and its answer is the result.

        It starts anew with each call. Its own tools ask for what it is not allowed, so the call itself asks nobody.

        Args:
            name: What models call it; its own name by default.
            description: What it is good for; by default its instructions.
        """
        told = description or self.instructions or f"Ask {self.name}."
        return tool(Delegate(self), name=name or self.name, description=told, permission="read")


def _by_name(
    agent: str, tools: Sequence[AnyTool | Agent[Any] | Callable[..., Any]], taken: str
) -> dict[str, AnyTool]:
    found: dict[str, AnyTool] = {}
    for one in tools:
        made = _tool_of(one)
        if made.name in found or made.name == taken:
            raise ValueError(f"{agent} has two tools called {made.name!r}: give one of them another name=")
        found[made.name] = made
    return found


def _tool_of(one: AnyTool | Agent[Any] | Callable[..., Any]) -> AnyTool:
    if isinstance(one, Agent):
        return one.as_tool()
    return one if isinstance(one, Tool) else tool(one)


def _with_models(one: AnyTool, models: Mapping[str, Model]) -> AnyTool:
    """A tool; another agent among them gets the models that it names."""
    if not isinstance(one.function, Delegate):
        return one
    return replace(one, function=Delegate(one.function.agent, models))


__all__ = ["Agent", "Settings"]
