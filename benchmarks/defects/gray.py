"""Tricks with bits."""


def gray(bits):
    """The Gray code of a width: all patterns as text, neighbours differing in one bit."""
    if bits == 0:
        return [""]
    shorter = gray(bits - 1)
    return ["0" + code for code in shorter] + ["1" + code for code in reversed(shorter)]


# --- defects
FUNCTION = "gray"
INPUTS = [[0], [1], [2], [3]]
HELD = [[4], [5]]
DEFECTS = [
    ("a wrong literal", 'return [""]', "return []"),
    ("a missing wrap", "in reversed(shorter)", "in shorter"),
    ("swapped arguments", '"1" + code', 'code + "1"'),
    ("a wrong constant", '["1" + code', '["0" + code'),
    ("a missing guard", '    if bits == 0:\n        return [""]\n', ""),
    ("a wrong constant", "bits == 0", "bits == 1"),
]
