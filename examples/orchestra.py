"""Five perspectives on a plan: one answer written from all of them, and what it will cost by their weights.

    .venv/bin/python examples/orchestra.py

Scripts stand in for the models. One of them cannot be reached: the others go on, and the result says who is missing.
"""

from __future__ import annotations

from dataclasses import replace

from backedge.nodes.orchestra import Number, Perspective, business_strategy, orchestra
from backedge.providers import ModelRequest, ScriptedModel
from backedge.providers.errors import OverloadedError

QUESTION = "Shall we run a warehouse of our own?"

SAID = {
    "market": "Next-day delivery wins in cities, and two rivals have it already.",
    "the money": "It pays back in four years, in six if volumes grow half as fast.",
    "takes to do it": "Two managers and a system are missing; it takes nine months.",
    "the customers": "They want to know when it comes more than they want it tomorrow.",
}

ESTIMATES = (
    ("vendor", "$1.1M", 1),
    ("engineer", "about $1.5 million", 3),
    ("auditor", "1,480,000 dollars", 2),
)


def speak(request: ModelRequest) -> str:
    """What a model would say, by its instructions."""
    instructions = request.messages[0].text
    if "Write one answer" in instructions:
        return (
            "Yes, in cities only: rivals deliver there the next day [market], and it pays back in four years [finance]. "
            "Hire first, since that takes nine months [operations], and tell customers when it comes [customers]."
        )
    for sign, answer in SAID.items():
        if sign in instructions:
            return answer
    raise OverloadedError("the model is busy")


def advise() -> None:
    """One answer of words."""
    model = ScriptedModel(speak)
    board = [replace(one, weight=2) if one.name == "finance" else one for one in business_strategy()]
    flow = orchestra(board, model=model, synthesis="comprehensive", quorum=3).compile()
    result = flow.run_sync({"question": QUESTION}).state.result
    for name, one in result.answers.items():
        print(f"{name}: {one.text}")
    for missing in result.missing:
        print(f"{missing.perspective} is missing: {missing.why.partition(':')[0]}")
    print(f"\n{result.answer.text if result.answer else result.reason}")
    print(f"named: {', '.join(result.sources)}\n")


def estimate() -> None:
    """One number, without a model."""
    asked = [Perspective(name, by=lambda said=said: said, weight=weight) for name, said, weight in ESTIMATES]
    flow = orchestra(asked, kind=Number("$", tolerance=0.05), synthesis="weighted").compile()
    result = flow.run_sync({"question": "What will it cost?"}).state.result
    print(f"{result.answer.text if result.answer else result.reason}; they agree to {result.agreement:.2f}")
    for one in result.dissent:
        print(f"  {one.perspective} says {one.text}")


if __name__ == "__main__":
    advise()
    estimate()
