"""Numbers as products of primes."""


def factors(number):
    """The prime factors of a number of 1 or more, as [prime, exponent]."""
    found = []
    prime = 2
    while prime * prime <= number:
        exponent = 0
        while number % prime == 0:
            number //= prime
            exponent += 1
        if exponent:
            found.append([prime, exponent])
        prime += 1
    if number > 1:
        found.append([number, 1])
    return found


# --- defects
FUNCTION = "factors"
INPUTS = [[1], [2], [4], [12], [13], [49], [60], [97], [1001], [1024]]
HELD = [[number] for number in (3, 6, 8, 9, 25, 30, 36, 77, 121, 360, 9991, 5040)]
DEFECTS = [
    ("a wrong comparison", "prime * prime <= number", "prime * prime < number"),
    ("a lost branch", "    if number > 1:\n        found.append([number, 1])\n", ""),
    (
        "a lost condition",
        "        if exponent:\n            found.append([prime, exponent])\n",
        "        found.append([prime, exponent])\n",
    ),
    ("a wrong loop", "        while number % prime == 0:", "        if number % prime == 0:"),
    (
        "a wrong order",
        "    while prime * prime <= number:\n        exponent = 0\n",
        "    exponent = 0\n    while prime * prime <= number:\n",
    ),
    ("a wrong variable", "found.append([number, 1])", "found.append([prime, 1])"),
    ("a missing wrap", "found.append([prime, exponent])", "found.extend([prime, exponent])"),
]
