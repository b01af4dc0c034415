import pytest

from backedge.nodes.repair.runner import Runner
from backedge.nodes.sandbox import SubprocessSandbox


@pytest.fixture
async def runner():
    """Runs programs without isolation: ours are known, and it is quick."""
    sandbox = SubprocessSandbox()
    yield Runner(sandbox=sandbox, workers=2)
    await sandbox.close()
