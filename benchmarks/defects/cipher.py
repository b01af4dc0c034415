"""A cipher with a key word."""


def hide(text, key):
    """Shift each letter by the key's letter in turn; what is no letter stays and uses up no key."""
    found = []
    used = 0
    for char in text:
        if not char.isalpha():
            found.append(char)
            continue
        base = ord("A") if char.isupper() else ord("a")
        shift = ord(key[used % len(key)].lower()) - ord("a")
        found.append(chr((ord(char) - base + shift) % 26 + base))
        used += 1
    return "".join(found)


# --- defects
FUNCTION = "hide"
INPUTS = [
    ["", "a"],
    ["abc", "a"],
    ["abc", "b"],
    ["xyz", "c"],
    ["Hello", "key"],
    ["a b c", "bc"],
    ["Attack at dawn!", "Lemon"],
]
HELD = [["ZzZ", "ab"], ["1, 2, x", "Q"], ["The quick brown fox", "secret"], ["abcdefghij", "bcd"]]
DEFECTS = [
    ("a missing wrap", "chr((ord(char) - base + shift) % 26 + base)", "chr(ord(char) + shift)"),
    ("a missing guard", "key[used % len(key)]", "key[used]"),
    (
        "a wrong order",
        "            found.append(char)\n            continue\n",
        "            found.append(char)\n            used += 1\n            continue\n",
    ),
    ("a wrong constant", "% 26 + base", "% 25 + base"),
    ("a missing update", "        used += 1\n", ""),
    ("a lost branch", 'ord("A") if char.isupper() else ord("a")', 'ord("a")'),
    ("a missing wrap", '"".join(found)', "found"),
    ("a missing wrap", ".lower())", ")"),
]
