"""Long tests run when asked for; the garbage collector looks only through what tests make."""

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

from .forking import forker
from .origins import note_briefly
from .scratch import keep_files_in_memory
from .workers import pytest_addoption, pytest_runtestloop  # noqa: F401 # hooks

LOADING = {"test_models.py", "test_over_http.py", "test_sketch_over_http.py"}
"""They load clients of providers, and come right behind the tests of these; see `providers/conftest.py`."""


def _soaking():
    return os.environ.get("BACKEDGE_SOAK") == "1"


def pytest_configure(config):
    config.addinivalue_line("markers", "soak: a long test; run by `make soak`")
    note_briefly()
    keep_files_in_memory()
    gc.set_threshold(20_000, 20, 50)  # looked through a tenth as often: an eighth of the time went into that
    # How fast examples are made says something about the machine, and what else it is busy with.
    # Each run tries other examples, so that many are tried in time.
    settings.register_profile(
        "backedge",
        max_examples=300 if _soaking() else 12,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("backedge")
    if config.option.workers > 1:
        forker()  # for all of them; it loads while tests are collected


def pytest_unconfigure():
    if forker.cache_info().currsize:
        forker().close()


def pytest_collection_modifyitems(config, items):
    if not _soaking():
        config.hook.pytest_deselected(items=[item for item in items if "soak" in item.keywords])
        items[:] = [item for item in items if "soak" not in item.keywords]
    items.sort(key=lambda item: item.path.name not in LOADING)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    gc.disable()  # thousands of tests are made, and none of them is garbage
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()  # modules and tests stay to the end: no collection need look through them again
        gc.enable()


@pytest.fixture(scope="module", autouse=True)
def what_was_loaded_stays():
    gc.freeze()  # likewise what the tests of other modules loaded: a client's package is a million objects
    return
