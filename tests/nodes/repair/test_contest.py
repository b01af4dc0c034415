"""Two coders at one program: whoever passes first wins, and neither waits for the other."""

import asyncio

import pytest

from backedge.checkpoints import MemoryJournal
from backedge.engine import letters
from backedge.engine.execution.events import ActivationFinished
from backedge.engine.records import EffectRecorded
from backedge.nodes.repair.board import JournalBoard
from backedge.nodes.repair.contest import TO_SEARCH, contest_graph
from backedge.nodes.repair.graph import Request
from backedge.nodes.repair.judge import Rules
from backedge.nodes.repair.modelled import ModelProgrammer
from backedge.nodes.repair.models import Batch
from backedge.nodes.repair.programmer import SearchProgrammer
from backedge.nodes.repair.runner import HarnessError, Runner
from backedge.providers import ScriptedModel
from backedge.providers.errors import RateLimitError

from .samples import DOUBLE

CASES = "[[0], 0]\n[[1], 2]\n[[4], 8]\n"
IMPOSSIBLE = "[[0], 0]\n[[1], 2]\n[[1], 5]\n"
RIGHT, OTHER = DOUBLE.replace("3", "2"), DOUBLE.replace("x * 3", "x - 7")


def block(source):
    return f"Here it is:\n```python\n{source}```\n"


class Pending(ScriptedModel):
    """Never answers; knows whether its call was cancelled."""

    cancelled = False

    async def respond(self, request):
        self.requests.append(request)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


class Stuck:
    """A runner whose trials never end; knows whether they were cancelled."""

    def __init__(self, runner):
        self.runner = runner
        self.cancelled = False

    async def survey(self, spec, *, within):
        return await self.runner.survey(spec, within=within)

    async def trial(self, *_, within):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


class Idle:
    """A programmer without ideas."""

    async def propose(self, spec, survey, memory):
        return Batch()


class Brief(SearchProgrammer):
    """A search that has no ideas left after its first."""

    async def propose(self, spec, survey, memory):
        return Batch() if memory.candidates else await super().propose(spec, survey, memory)


class Contest:
    """A contest about one program, in a journal of its own."""

    def __init__(self, folder, runner, journal):
        self.folder, self.runner, self.journal = folder, runner, journal
        self.flow = contest_graph().compile()
        self.board = JournalBoard(journal)
        self.told = []

    def resources(self, model, **more):
        tester = Runner(sandbox=self.runner.sandbox, workers=1)
        author = ModelProgrammer(model, seconds=more.pop("seconds", 60.0))
        made = {"programmer": SearchProgrammer(), "runner": self.runner, "author": author, "tester": tester}
        return {**made, "board": self.board, **more}

    async def run(self, model, *, cases=CASES, rules=Rules(further=0), **more):  # noqa: B008 - frozen
        (self.folder / "program.py").write_text(DOUBLE)
        (self.folder / "cases.jsonl").write_text(cases)
        request = Request(
            program=str(self.folder / "program.py"), function="double", cases=str(self.folder / "cases.jsonl")
        )
        inputs = {"request": request, "rules": rules}
        resources = self.resources(model, **more)
        run = self.flow.start(inputs, resources=resources, journal=self.journal, run_id="r")
        return await self.watched(run)

    async def watched(self, run):
        async with run:
            async for event in run.events():
                if isinstance(event, ActivationFinished):
                    self.told.append(str(event.activation))
            return (await run.result()).state


@pytest.fixture
async def contest(tmp_path, runner):
    async with MemoryJournal() as journal:
        yield Contest(tmp_path, runner, journal)


async def test_a_search_that_is_first_cancels_the_pending_call_of_the_model(contest):
    model = Pending([])
    state = await contest.run(model)
    assert state.verdict.status == "repaired"
    assert "by the search first" in state.verdict.message
    assert state.memory.winners[0].candidate.kind != "model"
    assert (len(model.requests), model.cancelled) == (1, True)
    assert state.ruling.status == "called off"
    assert (state.memory.bill.calls, state.memory.bill.unpriced) == (1, 1)
    assert contest.told.index("checker@0") < contest.told.index("author@0")


async def test_a_model_that_is_first_stops_the_search_in_the_midst_of_a_round(contest):
    stuck = Stuck(contest.runner)
    state = await contest.run(ScriptedModel([block(OTHER), block(RIGHT)]), runner=stuck)
    assert "a patch found, by scripted first; all 3 cases pass" in state.verdict.message
    assert state.memory.winners[0].candidate.source(DOUBLE) == RIGHT
    assert stuck.cancelled
    assert state.memory.bill.calls == 2
    assert state.memory.candidates in (2, 3)  # one that a busy machine held up is tried once more
    assert [(one.case, one.text) for one in state.notes.attempts] == [(1, "-6")]


async def test_when_both_fail_it_is_told_of_both(contest):
    state = await contest.run(ScriptedModel(["No."] * 3), cases=IMPOSSIBLE, programmer=Idle())
    assert state.verdict.status == "exhausted"
    assert state.verdict.message == (
        "the search: nothing left to try after 0 candidates; "
        "the model: scripted gave nothing to try 3 times in a row; at last: there is no code in it"
    )


async def test_when_time_is_up_a_pending_call_is_over_too(contest):
    rules = Rules(seconds=1.0)
    model = Pending([])
    state = await contest.run(model, cases=IMPOSSIBLE, rules=rules, seconds=1.0)
    assert state.verdict.status == "out of time"
    assert model.cancelled


async def test_a_model_that_cannot_be_reached_leaves_the_search_to_go_on(contest):
    state = await contest.run(ScriptedModel([RateLimitError("slow down")] * 3))
    assert "by the search first" in state.verdict.message
    assert state.memory.bill.calls <= 3


async def test_a_search_without_ideas_leaves_the_model_to_go_on(contest):
    state = await contest.run(ScriptedModel([block(OTHER), block(RIGHT)]), programmer=Idle())
    assert "by scripted first" in state.verdict.message


async def test_the_search_supplies_its_lessons_to_the_prompt(contest):
    learned = asyncio.Event()

    class Board(JournalBoard):
        def post(self, memory):
            super().post(memory)
            if memory.candidates:
                learned.set()

    class Patient(ScriptedModel):
        async def respond(self, request):
            await learned.wait()
            return await super().respond(request)

    contest.board = Board(contest.journal)
    model = Patient(["Let me see.", "No.", "No."])
    await contest.run(model, cases=IMPOSSIBLE, programmer=Brief())
    first, second = (request.messages[-1].text for request in model.requests[:2])
    assert "A search has tried" not in first
    assert "A search has tried" in second
    assert "- most candidates were refuted by double(" in second


async def test_a_program_that_is_right_costs_no_call(contest):
    model = ScriptedModel([])
    state = await contest.run(model, cases="[[0], 0]\n[[1], 3]\n")
    assert (state.verdict.status, model.requests) == ("nothing to repair", [])


async def test_a_sandbox_that_fails_is_told_as_such(contest):
    class Broken(Stuck):
        async def trial(self, *_, within):
            raise HarnessError("the sandbox is gone")

    with pytest.raises(Exception, match="the sandbox is gone"):
        await contest.run(ScriptedModel(["No."] * 3), runner=Broken(contest.runner))


async def test_the_run_replays_without_a_model(contest):
    await contest.run(ScriptedModel([block(OTHER), block(RIGHT)]), runner=Stuck(contest.runner))
    report = await contest.flow.replay("r", journal=contest.journal)
    assert report, str(report)


async def gone_on(contest, records, model, *, letters_sent=False, **more):
    """The end of a contest of which a crash left these records, and the contest."""
    async with MemoryJournal() as crashed:
        log = await crashed.create(await contest.journal.header("r"), *records)
        await log.release()
        if letters_sent:
            await letters.send("r", TO_SEARCH, journal=crashed)
        again = Contest(contest.folder, contest.runner, crashed)
        resources = again.resources(model, **more)
        return await again.watched(again.flow.reopen("r", journal=crashed, resources=resources)), again


async def test_from_wherever_it_was_stopped_it_goes_on_to_the_same_end(contest):
    stuck = Stuck(contest.runner)
    before = await contest.run(ScriptedModel([block(OTHER), block(RIGHT)]), runner=stuck)
    records = await contest.journal.read("r")
    for share in (0.4, 0.8, 0.9):
        kept = records[: int(len(records) * share)]
        done = [record.name for record in kept if isinstance(record, EffectRecorded)]
        calls = done.count("scripted")
        model = ScriptedModel([block(OTHER), block(RIGHT)][calls:])
        sent = "call off" in done  # a letter is in the journal before the step that sent it is done
        state, _ = await gone_on(contest, kept, model, letters_sent=sent, runner=Stuck(contest.runner))
        assert state.memory.winners == before.memory.winners, share
        assert len(model.requests) == 2 - calls, share


async def test_a_round_of_which_only_its_end_is_recorded_is_run_again(contest):
    await contest.run(Pending([]))
    records = await contest.journal.read("r")
    ran = next(
        place for place, one in enumerate(records) if isinstance(one, EffectRecorded) and one.name == "run"
    )
    for end in (ran + 1, ran + 2):  # before and after the choice
        state, again = await gone_on(contest, records[:end], Pending([]))
        assert "interpreter@0" in again.told, end - ran
        assert "by the search first" in state.verdict.message, end - ran
