"""One sandbox without isolation for all tests of a process: each would have to find the interpreter's files anew."""

import asyncio
from collections.abc import Iterator

import pytest

from backedge.nodes.sandbox import Outcome, Program, Sandbox, SubprocessSandbox


def warm(sandbox: Sandbox) -> Iterator[Sandbox]:
    """What the first run finds out stays with the sandbox and is no leak of a later run."""

    async def first() -> Outcome:
        return await sandbox.run(Program(argv=("python", "-S", "-c", "pass")))

    assert asyncio.run(first()).ok
    yield sandbox
    asyncio.run(sandbox.close())


@pytest.fixture(scope="session")
def unisolated() -> Iterator[Sandbox]:
    yield from warm(SubprocessSandbox())
