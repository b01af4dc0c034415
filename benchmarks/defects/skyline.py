"""The largest rectangle under a row of bars."""


def area(heights):
    """The largest area of a rectangle inside bars of width 1."""
    best = 0
    stack = []
    for place, height in enumerate(heights + [0]):
        start = place
        while stack and stack[-1][1] > height:
            start, tall = stack.pop()
            best = max(best, tall * (place - start))
        stack.append((start, height))
    return best


# --- defects
FUNCTION = "area"
INPUTS = [[[]], [[3]], [[2, 2]], [[1, 5]], [[5, 1]], [[2, 1, 5, 6, 2, 3]], [[4, 3, 2, 1]], [[1, 2, 3, 2, 1]]]
HELD = [[[6, 2, 5, 4, 5, 1, 6]], [[0, 0]], [[1, 1, 1, 1]], [[2, 4]], [[3, 6, 5, 7, 4, 8, 1, 0]]]
DEFECTS = [
    ("a missing wrap", "enumerate(heights + [0])", "enumerate(heights)"),
    ("a wrong variable", "stack.append((start, height))", "stack.append((place, height))"),
    ("a wrong loop", "while stack and stack", "if stack and stack"),
    ("a wrong operator", "tall * (place - start)", "height * (place - start)"),
    ("a missing wrap", "best = max(best, tall * (place - start))", "best = tall * (place - start)"),
    ("off by one", "(place - start)", "(place - start + 1)"),
    ("a wrong target", "start, tall = stack.pop()", "_, tall = stack.pop()"),
]
