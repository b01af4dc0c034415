"""Roman numerals."""

VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def roman_value(numeral):
    """The number that a Roman numeral stands for.

    A smaller digit before a larger one is subtracted: "XIV" is 14.
    """
    total = 0
    previous = 0
    for digit in reversed(numeral):
        value = VALUES[digit]
        if value <= previous:
            total -= value
        else:
            total += value
        previous = value
    return total
