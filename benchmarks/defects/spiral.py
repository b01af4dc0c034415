"""A matrix read in a spiral."""


def spiral(rows):
    """All values from the top left corner round and inwards, clockwise."""
    rows = [list(row) for row in rows]
    found = []
    while rows and rows[0]:
        found.extend(rows.pop(0))
        for row in rows:
            if row:
                found.append(row.pop())
        if rows:
            found.extend(reversed(rows.pop()))
        for row in reversed(rows):
            if row:
                found.append(row.pop(0))
    return found


# --- defects
FUNCTION = "spiral"
INPUTS = [
    [[]],
    [[[1]]],
    [[[1, 2], [3, 4]]],
    [[[1, 2, 3], [4, 5, 6], [7, 8, 9]]],
    [[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]],
    [[[1], [2], [3]]],
    [[[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]],
]
HELD = [
    [[[1, 2, 3, 4]]],
    [[[1, 2], [3, 4], [5, 6], [7, 8]]],
    [[[1, 2, 3], [4, 5, 6]]],
    [[[4 * y + x for x in range(4)] for y in range(4)]],
    [[[5 * y + x for x in range(5)] for y in range(4)]],
]
DEFECTS = [
    ("a wrong call", "found.extend(rows.pop(0))", "found.append(rows.pop(0))"),
    ("a wrong call", "found.extend(rows.pop(0))", "found.extend(rows.pop())"),
    ("a missing wrap", "found.extend(reversed(rows.pop()))", "found.extend(rows.pop())"),
    ("a missing wrap", "for row in reversed(rows):", "for row in rows:"),
    (
        "a missing guard",
        "        if rows:\n            found.extend(",
        "        if True:\n            found.extend(",
    ),
    ("a wrong loop", "while rows and rows[0]:", "if rows and rows[0]:"),
]
