"""Tests that load the clients of providers, which takes seconds, come first: then one process of several runs them."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
LOADING = {HERE / "wire", HERE / "faults"}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.parent not in LOADING)
