"""Roman numerals."""

SIGNS = [
    (1000, "M"),
    (900, "CM"),
    (500, "D"),
    (400, "CD"),
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
]


def roman(number):
    """A positive number in Roman numerals."""
    text = ""
    for value, sign in SIGNS:
        while number >= value:
            text += sign
            number -= value
    return text


# --- defects
FUNCTION = "roman"
INPUTS = [[1], [3], [4], [9], [14], [40], [90], [400], [1994], [2026]]
HELD = [[number] for number in range(1, 400, 7)] + [[3999], [888], [1444]]
DEFECTS = [
    ("a wrong comparison", "number >= value", "number > value"),
    ("a wrong loop", "while number >= value", "if number >= value"),
    ("a wrong variable", "text += sign", "text += value"),
    ("a wrong constant", '(90, "XC")', '(80, "XC")'),
    ("a missing update", "            number -= value\n", ""),
    ("a wrong operator", "text += sign", "text = sign"),
]
