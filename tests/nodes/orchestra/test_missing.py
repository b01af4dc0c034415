"""Perspectives that fail: the others go on, and the result says who is missing."""

import asyncio
import json
import threading
import time

import pytest
from pydantic import BaseModel

from backedge import END, START, Context, Graph, RunFailedError, RunStatus
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent
from backedge.nodes.orchestra import Choice, OrchestraResult, Perspective, orchestra
from backedge.providers import ScriptedModel
from backedge.providers.errors import OverloadedError

from ...virtual import run_virtual
from .stage import asked, in_rounds, result_of, saying

VOTE = Choice("yes", "no")


def MUTE() -> dict[str, float]:
    return {}


def raising(error):
    def answer() -> str:
        raise error

    return answer


async def late() -> str:
    await asyncio.sleep(60)
    return "yes"


async def test_who_fails_is_missing_with_the_reason_and_the_others_go_on():
    busy = ScriptedModel([OverloadedError("full")] * 2)
    said = [
        saying("a", "yes"),
        Perspective("b", by=raising(ValueError("no idea"))),
        in_rounds("c", KeyError("x")),
        Perspective("d", by=busy),
        saying("e", "maybe"),
        saying("f", "yes"),
        saying("g", "yes"),
    ]
    judge = ScriptedModel(['{"choice": "yes"}'])
    result = await result_of(said, kind=VOTE, synthesis="debate", rounds=1, conductor=judge, quorum=3)
    assert list(result.answers) == ["a", "f", "g"]
    missing = {one.perspective: one.why for one in result.missing}
    assert list(missing) == ["b", "c", "d", "e"]
    assert (missing["b"], missing["c"]) == ("ValueError: no idea", "KeyError: 'x'")
    assert "OverloadedError" in missing["d"]
    assert missing["e"] == ("AnswerError: an answer is one of yes, no, not 'maybe'")
    assert "No answer came from: b, c, d, e." in asked(judge)


async def test_a_plain_function_that_gives_a_coroutine_is_told_to_be_async():
    result = await result_of([Perspective("a", by=lambda: late())], kind=VOTE, synthesis="none")
    assert result.missing[0].why.endswith("a coroutine, which nobody awaits: write async def")


@pytest.mark.parametrize(
    ("answering", "quorum", "status"),
    [(2, None, "no_quorum"), (3, None, "done"), (2, 2, "done"), (4, 5, "no_quorum"), (0, 1, "no_quorum")],
)
@pytest.mark.parametrize("synthesis", ["none", "consensus", "best_of", "weighted", "debate"])
async def test_the_quorum_holds_and_is_more_than_half_by_default(answering, quorum, status, synthesis):
    conductor = (lambda answers: answers[0].perspective) if synthesis == "best_of" else None
    said = [
        saying(f"p{n}", "yes") if n < answering else Perspective(f"p{n}", by=raising(OSError()))
        for n in range(5)
    ]
    flow = orchestra(said, kind=VOTE, synthesis=synthesis, quorum=quorum, conductor=conductor).compile()
    result = (await flow.run({"question": "?"})).state.result
    assert (result.status, len(result.missing) >= 5 - answering) == (status, True)
    if status == "no_quorum":
        assert result.answer is None
        assert result.reason == f"there is no quorum: {answering} of 5 answered, and {quorum or 3} are needed"


async def test_without_a_quorum_nobody_is_asked_to_conduct_or_to_vote():
    model = ScriptedModel([])
    broken = [Perspective(name, by=raising(OSError()), votes=model) for name in "ab"]
    for synthesis, conductor in (
        ("comprehensive", model),
        ("best_of", model),
        ("best_of", "peers"),
        ("debate", model),
    ):
        result = await result_of(
            [*broken, saying("c", "yes", votes=model)], synthesis=synthesis, conductor=conductor
        )
        assert (result.status, model.requests) == ("no_quorum", [])


def test_who_is_late_is_missing_and_holds_up_nobody_longer_than_its_deadline():
    async def debate():
        said = [in_rounds("a", "yes"), Perspective("b", by=late), Perspective("c", by=late, deadline=90)]
        loop = asyncio.get_running_loop()
        began = loop.time()
        flow = orchestra(said, kind=VOTE, synthesis="consensus", deadline=5).compile()
        result = (await flow.run({"question": "?"})).state.result
        return result, loop.time() - began

    result, took = run_virtual(debate())
    assert list(result.answers) == ["a", "c"], "a perspective's own deadline counts"
    assert [(one.perspective, one.why) for one in result.missing] == [
        ("b", "TimeoutError: no answer within 5 s")
    ]
    assert 60 <= took < 61


async def test_a_plain_function_that_is_late_is_given_up_though_its_thread_goes_on():
    gate = threading.Event()

    def stuck() -> str:
        gate.wait(30)
        return "yes"

    def conclude() -> str:
        assert not gate.is_set()
        gate.set()
        return "yes"

    said = [in_rounds("a", "yes"), Perspective("b", by=stuck, deadline=0.02)]
    flow = orchestra(said, kind=VOTE, synthesis="debate", rounds=1, quorum=1, conductor=conclude).compile()
    result = (await flow.run({"question": "?"})).state.result
    assert (list(result.answers), result.answer.text) == (["a"], "yes")


async def test_errors_that_are_not_agreed_on_fail_the_run_which_goes_on_with_who_has_not_answered():
    calls, broken = [], [True]

    def answer(name):
        def told() -> str:
            calls.append(name)
            if name == "b" and broken:
                raise OSError("no network")
            return "yes"

        return told

    said = [Perspective(name, by=answer(name)) for name in "abc"]
    said.append(Perspective("d", by=raising(TimeoutError("slow"))))
    flow = orchestra(said, kind=VOTE, synthesis="consensus", absent=(TimeoutError,)).compile()
    journal = MemoryJournal()
    with pytest.raises(RunFailedError, match="no network"):
        await flow.run({"question": "?"}, journal=journal, run_id="r")
    broken.clear()
    result = (await flow.resume("r", journal=journal)).state.result
    assert (list(result.answers), [one.why for one in result.missing]) == (
        ["a", "b", "c"],
        ["TimeoutError: slow"],
    )
    assert sorted(calls) == ["a", "b", "b", "c"]


async def test_a_perspective_that_asks_its_run_for_nonsense_fails_it_and_is_not_missing():
    async def sleeps(ctx: Context) -> str:
        await ctx.sleep(-1)
        return "yes"

    for by, votes in ((sleeps, None), (lambda: "yes", sleeps)):
        flow = orchestra(
            [Perspective("a", by=by, votes=votes or MUTE), saying("b", "no", votes=MUTE)],
            kind=VOTE,
            synthesis="best_of",
            conductor="peers",
            quorum=1,
        ).compile()
        with pytest.raises(RunFailedError, match="sleep takes a number of seconds from 0"):
            await flow.run({"question": "?"})


async def test_a_conductor_whose_model_fails_goes_on_when_the_run_is_resumed_and_no_perspective_answers_again():
    model = ScriptedModel(lambda request: "yes")
    conductor = ScriptedModel([OverloadedError("full"), "All say yes [a]."])
    flow = orchestra([Perspective("a", by=model)], conductor=conductor).compile()
    journal = MemoryJournal()
    with pytest.raises(RunFailedError, match="full"):
        await flow.run({"question": "?"}, journal=journal, run_id="r")
    result = (await flow.resume("r", journal=journal)).state.result
    assert (result.answer.text, len(model.requests)) == ("All say yes [a].", 1)


GOOD = json.dumps({"scores": [{"answer": "b", "score": 7}]})


@pytest.mark.parametrize(
    ("good", "made"),
    [
        (
            '{"choice": "yes"}',
            lambda model: ([Perspective("a", by=model), saying("b", "no")], {"synthesis": "none"}),
        ),
        (
            '{"choice": "yes"}',
            lambda model: ([saying("b", "no")], {"synthesis": "debate", "rounds": 1, "conductor": model}),
        ),
        (
            GOOD,
            lambda model: (
                [saying("a", "yes", votes=model), saying("b", "no", votes=MUTE)],
                {"synthesis": "best_of", "conductor": "peers"},
            ),
        ),
    ],
    ids=["perspective", "conductor", "voter"],
)
async def test_whose_model_fails_in_the_middle_goes_on_there_when_the_run_is_resumed(good, made):
    model = ScriptedModel(["hm", OverloadedError("full"), good])
    sides, options = made(model)
    flow, journal = orchestra(sides, kind=VOTE, absent=(), **options).compile(), MemoryJournal()
    with pytest.raises(RunFailedError, match="full"):
        await flow.run({"question": "?"}, journal=journal, run_id="r")
    assert (await flow.resume("r", journal=journal)).state.result.status == "done"
    assert len(model.requests) == 3
    assert len(model.requests[2].messages) == 4, "its first answer is not asked for again"


async def test_a_person_may_be_a_perspective_and_the_others_answer_meanwhile():
    async def person(question: str, ctx: Context) -> str:
        return await ctx.ask(question, choices=["yes", "no"])

    said = [saying("a", "yes"), Perspective("owner", by=person), saying("c", "yes")]
    flow, journal = orchestra(said, kind=VOTE, synthesis="consensus").compile(), MemoryJournal()
    waiting = await flow.run({"question": "Go?"}, journal=journal, run_id="r")
    assert (waiting.status, waiting.questions[0].text) == (RunStatus.SUSPENDED, "Go?")
    done = await flow.resume("r", journal=journal, answers={"owner": "yes"})
    assert list(done.state.result.answers) == ["a", "owner", "c"]
    assert await flow.replay("r", journal=journal, rerun="all")


async def test_a_deadline_holds_across_a_restart(monkeypatch):
    async def person(question: str, ctx: Context) -> str:
        return await ctx.ask(question, choices=["yes", "no"])

    said = [saying("a", "yes"), Perspective("owner", by=person, deadline=60), saying("c", "yes")]
    flow, journal = orchestra(said, kind=VOTE, synthesis="consensus").compile(), MemoryJournal()
    waiting = await flow.run({"question": "Go?"}, journal=journal, run_id="r", patience=0)
    assert waiting.status is RunStatus.SUSPENDED
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 50)
    assert (await flow.resume("r", journal=journal, patience=0)).status is RunStatus.SUSPENDED
    monkeypatch.setattr(time, "time", lambda: now() + 70)
    result = (await flow.resume("r", journal=journal, patience=0)).state.result
    assert [one.why for one in result.missing] == ["TimeoutError: no answer within 60 s"]


async def test_an_agent_of_a_perspective_asks_for_leave_as_any_agent():
    from backedge.nodes.tools import tool
    from backedge.providers import Message, ToolCall

    @tool(permission="write")
    async def note(text: str) -> str:
        """Note."""
        return "noted"

    call = Message.of("assistant", ToolCall(id="1", name="note", arguments='{"text": "x"}'))
    agent = Agent(ScriptedModel([call, "yes"]), [note], name="ann")
    flow, journal = orchestra([Perspective("a", by=agent)], synthesis="none").compile(), MemoryJournal()
    waiting = await flow.run({"question": "?"}, journal=journal, run_id="r")
    assert "ann wants to call note" in waiting.questions[0].text
    done = await flow.resume("r", journal=journal, answers={"a": "once"})
    assert done.state.result.answers["a"].text == "yes"


async def test_an_orchestra_is_a_node_of_another_graph_and_of_a_loop():
    class Plan(BaseModel):
        draft: str
        advice: OrchestraResult | None = None
        tries: int = 0

    def no_first(question: str) -> str:
        return "no" if question.endswith("0") else "yes"

    graph = Graph(Plan)

    @graph.node(writes=("draft", "tries"))
    async def write(tries: int) -> dict[str, object]:
        return {"draft": f"draft {tries}", "tries": tries + 1}

    board = orchestra([Perspective(name, by=no_first) for name in "ab"], synthesis="consensus", kind=VOTE)
    advise = graph.subgraph(board, name="board", reads={"question": "draft"}, writes={"result": "advice"})
    graph.chain(START, write, advise)
    graph.feedback(advise, write, when=lambda advice: advice.answer.text == "no", limit=3)
    graph.edge(advise, END, when=lambda advice: advice.answer.text == "yes")
    state = (await graph.compile().run({"draft": ""})).state
    assert (state.draft, state.advice.rounds, len(state.advice.answers)) == ("draft 1", 1, 2)
