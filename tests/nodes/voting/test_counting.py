"""What is told of a vote."""

import pytest

from backedge.nodes.voting import Ballot, Election, Option, approve, count, rank, reject, score, veto


@pytest.mark.parametrize(
    ("election", "ballots", "reason"),
    [
        (
            {"method": "majority"},
            [approve("ann", "a"), approve("bob", "a"), approve("cy", "b")],
            "a wins: 66.67 % of the weight that was cast approve, more than 50 % was needed",
        ),
        (
            {"method": "approval"},
            [approve("ann", "a", "b"), approve("bob", "b")],
            "b wins: 100 % of the weight that was cast approve, more than 0 % was needed",
        ),
        (
            {"method": "approval"},
            [reject("ann", "a")],
            "no option has enough: of the best 0 % of the weight that was cast approve, and more than 0 % is needed",
        ),
        (
            {"method": "consensus", "threshold": 0.5},
            [approve("ann", "a"), approve("bob", "b")],
            "a, b are tied: of each 50 % of the weight that was cast approve, at least 50 % was needed",
        ),
        ({"method": "weighted_average"}, [score("ann", {"a": 7.5})], "a wins: its average is 7.5"),
        (
            {"method": "highest_score"},
            [score("ann", {"a": 7, "b": 2})],
            "a wins: its scores add up to 7",
        ),
        (
            {"method": "highest_score", "ties": "first"},
            [score("ann", {"a": 7, "b": 7})],
            "a wins a tie with b, since it stands first: its scores add up to 7",
        ),
        ({"method": "borda"}, [rank("ann", "b", "a")], "b wins: it has 2 points"),
        (
            {"method": "ranked_choice"},
            [rank("ann", "b"), rank("bob", "b"), rank("cy", "c")],
            "b wins: it is first on 66.67 % of the weight in round 1",
        ),
        (
            {"method": "ranked_choice", "vetoes": ["di"]},
            [rank("ann", "b"), veto("di", "a", reason="dear"), veto("ed", "c")],
            "b wins: it is first on 100 % of the weight in round 1, di vetoed a (dear)",
        ),
        ({"method": "borda"}, [], "no ballot that counts has ranking for an option"),
        (
            {"vetoes": ["di"]},
            [veto("di", "a", "b")],
            "no ballot that counts has approve or reject for an option; di vetoed a; di vetoed b",
        ),
    ],
)
def test_the_reason_says_what_was_counted_and_what_was_needed(election, ballots, reason):
    assert count(Election(**{"options": ["a", "b", "c"], **election}), ballots).reason == reason


def test_who_wins_alone_is_tied_with_nobody():
    assert count(Election(options=["a"]), [approve("ann", "a")]).tied == ()


def test_an_option_on_which_nobody_may_vote_has_no_share():
    election = Election(options=[Option(name="a", authors=("ann",)), "b"], method="approval")
    assert count(election, [approve("ann", "b")]).shares == {"a": 0, "b": 1}


def test_only_the_part_of_a_ballot_that_is_counted_makes_dissent():
    mixed = Ballot(voter="ann", approve=("a",), ranking=("b", "a"), scores={"a": 1, "b": 2}, reason="both")
    for method, stances in (
        ("approval", []),
        ("borda", ["prefers b"]),
        ("highest_score", ["scores b higher"]),
    ):
        others = [
            Ballot(voter=name, approve=("a",), ranking=("a",), scores={"a": 9}) for name in ("bob", "cy")
        ]
        result = count(Election(options=["a", "b"], method=method), [mixed, *others])
        assert result.winner == "a"
        assert [one.stance for one in result.dissent] == stances, method
