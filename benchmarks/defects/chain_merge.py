"""Sorted chains made one."""

from link import Link


def join(left, right):
    """One sorted chain of the links of two."""
    start = Link(None)
    last = start
    while left is not None and right is not None:
        if left.value <= right.value:
            last.next = left
            left = left.next
        else:
            last.next = right
            right = right.next
        last = last.next
    last.next = left if left is not None else right
    return start.next


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
from program import join


def test_nothing():
    assert join(None, None) is None


def test_one_side():
    assert values(join(chain([1, 2]), None)) == [1, 2]
    assert values(join(None, chain([3]))) == [3]


def test_alternating():
    assert values(join(chain([1, 3]), chain([2, 4]))) == [1, 2, 3, 4]


def test_equal_values():
    assert values(join(chain([1, 1]), chain([1]))) == [1, 1, 1]


def test_a_long_rest():
    assert values(join(chain([5]), chain([1, 2, 8, 9]))) == [1, 2, 5, 8, 9]
"""
HELD = """from link import chain, values
from program import join


def test_more():
    assert values(join(chain([1, 2, 3]), chain([4, 5]))) == [1, 2, 3, 4, 5]
    assert values(join(chain([4, 5]), chain([1, 2, 3]))) == [1, 2, 3, 4, 5]
    assert values(join(chain([0, 0, 7]), chain([0, 6, 7]))) == [0, 0, 0, 6, 7, 7]


def test_stable():
    left, right = chain([1]), chain([1])
    assert join(left, right) is left
"""
DEFECTS = [
    ("a missing update", "        last = last.next\n", ""),
    ("a wrong operator", "left is not None and right is not None", "left is not None or right is not None"),
    ("a lost branch", "last.next = left if left is not None else right", "last.next = left"),
    ("a wrong variable", "return start.next", "return start"),
    ("a wrong variable", "            right = right.next\n", "            right = left.next\n"),
    ("a wrong target", "            last.next = right\n", "            last = right\n"),
]
