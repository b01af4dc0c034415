"""A node of a graph as its user holds it: a handle for edges, and still the plain function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeAlias, TypeVar

from .definition import Marker, NodeSpec

if TYPE_CHECKING:
    from .graph import Graph

P = ParamSpec("P")
R = TypeVar("R")


class Node(Generic[P, R]):
    """A node of a graph. Still callable as the plain function it was made of."""

    def __init__(self, spec: NodeSpec, function: Callable[P, R], graph: Graph[Any]) -> None:
        if inspect.isroutine(function):
            functools.update_wrapper(self, function)
        self.spec = spec
        self.function = function
        self.graph = graph

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
