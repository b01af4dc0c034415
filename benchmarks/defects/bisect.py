"""Where a value belongs in a sorted list."""


def place(items, value):
    """The first place at which value can be inserted so that the list stays sorted."""
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) // 2
        if items[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


# --- defects
FUNCTION = "place"
INPUTS = [
    [[], 3],
    [[1], 1],
    [[1], 2],
    [[1, 3, 5], 0],
    [[1, 3, 5], 4],
    [[1, 3, 5], 9],
    [[2, 2, 2, 2], 2],
    [[1, 2, 2, 8, 9], 8],
]
HELD = [[[1, 2, 3, 4, 5, 6], value] for value in range(8)] + [[[5, 5, 7], 5], [[5, 5, 7], 6]]
DEFECTS = [
    ("a wrong comparison", "items[middle] < value", "items[middle] <= value"),
    ("off by one", "low = middle + 1", "low = middle"),
    ("off by one", "len(items)", "len(items) - 1"),
    ("a wrong target", "high = middle", "low = middle"),
]
