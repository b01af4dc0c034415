"""The largest of each window."""

from collections import deque


def largest(values, width):
    """The largest value of each `width` neighbouring values."""
    found = []
    best = deque()
    for place, value in enumerate(values):
        while best and values[best[-1]] <= value:
            best.pop()
        best.append(place)
        if best[0] <= place - width:
            best.popleft()
        if place >= width - 1:
            found.append(values[best[0]])
    return found


# --- defects
FUNCTION = "largest"
INPUTS = [
    [[], 1],
    [[4], 1],
    [[1, 2, 3], 1],
    [[1, 3, 2, 5, 4], 2],
    [[9, 8, 7, 6], 2],
    [[1, 3, -1, -3, 5, 3, 6, 7], 3],
    [[2, 2, 2], 3],
    [[5, 1, 1, 1, 4], 3],
]
HELD = [[[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5], width] for width in range(1, 8)] + [[[7, 6, 5, 4, 3], 4]]
DEFECTS = [
    ("a wrong loop", "while best and values", "if best and values"),
    ("a wrong call", "best.popleft()", "best.pop()"),
    ("a wrong variable", "found.append(values[best[0]])", "found.append(best[0])"),
    ("off by one", "place >= width - 1", "place >= width"),
    ("a wrong comparison", "best[0] <= place - width", "best[0] < place - width"),
    ("a wrong variable", "best.append(place)", "best.append(value)"),
    (
        "a wrong order",
        "            best.pop()\n        best.append(place)\n        if best[0] <= place - width:\n            best.popleft()\n",
        "            best.pop()\n        if best[0] <= place - width:\n            best.popleft()\n        best.append(place)\n",
    ),
]
