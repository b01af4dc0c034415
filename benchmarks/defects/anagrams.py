"""Words of the same letters."""


def anagrams(words):
    """Groups of words made of the same letters, two at least, each sorted, as a sorted list."""
    groups = {}
    for word in words:
        key = "".join(sorted(word.lower()))
        groups.setdefault(key, set()).add(word)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


# --- defects
FUNCTION = "anagrams"
INPUTS = [
    [[]],
    [["a"]],
    [["ab", "ba"]],
    [["tea", "ate", "eat", "ten", "net"]],
    [["Ab", "ba", "c"]],
    [["x", "x", "y"]],
    [["cat", "dog", "act", "god", "bird"]],
]
HELD = [
    [["stop", "pots", "tops", "opt", "top"]],
    [["aa", "aa", "Aa"]],
    [["", ""]],
    [["abc", "cab", "bcd", "dcb"]],
]
DEFECTS = [
    ("a wrong call", ".add(word)", ".update(word)"),
    ("a missing wrap", '"".join(sorted(word.lower()))', "word.lower()"),
    ("off by one", "len(group) > 1", "len(group) > 2"),
    ("a wrong call", "groups.values()", "groups.keys()"),
    ("a missing wrap", "word.lower()", "word"),
    ("a missing wrap", "sorted(sorted(group) for", "sorted(list(group)[:1] for"),
    ("a lost condition", " if len(group) > 1", ""),
]
