from backedge import END, START, Context, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=15,
    name="Multiple Instances without a Priori Run-Time Knowledge",
    intent="While instances of a step run more of them may be started, and what follows waits for all there are in the end.",
    langgraph="partly: what an instance sends begins when all of its superstep are done",
    pydantic_graph="yes: a step may lead to another map of itself within the same fork",
    agent_framework="partly: an executor may send more messages, but handles one at a time",
)


class Crawl(State):
    seeds: list[str]
    pages: list[str] = []


LINKS = {"a": ["b", "c"], "b": ["d"], "d": ["e"], "x": ["y"]}


def workflow():
    graph = Graph(Crawl, resources={"work": Work})

    @graph.map(over="seeds", item="page", into="pages")
    async def visit(page: str, ctx: Context, work: Work) -> str:
        for link in LINKS.get(page, []):
            ctx.add(link)
        await work()
        return page

    [index] = steps(graph, "index")
    graph.chain(START, visit, index, END)
    return graph


def test_what_is_added_on_the_way_runs_and_is_waited_for():
    for outcome in outcomes(workflow, {"seeds": ["a", "x"]}):
        visits = {
            "visit[0]": "a",
            "visit[0.0]": "b",
            "visit[0.0.0]": "d",
            "visit[0.0.0.0]": "e",
            "visit[0.1]": "c",
        }
        visits |= {"visit[1]": "x", "visit[1.0]": "y"}
        assert sorted(outcome.worked) == sorted(["index", *visits])
        assert all(outcome.before(visit, "index") for visit in visits)
        assert outcome.state.pages == ["a", "b", "d", "e", "c", "x", "y"]
