"""From what a node returned to updates and edges, and the errors on the way."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypedDict

import pytest
from pydantic import BaseModel

from backedge.engine.errors import DeadEndError, LoopLimitError, RoutingError, UpdateError
from backedge.engine.execution.outcome import NOTHING, decode, encode, handlers, holding, route, updates_of
from backedge.engine.graph import END, START, Graph
from backedge.engine.recovery import new_schedule
from backedge.engine.state.reducers import extend


class Report(BaseModel):
    passed: bool


class State(BaseModel):
    code: str = "pass"
    count: int = 0
    report: Report | None = None
    mood: Literal["good", "bad"] = "good"
    unset: int
    notes: Annotated[list[str], extend] = []


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def compiled(writes: Any, function: Callable[..., object] = lambda: None):
    graph = Graph(State)
    graph.chain(START, graph.node(function, name="f", writes=writes), END)
    return graph.compile().graph


def updates(writes: Any, value: Any):
    graph = compiled(writes)
    return updates_of(graph, graph.plan.number["f"], value, "f@0")


def refused(writes: Any, value: Any) -> str:
    with pytest.raises(UpdateError) as caught:
        updates(writes, value)
    assert caught.value.activation == "f@0"
    return str(caught.value)


# --------------------------------------------------------------------------- updates


def test_a_single_field_takes_what_is_returned():
    assert updates("code", "x").values == {"code": "x"}
    assert updates("code", "x").encoded == {"code": b'"x"'}
    assert updates("notes", ["x"]).values == {"notes": ["x"]}


def test_none_is_written_to_a_single_field():
    assert updates("report", None).values == {"report": None}
    assert "field 'code' takes str, but got NoneType None" in refused("code", None)


def test_a_mapping_writes_the_fields_it_has():
    assert updates(("code", "count"), {"code": "x", "count": 1}).values == {"code": "x", "count": 1}
    assert updates(("code", "count"), {"count": 1}).values == {"count": 1}
    assert updates(("code", "count"), {}).values == {}

    class Out(TypedDict):
        code: str

    assert updates(("code", "count"), Out(code="x")).values == {"code": "x"}


def test_a_model_writes_the_fields_that_were_set():
    class Out(BaseModel):
        code: str = "default"
        report: Report | None = None

    writes = ("code", "report")
    assert updates(writes, Out(report=None)).values == {"report": None}
    assert updates(writes, Out(code="default")).values == {"code": "default"}
    assert updates(writes, Out()).values == {}
    assert updates(writes, Out(report=Report(passed=True))).values == {"report": Report(passed=True)}


def test_a_node_that_declares_no_field_returns_nothing():
    assert updates((), None) is NOTHING
    assert refused((), 5) == "f@0: returned 5, but declares no field for it; add writes="


@pytest.mark.parametrize("value", [None, 5, "code", ["code"], Rude()])
def test_several_fields_are_returned_in_a_mapping_or_model(value):
    assert refused(("code", "count"), value).startswith(
        "f@0: writes 'code', 'count', so it returns a mapping or a model, not "
    )


def test_fields_that_are_not_declared_are_refused():
    class Out(BaseModel):
        code: str
        notes: list[str] = []

    assert refused(("code", "count"), {"cod": "x", 5: 1}) == (
        "f@0: returned 'cod', 5, which writes= does not name; add it there"
    )
    assert "returned 'notes'" in refused(("code", "count"), Out(code="x", notes=["y"]))


def test_what_a_field_does_not_accept_is_told_once():
    told = refused("count", "many")
    assert told.startswith("f@0: field 'count' takes int, but got str 'many'")
    assert told.count("field") == 1


def test_what_is_encoded_comes_back():
    graph = compiled("code")
    update = encode(graph, {"code": "x", "report": Report(passed=True)}, "input")
    assert decode(graph, update.encoded) == update.values == {"code": "x", "report": Report(passed=True)}


# --------------------------------------------------------------------------- conditions


def at_start(when, *, resources=None, **options):
    graph = Graph(State, resources=dict.fromkeys(resources or {}, object))
    graph.edge(START, END, when=when, **options)
    return graph.compile().graph


def holds(when, resources=None) -> bool:
    graph = at_start(when, resources=resources)
    found = holding(graph, graph.start, graph.schema.initial(), resources or {}, "START")
    return bool(found)


def routing_error(when) -> RoutingError:
    with pytest.raises(RoutingError) as caught:
        holds(when)
    return caught.value


def test_an_edge_is_taken_when_its_condition_holds():
    assert holds(lambda code, count: code == "pass" and count == 0) is True
    assert holds(lambda code: False) is False
    assert holds(lambda threshold, count: count < threshold, {"threshold": 3}) is True
    assert holds(lambda count, k=1: count == k) is False


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "returned None"),
        (1, "returned 1"),
        ("yes", "returned 'yes'"),
        ([], "returned []"),
        (Rude(), "returned <Rude, whose repr raises RuntimeError>"),
    ],
)
def test_a_condition_that_answers_neither_yes_nor_no_is_a_routing_error(answer, told):
    assert str(routing_error(lambda code: answer)) == (
        f"START: the condition of edge START->END {told}; "
        f"a condition returns True or False: compare, or wrap it in bool(...)"
    )


@pytest.mark.parametrize("name", ["bool", "bool_"])
def test_numpys_booleans_are_booleans(name):
    class Answer:
        def __init__(self, value):
            self.value = value

        def __bool__(self):
            return self.value

    numpy = type(name, (Answer,), {"__module__": "numpy"})
    assert holds(lambda code: numpy(True)) is True
    assert holds(lambda code: numpy(False)) is False
    other = type(name, (Answer,), {"__module__": "elsewhere"})
    assert "returned <" in str(routing_error(lambda code: other(True)))
    array = type("ndarray", (Answer,), {"__module__": "numpy"})
    assert "returned <" in str(routing_error(lambda code: array(True)))


def test_a_condition_that_raises_is_a_routing_error_that_keeps_its_cause():
    error = routing_error(lambda report: report.passed)
    assert str(error) == (
        "START: the condition of edge START->END raised "
        "AttributeError: 'NoneType' object has no attribute 'passed'"
    )
    assert isinstance(error.__cause__, AttributeError)


def test_a_condition_that_wants_less_than_its_field_holds_is_a_routing_error():
    def when(report: Report) -> bool: ...

    assert str(routing_error(when)).startswith(
        "START: the condition of edge START->END: parameter 'report' wants Report, but field 'report' holds None ("
    )


def test_a_condition_that_reads_what_is_unset_is_a_routing_error():
    wanted = "START: the condition of edge START->END: reads field 'unset', which is unset"
    assert str(routing_error(lambda unset: True)) == wanted
    graph = Graph(State)
    graph.switch(START, {1: END}, on="unset")
    plain = graph.compile().graph
    with pytest.raises(RoutingError) as caught:
        holding(plain, plain.start, plain.schema.initial(), {}, "START")
    assert str(caught.value) == wanted


def test_a_key_that_is_missing_elsewhere_is_not_taken_for_an_unset_field():
    assert "raised KeyError: 'unset'" in str(routing_error(lambda code: {}["unset"]))


def test_a_switch_takes_the_edge_of_its_case():
    graph = Graph(State)
    one, other = (graph.node(lambda: None, name=name) for name in ("one", "other"))
    graph.switch(START, {"good": one, "bad": other}, on="mood")
    graph.edge(one, END)
    graph.edge(other, END)
    made = graph.compile().graph
    found = holding(made, made.start, made.schema.initial(), {}, "START")
    assert [made.edges[number].id for number in found] == ["START->one"]


# --------------------------------------------------------------------------- routes


def routed(graph, node="START", rounds=(), schedule=None):
    made = graph.compile().graph if isinstance(graph, Graph) else graph
    schedule = schedule or new_schedule(made)
    found = route(made, schedule, made.plan.number[node], rounds, made.schema.initial(), {})
    return [made.edges[number].id for number in found]


def test_without_conditions_every_edge_is_taken():
    graph = Graph(State)
    for name in "ab":
        graph.chain(START, graph.node(lambda: None, name=name), END)
    assert routed(graph) == ["START->a", "START->b"]


def test_a_node_of_which_no_edge_is_taken_is_a_dead_end_that_says_what_was_seen():
    graph = Graph(State)
    stop = graph.node(lambda: None, name="stop", may_stop=True)
    graph.edge(START, END, when=lambda code, notes: False, label="never")
    graph.edge(START, stop, when=lambda: False)
    with pytest.raises(DeadEndError) as caught:
        routed(graph)
    assert caught.value.conditions == ("START->END [never] saw code='pass', notes=[]", "START->stop")
    assert caught.value.activation == "START"


def test_a_switch_without_a_case_for_the_value_is_a_dead_end():
    graph = Graph(State)
    graph.switch(START, {"never": END}, on="code")
    with pytest.raises(DeadEndError) as caught:
        routed(graph)
    assert caught.value.conditions == ("START->END [never] saw code='pass'",)


def test_a_node_that_may_stop_is_no_dead_end():
    graph = Graph(State)
    node = graph.node(lambda: None, name="a", may_stop=True)
    graph.edge(START, node)
    graph.edge(node, END, when=lambda code: False)
    assert routed(graph, "a") == []


def test_at_its_limit_a_feedback_edge_fails_or_gives_way():
    def made(**options):
        graph = Graph(State)
        node = graph.node(lambda: None, name="a")
        graph.chain(START, node, END)
        graph.feedback(node, node, limit=0, **options)
        return graph

    with pytest.raises(LoopLimitError) as caught:
        routed(made(), "a", (0,))
    assert (caught.value.activation, caught.value.edge, caught.value.limit) == ("a@0", "a->a", 0)
    assert set(routed(made(otherwise=END), "a", (0,))) == {"a->END", "a->END!limit:a"}


# --------------------------------------------------------------------------- errors


def test_an_error_goes_to_the_edges_of_the_most_special_type_that_fits():
    graph = Graph(State)
    node = graph.node(lambda: None, name="a")
    one, other = (graph.node(lambda: None, name=name, may_stop=True) for name in ("one", "other"))
    graph.chain(START, node, END)
    graph.on_error(node, one)
    graph.on_error(node, one, error=LookupError)
    graph.on_error(node, other, error=LookupError)
    graph.on_error(node, other, error=KeyError)
    graph.on_error(node, END, error=OSError)
    made = graph.compile().graph
    number = made.plan.number["a"]

    def taken(error):
        return {made.edges[each].id for each in handlers(made, number, error)}

    assert taken(KeyError()) == {"a->other!KeyError"}
    assert taken(IndexError()) == {"a->one!LookupError", "a->other!LookupError"}
    assert taken(ValueError()) == {"a->one!Exception"}
    assert taken(FileNotFoundError()) == {"a->END!OSError"}
    assert handlers(made, made.plan.number["one"], ValueError()) == ()
