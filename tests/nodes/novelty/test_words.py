"""Words, synonyms and how similar texts are."""

import pytest

from backedge.nodes.novelty import Reader, Synonyms, containment, cosine, quantities, resemblance

READER = Reader()


def words(text, reader=READER):
    return reader.read(text).words


def test_words_are_read_without_case_and_marks():
    assert words("It's a Straße, isn’t it? \ufb01ne!") == ("it's", "a", "strasse", "isn’t", "it", "fine")
    assert words("_snake_case_") == ("snake", "case")


def test_a_quantity_is_one_word_however_it_is_written():
    assert (
        words("It costs $500K now")
        == words("it costs 500,000 dollars now")
        == ("it", "costs", "500000 usd", "now")
    )


def test_dates_stay_as_words():
    assert words("since 21 May 2026") == ("since", "21", "may", "2026")


def test_synonyms_stand_for_each_other():
    assert words("purchase a huge automobile") == words("buy a big car")
    assert words("Artificial Intelligence") == ("ai",)
    assert words("artificial flowers") == ("artificial", "flowers")


def test_a_table_can_be_extended_and_groups_that_share_a_word_are_one():
    table = Synonyms.of(["bike, bicycle", "car, auto"]).extended(["bicycle, push bike", "lorry, truck"])
    assert table.replaced(["a", "push", "bike", "and", "a", "bike", "and", "a", "truck"]) == (
        "a",
        "bicycle",
        "and",
        "a",
        "bicycle",
        "and",
        "a",
        "lorry",
    )
    assert words("An AUTO", Reader(synonyms=table)) == words("an car", Reader(synonyms=table))
    turned = Synonyms.of(["truck, lorry", "push bike, bicycle", "bike, bicycle", "auto, car"])
    assert turned == table


def test_the_longest_phrase_counts():
    table = Synonyms.of(["new york, ny", "york, eboracum", "new york city, nyc"])
    assert table.replaced(["new", "york", "city", "new", "york", "york"]) == ("nyc", "ny", "eboracum")


def test_a_group_of_one_is_an_error():
    with pytest.raises(ValueError, match="two words at least, with commas in between, not 'bike'"):
        Synonyms.of(["bike"])


def test_resemblance_and_containment_of_texts_by_hand():
    one, other = READER.read("the red fox"), READER.read("the red fox sleeps")
    assert resemblance(one, other) == 5 / 7  # the, red, fox, the red, red fox; sleeps, fox sleeps
    assert containment(one, other) == 1
    assert containment(other, one) == 5 / 7


def test_texts_without_words_are_alike_and_like_nothing_else():
    empty, other = READER.read("!?"), READER.read("yes")
    assert resemblance(empty, empty) == 1
    assert resemblance(empty, other) == 0
    assert containment(empty, other) == 1


def test_the_cosine_of_vectors():
    similar = cosine({"a": [3, 0], "b": [1, 1], "c": [-1, 0], "zero": [0, 0], "long": [1, 2, 3]})
    assert similar("a", "b") == pytest.approx(0.5**0.5)
    assert similar("a", "c") == 0
    assert similar("a", "zero") == 0
    assert similar("zero", "zero") == 1
    with pytest.raises(ValueError, match="equally long, not 2 and 3"):
        similar("a", "long")


def test_what_was_read_has_the_quantities_too():
    text = "3 km in 2 hours"
    assert READER.read(text).quantities == quantities(text)
