from pathlib import Path

import pytest

from backedge.checkpoints import ownership
from backedge.checkpoints.ownership import LockFile, Owners


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db-lock"


@pytest.fixture
def pair(path):
    """Two open files of one lock file, as two processes have them."""
    one, two = LockFile(path), LockFile(path)
    yield one, two
    one.close()
    two.close()


def test_a_byte_is_locked_by_one_open_file_at_a_time(pair):
    one, two = pair
    assert one.try_lock(5)
    assert one.try_lock(5)
    assert not two.try_lock(5)
    assert two.try_lock(6)
    one.unlock(5)
    assert two.try_lock(5)


def test_who_holds_a_byte_can_be_asked_without_locking_it(pair):
    one, two = pair
    one.try_lock(2**31 + 7)
    assert two.held_elsewhere(2**31 + 7)
    assert not two.held_elsewhere(2**31 + 8)
    assert not one.held_elsewhere(2**31 + 7)
    assert not two.held_elsewhere(2**31 + 8)


def test_closing_drops_all_locks(pair):
    one, two = pair
    one.try_lock(1)
    one.close()
    one.close()
    assert two.try_lock(1)


def test_another_handle_that_is_closed_drops_no_lock(path, pair):
    one, two = pair
    one.try_lock(1)
    LockFile(path).close()
    assert not two.try_lock(1)


def test_waiting_for_a_byte_ends_after_its_time(pair):
    one, two = pair
    assert one.lock(1, timeout=0)
    assert not two.lock(1, timeout=0.01)
    one.unlock(1)
    assert two.lock(1, timeout=0)


def test_a_closed_lock_file_cannot_be_used(path):
    locks = LockFile(path)
    locks.close()
    with pytest.raises(ValueError, match="closed"):
        locks.try_lock(1)


def test_a_system_without_such_locks_is_told(path, monkeypatch):
    monkeypatch.setattr(ownership, "fcntl", None)
    with pytest.raises(OSError, match="journals on disk need Linux"):
        LockFile(path)


def test_a_file_system_without_such_locks_leaves_no_file_open(path, monkeypatch):
    def refuse(*_):
        raise OSError(37, "No locks available")

    before = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr(ownership.fcntl, "fcntl", refuse)
    with pytest.raises(OSError, match="No locks available"):
        LockFile(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


class TestOwners:
    @pytest.fixture
    def both(self, pair):
        return Owners(pair[0]), Owners(pair[1])

    def test_a_run_has_one_owner_here_and_elsewhere(self, both):
        here, there = both
        assert here.claim(1, 1)
        assert here.claim(1, 1)
        assert not there.claim(1, 1)
        assert here.owned(1, 1)
        assert there.owned(1, 1)
        assert not here.owned(2, 1)
        assert not there.owned(2, 1)

    def test_a_freed_run_can_be_claimed(self, both):
        here, there = both
        here.claim(1, 1)
        here.free(1, 1)
        here.free(1, 1)
        assert not here.owned(1, 1)
        assert there.claim(1, 1)

    def test_what_others_own_cannot_be_freed(self, both):
        here, there = both
        here.claim(1, 1)
        there.free(1, 1)
        assert there.owned(1, 1)

    def test_each_epoch_is_locked_for_itself(self, both):
        here, there = both
        here.claim(1, 1)
        assert there.claim(1, 2)
        here.free(1, 1)
        assert here.owned(1, 2)
        assert not here.owned(1, 1)

    def test_the_largest_key_and_epoch_can_be_locked(self, both):
        here, there = both
        assert here.claim(2**32 - 1, 2**31 - 1)
        assert there.owned(2**32 - 1, 2**31 - 1)
        assert not there.owned(2**32 - 1, 2**31 - 2)

    def test_closing_lets_go_of_everything(self, both):
        here, there = both
        here.claim(1, 1)
        here.close()
        assert there.claim(1, 1)
