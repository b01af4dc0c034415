"""Words without spaces between them."""


def segment(text, words):
    """The ways to read a text as words, each as a list."""
    memo = {len(text): [[]]}

    def ways(start):
        if start in memo:
            return memo[start]
        found = []
        for word in words:
            if text.startswith(word, start):
                for rest in ways(start + len(word)):
                    found.append([word] + rest)
        memo[start] = found
        return found

    return ways(0)


# --- defects
FUNCTION = "segment"
INPUTS = [
    ["", ["a"]],
    ["a", ["a"]],
    ["b", ["a"]],
    ["aa", ["a", "aa"]],
    ["catsand", ["cat", "cats", "and", "sand"]],
    ["aaab", ["a", "aa", "b"]],
    ["abc", ["ab", "bc"]],
]
HELD = [
    ["catsanddog", ["cat", "cats", "and", "sand", "dog"]],
    ["aaaa", ["a", "aa"]],
    ["abab", ["ab", "a", "b"]],
    ["xyz", []],
]
DEFECTS = [
    ("a wrong literal", "{len(text): [[]]}", "{len(text): []}"),
    ("off by one", "ways(start + len(word))", "ways(start + 1)"),
    ("a wrong call", "found.append([word] + rest)", "found.extend([word] + rest)"),
    ("swapped arguments", "[word] + rest", "rest + [word]"),
    ("a lost recursive argument", "text.startswith(word, start)", "text.startswith(word)"),
    ("a wrong literal", "        found = []\n", "        found = [[]]\n"),
    ("a wrong target", "memo[start] = found", "memo[start] = words"),
]
