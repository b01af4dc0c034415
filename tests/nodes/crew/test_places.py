"""Places of a crew move to the role with the most work waiting, and come back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backedge.nodes.crew import Crew, Role, Task

from .members import Slow, ran


def crew(loads, counts, *, least=None, limit=None, slow=None):
    """So many tasks of a second for each role."""
    slow = slow or Slow()
    kept = least or {}
    tasks = [Task(f"{role}{n}", "x", role=role) for role, load in loads.items() for n in range(load)]
    roles = {role: Role(slow, count=count, least=kept.get(role, 0)) for role, count in counts.items()}
    return Crew(tasks, roles=roles, process="parallel", limit=limit)


COUNTS = {"a": 2, "b": 2, "c": 2, "d": 2}


def test_an_uneven_load_takes_as_long_as_all_places_need_and_not_as_long_as_those_of_one_role():
    loads = {"a": 40, "b": 12, "c": 8, "d": 4}
    assert ran(crew(loads, COUNTS))[1] == 8
    assert ran(crew(loads, COUNTS, least=COUNTS))[1] == 20, "a fixed split"


@settings(max_examples=15)
@given(st.fixed_dictionaries({"a": st.integers(1, 6), "b": st.integers(1, 6), "c": st.integers(1, 6)}))
def test_with_tasks_of_a_second_no_place_is_ever_idle_while_work_waits(loads):
    slow = Slow()
    counts = {"a": 1, "b": 2, "c": 1}
    assert ran(crew(loads, counts, slow=slow))[1] == -(-sum(loads.values()) // 4)
    assert slow.most <= 4


def test_a_role_gets_its_own_places_back_as_soon_as_it_has_work():
    slow = Slow(b0=1)
    tasks = [Task(f"a{n}", "x", role="a") for n in range(12)]
    tasks += [Task("b0", "x", role="b"), *(Task(f"b{n}", "x", role="b", needs="b0") for n in range(1, 3))]
    roles = {"a": Role(slow, count=2), "b": Role(slow, count=2)}
    ran(Crew(tasks, roles=roles, process="parallel"))
    assert [slow.began[f"b{n}"] for n in range(3)] == [0, 1, 1]
    assert sorted(slow.began[f"a{n}"] for n in range(12))[:5] == [0, 0, 0, 1, 1]


def test_places_that_are_kept_are_free_when_work_comes():
    def began(least):
        slow = Slow(**{f"a{n}": 9 for n in range(4)})
        tasks = [Task("first", "x", role="c"), *(Task(f"a{n}", "x", role="a") for n in range(4))]
        tasks += [Task("b", "x", role="b", needs="first"), Task("d", "x", role="d", needs="first")]
        roles = {name: Role(slow, least=least if name in "bd" else 0) for name in "abcd"}
        ran(Crew(tasks, roles=roles, process="parallel"))
        return slow.began["b"], slow.began["d"]

    assert began(0) == (1, 2), "one place came back, the others are lent"
    assert began(1) == (1, 1)


async def passes(job, result):
    return True


def following(process, member, tasks):
    """When each task of role `b` was begun, while role `a` would take any place for long."""
    slow = Slow(**{f"a{n}": 9 for n in range(9)})
    tasks += [Task(f"a{n}", "x", role="a") for n in range(9)]
    roles = {"a": slow, "b": member(slow)}
    if process == "hierarchical":
        roles["boss"] = Role(None, reviews=passes, most=1)
    ran(Crew(tasks, roles=roles, process=process, manager="boss" if "boss" in roles else ""))
    return [slow.began[name] for name in sorted(slow.began) if name.startswith("b")]


@pytest.mark.parametrize("process", ["parallel", "hierarchical"])
def test_whoever_follows_a_task_that_failed_has_its_place_too(process):
    def fails(slow):
        async def member(job):
            await slow(job)
            if job.task == "b0":
                raise ValueError("broken")
            return job.task

        return member

    tasks = [Task("b0", "x", role="b", optional=True), Task("b1", "x", role="b", needs="b0")]
    assert following(process, fails, tasks) == [0, 1]


@pytest.mark.parametrize("process", ["parallel", "hierarchical"])
def test_whoever_follows_in_a_role_has_its_place_before_those_who_would_borrow_it(process):
    tasks = [Task(f"b{n}", "x", role="b", needs=[f"b{n - 1}"] if n else []) for n in range(5)]
    assert following(process, lambda slow: slow, tasks) == [0, 1, 2, 3, 4]


def test_more_places_than_members_are_for_whoever_has_most_work():
    slow = Slow()
    _, seconds = ran(crew({"a": 9, "b": 3}, {"a": 1, "b": 1}, limit=6, slow=slow))
    assert (slow.most, seconds) == (6, 2)


def test_fewer_places_than_members_are_shared_in_proportion():
    slow = Slow()
    ran(crew({"a": 20, "b": 20}, {"a": 6, "b": 3}, limit=3, slow=slow))
    first = sorted(slow.began, key=lambda name: (slow.began[name], name))[:9]
    assert sum(name.startswith("a") for name in first) == 6
