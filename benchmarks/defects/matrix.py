"""Matrices as lists of rows."""


def power(matrix, exponent):
    """A square matrix to a power of 0 or more."""
    size = len(matrix)
    result = [[int(row == column) for column in range(size)] for row in range(size)]
    while exponent > 0:
        if exponent % 2 == 1:
            result = product(result, matrix)
        matrix = product(matrix, matrix)
        exponent //= 2
    return result


def product(left, right):
    """The product of two matrices."""
    return [[sum(a * b for a, b in zip(row, column)) for column in zip(*right)] for row in left]


# --- defects
FUNCTION = "power"
INPUTS = [
    [[[2]], 0],
    [[[2]], 5],
    [[[1, 1], [1, 0]], 1],
    [[[1, 1], [1, 0]], 6],
    [[[1, 2], [3, 4]], 3],
    [[[0, 1, 0], [0, 0, 1], [1, 0, 0]], 2],
]
HELD = [[[[1, 2], [3, 4]], exponent] for exponent in range(6)] + [[[[2, 0, 1], [1, 1, 0], [0, 3, 1]], 5]]
DEFECTS = [
    ("a missing unwrap", "in zip(*right)", "in right"),
    ("a wrong operator", "a * b for", "a + b for"),
    ("a wrong variable", "product(result, matrix)", "product(matrix, matrix)"),
    ("a wrong operator", "exponent //= 2", "exponent -= 2"),
    ("a wrong literal", "int(row == column)", "1"),
    ("a missing update", "        matrix = product(matrix, matrix)\n", ""),
    ("a wrong constant", "exponent % 2 == 1", "exponent % 2 == 0"),
]
