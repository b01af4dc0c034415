"""From a sketch to a program: a loop of four roles.

A vision role reads the picture of a sketched system into a specification, a coder writes the program, an interpreter
runs it in a sandbox, and a checker judges it. What is wrong goes back to the coder over a feedback edge; so does an
answer of the API that did not come.

    python examples/sketch_to_code.py                              # a scripted model, no key needed
    python examples/sketch_to_code.py --model openai:gpt-5 my.png  # any name that `backedge models` lists

The program is printed; all else is told on stderr. Exit codes: 0 it passes its cases, 1 it does not, or the run failed,
2 bad usage, 3 stopped; what failed or was stopped goes on with --resume.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from backedge import END, START, ActivationFinished, BackedgeError, Event, Graph, extend, model
from backedge.cli.console import complain, say
from backedge.cli.interrupts import interrupts
from backedge.cli.problems import exit_code, explain
from backedge.cli.progress import line_of
from backedge.nodes.cases import Case, Trial, program_in, try_program
from backedge.nodes.sandbox import Sandbox, open_sandbox
from backedge.providers import Image, Message, Model, ModelError, ModelRequest, ScriptedModel, respond_as
from backedge.providers.errors import BadAnswerError, OverloadedError, TransientError
from backedge.providers.wrappers import Retrying

ASIDE = Path(__file__).with_suffix("")
SKETCH = ASIDE / "sketch.png"
KEPT = ("journal", "model", "sandbox", "svg")  # options that a run which goes on needs again

READ = """The picture is a sketch of a small system. Say what to build: one Python function that does what the whole
sketch shows. Follow every box, arrow and remark. Give the cases that the sketch shows, and a few that follow from its
remarks."""
WRITE = "You write Python without dependencies. Answer with the whole program in one fenced code block."


class Specification(BaseModel):
    """What the picture asks for."""

    function: str = Field(description="The function's name")
    behaviour: str = Field(description="What it takes and returns, step by step")
    cases: tuple[Case, ...] = Field(min_length=1)


class Build(BaseModel):
    """The state of the loop."""

    picture: Image
    specification: Specification
    code: str = ""
    trial: Trial = Trial()
    passed: bool = False
    feedback: Annotated[list[str], extend] = []


graph = Graph(Build, resources={"model": Model, "sandbox": Sandbox}, name="sketch_to_code")


@graph.node(writes="specification")
async def vision(picture: Image, model: Model) -> Specification:
    request = ModelRequest(messages=(Message.of("user", READ, picture),))
    return (await respond_as(model, request, Specification)).value


@graph.node(writes="code")
async def coder(specification: Specification, code: str, feedback: list[str], model: Model) -> str:
    cases = "\n".join(f"- arguments {case.arguments} give {case.expected}" for case in specification.cases)
    asked = f"Write {specification.function}. {specification.behaviour}\n{cases}"
    if code:
        asked += f"\n\nYour last program:\n```python\n{code}```"
    for number, wrong in enumerate(feedback, 1):
        asked += f"\n\nAttempt {number}: {wrong}"
    request = ModelRequest(messages=(Message.of("system", WRITE), Message.of("user", asked)))
    answer = await model.respond(request)
    program = program_in(answer.text)
    if program is None:
        raise BadAnswerError("the answer holds no program in a code block", model=answer.by)
    return program


@graph.node(writes="trial")
async def interpreter(specification: Specification, code: str, sandbox: Sandbox) -> Trial:
    return await try_program(sandbox, code, function=specification.function, cases=specification.cases)


@graph.node(writes=("passed", "feedback"), inline=True)
def checker(trial: Trial, error: TransientError | None = None) -> dict[str, object]:
    if error is not None:
        return {"passed": False, "feedback": [f"there was no program: {error}"]}
    if trial.passed:
        return {"passed": True}
    return {"passed": False, "feedback": [trial.problem or "; ".join(map(str, trial.failing))]}


graph.chain(START, vision, coder, interpreter, checker)
# Other errors of the API, such as a refused key, end the run.
graph.on_error(coder, checker, error=TransientError, label="no answer")
graph.feedback(checker, coder, when=lambda passed: not passed, limit=6, otherwise=END, label="wrong")
graph.edge(checker, END, when=lambda passed: passed, label="passed")


def scripted() -> ScriptedModel:
    """Answers that were written for sketch.png: two wrong programs, a call that fails, and a right program."""
    full = iter([OverloadedError("overloaded, as the script wants it", model="scripted")])

    def answer(request: ModelRequest) -> str | Exception:
        if request.output is not None:
            return (ASIDE / "specification.json").read_text(encoding="utf-8")
        attempts = request.messages[-1].text.count("\n\nAttempt ") + 1
        if attempts > 1 and (error := next(full, None)):
            return error
        return (ASIDE / f"answer_{min(attempts, 3)}.md").read_text(encoding="utf-8")

    return ScriptedModel(answer)


def told(event: Event) -> str | None:
    """An event as a line for whoever watches; None for what is not worth one."""
    match event:
        case ActivationFinished(updates={"specification": Specification() as found}):
            return f"{event.activation}: {found.function}(), {len(found.cases)} cases: {found.behaviour}"
        case ActivationFinished(updates={"trial": Trial() as trial}):
            right = sum(one.passed for one in trial.outcomes)
            return f"{event.activation}: {trial.problem or f'{right} of {len(trial.outcomes)} cases pass'}"
        case ActivationFinished(updates={"feedback": [wrong]}):
            return f"{event.activation}: {wrong}\n{line_of(event)}"
        case _:
            return line_of(event)


async def carry_out(typed: argparse.Namespace) -> int:
    """Run or go on, tell how it goes, draw it, and give the exit code."""
    flow, sandbox = graph.compile(), open_sandbox(typed.sandbox)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(sandbox.close)
        named = await stack.enter_async_context(model(typed.model) if typed.model else scripted())
        resources = {"model": Retrying(named, attempts=3), "sandbox": sandbox}
        if typed.resume:
            run = flow.reopen(typed.resume, journal=typed.journal, resources=resources)
        else:
            picture = Image.read(typed.picture)
            run = flow.start({"picture": picture}, journal=typed.journal, resources=resources)
        async with run:
            say(f"run {run.run_id}, journal {typed.journal}, model {named.name}")
            try:
                with interrupts(run.interrupt, "stopped at once"):
                    async for event in run.events():
                        if (line := told(event)) is not None:
                            say(line)
                    state = (await run.result()).state
            except BackedgeError as error:
                options = [
                    f"--{name}={value}" for name, value in vars(typed).items() if value and name in KEPT
                ]
                complain(explain(error))
                say(
                    f"go on with: {shlex.join([sys.executable, sys.argv[0], f'--resume={run.run_id}', *options])}"
                )
                return exit_code(error)
            finally:
                await asyncio.to_thread(draw, typed, run.run_id)
    print(state.code, end="")
    say("passed: it does what the cases ask" if state.passed else f"not passed: {state.feedback[-1]}")
    return 0 if state.passed else 1


def draw(typed: argparse.Namespace, run_id: str) -> None:
    path = typed.svg or f"{Path(typed.journal).with_suffix('')}-{run_id}.svg"
    try:
        graph.render(path, run=run_id, journal=typed.journal)
        say(f"picture: {path}")
    except (BackedgeError, OSError) as error:
        complain(f"the run could not be drawn: {error}", what="warning")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="From a sketch to a program.")
    parser.add_argument(
        "picture", nargs="?", type=Path, default=SKETCH, help="the sketch; one is here by default"
    )
    parser.add_argument("--model", help="such as openai:gpt-5; without it a scripted model answers")
    parser.add_argument("--journal", default="sketch.db", help="where runs are kept (default: %(default)s)")
    parser.add_argument("--resume", metavar="RUN", help="go on with a run that failed or was stopped")
    parser.add_argument("--svg", help="where to draw the run; beside the journal by default")
    parser.add_argument("--sandbox", default="bubblewrap", help="or subprocess, which isolates nothing")
    typed = parser.parse_args(arguments)
    if not typed.model and typed.picture != SKETCH:
        parser.error(f"a scripted model knows {SKETCH.name} alone: name a --model for {typed.picture}")
    if not typed.model:
        say(
            "no --model: a SCRIPTED model answers. It sees nothing; its answers were written for this sketch."
        )
    try:
        return asyncio.run(carry_out(typed))
    except BackedgeError as error:
        complain(explain(error))
        return exit_code(error)
    except (ModelError, OSError, ValueError) as error:
        complain(str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main())
