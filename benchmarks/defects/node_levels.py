"""Binary trees by level and by path."""


def levels(root):
    """The values of each level from the left to the right."""
    found = []
    level = [root] if root else []
    while level:
        found.append([node.value for node in level])
        below = []
        for node in level:
            if node.left:
                below.append(node.left)
            if node.right:
                below.append(node.right)
        level = below
    return found


def path(root, value):
    """The values from the root down to a value; None if it is not there."""
    if root is None:
        return None
    if root.value == value:
        return [root.value]
    for child in (root.left, root.right):
        rest = path(child, value)
        if rest is not None:
            return [root.value] + rest
    return None


# --- defects
FILES = {
    "tree.py": """class Tree:
    def __init__(self, value, left=None, right=None):
        self.value = value
        self.left = left
        self.right = right
"""
}
TESTS = """from program import levels, path
from tree import Tree


def family():
    return Tree(1, Tree(2, None, Tree(4)), Tree(3, Tree(5), Tree(6)))


def test_no_levels():
    assert levels(None) == []


def test_one_level():
    assert levels(Tree(7)) == [[7]]


def test_levels():
    assert levels(family()) == [[1], [2, 3], [4, 5, 6]]


def test_no_path():
    assert path(family(), 9) is None


def test_a_path_of_one():
    assert path(Tree(1), 1) == [1]


def test_paths():
    assert path(family(), 4) == [1, 2, 4]
    assert path(family(), 6) == [1, 3, 6]
"""
HELD = """from program import levels, path
from tree import Tree


def test_more():
    tree = Tree(1, Tree(2, Tree(3, Tree(4))), Tree(5, None, Tree(6, Tree(7))))
    assert levels(tree) == [[1], [2, 5], [3, 6], [4, 7]]
    assert path(tree, 7) == [1, 5, 6, 7]
    assert path(tree, 4) == [1, 2, 3, 4]
    assert path(tree, 2) == [1, 2]
    assert path(None, 2) is None
    assert path(tree, 8) is None
"""
DEFECTS = [
    ("a missing guard", "[root] if root else []", "[root]"),
    ("a wrong target", "        level = below\n", "        below = level\n"),
    ("a missing guard", "    if root is None:\n        return None\n", ""),
    ("a wrong call", "below.append(node.right)", "below.insert(0, node.right)"),
    ("a missing wrap", "        return [root.value]\n", "        return root.value\n"),
    ("a missing wrap", "[root.value] + rest", "rest"),
    (
        "a lost condition",
        "        if rest is not None:\n            return [root.value] + rest\n",
        "        return [root.value] + rest\n",
    ),
    ("a lost recursive argument", "path(child, value)", "path(child, root.value)"),
]
