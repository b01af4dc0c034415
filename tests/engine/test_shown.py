"""Values in messages."""

from backedge.engine.shown import listed, shown


class Rude:
    def __repr__(self):
        raise RuntimeError("no")


def test_long_values_are_cut_to_the_length_asked_for():
    assert shown("abc") == "'abc'"
    assert shown("a" * 500) == f"'{'a' * 96}..."
    assert len(shown(list(range(1000)), most=20)) == 20


def test_a_value_that_cannot_be_shown_does_not_break_the_message():
    assert shown(Rude()) == "<Rude, whose repr raises RuntimeError>"


def test_of_many_values_the_first_are_listed_and_the_others_counted():
    assert listed([]) == ""
    assert listed(["a", 1]) == "'a', 1"
    assert listed(range(12)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
    assert listed("abcd", most=3) == "'a', 'b', 'c' and 1 more"
