"""Ways through a grid with walls."""


def ways(rows):
    """The number of ways from the top left to the bottom right, going right and down; "#" is a wall."""
    height, width = len(rows), len(rows[0])
    count = [[0] * width for _ in range(height)]
    count[0][0] = 1
    for y in range(height):
        for x in range(width):
            if rows[y][x] == "#":
                count[y][x] = 0
                continue
            if y > 0:
                count[y][x] += count[y - 1][x]
            if x > 0:
                count[y][x] += count[y][x - 1]
    return count[height - 1][width - 1]


# --- defects
FUNCTION = "ways"
INPUTS = [
    [["."]],
    [[".."]],
    [["..", ".."]],
    [["...", ".#.", "..."]],
    [["...", "...", "..."]],
    [["#.", ".."]],
    [["..#", "#..", "...", ".#."]],
]
HELD = [
    [["....", "....", "...."]],
    [["....", ".#..", "...#", "...."]],
    [["..", "#.", ".."]],
    [["#"]],
    [["...", "##.", "..."]],
    [["....."]],
    [[".", ".", "."]],
]
DEFECTS = [
    ("a missing update", "    count[0][0] = 1\n", ""),
    ("a wrong variable", "count[y - 1][x]", "count[y - 1][y]"),
    ("a wrong constant", "if x > 0:", "if x > 1:"),
    ("a wrong literal", "[[0] * width for _ in range(height)]", "[[0] * width] * height"),
    ("a wrong operator", "count[y][x] += count[y][x - 1]", "count[y][x] = count[y][x - 1]"),
    ("swapped arguments", "= len(rows), len(rows[0])", "= len(rows[0]), len(rows)"),
    (
        "a missing update",
        "                count[y][x] = 0\n                continue\n",
        "                continue\n",
    ),
]
