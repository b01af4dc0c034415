"""The longest way through a plan."""


def longest(tasks):
    """The least time to do all tasks, each after those it waits for."""
    done = {}

    def finish(task):
        if task not in done:
            start = max((finish(other) for other in task.after), default=0)
            done[task] = start + task.hours
        return done[task]

    return max((finish(task) for task in tasks), default=0)


def order(tasks):
    """The names of the tasks, each after those it waits for, else as given."""
    found = []
    seen = set()

    def visit(task):
        if task in seen:
            return
        seen.add(task)
        for other in task.after:
            visit(other)
        found.append(task.name)

    for task in tasks:
        visit(task)
    return found


# --- defects
FILES = {
    "task.py": """class Task:
    def __init__(self, name, hours, *after):
        self.name = name
        self.hours = hours
        self.after = list(after)
"""
}
TESTS = """from program import longest, order
from task import Task


def plan():
    dig = Task("dig", 3)
    buy = Task("buy", 5)
    build = Task("build", 4, dig, buy)
    paint = Task("paint", 1, build, buy)
    return [paint, dig, build, buy]


def test_nothing():
    assert longest([]) == 0
    assert order([]) == []


def test_one():
    assert longest([Task("a", 2)]) == 2
    assert order([Task("a", 2)]) == ["a"]


def test_a_plan_takes_its_longest_way():
    assert longest(plan()) == 10


def test_what_is_waited_for_comes_first():
    assert order(plan()) == ["dig", "buy", "build", "paint"]


def test_side_by_side():
    assert longest([Task("a", 2), Task("b", 7), Task("c", 3)]) == 7
"""
HELD = """from program import longest, order
from task import Task


def test_more():
    a = Task("a", 1)
    b = Task("b", 2, a)
    c = Task("c", 9, a)
    d = Task("d", 1, b, c)
    e = Task("e", 20)
    assert longest([d]) == 11
    assert longest([b, c, e]) == 20
    assert longest([a, b]) == 3
    assert order([d, e]) == ["a", "b", "c", "d", "e"]
    assert order([c, b]) == ["a", "c", "b"]
"""
DEFECTS = [
    ("a wrong variable", "done[task] = start + task.hours", "done[task] = task.hours"),
    ("a wrong call", "start = max((finish", "start = min((finish"),
    ("a lost condition", "        if task in seen:\n            return\n", ""),
    ("a missing update", "        seen.add(task)\n", ""),
    (
        "a wrong order",
        "        for other in task.after:\n            visit(other)\n        found.append(task.name)\n",
        "        found.append(task.name)\n        for other in task.after:\n            visit(other)\n",
    ),
    ("a lost recursive argument", "visit(other)", "visit(task)"),
    ("a wrong default", "for other in task.after), default=0)", "for other in task.after), default=1)"),
]
