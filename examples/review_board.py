"""A review board: four roles write a program, a debate looks at it, and a vote decides, in which security may veto.

    python examples/review_board.py                          # scripted models, no key needed
    python examples/review_board.py --model openai:gpt-5     # any name that `backedge models` lists
    python examples/review_board.py --journal board.db --run board --picture board.svg
    python examples/review_board.py --journal board.db --run board --resume      # after a crash, or Ctrl-C

It is one graph: the loop of the four roles, the debate and the vote are subgraphs of it. A board that turns a program down
sends it back over a feedback edge, with what it said. The last program is printed; all else is told on stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Annotated

from pydantic import BaseModel

from backedge import END, START, ActivationFinished, BackedgeError, Context, Event, Flow, Graph, extend, model
from backedge.cli.console import complain
from backedge.cli.interrupts import interrupts
from backedge.cli.problems import exit_code, explain
from backedge.nodes.agents import Agent, Report, Review, adversarial_loop
from backedge.nodes.orchestra import Answer, Choice, OrchestraResult, Perspective, orchestra
from backedge.nodes.sandbox import Sandbox, open_sandbox
from backedge.nodes.voting import Ballot, Election, Opinion, Result, Voter, ballot_paper, poll
from backedge.providers import Model, ModelRequest, ScriptedModel

TASK = """Write total(text) in Python: the sum of the amounts in a text such as "2 + 3.50 + 10", exact, as a Decimal. A text
that is no such sum is a ValueError. Show that it works: print total("2 + 3.50 + 10"), total("0.1 + 0.2"), and what comes of
total("2 +")."""

VIEWS = {
    "user": "You speak for those who use a program: does it do what was asked, exactly?",
    "security": "You look for what somebody who means harm could do with a program.",
    "upkeep": "You will have to change a program in a year: is it short, plain and clear?",
}

# ---------------------------------------------------------------------- the graph


class Board(BaseModel):
    """The state of the board."""

    task: str = TASK
    objections: Annotated[list[str], extend] = []
    specification: str = ""
    code: str = ""
    question: str = ""
    debate: OrchestraResult | None = None
    election: Election | None = None
    decision: Result | None = None


def specify(task: str, objections: list[str]) -> str:
    """What is to be built: the task, and what earlier programs were turned down for."""
    return "\n\n".join([task, *(f"A program was turned down: {one}" for one in objections)])


def motion(task: str, code: str) -> dict[str, object]:
    """What is debated, and then voted on."""
    program = f"The task:\n{task}\n\nThe program:\n{code}"
    election = Election(
        options={"release": program},
        voters=list(VIEWS),
        vetoes=["security"],
        quorum=len(VIEWS),
        question="Is this program released?",
    )
    return {"question": f"Is this program released, or revised?\n\n{program}", "election": election}


def minutes(decision: Result) -> list[str]:
    """What the board has against the program."""
    return [decision.reason]


def voter(name: str, by: Model) -> Voter:
    """One of the board, who votes by a model."""
    agent = Agent(by, instructions=VIEWS[name], output=Opinion, name=name, mode="prompt")

    async def vote(election: Election, ctx: Context) -> Opinion:
        may = "\n\nYou may veto." if name in election.vetoes else ""
        return (await agent.run(ballot_paper(election) + may, ctx)).output

    return vote


def board(models: dict[str, Model], sandbox: Sandbox) -> Graph[Board]:
    """The whole board. `models` are those of the coder, the checker, and each of the board, by name."""
    views = [Perspective(name, told, by=models[name]) for name, told in VIEWS.items()]
    choice = Choice("release", "revise")
    loop = adversarial_loop(coder=models["coder"], interpreter=sandbox, checker=models["checker"], limit=4)
    debate = orchestra(views, synthesis="debate", rounds=2, kind=choice, conductor=models["judge"])
    vote = poll({name: voter(name, models[name]) for name in VIEWS})

    graph = Graph(Board, name="review_board")
    specified = graph.node(specify, writes="specification", inline=True)
    built = graph.subgraph(loop, name="build")
    moved = graph.node(motion, writes=("question", "election"), inline=True)
    debated = graph.subgraph(debate, name="debate", writes={"result": "debate"})
    decided = graph.subgraph(vote, name="vote", writes={"result": "decision"})
    noted = graph.node(minutes, writes="objections", inline=True)
    graph.chain(START, specified, built, moved, debated, decided)
    graph.edge(decided, END, when=lambda decision: decision.status == "won", label="released")
    graph.edge(decided, noted, when=lambda decision: decision.status != "won", label="turned down")
    graph.feedback(noted, specified, limit=2, otherwise=END, label="revise")
    return graph


# ---------------------------------------------------------------------- scripted models

SHOW = """
print(total("2 + 3.50 + 10"), total("0.1 + 0.2"))
try:
    print(total("2 +"))
except ValueError as error:
    print("ValueError:", error)
"""
QUICK = "from decimal import Decimal\n\ndef total(text):\n    return Decimal(eval(text))\n"
EXACT = r"""import re
from decimal import Decimal

def total(text):
    try:
        return eval(re.sub(r"[\d.]+", r"Decimal('\g<0>')", text))
    except SyntaxError:
        raise ValueError(f"{text!r} is no sum") from None
"""
SAFE = """from decimal import Decimal, InvalidOperation

def total(text):
    try:
        return sum((Decimal(amount.strip()) for amount in text.split("+")), Decimal(0))
    except InvalidOperation:
        raise ValueError(f"{text!r} is no sum") from None
"""


def coder(request: ModelRequest) -> str:
    """Is quick first, then right, then careful."""
    asked = request.messages[-1].text
    program = SAFE if "vetoed" in asked else EXACT if "wrong" in asked else QUICK
    return f"```python\n{program}{SHOW}```"


def checker(request: ModelRequest) -> str:
    """Looks at what the program printed."""
    seen = request.messages[-1].text.rpartition("What happened:")[2]
    wrong = "" if "15.50 0.3\n" in seen else 'total("0.1 + 0.2") should be 0.3, and total("2 +") a ValueError'
    return Review(passed=not wrong, feedback=wrong).model_dump_json()


def of_the_board(name: str) -> ScriptedModel:
    """Debates and votes; only security minds what `eval` may do, whatever the others say."""

    def answer(request: ModelRequest) -> str:
        asked = "\n".join(message.text for message in request.messages)
        minds = name == "security" and "eval(" in asked
        reason = "eval runs whatever is in the text" if minds else "it does what was asked"
        if "Is this program released, or revised?" in asked:
            chosen = "revise" if minds else "release"
            return f'{{"choice": "{chosen}", "reason": "{reason}"}}'
        approve, veto = ((), ("release",)) if minds else (("release",), ())
        return Opinion(approve=approve, veto=veto, reason=reason).model_dump_json()

    return ScriptedModel(answer)


def scripted() -> dict[str, Model]:
    """All of them."""
    judge = ScriptedModel(lambda request: '{"choice": "release", "reason": "two of three are for it"}')
    members = {name: of_the_board(name) for name in VIEWS}
    return {"coder": ScriptedModel(coder), "checker": ScriptedModel(checker), "judge": judge, **members}


# ---------------------------------------------------------------------- the program


def told(event: Event) -> Iterator[str]:
    """An event as lines for whoever watches."""
    if isinstance(event, ActivationFinished):
        for field, value in event.updates.items():
            if line := in_words(field.rpartition("/")[2], value):
                yield f"{event.activation}: {line}"


def in_words(field: str, value: object) -> str:
    """What was written to a field; empty for what is not worth a line."""
    match field, value:
        case "report", Report() as report:
            return report.text.strip()
        case "feedback", [wrong]:
            return f"wrong: {wrong}"
        case "passed", True:
            return "nothing is wrong"
        case "answers", [Answer() as answer]:
            return f"{answer.text}: {answer.reason}"
        case "agreement", float():
            return f"they agree by {value:.2f}"
        case "ballots", [Ballot() as ballot]:
            stance = "vetoes" if ballot.veto else "approves" if ballot.approve else "rejects"
            return f"{stance}: {ballot.reason}"
        case "debate", OrchestraResult() as result:
            return f"the debate: {result.answer.text if result.answer else result.reason}"
        case "result", Result() as result:
            return f"the vote: {result.status}, {result.reason}"
        case _:
            return ""


async def carry_out(flow: Flow[Board], typed: argparse.Namespace) -> int:
    given = {"journal": typed.journal, "run_id": typed.run}
    started = flow.reopen(typed.run, journal=typed.journal) if typed.resume else flow.start({}, **given)
    async with started as run:
        with interrupts(run.interrupt, "stopped at once"):
            async for event in run.events():
                for line in told(event):
                    print(line, file=sys.stderr, flush=True)
            state = (await run.result()).state
    print(state.code, end="")
    return 0 if state.decision is not None and state.decision.status == "won" else 1


async def hold(typed: argparse.Namespace) -> int:
    """Hold the board that was asked for; gives the exit code."""
    sandbox = open_sandbox(typed.sandbox)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(sandbox.close)
        models = scripted()
        if typed.model:
            models = dict.fromkeys(models, await stack.enter_async_context(model(typed.model)))
        else:
            print("no --model: scripted models answer", file=sys.stderr)
        graph = board(models, sandbox)
        code = await carry_out(graph.compile(), typed)
    if typed.picture:
        graph.render(typed.picture, run=typed.run, journal=typed.journal)
    return code


def main() -> int:
    parser = argparse.ArgumentParser(description="Four roles write a program, and a board decides about it.")
    parser.add_argument("--model", help="such as openai:gpt-5; without it scripted models answer")
    parser.add_argument("--journal", help="where to keep the run; by default nowhere")
    parser.add_argument("--run", help="what to call it")
    parser.add_argument("--resume", action="store_true", help="go on with that run of that journal")
    parser.add_argument("--picture", help="draw the run into this file; wants --journal and --run")
    parser.add_argument("--sandbox", default="bubblewrap", help="or subprocess, which isolates nothing")
    typed = parser.parse_args()
    if bool(typed.journal) != bool(typed.run):
        parser.error("--journal and --run go together: where the run is kept, and what it is called")
    if (typed.resume or typed.picture) and not typed.run:
        parser.error("--resume and --picture want to know which run: say --journal and --run")
    try:
        return asyncio.run(hold(typed))
    except BackedgeError as error:
        complain(explain(error))
        return exit_code(error)
    except (OSError, ValueError) as error:  # of what was typed: no such model, no such folder
        complain(str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main())
