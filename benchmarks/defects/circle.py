"""Counting out in a circle."""

from collections import deque


def last_one(names, step):
    """Who remains when every `step`-th of the circle leaves; None of nobody."""
    circle = deque(names)
    while len(circle) > 1:
        circle.rotate(1 - step)
        circle.popleft()
    return circle[0] if circle else None


# --- defects
FUNCTION = "last_one"
INPUTS = [
    [[], 2],
    [["a"], 3],
    [["a", "b"], 1],
    [["a", "b"], 2],
    [["a", "b", "c", "d"], 2],
    [["a", "b", "c", "d", "e"], 2],
    [["a", "b", "c", "d", "e"], 3],
    [[1, 2, 3, 4, 5, 6, 7], 3],
]
HELD = [[list(range(size)), step] for size in range(1, 9) for step in range(1, 6)]
DEFECTS = [
    ("a missing guard", "circle[0] if circle else None", "circle[0]"),
    ("swapped arguments", "1 - step", "step - 1"),
    ("a wrong call", "circle.popleft()", "circle.pop()"),
    ("off by one", "rotate(1 - step)", "rotate(-step)"),
    ("off by one", "len(circle) > 1", "len(circle) > 2"),
    ("a wrong loop", "    while len", "    if len"),
]
