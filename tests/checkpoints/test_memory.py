import pytest

from backedge.checkpoints import MemoryJournal

from .contract import JournalContract


class TestMemoryJournal(JournalContract):
    @pytest.fixture
    async def journal(self):
        async with MemoryJournal() as journal:
            yield journal


async def test_two_journals_in_memory_share_nothing():
    from .samples import header, started

    async with MemoryJournal() as one, MemoryJournal() as two:
        await one.create(header(), started())
        assert await two.runs() == []
