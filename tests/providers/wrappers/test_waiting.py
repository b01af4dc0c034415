"""The queue: priorities first, turns between callers inside one, nobody is forgotten."""

from collections import deque
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backedge.providers.wrappers.waiting import ORDER, Queue


@dataclass(eq=False)
class One:
    priority: str
    caller: str
    number: int = 0


def served(queue):
    order = []
    while (one := queue.first()) is not None:
        queue.served(one)
        order.append((one.priority, one.caller, one.number))
    return order


def fill(queue, *waiting):
    made = [One(*one) for one in waiting]
    for one in made:
        queue.add(one)
    return made


def test_higher_priorities_go_first_whenever_they_came():
    queue = Queue()
    fill(queue, ("low", "a"), ("normal", "a"), ("high", "a"))
    assert [priority for priority, *_ in served(queue)] == ["high", "normal", "low"]


def test_callers_take_turns_and_each_ones_own_stay_in_order():
    queue = Queue()
    fill(
        queue,
        ("low", "a", 1),
        ("low", "a", 2),
        ("low", "a", 3),
        ("low", "b", 1),
        ("low", "c", 1),
        ("low", "b", 2),
    )
    order = [f"{caller}{number}" for _, caller, number in served(queue)]
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_one_callers_thousand_do_not_starve_anothers_one():
    queue = Queue()
    fill(queue, *(("normal", "greedy", number) for number in range(1000)), ("normal", "modest", 0))
    assert [caller for _, caller, _ in served(queue)].index("modest") == 1


def test_whoever_comes_again_is_behind_all_others():
    queue = Queue()
    first, *_ = fill(queue, ("low", "a", 1), ("low", "b", 1))
    queue.served(first)
    fill(queue, ("low", "a", 2))
    assert [caller for _, caller, _ in served(queue)] == ["b", "a"]


def test_leaving_takes_nobodys_turn():
    queue = Queue()
    _, gone, *_ = fill(queue, ("low", "a", 1), ("low", "a", 2), ("low", "b", 1), ("low", "a", 3))
    queue.remove(gone)
    assert [f"{caller}{number}" for _, caller, number in served(queue)] == ["a1", "b1", "a3"]


def test_it_counts_who_waits_by_priority():
    queue = Queue()
    assert not queue
    assert queue.first() is None
    fill(queue, ("low", "a"), ("low", "b"), ("high", "a"))
    assert queue.waiting() == {"critical": 0, "high": 1, "normal": 0, "low": 2}
    assert len(queue) == 3
    assert queue


def test_whoever_does_not_wait_cannot_leave():
    with pytest.raises(KeyError):
        Queue().remove(One("low", "a"))


class QueueMachine(RuleBasedStateMachine):
    """Against a plain model: for each priority a deque of callers in turn, for each of them a deque."""

    def __init__(self):
        super().__init__()
        self.queue = Queue()
        self.plain = {priority: deque() for priority in ORDER}
        self.number = 0
        self.passed_by = {}  # who waits -> how often each other caller of its priority went before it

    def waiting(self):
        return [one for callers in self.plain.values() for _, own in callers for one in own]

    @rule(priority=st.sampled_from(ORDER), caller=st.sampled_from("abcd"))
    def comes(self, priority, caller):
        self.number += 1
        one = One(priority, caller, self.number)
        self.queue.add(one)
        for name, own in self.plain[priority]:
            if name == caller:
                own.append(one)
                return
        self.plain[priority].append((caller, deque([one])))

    @precondition(lambda self: self.waiting())
    @rule()
    def is_served(self):
        one = self.queue.first()
        callers = next(callers for callers in self.plain.values() if callers)
        caller, own = callers.popleft()
        assert one is own.popleft()
        if own:
            callers.append((caller, own))
        self.queue.served(one)
        for _, others in callers:
            if others[0].caller != caller:
                seen = self.passed_by.setdefault(others[0].number, [])
                assert caller not in seen, "a caller went twice before another's oldest"
                seen.append(caller)

    @precondition(lambda self: self.waiting())
    @rule(data=st.data())
    def leaves(self, data):
        one = data.draw(st.sampled_from(self.waiting()))
        self.queue.remove(one)
        callers = self.plain[one.priority]
        own = next(own for name, own in callers if name == one.caller)
        own.remove(one)
        if not own:
            callers.remove((one.caller, own))

    @invariant()
    def nobody_is_forgotten(self):
        assert len(self.queue) == len(self.waiting())
        counts = {priority: sum(len(own) for _, own in callers) for priority, callers in self.plain.items()}
        assert self.queue.waiting() == counts


QueueMachine.TestCase.settings = settings(stateful_step_count=40)
TestQueue = QueueMachine.TestCase
