"""Places in chains, found in one pass."""


def middle(head):
    """The middle link; of two, the second; None of an empty chain."""
    slow = fast = head
    while fast is not None and fast.next is not None:
        slow = slow.next
        fast = fast.next.next
    return slow


def without_last(head, count):
    """The chain without its `count`-th link from the end; the head of what is left."""
    ahead = head
    for _ in range(count):
        ahead = ahead.next
    if ahead is None:
        return head.next
    behind = head
    while ahead.next is not None:
        ahead = ahead.next
        behind = behind.next
    behind.next = behind.next.next
    return head


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
from program import middle, without_last


def test_the_middle_of_nothing():
    assert middle(None) is None


def test_the_middle_of_three():
    assert middle(chain([1, 2, 3])).value == 2


def test_the_middle_of_four():
    assert middle(chain([1, 2, 3, 4])).value == 3


def test_without_the_last():
    assert values(without_last(chain([1, 2, 3]), 1)) == [1, 2]


def test_without_the_second_from_the_end():
    assert values(without_last(chain([1, 2, 3, 4]), 2)) == [1, 2, 4]


def test_without_the_first():
    assert values(without_last(chain([1, 2, 3]), 3)) == [2, 3]
"""
HELD = """from link import chain, values
from program import middle, without_last


def test_more():
    for size in range(1, 9):
        assert middle(chain(range(size))).value == size // 2
        for count in range(1, size + 1):
            wanted = list(range(size))
            del wanted[-count]
            assert values(without_last(chain(range(size)), count)) == wanted
"""
DEFECTS = [
    ("a lost condition", "fast is not None and fast.next is not None", "fast.next is not None"),
    ("a missing unwrap", "fast = fast.next.next", "fast = fast.next"),
    ("a missing guard", "    if ahead is None:\n        return head.next\n", ""),
    ("a wrong condition", "while ahead.next is not None", "while ahead is not None"),
    ("a missing update", "        behind = behind.next\n    behind.next", "    behind.next"),
    ("a wrong target", "behind.next = behind.next.next", "behind = behind.next.next"),
]
