"""Run-length encoding."""


def runs(text):
    """The runs of equal characters in a text as [character, length] pairs."""
    found = []
    start = 0
    for position, char in enumerate(text):
        if position + 1 == len(text) or text[position + 1] != char:
            found.append([char, position + 1 - start])
    return found
