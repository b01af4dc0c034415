"""What a graph is declared to be: nodes, edges and conditions as plain, frozen data.

`graph.Graph` writes it down, `compile` reads it. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from pydantic import BaseModel

if TYPE_CHECKING:
    from tenacity import BaseRetrying

    from .shares import Share


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

RESERVED: Final = frozenset("/@[]!#~")
"""Characters that ids of activations and edges are made of; a node's name has none of them."""


def usable_name(name: object) -> bool:
    """Whether a node can be called so: activations, edges and records are named after it.

    >>> usable_name("checker-2"), usable_name("a->b"), usable_name("my node")
    (True, False, False)
    """
    return (
        isinstance(name, str)
        and name.isprintable()
        and name not in ("", START.name, END.name)
        and "->" not in name
        and not any(character in RESERVED or character.isspace() for character in name)
    )


def is_text(given: object) -> bool:
    """Whether something is a text that can be stored: not empty, and without half a character (a lone surrogate).

    >>> is_text("two words"), is_text(""), is_text(3)
    (True, False, False)
    """
    return isinstance(given, str) and given != "" and not any("\ud800" <= sign <= "\udfff" for sign in given)


class NodeSpec(NamedTuple):
    """A node as declared. See `Graph.node` for the meaning of each.

    Attributes:
        composite: What it stands for, if it is more than one node; `compiler.flatten` puts those in its place.
        prefix: Of a node of a subgraph what its own fields are known by in the whole graph.
        scope: The scope that its parameters are found in.
        goto: The field that says which of its edges are taken, of a node that returns `Goto`.
    """

    name: str
    function: Callable[..., Any]
    writes: str | tuple[str, ...] = ()
    inline: bool = False
    retry: BaseRetrying | None = None
    timeout: float | None = None
    concurrency: int | None = None
    uses: tuple[str, ...] = ()
    may_stop: bool = False
    version: str = ""
    approve: bool = False
    reuse: str = "completed"
    join: str | int | None = None
    rest: str = "drop"
    composite: Subgraph | MapOver | None = None
    prefix: str = ""
    scope: str = ""
    goto: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields it writes."""
        fields = (self.writes,) if isinstance(self.writes, str) else self.writes
        return (*fields, self.goto) if self.goto else fields


class Defined(Protocol):
    """A graph or a flow: something that can be a node of another."""

    @property
    def definition(self) -> Definition:
        """What was declared."""


class Subgraph(NamedTuple):
    """A whole graph as a node.

    Attributes:
        graph: The graph.
        reads: Field of it to the field around it that it is given; None for those of one name.
        writes: Field of it to the field around it that takes it in the end; None for those of one name.
        limit: How deep a graph may be in itself; None if it is not.
    """

    graph: Defined
    reads: Mapping[str, str] | None
    writes: Mapping[str, str] | None
    limit: int | None


class MapOver(NamedTuple):
    """A function or a graph that runs once for each item of a list.

    Attributes:
        body: What runs for an item.
        over: The field that holds the items, or a function of fields that gives them.
        item: The parameter, or the field of the graph, that is given an item.
        into: The field that takes the results, in the order of the items; None for none.
        result: The field of the graph that holds its result.
        join: As for a node; or a function of fields that gives how many results are enough; "none".
        rest: As for a node.
        collect: Whether the error of an item takes the place of its result.
    """

    body: Callable[..., Any] | Subgraph
    over: str | Callable[..., Any]
    item: str
    into: str | None
    result: str | None
    join: str | int | Callable[..., Any] | None
    rest: str
    collect: bool


@dataclass(frozen=True)
class Chosen:
    """The condition of an edge that its source names: `Goto` says which."""

    field: str
    target: str

    def __call__(self, value: object) -> bool:
        """Whether the field's value names the edge's target."""
        return isinstance(value, list) and self.target in value


@dataclass(frozen=True, slots=True)
class Case:
    """The condition of a switch's edge: the field holds one of these values; None: none of the others."""

    field: str
    values: tuple[Any, ...] | None
    others: tuple[Any, ...] = ()

    def __call__(self, value: object) -> bool:
        """Whether the case holds for the field's value."""
        return value not in self.others if self.values is None else value in self.values


class EdgeSpec(NamedTuple):
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
        cancels: Whether it cancels its target; such an edge carries no token.
        keeps: Whether of a map only the instances are cancelled, so that it goes on with the results there are.
        stops: The subgraph of which the rest is cancelled when its error leaves it.
        outward: How many subgraphs its error leaves.
        alias: What it is known by, where that is not what it joins.
        scope: The scope that its condition's parameters are found in.
        copy: 1; for what was declared again under an id that was taken, and differs, 2 and so on. That is a problem,
            but what is wrong with the copy is to be told as well.
    """

    source: str
    target: str
    when: Callable[..., bool] | None = None
    label: str = ""
    feedback: bool = False
    limit: int | None = None
    instead_of: str | None = None
    error: type[Exception] | None = None
    cancels: bool = False
    keeps: bool = False
    stops: str = ""
    outward: int = 0
    alias: str = ""
    scope: str = ""
    copy: int = 1

    @property
    def id(self) -> str:
        """Stable id: what it joins, and what sort of edge it is where that is not the ordinary one."""
        if self.alias:
            return self.alias
        suffix = "!cancel" if self.cancels else ""
        if self.error is not None:
            suffix = f"!{self.error.__name__}"
        elif self.instead_of is not None:
            suffix = f"!limit:{self.instead_of.partition('->')[2]}"
        if self.copy > 1:
            suffix += f"!{self.copy}"
        return f"{self.source}->{self.target}{suffix}"

    @property
    def unconditional(self) -> bool:
        """Whether it is taken whenever its source succeeds."""
        return self.when is None and self.instead_of is None and self.error is None and not self.cancels


class Definition(NamedTuple):
    """A whole graph as declared: what `compile` reads.

    Attributes:
        name: The graph's name.
        state: The state's model.
        resources: Names of what runs are given (clients, models) and their types.
        nodes: By name.
        edges: In order of declaration.
        problems: What the builder saw by itself.
        end: How END joins: "all", or "first".
        slots: How many of each named slot there are where a run does not say.
        origin: The graph that it is of, by which it is known when it is in itself.
    """

    name: str
    state: type[BaseModel]
    resources: Mapping[str, Any]
    nodes: Mapping[str, NodeSpec]
    edges: tuple[EdgeSpec, ...]
    problems: tuple[str, ...] = ()
    end: str = "all"
    slots: Mapping[str, int | Share] = MappingProxyType({})
    origin: object = None
