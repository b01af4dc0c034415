"""The harness as it goes into a sandbox."""

import json
from pathlib import Path

import pytest

from backedge.nodes.repair import shipped
from backedge.nodes.repair.shipped import FOLDER, START, harness
from backedge.nodes.sandbox import Program

REQUEST = {"mode": "trial", "budget": 1, "program": "f.py", "function": "f", "cases": ["[]"], "expected": [1]}
TRIAL = {"limits": [1], "loading": 1, "first": [], "then": [0]}


async def answered(sandbox, files, source="f = int"):
    """How the one candidate did: `int()` is not 1."""
    request = json.dumps({**REQUEST, **TRIAL, "candidates": [{"id": "a", "source": source}]}).encode()
    outcome = await sandbox.run(Program(argv=("python", "-S", "-P", START), files=files, stdin=request))
    assert outcome.ok, outcome
    return json.loads(outcome.stdout)["outcomes"]


def changed(files, *, sources=lambda text: text, code=lambda data: data):
    """Files of a harness whose sources or whose code are others; who starts it is read as a source anyway."""
    return {
        path: data if path == START else sources(data) if path.endswith(".py") else code(data)
        for path, data in files.items()
    }


async def test_in_a_sandbox_nothing_is_compiled(unisolated):
    files = changed(harness(), sources=lambda _: b"raise SystemExit('read from its source')")
    assert await answered(unisolated, files) == "f"


async def test_an_interpreter_of_another_version_reads_the_sources(unisolated):
    other = changed(harness(), code=lambda data: b"\0\0\r\n" + data[4:])
    assert await answered(unisolated, other) == "f"
    unknown = {path.replace(".cpython-", ".other-"): data for path, data in harness().items()}
    assert await answered(unisolated, unknown) == "f"
    assert any("__pycache__" in path for path in unknown)


async def test_what_takes_long_to_import_is_not_loaded(unisolated):
    looks = "import sys\ndef f():\n    return len(sys.modules.keys() & {'typing', 'inspect', 'ast', 'unittest'}) + 1"
    assert await answered(unisolated, harness(), looks) == "p"


def test_it_is_made_once_and_nobody_can_change_it():
    assert harness() is harness()
    with pytest.raises(TypeError):
        harness()[START] = b""


def test_no_path_of_the_host_is_told():
    assert {path.rpartition("/")[0].removesuffix("/__pycache__") for path in harness()} == {FOLDER}
    here = str(Path(shipped.__file__).parent).encode()
    assert not [path for path, data in harness().items() if here in data]
