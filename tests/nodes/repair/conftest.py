"""Runners without isolation: our programs are known, and it is quick."""

import pytest

from backedge.nodes.repair.runner import Runner

from .warm import warm_sandbox


@pytest.fixture(scope="session")
def harness():
    """Runs the harness alone; see there."""
    with warm_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def runner(harness):
    """Runs programs in processes that have the harness loaded."""
    return Runner(sandbox=harness, workers=2)


@pytest.fixture
def whole(unisolated):
    """Starts an interpreter for each request, as it is done everywhere but here."""
    return Runner(sandbox=unisolated, workers=2)
