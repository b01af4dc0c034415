from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=33,
    name="Generalised AND-Join",
    intent="Several threads pass through the same parallel branches, and the join brings together, for each thread, one arrival from each branch.",
    langgraph="no: an edge from a list knows whether a branch has arrived, not how often",
    pydantic_graph="yes: a join of the closest fork joins each thread",
    agent_framework="partly: a fan-in keeps what comes early, but hands over all of it at once",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    photo, price, shelve = steps(graph, "photo price shelve")
    east, west, south = steps(graph, "east west south")
    [unload] = steps(graph, "unload", join="each")
    for truck in (east, west, south):
        graph.chain(START, truck, unload)
    graph.chain(unload, photo, shelve)
    graph.chain(unload, price, shelve, END)
    return graph


def test_each_thread_is_joined_with_itself_whatever_arrives_first():
    crossed = False
    for outcome in outcomes(workflow):
        trucks = ["east", "west", "south"]
        runs = [f"{name}[{truck}]" for truck in trucks for name in ("unload", "photo", "price", "shelve")]
        assert sorted(outcome.ran) == sorted([*trucks, *runs])
        for truck in trucks:
            assert outcome.before(f"photo[{truck}]", f"shelve[{truck}]")
            assert outcome.before(f"price[{truck}]", f"shelve[{truck}]")
        photos, prices = (
            [name for name in outcome.ran if name.startswith(kind)] for kind in ("photo", "price")
        )
        crossed |= [name[5:] for name in photos] != [name[5:] for name in prices]
    assert crossed
