"""The loop that repairs programs: spec, coder, interpreter, checker, and the feedback from checker to coder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel

from backedge.engine.graph import END, START, Graph

from .judge import Judgement, Rules, first_judgement, judgement
from .memory import Memory
from .models import Batch, Frozen, Report, Survey, Verdict
from .programmer import Programmer
from .runner import Runner
from .spec import Specification


class Request(Frozen):
    """What somebody wants repaired: a program, and either a function with a file of cases or a test file."""

    program: str
    function: str | None = None
    cases: str | None = None
    tests: str | None = None

    def read(self) -> Specification:
        """Read the files.

        Raises:
            SpecificationError: A file is missing or malformed.
        """
        if self.tests is not None:
            return Specification.from_tests(Path(self.program), Path(self.tests))
        assert self.function is not None
        assert self.cases is not None
        return Specification.from_cases(Path(self.program), self.function, Path(self.cases))


Coder: TypeAlias = Literal["search", "model", "both"]


class Team(Frozen):
    """Who writes candidates; kept with a run, so that it goes on with the same when it is resumed.

    Attributes:
        coder: The search, a model, or both.
        model: The model's name, as `backedge.providers.model` takes it; None where there is none.
    """

    coder: Coder = "search"
    model: str | None = None


class Repair(BaseModel):
    """The state of a repair."""

    request: Request
    team: Team = Team()
    rules: Rules = Rules()
    specification: Specification
    survey: Survey | None = None
    memory: Memory = Memory()
    batch: Batch = Batch()
    report: Report = Report()
    verdict: Verdict


def repair_graph() -> Graph[Repair]:
    """The graph of a repair, with the resources ``programmer`` (who writes candidates) and ``runner`` (who runs them).

    Example::

        flow = repair_graph().compile()
        resources = {"programmer": SearchProgrammer(), "runner": Runner(sandbox=open_sandbox())}
        result = await flow.run({"request": Request(program="roman.py", function="value", cases="roman.jsonl")},
                                resources=resources, journal="repair.db")
        patch(result.state.specification, result.state.memory.winners[0].candidate)
    """
    graph: Graph[Repair] = Graph(
        Repair, resources={"programmer": Programmer, "runner": Runner}, name="repair"
    )

    @graph.node(writes="specification")
    def spec(request: Request) -> Specification:
        """Read program, docstring and cases."""
        return request.read()

    @graph.node(writes="batch")
    async def coder(
        specification: Specification, survey: Survey | None, memory: Memory, programmer: Programmer
    ) -> Batch:
        """Propose candidates; nothing yet in the first round."""
        if survey is None:
            return Batch()
        return await programmer.propose(specification, survey, memory)

    @graph.node(writes="report", uses="sandbox")
    async def interpreter(
        specification: Specification,
        survey: Survey | None,
        memory: Memory,
        batch: Batch,
        rules: Rules,
        runner: Runner,
    ) -> Report:
        """Run the candidates in the sandbox; the original in the first round."""
        left = rules.seconds - memory.seconds
        if survey is None:
            return await runner.survey(specification, within=left)
        return await runner.trial(specification, survey, batch.candidates, memory.kills, within=left)

    @graph.node(writes=("memory", "verdict", "survey"))
    async def checker(
        specification: Specification,
        survey: Survey | None,
        memory: Memory,
        batch: Batch,
        report: Report,
        rules: Rules,
    ) -> Judgement:
        """Judge the round, learn from it, and say whether to go on."""
        if survey is None:
            return first_judgement(specification, report, rules)
        return judgement(specification, survey, memory, batch, report, rules)

    graph.chain(START, spec, coder, interpreter, checker)
    graph.feedback(
        checker, coder, when=lambda verdict: verdict.status == "searching", limit=None, label="not yet"
    )
    graph.edge(checker, END, when=lambda verdict: verdict.status != "searching", label="done")
    return graph
