"""Each workflow is tried in many more orders in a long run, so all of them are long tests then."""

from pathlib import Path

import pytest

from ..engine.sizes import SOAKING

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if SOAKING and item.path.parent == HERE:
            item.add_marker("soak")
