"""Snapshots: what merges give, whatever the order in which things happened, and what they keep."""

import gc
import random
import tracemalloc
from typing import Annotated

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backedge.engine.state.fields import StateSchema
from backedge.engine.state.lineage import Cell, Lineage
from backedge.engine.state.reducers import add, append, extend
from backedge.engine.state.snapshots import FoldError, MergeConflict, merge
from backedge.engine.state.updates import FoldCell, Node

from .naive_state import NaiveConflict, naive_edit, naive_merge, naive_start
from .sizes import examples


def joined(value: str, update: str) -> str:
    return f"({value}{update})"


class State(BaseModel):
    p: int
    q: int = -1
    r: Annotated[list[int], extend] = []
    s: Annotated[str, joined]


REDUCERS = {"p": None, "q": None, "r": lambda a, b: a + b, "s": joined}
SCHEMA = StateSchema(State)


def test_the_schemas_of_these_tests_are_sound():
    assert SCHEMA.problems == ()
    assert COUNTS.problems == ()


class Step:
    """One activation of a random history: it merges what earlier ones made, and writes."""

    def __init__(self, number, groups, writes, held):
        self.number = number
        self.groups = groups  # for each edge the numbers of the steps its tokens come from, ascending
        self.writes = writes  # the fields written
        self.held = held  # whether its snapshot is kept to the end

    def __repr__(self):
        return f"Step({self.number}, {self.groups}, {self.writes}, {self.held})"

    @property
    def sources(self):
        return {source for group in self.groups for source in group}

    @property
    def updates(self):
        made = {"p": self.number, "q": self.number, "r": [self.number, -self.number], "s": f"<{self.number}>"}
        return {field: made[field] for field in self.writes}

    @property
    def position(self):
        return (self.number // 3, self.number % 3)


@st.composite
def histories(draw, size=24):
    steps = []
    for number in range(1, draw(st.integers(2, size))):
        back = st.integers(1, min(number, draw(st.sampled_from([1, 3, 6, 30]))))
        groups = draw(st.lists(st.lists(back, min_size=1, max_size=3, unique=True), min_size=1, max_size=3))
        groups = [sorted({number - step for step in group}) for group in groups]
        plain = draw(st.sampled_from(["", "", "p", "q", "pq"]))
        folded = draw(st.sampled_from(["", "r", "s", "rs"]))
        steps.append(Step(number, groups, [*plain, *folded], draw(st.integers(0, 3)) == 0))
    return steps


class History:
    """Carries out steps in some order; snapshots nobody needs any more are let go of on the way.

    After step `edit_at` all snapshots that are alive get the edit, as when a run is forked.
    """

    def __init__(self, steps, start, combine, write, edited, edit_at):
        self.steps = {step.number: step for step in steps}
        self.alive = {0: start}
        self.results = {}  # step to the values it ends with, its conflict, or "cut off"
        self.needs = dict.fromkeys(range(len(steps) + 1), 0)
        for step in steps:
            for source in step.sources:
                self.needs[source] += 1
        self.combine, self.write, self.edited, self.edit_at = combine, write, edited, edit_at

    def carry_out(self, order):
        early = [number for number in order if number <= self.edit_at]
        self._phase(early)
        self.alive = {number: self.edited(snapshot) for number, snapshot in self.alive.items()}
        self._phase([number for number in order if number > self.edit_at])
        return self.results

    def _phase(self, waiting):
        while waiting:
            number = next(
                n for n in waiting if all(s == 0 or s in self.results for s in self.steps[n].sources)
            )
            waiting.remove(number)
            self._carry_out(self.steps[number])

    def _carry_out(self, step):
        groups = [[self.alive[s] for s in group if s in self.alive] for group in step.groups]
        groups = [group for group in groups if group]
        try:
            if groups:
                after = self.alive[step.number] = self.write(self.combine(groups), step)
                self.results[step.number] = after.values()
            else:
                self.results[step.number] = "cut off"
        except (MergeConflict, NaiveConflict) as conflict:
            self.results[step.number] = conflict
        for source in step.sources:
            self.needs[source] -= 1
        for number in [n for n in self.alive if self.needs[n] == 0 and n in self.results]:
            if not self.steps[number].held:
                del self.alive[number]


def overwritten(step, every):
    """What somebody puts in the place of what a step was to run on: of some steps, the values of reducer fields."""
    return {"r": [step.number * 100], "s": f"<{step.number}>"} if every and step.number % every == 0 else {}


def naive_results(steps, edit, edit_at, every=0):
    start = naive_start(REDUCERS, {"q": -1, "r": [], **({"s": "0"} if every else {})})
    made = naive_edit(edit)

    def write(snapshot, step):
        return snapshot.overwrite(overwritten(step, every), (step.number,)).write(step.updates, step.position)

    one = History(steps, start, naive_merge, write, lambda snapshot: snapshot.edited(made), edit_at)
    return one.carry_out(list(range(1, len(steps) + 1)))


def real_results(steps, edit, edit_at, rnd, every=0):
    def combine(groups):
        rnd.shuffle(groups)
        return merge(groups)

    order = list(range(1, len(steps) + 1))
    rnd.shuffle(order)
    made = SCHEMA.edit(edit)
    initial = SCHEMA.initial().edited(SCHEMA.edit({"s": "0"} if every else {}))

    def write(snapshot, step):
        edited = snapshot.overwrite(overwritten(step, every), (step.number,), step.position, step.number)
        return edited.write(step.updates, step.position, step.number)

    one = History(steps, initial, combine, write, lambda snapshot: snapshot.edited(made), edit_at)
    return one.carry_out(order)


EDITS = [{}, {"p": 1000}, {"r": [1000]}, {"q": 1000, "r": [], "s": "edited"}]


@settings(max_examples=examples(20), deadline=None)
@given(histories(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_overwritten_values_count_from_their_place_on_in_any_order_of_events(steps, every, rnd):
    expected = naive_results(steps, {}, 0, every)
    for _ in range(3):
        found = real_results(steps, {}, 0, rnd, every)
        for number, there in expected.items():
            if not isinstance(there, NaiveConflict):
                assert found[number] == there


@settings(max_examples=examples(20), deadline=None)
@given(histories(), st.sampled_from(EDITS), st.integers(0, 24), st.randoms(use_true_random=False))
def test_merges_agree_with_the_naive_reading_in_any_order_of_events(steps, edit, edit_at, rnd):
    expected = naive_results(steps, edit, edit_at)
    told = set()
    for _ in range(3):
        found = real_results(steps, edit, edit_at, rnd)
        conflicts = {number: one for number, one in found.items() if isinstance(one, MergeConflict)}
        told.add(tuple(sorted((number, one.field, one.writers) for number, one in conflicts.items())))
        for number, there in expected.items():
            if not isinstance(there, NaiveConflict):
                assert found[number] == there
                continue
            event("conflict")
            here = conflicts[number]
            assert here.field == there.field
            assert len({writer for writer in here.writers if writer != "START"}) >= 1
            positions = {steps[writer - 1].position if writer != "START" else () for writer in here.writers}
            assert len(positions) == 2
            assert positions <= there.positions
    assert len(told) == 1


# --------------------------------------------------------------------------- one by one


def start(**values):
    return SCHEMA.initial().write(values, (), "START")


def test_a_field_that_one_side_wrote_takes_that_value():
    fork = start(p=1)
    assert merge([[fork.write({"p": 2}, (1,), "a")], [fork]]).read("p") == 2
    assert merge([[fork], [fork.write({"p": 2}, (1,), "a")]]).read("p") == 2


def test_fields_that_different_sides_wrote_come_together():
    fork = start(p=1)
    both = merge([[fork.write({"p": 2}, (1,), "a")], [fork.write({"q": 3}, (2,), "b")]])
    assert both.values() == {"p": 2, "q": 3, "r": []}


@pytest.mark.parametrize("value", [2, 3])
def test_a_field_that_two_sides_wrote_is_a_conflict_even_if_they_agree(value):
    fork = start(p=1)
    sides = [[fork.write({"p": 2}, (1,), "a@0")], [fork.write({"p": value}, (2,), "b@0")]]
    for groups in (sides, sides[::-1]):
        with pytest.raises(MergeConflict) as caught:
            merge(groups)
        assert (caught.value.field, caught.value.writers) == ("p", ("a@0", "b@0"))
        assert str(caught.value) == "field 'p' was written concurrently by a@0 and b@0"


def test_a_write_on_a_merged_state_settles_it_for_later_merges():
    fork = start(p=1)
    one = fork.write({"p": 2}, (1,), "a")
    other = fork.write({"q": 2}, (2,), "b")
    after = merge([[one], [other]]).write({"p": 5}, (3,), "c")
    assert merge([[one], [after], [other], [fork]]).values() == after.values()


def test_of_several_rounds_of_one_edge_the_last_write_counts():
    fork = start(p=1)
    rounds = [fork.write({"p": n}, (n,), f"x@{n}") for n in (2, 3, 4)]
    assert merge([rounds]).read("p") == 4
    assert merge([rounds, [fork]]).read("p") == 4


def test_a_later_round_that_wrote_nothing_does_not_take_back_an_earlier_write():
    fork = start(p=1)
    assert merge([[fork.write({"p": 2}, (1,), "x@0"), fork]]).read("p") == 2


def test_of_two_tokens_that_each_overwrote_the_others_write_the_later_counts():
    fork = start(p=1)
    one, other = fork.write({"p": 2}, (1,), "x@0"), fork.write({"p": 3}, (2,), "x@1")
    forth, back = merge([[one, other]]), merge([[other, one]])
    assert (forth.read("p"), back.read("p")) == (3, 2)
    assert merge([[forth, back]]).read("p") == 2
    assert merge([[back, forth]]).read("p") == 3
    with pytest.raises(MergeConflict):
        merge([[forth], [back]])


def test_a_side_with_several_rounds_has_seen_what_any_of_them_wrote():
    fork = start(p=1)
    early, late = fork.write({"p": 2}, (1,), "x@0"), fork.write({"p": 3}, (2,), "x@1")
    assert merge([[early, late], [early]]).read("p") == 3
    seen = merge([[early, late]])
    assert merge([[seen], [early], [late]]).read("p") == 3
    written = late.write({"p": 4}, (3,), "y")
    assert merge([[seen], [written]]).read("p") == 4
    with pytest.raises(MergeConflict):
        merge([[written], [early]])


def test_updates_are_folded_in_order_of_position_whatever_came_first():
    fork = start(s="0")
    late = fork.write({"s": "2"}, (2,), "b")
    early = fork.write({"s": "1"}, (1,), "a")
    for groups in ([[late], [early]], [[early], [late]], [[late, early]]):
        assert merge(groups).read("s") == "((01)2)"


def test_an_update_that_several_sides_know_is_folded_once():
    fork = start(s="0").write({"s": "1"}, (1,), "a")
    one, other = fork.write({"s": "2"}, (2,), "b"), fork.write({"s": "3"}, (3,), "c")
    both = merge([[one], [other]])
    assert merge([[both], [one], [fork]]).read("s") == "(((01)2)3)"
    assert (
        merge([[both.write({"s": "5"}, (5,), "e")], [one.write({"s": "4"}, (4,), "d")]]).read("s")
        == "(((((01)2)3)4)5)"
    )


def test_the_first_update_of_a_field_without_default_is_its_value():
    fork = start()
    assert not fork.has("s")
    both = merge([[fork.write({"s": "2"}, (2,), "b")], [fork.write({"s": "1"}, (1,), "a")]])
    assert both.read("s") == "(12)"


def test_a_write_carried_out_twice_counts_once():
    fork = start(s="0")
    once, again = fork.write({"s": "1"}, (1,), "a"), fork.write({"s": "1"}, (1,), "a")
    assert merge([[once], [again]]).read("s") == "(01)"
    further = again.write({"s": "2"}, (2,), "b")
    del fork, again
    further = further.write({"s": "3"}, (3,), "c")
    assert merge([[further], [once]]).read("s") == "(((01)2)3)"


def test_a_write_made_again_after_the_first_was_forgotten_counts():
    fork = start(s="0")
    again = fork.write({"s": "1"}, (1,), "a")
    del again
    again = fork.write({"s": "1"}, (1,), "a")
    third = fork.write({"s": "1"}, (1,), "a")
    assert merge([[again.write({"s": "2"}, (2,), "b")], [third]]).read("s") == "((01)2)"


def test_nothing_to_merge_gives_the_same_object():
    fork = start(p=1)
    assert merge([[fork]]) is fork
    assert merge([[fork, fork], [fork]]) is fork
    assert fork.write({}, (1,), "a") is fork


def test_an_unset_field_is_told_from_one_that_is_none():
    fork = start()
    assert not fork.has("p")
    with pytest.raises(KeyError, match="p"):
        fork.read("p")
    assert fork.values() == {"q": -1, "r": []}


@pytest.mark.parametrize(
    "use", [lambda s: s.read("x"), lambda s: s.has("x"), lambda s: s.write({"x": 1}, (1,), "a")]
)
def test_a_field_that_is_not_there_is_a_key_error(use):
    with pytest.raises(KeyError, match="x"):
        use(start())


def test_a_snapshot_stays_as_it_is_when_it_is_written():
    before = start(p=1, s="0", r=[1])
    values = before.values()
    after = before.write({"p": 2, "s": "1", "r": [2]}, (1,), "a")
    assert before.values() == values
    assert after.values() == {"p": 2, "q": -1, "r": [1, 2], "s": "(01)"}


def test_snapshots_of_different_runs_cannot_be_merged():
    schema = StateSchema(Refusing)
    with pytest.raises(ValueError, match="different beginnings"):
        merge([[schema.initial()], [schema.initial()]])


def test_an_edit_replaces_what_a_whole_frontier_holds():
    fork = start(p=1, s="0")
    one, other = fork.write({"s": "1", "p": 2}, (1,), "a"), fork.write({"s": "2", "p": 3}, (2,), "b")
    edit = SCHEMA.edit({"s": "new", "p": 9})
    one, other = one.edited(edit), other.edited(edit)
    assert merge([[one], [other]]).read("p") == 9
    assert merge([[one.write({"s": "3"}, (3,), "c")], [other]]).read("s") == "(new3)"


def refusing(value: int, update: int) -> int:
    if update < 0:
        raise ArithmeticError("below zero")
    return None if update == 0 else value + update


class Refusing(BaseModel):
    n: Annotated[int, refusing] = 0


def test_a_reducer_that_raises_or_forgets_to_return_is_named():
    begin = StateSchema(Refusing).initial()
    with pytest.raises(
        FoldError, match="field 'n': its reducer refusing raised ArithmeticError: below zero"
    ) as caught:
        begin.write({"n": -1}, (1,), "a")
    assert caught.value.field == "n"
    with pytest.raises(FoldError, match="its reducer refusing returned None: it must return the new value"):
        begin.write({"n": 0}, (1,), "a")


# --------------------------------------------------------------------------- what is kept


class Counts(BaseModel):
    p: int = 0
    q: int = 0
    n: Annotated[int, add] = 0
    log: Annotated[list[int], append] = []


COUNTS = StateSchema(Counts)


def in_a_row(snapshot, rounds):
    for k in range(rounds):
        snapshot = snapshot.write({"p": k, "n": 1}, (k,), k)
    return snapshot


def fork_and_join(snapshot, rounds):
    rnd = random.Random(0)
    for k in range(rounds):
        sides = [({"p": k, "n": 1}, 1), ({"q": k, "n": 1}, 2)]
        rnd.shuffle(sides)
        snapshot = merge([[snapshot.write(updates, (k, place), k)] for updates, place in sides])
    return snapshot


def alternating(snapshot, rounds):
    rnd = random.Random(0)
    for k in range(rounds):
        sides = [({"p": k} if k % 2 else {"q": k}, 1), ({}, 2)]
        rnd.shuffle(sides)
        snapshot = merge([[snapshot.write(updates, (k, place), k)] for updates, place in sides])
    return snapshot


def dying_before(snapshot, rounds):
    for k in range(rounds):
        dies = snapshot.write({"p": -k, "n": 1}, (k, 1), k)
        snapshot = snapshot.write({"p": k, "n": 1}, (k, 2), k)
    return snapshot, dies


def dying_after(snapshot, rounds):
    for k in range(rounds):
        survives = snapshot.write({"p": k, "n": 1}, (k, 2), k)
        dies = snapshot.write({"p": -k, "n": 1}, (k, 1), k)
        snapshot = survives
    return snapshot, dies


def lagging(snapshot, rounds):
    tail = []
    for k in range(rounds):
        tail.append(snapshot.write({"n": 1}, (k, 1), k))
        snapshot = snapshot.write({"n": 1, "p": k}, (k, 2), k)
        if len(tail) > 5:
            snapshot = merge([[snapshot], [tail.pop(0)]])
    return snapshot, tail


def exchanging(snapshot, rounds):
    one = other = snapshot
    del snapshot  # who holds it would be kept informed
    for k in range(rounds):
        both = merge([[one], [other]]), merge([[other], [one]])
        one, other = both[0].write({"n": 1, "p": k}, (k, 1), k), both[1].write({"n": 1, "q": k}, (k, 2), k)
    return one, other


def gossiping(snapshot, rounds):
    ring = [snapshot] * 5
    del snapshot
    for k in range(rounds):
        heard = [merge([[ring[i - 1]], [ring[i]], [ring[(i + 1) % 5]]]) for i in range(5)]
        ring = [heard[i].write({"n": 1}, (k, i), k) for i in range(5)]
    return ring


def overwriting_rounds(snapshot, rounds):
    for k in range(rounds):
        snapshot = merge([[snapshot.write({"p": n, "n": 1}, (k, n), k) for n in (1, 2)]])
    return snapshot


def beside_a_slow_branch(snapshot, rounds):
    moving = snapshot.write({"q": 0}, (0,), "fast")
    for k in range(1, rounds):
        sides = [moving.write({"p": k}, (k, 1), k), moving]
        moving = merge([[side] for side in sides])
    return snapshot, moving


PATTERNS = [
    *(in_a_row, fork_and_join, alternating, dying_before, dying_after, lagging),
    *(exchanging, gossiping, overwriting_rounds, beside_a_slow_branch),
]


def kept(pattern, rounds):
    """How many parts of histories are alive after so many rounds."""
    gc.collect()
    before = parts_alive()
    ends = pattern(COUNTS.initial(), rounds)
    gc.collect()
    after = parts_alive()
    del ends
    return {kind: after[kind] - before[kind] for kind in after}


def parts_alive():
    found = {"cells": 0, "lineages": 0, "entries": 0, "nodes": 0, "updates": 0}
    for one in gc.get_objects():
        if type(one) in (Cell, FoldCell):
            found["cells"] += 1
        elif type(one) is Lineage:
            found["lineages"] += 1
            found["entries"] += len(one.before)
        elif type(one) is Node:
            found["nodes"] += 1
            found["updates"] += len(one.updates) + len(one.kids or ())
    return found


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.__name__)
def test_what_a_loop_keeps_does_not_grow_with_its_rounds(pattern):
    short, long = kept(pattern, 100), kept(pattern, 400)
    for kind, count in long.items():
        assert count <= max(2 * short[kind], 40), (kind, short, long)


def test_five_thousand_writes_hold_constant_memory():
    tracemalloc.start()
    try:
        short = in_a_row(COUNTS.initial(), 500)
        before, _ = tracemalloc.get_traced_memory()
        long = in_a_row(COUNTS.initial(), 5_000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (short.read("n"), long.read("n")) == (500, 5_000)
    assert after - before < 8192


def test_a_snapshot_kept_apart_does_not_make_others_remember():
    def looked_back_at(snapshot, rounds):
        first, rest = snapshot.apart(), [snapshot]
        del snapshot
        return first, in_a_row(rest.pop(), rounds)

    assert kept(looked_back_at, 800) == kept(looked_back_at, 200)
    begin = COUNTS.initial().write({"p": 5, "n": 7}, (), "START")
    assert begin.apart().values() == begin.values()
    assert begin.apart().write({"n": 1}, (1,), "a").read("n") == 8


def test_runs_begin_alike_and_know_nothing_of_each_other():
    one, other = COUNTS.initial(), COUNTS.initial()
    first = one.write({"n": 1, "p": 5}, (1,), "a")
    second = other.write({"n": 2, "p": 6}, (1,), "a")
    assert merge([[one], [first]]).values() == first.values()
    assert merge([[other], [second]]).values() == second.values()
    assert COUNTS.initial().values() == one.values() == other.values()


def test_updates_that_a_slow_branch_does_not_know_are_kept_for_it():
    slow = COUNTS.initial()
    fast = fork_and_join(slow.write({"log": 0}, (0,), 0), 50)
    fast = in_a_row(fast, 50)
    assert merge([[slow.write({"n": 1000}, (99, 9), "slow")], [fast]]).read("n") == 1150


def test_a_long_history_of_live_snapshots_can_be_merged_and_let_go_of():
    alive = [COUNTS.initial()]
    for k in range(5_000):
        alive.append(alive[-1].write({"n": 1, "p": k}, (k,), k))
    side = alive[0].write({"n": 5}, (30_000,), "side")
    assert merge([[alive[-1]], [side]]).read("n") == 5_005
    last = alive[-1]
    alive.clear()
    assert last.write({"n": 1}, (40_000,), "last").read("n") == 5_001


def test_sweeping_histories_costs_a_constant_for_each_write(monkeypatch):
    looks = []
    needed = Node.needed
    monkeypatch.setattr(Node, "needed", lambda node: looks.append(node.size) or needed(node))
    alive = [COUNTS.initial()]
    for k in range(2000):
        alive.append(alive[-1].write({"n": 1}, (k,), k))
    assert len(looks) < 10 * len(alive)


def test_what_one_side_knows_already_is_not_folded_again():
    calls = []
    counted.fold = lambda value, updates: calls.append(len(updates)) or value + sum(updates)
    fork = StateSchema(Counted).initial().write({"n": 1}, (1,), "a")
    branches = [fork.write({"n": 1}, (2, k), k) for k in range(3)]
    joined = merge([[branch] for branch in branches])
    assert calls == [2]
    assert merge([[joined], [branches[0]], [fork]]).read("n") == 4
    assert merge([[branch] for branch in branches]).read("n") == 4
    assert calls == [2]


def test_a_thousand_parallel_updates_are_handed_to_the_reducer_at_once():
    calls = []

    def fold(value, updates):
        calls.append(len(updates))
        return value + sum(updates)

    counted.fold = fold
    fork = StateSchema(Counted).initial()
    branches = [[fork.write({"n": 1}, (1, k), k)] for k in range(1000)]
    assert merge(branches).read("n") == 1000
    assert calls == [999]


def counted(value: int, update: int) -> int:
    return value + update


class Counted(BaseModel):
    n: Annotated[int, counted] = 0
