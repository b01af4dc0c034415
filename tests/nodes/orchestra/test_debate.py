"""Debates: rounds in which each sees the others, until they agree or the rounds are used up."""

import json

import pytest

from backedge import RunFailedError
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent
from backedge.nodes.orchestra import Choice, Number, Perspective, Said, Text, orchestra
from backedge.providers import ScriptedModel

from .stage import asked, by_instructions, in_rounds, instructed, result_of, state_of

VOTE = Choice("yes", "no")
STUBBORN = (in_rounds("a", *["yes"] * 9), in_rounds("b", *["no"] * 9))


async def test_a_debate_ends_as_soon_as_they_agree_and_each_round_sees_the_one_before():
    sides = [
        in_rounds("a", "yes", "no", "no"),
        in_rounds("b", "no", "yes", "no"),
        in_rounds("c", "yes", "no", "no"),
    ]
    state = await state_of(sides, synthesis="debate", kind=VOTE, threshold=1, rounds=5)
    assert [one.round for one in state.answers] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert (state.result.status, state.result.answer, state.result.rounds) == ("done", Said(text="no"), 3)
    assert (state.result.agreement, state.agreement, state.agreed) == (1, 1, True)
    assert state.result.dissent == (), "who is as similar as the threshold wants does not dissent"


async def test_who_agrees_at_once_is_asked_once():
    state = await state_of([in_rounds("a", "yes"), in_rounds("b", "yes")], synthesis="debate", kind=VOTE)
    assert (len(state.answers), state.result.rounds) == (2, 1)


@pytest.mark.parametrize(("rounds", "asked"), [(None, 3), (1, 1), (2, 2), (4, 4)])
async def test_a_debate_without_agreement_ends_at_the_limit(rounds, asked):
    state = await state_of(STUBBORN, synthesis="debate", kind=VOTE, rounds=rounds)
    assert (len(state.answers), state.result.rounds) == (2 * asked, asked)
    assert (state.result.status, state.result.answer, state.agreed) == ("no_consensus", None, False)
    assert [one.perspective for one in state.result.dissent] == ["b"]


async def test_a_judge_hears_all_rounds_and_decides_also_without_agreement():
    judge = ScriptedModel([json.dumps({"choice": "no", "reason": "b has the better reasons"})])
    result = await result_of(STUBBORN, synthesis="debate", kind=VOTE, rounds=2, conductor=judge)
    assert (result.status, result.answer) == ("done", Said(text="no", reason="b has the better reasons"))
    assert [one.perspective for one in result.dissent] == ["a"]
    assert "Round 1:\n\n[a]\nyes\n\n[b]\nno\n\nRound 2:\n\n[a]\nyes\n\n[b]\nno" in asked(judge)


async def test_a_judge_of_numbers_that_gives_none_is_asked_again():
    judge = ScriptedModel(
        [json.dumps({"number": "a lot"}), json.dumps({"number": "$4M", "reason": "in between"})]
    )
    sides = [in_rounds("a", "$3M"), in_rounds("b", "$5M")]
    result = await result_of(sides, synthesis="debate", kind=Number("$"), rounds=1, conductor=judge)
    assert (result.answer.quantity.low, len(judge.requests)) == (4_000_000, 2)
    assert "exactly one number" in asked(judge)


@pytest.mark.parametrize("agent_judges", [True, False])
async def test_models_and_agents_are_told_the_form_of_an_answer_and_so_is_the_judge(agent_judges):
    model, own = ScriptedModel([json.dumps({"choice": "yes"})]), ScriptedModel(["yes"])
    agent = Agent(own, instructions="I am an agent.", name="mine")
    by, judge = (model, agent) if agent_judges else (agent, model)
    sides = [Perspective("a", "Look ahead.", by=by)]
    result = await result_of(sides, synthesis="debate", kind=VOTE, rounds=1, conductor=judge)
    assert result.answer.text == "yes"
    form = "Answer with one of these: yes, no."
    assert instructed(model).endswith(f"\n\n{form}")
    assert instructed(own) == "I am an agent."
    assert asked(own).endswith(f"\n\n{form}")


async def test_models_debate_and_the_model_writes_the_end():
    def lawyer(request):
        return "It is allowed." if "What others" not in request.messages[-1].text else "It is allowed by day."

    law = ScriptedModel(lawyer)
    craft = ScriptedModel(lambda request: "It works by day.")
    model = by_instructions(judge="By day [law] [craft].")
    sides = [Perspective("law", "You are a lawyer.", by=law), Perspective("craft", by=craft)]
    result = await result_of(sides, synthesis="debate", model=model, rounds=2)
    assert (result.answer.text, result.sources) == ("By day [law] [craft].", ("law", "craft"))
    assert "[craft]\nIt works by day.\n\nWhat you answered so far:\nIt is allowed.\n\nAnswer anew" in asked(
        law
    )


async def test_a_debate_goes_on_while_too_few_have_answered():
    sides = [
        in_rounds("a", "yes", "yes"),
        in_rounds("b", ValueError("busy"), "yes"),
        in_rounds("c", OSError("x"), OSError("x")),
    ]
    state = await state_of(sides, synthesis="debate", kind=VOTE, quorum=2)
    assert (state.result.status, state.result.rounds, state.agreed) == ("done", 2, True)
    assert [(one.perspective, one.round) for one in state.result.missing] == [("b", 0), ("c", 0), ("c", 1)]


async def test_who_fails_in_a_later_round_keeps_its_answer_and_is_told_as_missing():
    sides = [in_rounds("a", "yes", ValueError("lost")), in_rounds("b", "no", "yes")]
    judge = ScriptedModel([json.dumps({"choice": "yes"})])
    result = await result_of(sides, synthesis="debate", kind=VOTE, rounds=2, conductor=judge)
    assert "No answer came from" not in asked(judge)
    assert (result.status, result.answer.text) == ("done", "yes")
    assert (result.answers["a"].round, result.answers["b"].round) == (0, 1)
    assert [(one.perspective, one.round, one.why) for one in result.missing] == [("a", 1, "ValueError: lost")]


async def test_a_round_in_which_nobody_answers_is_a_round():
    lost = OSError("lost")
    sides = [in_rounds("a", "yes", lost), in_rounds("b", "no", lost)]
    result = await result_of(sides, synthesis="debate", kind=VOTE, rounds=2)
    assert (result.rounds, [one.round for one in result.answers.values()]) == (2, [0, 0])


async def test_the_limit_of_a_debate_may_be_set_anew_for_a_run():
    flow = orchestra(STUBBORN, synthesis="debate", kind=VOTE, rounds=2).compile()
    result = await flow.run({"question": "why?"}, limits={"agreement->round": 4})
    assert result.state.result.rounds == 5


async def test_debates_go_on_in_waves_too():
    sides = [in_rounds("a", "yes", "yes"), in_rounds("b", "no", "yes")]
    result = await result_of(sides, synthesis="debate", kind=VOTE, mode="sequential")
    assert (result.status, result.rounds) == ("done", 2)


VECTORS = {"take the train": [1.0, 0.0], "go by rail": [0.9, 0.1], "sail": [0.0, 1.0]}


async def test_texts_may_be_compared_by_an_embedding_which_is_asked_once_for_each_look():
    looked = []

    async def embed(texts: list[str]) -> list[list[float]]:
        looked.append(texts)
        return [VECTORS[text] for text in texts]

    sides = [in_rounds("a", "take the train", "take the train"), in_rounds("b", "sail", "go by rail")]
    result = await result_of(sides, synthesis="debate", kind=Text(embed=embed), threshold=0.9)
    assert (result.status, result.rounds, result.answer.text) == ("done", 2, "take the train")
    assert result.agreement == pytest.approx(0.9939, abs=1e-3)
    assert looked == [["sail", "take the train"], *[["go by rail", "take the train"]] * 2]


async def test_one_text_alone_needs_no_vectors():
    result = await result_of(
        [in_rounds("a", "x"), in_rounds("b", "x")], synthesis="none", kind=Text(embed=lambda texts: [])
    )
    assert result.agreement == 1


async def test_an_embedding_that_leaves_a_text_out_fails_the_run():
    with pytest.raises(RunFailedError, match="gave 0 vectors for 2 texts"):
        await result_of(
            [in_rounds("a", "x"), in_rounds("b", "y")], synthesis="none", kind=Text(embed=lambda texts: [])
        )


async def test_what_a_judge_says_is_compared_with_what_the_sides_said():
    def embed(texts: list[str]) -> list[list[float]]:
        return [VECTORS[text] for text in texts]

    sides = [in_rounds("a", "take the train"), in_rounds("b", "sail")]
    judged = {"synthesis": "debate", "rounds": 1, "conductor": lambda: "go by rail"}
    result = await result_of(sides, kind=Text(embed=embed), threshold=0.9, **judged)
    assert [one.perspective for one in result.dissent] == ["b"]


async def test_a_fork_of_a_debate_with_another_question_asks_everybody_anew_and_leaves_the_first_as_it_was():
    calls = []

    async def answer(question: str) -> str:
        calls.append(question)
        return "yes" if question == "tea?" else "no"

    sides = [Perspective(name, by=answer) for name in "ab"]
    flow, journal = orchestra(sides, synthesis="debate", kind=VOTE).compile(), MemoryJournal()
    await flow.run({"question": "tea?"}, journal=journal, run_id="r")
    forked = await flow.fork("r", journal=journal, at=1, edit={"question": "milk?"})
    assert forked.state.result.answer.text == "no"
    assert calls == ["tea?"] * 2 + ["milk?"] * 2
    assert await flow.replay("r", journal=journal, rerun="all")
