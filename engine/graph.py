"""The builder: a graph is declared with it, `compile()` checks the whole and makes a flow of it.

Nothing is checked here that needs the whole graph, so that a graph can be built in any order; `compile()` reports
everything at once.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeAlias, TypeVar, overload

from pydantic import BaseModel

from .errors import GraphError

if TYPE_CHECKING:
    from os import PathLike

    from tenacity import BaseRetrying

    from .flow import Flow
    from .ports import Journal

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=BaseModel)

Writes: TypeAlias = str | tuple[str, ...]

RESERVED: Final = frozenset("/@[]!#~ \t\n")
"""Characters that ids of activations and edges are made of; a node's name has none of them."""


class Marker:
    """START or END: the way into a graph and out of it."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


START: Final = Marker("START")
"""Where every run begins; its edges lead to the first nodes."""

END: Final = Marker("END")
"""Where a run ends: the state that arrives here is the result."""


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A node as declared. See `Graph.node` for the meaning of each."""

    name: str
    function: Callable[..., Any]
    writes: Writes = ()
    inline: bool = False
    retry: BaseRetrying | None = None
    timeout: float | None = None
    concurrency: int | None = None
    uses: tuple[str, ...] = ()
    may_stop: bool = False
    version: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields it writes."""
        return (self.writes,) if isinstance(self.writes, str) else self.writes


@dataclass(frozen=True, slots=True)
class Case:
    """The condition of a switch's edge: the field holds one of these values; None: none of the others."""

    field: str
    values: tuple[Any, ...] | None
    others: tuple[Any, ...] = ()

    def __call__(self, value: object) -> bool:
        """Whether the case holds for the field's value."""
        return value not in self.others if self.values is None else value in self.values


@dataclass(frozen=True, slots=True)
class EdgeSpec:
    """An edge as declared.

    Attributes:
        source: Name of the node it leaves.
        target: Name of the node it leads to.
        when: Its condition: a function of fields, a `Case` of a switch, or None.
        label: What pictures and messages call the condition.
        feedback: Whether it closes a loop.
        limit: How often a feedback edge may be taken per entry into its loop; None for no limit.
        instead_of: Id of the feedback edge at whose limit this one is taken; such an edge has no condition.
        error: The exceptions it carries on, for an error edge.
    """

    source: str
    target: str
    when: Callable[..., bool] | None = None
    label: str = ""
    feedback: bool = False
    limit: int | None = None
    instead_of: str | None = None
    error: type[BaseException] | None = None

    @property
    def id(self) -> str:
        """Stable id: what it joins, and what sort of edge it is where that is not the ordinary one."""
        suffix = ""
        if self.error is not None:
            suffix = f"!{self.error.__name__}"
        elif self.instead_of is not None:
            suffix = "!limit"
        return f"{self.source}->{self.target}{suffix}"

    @property
    def unconditional(self) -> bool:
        """Whether it is taken whenever its source finishes."""
        return self.when is None and self.instead_of is None and self.error is None


@dataclass(frozen=True, slots=True)
class Definition:
    """A whole graph as declared: what `compile` reads.

    Attributes:
        name: The graph's name.
        state: The state's model.
        resources: Names of what runs are given (clients, models) and their types.
        nodes: By name.
        edges: In order of declaration.
        problems: What the builder saw by itself.
    """

    name: str
    state: type[BaseModel]
    resources: Mapping[str, Any]
    nodes: Mapping[str, NodeSpec]
    edges: tuple[EdgeSpec, ...]
    problems: tuple[str, ...] = ()


class Node(Generic[P, R]):
    """A node of a graph. Still callable as the plain function it was made of."""

    def __init__(self, spec: NodeSpec, function: Callable[P, R]) -> None:
        self.spec = spec
        self.function = function
        if inspect.isroutine(function):
            functools.update_wrapper(self, function)

    @property
    def name(self) -> str:
        """The node's name in its graph."""
        return self.spec.name

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the plain function; no graph is involved."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<node {self.name}>"


Place: TypeAlias = Node[..., Any] | Marker


@dataclass(slots=True)
class _Declared:
    """What a graph has been told so far."""

    nodes: dict[str, Node[..., Any]] = field(default_factory=dict)
    edges: list[EdgeSpec] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Graph(Generic[S]):
    """A workflow under construction.

    Args:
        state: A pydantic model; each field is a part of the state that nodes read and write.
        resources: What nodes are handed besides the state: name to type. The objects are given to each run.
        name: What journals and pictures call the graph; the state's class name by default.

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
        self, state: type[S], *, resources: Mapping[str, Any] | None = None, name: str | None = None
    ) -> None:
        if not (isinstance(state, type) and issubclass(state, BaseModel)):
            raise GraphError([f"the state must be a pydantic model class, not {state!r}"])
        self.state = state
        self.name = name or state.__name__
        self.resources = dict(resources or {})
        self._declared = _Declared()

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
        writes: Writes = ...,
        inline: bool = ...,
        retry: BaseRetrying | None = ...,
        timeout: float | None = ...,
        concurrency: int | None = ...,
        uses: str | Sequence[str] = ...,
        may_stop: bool = ...,
        version: str = ...,
    ) -> Node[P, R]: ...
    @overload
    def node(
        self,
        /,
        *,
        name: str | None = ...,
        writes: Writes = ...,
        inline: bool = ...,
        retry: BaseRetrying | None = ...,
        timeout: float | None = ...,
        concurrency: int | None = ...,
        uses: str | Sequence[str] = ...,
        may_stop: bool = ...,
        version: str = ...,
    ) -> Callable[[Callable[P, R]], Node[P, R]]: ...

    def node(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        writes: Writes = (),
        inline: bool = False,
        retry: BaseRetrying | None = None,
        timeout: float | None = None,
        concurrency: int | None = None,
        uses: str | Sequence[str] = (),
        may_stop: bool = False,
        version: str = "",
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

        Raises:
            GraphError: The name cannot be used.
        """

        def declare(plain: Callable[..., Any]) -> Node[..., Any]:
            spec = NodeSpec(
                name=name or _name_of(plain),
                function=plain,
                writes=writes if isinstance(writes, str) else tuple(writes),
                inline=inline,
                retry=retry,
                timeout=timeout,
                concurrency=concurrency,
                uses=(uses,) if isinstance(uses, str) else tuple(uses),
                may_stop=may_stop,
                version=version,
            )
            return self._add(Node(spec, plain))

        return declare if function is None else declare(function)

    def _add(self, node: Node[..., Any]) -> Node[..., Any]:
        name = node.name
        if not name or RESERVED & set(name) or "->" in name or name in (START.name, END.name):
            raise GraphError(
                [
                    f"a node cannot be called {name!r}: give it a name= without blanks and without any of / @ [ ] ! # ~ "
                    f"or '->', other than START and END"
                ]
            )
        known = self._declared.nodes.get(name)
        if known is not None and not _redefines(node.function, known.function):
            self._declared.problems.append(
                f"two nodes are called {name!r}; give one of them another name, as in graph.node(f, name={name + '2'!r})"
            )
        self._declared.nodes[name] = node
        return node

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
        """
        self._connect(EdgeSpec(self._place(source), self._place(target), when, label))

    def chain(self, *places: Place) -> None:
        """Lead through nodes one after the other: an edge without condition between each two neighbours."""
        if len(places) < 2:
            raise GraphError(["chain() needs at least two nodes"])
        for source, target in pairwise(places):
            self.edge(source, target)

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
        """
        back = EdgeSpec(self._place(source), self._place(target), when, label, feedback=True, limit=limit)
        if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
            self._declared.problems.append(
                f"feedback edge {back.id}: limit must be a whole number from 0, not {limit!r}"
            )
        self._connect(back)
        if otherwise is not None:
            label = "at the limit"
            self._connect(EdgeSpec(back.source, self._place(otherwise), label=label, instead_of=back.id))

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
        """
        name = self._place(source)
        if on is None:
            writes = source.spec.writes if isinstance(source, Node) else ()
            if not isinstance(writes, str):
                self._declared.problems.append(f"switch at {name!r}: say on= which field it looks at")
                return
            on = writes
        targets: dict[str, list[Any]] = {}
        for value, place in cases.items():
            targets.setdefault(self._place(place), []).append(value)
        for target, values in targets.items():
            label = " or ".join(_case_label(value) for value in values)
            self._connect(EdgeSpec(name, target, Case(on, tuple(values)), label))
        if default is not None:
            others = tuple(cases)
            self._connect(EdgeSpec(name, self._place(default), Case(on, None, others), "otherwise"))

    def on_error(
        self, source: Place, handler: Place, *, error: type[Exception] = Exception, label: str = ""
    ) -> None:
        """Lead to a handler when `source` failed with such an error, after its retries.

        The handler gets the state that the source had been given, and the error in a parameter annotated with its
        type. Of several error edges that fit, those declared with the most special type are taken.
        """
        edge = EdgeSpec(self._place(source), self._place(handler), label=label or error.__name__, error=error)
        self._connect(edge)

    def _connect(self, edge: EdgeSpec) -> None:
        for known in self._declared.edges:
            if known.id == edge.id:
                if not _same_edge(known, edge):
                    self._declared.problems.append(
                        f"edge {edge.id} is declared twice, differently; join the conditions with 'or'"
                    )
                return
        self._declared.edges.append(edge)

    def _place(self, place: Place) -> str:
        if not isinstance(place, Node | Marker):
            raise GraphError(
                [f"an edge joins nodes, START and END; {place!r} is none: decorate it with @graph.node"]
            )
        return place.name

    # ------------------------------------------------------------------ the whole

    @property
    def definition(self) -> Definition:
        """What has been declared so far."""
        declared = self._declared
        nodes = {name: node.spec for name, node in declared.nodes.items()}
        return Definition(
            self.name,
            self.state,
            dict(self.resources),
            nodes,
            tuple(declared.edges),
            tuple(declared.problems),
        )

    def compile(self) -> Flow[S]:
        """Check the whole graph and make it runnable.

        Raises:
            GraphError: Something cannot work; every problem is listed, each with what to do.
        """
        from .compile import compile_graph
        from .flow import Flow

        return Flow(compile_graph(self.definition), self.state)

    def render(
        self,
        path: str | PathLike[str],
        *,
        run: str | None = None,
        journal: str | PathLike[str] | Journal | None = None,
    ) -> None:
        """Draw the graph into a file; its suffix says what kind (.svg, .png, .pdf, .dot, .mmd).

        Args:
            path: The file to write.
            run: A run to draw in: rounds, times and where it stands.
            journal: The journal that holds the run.
        """
        self.compile().render(path, run=run, journal=journal)


def _name_of(function: Callable[..., Any]) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__name__", "") or type(function).__name__
    if name == "<lambda>":
        raise GraphError(["a lambda has no name of its own: give the node one with name="])
    return name


def _redefines(new: Callable[..., Any], old: Callable[..., Any]) -> bool:
    """Whether the same function was defined again, as by a notebook's cell that ran twice."""
    if new is old:
        return False
    identity = [(getattr(f, "__module__", None), getattr(f, "__qualname__", None)) for f in (new, old)]
    return identity[0] == identity[1] and identity[0][1] is not None


def _same_edge(one: EdgeSpec, other: EdgeSpec) -> bool:
    """Whether two declarations say the same, as when a notebook's cell ran twice."""

    def essence(edge: EdgeSpec) -> tuple[Any, ...]:
        when = edge.when
        if inspect.isfunction(when):
            cells = tuple(cell.cell_contents for cell in when.__closure__ or ())
            when = (when.__code__, when.__defaults__, when.__kwdefaults__, cells)
        return (when, edge.label, edge.feedback, edge.limit, edge.instead_of, edge.error)

    return essence(one) == essence(other)


def _case_label(value: Any) -> str:
    return value if isinstance(value, str) else getattr(value, "name", repr(value))
