"""A graph of plain nodes, with what there is beyond nodes and edges: what the checks work on.

Most graphs are plain as they are. What is not is flattened, by a module that is loaded only then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..definition import Definition
from ..loops import Region
from ..state.fields import StateSchema, schema_of
from .binding import Binding
from .goto import may_go
from .scope import Scope


class Fanning(NamedTuple):
    """A map's edge that fans out, by names: see `rules.Fan`."""

    over: str
    item: str
    added: str
    join: str


class Cancelling(NamedTuple):
    """What an edge cancels: nodes, and the one whose loops and regions say in which rounds."""

    nodes: frozenset[str]
    anchor: str


class Extras:
    """What there is to a graph beyond nodes and edges, by names: see `rules.Rules`.

    Attributes:
        regions: Of maps.
        joins: Where instances meet: how many are enough (or the field that says so), what becomes of later ones, and
            the edge that brings none.
        fans: By edge.
        adders: For each node that may add items the edge that fans out.
        cancels: By edge.
        views: For each entry of a subgraph what its fields' names begin with.
        resets: For each node of a map the fields that begin anew.
        holds: For each entry of a subgraph that holds slots all nodes of it.
        missing: Fields of subgraphs that nothing is handed in for, which is a problem that is told.
    """

    __slots__ = ("adders", "cancels", "fans", "holds", "joins", "missing", "regions", "resets", "views")

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self.joins: dict[str, tuple[int | None, str, str, str]] = {}
        self.fans: dict[str, Fanning] = {}
        self.adders: dict[str, str] = {}
        self.cancels: dict[str, Cancelling] = {}
        self.views: dict[str, str] = {}
        self.resets: dict[str, dict[str, object]] = {}
        self.holds: dict[str, tuple[str, ...]] = {}
        self.missing: set[str] = set()


class Flat(NamedTuple):
    """A graph of plain nodes.

    Attributes:
        definition: Its nodes and edges.
        schema: The fields of the state, those of subgraphs and maps included.
        scopes: Where parameters are found, by `NodeSpec.scope`.
        bindings: Of the nodes that nobody declared.
        extras: What there is beyond nodes and edges.
        problems: What is wrong, one sentence each with what to do.
    """

    definition: Definition
    schema: StateSchema
    scopes: Mapping[str, Scope]
    bindings: Mapping[str, Binding]
    extras: Extras
    problems: tuple[str, ...]


def flat(definition: Definition, *, without: Sequence[object] = ()) -> Flat:
    """The graph with subgraphs and maps in their places, `without` these graphs, of which only what they write counts."""
    if any(spec.composite is not None or may_go(spec.function) for spec in definition.nodes.values()):
        from .flatten import flatten

        return flatten(definition, without=without)
    schema, extras = schema_of(definition.state), Extras()
    for edge in definition.edges:
        if edge.cancels:
            extras.cancels[edge.id] = Cancelling(frozenset([edge.target]), edge.target)
    return Flat(definition, schema, {"": Scope(schema, definition.resources)}, {}, extras, ())
