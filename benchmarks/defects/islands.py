"""Islands on a map."""


def islands(rows):
    """How many connected regions of "x" there are; diagonal neighbours are not connected."""
    land = {(y, x) for y, row in enumerate(rows) for x, cell in enumerate(row) if cell == "x"}
    count = 0
    while land:
        count += 1
        waiting = [land.pop()]
        while waiting:
            y, x = waiting.pop()
            for place in [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]:
                if place in land:
                    land.remove(place)
                    waiting.append(place)
    return count


# --- defects
FUNCTION = "islands"
INPUTS = [
    [[]],
    [["."]],
    [["x"]],
    [["xx", "xx"]],
    [["x.x"]],
    [["x.", ".x"]],
    [["xxx", "x.x", "xxx"]],
    [["x.x", "xxx", "...", "x.x"]],
    [["xx..x", "....x", "xx.xx"]],
]
HELD = [
    [["x.x.x", ".x.x.", "x.x.x"]],
    [["xxxxx", "....x", "xxx.x", "x...x", "xxxxx"]],
    [["x", "x", ".", "x"]],
    [[".....", ".xxx.", ".x.x.", ".xxx.", "....."]],
]
DEFECTS = [
    ("a wrong operator", "(y, x - 1), (y, x + 1)", "(y, x - 1), (y, x - 1)"),
    ("a missing update", "                    land.remove(place)\n", ""),
    ("a missing update", "                    waiting.append(place)\n", ""),
    ("a wrong call", "waiting.append(place)", "waiting.extend(place)"),
    ("a wrong loop", "        while waiting:\n", "        if waiting:\n"),
    ("a wrong order", "    while land:\n        count += 1\n", "    count += 1\n    while land:\n"),
    ("a wrong comparison", 'if cell == "x"', 'if cell != "x"'),
]
