from backedge import END, START, Graph, RunStatus

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=43,
    name="Explicit Termination",
    intent="The run is over as soon as one way reaches the end, and what else is still under way is cancelled.",
    langgraph="no: END ends its branch, the others go on",
    pydantic_graph="yes: the first value at the end node ends the run",
    agent_framework="no: an output ends nothing, a run goes on while there are messages",
)


def workflow():
    graph = Graph(State, resources={"work": Work}, end="first")
    ask, library, archive, web, note = steps(graph, "ask library archive web note")
    graph.chain(START, ask, library, END)
    graph.chain(ask, archive, note, END)
    graph.chain(ask, web, END)
    return graph


def test_the_first_way_that_reaches_the_end_ends_the_run():
    winners = set()
    for outcome in outcomes(workflow, orders=30):
        assert outcome.status is RunStatus.COMPLETED
        winner = outcome.state.log[-1]
        assert outcome.state.log in (["ask", "library"], ["ask", "archive", "note"], ["ask", "web"])
        assert not any(outcome.before(winner, name) for name in outcome.ran)
        winners.add(winner)
    assert winners == {"library", "note", "web"}
