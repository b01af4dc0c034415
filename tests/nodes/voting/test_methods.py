"""What each method makes of ballots that were worked out by hand."""

import pytest

from backedge.nodes.voting import Election, abstain, approve, count, rank, reject, score


def ballots_of(*groups):
    """Rankings as ``(3, "a b c")``: so many voters with this order."""
    made = []
    for number, order in groups:
        made += [rank(f"v{len(made) + i}", *order.split()) for i in range(number)]
    return made


def test_a_majority_is_more_than_half_and_not_half():
    election = Election(options=["plan"])
    assert (
        count(election, [approve("ann", "plan"), approve("bob", "plan"), reject("cy", "plan")]).winner
        == "plan"
    )
    result = count(election, [approve("ann", "plan"), reject("bob", "plan")])
    assert (result.status, result.winner) == ("below_threshold", None)
    assert result.reason == (
        "no option has enough: of the best 50 % of the weight that was cast approve, and more than 50 % is needed"
    )


def test_two_thirds_means_two_thirds():
    ballots = [approve("ann", "plan"), approve("bob", "plan"), reject("cy", "plan")]
    more_than = Election(options=["plan"], threshold=2 / 3)
    at_least = Election(options=["plan"], method="consensus", threshold=2 / 3)
    assert count(more_than, ballots).status == "below_threshold"
    assert count(at_least, ballots).winner == "plan"


def test_the_most_votes_are_no_majority_where_three_share_them():
    ballots = [approve("ann", "a"), approve("bob", "a"), approve("cy", "b"), approve("di", "c")]
    assert count(Election(options=["a", "b", "c"]), ballots).status == "below_threshold"
    assert count(Election(options=["a", "b", "c"], method="approval"), ballots).winner == "a"


def test_weights_decide_over_heads():
    election = Election(options=["a", "b"], voters={"ann": 3, "bob": 1, "cy": 1})
    result = count(election, [approve("ann", "a"), approve("bob", "b"), approve("cy", "b")])
    assert result.winner == "a"
    assert result.tally == {"a": 3, "b": 2}
    assert result.shares == {"a": 0.6, "b": 0.4}


def test_weights_add_up_as_they_are_written():
    election = Election(options=["a", "b"], voters={"ann": 0.1, "bob": 0.2, "cy": 0.3})
    result = count(election, [approve("ann", "a"), approve("bob", "a"), approve("cy", "b")])
    assert (result.status, result.shares) == ("below_threshold", {"a": 0.5, "b": 0.5})


def test_consensus_is_spoiled_by_one_and_not_by_who_abstains():
    election = Election(options=["plan"], method="consensus")
    assert count(election, [approve("ann", "plan"), abstain("bob")]).winner == "plan"
    assert count(election, [approve("ann", "plan"), reject("bob", "plan")]).status == "below_threshold"
    lenient = Election(options=["plan"], method="consensus", threshold=0.5)
    assert count(lenient, [approve("ann", "plan"), reject("bob", "plan")]).winner == "plan"


def test_approval_takes_several_and_may_ask_for_a_share():
    ballots = [approve("ann", "a", "b"), approve("bob", "b"), approve("cy", "c")]
    assert count(Election(options=["a", "b", "c"], method="approval"), ballots).winner == "b"
    strict = Election(options=["a", "b", "c"], method="approval", threshold=0.75)
    assert count(strict, ballots).status == "below_threshold"


def test_approval_elects_nobody_whom_all_reject():
    result = count(Election(options=["a"], method="approval"), [reject("ann", "a")])
    assert (result.status, result.winner) == ("below_threshold", None)


def test_the_average_counts_those_who_scored_and_the_sum_counts_all():
    ballots = [score("ann", {"a": 9}), score("bob", {"a": 5, "b": 8}), score("cy", {"a": 5})]
    average = count(Election(options=["a", "b"], method="weighted_average"), ballots)
    assert (average.winner, average.tally["b"]) == ("b", 8)
    assert average.tally["a"] == pytest.approx(19 / 3)
    total = count(Election(options=["a", "b"], method="highest_score"), ballots)
    assert (total.winner, total.tally) == ("a", {"a": 19, "b": 8})


def test_the_average_is_weighted_and_may_have_to_reach_something():
    election = Election(options=["a"], method="weighted_average", voters={"ann": 3, "bob": 1}, threshold=7.5)
    result = count(election, [score("ann", {"a": 9}), score("bob", {"a": 3})])
    assert (result.winner, result.tally) == ("a", {"a": 7.5})
    lower = count(election, [score("ann", {"a": 8.9}), score("bob", {"a": 3})])
    assert lower.status == "below_threshold"
    assert "its average is 7.425, and at least 7.5 is needed" in lower.reason


def test_an_option_that_is_left_out_gets_the_lowest_score_of_the_scale():
    election = Election(options=["a", "b"], method="highest_score", scale=(-5, 5))
    result = count(election, [score("ann", {"a": -1}), score("bob", {"a": -1, "b": 5})])
    assert (result.winner, result.tally) == ("b", {"a": -2, "b": 0})


TENNESSEE = ballots_of(
    (42, "memphis nashville chattanooga knoxville"),
    (26, "nashville chattanooga knoxville memphis"),
    (15, "chattanooga knoxville nashville memphis"),
    (17, "knoxville chattanooga nashville memphis"),
)
CITIES = ["memphis", "nashville", "chattanooga", "knoxville"]


def test_ranked_choice_of_the_capital_of_tennessee_goes_three_rounds():
    result = count(Election(options=CITIES, method="ranked_choice"), TENNESSEE)
    assert result.winner == "knoxville"
    assert [one.out for one in result.rounds] == ["chattanooga", "nashville", None]
    assert result.rounds[-1].tally == {"memphis": 42, "knoxville": 58}


def test_borda_of_the_capital_of_tennessee_is_nashville():
    result = count(Election(options=CITIES, method="borda"), TENNESSEE)
    assert result.winner == "nashville"
    assert result.tally == {"memphis": 126, "nashville": 194, "chattanooga": 173, "knoxville": 107}


def test_ranked_choice_ends_as_soon_as_one_has_more_than_half():
    result = count(
        Election(options=["a", "b", "c"], method="ranked_choice"), ballots_of((3, "a"), (2, "b"), (1, "c"))
    )
    assert (result.status, len(result.rounds)) == ("won", 2)
    result = count(
        Election(options=["a", "b", "c"], method="ranked_choice"), ballots_of((3, "a"), (1, "b"), (1, "c"))
    )
    assert (result.status, len(result.rounds)) == ("won", 1)


def test_a_ballot_whose_options_have_all_left_no_longer_counts_for_half():
    result = count(
        Election(options=["a", "b", "c"], method="ranked_choice"), ballots_of((4, "a"), (3, "b a"), (2, "c"))
    )
    assert result.winner == "a"
    assert result.rounds[-1].tally == {"a": 4, "b": 3}


def test_of_several_with_the_fewest_the_one_leaves_that_had_fewer_before():
    ballots = ballots_of((6, "a"), (5, "b"), (3, "c d"), (4, "d"), (1, "e c"))
    result = count(Election(options=["a", "b", "c", "d", "e"], method="ranked_choice"), ballots)
    assert [one.out for one in result.rounds][:2] == ["e", "c"]
    assert result.rounds[1].why == "the fewest first places, as others, but fewer in round 1"


def test_the_rounds_are_looked_back_on_one_after_the_other():
    ballots = ballots_of((9, "a"), (8, "b"), (3, "c"), (2, "d"), (1, "e d"), (2, "f a"))
    result = count(Election(options=["a", "b", "d", "c", "e", "f"], method="ranked_choice"), ballots)
    assert [one.out for one in result.rounds] == ["e", "f", "d", "c", None]
    assert result.rounds[2].tally == {"a": 11, "b": 8, "c": 3, "d": 3}
    assert result.rounds[2].why == "the fewest first places, as others, but fewer in round 1"
    assert result.winner == "a"


def test_of_several_that_never_differ_the_one_that_stands_last_leaves():
    ballots = ballots_of((3, "a"), (2, "b"), (2, "c"))
    result = count(Election(options=["c", "a", "b"], method="ranked_choice"), ballots)
    assert result.rounds[0].out == "b"
    assert "stands last" in result.rounds[0].why
    assert count(Election(options=["b", "a", "c"], method="ranked_choice"), ballots).rounds[0].out == "c"


def test_ranked_choice_is_a_tie_when_all_that_are_left_have_equally_much():
    result = count(Election(options=["a", "b"], method="ranked_choice"), ballots_of((2, "a b"), (2, "b a")))
    assert (result.status, result.tied) == ("tie", ("a", "b"))


def test_ranked_choice_is_not_monotone_as_the_page_says():
    before = ballots_of((39, "a b c"), (35, "b c a"), (26, "c a b"))
    after = ballots_of(
        (49, "a b c"), (25, "b c a"), (26, "c a b")
    )  # ten of b's voters now prefer a, who had won
    election = Election(options=["a", "b", "c"], method="ranked_choice")
    assert count(election, before).winner == "a"
    assert count(election, after).winner == "c"


def test_borda_shares_out_what_a_ballot_leaves_unranked():
    result = count(Election(options=["a", "b", "c", "d"], method="borda"), [rank("ann", "b")])
    assert result.tally == {"a": 1, "b": 3, "c": 1, "d": 1}


def test_a_tie_has_no_winner_unless_the_first_is_to_win():
    ballots = [score("ann", {"b": 7, "c": 7, "a": 1})]
    for method in ("weighted_average", "highest_score"):
        result = count(Election(options=["a", "c", "b"], method=method), ballots)
        assert (result.status, result.winner, result.tied) == ("tie", None, ("c", "b"))
        result = count(Election(options=["a", "c", "b"], method=method, ties="first"), ballots)
        assert (result.status, result.winner, result.tied) == ("won", "c", ("c", "b"))
        assert "wins a tie with b" in result.reason


def test_where_all_abstain_nothing_wins():
    for method in ("majority", "consensus", "weighted_average", "highest_score", "ranked_choice", "borda"):
        result = count(Election(options=["a"], method=method), [abstain("ann")])
        assert (result.status, result.abstained) == ("no_votes", ("ann",)), method
