"""How urgent a cancellation is, and which of several counts."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from backedge.nodes.cancelling import Cancel, policy, strictest
from backedge.nodes.cancelling.policy import Told

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

policies = st.one_of(
    st.sampled_from([policy("at once"), policy("graceful"), policy("never")]),
    st.floats(0.1, 100).map(lambda seconds: policy("graceful", seconds)),
)
requests = st.builds(
    lambda how, deadline, after: Cancel(
        reason=f"after {after}",
        how=how,
        deadline=deadline if how == "graceful" else None,
        at=NOON + timedelta(seconds=after),
    ),
    st.sampled_from(["at once", "graceful"]),
    st.one_of(st.none(), st.floats(0.1, 100)),
    st.floats(0, 100),
)


def end_of(request):
    """When what was asked for is over at the latest, in seconds after noon."""
    return (request.at - NOON).total_seconds() + request.policy.seconds


def test_the_strictest_is_the_one_that_waits_longest():
    order = [
        policy("at once"),
        policy("graceful", 1),
        policy("graceful", 2),
        policy("graceful"),
        policy("never"),
    ]
    mixed = [order[place] for place in (3, 0, 4, 2, 1)]
    assert sorted(mixed) == order
    assert strictest([]) == policy("at once")
    assert [one.graceful for one in order] == [False, True, True, True, False]


@given(st.lists(policies))
def test_nothing_that_is_added_makes_the_strictest_laxer(some):
    for count in range(len(some)):
        assert strictest(some[: count + 1]) >= strictest(some[:count])


@given(st.lists(requests, min_size=1))
def test_of_several_requests_the_first_reason_stays_and_the_first_end_counts(some):
    some.sort(key=lambda request: request.at)
    whole = some[0]
    for one in some[1:]:
        whole = whole.hastened(one)
    assert (whole.reason, whole.at) == (some[0].reason, some[0].at)
    if any(one.how == "at once" for one in some):
        assert whole.how == "at once"
    else:
        ends = min(end_of(one) for one in some)
        assert end_of(whole) == (ends if ends == math.inf else pytest.approx(ends))


@pytest.mark.parametrize(
    ("given_", "why"),
    [
        (("at will",), "a policy is one of 'at once', 'graceful', 'never', not 'at will'"),
        (("at once", 5), """deadline= goes with "graceful"; 'at once' has none"""),
        (("graceful", 0), "deadline= is a number of seconds above 0, not 0"),
        (("graceful", True), "deadline= is a number of seconds above 0, not True"),
        (("graceful", math.nan), "deadline= is a number of seconds above 0, not nan"),
    ],
)
def test_a_policy_that_there_is_not_is_told(given_, why):
    with pytest.raises(ValueError) as caught:
        policy(*given_)
    assert str(caught.value) == why


def test_people_send_nothing_or_a_reason_or_all_of_it():
    told = TypeAdapter(Told)
    assert told.validate_python(None).reason == ""
    assert told.validate_python("enough").reason == "enough"
    whole = told.validate_python({"reason": "enough", "how": "graceful", "deadline": 5})
    assert (whole.reason, whole.policy) == ("enough", policy("graceful", 5))
    with pytest.raises(ValidationError, match="deadline= goes with"):
        told.validate_python({"deadline": 5})
