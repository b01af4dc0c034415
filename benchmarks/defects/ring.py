"""A list linked both ways."""

from cell import Cell


class Ring:
    """A circle of cells round one that holds no value."""

    def __init__(self, values=()):
        self.root = Cell(None)
        self.root.before = self.root.after = self.root
        for value in values:
            self.insert(value, self.root)

    def insert(self, value, place):
        """Put a value before a cell."""
        cell = Cell(value)
        cell.before = place.before
        cell.after = place
        place.before.after = cell
        place.before = cell
        return cell

    def remove(self, cell):
        """Take a cell out."""
        cell.before.after = cell.after
        cell.after.before = cell.before

    def __iter__(self):
        cell = self.root.after
        while cell is not self.root:
            yield cell.value
            cell = cell.after

    def __reversed__(self):
        cell = self.root.before
        while cell is not self.root:
            yield cell.value
            cell = cell.before


# --- defects
FILES = {
    "cell.py": """class Cell:
    def __init__(self, value):
        self.value = value
        self.before = None
        self.after = None
"""
}
TESTS = """from program import Ring


def test_empty():
    assert list(Ring()) == []
    assert list(reversed(Ring())) == []


def test_forwards_and_backwards():
    ring = Ring([1, 2, 3])
    assert list(ring) == [1, 2, 3]
    assert list(reversed(ring)) == [3, 2, 1]


def test_insert():
    ring = Ring([1])
    cell = ring.insert(3, ring.root)
    ring.insert(2, cell)
    assert list(ring) == [1, 2, 3]
    assert list(reversed(ring)) == [3, 2, 1]


def test_remove():
    ring = Ring("ab")
    ring.remove(ring.root.after)
    assert list(ring) == ["b"]
    assert list(reversed(ring)) == ["b"]
"""
HELD = """from program import Ring


def test_more():
    ring = Ring(range(6))
    ring.remove(ring.root.before)
    ring.remove(ring.root.after.after)
    ring.insert("x", ring.root.after)
    assert list(ring) == ["x", 0, 2, 3, 4]
    assert list(reversed(ring)) == [4, 3, 2, 0, "x"]
"""
DEFECTS = [
    ("a missing update", "        place.before.after = cell\n", ""),
    (
        "a wrong order",
        "        place.before.after = cell\n        place.before = cell\n",
        "        place.before = cell\n        place.before.after = cell\n",
    ),
    ("a wrong variable", "cell.after.before = cell.before", "cell.after.before = cell.after"),
    ("a wrong target", "        place.before = cell\n", "        place.after = cell\n"),
    (
        "a misplaced yield",
        "            yield cell.value\n            cell = cell.after",
        "            cell = cell.after\n            yield cell.value",
    ),
    ("a missing update", "        cell.before = place.before\n", ""),
    ("swapped arguments", "self.insert(value, self.root)", "self.insert(self.root, value)"),
]
