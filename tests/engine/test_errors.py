"""The errors: one tree, told in the docstring as it is, and all of it public."""

import inspect
import re

import backedge
from backedge.engine import errors

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, errors.BackedgeError)
}


def told():
    """Each error in the docstring's tree, and the one it stands under."""
    above = []
    for line in errors.__doc__.splitlines():
        if found := re.match(r"    ([ │├└─]*)(\w+Error)\b", line):
            depth = len(found[1]) // 4
            del above[depth:]
            yield found[2], above[-1] if above else None
            above.append(found[2])


def test_the_tree_in_the_docstring_is_the_tree():
    tree = list(told())
    assert len(tree) == len(CLASSES) > 20
    assert dict(tree) == {
        name: None if kind is errors.BackedgeError else kind.__bases__[0].__name__
        for name, kind in CLASSES.items()
    }


def test_every_error_is_public():
    assert set(CLASSES) <= set(backedge.__all__)
    for name, kind in CLASSES.items():
        assert getattr(backedge, name) is kind
