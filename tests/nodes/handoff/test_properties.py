"""Whatever agents do: answers come back to who waits for them, with what he had seen, and no limit is ever passed."""

import asyncio
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from backedge.nodes.handoff import Handoff, Limits

from .teams import Team, handing, trail

NAMES = "abc"


@dataclass
class Oracle:
    """Swarms in a few lines: a call stack of what each who waits had seen."""

    returning: set
    limits: Limits
    trail: list = field(default_factory=list)
    waiting: list = field(default_factory=list)
    seen: list = field(default_factory=list)
    made: list = field(default_factory=list)
    refused: int = 0

    def allowed(self, source, target):
        if len(self.made) >= self.limits.handoffs:
            return False
        if (source, target) in self.returning and len(self.waiting) >= self.limits.depth:
            return False
        pair = [one for one in self.made if set(one) == {source, target}]
        return self.limits.pair is None or len(pair) < self.limits.pair

    def run(self, start, actions):
        """What each turn is shown (the marks of the turns it has seen), until there is an answer."""
        active, views, own = start, [], []
        for number, action in enumerate(actions):
            views.append((active, list(own)))
            own = [*own, number]
            if action == "answer" or action == active:
                if not self.waiting:
                    return active, views
                caller, own_then = self.waiting.pop()
                self.trail.append(f"{caller}<{active}")
                active, own = caller, own_then
            elif not self.allowed(active, action):
                self.refused += 1
            else:
                self.made.append((active, action))
                if (active, action) in self.returning:
                    self.waiting.append((active, own))
                    self.trail.append(f"{active}?{action}")
                else:
                    self.trail.append(f"{active}>{action}")
                active = action
        raise AssertionError("an answer is at the end of all actions")


PAIRS = [(one, other) for one in NAMES for other in NAMES if one != other]
LIMITS = st.builds(
    Limits, handoffs=st.integers(1, 9), depth=st.integers(1, 3), pair=st.none() | st.integers(1, 3)
)


@settings(max_examples=30)
@given(
    returning=st.sets(st.sampled_from(PAIRS)),
    limits=LIMITS,
    actions=st.lists(st.sampled_from([*NAMES, *NAMES, "answer"]), max_size=14),
)
def test_any_sequence_of_handoffs_goes_as_a_call_stack_says_and_no_limit_is_passed(
    returning, limits, actions
):
    oracle = Oracle(returning, limits)
    actions = [*actions, *["answer"] * (limits.depth + 1)]
    last, views = oracle.run("a", actions)

    def script(request):
        number = len(team.model.requests) - 1
        marks = [one.text for one in request.messages if one.role == "assistant"]
        active, seen = views[number]
        assert request.messages[0].text.startswith(f"You are {active}.")
        assert marks == [f"turn {each}" for each in seen]
        action = actions[number]
        if action in ("answer", active):
            return f"turn {number}"
        message = handing(action)
        return message.of("assistant", f"turn {number}", *message.parts)

    team = Team(NAMES, max_turns=40)
    team.model._script = script
    handoffs = {
        one: [Handoff(to=other, returns=(one, other) in returning) for other in NAMES if other != one]
        for one in NAMES
    }
    result = asyncio.run(team.ran(handoffs=handoffs, limits=limits))
    assert trail(result) == oracle.trail
    assert (result.state.active, result.state.stack) == (last, ())
    assert result.state.answer == f"turn {len(views) - 1}"
    assert len(oracle.made) <= limits.handoffs
    assert result.state.limit == ""
