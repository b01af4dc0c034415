"""Chains turned round in groups."""


def turn(head, size):
    """Turn round each group of `size` links; a shorter rest stays as it is. Returns the new head."""
    end = head
    for _ in range(size):
        if end is None:
            return head
        end = end.next
    before = turn(end, size)
    link = head
    while link is not end:
        after = link.next
        link.next = before
        before = link
        link = after
    return before


# --- defects
FILES = {
    "link.py": """class Link:
    def __init__(self, value, next=None):
        self.value = value
        self.next = next


def chain(values):
    head = None
    for value in reversed(values):
        head = Link(value, head)
    return head


def values(head):
    found = []
    while head is not None:
        found.append(head.value)
        head = head.next
    return found
"""
}
TESTS = """from link import chain, values
from program import turn


def test_nothing():
    assert turn(None, 2) is None


def test_one():
    assert values(turn(chain([1]), 1)) == [1]


def test_pairs():
    assert values(turn(chain([1, 2, 3, 4]), 2)) == [2, 1, 4, 3]


def test_a_rest_stays():
    assert values(turn(chain([1, 2, 3, 4, 5]), 3)) == [3, 2, 1, 4, 5]


def test_all():
    assert values(turn(chain("abc"), 3)) == ["c", "b", "a"]
"""
HELD = """from link import chain, values
from program import turn


def test_more():
    assert values(turn(chain(range(10)), 4)) == [3, 2, 1, 0, 7, 6, 5, 4, 8, 9]
    assert values(turn(chain(range(6)), 1)) == [0, 1, 2, 3, 4, 5]
    assert values(turn(chain(range(6)), 7)) == [0, 1, 2, 3, 4, 5]
    assert values(turn(chain(range(6)), 2)) == [1, 0, 3, 2, 5, 4]
"""
DEFECTS = [
    ("a missing guard", "        if end is None:\n            return head\n", ""),
    ("a missing update", "        before = link\n", ""),
    ("a wrong target", "        link.next = before\n", "        before = link.next\n"),
    (
        "a wrong order",
        "        after = link.next\n        link.next = before\n",
        "        link.next = before\n        after = link.next\n",
    ),
    ("a wrong variable", "    return before\n", "    return head\n"),
    ("a wrong variable", "before = turn(end, size)", "before = end"),
]
