from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=19,
    name="Cancel Activity",
    intent="A single step that waits or runs is withdrawn, and everything else goes on.",
    langgraph="no: a node cannot cancel another",
    pydantic_graph="no: only a join's reducer cancels, and only all that it joins",
    agent_framework="partly: a caller may cancel an open request, but nobody an executor that runs",
)


def workflow():
    graph = Graph(State, resources={"work": Work})
    order, search, ring, decide = steps(graph, "order search ring decide")
    graph.chain(START, order, search, decide)
    graph.chain(order, ring, decide, END)
    graph.cancel(ring, search)  # a call makes the search needless
    return graph


def test_the_step_is_withdrawn_and_what_waited_for_it_goes_on():
    found = set()
    for outcome in outcomes(workflow):
        found.add("search" in outcome.ran)
        assert [name for name in outcome.ran if name != "search"] == ["order", "ring", "decide"]
        assert "search" not in outcome.ran or outcome.before("search", "decide")
    assert found == {True, False}
