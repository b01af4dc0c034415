"""What becomes of the answers."""

import json

import pytest

from backedge import RunFailedError
from backedge.nodes.agents import Agent
from backedge.nodes.orchestra import Choice, Number, Perspective, Said, Scores, Text
from backedge.nodes.voting import Opinion
from backedge.providers import ScriptedModel

from .stage import all_saying, asked, by_instructions, instructed, result_of, saying

VOTE = Choice("buy", "sell")


def scores(**given):
    told = [{"answer": name, "score": score, "reason": f"{name} is {score}"} for name, score in given.items()]
    return json.dumps({"scores": told})


# ---------------------------------------------------------------------- none


async def test_without_synthesis_there_are_the_answers_as_they_are_and_how_much_they_agree():
    result = await result_of(all_saying(a="buy", b="sell", c="buy"), synthesis="none", kind=VOTE)
    assert (result.status, result.answer, result.agreement) == ("done", None, 1 / 3)
    assert [(one.perspective, one.text) for one in result.dissent] == [("b", "sell")]


# ---------------------------------------------------------------------- comprehensive


async def test_a_model_writes_one_answer_of_all_and_names_its_sources():
    conductor = ScriptedModel(["Cheap [money], but slow [time]."])
    three = all_saying(money="It is cheap.", time="It is slow.", law="It is allowed.")
    result = await result_of(three, conductor=conductor, question="Go?")
    assert result.answer.text == "Cheap [money], but slow [time]."
    assert (result.sources, result.by) == (("money", "time"), None)
    assert "Behind what is a\nperspective's, name it in brackets" in instructed(conductor)
    assert asked(conductor) == (
        "The question:\nGo?\n\n[money]\nIt is cheap.\n\n[time]\nIt is slow.\n\n[law]\nIt is allowed."
    )


async def test_the_model_of_the_perspectives_conducts_unless_another_is_named():
    model = by_instructions(lawyer="No.", several="All say no [law].")
    result = await result_of([Perspective("law", "You are a lawyer.")], model=model)
    assert (result.answer.text, result.sources) == ("All say no [law].", ("law",))


async def test_a_function_conducts_and_reads_what_it_likes():
    async def write(question: str, answers: list) -> str:
        return f"{question} " + " and ".join(f"{one.text} [{one.perspective}]" for one in answers)

    result = await result_of(all_saying(a="x", b="y"), conductor=write)
    assert (result.answer.text, result.sources) == ("why? x [a] and y [b]", ("a", "b"))


async def test_an_agent_that_conducts_is_told_its_task_with_the_question():
    model = ScriptedModel(["both [a] [b]"])
    await result_of(all_saying(a="x", b="y"), conductor=Agent(model, instructions="You are Ann.", name="ann"))
    assert instructed(model) == "You are Ann."
    assert asked(model).endswith("Where they contradict each other say so, and say what it depends on.")


async def test_a_resource_of_the_run_may_conduct():
    result = await result_of(all_saying(a="x"), {"writer": ScriptedModel(["just x [a]"])}, conductor="writer")
    assert result.answer.text == "just x [a]"


async def test_a_conductor_may_give_its_answer_with_a_reason():
    result = await result_of(all_saying(a="x"), conductor=lambda: Said(text="x", reason="says [a]"))
    assert (result.answer, result.sources) == (Said(text="x", reason="says [a]"), ("a",))


@pytest.mark.parametrize(
    ("written", "sources"),
    [
        ("Yes [b, a].", ("a", "b")),
        ("Yes [b and c]; no [a][d].", ("a", "b", "c")),
        ("Yes [see ab], a and b.", ()),
        ("a b] c [", ()),
    ],
)
async def test_several_sources_may_stand_in_one_pair_of_brackets(written, sources):
    result = await result_of(all_saying(a="x", b="y", c="z"), conductor=lambda: written)
    assert result.sources == sources


@pytest.mark.parametrize("wrong", [None, "  ", 3])
async def test_a_conductor_that_writes_nothing_fails_the_run(wrong):
    with pytest.raises(RunFailedError, match="the conductor gives a text that says something"):
        await result_of(all_saying(a="x"), conductor=lambda: wrong)


# ---------------------------------------------------------------------- consensus


async def test_a_consensus_of_choices_is_what_most_of_the_weight_says():
    result = await result_of(
        all_saying(a="sell", b="buy", c="buy", d="buy", e="buy"), synthesis="consensus", kind=VOTE
    )
    assert (result.status, result.answer, result.by) == ("done", Said(text="buy"), "b")
    assert (result.agreement, [one.perspective for one in result.dissent]) == (0.6, ["a"])


async def test_below_the_threshold_there_is_none_and_who_disagrees_is_listed():
    four = all_saying(a="sell", b="buy", c="buy", d="buy")
    result = await result_of(four, synthesis="consensus", kind=VOTE, threshold=0.75)
    assert (result.status, result.answer, result.by) == ("no_consensus", None, None)
    assert result.reason == "there is no consensus: the answers agree to 0.5, and 0.75 is needed"
    assert [(one.perspective, one.text, one.similarity) for one in result.dissent] == [("a", "sell", 0)]


async def test_a_consensus_of_numbers_is_one_that_the_most_agree_with():
    said = all_saying(a="$2M", b="$500K", c="500,000 dollars", d="$502K")
    result = await result_of(said, synthesis="consensus", kind=Number("$"), threshold=0.5)
    assert (result.by, result.answer.quantity.low) == ("b", 500_000)
    assert [one.perspective for one in result.dissent] == ["a"]


async def test_a_consensus_of_texts_is_the_most_central_one_or_what_a_model_writes_down():
    said = all_saying(a="Go by night train.", b="Go by train.", c="Go by train tonight.")
    result = await result_of(said, synthesis="consensus", threshold=0.3)
    assert (result.status, result.by, result.answer.text) == ("done", "b", "Go by train.")
    model = ScriptedModel(["All go by train [a] [b] [c]."])
    result = await result_of(said, synthesis="consensus", threshold=0.3, model=model)
    assert result.answer.text == "All go by train [a] [b] [c]."
    assert "what they agree on" in instructed(model)


async def test_where_there_is_no_consensus_no_model_is_asked_for_it():
    model = ScriptedModel([])
    result = await result_of(all_saying(a="by train", b="on foot"), synthesis="consensus", conductor=model)
    assert (result.status, model.requests) == ("no_consensus", [])


class Loud(Text):
    """Texts of which only the case counts."""

    def compared(self, answers):
        return lambda one, other: float(answers[one].text.isupper() == answers[other].text.isupper())


async def test_a_kind_of_ones_own_says_what_agrees():
    result = await result_of(
        all_saying(a="GO", b="STAY", c="run"), synthesis="consensus", kind=Loud(), threshold=0.3
    )
    assert (result.by, result.agreement) == ("a", 1 / 3)
    assert [one.perspective for one in result.dissent] == ["c"]


# ---------------------------------------------------------------------- weighted


async def test_numbers_are_averaged_by_weight():
    said = [saying("a", "3 km"), saying("b", 5, weight=3)]
    result = await result_of(said, synthesis="weighted", kind=Number("km"))
    assert (result.answer.text, result.answer.quantity.low) == ("4.5 km", 4500)
    assert (result.by, result.sources) == (None, ("a", "b"))
    assert [one.perspective for one in result.dissent] == ["a", "b"], "neither says 4.5"


async def test_choices_are_a_majority_by_weight():
    said = [saying("a", "sell", weight=2.5), saying("b", "buy"), saying("c", "buy")]
    result = await result_of(said, synthesis="weighted", kind=VOTE)
    assert (result.answer.text, [one.perspective for one in result.dissent]) == ("sell", ["b", "c"])


async def test_of_texts_the_synthesiser_is_told_the_weights():
    model = ScriptedModel(["mostly b [b]"])
    result = await result_of(
        [saying("a", "x"), saying("b", "y", weight=3)], synthesis="weighted", conductor=model
    )
    assert result.answer.text == "mostly b [b]"
    assert "[a], weight 25 %\nx\n\n[b], weight 75 %\ny" in asked(model)


# ---------------------------------------------------------------------- best of


async def test_a_judge_scores_and_the_best_answer_stays_as_it_is():
    judge = ScriptedModel([scores(a=4, b=9, c=7)])
    result = await result_of(all_saying(a="x", b="y", c="z"), synthesis="best_of", conductor=judge)
    assert (result.status, result.by, result.answer.text) == ("done", "b", "y")
    assert result.vote.tally == {"a": 4, "b": 9, "c": 7}
    assert [one.perspective for one in result.dissent] == ["a", "c"]
    assert "Score each of the answers" in instructed(judge)


async def test_a_judge_that_leaves_an_answer_out_or_scores_off_the_scale_is_asked_again():
    judge = ScriptedModel([scores(a=4), scores(a=4, b=11), scores(a=4, b=3)])
    result = await result_of(all_saying(a="x", b="y"), synthesis="best_of", conductor=judge)
    assert (result.by, len(judge.requests)) == ("a", 3)
    stranger = ScriptedModel([scores(a=4, b=3, z=9), scores(a=4, b=5)])
    assert (await result_of(all_saying(a="x", b="y"), synthesis="best_of", conductor=stranger)).by == "b"
    assert "score each of a, b once, and nothing else; you scored a" in judge.requests[1].messages[-1].text
    assert result.vote.dissent == ()


async def test_equally_good_answers_are_won_by_the_first_declared():
    for first, second in (("z", "a"), ("a", "z")):
        said = [saying(first, "x"), saying(second, "y")]
        result = await result_of(said, synthesis="best_of", conductor=lambda: {"a": 5, "z": 5})
        assert result.by == first


async def test_an_agent_of_ones_own_scores_if_it_answers_with_scores_and_is_told_the_task_with_the_answers():
    models = [ScriptedModel([scores(b=8)]), ScriptedModel([scores(a=4)]), ScriptedModel([scores(a=9, b=7)])]
    ann, bob, eve = (Agent(model, instructions="You are fair.", output=Scores) for model in models)
    two = [saying("a", "x", votes=ann), saying("b", "y", votes=bob)]
    for conductor, winner in (("peers", "b"), (eve, "a")):
        assert (await result_of(two, synthesis="best_of", conductor=conductor)).by == winner
    for model in models:
        assert instructed(model) == "You are fair."
        assert asked(model).endswith("Say why in a sentence.")


@pytest.mark.parametrize("name", ["class", "_x", "json", "model_dump", "scores"])
async def test_a_judge_scores_answers_of_perspectives_however_they_are_called(name):
    judge = ScriptedModel([scores(**{name: 3, "b": 2})])
    result = await result_of([saying(name, "x"), saying("b", "y")], synthesis="best_of", conductor=judge)
    assert result.by == name


async def test_a_function_may_name_the_best_and_what_it_may_not_name_fails_the_run():
    said = all_saying(a="x", b="y")
    for opinion in ("b", {"a": 1, "b": 2}, Opinion(scores={"a": 1, "b": 2}, reason="clear")):
        assert (await result_of(said, synthesis="best_of", conductor=lambda given=opinion: given)).by == "b"
    with pytest.raises(RunFailedError, match="there is no option 'c': the options are 'a', 'b'"):
        await result_of(said, synthesis="best_of", conductor=lambda: "c")
    with pytest.raises(RunFailedError, match="a number from 0 to 10 for each name"):
        await result_of(said, synthesis="best_of", conductor=lambda: 7)


async def test_the_only_answer_is_the_best_without_being_judged():
    judge = ScriptedModel([])
    result = await result_of(all_saying(a="x"), synthesis="best_of", conductor=judge)
    assert (result.by, result.reason, judge.requests) == ("a", "a is the only one who answered", [])


def voting(name, said, weight=1.0, **given):
    async def votes() -> dict[str, float]:
        return given

    return Perspective(name, by=lambda: said, votes=votes, weight=weight)


async def test_peers_score_each_other_by_weight_and_nobody_their_own():
    three = [
        voting("a", "x", b=9, c=1),
        voting("b", "y", a=2, c=8, weight=3),
        voting("c", "z", a=1, b=2),
    ]
    result = await result_of(three, synthesis="best_of", conductor="peers")
    assert (result.by, result.vote.tally) == ("c", {"a": 7 / 4, "b": 5.5, "c": 25 / 4})
    result = await result_of([voting("a", "x", a=10, b=1), three[1]], synthesis="best_of", conductor="peers")
    assert "nobody votes on their own" in result.vote.refused[0].why


async def test_peers_are_models_that_are_shown_the_others_answers_and_keep_their_view():
    def said(request):
        told, question = request.messages[0].text, request.messages[-1].text
        if "Score each" not in told:
            return f"as a {told.split()[-1]}"
        assert ("[law]" in question) is ("lawyer" not in told)
        return scores(
            **{
                name: 9 if name == "craft" else 3
                for name in ("law", "craft", "money")
                if f"[{name}]" in question
            }
        )

    model = ScriptedModel(said)
    three = [
        Perspective("law", "You are a lawyer"),
        Perspective("craft", by=Agent(model, instructions="You are a builder", name="mine")),
        Perspective("money", "You are a banker", by="banker"),
    ]
    result = await result_of(three, {"banker": model}, model=model, synthesis="best_of", conductor="peers")
    assert (result.by, result.vote.counted) == ("craft", ("craft", "law", "money"))
    views = {one.messages[0].text.partition("\n\n")[0] for one in model.requests[3:6]}
    assert views == {"You are a lawyer", "You are a builder", "You are a banker"}


async def test_a_peer_whose_vote_fails_has_none_and_where_all_fail_nothing_wins():
    async def broken() -> dict[str, float]:
        raise ValueError("no idea")

    def failing(name):
        return Perspective(name, by=lambda: name, votes=broken)

    result = await result_of([voting("a", "x", b=3), failing("b")], synthesis="best_of", conductor="peers")
    assert (result.by, result.vote.absent) == ("b", ("b",))
    result = await result_of([failing("a"), failing("b")], synthesis="best_of", conductor="peers")
    assert (result.status, result.answer) == ("no_winner", None)
    assert result.reason == "no ballot that counts has scores for an option"
