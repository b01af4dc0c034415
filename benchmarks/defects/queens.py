"""Queens that leave each other alone."""


def queens(size, row=0, taken=()):
    """The number of ways to put `size` queens on a board of that size, row by row."""
    if row == size:
        return 1
    count = 0
    for column in range(size):
        if all(free(row, column, other, place) for other, place in enumerate(taken)):
            count += queens(size, row + 1, taken + (column,))
    return count


def free(row, column, other, place):
    """Whether two queens are in different columns and diagonals."""
    return column != place and abs(row - other) != abs(column - place)


# --- defects
FUNCTION = "queens"
INPUTS = [[0], [1], [2], [3], [4], [5]]
HELD = [[6], [7]]
DEFECTS = [
    (
        "a lost recursive argument",
        "queens(size, row + 1, taken + (column,))",
        "queens(size, row + 1, (column,))",
    ),
    ("a wrong operator", "count += queens", "count = queens"),
    ("a missing guard", "    if row == size:\n        return 1\n", ""),
    ("a wrong call", "if all(free", "if any(free"),
    ("a missing wrap", "abs(row - other) != abs(column - place)", "row - other != column - place"),
    ("a wrong operator", "place and abs", "place or abs"),
    ("a wrong constant", "return 1", "return 0"),
]
