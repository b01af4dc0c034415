"""The gate: who passes when, that nothing is lost or made, and what a decision costs. Exact, with fractions."""

import random
from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backedge.providers.wrappers.buckets import Bucket, Limit
from backedge.providers.wrappers.gate import Gate, Ticket, Told


def gate(slots=None, **limits):
    made = {sort: Bucket(Limit(amount=Fraction(amount), per=Fraction(10), burst=Fraction(burst)))
            for sort, (amount, burst) in limits.items()}  # fmt: skip
    return Gate(made, slots)


def ticket(priority="normal", caller="", **sizes):
    return Ticket(priority=priority, caller=caller, sizes={"requests": 1, **sizes})


def test_whoever_comes_first_passes_and_others_wait_until_there_is_room():
    one = gate(requests=(10, 2))
    first, second, third = ticket(), ticket(), ticket()
    assert one.arrive(first, 0)
    assert one.arrive(second, 0)
    assert not one.arrive(third, 0)
    assert one.next_at() == 1
    assert one.admit(Fraction(1, 2)) == []
    assert one.admit(1) == [third]
    assert one.next_at() is None


def test_nobody_overtakes_a_large_one_that_waits():
    one = gate(tokens=(10, 10))
    assert one.arrive(ticket(tokens=8), 0)
    large, small = ticket(tokens=10), ticket(tokens=1)
    assert not one.arrive(large, 0)
    assert not one.arrive(small, 0)
    assert one.admit(5) == []
    assert one.admit(8) == [large]
    assert one.admit(9) == [small]


def test_critical_ones_pass_at_once_and_the_others_wait_for_their_debt():
    one = gate(slots=1, requests=(10, 1))
    waits = ticket()
    assert one.arrive(ticket(), 0)
    assert not one.arrive(waits, 0)
    urgent = [ticket("critical") for _ in range(3)]
    assert all(one.arrive(each, 0) for each in urgent)
    assert one.under_way == 4
    for each in urgent:
        one.settle(each, {}, 0)
    assert one.used("requests", 0) == 4
    assert one.admit(100) == []  # the first is still under way
    one.hold(4)
    assert one.next_at() is None


def test_slots_are_given_to_the_next_when_a_call_is_over():
    one = gate(slots=1)
    first, second = ticket(), ticket("high")
    assert one.arrive(first, 0)
    assert not one.arrive(second, 0)
    assert one.next_at() is None
    one.settle(first, {}, 3)
    assert one.admit(3) == [second]


def test_what_was_thought_too_much_comes_back_and_too_little_is_charged():
    one = gate(tokens=(10, 100))
    first, second = ticket(tokens=80), ticket(tokens=10)
    one.arrive(first, 0)
    one.arrive(second, 0)
    assert one.buckets["tokens"].level(0) == 10
    one.settle(first, {"tokens": 30}, 0)
    assert one.buckets["tokens"].level(0) == 60
    one.settle(second, {"tokens": 25}, 0)
    assert one.buckets["tokens"].level(0) == 45


def test_whoever_leaves_after_it_passed_gives_all_back():
    one = gate(slots=1, tokens=(10, 100))
    first = ticket(tokens=80)
    one.arrive(first, 0)
    one.leave(first)
    assert one.buckets["tokens"].level(0) == 100
    assert one.under_way == 0


def test_a_provider_that_has_less_is_believed_less_what_it_has_not_seen_yet():
    one = gate(requests=(10, 10), tokens=(100, 100))
    seen, unseen = ticket(tokens=10), ticket(tokens=20)
    one.arrive(seen, 0)
    one.arrive(unseen, 0)
    one.settle(seen, {}, 0)
    one.adapt({"requests": Told(3, 60), "tokens": Told(1000)}, 0)
    assert one.buckets["requests"].level(0) == 2
    assert one.buckets["tokens"].level(0) == 70


def test_a_provider_that_has_nothing_left_is_left_alone_until_it_has():
    one = gate()
    one.adapt({"tokens": Told(0, 30)}, 5)
    waits = ticket()
    assert not one.arrive(waits, 6)
    assert one.next_at() == 35
    one.hold(20)
    assert one.admit(34) == []
    assert one.admit(35) == [waits]
    one.adapt({"requests": Told(0)}, 40)
    assert one.arrive(ticket(), 40)


def test_a_reset_far_away_can_be_cut():
    assert Told(0, 1000).within(60) == Told(0, 60)
    assert Told(0, 10).within(60) == Told(0, 10)
    assert Told(0).within(60) == Told(0)


def test_a_decision_costs_the_same_however_many_wait():
    """Ten thousand come, and each is looked at at most when it comes, once in vain for each instant, and once to pass."""
    one = gate(requests=(10, 1))
    for number in range(10_000):
        one.arrive(ticket(caller=str(number)), 0)
    assert one.looks <= 2  # whoever comes to a queue is not looked at
    passed, now = 0, 0
    while (at := one.next_at()) is not None:
        now = at
        passed += len(one.admit(now))
    assert passed == 9_999
    assert one.looks <= 2 + 2 * 10_000
    assert now == 9_999


def test_ten_thousand_of_all_priorities_pass_in_their_order():
    one, chance = gate(requests=(10, 1)), random.Random(7)
    assert one.arrive(ticket(), 0)
    waiting = [ticket(chance.choice(["low", "normal", "high"])) for _ in range(10_000)]
    for each in waiting:
        assert not one.arrive(each, 0)
    passed = []
    while (at := one.next_at()) is not None:
        passed += one.admit(at)
        if len(passed) == 5_000:
            urgent = ticket("critical")
            assert one.arrive(urgent, at)
    rank = ["high", "normal", "low"].index
    assert passed == sorted(waiting, key=lambda each: rank(each.priority))  # equal ones as they came
    assert at is None
    assert one.buckets["requests"].ready_at(1) == 10_002  # the critical one was charged, too


class GateMachine(RuleBasedStateMachine):
    """Any interleaving of arrivals, ends, leaving, time and advice."""

    @initialize(
        slots=st.sampled_from([None, 1, 3]),
        requests=st.tuples(st.integers(1, 20), st.integers(1, 5)),
        tokens=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    )
    def begin(self, slots, requests, tokens):
        self.slots = slots
        self.gate = gate(slots, requests=requests, tokens=tokens)
        self.now = Fraction(0)
        self.waiting, self.running = [], []
        # The level of a plain bucket, refilled step by step.
        self.levels = {"requests": Fraction(requests[1]), "tokens": Fraction(tokens[1])}
        self.passed = []

    def charge(self, sizes, sign=-1):
        for sort, size in sizes.items():
            self.levels[sort] = min(self.gate.buckets[sort].burst, self.levels[sort] + sign * size)

    def pump(self):
        for one in self.gate.admit(self.now):
            assert one.passed
            self.waiting.remove(one)
            self.may_pass(one)
            self.running.append(one)
            self.charge(one.sizes)

    def may_pass(self, one):
        assert self.slots is None or len(self.running) < self.slots
        for sort, size in one.sizes.items():
            assert self.levels[sort] >= min(size, self.gate.buckets[sort].burst)

    @rule(
        priority=st.sampled_from(["low", "normal", "high", "critical"]),
        caller=st.sampled_from("ab"),
        tokens=st.integers(0, 60),
    )
    def arrives(self, priority, caller, tokens):
        one = ticket(priority, caller, tokens=Fraction(tokens))
        if self.gate.arrive(one, self.now):
            if priority != "critical":
                assert not self.waiting, "overtook those who wait"
                self.may_pass(one)
            self.running.append(one)
            self.charge(one.sizes)
        else:
            assert priority != "critical"
            self.waiting.append(one)
        self.pump()

    @precondition(lambda self: self.running)
    @rule(data=st.data(), tokens=st.integers(0, 80))
    def ends(self, data, tokens):
        one = data.draw(st.sampled_from(self.running))
        self.running.remove(one)
        self.gate.settle(one, {"tokens": Fraction(tokens)}, self.now)
        self.charge({"tokens": one.sizes["tokens"] - tokens}, +1)
        self.pump()

    @precondition(lambda self: self.waiting or self.running)
    @rule(data=st.data())
    def leaves(self, data):
        one = data.draw(st.sampled_from(self.waiting + self.running))
        if one in self.waiting:
            self.waiting.remove(one)
        else:
            self.running.remove(one)
            self.charge(one.sizes, +1)
        self.gate.leave(one)
        self.pump()

    @rule(seconds=st.integers(1, 40))
    def time_passes(self, seconds):
        step = Fraction(seconds, 4)
        self.now += step
        for sort, bucket in self.gate.buckets.items():
            self.levels[sort] = min(bucket.burst, self.levels[sort] + step * bucket.rate)
        self.pump()

    @invariant()
    def no_token_is_lost_or_made(self):
        for sort, bucket in self.gate.buckets.items():
            assert bucket.level(self.now) == self.levels[sort]
        assert self.gate.under_way == len(self.running)
        assert len(self.gate.queue) == len(self.waiting)

    @invariant()
    def nobody_waits_without_a_reason_or_an_alarm(self):
        if self.waiting and (self.slots is None or len(self.running) < self.slots):
            assert self.gate.next_at() > self.now

    def teardown(self):
        """All who still wait pass, once calls end and time goes by: nobody starves."""
        if not hasattr(self, "gate"):
            return
        for _ in range(2 * len(self.waiting) + len(self.running) + 1):
            for one in self.running:
                self.gate.settle(one, {}, self.now)
            self.running = []
            self.now = max(self.now, self.gate.next_at() or self.now)
            self.running = self.gate.admit(self.now)
        assert not self.gate.queue


GateMachine.TestCase.settings = settings(stateful_step_count=30)
TestGate = GateMachine.TestCase
