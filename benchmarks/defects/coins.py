"""The least number of coins for an amount."""


def fewest(coins, amount):
    """How many coins make up the amount at least; -1 if none do."""
    best = [0] + [None] * amount
    for total in range(1, amount + 1):
        for coin in coins:
            if coin <= total and best[total - coin] is not None:
                count = best[total - coin] + 1
                if best[total] is None or count < best[total]:
                    best[total] = count
    if best[amount] is None:
        return -1
    return best[amount]


# --- defects
FUNCTION = "fewest"
INPUTS = [
    [[1, 2, 5], 11],
    [[2], 3],
    [[1], 0],
    [[3, 7], 14],
    [[1, 5, 8], 10],
    [[4, 3], 6],
    [[5], 5],
    [[], 2],
]
HELD = [[[1, 3, 4], amount] for amount in range(12)] + [[[5, 7], amount] for amount in range(9, 25)]
DEFECTS = [
    ("off by one", "range(1, amount + 1)", "range(1, amount)"),
    ("a wrong comparison", "coin <= total", "coin < total"),
    ("a lost condition", " and best[total - coin] is not None", ""),
    ("a lost branch", "    if best[amount] is None:\n        return -1\n", ""),
    ("a missing update", "                    best[total] = count\n", "                    pass\n"),
    ("a wrong literal", "[0] + [None] * amount", "[None] * (amount + 1)"),
    ("a wrong variable", "count = best[total - coin] + 1", "count = best[total - 1] + 1"),
]
