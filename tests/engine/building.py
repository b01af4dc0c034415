"""Graphs for tests of what compiling says."""

from collections.abc import Callable

import pytest

from backedge.engine.errors import GraphError
from backedge.engine.graph import END, START, Graph, Node


def problems_of(graph: Graph) -> list[str]:
    """What `compile` says; the test fails when it says nothing."""
    with pytest.raises(GraphError) as caught:
        graph.compile()
    return list(caught.value.problems)


def problem_of(graph: Graph) -> str:
    """The one thing that `compile` says."""
    (told,) = problems_of(graph)
    return told


def alone(graph: Graph, function: Callable[..., object], **options: object) -> Node:
    """The only node of the graph, from START to END."""
    node = graph.node(function, **{"name": "f", **options})
    graph.chain(START, node, END)
    return node
