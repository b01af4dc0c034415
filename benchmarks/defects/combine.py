"""Sorted sources as one."""


def combined(left, right):
    """The values of two sorted lists in order, each value once."""
    last = None
    i = j = 0
    while i < len(left) or j < len(right):
        if j == len(right) or (i < len(left) and left[i] <= right[j]):
            value = left[i]
            i += 1
        else:
            value = right[j]
            j += 1
        if value != last:
            yield value
            last = value


# --- defects
FUNCTION = "combined"
INPUTS = [
    [[], []],
    [[1], []],
    [[], [2]],
    [[1, 3], [2, 4]],
    [[1, 2], [1, 2]],
    [[1, 1, 5], [2, 2]],
    [[7, 8, 9], [1, 2, 8]],
]
HELD = [[[1, 4, 4, 9], [4, 5, 9, 9, 10]], [[0, 0], [0]], [[5], [1, 2, 3]], [[1, 2, 3], [9]]]
DEFECTS = [
    ("a wrong operator", "i < len(left) or j < len(right)", "i < len(left) and j < len(right)"),
    (
        "a missing guard",
        "j == len(right) or (i < len(left) and left[i] <= right[j])",
        "i < len(left) and left[i] <= right[j]",
    ),
    ("a wrong target", "            j += 1\n", "            i += 1\n"),
    ("a missing update", "            yield value\n            last = value\n", "            yield value\n"),
    (
        "a misplaced yield",
        "            yield value\n            last = value\n",
        "            last = value\n        yield value\n",
    ),
    (
        "a wrong order",
        "            value = left[i]\n            i += 1\n",
        "            i += 1\n            value = left[i]\n",
    ),
    ("a lost condition", "(i < len(left) and left[i] <= right[j])", "left[i] <= right[j]"),
]
