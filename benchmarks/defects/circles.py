"""Circles in dependencies."""


def circular(needs):
    """Whether something needs itself, directly or through others."""
    state = {}

    def visit(name):
        if state.get(name) == "open":
            return True
        if state.get(name) == "done":
            return False
        state[name] = "open"
        for other in needs.get(name, []):
            if visit(other):
                return True
        state[name] = "done"
        return False

    return any(visit(name) for name in needs)


# --- defects
FUNCTION = "circular"
INPUTS = [
    [{}],
    [{"a": []}],
    [{"a": ["a"]}],
    [{"a": ["b"], "b": ["a"]}],
    [{"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}],
    [{"a": ["b"], "b": ["c"], "c": ["b"]}],
    [{"a": ["x"], "b": ["a"]}],
    [{"a": [], "b": ["c"], "c": ["d", "a"], "d": ["b"]}],
]
HELD = [
    [{"a": ["b", "c"], "b": ["c"], "c": ["d"], "d": ["e"], "e": []}],
    [{"a": ["b"], "b": [], "c": ["d"], "d": ["c"]}],
    [{"p": ["q", "r"], "q": ["s"], "r": ["s"], "s": ["t"], "t": ["r"]}],
]
DEFECTS = [
    ("a missing update", '        state[name] = "done"\n', ""),
    ("a wrong constant", 'state[name] = "done"', 'state[name] = "open"'),
    ("a wrong call", "any(visit", "all(visit"),
    ("a missing guard", "needs.get(name, [])", "needs[name]"),
    ("a wrong variable", "if visit(other)", "if visit(name)"),
    (
        "a lost condition",
        "            if visit(other):\n                return True\n",
        "            return visit(other)\n",
    ),
    ("a lost branch", '        if state.get(name) == "open":\n            return True\n', ""),
]
