"""All orders of some things."""


def orders(items):
    """Every order of the items, each once although items may be equal."""
    if not items:
        yield []
        return
    used = set()
    for place, item in enumerate(items):
        if item in used:
            continue
        used.add(item)
        for rest in orders(items[:place] + items[place + 1 :]):
            yield [item] + rest


# --- defects
FUNCTION = "orders"
INPUTS = [[[]], [[1]], [[1, 2]], [[1, 1]], [[3, 1, 2]], [["a", "b", "a"]]]
HELD = [[[1, 2, 3, 4]], [[1, 1, 2, 2]], [[5, 5, 5]], [["x", "y", "x", "z"]]]
DEFECTS = [
    ("a missing update", "        used.add(item)\n", ""),
    ("a wrong slice", "items[:place] + items[place + 1 :]", "items[place + 1 :]"),
    ("a misplaced yield", "        yield []\n        return\n", "        return []\n"),
    (
        "a misplaced yield",
        "            yield [item] + rest",
        "            rest = [item] + rest\n        yield rest",
    ),
    ("a wrong variable", "yield [item] + rest", "yield [place] + rest"),
    ("off by one", "items[place + 1 :]", "items[place:]"),
    (
        "a wrong order",
        "    used = set()\n    for place, item in enumerate(items):\n",
        "    for place, item in enumerate(items):\n        used = set()\n",
    ),
]
