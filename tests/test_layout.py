"""The rooms: who may import whom, what importing loads, and that the wheel holds everything."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "engine": set(),
    "providers": set(),
    "checkpoints": {"engine"},
    "nodes": {"engine", "providers"},
    "backedge": {"engine", "providers", "checkpoints", "nodes"},
}


def rooms_imported(path, room):
    """Rooms other than its own that a module imports, relative imports resolved."""
    text = path.read_text(encoding="utf-8")
    if "backedge" not in text:  # most have nothing to do with other rooms, and need not be parsed to see it
        return
    for node in ast.walk(ast.parse(text)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module] if node.module != "backedge" else [f"backedge.{a.name}" for a in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "backedge":
                yield parts[1] if len(parts) > 1 and parts[1] in ALLOWED else "backedge"


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_keep_their_direction(room):
    for path in (ROOT / room).rglob("*.py"):
        for imported in rooms_imported(path, room):
            assert imported == room or imported in ALLOWED[room], (
                f"{path.relative_to(ROOT)} imports {imported}"
            )


CORE = (
    "loops.py",
    "plan.py",
    "activation.py",
    "reach.py",
    "rules.py",
    "shares.py",
    "schedule.py",
    "facts.py",
    "recovery.py",
    "state/*.py",
    "compiler/*.py",
    "effects/*.py",
)


def test_the_core_knows_neither_asyncio_nor_time_nor_chance():
    paths = [path for pattern in (*CORE, "execution/outcome.py") for path in (ROOT / "engine").glob(pattern)]
    assert len(paths) > 20
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        unwanted = {"asyncio", "time", "random", "secrets", "threading", "os"}
        assert not imported & unwanted, path.relative_to(ROOT)


@pytest.mark.parametrize(
    ("folder", "known"),
    [
        ("state", set()),
        ("effects", {"compiler", "errors", "failures", "records", "state"}),
        (
            "compiler",
            {"context", "definition", "errors", "loops", "plan", "rules", "shares", "shown", "state"},
        ),
        (
            "execution",
            {
                "activation",
                "changes",
                "compiler",
                "context",
                "definition",
                "effects",
                "errors",
                "facts",
                "failures",
                "frontier",
                "plan",
                "ports",
                "records",
            }
            | {"recovery", "schedule", "shares", "shown", "state"},
        ),
    ],
)
def test_inside_the_engine_imports_point_one_way(folder, known):
    for path in (ROOT / "engine" / folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 2:
                names = [node.module] if node.module else [alias.name for alias in node.names]
                assert {name.split(".")[0] for name in names} <= known, path.relative_to(ROOT)


def test_importing_backedge_loads_nothing_heavy():
    heavy = ["openai", "anthropic", "networkx", "graphviz", "aiosqlite", "tenacity", "rich", "click"]
    code = f"import sys, backedge; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_package_is_in_the_wheel():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = set()
    for room in ALLOWED:
        for path in (ROOT / room).rglob("__init__.py"):
            parts = path.parent.relative_to(ROOT).parts
            there.add(".".join(parts if parts[0] == "backedge" else ("backedge", *parts)))
    assert listed == there


def test_the_top_level_has_the_folders_it_should():
    for name in ("pyproject.toml", "engine", "nodes", "providers", "checkpoints", "tests", "examples"):
        assert (ROOT / name).exists()


def test_every_public_name_is_there_and_documented():
    import backedge

    assert len(set(backedge.__all__)) == len(backedge.__all__)
    for name in backedge.__all__:
        thing = getattr(backedge, name)
        assert thing.__doc__, name
