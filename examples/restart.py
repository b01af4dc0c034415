"""An estimator answers, and answers anew whenever something makes that stale: a check, a colleague, a person, an error.

    .venv/bin/python examples/restart.py

Models are scripted; the run waits for the person, as it would for days, and here they speak at once.
"""

import asyncio
import tempfile
from pathlib import Path

from pydantic import BaseModel

from backedge import END, START, Graph, send
from backedge.nodes.agents import Agent
from backedge.nodes.restarting import (
    Begun,
    Ignored,
    OnError,
    PeerAnswer,
    Restart,
    Restarts,
    UserInput,
    ValidationFeedback,
    prompt,
    restartable,
)
from backedge.providers import ModelError, ScriptedModel
from backedge.providers.errors import OverloadedError


class Estimate(BaseModel):
    """The state."""

    question: str
    answer: str = ""
    problem: str = ""
    second: str = ""
    restarts: Restarts = []


ESTIMATOR = ScriptedModel(
    [
        "It will be dear.",
        OverloadedError("no room"),
        "It will cost $500K, and $80K for the scaffold.",
        "It will cost 540,000 euros, scaffold included.",
    ]
)
COLLEAGUE = ScriptedModel(
    lambda request: "It costs 500,000 dollars; nobody has thought of a scaffold, $80K more."
)

graph = Graph(Estimate)
estimator = Agent(ESTIMATOR, instructions="You estimate costs.", name="estimator").node(
    graph, reads=lambda question, restarts: prompt(question, restarts), writes="answer"
)
colleague = Agent(COLLEAGUE, instructions="You look twice.", name="colleague").node(
    graph, reads="question", writes="second"
)


@graph.node(writes="problem")
async def check(answer: str) -> str:
    return "" if any(sign.isdigit() for sign in answer) else "there is no number in it"


graph.chain(START, estimator, check)
graph.edge(START, colleague)
restart = Restart(
    on=[ValidationFeedback("problem"), PeerAnswer("second"), UserInput("note"), OnError(ModelError)], limit=5
)
loop = restartable(graph, estimator, restart, answer="answer", restarts="restarts", after=[check, colleague])
graph.edge(loop.settled, END)


def main() -> None:
    flow = graph.compile()
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "runs.db"
        flow.run_sync({"question": "What does it cost to paint the bridge?"}, journal=journal, run_id="paint")
        for said in ("$80K for the scaffold", "in euros, as one sum", None):  # None: that was all
            asyncio.run(send("paint", "note", said, journal=journal))
        state = flow.resume_sync("paint", journal=journal).state
    for entry in state.restarts:
        match entry:
            case Begun(answer=answer, triggers=triggers):
                told = "; ".join(f"{it.kind}: {it.text}" for it in triggers)
                print(f"answered: {answer or 'nothing'}\n  again, for {told}")
            case Ignored(trigger=trigger, why=why):
                print(f"  not again, for {trigger.kind}: {trigger.text} ({why})")
    print("stands:", state.answer)


if __name__ == "__main__":
    main()
