"""Copies of graphs of nodes."""

from node import Node


def copied(start):
    """A copy of all nodes that start leads to, with the same edges; None of None."""
    if start is None:
        return None
    copies = {start: Node(start.name)}
    waiting = [start]
    while waiting:
        node = waiting.pop()
        for other in node.edges:
            if other not in copies:
                copies[other] = Node(other.name)
                waiting.append(other)
            copies[node].edges.append(copies[other])
    return copies[start]


# --- defects
FILES = {
    "node.py": """class Node:
    def __init__(self, name):
        self.name = name
        self.edges = []


def linked(pairs, start="a"):
    nodes = {}
    for left, right in pairs:
        for name in (left, right):
            nodes.setdefault(name, Node(name))
        nodes[left].edges.append(nodes[right])
    return nodes.get(start) or Node(start)


def described(start):
    found, waiting = {}, [start]
    while waiting:
        node = waiting.pop()
        if node.name not in found:
            found[node.name] = [other.name for other in node.edges]
            waiting.extend(node.edges)
    return found
"""
}
TESTS = """from node import described, linked
from program import copied


def test_nothing():
    assert copied(None) is None


def test_one_node():
    start = linked([])
    copy = copied(start)
    assert copy is not start
    assert described(copy) == {"a": []}


def test_a_line():
    assert described(copied(linked(["ab", "bc"]))) == {"a": ["b"], "b": ["c"], "c": []}


def test_a_circle():
    assert described(copied(linked(["ab", "bc", "ca"]))) == {"a": ["b"], "b": ["c"], "c": ["a"]}


def test_nothing_is_shared():
    start = linked(["ab", "aa", "ba"])
    copy = copied(start)
    assert copy.edges[1] is copy
    assert copy.edges[0] is not start.edges[0]
    assert copy.edges[0].edges == [copy]
    assert len(start.edges) == 2
"""
HELD = """from node import described, linked
from program import copied


def test_more():
    for pairs in (["ab", "ac", "bd", "cd", "da"], ["aa"], ["ab", "ab"], ["ab", "bc", "cb", "bd"]):
        start = linked(pairs)
        before = described(start)
        assert described(copied(start)) == before
        assert described(start) == before
"""
DEFECTS = [
    ("a missing guard", "    if start is None:\n        return None\n", ""),
    ("a missing update", "                waiting.append(other)\n", ""),
    ("a missing wrap", "copies[node].edges.append(copies[other])", "copies[node].edges.append(other)"),
    (
        "a wrong target",
        "copies[node].edges.append(copies[other])",
        "copies[other].edges.append(copies[node])",
    ),
    (
        "a wrong order",
        "                waiting.append(other)\n            copies[node].edges",
        "                waiting.append(other)\n                copies[node].edges",
    ),
    ("a wrong variable", "Node(other.name)", "Node(node.name)"),
]
