"""What can be wrong with a single node, edge or switch."""

import enum
import math
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel
from tenacity import AsyncRetrying, Retrying, stop_after_attempt

from backedge.engine.compiler.compile import BackedgeWarning
from backedge.engine.context import Context
from backedge.engine.graph import END, START, Graph
from backedge.engine.state.reducers import extend, maximum

from .building import alone, problem_of, problems_of


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Tone(enum.StrEnum):
    LOUD = "loud"
    LOW = "low"


class State(BaseModel):
    code: str = ""
    done: bool = False
    mood: Literal["good", "bad", "ugly"] = "good"
    maybe: Literal["yes"] | None = None
    color: Color = Color.RED
    tone: Tone = Tone.LOW
    notes: Annotated[list[str], extend] = []


class Rude:
    def __repr__(self):
        raise RuntimeError("no repr")


def work(code): ...


@pytest.fixture
def graph():
    return Graph(State, resources={"model": object})


# --------------------------------------------------------------------------- nodes


def test_a_write_to_what_is_no_field_is_told(graph):
    alone(graph, work, writes=("cod", "code"))
    assert problem_of(graph) == (
        "node 'f' writes 'cod', which is no field of the state (code, done, mood, maybe, color, tone, notes)"
    )


def test_a_state_without_fields_can_be_written_nothing():
    class Empty(BaseModel):
        pass

    graph = Graph(Empty)
    alone(graph, lambda: 0, writes="code")
    assert problem_of(graph) == "node 'f' writes 'code', which is no field of the state (it has none)"


def test_a_field_named_twice_is_told(graph):
    alone(graph, work, writes=("code", "code"))
    assert problem_of(graph) == "node 'f' names a field twice in writes=; name each once"


@pytest.mark.parametrize("timeout", [0, -1, math.nan, math.inf, "5", True, [], Rude()])
def test_a_timeout_is_a_number_of_seconds(graph, timeout):
    alone(graph, work, timeout=timeout)
    assert problem_of(graph).startswith("node 'f': timeout= wants a number of seconds above 0, not ")


@pytest.mark.parametrize("concurrency", [0, -1, 1.0, "8", True, Rude()])
def test_concurrency_is_a_whole_number(graph, concurrency):
    alone(graph, work, concurrency=concurrency)
    assert problem_of(graph).startswith("node 'f': concurrency= wants a whole number from 1, not ")


@pytest.mark.parametrize("retry", [3, "always", Rude(), AsyncRetrying])
def test_retry_is_one_of_tenacitys_objects(graph, retry):
    alone(graph, work, retry=retry)
    told = problem_of(graph)
    assert told.startswith("node 'f': retry= wants a tenacity object such as AsyncRetrying(...), not ")


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [("inline", 1, "True or False"), ("may_stop", "no", "True or False"), ("version", 2, "a text")],
)
def test_options_are_of_their_types(graph, option, value, wanted):
    alone(graph, work, **{option: value})
    assert problem_of(graph) == f"node 'f': {option}= wants {wanted}, not {value!r}"


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0.1},
        {"timeout": 3, "concurrency": 1},
        {"retry": AsyncRetrying(stop=stop_after_attempt(2))},
        {"retry": Retrying()},
        {"inline": True, "may_stop": True, "version": "2"},
    ],
)
def test_nothing_is_said_of_good_options(graph, options):
    alone(graph, work, **options)
    graph.compile()


async def waits(code): ...


def test_what_is_async_cannot_be_inline(graph):
    alone(graph, waits, inline=True)
    assert "inline=True is for plain functions" in problem_of(graph)


def test_what_is_inline_cannot_be_timed_out(graph):
    alone(graph, work, inline=True, timeout=1)
    assert "an inline function cannot be timed out; drop inline=True or timeout=" in problem_of(graph)


def test_a_generator_is_no_node(graph):
    def items(code):
        yield code

    alone(graph, items, writes="notes")
    assert problem_of(graph) == "node 'f' is a generator; collect what it yields in a list and return that"


# --------------------------------------------------------------------------- handlers


def handled(graph, handler, *, error=ValueError, ways=()):
    node, catch = graph.node(work, name="a"), graph.node(handler, name="h")
    graph.chain(START, node, END)
    graph.on_error(node, catch, error=error)
    graph.edge(catch, END)
    for way in ways:
        graph.edge(way, catch)
    return graph


def test_a_handler_whose_type_every_edge_brings_is_fine(graph):
    def handler(error: ValueError): ...

    handled(graph, handler).compile()


def test_a_handler_may_take_a_wider_type(graph):
    def handler(error: Exception): ...

    handled(graph, handler).compile()


def test_a_handler_of_a_narrower_type_is_told(graph):
    def handler(error: ValueError): ...

    assert problem_of(handled(graph, handler, error=Exception)) == (
        "node 'h': parameter 'error' wants ValueError, which edge a->h!Exception does not bring; "
        "give it a default: error: ValueError | None = None"
    )


def test_a_handler_that_can_be_reached_without_an_error_is_told(graph):
    def handler(error: ValueError): ...

    assert "which edge START->h does not bring" in problem_of(handled(graph, handler, ways=[START]))


def test_a_default_is_for_when_no_error_comes(graph):
    def handler(error: ValueError | None = None): ...

    handled(graph, handler, error=Exception, ways=[START]).compile()


# --------------------------------------------------------------------------- edges


def looped(graph, **options):
    node = graph.node(work, name="a")
    graph.chain(START, node, END)
    graph.feedback(node, node, **{"limit": 2, **options})
    return graph


@pytest.mark.parametrize("limit", [-1, 1.0, "8", True, Rude()])
def test_a_limit_is_a_whole_number(graph, limit):
    told = problem_of(looped(graph, limit=limit))
    assert told.startswith("feedback edge a->a: limit= wants a whole number from 0 or None, not ")


@pytest.mark.parametrize("limit", [0, 1, 10**6])
def test_any_whole_number_is_a_limit(graph, limit):
    looped(graph, limit=limit).compile()


def test_a_loop_without_condition_or_limit_would_never_end(graph):
    assert problem_of(looped(graph, limit=None)) == (
        "feedback edge a->a has neither a condition nor a limit: the loop would never end; give it when= or limit="
    )


def test_a_loop_with_a_condition_needs_no_limit(graph):
    looped(graph, limit=None, when=lambda done: done).compile()


def test_edges_go_neither_into_start_nor_out_of_end(graph):
    node = alone(graph, work)
    graph.edge(node, START)
    graph.edge(END, node)
    assert problems_of(graph) == [
        "edge f->START: nothing leads to START; lead to the first node instead",
        "edge END->f: nothing leaves END; leave the node before it instead",
    ]


def test_start_does_not_fail(graph):
    node = alone(graph, work)
    graph.on_error(START, node)
    assert (
        problem_of(graph)
        == "edge START->f!Exception: START does not fail; lead the errors of a node on instead"
    )


def test_a_label_is_a_text(graph):
    node = graph.node(work)
    graph.edge(START, node, label=5)
    graph.edge(node, END)
    assert problem_of(graph) == "edge START->work: label= wants a text, not 5"


# --------------------------------------------------------------------------- conditions


@pytest.mark.parametrize("when", [True, "done", 5, [], Rude()])
def test_a_condition_is_a_function(graph, when):
    graph.edge(START, END, when=when)
    assert problem_of(graph).startswith(
        "the condition of edge START->END: when= wants a function of fields, not "
    )


async def awaited(done): ...
def contextual(ctx: Context): ...
def yielding(done):
    yield done


@pytest.mark.parametrize("when", [awaited, contextual, yielding])
def test_a_condition_is_a_plain_function_of_fields(graph, when):
    graph.edge(START, END, when=when)
    assert problem_of(graph) == (
        "the condition of edge START->END must be a plain function of fields: "
        "do the work in a node, and look at its result"
    )


def test_a_condition_that_says_it_returns_no_boolean_is_told(graph):
    def when(code) -> str: ...

    graph.edge(START, END, when=when)
    assert (
        problem_of(graph) == "the condition of edge START->END returns str; a condition returns True or False"
    )


def test_a_condition_may_say_that_it_returns_a_boolean(graph):
    def when(code, done: bool, model) -> bool: ...

    graph.edge(START, END, when=when)
    graph.compile()


def test_the_parameters_of_a_condition_are_those_of_a_node(graph):
    graph.edge(START, END, when=lambda cod: True)
    told = problem_of(graph)
    assert told.startswith(
        "the condition of edge START->END: parameter 'cod' is neither a field nor a resource"
    )
    assert "is 'code' meant?" in told


# --------------------------------------------------------------------------- resources


def test_a_resource_needs_a_name_that_a_parameter_can_have():
    graph = Graph(State, resources={"my model": object, 5: object, "code": object})
    graph.edge(START, END)
    assert problems_of(graph) == [
        "resource 'my model': no parameter can be called so; choose another name",
        "resource 5: no parameter can be called so; choose another name",
        "resource 'code' is called like a field of the state; rename one of them",
    ]


# --------------------------------------------------------------------------- switches


def switched(graph, cases, *, function=work, writes="mood", **options):
    """A switch whose every case leads to END, by a node each."""
    node = graph.node(function, name="s", writes=writes)
    graph.edge(START, node)
    targets = {value: graph.node(work, name=f"t{number}") for number, value in enumerate(cases)}
    for target in targets.values():
        graph.edge(target, END)
    graph.switch(node, targets, **options)
    return graph


@pytest.mark.parametrize(
    ("writes", "cases"),
    [
        ("mood", ["good", "bad", "ugly"]),
        ("maybe", ["yes", None]),
        ("done", [True, False]),
        ("color", list(Color)),
        ("tone", list(Tone)),
        ("tone", ["loud", "low"]),
        ("code", ["anything"]),
    ],
)
def test_a_switch_that_covers_its_field_is_fine(graph, writes, cases):
    switched(graph, cases, writes=writes).compile()


@pytest.mark.parametrize(
    ("writes", "cases", "missing"),
    [
        ("mood", ["good"], "'bad', 'ugly'"),
        ("maybe", ["yes"], "None"),
        ("done", [True], "False"),
        ("color", [Color.BLUE], "<Color.RED: 1>"),
        ("tone", [Tone.LOUD], "<Tone.LOW: 'low'>"),
    ],
)
def test_a_switch_that_does_not_cover_its_field_is_told(graph, writes, cases, missing):
    assert problem_of(switched(graph, cases, writes=writes)) == (
        f"switch at 's' does not cover {missing} of {writes!r}; add cases for them, or a default="
    )


def test_a_default_covers_the_rest(graph):
    switched(graph, ["good"], default=END).compile()


def test_two_switches_on_one_field_cover_it_together(graph):
    switched(graph, ["good", "bad"])
    other = graph.node(work, name="other")
    graph.edge(other, END)
    node = graph._nodes.things["s"]
    graph.switch(node, {"ugly": other})
    graph.compile()


def test_a_case_that_never_comes_is_told(graph):
    problems = problems_of(switched(graph, ["good", "bad", "ugly", "ugli"]))
    assert problems == ["switch at 's': 'mood' is never 'ugli'; it is one of 'good', 'bad', 'ugly'"]
    problems = problems_of(switched(Graph(State), ["RED"], writes="color", default=END))
    assert "never 'RED'; it is one of <Color.RED: 1>, <Color.BLUE: 2>" in problems[0]


def test_a_node_that_returns_fewer_values_needs_fewer_cases(graph):
    def good(code) -> Literal["good", "bad"]: ...

    switched(graph, ["good", "bad"], function=good).compile()
    assert "never 'ugly'" in problem_of(switched(Graph(State), ["good", "bad", "ugly"], function=good))


def test_what_a_node_adds_to_a_reducer_field_says_nothing_of_its_value():
    class Graded(BaseModel):
        grade: Annotated[Literal["a", "b"], maximum] = "b"

    def best() -> Literal["a"]: ...

    graph = Graph(Graded)
    node = graph.node(best, writes="grade")
    graph.edge(START, node)
    graph.switch(node, {"a": END})
    assert (
        problem_of(graph)
        == "switch at 'best' does not cover 'b' of 'grade'; add cases for them, or a default="
    )


def test_a_switch_on_what_is_no_field_is_told(graph):
    told = problem_of(switched(graph, ["good"], on="mod"))
    assert told == (
        "switch at 's': 'mod' is no field of the state (code, done, mood, maybe, color, tone, notes); "
        "say on= which one is meant"
    )


def test_a_switch_of_a_state_without_fields_is_told():
    class Empty(BaseModel):
        pass

    graph = Graph(Empty)
    graph.switch(START, {"a": END}, on="mood")
    assert (
        problem_of(graph)
        == "switch at 'START': 'mood' is no field of the state (it has none); say on= which one is meant"
    )


def test_a_switch_at_start_looks_at_the_field(graph):
    graph.switch(START, {True: END}, on="done")
    assert "switch at 'START' does not cover False of 'done'" in problem_of(graph)


def test_a_switch_on_a_field_whose_type_is_a_problem_says_no_more():
    class Broken(BaseModel):
        mood: object = None

    graph = Graph(Broken)
    graph.switch(START, {"a": END}, on="mood")
    assert all("mood" in told and "switch" not in told for told in problems_of(graph))


# --------------------------------------------------------------------------- annotations that say nothing


def test_an_annotation_that_cannot_be_resolved_is_warned_of(graph):
    def build(code: "Sting") -> "Reprot":  # noqa: F821
        return code

    graph.chain(START, graph.node(build, name="build", writes="code"), END)
    with pytest.warns(BackedgeWarning) as caught:
        flow = graph.compile()
    told = [str(each.message) for each in caught]
    assert list(flow.warnings) == told
    assert [("Sting of parameter 'code'" in text, "Reprot of what it returns" in text) for text in told] == [
        (True, False),
        (False, True),
    ]


def test_annotations_that_are_missing_or_can_be_resolved_are_not_warned_of(graph):
    def build(code) -> "str":
        return code

    graph.chain(START, graph.node(build, name="build", writes="code"), END)
    assert graph.compile().warnings == ()


@pytest.mark.parametrize("owned", [False, True])
@pytest.mark.parametrize("kind", [Retrying, AsyncRetrying])
def test_a_retry_that_sleeps_by_itself_is_refused_since_the_run_waits(graph, kind, owned):
    class Own(kind):
        pass

    alone(graph, work, retry=(Own if owned else kind)(sleep=lambda _: None))
    assert "retry= has a sleep= of its own" in problem_of(graph)


def test_a_kind_of_retry_of_ones_own_that_does_not_sleep_by_itself_is_taken(graph):
    class Own(Retrying):
        pass

    alone(graph, work, retry=Own())
    graph.compile()
