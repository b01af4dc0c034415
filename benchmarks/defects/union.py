"""Groups of things that belong together."""


def groups(count, pairs):
    """The sizes of the groups among 0 … count - 1 when the pairs are joined, largest first."""
    parent = list(range(count))

    def root(item):
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for left, right in pairs:
        parent[root(left)] = root(right)
    sizes = {}
    for item in range(count):
        top = root(item)
        sizes[top] = sizes.get(top, 0) + 1
    return sorted(sizes.values(), reverse=True)


# --- defects
FUNCTION = "groups"
INPUTS = [
    [0, []],
    [3, []],
    [3, [[0, 1], [0, 2]]],
    [4, [[0, 1], [2, 3], [1, 2]]],
    [6, [[0, 1], [1, 2], [3, 4]]],
    [5, [[4, 3], [3, 2], [2, 1], [4, 1]]],
    [7, [[0, 1], [2, 1], [3, 1], [5, 6]]],
]
HELD = [
    [8, [[0, 1], [0, 2], [0, 3], [4, 5], [6, 5], [3, 4]]],
    [8, [[7, 0], [6, 0], [5, 0], [1, 2]]],
    [6, [[0, 1], [2, 3], [4, 5], [1, 3], [3, 5]]],
    [2, [[0, 0]]],
]
DEFECTS = [
    ("a missing wrap", "parent[root(left)] = root(right)", "parent[left] = root(right)"),
    ("a wrong variable", "sizes[top] = sizes.get(top, 0) + 1", "sizes[top] = sizes.get(item, 0) + 1"),
    ("a wrong call", "sizes.values()", "sizes.keys()"),
    ("a wrong default", "sizes.get(top, 0)", "sizes.get(top, 1)"),
    ("a wrong constant", "reverse=True", "reverse=False"),
    ("a missing wrap", "top = root(item)", "top = parent[item]"),
]
