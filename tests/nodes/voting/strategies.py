"""Random elections and ballots."""

from hypothesis import strategies as st

from backedge.nodes.voting import Ballot, Election

OPTIONS = ("a", "b", "c", "d")
VOTERS = tuple("vwxyz")
METHODS = ("majority", "approval", "consensus", "weighted_average", "highest_score", "ranked_choice", "borda")


def some(names):
    return st.lists(st.sampled_from(names), unique=True).map(tuple) if names else st.just(())


rankings = st.permutations(OPTIONS).flatmap(lambda order: st.integers(0, 4).map(lambda n: tuple(order[:n])))
scores = st.dictionaries(st.sampled_from(OPTIONS), st.integers(0, 100).map(lambda n: n / 10))
weights = st.integers(1, 50).map(lambda n: n / 10)
electorates = st.dictionaries(st.sampled_from(VOTERS), weights, min_size=1)


@st.composite
def opinions(draw):
    """The parts of a ballot that any method can read something from, one vote for majority."""
    approve = draw(st.one_of(st.just(()), st.sampled_from(OPTIONS).map(lambda one: (one,))))
    reject = draw(some([one for one in OPTIONS if one not in approve]))
    return {
        "approve": approve,
        "reject": reject,
        "scores": draw(scores),
        "ranking": draw(rankings),
    }


@st.composite
def elections(draw, methods=METHODS, **fixed):
    voters = draw(electorates)
    made = {
        "options": OPTIONS,
        "method": draw(st.sampled_from(methods)),
        "voters": voters,
        "ties": draw(st.sampled_from(["none", "first"])),
        **fixed,
    }
    return Election(**made)


@st.composite
def votes(draw, vetoing=False, **kind):
    """An election and one ballot for some of its voters."""
    election = draw(elections(**kind))
    if vetoing:
        election = Election(**{**election.model_dump(), "vetoes": tuple(election.voters)})
    ballots = []
    for voter in sorted(election.voters):
        if draw(st.booleans()):
            said = draw(opinions())
            if vetoing and draw(st.booleans()):
                said = {**said, "veto": draw(some([one for one in OPTIONS if one not in said["approve"]]))}
            ballots.append(Ballot(voter=voter, **said))
    return election, ballots
