"""One server and one model for each wire, for all tests of a module."""

import pytest
import pytest_asyncio

from .server import Server
from .wires import WIRES


@pytest.fixture(scope="session", autouse=True)
def clients_are_there():
    """Loaded once, not within the first call; and not by a process that runs none of these tests."""
    import anthropic  # noqa: F401
    import openai  # noqa: F401


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server():
    async with Server() as found:
        yield found


@pytest.fixture(params=WIRES, ids=lambda wire: wire.name, scope="module")
def wire(request):
    return request.param


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def model(server, wire):
    async with wire.model(server.url, timeout=20.0) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hasty(server, wire):
    """A model that waits 0.4 seconds, in which something must come even on a busy machine."""
    async with wire.model(server.url, timeout=0.4) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hastier(server, wire):
    """A model that waits a tenth of a second, where nothing has to come."""
    async with wire.model(server.url, timeout=0.1) as found:
        yield found


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def streamed(request):
    return request.param
