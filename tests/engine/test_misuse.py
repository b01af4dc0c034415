"""Whatever is handed to whatever argument of the builder: it works, or it is a GraphError that can be shown."""

import asyncio
import functools
import warnings
from typing import Any, Literal, Optional, TypeVar

import pytest
from pydantic import BaseModel

from backedge.engine.compiler.compile import BackedgeWarning
from backedge.engine.errors import GraphError
from backedge.engine.graph import END, START, Graph

from .sizes import grows, some


class State(BaseModel):
    code: str = ""
    done: bool = False


class Rude:
    """Raises whenever it is looked at."""

    def __repr__(self):
        raise RuntimeError("repr")

    def __eq__(self, other):
        raise RuntimeError("eq")

    def __bool__(self):
        raise RuntimeError("bool")

    __hash__ = object.__hash__


class RudeFunction(Rude):
    def __call__(self, code):
        return code

    def __getattr__(self, name):
        raise RuntimeError(name)


STRANGER = Graph(State, name="other").node(lambda: 0, name="stranger")
JUNK = [
    *(
        None,
        True,
        0,
        -1,
        1.5,
        float("nan"),
        10**30,
        "",
        "x",
        "code",
        "a->b",
        "\ud800",
        b"x",
        ...,
        NotImplemented,
    ),
    *([], ["code"], {}, {"a": 1}, (), ("code",), {1, "2"}, range(3), [START], object()),
    *(Rude(), RudeFunction(), State, State(), Graph, START, END, STRANGER, type, int),
    *(len, min, print, asyncio.sleep, functools.partial(len), functools.partial(min, 1), lambda code: True),
    *(classmethod(len), property(len), ValueError, ValueError(), KeyboardInterrupt),
    *(Any, Literal["a"], Optional[int], list[int], TypeVar("T")),  # noqa: UP045 - an object of its own
]


def annotated(junk, name="code"):
    def function(code): ...

    function.__annotations__ = {name: junk, "return": junk}
    return function


def work(code): ...


def hashable(junk):
    try:
        hash(junk)
    except TypeError:
        return "x"
    return junk


NODE_OPTIONS = ["name", "writes", "inline", "retry", "timeout", "concurrency", "uses", "may_stop", "version"]
USES = {
    **{f"node {option}": lambda g, a, b, j, option=option: g.chain(a, g.node(work, **{"name": "c", option: j}), END)
       for option in NODE_OPTIONS},
    "node function": lambda g, a, b, j: g.chain(a, g.node(j), END),
    "node named function": lambda g, a, b, j: g.chain(a, g.node(j, name="c", writes="code"), END),
    "node annotation": lambda g, a, b, j: g.chain(a, g.node(annotated(j), name="c", writes="code"), END),
    "node annotations": lambda g, a, b, j: g.chain(a, g.node(annotated(j), name="c", writes=("code", "done")), END),
    "edge source": lambda g, a, b, j: g.edge(j, a),
    "edge target": lambda g, a, b, j: g.edge(a, j),
    "edge when": lambda g, a, b, j: g.edge(a, END, when=j),
    "edge when annotated": lambda g, a, b, j: g.edge(a, END, when=annotated(j)),
    "edge when again": lambda g, a, b, j: g.edge(b, END, when=j),
    "edge label": lambda g, a, b, j: g.edge(a, END, label=j),
    "chain": lambda g, a, b, j: g.chain(a, j),
    "feedback source": lambda g, a, b, j: g.feedback(j, a, limit=1),
    "feedback target": lambda g, a, b, j: g.feedback(b, j, limit=1),
    "feedback limit": lambda g, a, b, j: g.feedback(b, a, limit=j),
    "feedback when": lambda g, a, b, j: g.feedback(b, a, limit=1, when=j),
    "feedback otherwise": lambda g, a, b, j: g.feedback(b, a, limit=1, otherwise=j),
    "switch source": lambda g, a, b, j: g.switch(j, {"x": END}, on="code"),
    "switch cases": lambda g, a, b, j: g.switch(a, j),
    "switch case": lambda g, a, b, j: g.switch(a, {hashable(j): END}),
    "switch target": lambda g, a, b, j: g.switch(a, {"x": j}),
    "switch on": lambda g, a, b, j: g.switch(a, {"x": END}, on=j),
    "switch default": lambda g, a, b, j: g.switch(a, {"x": END}, default=j),
    "on_error source": lambda g, a, b, j: g.on_error(j, b),
    "on_error handler": lambda g, a, b, j: g.on_error(a, j),
    "on_error error": lambda g, a, b, j: g.on_error(a, END, error=j),
    "on_error label": lambda g, a, b, j: g.on_error(a, END, label=j),
    "graph state": lambda g, a, b, j: Graph(j).compile(),
    "graph name": lambda g, a, b, j: Graph(State, name=j),
    "graph resources": lambda g, a, b, j: Graph(State, resources=j).compile(),
    "graph resource": lambda g, a, b, j: Graph(State, resources={hashable(j): j}).compile(),
}  # fmt: skip


LENIENT = {"node annotation", "node annotations", "edge when annotated", "switch case"}
"""What means nothing there is judged not at all."""


def a_graph(thing=int):
    graph = Graph(State, resources={"thing": thing})
    a = graph.node(lambda code: code, name="a", writes="code")
    b = graph.node(lambda thing: None, name="b")
    graph.chain(START, a, b, END)
    return graph, a, b


def said(use, junk):
    """What the misuse is answered with; nothing if it works after all."""
    graph, a, b = a_graph(junk)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BackedgeWarning)
            USES[use](graph, a, b, junk)
            graph.compile()
    except GraphError as error:
        return str(error).splitlines()
    return []


def test_the_graph_that_is_handed_junk_works_without():
    a_graph()[0].compile()


@pytest.mark.parametrize("use", USES)
@grows
def test_nothing_but_a_graph_error_comes_of_any_argument(use):
    answers = [said(use, junk) for junk in some(JUNK, one_in=3)]
    assert all(" in the graph:" in answer[0] for answer in answers if answer)
    if use not in LENIENT:
        assert sum(map(bool, answers)) > len(answers) / 3  # most of it is told
