"""Sums of ranges."""


def sums(values, ranges):
    """The sum of values[first:last] for each [first, last]."""
    before = [0]
    for value in values:
        before.append(before[-1] + value)
    return [before[last] - before[first] for first, last in ranges]


# --- defects
FUNCTION = "sums"
INPUTS = [
    [[], []],
    [[5], [[0, 1]]],
    [[1, 2, 3], [[0, 3], [1, 2], [2, 2]]],
    [[4, -1, 4, 2], [[1, 4], [0, 2], [3, 4]]],
    [[2, 2, 2, 2, 2], [[0, 5], [1, 3]]],
]
HELD = [[[3, 1, 4, 1, 5, 9, 2, 6], [[a, b] for a in range(9) for b in range(a, 9)]]]
DEFECTS = [
    ("a wrong literal", "before = [0]", "before = []"),
    ("a wrong variable", "before[-1] + value", "values[-1] + value"),
    ("a wrong constant", "before[-1]", "before[0]"),
    ("swapped arguments", "before[last] - before[first]", "before[first] - before[last]"),
    ("off by one", "before[last]", "before[last - 1]"),
    ("a wrong variable", "before[last] - before[first] for", "values[last] - before[first] for"),
]
