"""Overlapping spans made one."""


def merged(spans):
    """The union of closed spans [first, last], sorted, those that touch joined."""
    found = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1][1] = max(found[-1][1], last)
        else:
            found.append([first, last])
    return found


# --- defects
FUNCTION = "merged"
INPUTS = [
    [[]],
    [[[1, 2]]],
    [[[1, 3], [2, 5]]],
    [[[1, 9], [2, 5]]],
    [[[4, 5], [1, 2]]],
    [[[1, 2], [2, 3]]],
    [[[1, 4], [6, 8], [3, 6], [10, 12]]],
]
HELD = [
    [[[0, 1], [5, 6], [1, 5]]],
    [[[0, 10], [2, 3], [4, 5], [11, 12]]],
    [[[7, 8], [3, 4], [1, 9]]],
    [[[1, 2], [3, 4], [5, 6]]],
    [[[1, 5], [1, 3]]],
]
DEFECTS = [
    ("a wrong comparison", "first <= found", "first < found"),
    ("a wrong call", "max(found[-1][1], last)", "min(found[-1][1], last)"),
    ("a missing wrap", "in sorted(spans)", "in spans"),
    ("a wrong target", "found[-1][1] = max", "found[-1][0] = max"),
    ("a lost condition", "if found and first <= found[-1][1]:", "if found:"),
    ("a missing wrap", "= max(found[-1][1], last)", "= last"),
    ("swapped arguments", "found.append([first, last])", "found.append([last, first])"),
]
