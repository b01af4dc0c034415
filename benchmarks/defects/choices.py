"""Choosing some of several things."""


def choices(items, size):
    """All ways to choose `size` of the items, in the items' order."""
    if size == 0:
        yield []
        return
    for place, item in enumerate(items):
        for rest in choices(items[place + 1 :], size - 1):
            yield [item] + rest


# --- defects
FUNCTION = "choices"
INPUTS = [
    [[], 0],
    [[1], 0],
    [[1], 1],
    [[1, 2], 1],
    [[1, 2, 3], 2],
    [["a", "b", "c", "d"], 3],
    [[1, 2], 3],
]
HELD = [[list(range(5)), size] for size in range(6)]
DEFECTS = [
    ("a wrong literal", "        yield []\n", "        yield [[]]\n"),
    ("a missing guard", "        yield []\n        return\n", "        return\n"),
    ("off by one", "items[place + 1 :]", "items[place:]"),
    ("a lost recursive argument", "size - 1", "size"),
    ("a missing wrap", "[item] + rest", "item + rest"),
    ("swapped arguments", "[item] + rest", "rest + [item]"),
    (
        "a misplaced yield",
        "            yield [item] + rest\n",
        "            yield item\n            yield rest\n",
    ),
]
