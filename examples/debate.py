"""Three engineers debate, round by round, until they agree; a judge who heard all of it says what to do.

    .venv/bin/python examples/debate.py

Scripts stand in for the models; two of them change their minds by what others said. The run is left in the second round, as
if the process had died, and goes on from its journal: who had answered is not asked again.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

from backedge import ActivationFinished
from backedge.nodes.orchestra import Choice, Performance, Perspective, agreement, orchestra
from backedge.providers import ModelRequest, ScriptedModel

KIND = Choice("one service", "many services")


def engineer(name: str, *said: tuple[str, str]) -> Perspective:
    """A model that says one thing after the other."""

    def speak(request: ModelRequest) -> str:
        told = request.messages[-1].text
        number = next((n for n, (_, why) in enumerate(said, 1) if f"Reason: {why}\n\nAnswer anew" in told), 0)
        choice, why = said[min(number, len(said) - 1)]
        return json.dumps({"choice": choice, "reason": why})

    return Perspective(name, f"You are the engineer {name}.", by=ScriptedModel(speak))


VERDICT = {"choice": "one service", "reason": "five people are one team, and it can be parted later"}

SIDES = (
    engineer("ann", ("one service", "we are five people")),
    engineer("bob", ("many services", "teams can grow"), ("one service", "we are not that many teams")),
    engineer(
        "cy",
        ("many services", "they fail alone"),
        ("many services", "so they do"),
        ("one service", "ann is right"),
    ),
)


async def main() -> None:
    """Debate, leave, and go on."""
    judge = ScriptedModel([json.dumps(VERDICT)])
    flow = orchestra(SIDES, synthesis="debate", kind=KIND, threshold=1, rounds=4, conductor=judge).compile()
    question = {"question": "One service or many?"}
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "runs.db"
        async with flow.start(question, journal=journal, run_id="debate") as run:
            async for event in run.events():
                if isinstance(event, ActivationFinished) and str(event.activation) == "bob@1":
                    print("left when bob had spoken for the second time\n")
                    break
        show((await flow.resume("debate", journal=journal)).state)


def show(state: Performance) -> None:
    """The rounds, and the end."""
    for number in range(state.result.rounds):
        said = [one for one in state.answers if one.round == number]
        print(f"round {number + 1}, agreement {agreement(said, kind=KIND):.2f}")
        for one in said:
            print(f"  {one.perspective}: {one.text}, since {one.reason}")
    answer = state.result.answer
    print(f"\nthe judge: {answer.text}, since {answer.reason}" if answer else f"\n{state.result.reason}")


if __name__ == "__main__":
    asyncio.run(main())
