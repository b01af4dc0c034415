import pytest

from backedge.nodes.repair.runner import Runner


@pytest.fixture
def runner(unisolated):
    """Runs programs without isolation: ours are known, and it is quick."""
    return Runner(sandbox=unisolated, workers=2)
