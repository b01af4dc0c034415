"""Trees of tokens: who is cancelled with whom, who is told, and what guards hold."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backedge.nodes.cancelling import CancelToken, policy

from ...virtual import run_virtual

# A tree: for each token but the first the number of its parent. What happens: tokens that are made, cancelled or closed.
operations = st.lists(
    st.tuples(st.sampled_from(["child", "child", "cancel", "close"]), st.integers(0, 30)), max_size=40
)


@given(operations)
def test_a_token_is_cancelled_by_itself_and_by_those_around_it_and_by_nobody_else(done):
    tokens, parents, reasons, told = [CancelToken("0")], {0: None}, {}, []
    tokens[0].on_cancel(lambda request: told.append((0, request.reason)))

    def beneath(number):
        return [number, *(n for child, parent in parents.items() if parent == number for n in beneath(child))]

    for step, (what, which) in enumerate(done):
        which %= len(tokens)
        if what == "child":
            number = len(tokens)
            tokens.append(tokens[which].child())
            parents[number] = which
            if which in reasons:
                reasons[number] = reasons[which]
            tokens[number].on_cancel(lambda request, number=number: told.append((number, request.reason)))
        elif what == "close":
            tokens[which].close()
            parents[which] = None
        else:
            reason = f"reason {step}"
            assert tokens[which].cancel(reason) is (which not in reasons)
            for number in beneath(which):
                reasons.setdefault(number, reason)
    assert {n: token.reason for n, token in enumerate(tokens) if token.cancelled} == reasons
    assert sorted(told) == sorted(reasons.items()), "each is told once, with the reason that stays"


guards = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["at once", "graceful", "never"])), min_size=1, max_size=6
)


@given(st.lists(st.integers(0, 5), min_size=5, max_size=5), guards)
def test_a_guard_holds_for_its_token_and_those_around_it(parents, entered):
    tokens = [CancelToken()]
    lines = [{0}]
    for number, parent in enumerate(parents, 1):
        parent %= len(tokens)
        tokens.append(tokens[parent].child())
        lines.append({number, *lines[parent]})

    async def enter(left, inside):
        if not left:
            for number, token in enumerate(tokens):
                held = [policy(how) for which, how in inside if number in lines[which]]
                assert token.held == max(held, default=policy("at once"))
            return
        which, how = left[0]
        async with tokens[which].guard(how):
            await enter(left[1:], [*inside, (which, how)])

    asyncio.run(enter(entered, []))
    assert all(token.held == policy("at once") for token in tokens)


def test_guards_that_are_open_when_a_token_is_closed_hold_its_parent_no_more():
    async def main():
        whole = CancelToken()
        part = whole.child()
        async with part.guard("never"):
            assert whole.held.never
            part.close()
            assert not whole.held.never
            assert part.held.never
        assert not part.held.never
        part.close()  # again is nothing

    run_virtual(main())


def test_a_token_that_is_cancelled_makes_children_that_are():
    whole = CancelToken("whole")
    whole.cancel("enough")
    assert whole.child("late").reason == "enough"
    assert repr(whole) == "<token 'whole' cancelled: 'enough'>"
    assert repr(CancelToken("new")) == "<token 'new'>"


def test_a_later_request_hastens_and_changes_no_reason():
    whole = CancelToken()
    part = whole.child()
    part.cancel("its own", how="graceful")
    whole.cancel("all", how="graceful", deadline=9)
    assert (part.reason, whole.reason) == ("its own", "all")
    assert part.request.deadline == pytest.approx(9, abs=0.5)
    whole.cancel("now")
    assert (part.reason, part.request.how) == ("its own", "at once")


def test_who_is_told_may_take_that_back_and_who_comes_late_is_told_at_once():
    token, told = CancelToken(), []
    forget = token.on_cancel(lambda request: told.append("never"))
    token.on_cancel(lambda request: told.append("told"))
    forget()
    token.cancel()
    late = token.on_cancel(lambda request: told.append("late"))
    late()
    forget()
    assert told == ["told", "late"]


def test_a_callback_that_fails_keeps_nobody_from_being_told():
    whole, told = CancelToken("whole"), []
    part = whole.child("part")
    whole.on_cancel(lambda request: 1 / 0)
    whole.on_cancel(lambda request: told.append("whole"))
    part.on_cancel(lambda request: told.append("part"))
    with pytest.raises(ExceptionGroup, match="callbacks of <token 'whole'") as caught:
        whole.cancel("enough")
    assert isinstance(caught.value.exceptions[0], ZeroDivisionError)
    assert (told, part.cancelled) == (["whole", "part"], True)


def test_a_callback_may_cancel_and_make_tokens_itself():
    whole, other = CancelToken(), CancelToken()
    whole.on_cancel(lambda request: other.cancel(request.reason))
    whole.on_cancel(lambda request: whole.child().cancel())
    whole.on_cancel(lambda request: whole.cancel("again"))
    assert whole.cancel("enough")
    assert (whole.reason, other.reason) == ("enough", "enough")


def test_ten_thousand_tokens_in_a_line_or_beside_each_other_are_cancelled():
    line = [CancelToken()]
    for _ in range(10_000):
        line.append(line[-1].child())
    many = [line[-1].child() for _ in range(10_000)]
    line[0].cancel("enough")
    assert {token.reason for token in (*line, *many)} == {"enough"}


def test_closed_children_leave_nothing_behind():
    whole = CancelToken()
    for _ in range(10):
        whole.child().close()
    assert not whole._children


def test_whoever_waits_is_told_and_whoever_gives_up_waiting_is_forgotten():
    async def main():
        token = CancelToken()
        one, other = asyncio.create_task(token.wait()), asyncio.create_task(token.wait())
        await asyncio.sleep(0)
        other.cancel()
        await asyncio.sleep(0)
        assert len(token._callbacks) == 1
        token.cancel("enough")
        assert (await one).reason == "enough"
        assert (await token.wait()).reason == "enough"

    run_virtual(main())


def test_a_guard_lets_errors_and_cancellations_through():
    async def main():
        token = CancelToken()
        with pytest.raises(KeyError):
            async with token.guard("never"):
                raise KeyError
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1), token.guard("never"):
                await asyncio.sleep(2)
        with pytest.raises(ValueError, match="a policy is one of"):
            async with token.guard("sometimes"):
                pass
        assert token.held == policy("at once")

    run_virtual(main())


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"how": "never"}, 'how= is "at once" or "graceful"; "never" is for guards'),
        ({"how": "gently"}, "a policy is one of 'at once', 'graceful', 'never', not 'gently'"),
        ({"deadline": 5}, """deadline= goes with "graceful"; 'at once' has none"""),
        ({"how": "graceful", "deadline": True}, "deadline= is a number of seconds above 0, not True"),
        ({"how": "graceful", "deadline": math.inf}, 'for none say how="graceful" alone'),
        ({"reason": 5}, "reason= is a text, not 5"),
    ],
)
def test_a_request_that_makes_no_sense_is_told_in_one_line_and_cancels_nothing(how, why):
    token = CancelToken()
    with pytest.raises(ValueError) as caught:
        token.cancel(**how)
    assert str(caught.value).endswith(why)
    assert not token.cancelled
