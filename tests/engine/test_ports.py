"""What the engine takes for a journal."""

import pytest

from backedge.checkpoints import MemoryJournal
from backedge.engine.errors import InputError
from backedge.engine.ports import Journal, opened

from .journals import FaultyJournal, SlowJournal


async def test_an_open_journal_is_left_open_and_a_path_is_closed(tmp_path):
    memory = MemoryJournal()
    async with opened(memory) as store:
        assert store is memory
    assert await memory.runs() == []
    async with opened(tmp_path / "runs.db") as store:
        assert await store.runs() == []
    with pytest.raises(Exception, match="closed"):
        await store.runs()


async def test_what_is_neither_is_told():
    with pytest.raises(InputError, match="journal= is the path of a journal or an open journal, not 3"):
        async with opened(3):
            pass


def test_whatever_has_the_methods_is_a_journal():
    assert isinstance(MemoryJournal(), Journal)
    assert isinstance(SlowJournal(), Journal)
    assert isinstance(FaultyJournal(MemoryJournal()), Journal)
    assert not isinstance(object(), Journal)
