"""Outlines: nested lists of headings."""


def numbered(outline, prefix=""):
    """Yield each heading of an outline with its number, depth first.

    An outline is a list of [heading, children] pairs; the numbers look like "2.1.3".
    """
    for position, (heading, children) in enumerate(outline, start=1):
        number = f"{prefix}{position}"
        yield f"{number} {heading}"
        yield numbered(children, number + ".")
