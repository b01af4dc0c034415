"""A stock of goods."""


def left(stock, orders):
    """What is left after the orders [name, count], and which orders could not be served."""
    remaining = dict(stock)
    refused = []
    for name, count in orders:
        if remaining.get(name, 0) > count:
            remaining[name] -= count
            if remaining[name] == 0:
                del remaining[name]
        else:
            refused.append(count)
    return [remaining, refused]
