"""A heap by hand."""


def smallest(values, count):
    """The `count` smallest values in order, taken from a heap."""
    heap = []
    for value in values:
        heap.append(value)
        place = len(heap) - 1
        while place > 0 and heap[place] < heap[(place - 1) // 2]:
            above = (place - 1) // 2
            heap[place], heap[above] = heap[above], heap[place]
            place = above
    found = []
    while heap and len(found) < count:
        found.append(heap[0])
        last = heap.pop()
        if heap:
            heap[0] = last
            sink(heap)
    return found


def sink(heap):
    """Move the first value down to its place."""
    place = 0
    while 2 * place + 1 < len(heap):
        child = 2 * place + 1
        if child + 1 < len(heap) and heap[child + 1] < heap[child]:
            child += 1
        if heap[place] <= heap[child]:
            break
        heap[place], heap[child] = heap[child], heap[place]
        place = child


# --- defects
FUNCTION = "smallest"
INPUTS = [
    [[], 2],
    [[1], 1],
    [[2, 1], 2],
    [[3, 1, 2], 0],
    [[5, 3, 8, 1, 9, 2], 3],
    [[4, 4, 1, 1, 3], 5],
    [[9, 8, 7, 6, 5, 4, 3, 2, 1], 9],
    [[1, 5, 2, 8, 6, 3, 4, 9], 8],
]
HELD = [[[7, 2, 9, 4, 1, 8, 3, 6, 5, 0], count] for count in range(0, 12, 3)] + [
    [[0, 10, 1, 11, 12, 2, 3, 13, 14, 15, 16, 4], 12],
    [[2, 2, 2, 1], 4],
]
DEFECTS = [
    ("a wrong comparison", "heap[place] <= heap[child]", "heap[place] >= heap[child]"),
    ("off by one", "child + 1 < len(heap) and", "child < len(heap) and"),
    ("a lost condition", "child + 1 < len(heap) and heap[child + 1] < heap[child]", "child + 1 < len(heap)"),
    (
        "a missing guard",
        "        if heap:\n            heap[0] = last\n            sink(heap)\n",
        "        heap[0] = last\n        sink(heap)\n",
    ),
    ("a wrong target", "            heap[0] = last\n", "            heap[-1] = last\n"),
    ("a wrong call", "last = heap.pop()", "last = heap.pop(0)"),
    ("a wrong operator", "        child = 2 * place + 1\n", "        child = 2 + place + 1\n"),
    ("a missing update", "        place = child\n", "        break\n"),
]
