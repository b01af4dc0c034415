"""Everything that can be wrong with a graph, each as a small part that is put into a graph which is otherwise fine.

A part is entered and left by nodes of its own, so that two of them can stand one after the other or side by side. Each
says how its one problem is told.
"""

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal, TypedDict

from pydantic import create_model
from tenacity import Retrying

from backedge.engine.context import BlockingContext
from backedge.engine.graph import END, START, Graph, Node
from backedge.engine.state.reducers import add, extend


@dataclass
class Part:
    """Where a defect is put: its graph, and what makes its names different from those of another."""

    graph: Graph
    tag: str
    entries: list[Node] = field(default_factory=list)
    exits: list[Node] = field(default_factory=list)

    def node(self, name: str, *, reads: str = "", does: Callable | None = None, **options: Any) -> Node:
        """A node of this part."""
        made = self.graph.node(does or self.function(reads), name=name + self.tag, **options)
        assert isinstance(made, Node)
        return made

    def function(self, reads: str = "", *, returns: Any = None, **annotations: Any) -> Callable:
        """A function that reads these fields of the part."""
        names = ", ".join(name + self.tag for name in reads.split())
        made = eval(f"lambda {names}: None")
        made.__annotations__ = {name + self.tag: kind for name, kind in annotations.items()}
        if returns is not None:
            made.__annotations__["return"] = returns
        return made

    def alone(self, *args: Any, **options: Any) -> Node:
        """The only node of this part that is entered and left."""
        made = self.node(*args, **options)
        self.entries.append(made)
        self.exits.append(made)
        return made

    def through(self, *nodes: Node) -> None:
        """Enter at the first node and leave at the last."""
        self.graph.chain(*nodes)
        self.entries.append(nodes[0])
        self.exits.append(nodes[-1])

    def fork(self, end: Node, *, writer: Node | None = None) -> None:
        """Lead to `end` on two ways; on one of them the field x is written."""
        begin, skip = self.node("begin"), self.node("skip")
        write = writer or self.node("write", writes="x" + self.tag)
        self.graph.edge(begin, write, when=self.function("text"))
        self.graph.edge(begin, skip, when=self.function("text"))
        self.graph.edge(write, end)
        self.graph.edge(skip, end)
        self.entries.append(begin)


Defect = Callable[[Part], str]
DEFECTS: dict[str, Defect] = {}
FIELDS: dict[str, Mapping[str, Any]] = {}  # further fields of the state, for defects of fields
RESOURCES: dict[str, Callable[[str], Mapping[Any, Any]]] = {}


def defect(make: Defect) -> Defect:
    """Take note of a defect under the function's name."""
    DEFECTS[make.__name__] = make
    return make


# --------------------------------------------------------------------------- the shape


@defect
def cycle(part):
    part.through(one := part.node("one"), two := part.node("two"))
    part.graph.edge(two, one, when=part.function("text"))
    return "edges go round in a cycle: one{0} -> two{0} -> one{0}; declare two{0} -> one{0} with"


@defect
def cycle_of_errors(part):
    part.through(one := part.node("one"), two := part.node("two"))
    part.graph.on_error(two, one)
    return "edges go round in a cycle: one{0} -> two{0} -> one{0}; lead two{0} -> one{0} to a node of its own"


@defect
def cycle_of_one(part):
    node = part.alone("self")
    part.graph.edge(node, node, when=part.function("text"))
    return "edges go round in a cycle: self{0} -> self{0}"


@defect
def lost(part):
    end = part.alone("end")
    part.graph.chain(part.node("lost", reads="text"), part.node("behind"), end)
    return "node 'lost{0}' cannot be reached from START, nor can 'behind{0}' behind it"


@defect
def lost_loop(part):
    part.alone("end")
    part.graph.chain(one := part.node("one"), two := part.node("two"), END)
    part.graph.feedback(two, one, limit=1)
    return "node 'one{0}' cannot be reached from START, nor can 'two{0}' behind it"


@defect
def without_edges(part):
    part.alone("end")
    part.node("lonely")
    return "node 'lonely{0}' has no edges"


@defect
def stuck(part):
    part.graph.chain(part.alone("begin"), part.node("stuck"))
    return "END cannot be reached from node 'stuck{0}'; lead it on"


@defect
def stuck_loop(part):
    part.graph.edge(part.alone("begin"), stuck := part.node("stuck"), when=part.function("text"))
    part.graph.feedback(stuck, stuck, limit=1)
    return "END cannot be reached from node 'stuck{0}'; lead it on"


@defect
def only_errors(part):
    part.graph.edge(part.alone("begin"), silent := part.node("silent"))
    part.graph.on_error(silent, END)
    return "node 'silent{0}' leads nowhere when it succeeds"


@defect
def idle_feedback(part):
    part.graph.edge(begin := part.node("begin"), one := part.node("one"))
    part.graph.edge(begin, two := part.node("two"))
    part.graph.feedback(one, two, limit=1)
    part.entries.append(begin)
    part.exits += [one, two]
    return "feedback edge one{0}->two{0} closes no loop"


@defect
def endless_feedback(part):
    node = part.alone("self")
    part.graph.feedback(node, node, limit=None)
    return "feedback edge self{0}->self{0} has neither a condition nor a limit"


@defect
def wrong_limit(part):
    node = part.alone("self")
    part.graph.feedback(node, node, limit=-1, when=part.function("text"))
    return "feedback edge self{0}->self{0}: limit= wants a whole number"


@defect
def two_ways_at_a_limit(part):
    node = part.alone("self")
    for other in (part.node("this"), part.node("that")):
        part.graph.feedback(node, node, limit=1, otherwise=other)
        part.exits.append(other)
    return "feedback edge self{0}->self{0} leads to 'this{0}', 'that{0}' at its limit"


@defect
def into_start(part):
    part.graph.edge(part.alone("begin"), back := part.node("back"))
    part.graph.edge(back, START)
    return "edge back{0}->START: nothing leads to START"


@defect
def out_of_end(part):
    part.alone("begin")
    part.graph.edge(END, after := part.node("after"))
    part.exits.append(after)
    return "edge END->after{0}: nothing leaves END"


@defect
def errors_of_start(part):
    handler = part.node("handler", does=lambda error: None)
    handler.function.__annotations__["error"] = ValueError
    part.graph.on_error(START, handler, error=ValueError)
    part.alone("begin")
    part.exits.append(handler)
    return "edge START->handler{0}!ValueError: START does not fail"


# --------------------------------------------------------------------------- edges


@defect
def wrong_label(part):
    part.graph.edge(part.node("one"), part.node("two"), label=5)
    part.entries.append(part.graph._nodes.things["one" + part.tag])
    part.exits.append(part.graph._nodes.things["two" + part.tag])
    return "edge one{0}->two{0}: label= wants a text"


def conditional(part, when):
    one, two = part.node("one"), part.node("two")
    part.graph.edge(one, two, when=when)
    part.entries.append(one)
    part.exits.append(two)
    return "the condition of edge one{0}->two{0}"


@defect
def no_condition(part):
    return conditional(part, 5) + ": when= wants a function of fields"


@defect
def awaited_condition(part):
    async def when(): ...

    return conditional(part, when) + " must be a plain function of fields"


@defect
def condition_of_a_wrong_type(part):
    return conditional(part, part.function("text", returns=str)) + " returns str; a condition returns"


@defect
def condition_of_what_is_not_there(part):
    return conditional(part, part.function("mystery")) + ": parameter 'mystery{0}' is neither a field nor"


@defect
def condition_of_a_misfit(part):
    return conditional(part, part.function("text", text=int)) + ": parameter 'text{0}' is annotated int, but"


@defect
def edge_twice(part):
    part.through(one := part.node("one"), two := part.node("two"))
    part.graph.edge(one, two, when=part.function("text"))
    return "edge one{0}->two{0} is declared twice, differently"


@defect
def edge_and_feedback(part):
    part.through(one := part.node("one"), two := part.node("two"))
    part.graph.edge(two, one, when=part.function("text"))
    part.graph.feedback(two, one, limit=1, when=part.function("text"))
    return "edge two{0}->one{0} is declared twice, differently"


# --------------------------------------------------------------------------- switches


def switched(part, cases, **options):
    begin = part.node("begin", writes="mood" + part.tag)
    part.entries.append(begin)
    targets = {}
    for number, value in enumerate(cases):
        part.exits.append(targets.setdefault(value, part.node(f"case{number}_")))
    part.graph.switch(begin, targets, **options)
    return "switch at 'begin{0}'"


@defect
def open_switch(part):
    return switched(part, ["good"]) + " does not cover 'bad' of 'mood{0}'"


@defect
def idle_case(part):
    return switched(part, ["good", "bad", "ugly"]) + ": 'mood{0}' is never 'ugly'"


@defect
def switch_on_nothing(part):
    return switched(part, ["good"], on="mystery") + ": 'mystery' is no field of the state"


# --------------------------------------------------------------------------- what nodes write


class Text(TypedDict):
    text: str


@defect
def misspelt_write(part):
    part.alone("node", writes="tex" + part.tag)
    return "node 'node{0}' writes 'tex{0}', which is no field of the state"


@defect
def unknown_write(part):
    part.alone("node", writes="mystery")
    return "node 'node{0}' writes 'mystery', which is no field of the state"


@defect
def write_twice(part):
    part.alone("node", writes=("text" + part.tag, "text" + part.tag))
    return "node 'node{0}' names a field twice in writes="


@defect
def wrong_return(part):
    part.alone("node", does=part.function(returns=int), writes="text" + part.tag)
    return "node 'node{0}' returns int, but field 'text{0}' takes str"


@defect
def return_for_no_field(part):
    part.alone("node", does=part.function(returns=str))
    return "node 'node{0}' returns str, but declares no field for it"


@defect
def return_too_much(part):
    kind = TypedDict("kind", {"text" + part.tag: str, "num" + part.tag: int})
    part.alone("node", does=part.function(returns=kind), writes=("text" + part.tag,))
    return "node 'node{0}' returns 'num{0}', which writes= does not name"


@defect
def misspelt_write_of_several(part):
    kind = TypedDict("kind", {"text" + part.tag: str, "num" + part.tag: int})
    part.alone("node", does=part.function(returns=kind), writes=("tex" + part.tag, "num" + part.tag))
    return "node 'node{0}' writes 'tex{0}', which is no field of the state"


@defect
def wrong_return_of_several(part):
    kind = TypedDict("kind", {"text" + part.tag: int})
    part.alone("node", does=part.function(returns=kind), writes=("text" + part.tag,))
    return "node 'node{0}' returns in 'text{0}' int, but field 'text{0}' takes str"


@defect
def no_record(part):
    part.alone("node", does=part.function(returns=int), writes=("text" + part.tag, "num" + part.tag))
    return "node 'node{0}' writes several fields, so it returns a mapping"


# --------------------------------------------------------------------------- options of nodes


@defect
def generator(part):
    def items():
        yield

    part.alone("node", does=items, writes="text" + part.tag)
    return "node 'node{0}' is a generator"


def with_options(name, told, **options):
    def make(part):
        part.alone("node", **options)
        return "node 'node{0}': " + told

    DEFECTS[name] = make


async def waits(): ...


with_options("wrong_timeout", "timeout= wants a number", timeout=-1)
with_options("wrong_concurrency", "concurrency= wants a whole number", concurrency=0)
with_options("wrong_retry", "retry= wants a tenacity object", retry=3)
with_options("sleeping_retry", "retry= has a sleep= of its own", retry=Retrying(sleep=print))
with_options("wrong_version", "version= wants a text", version=2)
with_options("wrong_inline", "inline= wants True or False", inline=1)
with_options("inline_async", "inline=True is for plain functions", inline=True, does=waits)
with_options("inline_timeout", "an inline function cannot be timed out", inline=True, timeout=1)


@defect
def wrong_may_stop(part):
    part.graph.edge(part.alone("begin"), part.node("node", may_stop="yes"))
    return "node 'node{0}': may_stop= wants True or False"


# --------------------------------------------------------------------------- what nodes read


@defect
def unknown_parameter(part):
    part.alone("node", reads="mystery")
    return "node 'node{0}': parameter 'mystery{0}' is neither a field nor"


@defect
def misspelt_parameter(part):
    part.alone("node", reads="tex")
    return "node 'node{0}': parameter 'tex{0}' is neither a field nor"


@defect
def wrong_parameter(part):
    part.alone("node", does=part.function("text", text=int))
    return "node 'node{0}': parameter 'text{0}' is annotated int, but the field is str"


@defect
def unreadable_parameters(part):
    part.alone("node", does=dict)
    return "node 'node{0}': the parameters of"


@defect
def wrong_context(part):
    async def node(ctx: BlockingContext): ...

    part.alone("node", does=node)
    return "node 'node{0}': parameter 'ctx' is a BlockingContext"


@defect
def error_without_an_error_edge(part):
    def node(error: ValueError): ...

    part.alone("node", does=node)
    return "node 'node{0}': parameter 'error' is neither a field nor"


@defect
def error_that_is_not_brought(part):
    def handler(error: ValueError): ...

    part.graph.on_error(part.alone("node"), handle := part.node("handler", does=handler))
    part.exits.append(handle)
    return "node 'handler{0}': parameter 'error' wants ValueError, which edge node{0}->handler{0}!Exception"


@defect
def two_of_a_name(part):
    part.through(part.node("same", reads="text"), part.node("same"), part.node("same", reads="num"))
    return "two nodes are called 'same{0}'"


@defect
def two_of_a_name_and_one_without_edges(part):
    part.node("same")
    part.alone("same")
    return "two nodes are called 'same{0}'"


@defect
def unset_read(part):
    part.exits.append(end := part.node("end", reads="x"))
    part.fork(end)
    return "node 'end{0}' reads 'x{0}', which may be unset: nobody is sure to write it on the way"


@defect
def unset_condition(part):
    part.exits.append(last := part.node("last"))
    part.fork(end := part.node("end"))
    part.graph.edge(end, last, when=part.function("x"))
    return "the condition of edge end{0}->last{0} reads 'x{0}', which may be unset"


@defect
def unset_switch(part):
    part.exits.append(last := part.node("last"))
    part.fork(end := part.node("end"))
    part.graph.switch(end, {"a": last}, on="x" + part.tag, default=last)
    return "the condition of edge end{0}->last{0} reads 'x{0}', which may be unset"


# --------------------------------------------------------------------------- fields and resources


def with_field(name, told, annotation, default=...):
    def make(part):
        part.through(part.node("write", writes="field" + part.tag), part.node("read", reads="field"))
        return "field 'field{0}' of State: " + told

    DEFECTS[name], FIELDS[name] = make, (annotation, default)


with_field("wrong_field", "", object)
with_field("wrong_default", "its default cannot be used", int, "x")
with_field("wrong_reducer", "", Annotated[int, extend], 0)
with_field("two_reducers", "it has 2 reducers", Annotated[int, add, add], 0)


@defect
def resource_like_a_field(part):
    part.alone("node", does=part.function("clash", clash=str))
    return "resource 'clash{0}' is called like a field of the state"


FIELDS["resource_like_a_field"] = (str, "")
RESOURCES["resource_like_a_field"] = lambda tag: {"clash" + tag: int}


@defect
def unusable_resource(part):
    part.alone("node")
    return "resource 'my {0}': no parameter can be called so"


RESOURCES["unusable_resource"] = lambda tag: {"my " + tag: int}


@defect
def wrong_resource(part):
    part.alone("node", does=part.function("tool", tool=str))
    return "node 'node{0}': parameter 'tool{0}' is annotated str, but the resource is int"


RESOURCES["wrong_resource"] = lambda tag: {"tool" + tag: int}


# --------------------------------------------------------------------------- graphs

TAGS = string.ascii_letters + string.digits + "\u00e4\u00f6\u00fc"


def broken(kinds: Sequence[str], *, row: bool = False) -> tuple[Graph, list[str]]:
    """A graph with these defects, side by side or in a row, and how the problem of each begins."""
    state = _state(tuple((tag, kind in FIELDS and kind) for tag, kind in zip(TAGS, kinds, strict=False)))
    resources: dict[Any, Any] = {}
    for tag, kind in zip(TAGS, kinds, strict=False):
        resources |= RESOURCES[kind](tag) if kind in RESOURCES else {}
    graph = Graph(state, resources=resources)
    joints = [graph.node(lambda: None, name=f"joint{number}") for number in range(len(kinds) + 1)]
    graph.edge(START, joints[0])
    graph.edge(joints[-1], END)
    told = []
    for number, kind in enumerate(kinds):
        part = Part(graph, TAGS[number])
        told.append(DEFECTS[kind](part).format(part.tag))
        for entry in part.entries:
            graph.edge(joints[number if row else 0], entry)
        for leaving in part.exits:
            graph.edge(leaving, joints[number + 1 if row else -1])
    if not row:
        graph.chain(*joints)
    return graph, told


@cache
def _state(parts):
    fields: dict[str, Any] = {}
    for tag, kind in parts:
        fields["x" + tag] = (str, ...)
        fields["text" + tag] = (str, "")
        fields["num" + tag] = (int, 0)
        fields["mood" + tag] = (Literal["good", "bad"], "good")
        if kind:
            fields[("clash" if kind == "resource_like_a_field" else "field") + tag] = FIELDS[kind]
    return create_model("State", **fields)
