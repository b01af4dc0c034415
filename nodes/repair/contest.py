"""Two coders at the same program: a search and a model compete, and whichever passes the checker first wins.

Each has a loop of its own, so that neither waits for the other: a slow model holds up no round of the search. They are
joined by two things only, both effects, so that a run that is resumed or replayed sees what it saw:

* *lessons*: when the model is to be asked, its author looks at what the search has learned by then;
* *the call-off*: the checker of the side that has a patch sends the other side a signal. The other takes it in the midst
  of a model's call or of a round in the sandbox, which is given up at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from backedge.engine.context import Context
from backedge.engine.graph import END, START, Graph

from .board import Board
from .graph import Repair, Request
from .judge import Judgement, Rules, first_judgement, judgement
from .lessons import Lessons, lessons
from .memory import Memory
from .modelled import ModelProgrammer
from .models import Batch, Bill, Frozen, Report, Survey, Verdict
from .outcome import Outcome, outcome_of
from .programmer import Programmer
from .runner import HarnessError, Runner
from .spec import Specification

TO_SEARCH: Final = "the model has a patch"
TO_MODEL: Final = "the search has a patch"
"""The signals that call a side off."""


class Contest(Repair):
    """The state of a repair with two coders. The fields of `Repair` are the search's; in the end they are the outcome.

    Attributes:
        answer: What the model proposed.
        findings: How that did.
        notes: What the model's side remembers.
        ruling: What its referee makes of a round.
    """

    answer: Batch = Batch()
    findings: Report = Report()
    notes: Memory = Memory()
    ruling: Verdict = Verdict(status="searching")


class Searched(Frozen):
    """What the checker writes."""

    memory: Memory
    verdict: Verdict


class Refereed(Frozen):
    """What the referee writes."""

    notes: Memory
    ruling: Verdict


def contest_graph() -> Graph[Contest]:
    """The graph of a repair with two coders.

    Its resources are ``programmer`` and ``runner`` as in `repair_graph`, ``author`` (a `ModelProgrammer`), ``tester``
    (a runner of its own, since each counts the time of its loop) and ``board``. The run needs a journal.

    Example::

        resources = {
            "programmer": SearchProgrammer(), "runner": Runner(sandbox=sandbox),
            "author": ModelProgrammer(model), "tester": Runner(sandbox=sandbox, workers=1),
            "board": JournalBoard("repair.db"),
        }
        result = await contest_graph().compile().run({"request": request}, resources=resources, journal="repair.db")
    """
    graph: Graph[Contest] = Graph(
        Contest,
        resources={
            "programmer": Programmer,
            "runner": Runner,
            "author": ModelProgrammer,
            "tester": Runner,
            "board": Board,
        },
        name="repair by two",
    )
    spec = graph.node(_spec, name="spec", writes="specification")
    look = graph.node(_look, name="look", writes=("survey", "memory", "verdict"), uses="sandbox")
    graph.chain(START, spec, look)
    coder = graph.node(_coder, name="coder", writes="batch")
    interpreter = graph.node(_interpreter, name="interpreter", writes="report", uses="sandbox")
    checker = graph.node(_checker, name="checker", writes=("memory", "verdict"))
    graph.edge(look, coder, when=_by_verdict(searching=True), label="search")
    graph.chain(coder, interpreter, checker)
    graph.feedback(checker, coder, when=_by_verdict(searching=True), limit=None, label="not yet")
    author = graph.node(_author, name="author", writes="answer")
    trial = graph.node(_trial, name="trial", writes="findings", uses="sandbox")
    referee = graph.node(_referee, name="referee", writes=("notes", "ruling"))
    graph.edge(look, author, when=_by_verdict(searching=True), label="model")
    graph.chain(author, trial, referee)
    graph.feedback(referee, author, when=_by_ruling(searching=True), limit=None, label="not yet")
    outcome = graph.node(_outcome, name="outcome", writes=("memory", "verdict"), inline=True)
    graph.edge(checker, outcome, when=_by_verdict(searching=False), label="done")
    graph.edge(referee, outcome, when=_by_ruling(searching=False), label="done")
    graph.edge(look, END, when=_by_verdict(searching=False), label="nothing to repair")
    graph.edge(outcome, END)
    return graph


def _by_verdict(*, searching: bool) -> Callable[..., bool]:
    return lambda verdict: (verdict.status == "searching") is searching


def _by_ruling(*, searching: bool) -> Callable[..., bool]:
    return lambda ruling: (ruling.status == "searching") is searching


# ---------------------------------------------------------------------------- both


def _spec(request: Request) -> Specification:
    """Read program, docstring and cases."""
    return request.read()


async def _look(specification: Specification, rules: Rules, runner: Runner) -> Judgement:
    """Look at the original: which cases fail, and where the fault is likely to be."""
    return first_judgement(specification, await runner.survey(specification, within=rules.seconds), rules)


def _outcome(
    survey: Survey | None, memory: Memory, verdict: Verdict, notes: Memory, ruling: Verdict, answer: Batch
) -> Outcome:
    """Say who has won, and put together what both did."""
    assert survey is not None
    return outcome_of(len(survey.cases), (memory, verdict), (notes, ruling), answer.author)


# ---------------------------------------------------------------------------- the search


async def _coder(
    specification: Specification, survey: Survey | None, memory: Memory, programmer: Programmer, board: Board
) -> Batch:
    """Propose candidates, and show what is known by now."""
    assert survey is not None
    board.post(memory)
    return await programmer.propose(specification, survey, memory)


async def _interpreter(
    specification: Specification,
    survey: Survey | None,
    memory: Memory,
    batch: Batch,
    rules: Rules,
    runner: Runner,
    ctx: Context,
) -> Report:
    """Run the candidates in the sandbox, unless the other side has a patch."""
    assert survey is not None
    seen, made = survey, list[Report]()

    async def run() -> None:
        left = rules.seconds - memory.seconds
        made.append(await runner.trial(specification, seen, batch.candidates, memory.kills, within=left))

    which, _ = await ctx.first(ctx.receive(TO_SEARCH), ctx.step("run", run, raises=(HarnessError,)))
    if which == 0:
        return Report(over=True)
    if not made:  # done by a process that died before it could write down more than that
        await run()
    return made[0]


async def _checker(
    specification: Specification,
    survey: Survey | None,
    memory: Memory,
    batch: Batch,
    report: Report,
    rules: Rules,
    board: Board,
    ctx: Context,
) -> Searched:
    """Judge the round; with the first patch, call the model off."""
    assert survey is not None
    found = judgement(specification, survey, memory, batch, report, rules)
    if found.memory.winners and not memory.winners:
        await ctx.step("call off", board.call_off, ctx.run_id, TO_MODEL)
    return Searched(memory=found.memory, verdict=found.verdict)


# ---------------------------------------------------------------------------- the model


async def _author(
    specification: Specification,
    survey: Survey | None,
    notes: Memory,
    author: ModelProgrammer,
    board: Board,
    ctx: Context,
) -> Batch:
    """Ask the model, unless the search has a patch."""
    assert survey is not None
    seen = survey

    async def look() -> Lessons:
        return lessons(specification, seen, board.look())

    known = await ctx.step("lessons", look)
    which, batch = await ctx.first(ctx.receive(TO_MODEL), author.propose(specification, survey, notes, known))
    if which == 0:  # what the call took until then nobody says
        return Batch(author=author.name, over=True, bill=Bill(calls=1, unpriced=1))
    answer: Batch = batch
    return answer


async def _trial(
    specification: Specification,
    survey: Survey | None,
    notes: Memory,
    answer: Batch,
    rules: Rules,
    tester: Runner,
) -> Report:
    """Run what the model wrote."""
    assert survey is not None
    left = rules.seconds - notes.seconds
    return await tester.trial(specification, survey, answer.candidates, notes.kills, within=left)


async def _referee(
    specification: Specification,
    survey: Survey | None,
    notes: Memory,
    answer: Batch,
    findings: Report,
    rules: Rules,
    board: Board,
    ctx: Context,
) -> Refereed:
    """Judge what the model wrote; with its first patch, call the search off."""
    assert survey is not None
    found = judgement(specification, survey, notes, answer, findings, rules)
    if found.memory.winners and not notes.winners:
        await ctx.step("call off", board.call_off, ctx.run_id, TO_SEARCH)
    return Refereed(notes=found.memory, ruling=found.verdict)
