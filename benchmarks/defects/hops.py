"""Distances in a graph."""

from collections import deque


def hops(graph, start):
    """The least number of edges from start to each node that can be reached."""
    found = {start: 0}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for other in graph.get(node, []):
            if other not in found:
                found[other] = found[node] + 1
                waiting.append(other)
    return found


# --- defects
FUNCTION = "hops"
INPUTS = [
    [{}, "a"],
    [{"a": ["b"], "b": []}, "a"],
    [{"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, "a"],
    [{"a": ["b"], "b": ["c"], "c": ["a"]}, "b"],
    [{"a": ["b", "c"], "b": ["c", "d"], "c": ["e"], "e": ["d"], "d": ["f"]}, "a"],
    [{"a": ["a"]}, "a"],
    [{"a": ["b", "c"], "c": ["d"], "d": ["b"], "b": ["e"]}, "a"],
]
HELD = [
    [{"s": ["a", "b"], "a": ["c"], "b": ["c", "t"], "c": ["t"], "t": ["s"]}, "s"],
    [{"x": ["y"], "y": ["z"], "z": ["w"], "w": ["x"]}, "z"],
    [{"a": ["c", "b"], "c": ["d"], "d": ["e"], "b": ["e"], "e": ["f"], "f": []}, "a"],
    [{"q": []}, "q"],
]
DEFECTS = [
    ("a wrong call", "waiting.popleft()", "waiting.pop()"),
    ("a wrong variable", "found[node] + 1", "found[start] + 1"),
    (
        "a lost condition",
        "            if other not in found:\n                found[other] = found[node] + 1\n                waiting.append(other)\n",
        "            found[other] = found[node] + 1\n            waiting.append(other)\n",
    ),
    ("a missing guard", "graph.get(node, [])", "graph[node]"),
    ("a wrong variable", "waiting.append(other)", "waiting.append(node)"),
    ("a wrong literal", "found = {start: 0}", "found = {}"),
    ("off by one", "found[node] + 1", "found[node]"),
]
