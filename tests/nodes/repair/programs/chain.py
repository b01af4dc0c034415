"""Linked lists."""


class Link:
    """A value and the link after it; None after the last one."""

    def __init__(self, value, after=None):
        self.value = value
        self.after = after


def reversed_chain(first):
    """The same links in the other direction; gives the new first link."""
    before = None
    while first is not None:
        after = first.after
        first.after = before
        before = after
        first = after
    return before
