"""Coins."""


def ways(amount, coins):
    """In how many ways coins (of unlimited number) add up to the amount; order does not matter."""
    table = [1] + [0] * amount
    for coin in coins:
        for total in range(coin, amount):
            table[total] += table[total - coin]
    return table[amount]
