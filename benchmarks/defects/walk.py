"""Nested lists as trees."""


def leaves(tree, depth=0):
    """Each leaf with its depth, from left to right."""
    if not isinstance(tree, list):
        yield [tree, depth]
        return
    for branch in tree:
        yield from leaves(branch, depth + 1)


# --- defects
FUNCTION = "leaves"
INPUTS = [[1], [[]], [[1, 2]], [[[1], 2]], [[1, [2, [3, 4]], 5]], [[[[["deep"]]]]]]
HELD = [[[[], [[]], 1]], [["a", ["b", "c"], [["d"]]]], [[0, [1, [2, [3, [4]]]]]]]
DEFECTS = [
    ("a misplaced yield", "yield from leaves", "yield leaves"),
    (
        "a misplaced yield",
        "        yield from leaves(branch, depth + 1)",
        "        leaves(branch, depth + 1)",
    ),
    ("a lost recursive argument", "leaves(branch, depth + 1)", "leaves(branch)"),
    ("off by one", "leaves(branch, depth + 1)", "leaves(branch, depth)"),
    ("a wrong variable", "leaves(branch, depth + 1)", "leaves(tree, depth + 1)"),
    ("a missing guard", "        yield [tree, depth]\n        return\n", "        yield [tree, depth]\n"),
    ("a wrong default", "depth=0", "depth=1"),
]
