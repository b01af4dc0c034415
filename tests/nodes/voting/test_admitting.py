"""Which ballots count."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from backedge.nodes.voting import (
    Ballot,
    BallotError,
    Election,
    Option,
    abstain,
    approve,
    check,
    count,
    rank,
    reject,
    score,
    veto,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLAN = Election(options=["plan"])


def why(election, ballot):
    """What is told to who cast it; the vote and the check beforehand say the same."""
    with pytest.raises(BallotError) as caught:
        check(election, ballot)
    (refused,) = count(election, [ballot]).refused
    assert refused.why == caught.value.why
    assert refused.ballot == ballot
    assert str(caught.value) == f"the ballot of {ballot.voter!r} does not count: {refused.why}"
    return refused.why


def test_what_would_count_passes_the_check():
    check(PLAN, approve("ann", "plan"))
    check(PLAN, abstain("ann"))


def test_only_voters_vote():
    assert (
        why(Election(options=["plan"], voters=["ann"]), approve("eve", "plan"))
        == "'eve' is no voter of this election"
    )


def test_only_who_is_entitled_vetoes():
    election = Election(options=["plan"], vetoes=["cy"])
    assert why(election, veto("ann", "plan")) == "'ann' may not veto; cy may: reject instead"
    assert why(PLAN, veto("ann", "plan")) == "'ann' may not veto; nobody may: reject instead"
    result = count(
        election, [*(approve(f"v{n}", "plan") for n in range(9)), veto("cy", "plan", reason="unsafe")]
    )
    assert (result.status, result.winner) == ("vetoed", None)
    assert result.reason == "no option is left: cy vetoed plan (unsafe)"


def test_a_veto_leaves_the_win_to_another_option():
    election = Election(options=["a", "b"], method="approval", vetoes=["cy"])
    result = count(
        election, [approve("ann", "a"), approve("bob", "a", "b"), veto("cy", "a", reason="too dear")]
    )
    assert result.winner == "b"
    assert [(one.option, one.voter, one.reason) for one in result.vetoed] == [("a", "cy", "too dear")]
    assert "cy vetoed a (too dear)" in result.reason


@pytest.mark.parametrize("method", ["ranked_choice", "borda"])
def test_a_vetoed_option_is_struck_from_rankings_as_if_it_had_never_stood(method):
    ballots = [rank("ann", "a", "b", "c"), rank("bob", "a", "c", "b"), rank("di", "b", "a", "c")]
    election = Election(options=["a", "b", "c"], method=method, vetoes=["cy"])
    result = count(election, [*ballots, veto("cy", "a")])
    without = Election(options=["b", "c"], method=method)
    struck = [
        one.model_copy(update={"ranking": tuple(n for n in one.ranking if n != "a")}) for one in ballots
    ]
    assert (result.winner, result.tally) == ("b", count(without, struck).tally)


def test_nobody_votes_on_their_own():
    options = [Option(name="hers", authors=("ann",)), Option(name="his", authors=("bob",))]
    election = Election(options=options, method="approval", vetoes=["ann"])
    told = "'ann' is an author of 'hers', and nobody votes on their own: leave it out"
    assert why(election, approve("ann", "hers", "his")) == told
    assert why(election, reject("ann", "hers")) == told
    check(election, veto("ann", "hers"))  # to take it back is no vote for oneself


def test_authors_do_not_count_against_their_own_for_lack_of_a_vote():
    options = [Option(name="hers", authors=("ann",)), Option(name="his", authors=("bob",))]
    election = Election(options=options, method="consensus")
    result = count(election, [approve("ann", "his"), approve("bob", "hers"), approve("cy", "hers")])
    assert (result.winner, result.shares) == ("hers", {"hers": 1, "his": 0.5})


def test_authors_share_out_no_points_to_their_own():
    election = Election(options=[Option(name="a", authors=("ann",)), "b", "c"], method="borda")
    assert count(election, [rank("ann", "b")]).tally == {"a": 0, "b": 1, "c": 0}


def test_late_ballots_are_refused_and_replace_nothing():
    election = Election(options=["plan"], deadline=NOON)
    in_time, late = approve("ann", "plan", at=NOON), reject("ann", "plan", at=NOON + MINUTE)
    assert "after the deadline" in why(election, late)
    assert "give at=" in why(election, approve("bob", "plan"))
    result = count(election, [late, in_time])
    assert (result.winner, len(result.refused)) == ("plan", 1)


def test_until_the_deadline_a_vote_is_open():
    election = Election(options=["plan"], voters=["ann"], deadline=NOON)
    ballots = [approve("ann", "plan", at=NOON - MINUTE)]
    early = count(election, ballots, NOON)
    assert (early.status, early.winner, early.tally) == ("open", None, {"plan": 1})
    assert count(election, ballots, NOON + MINUTE).winner == "plan"
    assert count(election, ballots).winner == "plan"
    with pytest.raises(ValueError, match="has no time zone"):
        count(election, ballots, datetime(2026, 3, 1))


def test_the_ballot_that_was_cast_last_counts():
    first, second = approve("ann", "plan", at=NOON), reject("ann", "plan", at=NOON + MINUTE)
    result = count(PLAN, [second, first])
    assert result.counted == ("ann",)
    assert (result.status, result.dissent[0].stance) == ("below_threshold", "rejects plan")
    assert [(one.ballot, one.why) for one in result.refused] == [
        (first, "a later ballot of the same voter replaces it")
    ]
    assert count(PLAN, [approve("ann", "plan"), reject("ann", "plan", at=NOON)]).status == "below_threshold"


def test_of_different_ballots_at_the_same_time_none_counts():
    result = count(PLAN, [approve("ann", "plan"), reject("ann", "plan")])
    assert result.counted == ()
    assert {one.why for one in result.refused} == {
        "'ann' cast 2 different ballots at the same time: cast one that is later"
    }
    three = [abstain("ann"), approve("ann", "plan", at=NOON), reject("ann", "plan", at=NOON)]
    assert len(count(PLAN, three).refused) == 3
    assert count(PLAN, [*three, approve("ann", "plan", at=NOON + MINUTE)]).winner == "plan"


def test_the_same_time_in_two_zones_is_the_same_time():
    there = NOON.astimezone(timezone(timedelta(hours=5)))
    assert count(PLAN, [approve("ann", "plan", at=NOON), approve("ann", "plan", at=there)]).winner == "plan"


def test_a_ballot_falls_when_what_it_judges_changes():
    before = Election(options={"plan": "by train", "other": "by ship"}, method="approval")
    after = Election(options={"plan": "by train, at night", "other": "by ship"}, method="approval")
    ballot = approve("ann", "plan", seen=before.stamps)
    assert count(before, [ballot]).winner == "plan"
    assert "'plan' has changed since" in why(after, ballot)
    check(after, approve("bob", "other", seen=before.stamps))  # of which it speaks, nothing changed
    assert "give seen=" in why(after, approve("ann", "plan"))


def test_a_ranking_falls_with_each_option_that_it_names():
    before = Election(options={"a": "1", "b": "2", "c": "3"}, method="borda")
    after = Election(options={"a": "1", "b": "changed", "c": "3"}, method="borda")
    assert "'b' has changed" in why(after, rank("ann", "a", "b", seen=before.stamps))
    check(after, rank("ann", "a", "c", seen=before.stamps))


def test_a_version_of_ones_own_stands_for_the_text():
    first = Election(options=[Option(name="plan", text="by train", version="7")])
    again = Election(options=[Option(name="plan", text="by train!", version="7")])
    check(again, approve("ann", "plan", seen=first.stamps))


@pytest.mark.parametrize(
    ("method", "ballot", "told"),
    [
        ("majority", score("ann", {"a": 1}), "majority reads approve or reject, of which it has nothing"),
        ("borda", approve("ann", "a"), "borda reads ranking, of which it has nothing"),
        ("highest_score", rank("ann", "a"), "highest_score reads scores, of which it has nothing"),
        (
            "weighted_average",
            score("ann", {"a": 11}),
            "it gives 'a' a score of 11.0: scores go from 0.0 to 10.0",
        ),
        ("majority", approve("ann", "a", "b"), "majority is one vote for one option, and it approves 2"),
        ("approval", approve("ann", "z"), "there is no option 'z': the options are 'a', 'b'"),
    ],
)
def test_what_the_method_cannot_read_is_told_to_the_voter(method, ballot, told):
    assert told in why(Election(options=["a", "b"], method=method), ballot)


def test_both_ends_of_the_scale_are_scores():
    check(Election(options=["a", "b"], method="highest_score"), score("ann", {"a": 0, "b": 10}))


def test_a_quorum_counts_abstentions_and_no_refused_ballots():
    election = Election(options=["plan"], voters=["ann", "bob", "cy"], quorum=2)
    alone = count(election, [approve("ann", "plan"), approve("eve", "plan")])
    assert (alone.status, alone.winner, alone.absent) == ("no_quorum", None, ("bob", "cy"))
    assert alone.reason == "there is no quorum: 1 ballots count, and 2 are needed"
    assert count(election, [approve("ann", "plan"), abstain("bob")]).winner == "plan"


def test_a_quorum_may_be_a_share_of_the_weight():
    election = Election(options=["plan"], voters={"ann": 2, "bob": 1}, quorum_share=2 / 3)
    assert count(election, [approve("ann", "plan")]).winner == "plan"
    result = count(election, [approve("bob", "plan")])
    assert result.status == "no_quorum"
    assert "0.3333 of the weight" in result.reason


def test_dissent_says_who_wanted_what_instead_and_why():
    election = Election(options=["a", "b"], method="approval")
    result = count(
        election,
        [
            approve("ann", "a"),
            approve("bob", "a", "b"),
            approve("cy", "b", reason="cheaper"),
            reject("di", "a"),
        ],
    )
    assert result.status == "tie"
    assert [(one.voter, one.stance) for one in result.dissent] == [("di", "rejects a")]
    result = count(
        election,
        [
            approve("ann", "a"),
            approve("bob", "a", "b"),
            approve("cy", "b", reason="cheaper"),
            approve("di", "a"),
        ],
    )
    assert [(one.voter, one.stance, one.reason) for one in result.dissent] == [
        ("cy", "approves b", "cheaper")
    ]


def test_dissent_of_scores_and_rankings_is_who_puts_another_higher():
    scored = count(
        Election(options=["a", "b"], method="highest_score"),
        [score("ann", {"a": 9, "b": 2}), score("bob", {"a": 3, "b": 4}), score("cy", {"a": 3, "b": 3})],
    )
    assert [(one.voter, one.stance) for one in scored.dissent] == [("bob", "scores b higher")]
    ranked = count(
        Election(options=["a", "b", "c"], method="borda"),
        [
            rank("ann", "a", "b"),
            rank("bob", "a"),
            rank("cy", "c", "b", "a"),
            rank("di", "b"),
            rank("ed", "a"),
        ],
    )
    assert ranked.winner == "a"
    assert [(one.voter, one.stance) for one in ranked.dissent] == [
        ("cy", "prefers c, b"),
        ("di", "prefers b"),
    ]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"approve": ("a", "a")}, "approve names 'a' twice"),
        ({"ranking": ("a", "b", "a")}, "ranking names 'a' twice"),
        ({"approve": ("a",), "reject": ("a",)}, "for and against 'a'"),
        ({"approve": ("a",), "veto": ("a",)}, "for and against 'a'"),
        ({"scores": {"a": float("nan")}}, "finite"),
        ({"aprove": ("a",)}, "aprove"),
    ],
)
def test_a_ballot_that_makes_no_sense_cannot_be_made(parts, told):
    with pytest.raises(ValidationError, match=told):
        Ballot(voter="ann", **parts)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"options": []}, "at least 1"),
        ({"options": 3}, "tuple"),
        ({"options": ["a", "a"]}, "each option has a name of its own"),
        ({"voters": {"ann": 0}}, "greater than 0"),
        ({"voters": ["ann"], "vetoes": ["bob"]}, "'bob' may veto but is no voter"),
        ({"voters": ["ann"], "quorum": 2}, "a quorum of 2 can never be met by 1 voters"),
        ({"quorum_share": 0.5}, "name the voters, or give quorum="),
        ({"scale": (5, 5)}, "the lowest and the highest score"),
        ({"threshold": 1}, "a share from 0 below 1, not 1.0"),
        ({"method": "consensus", "threshold": 1.5}, "a share from 0 up to 1, not 1.5"),
        ({"method": "weighted_average", "threshold": 11}, "an average from 0.0 to 10.0, not 11.0"),
        ({"method": "borda", "threshold": 1}, "borda has no threshold"),
    ],
)
def test_an_election_that_makes_no_sense_cannot_be_made(parts, told):
    with pytest.raises(ValidationError, match=told):
        Election(**{"options": ["a", "b"], **parts})
