"""Four roles: a specification, a coder, an interpreter, and a checker that tries to break what was written.

    python examples/agent_adversarial.py                        # scripted models, no key needed
    python examples/agent_adversarial.py --model openai:gpt-5   # any name that `backedge models` lists

The interpreter runs each program in a sandbox. What the checker finds goes back to the coder, until it finds nothing. The
last program is printed; all else is told on stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack

from backedge import ActivationFinished, Event, model
from backedge.nodes.agents import Report, Review, adversarial_loop, checker_agent
from backedge.nodes.sandbox import open_sandbox
from backedge.providers import Model, ModelRequest, ScriptedModel

SPECIFICATION = """Write median(numbers) in Python: the middle one of the numbers in order, of an even count the mean of
the two in the middle. For no numbers it raises a ValueError. Show that it works: print median([3, 1, 2]),
median([4, 1, 3, 2]) and what happens for []."""

SHOW = """
for numbers in ([3, 1, 2], [4, 1, 3, 2], []):
    try:
        print(median(numbers))
    except ValueError as error:
        print("ValueError:", error)
"""
PROGRAMS = (
    "def median(numbers):\n    return numbers[len(numbers) // 2]\n",
    "def median(numbers):\n    numbers = sorted(numbers)\n    return numbers[len(numbers) // 2]\n",
    """def median(numbers):
    if not numbers:
        raise ValueError("no numbers, no median")
    numbers, half = sorted(numbers), len(numbers) // 2
    return numbers[half] if len(numbers) % 2 else (numbers[half - 1] + numbers[half]) / 2
""",
)


def scripted_coder() -> ScriptedModel:
    return ScriptedModel([f"Here it is:\n```python\n{program}{SHOW}```" for program in PROGRAMS])


def scripted_checker() -> ScriptedModel:
    """Looks at what the program printed, as a checker would."""

    def answer(request: ModelRequest) -> str:
        seen = request.messages[-1].text.rpartition("What happened:")[2]
        if "\n2\n" not in seen:
            review = Review(
                passed=False, feedback="median([3, 1, 2]) should be 2: the numbers are not put in order"
            )
        elif "2.5" not in seen or "ValueError" not in seen:
            review = Review(passed=False, feedback="even counts and no numbers at all are not looked after")
        else:
            review = Review(passed=True)
        return review.model_dump_json()

    return ScriptedModel(answer)


def told(event: Event) -> str:
    """An event as lines for whoever watches; empty for what is not worth one."""
    match event:
        case ActivationFinished(updates={"report": Report() as report}):
            return f"{event.activation}: {report.text}"
        case ActivationFinished(updates={"feedback": [wrong]}):
            return f"{event.activation}: {wrong}"
        case ActivationFinished(updates={"passed": True}):
            return f"{event.activation}: nothing is wrong"
        case _:
            return ""


async def carry_out(typed: argparse.Namespace) -> int:
    sandbox = open_sandbox(typed.sandbox)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(sandbox.close)
        asked: Model | None = await stack.enter_async_context(model(typed.model)) if typed.model else None
        graph = adversarial_loop(
            spec=SPECIFICATION,
            coder=asked or scripted_coder(),
            interpreter=sandbox,
            checker=checker_agent(asked or scripted_checker()),
            limit=5,
        )
        async with graph.compile().start({}, journal=typed.journal) as run:
            async for event in run.events():
                if line := told(event):
                    print(line, file=sys.stderr)
            state = (await run.result()).state
    print(state.code, end="")
    return 0 if state.passed else 1


def main() -> int:
    parser = argparse.ArgumentParser(description="A coder against a checker.")
    parser.add_argument("--model", help="such as openai:gpt-5; without it scripted models answer")
    parser.add_argument("--journal", help="where to keep the run; by default nowhere")
    parser.add_argument("--sandbox", default="bubblewrap", help="or subprocess, which isolates nothing")
    return asyncio.run(carry_out(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
