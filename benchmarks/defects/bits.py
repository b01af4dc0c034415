"""The bits of a number."""


def ones(number):
    """The places of the bits that are set, lowest first."""
    found = []
    place = 0
    while number:
        if number & 1:
            found.append(place)
        number >>= 1
        place += 1
    return found


# --- defects
FUNCTION = "ones"
INPUTS = [[0], [1], [2], [5], [8], [255], [1025]]
HELD = [[number] for number in (3, 6, 7, 9, 64, 127, 1000, 123456)]
DEFECTS = [
    ("a wrong operator", "number & 1", "number | 1"),
    ("a wrong operator", "number >>= 1", "number <<= 1"),
    ("a missing update", "        place += 1\n", ""),
    (
        "a wrong order",
        "            found.append(place)\n        number >>= 1\n        place += 1\n",
        "            found.append(place)\n            place += 1\n        number >>= 1\n",
    ),
    ("a wrong loop", "while number:", "if number:"),
    ("a wrong variable", "found.append(place)", "found.append(number)"),
]
