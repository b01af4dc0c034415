from backedge.nodes.repair.memory import Base
from backedge.nodes.repair.streams import MOST_STRONG, STRONG, streams

TIERS = 4


def base(gain, edits=1):
    return Base(replacements=(), outcomes="", text="", gain=gain, size=1.0, edits=edits)


def before_dear_edits(*bases):
    """Which bases get second edits before the original gets more than cheap ones."""
    order = list(streams(bases, TIERS))
    return [start for start, _ in order[1 : order.index((0, 1))]]


def test_without_bases_there_are_the_tiers_of_the_original():
    assert list(streams((), TIERS)) == [(0, tier) for tier in range(TIERS)]


def test_every_stream_comes_once():
    bases = [base(gain / 20, edits=1 + gain % 2) for gain in range(20)]
    order = list(streams(bases, TIERS))
    assert len(order) == len(set(order))
    assert {start for start, _ in order} == set(range(21))


def test_the_best_single_edits_get_a_second_one_early():
    assert before_dear_edits(base(0.5), base(0.9), base(0.6)) == [2, 3]
    assert MOST_STRONG == 2


def test_a_small_gain_or_a_second_edit_is_not_reason_enough():
    assert before_dear_edits(base(STRONG - 0.01), base(0.9, edits=2)) == []
