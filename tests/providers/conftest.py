"""Tests of one file share an event loop: to make one for each of thousands costs more than most of them do.

And those that load the clients of providers, which takes seconds, come first: then one process of several runs them.
"""

import inspect
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LOADING = {HERE / "wire", HERE / "faults"}


@cache
def place(path):
    """Whether a file of tests is one of these, and whether it loads clients."""
    return HERE in path.parents, path.parent in LOADING


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if place(item.path)[0] and inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)
    items.sort(key=lambda item: not place(item.path)[1])
