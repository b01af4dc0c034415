"""Run-length encoding and back."""


def pack(text):
    """The runs of equal characters as [character, length]."""
    runs = []
    for char in text:
        if runs and runs[-1][0] == char:
            runs[-1][1] += 1
        else:
            runs.append([char, 1])
    return runs


# --- defects
FUNCTION = "pack"
INPUTS = [[""], ["a"], ["aa"], ["ab"], ["aab"], ["abba"], ["aaabccd"], ["zzzzzz"]]
HELD = [["abcabc"], ["aabbaa"], ["xxxyyyzzz"], ["q" * 12], ["hello, world"], ["mississippi"]]
DEFECTS = [
    ("a missing guard", "if runs and runs[-1][0] == char", "if runs[-1][0] == char"),
    ("a wrong constant", "[char, 1]", "[char, 0]"),
    ("a wrong call", "runs.append([char, 1])", "runs.extend([char, 1])"),
    ("a wrong target", "runs[-1][1] += 1", "runs[-1][0] += 1"),
    ("a wrong constant", "runs and runs[-1][0] == char", "runs and runs[0][0] == char"),
    ("a missing wrap", "runs.append([char, 1])", "runs.append((char))"),
]
