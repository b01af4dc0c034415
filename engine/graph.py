"""The builder: a graph is declared with it, `compile()` checks the whole and makes a flow of it.

Nothing is checked here that needs the whole graph, so that a graph can be built in any order; `compile()` reports
everything at once. Only what cannot even be written down (something that is no node, a name that cannot be used) is
an error on the spot.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeAlias, TypeVar, Unpack, overload

from pydantic import BaseModel

from .composites import MapOptions, map_spec, node_name, subgraph_spec, texts
from .definition import END, START, Case, Definition, EdgeSpec, Marker, NodeSpec, is_text
from .errors import GraphError
from .node import Node, Place
from .redeclared import Declared, Site, same_edge
from .rules import Rest
from .shares import Share
from .shown import listed, shown

if TYPE_CHECKING:
    from os import PathLike

    from tenacity import BaseRetrying

    from .flow import Flow
    from .ports import Journal

__all__ = ["END", "START", "Case", "Definition", "EdgeSpec", "Graph", "Marker", "Node", "NodeSpec", "Place"]

Join: TypeAlias = Literal["all", "each", "first"] | int

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=BaseModel)


class Graph(Generic[S]):
    """A workflow under construction.

    Args:
        state: A pydantic model; each field is a part of the state that nodes read and write.
        resources: What nodes are handed besides the state: name to type. The objects are given to each run.
        name: What journals and pictures call the graph; the state's class name by default.
        end: When a run ends: with ``"all"`` once nothing is alive any more; with ``"first"`` as soon as something arrives
            at END, and what is still alive is cancelled.
        slots: How many of each named slot there are (see ``uses=`` of a node), where a run does not say otherwise:
            ``{"till": 1}`` makes nodes that use it exclude each other. A `Share` lends what it does not use.

    Raises:
        GraphError: One of them cannot be used.

    Example::

        graph = Graph(Build, resources={"model": Model})

        @graph.node(writes="code")
        async def coder(spec: str, feedback: list[str], model: Model) -> str: ...

        graph.chain(START, coder, checker)
        graph.feedback(checker, coder, when=lambda report: not report.passed, limit=8)
        graph.edge(checker, END, when=lambda report: report.passed)
        flow = graph.compile()
    """

    def __init__(
        self,
        state: type[S],
        *,
        resources: Mapping[str, Any] | None = None,
        name: str | None = None,
        end: Literal["all", "first"] = "all",
        slots: Mapping[str, int | Share] | None = None,
    ) -> None:
        if not (isinstance(state, type) and issubclass(state, BaseModel) and state is not BaseModel):
            raise GraphError(
                [
                    f"the state must be a class of your own that inherits pydantic.BaseModel, not {shown(state)}"
                ]
            )
        if resources is not None and not isinstance(resources, Mapping):
            raise GraphError([f"resources= wants a mapping of names to types, not {shown(resources)}"])
        if name is not None and not is_text(name):
            raise GraphError([f"name= wants a text, not {shown(name)}"])
        if end not in ("all", "first"):
            raise GraphError([f'end= wants "all" or "first", not {shown(end)}'])
        if slots is not None and not isinstance(slots, Mapping):
            raise GraphError([f"slots= wants a mapping of names to numbers, not {shown(slots)}"])
        self._end = end
        self._slots = dict(slots or {})
        self.state = state
        self.name = name or state.__name__
        self.resources = dict(resources or {})
        self._nodes: Declared[Node[..., Any]] = Declared("#")
        self._edges: Declared[EdgeSpec] = Declared("!")

    # ------------------------------------------------------------------ nodes

    @overload
    def node(self, function: Callable[P, R], /) -> Node[P, R]: ...
    @overload
    def node(
        self,
        function: Callable[P, R],
        /,
        *,
        name: str | None = ...,
        writes: str | Sequence[str] = ...,
        inline: bool = ...,
        retry: BaseRetrying | None = ...,
        timeout: float | None = ...,
        concurrency: int | None = ...,
        uses: str | Sequence[str] = ...,
        may_stop: bool = ...,
        version: str = ...,
        approve: bool = ...,
        reuse: Literal["completed", "all"] = ...,
        join: Join | None = ...,
        rest: Rest = ...,
    ) -> Node[P, R]: ...
    @overload
    def node(
        self,
        /,
        *,
        name: str | None = ...,
        writes: str | Sequence[str] = ...,
        inline: bool = ...,
        retry: BaseRetrying | None = ...,
        timeout: float | None = ...,
        concurrency: int | None = ...,
        uses: str | Sequence[str] = ...,
        may_stop: bool = ...,
        version: str = ...,
        approve: bool = ...,
        reuse: Literal["completed", "all"] = ...,
        join: Join | None = ...,
        rest: Rest = ...,
    ) -> Callable[[Callable[P, R]], Node[P, R]]: ...

    def node(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        writes: str | Sequence[str] = (),
        inline: bool = False,
        retry: BaseRetrying | None = None,
        timeout: float | None = None,
        concurrency: int | None = None,
        uses: str | Sequence[str] = (),
        may_stop: bool = False,
        version: str = "",
        approve: bool = False,
        reuse: Literal["completed", "all"] = "completed",
        join: Join | None = None,
        rest: Rest = "drop",
    ) -> Any:
        """Make a function a node: as a decorator, or called with the function.

        The function's parameters are the fields it reads; what it returns is written to the fields it declares.

        Args:
            function: Anything callable. ``async def`` runs on the event loop, ``def`` in a worker thread.
            name: The node's name; the function's by default.
            writes: The field that takes the returned value, or several fields: then the function returns a mapping
                (a `TypedDict`) or a model, of which the fields that are set are written.
            inline: Run a ``def`` on the event loop's thread: for what takes microseconds.
            retry: A tenacity object, such as ``AsyncRetrying(stop=stop_after_attempt(3))``.
            timeout: Seconds for one attempt.
            concurrency: How many activations of this node may run at once.
            uses: Named slots it holds while it runs, such as ``"sandbox"``; runs say how many of each there are.
            may_stop: Whether the run may end here when no outgoing edge is taken.
            version: Part of the graph's digest: raise it when recorded results of the node are no longer right.
            approve: Ask a person before each activation: the run is suspended until somebody approves, or rejects it,
                which is a `RejectedError` that an error edge may take.
            reuse: What an attempt after a failed one takes over from it: effects that completed, all but what models
                said, which may be what failed; or ``"all"``.
            join: When it runs. ``"all"``, the default: once nothing alive could still lead to it. ``"first"``, or a number:
                once so many have arrived, or as many as can; what comes later is dropped. ``"each"``: once for each that
                arrives, and so do the nodes behind it, up to one that something else leads to as well, one that says
                ``join="all"``, or END.
            rest: What becomes of what comes too late: ``"drop"``, or ``"cancel"`` to also cancel whatever could only lead
                here, or ``"wait"`` to hold the node's next round back until all of this one's have come.

        Raises:
            GraphError: The name cannot be used.
        """
        site = Site.of(sys._getframe(1))

        def declare(given: Callable[..., Any]) -> Node[..., Any]:
            plain = given.function if isinstance(given, Node) else given
            if join is not None and not isinstance(join, str | int):
                raise GraphError(
                    [f'join= wants "all", "each", "first" or how many are enough, not {shown(join)}']
                )
            if not isinstance(rest, str):
                raise GraphError([f'rest= wants "drop", "cancel" or "wait", not {shown(rest)}'])
            if not callable(plain):
                raise GraphError(
                    [
                        f"a node is made of a function or something else that can be called, not of {shown(plain)}"
                    ]
                )
            spec = NodeSpec(
                name=node_name(plain, name),
                function=plain,
                writes=writes if isinstance(writes, str) else texts("writes", writes, "of a field"),
                inline=inline,
                retry=retry,
                timeout=timeout,
                concurrency=concurrency,
                uses=texts("uses", uses, "of a slot"),
                may_stop=may_stop,
                version=version,
                approve=approve,
                reuse=reuse,
                join=join,
                rest=rest,
            )
            return self._add(Node(spec, plain, self), site)

        return declare if function is None else declare(function)

    def _add(self, node: Node[..., Any], site: Site) -> Node[..., Any]:
        gone = set(self._nodes.add(node.name, node, site).forgotten)
        if gone:
            edges = self._edges.things.values()
            self._forget([edge for edge in edges if {edge.source, edge.target} & gone])
        return node

    def subgraph(
        self,
        graph: Graph[Any] | Flow[Any],
        /,
        *,
        name: str | None = None,
        reads: Mapping[str, str] | None = None,
        writes: Mapping[str, str] | None = None,
        limit: int | None = None,
        concurrency: int | None = None,
        uses: str | Sequence[str] = (),
        join: Join | None = None,
        rest: Rest = "drop",
    ) -> Node[..., Any]:
        """Make a whole graph a node: its own nodes run in its place, in the same run and journal.

        Its state is its own, and begins anew each time. Its activations are called ``build/coder@2``.

        Args:
            graph: A graph or a compiled flow. It may be this graph itself.
            name: The node's name; the graph's by default.
            reads: Field of it to the field here that it is given. What it must be given and is not named here comes
                from the field of the same name.
            writes: Field of it to the field here that takes it in the end; by default each field that its nodes write
                and that is a field here too. A field with a reducer takes it as an update.
            limit: How deep a graph may be in itself; what goes deeper raises a `RecursionError`.
            concurrency: How often it may be under way at once, from its entry to its end.
            uses: Named slots that it holds from its entry to its end.
            join: As for `node`.
            rest: As for `node`.

        Raises:
            GraphError: It is no graph, or the name cannot be used.

        Example: ``build = graph.subgraph(build_flow, name="build", reads={"spec": "task"})``
        """
        site = Site.of(sys._getframe(1))
        spec = subgraph_spec(
            graph, name, reads, writes, limit, concurrency=concurrency, uses=uses, join=join, rest=rest
        )
        return self._add(Node(spec, spec.function, self), site)

    @overload
    def map(
        self,
        body: Callable[P, R],
        /,
        *,
        over: str | Callable[..., Any],
        item: str,
        into: str | None = ...,
        **options: Unpack[MapOptions],
    ) -> Node[P, R]: ...
    @overload
    def map(
        self,
        body: Graph[Any] | Flow[Any],
        /,
        *,
        over: str | Callable[..., Any],
        item: str,
        into: str | None = ...,
        **options: Unpack[MapOptions],
    ) -> Node[..., Any]: ...
    @overload
    def map(
        self,
        /,
        *,
        over: str | Callable[..., Any],
        item: str,
        into: str | None = ...,
        **options: Unpack[MapOptions],
    ) -> Callable[[Callable[P, R]], Node[P, R]]: ...

    def map(
        self,
        body: Any = None,
        /,
        *,
        over: str | Callable[..., Any],
        item: str,
        into: str | None = None,
        **options: Unpack[MapOptions],
    ) -> Any:
        """Run a function or a graph once for each item of a list, in parallel: as a decorator, or called with it.

        Args:
            body: A function, of which one parameter gets an item and the others are fields, or a graph.
            over: The field that holds the items, or a function of fields that gives them.
            item: The parameter, or the field of the graph, that gets the item.
            into: The field that takes the list of the results, in the order of the items.
            **options: When to go on, what an error does, how many at once: see `MapOptions`.

        Raises:
            GraphError: Something cannot be written down.

        Example::

            @graph.map(over="urls", item="url", into="pages", concurrency=8)
            async def fetch(url: str, language: str) -> Page: ...
        """
        site = Site.of(sys._getframe(1))

        def declare(given: Any) -> Node[..., Any]:
            plain: Any = given.function if isinstance(given, Node) else given
            spec = map_spec(plain, over=over, item=item, into=into, options=options)
            return self._add(Node(spec, spec.function, self), site)

        return declare if body is None else declare(body)

    # ------------------------------------------------------------------ edges

    def edge(
        self, source: Place, target: Place, *, when: Callable[..., bool] | None = None, label: str = ""
    ) -> None:
        """Lead from one node to another.

        Args:
            source: The node it leaves, or START.
            target: The node it leads to, or END.
            when: Its condition: a plain function whose parameters are fields, as a node's are. It sees the state
                that the source left.
            label: What pictures and messages call the condition.

        Raises:
            GraphError: An end of it is no node of this graph.
        """
        edge = EdgeSpec(self._place(source), self._place(target), when, label)
        self._connect(edge, Site.of(sys._getframe(1)))

    def chain(self, *places: Place) -> None:
        """Lead through nodes one after the other: an edge without condition between each two neighbours."""
        if len(places) < 2:
            raise GraphError(
                ["chain() joins two nodes or more, as in graph.chain(START, first, second, END)"]
            )
        site = Site.of(sys._getframe(1))
        for source, target in pairwise([self._place(place) for place in places]):
            self._connect(EdgeSpec(source, target), site)

    def feedback(
        self,
        source: Place,
        target: Place,
        *,
        limit: int | None,
        when: Callable[..., bool] | None = None,
        otherwise: Place | None = None,
        label: str = "",
    ) -> None:
        """Lead back from inside a loop to its header, which starts the next round.

        Args:
            source: The node it leaves.
            target: The loop's header.
            when: Its condition, as for `edge`.
            limit: How often it may be taken each time the loop is entered; None, written out, for no limit.
            otherwise: Where to go instead once the limit is reached; without it the run fails with LoopLimitError.
            label: What pictures and messages call the condition.

        Raises:
            GraphError: An end of it is no node of this graph.
        """
        site = Site.of(sys._getframe(1))
        back = EdgeSpec(self._place(source), self._place(target), when, label, feedback=True, limit=limit)
        beyond = None if otherwise is None else self._place(otherwise)
        known_as = self._connect(back, site)
        if beyond is not None:
            self._connect(EdgeSpec(back.source, beyond, label="at the limit", instead_of=known_as), site)

    def switch(
        self,
        source: Place,
        cases: Mapping[Any, Place],
        *,
        on: str | None = None,
        default: Place | None = None,
    ) -> None:
        """Take one of several edges by the value of a field.

        Args:
            source: The node it leaves.
            cases: Value to target. Where the field's type has only a few values (a Literal, an Enum, a bool) all of
                them must be there, unless there is a default.
            on: The field; by default the one field that `source` writes.
            default: Where any other value leads.

        Raises:
            GraphError: There are no cases, it is open which field is meant, or a target is no node of this graph.
        """
        site = Site.of(sys._getframe(1))
        name = self._place(source)
        if not isinstance(cases, Mapping) or not cases:
            raise GraphError(
                [f"switch at {name!r} wants a mapping of values to nodes, as in {{True: done, False: fix}}"]
            )
        if on is not None and not isinstance(on, str):
            raise GraphError([f"switch at {name!r}: on= wants the name of a field, not {shown(on)}"])
        if on is None:
            writes = source.spec.fields if isinstance(source, Node) else ()
            if len(writes) != 1:
                raise GraphError([f"switch at {name!r}: say on= which field it looks at"])
            on = writes[0]
        targets: dict[str, list[Any]] = {}
        for value, place in cases.items():
            targets.setdefault(self._place(place), []).append(value)
        if default is not None:
            rest = self._place(default)
            targets.pop(rest, None)
            others = tuple(value for values in targets.values() for value in values)
            self._connect(EdgeSpec(name, rest, Case(on, None, others), "otherwise"), site)
        for target, values in targets.items():
            label = " or ".join(_case_label(value) for value in values)
            self._connect(EdgeSpec(name, target, Case(on, tuple(values)), label), site)

    def on_error(
        self, source: Place, handler: Place, *, error: type[Exception] = Exception, label: str = ""
    ) -> None:
        """Lead to a handler when `source` failed with such an error, after its retries.

        The handler gets the state that the source had been given, and the error in a parameter annotated with its
        type. Of several error edges that fit, those declared with the most special type are taken.

        Args:
            source: The node that may fail.
            handler: Where to go then.
            error: The exceptions it is for; for several types call it once for each.
            label: What pictures call the edge; the type's name by default.

        Raises:
            GraphError: `error` is no exception class, or an end of it is no node of this graph.
        """
        if not (isinstance(error, type) and issubclass(error, Exception)):
            raise GraphError(
                [
                    f"error= wants one class of exceptions such as ValueError, not {shown(error)}; for several call it once for each"
                ]
            )
        edge = EdgeSpec(self._place(source), self._place(handler), label=label, error=error)
        if isinstance(label, str) and not label:
            edge = edge._replace(label=error.__name__)
        self._connect(edge, Site.of(sys._getframe(1)))

    def cancel(
        self,
        source: Place,
        *targets: Place,
        when: Callable[..., bool] | None = None,
        complete: bool = False,
        label: str = "",
    ) -> None:
        """Cancel what is alive of other nodes, in the same rounds, when `source` has succeeded.

        Whatever they finished stays in the journal. Nodes that waited for them wait no longer.

        Args:
            source: The node that makes them needless.
            targets: Nodes, subgraphs or maps.
            when: A condition, as for `edge`.
            complete: Of maps cancel the instances only: the map goes on with the results there are.
            label: What pictures call it.

        Raises:
            GraphError: Something of it is no node of this graph.
        """
        if not targets:
            raise GraphError(["cancel() wants the nodes to cancel, as in graph.cancel(timeout, search)"])
        site = Site.of(sys._getframe(1))
        for target in targets:
            edge = EdgeSpec(
                self._place(source), self._place(target), when, label, cancels=True, keeps=complete
            )
            self._connect(edge, site)

    def saga(self, *steps: Place | tuple[Place, Place], failed: Place) -> None:
        """Do one thing after the other; when one fails, undo what was done before it, the last first.

        Each step is led to the next. The error of a step, after its retries, leads to the undoing of the step before
        it, that to the one before, and the last of them on to `failed`. A compensation sees the state as the step that
        failed was given it, and may take the error as a parameter.

        Args:
            steps: Pairs of a node and the node that undoes what it did; the last step alone, since nothing follows that
                could fail, and so may be others that need no undoing.
            failed: Where to go on when all is undone.

        Raises:
            GraphError: There is no step, or something of it is no node of this graph.

        Example: ``graph.saga((book, unbook), (pay, refund), send, failed=report)``
        """
        if len(steps) < 2 or isinstance(steps[-1], tuple):
            raise GraphError(
                [
                    "saga() wants pairs of a node and the node that undoes it, and at the end the last step alone, as in "
                    "saga((book, unbook), pay, failed=report)"
                ]
            )
        site = Site.of(sys._getframe(1))
        back = self._place(failed)
        names = [self._place(step[0] if isinstance(step, tuple) else step) for step in steps]
        for one, other in pairwise(names):
            self._connect(EdgeSpec(one, other), site)
        for name, step in zip(names, steps, strict=True):
            self._connect(EdgeSpec(name, back, label="failed", error=Exception), site)
            if isinstance(step, tuple):
                undo = self._place(step[1])
                self._connect(EdgeSpec(undo, back), site)
                back = undo

    def _connect(self, edge: EdgeSpec, site: Site) -> str:
        """Write an edge down; the id that it got."""
        added = self._edges.add(edge.id, edge, site, same=same_edge)
        if added.copy > 1:
            self._edges.things[added.key] = edge._replace(copy=added.copy)
        if added.again:  # then so are the ways at the limit of it
            edges = self._edges.things.values()
            self._forget([each for each in edges if each.instead_of in (added.key, *added.forgotten)])
        return added.key

    def _forget(self, edges: Sequence[EdgeSpec]) -> None:
        """Drop edges of what was declared twice and is no longer, and what stands in their place at a limit."""
        gone = {edge.id for edge in edges}
        for edge in self._edges.things.values():
            if edge.instead_of in gone:
                gone.add(edge.id)
        self._edges.drop(gone)

    def _place(self, place: Any) -> str:
        if isinstance(place, Marker):
            return place.name
        if not isinstance(place, Node):
            why = (
                "edges take the node itself, not its name"
                if isinstance(place, str)
                else "make it one with @graph.node"
            )
            raise GraphError(
                [f"an edge joins nodes, START and END, and {shown(place)} is none of them: {why}"]
            )
        if place.graph is not self:
            raise GraphError(
                [
                    f"node {place.name!r} belongs to another graph, {place.graph.name!r}: make a node of it here, "
                    f"as in graph.node({place.name}, name={place.name!r})"
                ]
            )
        return self._nodes.key_of(place.name, place)

    # ------------------------------------------------------------------ the whole

    @property
    def definition(self) -> Definition:
        """What has been declared so far."""
        nodes = {
            key: node.spec if key == node.name else node.spec._replace(name=key)
            for key, node in self._nodes.things.items()
        }
        return Definition(
            self.name,
            self.state,
            dict(self.resources),
            nodes,
            tuple(self._edges.things.values()),
            (
                *(_same_name(name, copies) for name, copies in self._nodes.clashes()),
                *(_same_edge(key, copies) for key, copies in self._edges.clashes()),
            ),
            self._end,
            dict(self._slots),
            self,
        )

    def compile(self) -> Flow[S]:
        """Check the whole graph and make it runnable.

        Raises:
            GraphError: Something cannot work; every problem is listed, each with what to do.
        """
        from .compiler.compile import compile_graph
        from .flow import Flow

        return Flow(compile_graph(self.definition), self.state)

    def render(
        self,
        path: str | PathLike[str],
        *,
        run: str | None = None,
        journal: str | PathLike[str] | Journal | None = None,
    ) -> None:
        """Draw the graph into a file.

        Args:
            path: The file to write; its suffix says what kind: .svg, .png and .pdf (these need Graphviz), .dot or .gv,
                .mmd (Mermaid), .txt, .json.
            run: A run to draw in: rounds, times and where it stands.
            journal: The journal that holds the run.

        Raises:
            GraphError: The graph cannot work.
            RenderError: The suffix is unknown, Graphviz is missing, or the file cannot be written.
            InputError: Of `run` and `journal` there is one without the other.
            RunNotFoundError: The journal holds no such run.
        """
        self.compile().render(path, run=run, journal=journal)


def _same_name(name: str, copies: Sequence[str]) -> str:
    return (
        f"two nodes are called {name!r}: give one of them another name, as in "
        f"graph.node(f, name={name + '2'!r}); in a notebook, run the cell that makes the graph again; "
        f"here they are told apart as {listed(copies)}"
    )


def _same_edge(key: str, copies: Sequence[str]) -> str:
    return (
        f"edge {key} is declared twice, differently: join the conditions with 'or'; "
        f"in a notebook, run the cell that makes the graph again; here they are told apart as {', '.join(copies)}"
    )


def _case_label(value: Any) -> str:
    if isinstance(value, Enum):
        return value.name
    return value if isinstance(value, str) else shown(value)
