from backedge import END, START, Graph

from .harness import outcomes
from .parts import State, Work, steps
from .pattern import Pattern

PATTERN = Pattern(
    number=13,
    name="Multiple Instances with a Priori Design-Time Knowledge",
    intent="A step is started as many times at once as the workflow's text says, and what follows waits for all of them.",
    langgraph="yes: a `Send` for each",
    pydantic_graph="yes: a map",
    agent_framework="yes: several executors behind fan-out edges",
)


class Bill(State):
    signed: list[str] = []


def workflow():
    graph = Graph(Bill, resources={"work": Work})
    draft, pay = steps(graph, "draft pay")

    def signers() -> list[str]:
        return ["treasurer", "chair", "auditor"]

    @graph.map(over=signers, item="who", into="signed")
    async def sign(who: str, work: Work) -> str:
        await work()
        return who

    graph.chain(START, draft, sign, pay, END)
    return graph


def test_all_three_run_at_once_and_what_follows_waits_for_them():
    for outcome in outcomes(workflow):
        signs = ["sign[0]", "sign[1]", "sign[2]"]
        assert sorted(outcome.worked) == ["draft", "pay", *signs]
        assert all(outcome.before("draft", sign) and outcome.before(sign, "pay") for sign in signs)
        assert outcome.state.signed == ["treasurer", "chair", "auditor"]
        if not outcome.killed:
            assert outcome.overlap("sign[0]", "sign[1]")
            assert outcome.overlap("sign[1]", "sign[2]")
