"""A folder of its own for each test of the command line."""

from pathlib import Path

import pytest

from .kit import GATED, LOOP


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with ``loop.py`` and ``gated.py`` in it."""
    (tmp_path / "loop.py").write_text(LOOP)
    (tmp_path / "gated.py").write_text(GATED)
    monkeypatch.chdir(tmp_path)
    return tmp_path
