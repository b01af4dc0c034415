from pydantic import BaseModel

from backedge import END, START, Graph
from backedge.engine.parts import Port, home_of, parts_of, ports_of, within

from .render.composed import Build, crawl, deep, halves, raced, repaired, twice


def seen(flow):
    return {name: part.members for name, part in parts_of(flow.graph).items()}


def test_a_subgraph_is_its_entry_its_nodes_and_its_end():
    parts = parts_of(twice().graph)
    assert list(parts) == ["tidy", "polish"]  # in the order of the plan
    tidy = parts["tidy"]
    assert set(tidy.members) == {"tidy", "tidy/fix", "tidy/check", "tidy/END"}
    assert (tidy.outer, tidy.graph, tidy.mapped, tidy.entry, tidy.exit) == (
        None,
        "lint",
        None,
        "tidy",
        "tidy/END",
    )


def test_a_map_of_a_flow_is_one_part():
    (worker,) = parts_of(crawl().graph).values()
    assert (worker.name, worker.graph, worker.over, worker.entry, worker.exit) == (
        "worker",
        "page",
        "urls",
        "worker/MAP",
        "worker/JOIN",
    )
    assert {"worker/MAP", "worker", "worker/fetch", "worker/END", "worker/ERROR", "worker/JOIN"} <= set(
        worker.members
    )


def test_a_map_of_a_function_has_no_graph():
    (half,) = parts_of(halves().graph).values()
    assert (half.graph, set(half.members)) == ("", {"half/MAP", "half", "half/JOIN"})


def test_a_map_that_asks_how_many_are_enough_is_entered_there():
    class State(BaseModel):
        n: int = 2
        items: list[int] = []

    def enough(n: int) -> int:
        return n

    def find(n: int) -> list[int]:
        return [n]

    graph = Graph(State)
    body = graph.map(lambda item: None, over=find, item="item", name="body", join=enough)
    graph.chain(START, body, END)
    flow = graph.compile()
    (part,) = parts_of(flow.graph).values()
    assert (part.entry, part.over) == ("body/NEED", "find()")
    assert ports_of(flow.graph, {"body": part}) == {
        "body/NEED": Port.NEED,
        "body/MAP": Port.ITEMS,
        "body/JOIN": Port.RESULTS,
    }


def test_graphs_within_graphs_lie_in_each_other_outer_ones_first():
    parts = parts_of(deep(2).graph)
    assert [(name, part.outer) for name, part in parts.items()] == [("again", None), ("again/again", "again")]
    assert set(parts["again/again"].members) < set(parts["again"].members)
    assert home_of("again/again/shorter", parts) == "again/again"
    assert home_of("shorter", parts) is None
    ports = ports_of(deep(2).graph, parts)
    assert ports["again/again/again"] is Port.DEEP
    assert (ports["again/again"], ports["again/again/END"]) == (Port.ENTRY, Port.EXIT)


def test_what_somebody_declared_is_no_port():
    flow = crawl()
    ports = ports_of(flow.graph, parts_of(flow.graph))
    assert not {"seeds", "look", "worker/fetch", "worker/count"} & set(ports)
    assert ports["worker/ERROR"] is Port.ERROR

    class State(BaseModel):
        code: str

    inner = Graph(State)
    inner.chain(START, inner.node(lambda: None, name="MAP", inline=True), END)
    graph = Graph(State)
    graph.chain(START, graph.subgraph(inner, name="sub"), END)
    compiled = graph.compile().graph
    assert set(ports_of(compiled, parts_of(compiled))) == {"sub", "sub/END"}


def test_a_graph_of_plain_nodes_has_no_parts():
    graph = Graph(Build)
    graph.chain(START, graph.node(lambda: None, name="a", inline=True), END)
    assert parts_of(graph.compile().graph) == {}


def test_names_inside_a_part_are_told_without_its_path():
    assert within("build/lint/fast", "build/lint") == "fast"
    assert within("other/x", "build/lint") == "other/x"
    assert seen(repaired())["tidy"][0] == "tidy"
    assert "watch/peek" in seen(raced())["watch"]
