"""Several processes run tests as one would, and a test that ends its process is the only one that fails."""

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TESTS = """
import os
import warnings
from pathlib import Path
import pytest

@pytest.fixture(scope="module")
def kept():
    yield
    Path(f"down-{os.getpid()}").touch()

@pytest.mark.parametrize("n", range(45))
def test_passes(n, kept):
    with Path(f"ran-{os.getpid()}").open("a") as file:
        file.write(f"{n} ")

def test_fails():
    print("said")
    assert 1 == 2

def test_ends_its_process():
    Path("dead").write_text(str(os.getpid()))
    os._exit(3)

def test_warns():
    warnings.warn("beware", UserWarning)

@pytest.fixture
def broken():
    yield
    raise ValueError("cannot be tidied up")

def test_leaves_something(broken):
    pass
"""


def run(folder, *options):
    (folder / "conftest.py").write_text("from workers import pytest_addoption, pytest_runtestloop\n")
    (folder / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-rfEp", "--rootdir", folder, *options]
    environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_all_tests_run_once_in_several_processes_and_how_each_ended_is_told(tmp_path):
    code, told, errors = run(tmp_path, "--workers", "2")
    assert (code, errors) == (1, ""), told
    assert "2 failed, 47 passed, 1 warning, 1 error" in told
    failed = {"test_fails - assert 1 == 2", "test_ends_its_process - its process ended with 3"}
    assert set(re.findall(r"^FAILED test_it.py::(.*)$", told, re.MULTILINE)) == failed
    assert "ERROR test_it.py::test_leaves_something - ValueError: cannot be tidied up" in told
    assert "said" in told
    assert "UserWarning: beware" in told
    ran = {path.name.split("-")[1]: path.read_text().split() for path in tmp_path.glob("ran-*")}
    assert len(ran) >= 2
    assert sorted(int(n) for numbers in ran.values() for n in numbers) == list(range(45))
    tidied = {path.name.split("-")[1] for path in tmp_path.glob("down-*")}
    assert tidied == set(ran) - {(tmp_path / "dead").read_text()}


def test_the_first_failure_ends_all_of_them_where_one_is_enough(tmp_path):
    code, told, errors = run(tmp_path, "--workers", "2", "-x", "-k", "fails or passes")
    assert (code, errors) == (1, ""), told
    assert "stopping after 1 failures" in told
    assert "1 failed" in told
