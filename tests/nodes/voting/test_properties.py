"""What holds for every vote."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backedge.nodes.voting import Election, count

from .strategies import OPTIONS, votes

RANKED = ("ranked_choice", "borda")


@given(votes(vetoing=True), st.randoms(use_true_random=False))
def test_the_order_of_ballots_does_not_matter(vote, chance):
    election, ballots = vote
    shuffled = list(ballots)
    chance.shuffle(shuffled)
    assert count(election, shuffled) == count(election, ballots)


@given(votes(vetoing=True))
def test_a_ballot_given_twice_counts_once(vote):
    election, ballots = vote
    assert count(election, ballots * 2) == count(election, ballots)


@given(votes(vetoing=True))
def test_every_ballot_counts_or_is_refused_with_a_reason(vote):
    election, ballots = vote
    result = count(election, ballots)
    refused = [one.ballot.voter for one in result.refused]
    assert sorted([*result.counted, *refused]) == sorted(one.voter for one in ballots)
    assert all(one.why for one in result.refused)
    assert set(result.absent) == set(election.voters) - set(result.counted)


@given(votes(vetoing=True))
def test_what_was_vetoed_never_wins(vote):
    election, ballots = vote
    result = count(election, ballots)
    vetoed = {name for ballot in ballots if ballot.voter in result.counted for name in ballot.veto}
    assert {one.option for one in result.vetoed} == vetoed
    assert result.winner not in vetoed
    assert not vetoed & set(result.tied)


@given(votes(vetoing=True))
def test_there_is_a_winner_exactly_when_it_is_won(vote):
    result = count(*vote)
    assert (result.winner is not None) == (result.status == "won")
    assert result.winner is None or result.winner in result.reason
    assert result.reason


@given(votes(), st.integers(0, 5))
def test_without_a_quorum_nothing_wins(vote, quorum):
    election, ballots = vote
    quorum = min(quorum, len(election.voters))
    asked = election.model_copy(update={"quorum": quorum})
    result, free = count(asked, ballots), count(election, ballots)
    if len(free.counted) < quorum:
        assert (result.status, result.winner) == ("no_quorum", None)
        assert f"{quorum} are needed" in result.reason
    else:
        assert result == free


@given(votes(), st.integers(1, 1000), st.integers(0, 10))
def test_only_the_relations_of_weights_matter(vote, factor, tenths):
    election, ballots = vote
    asked = election.model_copy(update={"quorum_share": tenths / 10})
    scaled = asked.model_copy(
        update={"voters": {name: round(weight * 10) * factor for name, weight in election.voters.items()}}
    )
    one, other = count(asked, ballots), count(scaled, ballots)
    assert (one.status, one.winner, one.tied, one.shares) == (
        other.status,
        other.winner,
        other.tied,
        other.shares,
    )


@given(votes(methods=("majority", "approval", "consensus")))
def test_the_tallies_of_approvals_add_up_to_the_weight_that_approves(vote):
    election, ballots = vote
    result = count(election, ballots)
    cast = [one for one in ballots if one.voter in result.counted and one.approve]
    assert sum(result.tally.values()) == pytest.approx(sum(election.voters[one.voter] for one in cast))


@given(votes(methods=("borda",)))
def test_each_ranking_gives_equally_many_points_of_borda(vote):
    election, ballots = vote
    result = count(election, ballots)
    cast = sum(election.voters[one.voter] for one in ballots if one.voter in result.counted and one.ranking)
    assert sum(result.tally.values()) == pytest.approx(cast * 6)


@given(votes(methods=("ranked_choice",)))
def test_rounds_of_ranked_choice_lose_one_option_each_and_no_weight_is_gained(vote):
    result = count(*vote)
    for before, after in zip(result.rounds, result.rounds[1:], strict=False):
        assert set(after.tally) == set(before.tally) - {before.out}
        assert before.tally[before.out] == min(before.tally.values())
        assert sum(after.tally.values()) <= sum(before.tally.values()) + 1e-9
        assert all(after.tally[name] >= before.tally[name] for name in after.tally)


def beats(election, ballots, one, other):
    """Whether more weight ranks one over the other than the other way round."""
    balance = 0
    for ballot in ballots:
        place = {name: number for number, name in enumerate(ballot.ranking)}
        weight = round(10 * election.voters[ballot.voter])
        mine, theirs = place.get(one, 9), place.get(other, 9)
        balance += weight * ((mine < theirs) - (mine > theirs))
    return balance > 0


@given(votes(methods=RANKED))
def test_who_loses_to_each_other_one_never_wins_by_rankings(vote):
    election, ballots = vote
    winner = count(election, ballots).winner
    assume(winner is not None)
    assert not all(beats(election, ballots, other, winner) for other in OPTIONS if other != winner)


@given(votes(methods=RANKED))
def test_who_is_first_on_more_than_half_of_the_weight_wins_ranked_choice(vote):
    election, ballots = vote
    ranked = [one for one in ballots if one.ranking]
    whole = sum(round(10 * election.voters[one.voter]) for one in ranked)
    for name in OPTIONS:
        first = sum(round(10 * election.voters[one.voter]) for one in ranked if one.ranking[0] == name)
        if 2 * first > whole:
            plain = election.model_copy(update={"method": "ranked_choice"})
            assert count(plain, ballots).winner == name


def favouring(ballot, winner, method):
    """The same ballot, a bit more for the winner."""
    if method in RANKED:
        order = [name for name in ballot.ranking if name != winner]
        place = max(0, (ballot.ranking.index(winner) if winner in ballot.ranking else len(order)) - 1)
        return ballot.model_copy(update={"ranking": (*order[:place], winner, *order[place:])})
    if "score" in method or "average" in method:
        given = ballot.scores.get(winner)
        return ballot.model_copy(
            update={"scores": {**ballot.scores, winner: 10 if given is None else min(10, given + 3)}}
        )
    return ballot.model_copy(
        update={"approve": (winner,), "reject": tuple(name for name in ballot.reject if name != winner)}
    )


@given(
    votes(
        methods=("majority", "approval", "consensus", "weighted_average", "highest_score", "borda"),
        ties="none",
    ),
    st.integers(0, 4),
)
def test_who_wins_still_wins_when_a_ballot_is_more_for_them(vote, which):
    election, ballots = vote
    winner = count(election, ballots).winner
    assume(winner is not None and ballots)
    which %= len(ballots)
    more = favouring(ballots[which], winner, election.method)
    result = count(election, [*ballots[:which], more, *ballots[which + 1 :]])
    assert result.winner == winner, more


@given(
    votes(methods=("majority", "approval", "consensus", "weighted_average", "highest_score")),
    st.permutations(OPTIONS),
)
def test_the_order_of_the_options_matters_only_for_ties(vote, order):
    election, ballots = vote
    fair = Election(**{**election.model_dump(), "ties": "none"})
    turned = Election(**{**fair.model_dump(), "options": order})
    assert count(fair, ballots).winner == count(turned, ballots).winner
    assert count(fair, ballots).tally == count(turned, ballots).tally


@given(votes(vetoing=True))
def test_results_and_elections_come_back_from_json(vote):
    election, ballots = vote
    result = count(election, ballots)
    assert type(result).model_validate_json(result.model_dump_json()) == result
    assert Election.model_validate_json(election.model_dump_json()) == election


@given(votes())
def test_dissent_is_among_those_who_count_and_never_empty_where_the_vote_is_split(vote):
    election, ballots = vote
    result = count(election, ballots)
    voices = {one.voter for one in result.dissent}
    assert voices <= set(result.counted)
    if election.method == "majority" and result.winner:
        for ballot in ballots:
            against = result.winner in ballot.reject or (
                ballot.approve and result.winner not in ballot.approve
            )
            assert (ballot.voter in voices) == bool(against and ballot.voter in result.counted)
