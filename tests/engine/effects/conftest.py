"""A clock on the wall that goes with the event loop's, and can be set."""

import asyncio
import time

import pytest


class Wall:
    """Seconds since the epoch: some beginning, what virtual loops have gone through, and how far it was set."""

    def __init__(self):
        self.base = 1_800_000_000.0
        self.set = 0.0

    def __call__(self):
        try:
            passed = asyncio.get_running_loop().time()
        except RuntimeError:
            passed = 0.0
        return self.base + self.set + passed


@pytest.fixture
def wall(monkeypatch):
    """The clock on the wall, as the engine sees it."""
    clock = Wall()
    monkeypatch.setattr(time, "time", clock)
    return clock
