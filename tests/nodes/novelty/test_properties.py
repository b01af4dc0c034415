"""What holds for all texts."""

from hypothesis import given
from hypothesis import strategies as st

from backedge.nodes.novelty import (
    Measure,
    Quantity,
    Reader,
    agree,
    containment,
    cosine,
    diversity,
    judge,
    quantities,
    resemblance,
    survey,
)
from backedge.nodes.novelty.quantities import cleaned, find
from backedge.nodes.novelty.units import Units

READER = Reader()
pieces = st.sampled_from(
    [
        "train",
        "Train",
        "boat",
        "buy",
        "purchase",
        "a",
        "$500K",
        "500,000 dollars",
        "3 km",
        "5-7 kg",
        "2024",
        "12%",
        "in May 2024",
    ]
)
texts = st.one_of(st.lists(pieces, max_size=7).map(" ".join), st.text(max_size=30))
sets = st.lists(texts, max_size=6)
PLANE = {"one": [1.0, 0.0], "two": [0.6, 0.8], "three": [0.0, 1.0], "four": [-1.0, 0.2]}
measures = st.sampled_from([Measure(), Measure(numbers=False, least=0.5), Measure(near=0.3)])


@given(texts, texts)
def test_resemblance_is_the_same_both_ways_and_a_share(one, other):
    left, right = READER.read(one), READER.read(other)
    assert resemblance(left, right) == resemblance(right, left)
    assert 0 <= resemblance(left, right) <= containment(left, right) <= 1


@given(texts, sets, measures)
def test_what_is_there_already_is_not_new(text, others, measure):
    found = judge(text, [*others, text], measure=measure)
    assert not found.new
    assert found.novelty == 0
    assert found.new_quantities == ()


@given(texts, sets, st.randoms(use_true_random=False), measures)
def test_the_order_of_given_texts_does_not_matter(text, others, chance, measure):
    shuffled = list(others)
    chance.shuffle(shuffled)
    assert judge(text, shuffled, measure=measure) == judge(text, others, measure=measure)
    assert survey(shuffled, measure=measure) == survey(others, measure=measure)
    assert diversity(shuffled, measure) == diversity(others, measure)


@given(texts, sets, texts)
def test_more_given_texts_never_make_an_answer_newer(text, others, another):
    more, fewer = judge(text, [*others, another]), judge(text, others)
    assert more.novelty <= fewer.novelty
    assert fewer.new or not more.new
    assert set(more.new_quantities) <= set(fewer.new_quantities)


@given(sets.filter(bool), st.integers(0, 5))
def test_a_duplicate_never_raises_diversity(answers, which):
    again = answers[which % len(answers)]
    assert 0 <= diversity([*answers, again]) <= diversity(answers) <= 1


@given(st.lists(st.sampled_from(sorted(PLANE)), min_size=1, max_size=7), st.integers(0, 6))
def test_a_duplicate_never_raises_diversity_by_vectors_either(answers, which):
    measure = Measure(similarity=cosine(PLANE))
    assert diversity([*answers, answers[which % len(answers)]], measure) <= diversity(answers, measure)


@given(sets, measures)
def test_a_survey_keeps_or_drops_each_answer_and_what_it_keeps_it_would_keep_again(answers, measure):
    found = survey(answers, measure=measure)
    assert sorted([*found.keep, *found.drop]) == sorted(answers)
    assert bool(found.keep) == bool(answers)
    assert survey(found.keep, measure=measure).drop == ()


ends = st.floats(-1e6, 1e6).map(lambda number: round(number, 3))
amounts = st.tuples(ends, ends, st.sampled_from(["", "length"])).map(
    lambda drawn: Quantity(low=min(drawn[:2]), high=max(drawn[:2]), dimension=drawn[2])
)
points = ends.map(lambda number: Quantity(low=number, high=number, dimension="length"))


@given(st.one_of(amounts, points), st.one_of(amounts, points), st.floats(0, 1))
def test_agreement_is_the_same_both_ways_and_each_agrees_with_itself(one, other, tolerance):
    assert agree(one, other, tolerance) == agree(other, one, tolerance)
    assert agree(one, one, tolerance)


@given(texts)
def test_what_is_found_stands_in_the_text_in_order_and_apart(text):
    whole, at = cleaned(text), 0
    for one in find(whole, Units()):
        assert at <= one.start < one.end <= len(whole)
        assert one.quantity is None or one.quantity.text == whole[one.start : one.end]
        assert one.quantity is None or one.quantity.low <= one.quantity.high
        at = one.end


@given(
    st.integers(1, 10**9), st.sampled_from([("km", "m", 1000), ("hours", "minutes", 60), ("kg", "g", 1000)])
)
def test_a_number_is_the_same_in_each_unit(number, units):
    large, small, factor = units
    (one,), (other,) = quantities(f"{number:,} {large}"), quantities(f"{number * factor} {small}")
    assert agree(one, other, 1e-9)
    assert not agree(one, quantities(f"{number * factor * 2} {small}")[0])
