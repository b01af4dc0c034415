"""Selections."""


def selections(items, size):
    """All ways to take size items, in the order in which they appear."""
    if size == 0:
        return []
    if not items:
        return []
    first, rest = items[0], items[1:]
    with_first = [[first, *chosen] for chosen in selections(rest, size - 1)]
    return with_first + selections(rest, size)
