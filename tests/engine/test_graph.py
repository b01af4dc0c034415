"""The builder: what can be declared, how misuse is answered, and what a notebook may do twice."""

import functools
import inspect

import pytest
from pydantic import BaseModel

from backedge.engine.definition import Case, EdgeSpec, usable_name
from backedge.engine.errors import BackedgeError, GraphError
from backedge.engine.flow import Flow
from backedge.engine.graph import END, START, Graph, Node
from backedge.engine.redeclared import Site, same_edge


class State(BaseModel):
    code: str = ""
    notes: str = ""


class Rude:
    def __repr__(self):
        raise RuntimeError("no repr")


def write(code: str) -> str:
    """Write it."""
    return code + "!"


def read(code): ...


@pytest.fixture
def graph():
    return Graph(State)


@pytest.fixture
def node(graph):
    return graph.node(write, writes="code")


def said(caught) -> str:
    (told,) = caught.value.problems
    return told


def edges(graph) -> dict[str, EdgeSpec]:
    return {edge.id: edge for edge in graph.definition.edges}


# --------------------------------------------------------------------------- nodes


def test_a_decorated_function_becomes_a_node_that_is_still_the_function(graph):
    @graph.node(writes="code")
    def grow(code: str, times: int = 2) -> str:
        """Grow it."""
        return code * times

    assert isinstance(grow, Node)
    assert grow("ab", times=3) == "ababab"
    assert (grow.name, grow.__name__, grow.__doc__) == ("grow", "grow", "Grow it.")
    assert list(inspect.signature(grow).parameters) == ["code", "times"]
    assert repr(grow) == "<node grow>"


def test_the_decorator_works_bare_with_parentheses_and_as_a_call(graph):
    @graph.node
    def bare(code): ...

    @graph.node()
    def called(code): ...

    again = graph.node(write, name="again", writes="code")
    assert list(graph.definition.nodes) == ["bare", "called", "again"]
    assert again("x") == "x!"


def test_a_nodes_options_are_kept(graph):
    retry = object()
    graph.node(
        write,
        name="n",
        writes=["code", "notes"],
        inline=True,
        retry=retry,
        timeout=2.5,
        concurrency=3,
        uses="sandbox",
        may_stop=True,
        version="2",
    )
    spec = graph.definition.nodes["n"]
    assert spec.fields == ("code", "notes")
    assert (spec.inline, spec.retry, spec.timeout, spec.concurrency) == (True, retry, 2.5, 3)
    assert (spec.uses, spec.may_stop, spec.version) == (("sandbox",), True, "2")
    assert graph.node(write, name="one", writes="code").spec.fields == ("code",)
    assert graph.node(write, name="set", writes={"notes", "code"}, uses=["b", "a"]).spec.uses == ("b", "a")
    assert graph.definition.nodes["set"].writes == ("code", "notes")
    assert graph.node(read).spec.fields == ()


def test_a_functions_own_attributes_do_not_get_in_the_way(graph):
    def marked(): ...

    marked.spec = marked.function = marked.graph = marked.name = "mine"
    made = graph.node(marked)
    assert made.name == "marked"
    assert made.function is marked


def test_a_node_can_be_made_of_a_node_of_another_graph(graph):
    other = Graph(State)
    first = other.node(write, writes="code")
    second = graph.node(first, name="second", writes="code")
    assert second.function is write
    assert second("x") == "x!"


class Greeter:
    def __call__(self, code): ...

    def greet(self, code): ...


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (Greeter(), "Greeter"),
        (Greeter().greet, "greet"),
        (functools.partial(write), "write"),
        (functools.partial(Greeter()), "Greeter"),
        (len, "len"),
        (State, "State"),
    ],
)
def test_a_node_is_called_what_its_function_was_defined_as(graph, function, name):
    assert graph.node(function).name == name


@pytest.mark.parametrize("function", [lambda: 0, functools.partial(lambda: 0)])
def test_a_lambda_needs_a_name(graph, function):
    with pytest.raises(GraphError) as caught:
        graph.node(function)
    assert said(caught) == "a lambda has no name of its own: give the node one with name="
    assert graph.node(function, name="named").name == "named"


@pytest.mark.parametrize(
    "name", ["a", "checker-2", "lint.py", "ü", "日本", "a>b", "a-", "x" * 500, "'", '"<&']
)
def test_names_may_hold_what_does_not_stand_in_ids(graph, name):
    assert usable_name(name)
    assert graph.node(write, name=name).name == name


BAD_NAMES = [
    "",
    " ",
    "a b",
    "a\tb",
    "a\nb",
    "a\xa0b",
    "\u200b",
    "a/b",
    "a@0",
    "a[0]",
    "a!",
    "#a",
    "~",
    "a->b",
]
BAD_NAMES += ["START", "END", "\x00", "\ud800", 5, b"a", ("a",), Rude()]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_ids_could_not_be_made_of_are_refused(graph, name):
    assert not usable_name(name)
    with pytest.raises(GraphError) as caught:
        graph.node(write, name=name)
    assert "a node cannot be called" in said(caught)
    assert "without any of / @ [ ] ! # ~ or '->'" in said(caught)
    assert graph.definition.nodes == {}


@pytest.mark.parametrize("thing", ["name", 5, [write], Rude(), classmethod(write)])
def test_a_node_is_made_of_something_that_can_be_called(graph, thing):
    with pytest.raises(GraphError) as caught:
        graph.node(thing)
    assert "a node is made of a function or something else that can be called, not of" in said(caught)


@pytest.mark.parametrize("writes", [5, None, {"code": 1}, ["code", 5], b"code", [["code"]], Rude()])
def test_writes_wants_names(graph, writes):
    with pytest.raises(GraphError) as caught:
        graph.node(write, writes=writes)
    assert "writes= wants the name of a field or a tuple of names, not " in said(caught)


@pytest.mark.parametrize("uses", [5, None, [1], {"sandbox": 2}])
def test_uses_wants_names(graph, uses):
    with pytest.raises(GraphError) as caught:
        graph.node(uses=uses)(write)
    assert "uses= wants the name of a slot or a tuple of names, not " in said(caught)


def test_two_nodes_of_one_name_are_a_problem(graph):
    graph.node(write)
    graph.node(read, name="write")
    (told,) = graph.definition.problems
    assert told.startswith(
        "two nodes are called 'write': give one of them another name, as in graph.node(f, name='write2')"
    )
    assert "in a notebook, run the cell that makes the graph again" in told


def test_the_same_function_twice_in_one_file_needs_two_names(graph):
    graph.node(write)
    graph.node(write)
    assert len(graph.definition.problems) == 1


def test_a_loop_that_defines_one_node_over_and_over_is_a_problem(graph):
    for _ in range(2):

        @graph.node
        def worker(): ...

    assert len(graph.definition.problems) == 1


# --------------------------------------------------------------------------- the graph itself


@pytest.mark.parametrize("state", [5, dict, BaseModel, State(), "State", None, Rude()])
def test_the_state_must_be_a_model_class(state):
    with pytest.raises(GraphError) as caught:
        Graph(state)
    assert "the state must be a class of your own that inherits pydantic.BaseModel, not" in said(caught)


@pytest.mark.parametrize("resources", [["model"], "model", 5])
def test_resources_are_a_mapping(resources):
    with pytest.raises(GraphError) as caught:
        Graph(State, resources=resources)
    assert "resources= wants a mapping of names to types" in said(caught)


@pytest.mark.parametrize("name", ["", "half a letter \ud800", 5, b"x"])
def test_a_graphs_name_is_a_text_that_can_be_stored(name):
    with pytest.raises(GraphError) as caught:
        Graph(State, name=name)
    assert said(caught) == f"name= wants a text, not {name!r}"


def test_a_graph_is_called_like_its_state_unless_it_is_named():
    assert Graph(State).name == "State"
    assert Graph(State, name="demo").definition.name == "demo"


def test_a_definition_does_not_change_with_the_graph(graph, node):
    before = graph.definition
    graph.chain(START, node, END)
    graph.node(read)
    assert len(before.edges) == 0
    assert len(before.nodes) == 1


def test_compile_gives_a_flow_of_the_state(graph, node):
    graph.chain(START, node, END)
    flow = graph.compile()
    assert isinstance(flow, Flow)
    assert flow.state is State


def test_a_graph_can_be_drawn_without_a_flow(graph, node, tmp_path):
    graph.chain(START, node, END)
    graph.render(tmp_path / "graph.mmd")
    assert "write" in (tmp_path / "graph.mmd").read_text()


# --------------------------------------------------------------------------- edges


def test_the_ends_of_a_graph_show_their_names():
    assert (repr(START), repr(END)) == ("START", "END")


def test_a_chain_leads_through_all_its_nodes(graph, node):
    other = graph.node(read)
    graph.chain(START, node, other, END)
    graph.chain(START, node, END)  # what is there already is no problem
    assert list(edges(graph)) == ["START->write", "write->read", "read->END", "write->END"]
    assert graph.definition.problems == ()
    assert all(edge.unconditional for edge in graph.definition.edges)


@pytest.mark.parametrize("places", [(), (START,)])
def test_a_chain_needs_two(graph, places):
    with pytest.raises(GraphError) as caught:
        graph.chain(*places)
    assert "chain() joins two nodes or more" in said(caught)


def test_an_edge_keeps_its_condition_and_label(graph, node):
    graph.edge(node, END, when=read, label="ready")
    edge = edges(graph)["write->END"]
    assert (edge.when, edge.label, edge.feedback, edge.unconditional) == (read, "ready", False, False)


def test_a_feedback_edge_keeps_its_limit_and_the_way_at_the_limit(graph, node):
    other = graph.node(read)
    graph.feedback(other, node, limit=3, when=read, otherwise=END)
    graph.feedback(other, other, limit=None, otherwise=END)
    there = edges(graph)
    assert (there["read->write"].limit, there["read->write"].feedback) == (3, True)
    assert there["read->END!limit:write"].instead_of == "read->write"
    assert there["read->END!limit:read"].instead_of == "read->read"
    assert not there["read->END!limit:write"].unconditional
    assert graph.definition.problems == ()


def test_a_feedback_edge_needs_its_limit_written_out(graph, node):
    with pytest.raises(TypeError, match="limit"):
        graph.feedback(node, node)


def test_an_error_edge_carries_its_type(graph, node):
    handler = graph.node(read)
    graph.on_error(node, handler)
    graph.on_error(node, handler, error=ValueError, label="bad")
    there = edges(graph)
    assert there["write->read!Exception"].label == "Exception"
    assert there["write->read!ValueError"].label == "bad"
    assert not there["write->read!ValueError"].unconditional


@pytest.mark.parametrize(
    "error", ["ValueError", ValueError("x"), (ValueError, KeyError), KeyboardInterrupt, None, int]
)
def test_an_error_edge_wants_one_class_of_exceptions(graph, node, error):
    with pytest.raises(GraphError) as caught:
        graph.on_error(node, END, error=error)
    assert "error= wants one class of exceptions such as ValueError, not" in said(caught)
    assert "for several call it once for each" in said(caught)


def connecting(graph, place):
    """Every way to name a place."""
    node = graph.node(read, name="other")
    return [
        lambda: graph.edge(place, node),
        lambda: graph.edge(node, place),
        lambda: graph.chain(START, place, END),
        lambda: graph.feedback(place, node, limit=1),
        lambda: graph.feedback(node, place, limit=1),
        lambda: graph.feedback(node, node, limit=1, otherwise=place),
        lambda: graph.switch(place, {True: END}, on="code"),
        lambda: graph.switch(node, {True: place}, on="code"),
        lambda: graph.switch(node, {True: END}, on="code", default=place),
        lambda: graph.on_error(place, node),
        lambda: graph.on_error(node, place),
    ]


@pytest.mark.parametrize("way", range(11))
@pytest.mark.parametrize(
    ("place", "hint"),
    [
        ("write", "edges take the node itself, not its name"),
        (write, "make it one with @graph.node"),
        (5, "make it one with @graph.node"),
        ([], "make it one with @graph.node"),
        (Rude(), "make it one with @graph.node"),
    ],
)
def test_edges_join_nodes_and_nothing_else(graph, way, place, hint):
    with pytest.raises(GraphError) as caught:
        connecting(graph, place)[way]()
    assert "an edge joins nodes, START and END, and" in said(caught)
    assert said(caught).endswith(hint)
    assert graph.definition.edges == ()


def test_an_edge_to_none_is_refused(graph, node):
    with pytest.raises(GraphError, match="None is none of them"):
        graph.edge(node, None)


@pytest.mark.parametrize("way", range(11))
def test_a_node_of_another_graph_is_refused_even_if_one_of_its_name_is_here(graph, node, way):
    stranger = Graph(State, name="elsewhere").node(write)
    with pytest.raises(GraphError) as caught:
        connecting(graph, stranger)[way]()
    assert said(caught) == (
        "node 'write' belongs to another graph, 'elsewhere': make a node of it here, "
        "as in graph.node(write, name='write')"
    )
    assert graph.definition.edges == ()


def test_the_same_edge_declared_differently_is_a_problem(graph, node):
    graph.edge(node, END, when=read)
    graph.edge(node, END)
    (told,) = graph.definition.problems
    assert told.startswith("edge write->END is declared twice, differently: join the conditions with 'or'")


@pytest.mark.parametrize("change", [{"label": "x"}, {"limit": 2}, {"feedback": False}, {"when": write}])
def test_edges_differ_in_any_of_their_parts(change):
    one = {"when": read, "feedback": True, "limit": 1}
    assert same_edge(EdgeSpec("a", "b", **one), EdgeSpec("a", "b", **one))
    assert not same_edge(EdgeSpec("a", "b", **one), EdgeSpec("a", "b", **one | change))


def test_conditions_that_close_over_different_values_differ():
    class Stubborn:
        def __eq__(self, other):
            raise ValueError("not comparable")

        __hash__ = None

    def condition(k):
        return lambda code: code == k

    def default(k):
        return lambda code, k=k: code == k

    for make in (condition, default):
        assert same_edge(EdgeSpec("a", "b", make(1)), EdgeSpec("a", "b", make(1)))
        assert not same_edge(EdgeSpec("a", "b", make(1)), EdgeSpec("a", "b", make(2)))
        assert not same_edge(EdgeSpec("a", "b", make(Stubborn())), EdgeSpec("a", "b", make(Stubborn())))


# --------------------------------------------------------------------------- switches


def test_a_switch_is_an_edge_for_each_target(graph, node):
    fix, done = graph.node(read, name="fix"), graph.node(read, name="done")
    graph.switch(node, {"bad": fix, "worse": fix, "good": done})
    there = edges(graph)
    assert there["write->fix"].when == Case("code", ("bad", "worse"))
    assert there["write->fix"].label == "bad or worse"
    assert there["write->done"].when == Case("code", ("good",))


def test_a_default_takes_what_no_other_target_has(graph, node):
    fix = graph.node(read, name="fix")
    graph.switch(node, {"bad": fix, "good": END}, default=END, on="notes")
    there = edges(graph)
    assert there["write->END"].when == Case("notes", None, ("bad",))
    assert there["write->END"].label == "otherwise"
    assert there["write->fix"].when == Case("notes", ("bad",))
    assert graph.definition.problems == ()


@pytest.mark.parametrize(
    ("case", "value", "holds"),
    [
        (Case("f", ("a", "b")), "a", True),
        (Case("f", ("a", "b")), "c", False),
        (Case("f", None, ("a",)), "a", False),
        (Case("f", None, ("a",)), "c", True),
        (Case("f", None), [], True),
        (Case("f", ("a",)), [], False),
    ],
)
def test_a_case_holds_for_its_values(case, value, holds):
    assert case(value) is holds


def test_cases_are_labelled_as_they_are_written(graph, node):
    import enum

    color = enum.Enum("color", "RED")
    graph.switch(node, {True: END}, on="notes")
    graph.switch(node, {color.RED: graph.node(read)}, on="code")
    graph.switch(node, {5: graph.node(read, name="five")}, on="code")
    assert [edge.label for edge in graph.definition.edges] == ["True", "RED", "5"]


@pytest.mark.parametrize("cases", [{}, [("a", END)], None, 5])
def test_a_switch_needs_cases(graph, node, cases):
    with pytest.raises(GraphError) as caught:
        graph.switch(node, cases)
    assert "switch at 'write' wants a mapping of values to nodes" in said(caught)


@pytest.mark.parametrize("on", [5, ["code"], write])
def test_a_switch_looks_at_a_field_by_name(graph, node, on):
    with pytest.raises(GraphError) as caught:
        graph.switch(node, {"a": END}, on=on)
    assert "switch at 'write': on= wants the name of a field, not " in said(caught)


def test_a_switch_looks_at_the_one_field_its_node_writes(graph):
    several = graph.node(write, name="several", writes=("code", "notes"))
    for source in (several, graph.node(read), START):
        with pytest.raises(GraphError) as caught:
            graph.switch(source, {"a": END})
        assert "say on= which field it looks at" in said(caught)
    single = graph.node(write, name="single", writes=("notes",))
    graph.switch(single, {"a": END})
    assert edges(graph)["single->END"].when.field == "notes"


# --------------------------------------------------------------------------- notebooks


CELL = """
@graph.node(writes="code")
def first(code):
    return {value!r}

second = graph.node(read, name="second")
third = graph.node(lambda code: {value!r}, name="third")
graph.chain(START, first, second, third)
graph.feedback(third, first, limit=3, when=lambda code: code == {value!r})
graph.edge(third, END, when=lambda code: True)
"""


def run_cell(text, graph, name):
    exec(
        compile(text, name, "exec"),
        {"graph": graph, "read": read, "START": START, "END": END, "__name__": "__main__"},
    )


@pytest.mark.parametrize("names", [("<cell 1>", "<cell 1>"), ("<cell 1>", "<cell 2>")])
def test_a_cell_that_is_run_again_declares_anew(graph, names):
    run_cell(CELL.format(value="old"), graph, names[0])
    run_cell(CELL.format(value="new"), graph, names[1])
    definition = graph.definition
    assert definition.problems == ()
    assert list(definition.nodes) == ["first", "second", "third"]
    assert definition.nodes["first"].function("x") == "new"
    assert edges(graph)["third->first"].when("new")
    assert len(definition.edges) == 5
    graph.compile()


def test_a_problem_is_gone_when_its_declaration_is_run_again(graph):
    bad = "@graph.node\ndef a(): ...\nb = graph.node(a, name='a')\ngraph.edge(a, END)\ngraph.edge(a, END, label='x')"
    run_cell(bad, graph, "<cell 1>")
    assert len(graph.definition.problems) == 2
    run_cell("@graph.node\ndef a(): ...\ngraph.edge(a, END)", graph, "<cell 2>")
    assert graph.definition.problems == ()


def test_an_edge_of_a_node_that_was_defined_again_leads_to_the_new_one(graph):
    run_cell("@graph.node\ndef a(): return 1\nold = a\ngraph.edge(START, old)", graph, "<cell 1>")
    run_cell("@graph.node\ndef a(): return 2", graph, "<cell 2>")
    assert graph.definition.nodes["a"].function() == 2
    assert list(edges(graph)) == ["START->a"]


def site(text, name="f.py", module="m"):
    frame = inspect.currentframe()
    assert frame is not None
    code = compile(text, name, "exec")
    return Site(code, 1, module)


def test_a_declaration_is_run_again_when_another_code_object_stands_at_its_place():
    one = site("x = 1")
    assert not one.repeats(one)  # the same code, so a loop or a function called twice
    assert site("x = 1").repeats(one)
    assert site("x = 2").repeats(one)
    assert site("x = 1", name="other cell").repeats(one)
    assert not site("x = 1", module="other").repeats(one)
    assert not Site(site("x = 1").code, 2, "m").repeats(one)


def test_every_error_of_the_builder_is_ours():
    assert issubclass(GraphError, BackedgeError)
