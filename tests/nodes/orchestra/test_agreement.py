"""How much answers agree, and what holds of that for all answers."""

from fractions import Fraction
from itertools import combinations
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge import END, START, Graph, extend
from backedge.nodes.novelty import Measure, Reader, resemblance
from backedge.nodes.orchestra import (
    Answer,
    AnswerError,
    Choice,
    Number,
    Said,
    Text,
    agreed,
    agreement,
    central,
)

CHOICE = Choice("a", "b", "c")
weights = st.integers(1, 50).map(lambda n: n / 10)
choices = st.tuples(st.just(CHOICE), st.lists(st.sampled_from("abc"), max_size=7))
numbers = st.tuples(
    st.sampled_from([Number("$"), Number("$", tolerance=0.2)]),
    st.lists(
        st.sampled_from(["$500K", "500,000 dollars", "$505K", "$600K", "450000", 0, "$1-2M"]), max_size=6
    ),
)
texts = st.tuples(
    st.sampled_from([Text(), Text(Measure(similarity=lambda one, other: 0.1))]),
    st.lists(
        st.lists(st.sampled_from(["by", "train", "ship", "at", "night"]), min_size=1).map(" ".join),
        max_size=6,
    ),
)


@st.composite
def answers(draw):
    kind, said = draw(st.one_of(choices, numbers, texts))
    return kind, [(one, draw(weights)) for one in said]


def score(kind, said):
    return agreement([one for one, _ in said], kind=kind, weights=[weight for _, weight in said])


@given(answers(), st.randoms(use_true_random=False))
def test_agreement_is_from_0_to_1_and_does_not_depend_on_the_order(made, random):
    kind, said = made
    found = score(kind, said)
    assert 0 <= found <= 1
    random.shuffle(said)
    assert score(kind, said) == found


@given(answers())
def test_equal_answers_agree_wholly_whatever_they_weigh(made):
    kind, said = made
    assert score(kind, [(said[0][0], weight) for _, weight in said]) == 1


@given(answers())
def test_agreement_is_1_only_where_each_two_are_wholly_similar(made):
    kind, said = made
    pairs = [agreement([one, other], kind=kind) for (one, _), (other, _) in combinations(said, 2)]
    assert (score(kind, said) == 1) == all(pair == 1 for pair in pairs)


@given(answers())
def test_agreement_is_the_weighted_mean_of_all_pairs(made):
    kind, said = made
    exact = [(one, Fraction(repr(weight))) for one, weight in said]
    pairs = list(combinations(exact, 2))
    total = sum((left * right for (_, left), (_, right) in pairs), Fraction(0))
    common = sum(
        (
            left * right * Fraction(agreement([one, other], kind=kind))
            for (one, left), (other, right) in pairs
        ),
        Fraction(0),
    )
    assert score(kind, said) == (float(common / total) if total else 1)


@given(answers())
def test_only_the_proportions_of_weights_count(made):
    kind, said = made
    scaled = [(one, weight * 4) for one, weight in said]  # by a power of two, which no float rounds
    assert score(kind, scaled) == pytest.approx(score(kind, said), abs=1e-12)


@given(st.lists(st.tuples(st.sampled_from("ab"), weights), max_size=6), weights)
def test_one_with_whom_nobody_agrees_never_raises_it(said, weight):
    assert score(CHOICE, [*said, ("c", weight)]) <= score(CHOICE, said)


def test_of_choices_it_is_the_share_of_pairs_that_agree_as_fleiss_has_it():
    def fleiss(*counts):
        n = sum(counts)
        return sum(k * (k - 1) for k in counts) / (n * (n - 1))

    assert agreement("aaaab", kind=CHOICE) == fleiss(4, 1) == 0.6
    assert agreement("aabbc", kind=CHOICE) == fleiss(2, 2, 1) == 0.2


def test_of_texts_it_is_their_resemblance():
    read = Reader().read
    one, other = "Go by night train.", "Go by train."
    assert agreement([one, other]) == resemblance(read(one), read(other))
    assert agreement(["Buy three trucks for $500K", "purchase three trucks for 500,000 dollars"]) == 1


def test_numbers_agree_within_their_tolerance():
    assert agreement(["$500K", "504,000 dollars"], kind=Number("$")) == 1
    assert agreement(["$500K", "510,000 dollars"], kind=Number("$")) == 0
    assert agreement(["$500K", "510,000 dollars"], kind=Number("$", tolerance=0.02)) == 1


def test_weights_are_those_of_the_answers_unless_others_are_given():
    said = [
        Answer(perspective=str(n), text=text, weight=weight)
        for n, (text, weight) in enumerate([("a", 3), ("a", 1), ("b", 1)])
    ]
    assert agreement(said, kind=CHOICE) == 3 / 7
    assert agreement(said, kind=CHOICE, weights=[1, 1, 1]) == 1 / 3
    with pytest.raises(ValueError, match="2 numbers for 3 answers"):
        agreement(said, kind=CHOICE, weights=[1, 1])
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="a weight is a number above 0"):
            agreement("ab", kind=CHOICE, weights=[1, wrong])


def test_fewer_than_two_answers_disagree_with_nobody():
    assert agreement([]) == agreement(["alone"]) == 1


def test_what_is_no_answer_of_the_kind_cannot_be_compared():
    with pytest.raises(AnswerError, match="one of a, b, c"):
        agreement(["a", "d"], kind=CHOICE)
    with pytest.raises(AnswerError, match="is no number"):
        agreement([Answer(perspective="x", text="a"), Answer(perspective="y", text="b")], kind=Number())


def test_a_kind_of_ones_own_whose_similarities_leave_the_range_cannot_lead_agreement_out_of_it():
    class Odd(Text):
        def compared(self, answers):
            return lambda one, other: 7.0 if one + other == 1 else -7.0

    assert agreement(["a", "b", "c"], kind=Odd()) == 1 / 3


def test_thousands_of_equal_answers_are_compared_at_once():
    compared = []

    def similarity(one, other):
        compared.append((one, other))
        return 0.5

    kind = Text(Measure(similarity=similarity))
    assert agreement(["yes"] * 1_999 + ["no"], kind=kind) == pytest.approx(1 - 0.5 * 2 / 2_000)
    assert compared == [("yes", "no")]


@given(answers())
def test_the_central_answer_is_the_most_similar_to_all(made):
    kind, said = made
    if not said:
        with pytest.raises(ValueError, match="of no answers none is central"):
            central([])
        return
    read = [kind.read(one) for one, _ in said]
    given_weights = [weight for _, weight in said]

    def closeness(place):
        return sum(
            Fraction(repr(weight))
            * Fraction(1.0 if one.text == read[place].text else agreement([read[place], one], kind=kind))
            for one, weight in zip(read, given_weights, strict=True)
        )

    found = central(read, kind=kind, weights=given_weights)
    best = max(closeness(place) for place in range(len(read)))
    assert closeness(found) == best
    assert all(closeness(place) < best for place in range(found))


def test_of_choices_the_central_one_has_the_most_weight_and_a_tie_goes_to_the_first():
    assert central([Said(text=one) for one in "abb"], kind=CHOICE) == 1
    assert central([Said(text=one) for one in "abb"], kind=CHOICE, weights=[5, 1, 1]) == 0
    assert central([Said(text=one) for one in "baab"], kind=CHOICE) == 0


async def test_agreed_is_a_condition_of_edges_that_looks_at_the_last_answers():
    class Talk(BaseModel):
        answers: Annotated[list[Answer], extend] = []

    enough = agreed(0.6, kind=CHOICE)
    graph = Graph(Talk)

    @graph.node(writes="answers")
    async def ask(answers: list[Answer]) -> list[Answer]:
        number = len(answers) // 3
        said = ("abc", "aba", "aaa")[number]
        return [Answer(perspective=str(n), text=text, round=number) for n, text in enumerate(said)]

    graph.edge(START, ask)
    graph.feedback(ask, ask, when=lambda answers: not enough(answers), limit=5)
    graph.edge(ask, END, when=enough)
    assert len((await graph.compile().run({})).state.answers) == 9


async def test_agreed_reads_the_field_that_it_is_told():
    class Talk(BaseModel):
        said: list[str]

    graph = Graph(Talk)

    @graph.node(may_stop=True)
    async def look(said: list[str]) -> None: ...

    @graph.node
    async def agree() -> None:
        there.append("agree")

    there = []
    graph.chain(START, look)
    graph.edge(look, agree, when=agreed(1, field="said"))
    graph.edge(agree, END)
    flow = graph.compile()
    await flow.run({"said": ["by train", "by ship"]})
    assert there == []
    await flow.run({"said": ["by train", "By train!"]})
    assert there == ["agree"]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_agreed_wants_a_share(wrong):
    with pytest.raises(ValueError, match="from 0 to 1"):
        agreed(wrong)
