"""Long tests run when asked for."""

import os

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "soak: a long test; run by `make soak`")


def pytest_collection_modifyitems(items):
    if os.environ.get("BACKEDGE_SOAK") != "1":
        for item in items:
            if "soak" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="long; make soak runs it"))
