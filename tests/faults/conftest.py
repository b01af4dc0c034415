"""What the tests of faults share."""

import asyncio

import pytest

from .kit import Place, Warm, undisturbed


@pytest.fixture(scope="session")
def warm(tmp_path_factory):
    process = Warm(tmp_path_factory.mktemp("warm"))
    yield process
    process.close()


@pytest.fixture(scope="session")
def expected(tmp_path_factory):
    return asyncio.run(undisturbed(tmp_path_factory.mktemp("undisturbed")))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "place")
