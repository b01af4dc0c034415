"""What is new, what is missing, what to drop."""

import pytest

from backedge.nodes.novelty import (
    Coverage,
    Measure,
    Novelty,
    Reader,
    Suggestion,
    Synonyms,
    cosine,
    covered,
    diversity,
    judge,
    survey,
)

RAIL = "Build a railway along the coast; it takes 3 years and costs $500M."


def test_the_same_in_other_words_and_units_is_not_new():
    found = judge(
        "build a railway along the coast: it takes 36 months, and costs 0.5 billion dollars", [RAIL]
    )
    assert not found.new
    assert found.nearest == RAIL
    assert [one.text for one in found.known_quantities] == ["36 months", "0.5 billion dollars"]
    assert found.reason == "it is not new: 0 % of it is not in the nearest text, and it takes 30 % to be new"


def test_a_part_of_what_is_there_is_not_new_though_it_is_not_similar():
    found = judge("Build a railway.", [RAIL])
    assert (found.new, found.novelty) == (False, 0)
    assert found.similarity < 0.3


def test_something_else_is_new():
    found = judge("Dig a tunnel under the mountains.", [RAIL])
    assert found.new
    assert found.novelty == pytest.approx(9 / 11)  # all but the words a and the


def test_another_number_is_new_and_is_told():
    answer = "Build a railway along the coast; it takes 3 years and costs $700M."
    found = judge(answer, [RAIL])
    assert found.new
    assert found.novelty < 0.3
    assert found.reason.endswith("and no given text has $700M")
    assert [one.text for one in found.new_quantities] == ["$700M"]
    assert [(one.said.text, one.there.text) for one in found.differences] == [("$700M", "$500M")]
    assert found.suggestions == (
        Suggestion(kind="check", what="$700M", told="check $700M: the nearest text says $500M"),
    )
    lenient = judge(answer, [RAIL], measure=Measure(numbers=False))
    assert not lenient.new
    assert not judge(answer, [RAIL], measure=Measure(tolerance=0.3)).new


def test_numbers_of_texts_that_have_little_in_common_are_not_held_against_each_other():
    assert judge("A tunnel costs $700M.", [RAIL]).differences == ()


def test_a_number_is_held_against_the_closest_of_its_dimension():
    found = judge("The same old road, now 9 km for 3", ["The same old road, once 2 km or 7 km or 8 kg for 4"])
    assert [(one.said.text, one.there.text) for one in found.differences] == [("9 km", "7 km")]


def test_what_was_said_in_different_texts_is_new_when_put_together_and_its_numbers_are_known():
    found = judge(
        "The tunnel takes 3 years. The bridge costs $5.",
        ["The tunnel takes 3 years.", "The bridge costs $5."],
    )
    assert found.new
    assert found.new_quantities == ()


def test_without_anything_given_all_is_new_that_says_something():
    assert judge("Go.").reason == "it is new: there is nothing to compare it with"
    assert judge("...").reason == "it is not new: it says nothing"
    assert not judge("...", [RAIL]).new


def test_how_much_has_to_be_new_can_be_said():
    answer, given = "the red fox sleeps", ["the red fox"]
    assert judge(answer, given).novelty == pytest.approx(2 / 7)
    assert judge(answer, given).reason == (
        "it is not new: 28.6 % of it is not in the nearest text, and it takes 30 % to be new"
    )
    assert judge(answer, given, measure=Measure(least=0.25)).new
    assert (
        judge(answer, given, measure=Measure(least=0.25)).reason
        == "it is new: 28.6 % of it is not in the nearest text"
    )


def test_exactly_as_much_as_said_is_enough():
    assert judge("a a", ["a"], measure=Measure(least=0.5)).new  # half of a, a a
    assert [one.said.text for one in judge("x x $5", ["x x $7"]).differences] == [
        "$5"
    ]  # half of x, x x, $5, x $5


def test_an_answer_that_is_not_new_is_to_be_dropped():
    (found,) = judge("build a railway", [RAIL]).suggestions
    assert (found.kind, found.what) == ("drop", "build a railway")
    assert found.told.startswith("drop 'build a railway': it is in 'Build a railway along the coast;")


@pytest.mark.parametrize("wrong", [{"least": 1.1}, {"near": -0.1}, {"tolerance": float("nan")}])
def test_a_measure_that_makes_no_sense_is_an_error(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}= of a measure is a number from 0 to 1"):
        Measure(**wrong)


def test_topics_are_covered_by_name_by_a_sign_or_by_a_synonym():
    topics = {"cost": ["cheap", "dollars"], "climate change": [], "safety": ["accident"], "speed": ["km/h"]}
    assert covered("The price is fine. Climate change! No accidents.", topics) == Coverage(
        covered=("cost", "climate change"), missing=("safety", "speed")
    )
    assert covered("the climate may change", ["climate change"]).missing == ("climate change",)
    assert covered("anything", [""]).missing == ("",)
    words = Reader(synonyms=Synonyms.of(["accidents, accident"]))
    assert covered("No accidents.", topics, words).covered == ("safety",)


def test_missing_topics_are_suggested():
    found = judge("It is cheap.", [], topics=["cost", "safety"])
    assert found.topics.missing == ("cost", "safety")
    assert [one.told for one in found.suggestions] == [
        "say something about cost",
        "say something about safety",
    ]
    whole = survey(["The cost is low.", "Safety first."], topics=["cost", "safety", "speed"])
    assert whole.topics == Coverage(covered=("cost", "safety"), missing=("speed",))


def test_diversity_by_hand():
    assert diversity([]) == 0
    assert diversity(["alone"]) == 0
    assert diversity(["by train", "by train"]) == 0
    assert diversity(["by train", "on foot"]) == 1
    assert diversity(["a b", "a c", "x"]) == pytest.approx((4 / 5 + 4 / 5 + 1) / 3)


def test_near_duplicates_are_dropped_and_the_longest_stay():
    answers = [
        "Build a railway along the coast!",
        "build a railway",
        "Dig a tunnel.",
        "Build a railway along the coast",
        "Build a railway along the coast for $5M",
    ]
    found = survey(answers)
    assert found.keep == ("Build a railway along the coast for $5M", "Dig a tunnel.")
    assert found.drop == (
        "Build a railway along the coast",
        "Build a railway along the coast!",
        "build a railway",
    )
    assert [one.kind for one in found.suggestions] == ["drop"] * 3


def test_what_is_exactly_as_near_as_said_is_near():
    assert survey(["a b", "b a"], measure=Measure(near=2 / 3)).drop == ("b a",)
    assert survey(["a b", "b a"], measure=Measure(near=0.67)).drop == ()


def test_what_has_numbers_of_its_own_is_no_near_duplicate():
    answers = ["It costs $5M in all, and not more than that", "It costs $7M in all, and not more than that"]
    assert survey(answers, measure=Measure(near=0.5)).drop == ()
    assert len(survey(answers, measure=Measure(near=0.5, numbers=False)).drop) == 1


def test_any_embedding_may_say_how_similar_texts_are():
    vectors = {"rail": [1, 0], "train": [1, 0.1], "boat": [0, 1]}
    measure = Measure(similarity=cosine(vectors))
    assert not judge("rail", ["train", "boat"], measure=measure).new
    assert judge("rail", ["boat"], measure=measure).novelty == 1
    assert survey(vectors, measure=measure).drop == ("train",)
    assert diversity(vectors, measure) == pytest.approx((0.005 + 0.005 + 0.9) / 3, abs=0.01)


def test_a_similarity_out_of_bounds_is_cut():
    assert judge("a", ["b"], measure=Measure(similarity=lambda one, other: 7.0)).novelty == 0
    assert judge("a", ["b"], measure=Measure(similarity=lambda one, other: -7.0)).novelty == 1


def test_one_text_is_not_taken_for_a_list_of_letters():
    for called in (
        lambda: judge("go", "go by train"),
        lambda: diversity("go"),
        lambda: survey("go"),
        lambda: covered("go", "cost"),
        lambda: covered("go", {"cost": "cheap"}),
        lambda: survey(["go"], topics="cost"),
        lambda: Novelty(topics="cost"),
    ):
        with pytest.raises(TypeError, match=r"given as a list, not as one text: \['"):
            called()
