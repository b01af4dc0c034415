"""Search trees as nested lists."""


def insert(tree, value):
    """The tree [left, value, right] with a value more; an empty tree is []; equal values are kept once."""
    if not tree:
        return [[], value, []]
    left, here, right = tree
    if value < here:
        return [insert(left, value), here, right]
    if value > here:
        return [left, here, insert(right, value)]
    return tree


def ordered(values):
    """The values sorted, each once, by way of a tree."""
    tree = []
    for value in values:
        tree = insert(tree, value)
    return flat(tree)


def flat(tree):
    """A tree's values in order."""
    if not tree:
        return []
    left, here, right = tree
    return flat(left) + [here] + flat(right)


# --- defects
FUNCTION = "ordered"
INPUTS = [[[]], [[1]], [[2, 1]], [[1, 2]], [[2, 3, 1]], [[5, 5, 5]], [[4, 2, 6, 1, 3, 5, 7]], [[9, 1, 8, 2]]]
HELD = [[[3, 1, 4, 1, 5, 9, 2, 6]], [[-1, -2, 0]], [list(range(10, 0, -1))], [[0]]]
DEFECTS = [
    ("a missing guard", "    if not tree:\n        return []\n    left", "    left"),
    ("a missing update", "tree = insert(tree, value)", "insert(tree, value)"),
    ("a wrong comparison", "if value < here", "if value > here"),
    (
        "a wrong variable",
        "return [left, here, insert(right, value)]",
        "return [left, here, insert(left, value)]",
    ),
    ("a missing wrap", "flat(left) + [here] + flat(right)", "flat(left) + here + flat(right)"),
    ("a lost branch", "    if value > here:\n        return [left, here, insert(right, value)]\n", ""),
    ("a missing wrap", "return [insert(left, value), here, right]", "return insert(left, value)"),
    ("a wrong literal", "return [[], value, []]", "return [value]"),
]
