"""Cheapest ways."""

import heapq


def cheapest(roads, start, goal):
    """The least cost from start to goal; roads[place] lists [next, cost]. None if there is no way."""
    waiting = [(0, start)]
    settled = set()
    while waiting:
        cost, place = heapq.heappop(waiting)
        if place == goal:
            return cost
        if place in settled:
            continue
        settled.add(place)
        for other, price in roads.get(place, []):
            if other not in settled:
                heapq.heappush(waiting, (cost + price, other))
    return None


# --- defects
FUNCTION = "cheapest"
INPUTS = [
    [{}, "a", "a"],
    [{"a": [["b", 3]]}, "a", "b"],
    [{"a": [["b", 3]]}, "b", "a"],
    [{"a": [["b", 9], ["c", 2]], "c": [["b", 4]]}, "a", "b"],
    [{"a": [["b", 1]], "b": [["c", 1], ["a", 1]], "c": [["d", 1]]}, "a", "d"],
    [{"a": [["b", 5], ["c", 1]], "b": [["d", 1]], "c": [["b", 1], ["d", 9]], "d": []}, "a", "d"],
    [{"a": [["b", 1]], "b": [["c", 1]], "c": [["b", 1]]}, "a", "z"],
]
HELD = [
    [{"a": [["b", 7], ["c", 3]], "b": [["e", 2]], "c": [["b", 1], ["d", 8]], "d": [["e", 1]]}, "a", "e"],
    [{"a": [["b", 0], ["c", 5]], "b": [["c", 2]], "c": [["a", 1]]}, "c", "b"],
    [{"s": [["t", 4], ["u", 1]], "u": [["v", 1]], "v": [["t", 1]]}, "s", "t"],
]
DEFECTS = [
    ("swapped arguments", "(cost + price, other)", "(other, cost + price)"),
    ("a wrong variable", "(cost + price, other)", "(price, other)"),
    ("a wrong target", "settled.add(place)", "settled.add(start)"),
    ("a missing update", "        settled.add(place)\n", ""),
    (
        "a wrong order",
        "        if place == goal:\n            return cost\n        if place in settled:\n            continue\n        settled.add(place)\n        for other, price in roads.get(place, []):\n            if other not in settled:\n",
        "        if place in settled:\n            continue\n        settled.add(place)\n        for other, price in roads.get(place, []):\n            if other == goal:\n                return cost + price\n            if other not in settled:\n",
    ),
    ("a wrong comparison", "if place in settled", "if place not in settled"),
    ("a wrong literal", "[(0, start)]", "[(1, start)]"),
]
