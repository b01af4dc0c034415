"""What a graph is declared to be: nodes, edges and conditions as plain, frozen data.

`graph.Graph` writes it down, `compile` reads it. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import BaseModel

if TYPE_CHECKING:
    from tenacity import BaseRetrying


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
    """A node as declared. See `Graph.node` for the meaning of each."""

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
    copy: int = 1

    @property
    def id(self) -> str:
        """Stable id: what it joins, and what sort of edge it is where that is not the ordinary one."""
        suffix = ""
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
        return self.when is None and self.instead_of is None and self.error is None


class Definition(NamedTuple):
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
