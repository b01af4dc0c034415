"""Sums of some of the values."""


def reach(values, goal, start=0, memo=None):
    """Whether some of the values from place `start` on add up to the goal exactly."""
    if memo is None:
        memo = {}
    if goal == 0:
        return True
    if start == len(values):
        return False
    key = (start, goal)
    if key not in memo:
        taken = reach(values, goal - values[start], start + 1, memo)
        left = reach(values, goal, start + 1, memo)
        memo[key] = taken or left
    return memo[key]


# --- defects
FUNCTION = "reach"
INPUTS = [
    [[], 0],
    [[], 1],
    [[3], 3],
    [[3], 2],
    [[1, 2, 5], 6],
    [[1, 2, 5], 4],
    [[4, 4, 4], 8],
    [[3, 34, 4, 12, 5, 2], 9],
    [[2, 2], 2],
]
HELD = [[[2, 3, 7, 8], goal] for goal in range(22)] + [[[5, -2, 4], goal] for goal in range(-3, 10)]
DEFECTS = [
    ("off by one", "goal - values[start], start + 1", "goal - values[start], start"),
    ("a wrong operator", "taken or left", "taken and left"),
    ("a missing guard", "    if start == len(values):\n        return False\n", ""),
    (
        "a wrong order",
        "    if goal == 0:\n        return True\n    if start == len(values):\n        return False\n",
        "    if start == len(values):\n        return False\n    if goal == 0:\n        return True\n",
    ),
    ("a wrong variable", "key = (start, goal)", "key = (start, len(values))"),
    ("a missing guard", "    if memo is None:\n        memo = {}\n", ""),
    ("a wrong comparison", "if goal == 0:", "if goal <= 0:"),
]
