"""The store in memory."""

import pytest

from backedge.providers.wrappers.stores import MemoryStore, Stored

from .contract_store import ANSWER, StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self):
        return MemoryStore()


async def test_a_full_store_forgets_what_was_not_asked_for_the_longest():
    store = MemoryStore(most=2)
    await store.put("a", Stored(ANSWER))
    await store.put("b", Stored(ANSWER))
    assert await store.get("a")
    await store.put("c", Stored(ANSWER))
    assert await store.get("b") is None
    assert await store.get("a")
    assert len(store) == 2
    await store.put("a", Stored(ANSWER))
    await store.put("d", Stored(ANSWER))
    assert await store.get("c") is None


def test_a_store_of_nothing_is_refused():
    with pytest.raises(ValueError, match="one answer at least, not 0"):
        MemoryStore(most=0)
