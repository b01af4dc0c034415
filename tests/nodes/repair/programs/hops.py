"""Distances in a graph that is given as a dict of neighbours."""

from collections import deque


def hops(graph, start, goal):
    """How many edges the shortest way from start to goal has; -1 when there is none."""
    waiting = deque([(start, 0)])
    seen = {start}
    while waiting:
        node, distance = waiting.popleft()
        if node == goal:
            return distance
        for neighbour in graph.get(node, []):
            if neighbour not in seen:
                waiting.append((neighbour, distance + 1))
    return -1
