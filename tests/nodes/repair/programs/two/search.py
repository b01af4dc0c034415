"""Binary search."""


def place(items, wanted):
    """Where wanted is, or would have to be inserted, in the sorted items."""
    low, high = 0, len(items) - 1
    while low < high:
        middle = (low + high) // 2
        if items[middle] <= wanted:
            low = middle + 1
        else:
            high = middle
    return low
