"""What is to be had from the package, and what it costs those who use little of it."""

import subprocess
import sys

import pytest

from backedge.nodes import lobby

HEAVY = {"websockets", "tenacity", "sqlite3", "ssl", "backedge.nodes.lobby.wire"}
"""What only lobbies in files and between processes need."""


def test_a_lobby_in_one_process_and_in_memory_loads_nothing_that_others_need():
    before = "import sys, backedge.engine.context, backedge.providers; before = set(sys.modules)"
    loaded = f"import backedge.nodes.lobby; print(sorted({HEAVY} & (set(sys.modules) - before)))"
    told = subprocess.run(
        [sys.executable, "-c", f"{before}; {loaded}"], capture_output=True, text=True, check=True
    )
    assert told.stdout == "[]\n"


def test_each_public_name_is_there():
    assert {name for name in lobby.__all__ if getattr(lobby, name).__name__ != name} == {"LobbyPart"}
    with pytest.raises(AttributeError, match="no attribute 'Nobody'"):
        _ = lobby.Nobody
