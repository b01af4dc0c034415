"""One agent's jobs, without tasks: where each is, and which is begun next."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backedge import RunStatus
from backedge.nodes.registry import AgentState
from backedge.nodes.registry.lanes import Lane

OVER = [RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.INTERRUPTED, None]
WAITS = [RunStatus.SUSPENDED, RunStatus.IN_DOUBT]


class Lanes(RuleBasedStateMachine):
    """A lane beside a model of it: sets of names, and the rule in one line."""

    def __init__(self):
        super().__init__()
        self.lane = Lane(2)
        self.made, self.queued, self.running, self.waiting = {}, set(), set(), set()
        self.over, self.begins = 0, False

    @rule()
    def give(self):
        job = f"job{len(self.made)}"
        self.made[job] = float(len(self.made))
        assert self.lane.put(job, self.made[job])
        self.queued.add(job)

    @rule(data=st.data())
    @precondition(lambda self: self.queued | self.running)
    def give_twice(self, data):
        job = data.draw(st.sampled_from(sorted(self.queued | self.running)))
        assert not self.lane.put(job, 0.0)

    @rule(begins=st.booleans(), drain=st.booleans())
    def open_or_close(self, begins, drain):
        self.begins = begins or drain
        if begins:
            self.lane.open()
        else:
            self.lane.close(drain=drain)

    @rule()
    def take(self):
        room = 2 - len(self.running) if self.begins else 0
        expected = sorted(self.queued, key=self.made.get)[:room]
        assert self.lane.take(0.0) == expected
        self.queued -= set(expected)
        self.running |= set(expected)

    @rule(data=st.data(), status=st.sampled_from([*OVER, *WAITS]), again=st.booleans())
    @precondition(lambda self: self.running)
    def rest(self, data, status, again):
        job = data.draw(st.sampled_from(sorted(self.running)))
        self.lane.rested(job, status, again=again)
        self.running.discard(job)
        if again and status is RunStatus.INTERRUPTED:
            self.queued.add(job)
        elif status in WAITS:
            self.waiting.add(job)
        else:
            self.over += status is not None

    @rule(data=st.data())
    @precondition(lambda self: self.waiting)
    def comes(self, data):
        job = data.draw(st.sampled_from(sorted(self.waiting)))
        assert self.lane.put(job, 1e9), "an old job keeps its place, whatever is said later"
        self.waiting.discard(job)
        self.queued.add(job)

    @invariant()
    def agrees(self):
        self.lane.validate()
        assert self.lane.queued == tuple(sorted(self.queued, key=self.made.get))
        assert self.lane.length == len(self.queued)
        assert set(self.lane.running) == self.running
        assert self.lane.waiting == self.waiting
        assert sum(self.lane.ended.values()) == self.over


Lanes.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestLanes = Lanes.TestCase


def lane_with(*jobs, running=0):
    lane = Lane(2)
    for number, job in enumerate(jobs):
        lane.put(job, float(number))
    if running:
        lane.open()
        lane.take(0.0)
    return lane


def test_what_an_agent_is_at_follows_from_what_it_may_begin_and_what_runs():
    lane = lane_with("a", "b", "c")
    assert (lane.state, lane.take(0.0)) == (AgentState.STOPPED, [])
    lane.open()
    assert (lane.state, lane.take(0.0)) == (AgentState.STARTED, ["a", "b"])
    lane.close(drain=True)
    assert lane.state is AgentState.DRAINING
    lane.rested("a", RunStatus.COMPLETED)
    assert lane.take(0.0) == ["c"]
    assert lane.state is AgentState.STOPPING
    for job in "bc":
        lane.rested(job, RunStatus.COMPLETED)
    assert lane.state is AgentState.STOPPED


def test_a_silence_is_told_once_and_again_only_after_a_sign_of_life():
    lane = lane_with("a", running=1)
    assert lane.silent(4.0, 5.0) == []
    assert lane.silent_since is None
    assert lane.silent(5.0, 5.0) == ["a"]
    assert lane.silent(6.0, 5.0) == []
    assert lane.silent_since == 0.0
    lane.beat("a", 7.0)
    lane.beat("gone", 7.0)
    assert lane.silent_since is None
    assert lane.silent(12.0, 5.0) == ["a"]


def test_time_in_which_nobody_could_be_heard_is_no_silence():
    lane = lane_with("a", "b", running=1)
    lane.beat("b", 8.0)
    lane.deaf(6.0, 9.0)
    assert lane.silent(9.0, 5.0) == []
    assert lane.silent(11.0, 5.0) == ["a"]
    lane.deaf(50.0, 61.0)
    assert lane.silent_since == 6.0, "what was silent before stays so"
    assert lane.silent(62.0, 5.0) == []
    assert lane.silent(66.0, 5.0) == ["b"]


def test_restarts_are_counted_over_all_times_that_the_job_runs():
    lane = lane_with("a", running=1)
    assert lane.restart("a", 2)
    lane.rested("a", RunStatus.INTERRUPTED, again=True)
    lane.take(0.0)
    assert lane.restart("a", 2)
    assert not lane.restart("a", 2)


def test_a_job_that_was_found_waiting_counts_as_here():
    lane = Lane(2)
    lane.park("a", 1.0)
    lane.validate()
    assert lane.holds("a")
    assert lane.queued == ()
