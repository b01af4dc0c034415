"""Line breaking."""


def wrapped(text, width):
    """The words of a text in lines of at most so many characters; a longer word gets a line of its own."""
    lines = []
    line = ""
    for word in text.split():
        if not line:
            line = word
        elif len(line) + len(word) <= width:
            line += " " + word
        else:
            lines.append(line)
            line = ""
    if line:
        lines.append(line)
    return lines
