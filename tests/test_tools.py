"""What make does on a machine that lacks something: it installs it or says in one line how, and touches nothing else."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parent.parent / "tools"


class Machine:
    """A machine that has only the programs it is given; what it is asked to install is noted."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.bin.mkdir()
        for name in ("sh", "dirname", "head", "mktemp", "rm", "tail"):
            (self.bin / name).symlink_to(shutil.which(name))
        self.user(1000)

    def program(self, name: str, script: str = "exit 0") -> Path:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def user(self, number: int) -> None:
        self.program("id", f"echo {number}")

    def debian(self, then: str = "exit 0") -> None:
        self.program("apt-get", f'echo "$*" >>{self.root}/asked; {then}')

    def python(self, lacks: str = "nothing", version: str = "") -> Path:
        """A python without a module; with a version it does nothing but tell it, and fail."""
        if version:
            return self.program("python3", f'case "$*" in *-V*) echo "Python {version}";; *) exit 1;; esac')
        return self.program(
            "python3", f'case "$*" in *{lacks}*) exit 1;; *) exec {sys.executable} "$@";; esac'
        )

    @property
    def asked(self) -> str:
        noted = self.root / "asked"
        return noted.read_text() if noted.exists() else ""

    def run(self, tool: str, *arguments: object) -> tuple[int, str]:
        done = subprocess.run(
            [self.bin / "sh", TOOLS / tool, *map(str, arguments)],
            env={"PATH": str(self.bin), "TMPDIR": str(self.root)},
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_who_has_all_parts_is_told_nothing(machine):
    machine.program("bwrap")
    machine.program("dot")
    assert machine.run("system-parts.sh", machine.python(lacks="seccomp.so.9")) == (0, "")


@pytest.mark.parametrize("user", [1000, 0])
def test_who_may_not_install_is_told_in_one_line_what_and_how(machine, user):
    machine.user(user)
    if user != 0:
        machine.debian()
    machine.program("dot")
    code, told = machine.run("system-parts.sh", machine.python(lacks="libseccomp"))
    assert code == 1
    assert told.count("\n") == 1
    assert "missing: bubblewrap libseccomp2." in told
    assert "sudo apt-get install bubblewrap libseccomp2" in told
    assert machine.asked == ""


def test_root_on_debian_gets_what_is_missing(machine):
    machine.user(0)
    machine.debian()
    machine.program("bwrap")
    assert machine.run("system-parts.sh", machine.python()) == (0, "installing graphviz ...\n")
    assert machine.asked == "update\ninstall -y --no-install-recommends graphviz\n"


def test_further_programs_are_asked_for_by_name(machine):
    machine.debian()
    for name in ("bwrap", "dot", "tracer"):
        machine.program(name)
    assert machine.run("system-parts.sh", machine.python(), "tracer") == (0, "")
    code, told = machine.run("system-parts.sh", machine.python(), "tracer", "another")
    assert code == 1
    assert "missing: another." in told


def test_an_installation_that_fails_shows_why_and_what_to_do(machine):
    machine.user(0)
    machine.debian(then="echo 'no such mirror' >&2; exit 100")
    code, told = machine.run("system-parts.sh", machine.python())
    assert code == 1
    assert "no such mirror" in told
    assert told.endswith("sudo apt-get install bubblewrap graphviz\n")
    assert [path.name for path in machine.root.iterdir() if path.name.startswith("tmp.")] == []


@pytest.mark.parametrize("version", ["3.10.9", "2.7.18"])
def test_a_python_that_is_too_old_is_named(machine, version):
    code, told = machine.run("environment.sh", machine.python(version=version), "here")
    assert code == 1
    assert told.count("\n") == 1
    assert f"needs Python 3.11 or newer, found Python {version}" in told
    assert "make PYTHON=" in told


def test_a_python_that_is_not_there_is_told(machine):
    code, told = machine.run("environment.sh", "python3.99", "here")
    assert code == 1
    assert told.count("\n") == 1
    assert "needs Python 3.11 or newer, found no python3.99" in told


@pytest.mark.parametrize("user", [1000, 0])
def test_debians_python_needs_a_package_to_make_an_environment(machine, user):
    machine.user(user)
    machine.debian(then="exit 1")
    package = f"python3.{sys.version_info.minor}-venv"
    code, told = machine.run("environment.sh", machine.python(lacks="ensurepip"), "here")
    assert code == 1
    assert told.endswith(f"sudo apt-get install {package}\n")
    assert told.count("\n") == 1 + (user == 0)
    assert machine.asked.endswith("update\n") == (user == 0)
    assert not (machine.root / "here").exists()


def test_a_whole_environment_is_left_alone_and_one_that_lost_its_python_is_made_anew(machine):
    python, noted = machine.python(), machine.root / "calls"
    machine.program("python3", f'echo "$*" >>{noted}; [ "$2" = venv ] && exit 0; exec {sys.executable} "$@"')
    here = machine.root / "here"
    (here / "bin").mkdir(parents=True)
    # A link would lead to the interpreter that ours was made from, which may have no pip.
    (here / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (here / "bin" / "python").chmod(0o755)
    assert machine.run("environment.sh", python, here) == (0, "")
    assert "venv " not in noted.read_text().replace("import ensurepip, venv", "")
    (here / "bin" / "python").unlink()
    (here / "bin" / "python").symlink_to("/no/such/python")
    assert machine.run("environment.sh", python, here) == (0, "")
    assert noted.read_text().endswith(f"-m venv --clear {here}\n")


def test_make_says_what_there_is_to_make():
    if shutil.which("make") is None:
        pytest.skip("needs make")
    done = subprocess.run(
        ["make", "-C", TOOLS.parent, "--no-print-directory"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "MAKEFLAGS": ""},
        check=False,
    )
    assert done.returncode == 0
    assert {"demo", "test", "check"} <= {line.split()[0] for line in done.stdout.splitlines()}


@pytest.fixture
def noder(machine):
    """A machine with Node, and an npm that notes what it is asked for and lays it out."""
    for name in ("grep", "mkdir", "sed"):
        (machine.bin / name).symlink_to(shutil.which(name))
    machine.program("node")
    machine.program(
        "npm",
        f'echo "$*" >>{machine.root}/asked; mkdir -p here/node_modules/@copilotkit/aimock; version=${{*##*@}}; '
        'echo "\\"version\\": \\"$version\\"" >here/node_modules/@copilotkit/aimock/package.json',
    )
    return machine


def test_the_mock_server_for_tests_is_installed_once_in_a_pinned_version(noder):
    code, told = noder.run("mock-server.sh", "here")
    assert (code, told) == (0, "installing a mock server for tests into here ...\n")
    assert noder.run("mock-server.sh", "here") == (0, "")
    (asked,) = noder.asked.splitlines()
    assert re.search(r"--prefix here .*--ignore-scripts.* @copilotkit/aimock@\d+\.\d+\.\d+$", asked)


@pytest.mark.parametrize("lacking", ["node", "npm"])
def test_without_node_there_is_no_mock_server_and_nothing_fails(noder, lacking):
    (noder.bin / lacking).unlink()
    assert noder.run("mock-server.sh", "here") == (0, "")
    assert noder.asked == ""


def test_a_node_that_is_too_old_is_left_alone(noder):
    noder.program("node", "exit 1")
    assert noder.run("mock-server.sh", "here") == (0, "")
    assert noder.asked == ""


def test_without_a_network_the_tests_run_without_the_mock_server(noder):
    noder.program("npm", "echo no such host; exit 1")
    code, told = noder.run("mock-server.sh", "here")
    assert code == 0
    assert told.endswith("tests that need it are skipped; why: here/install.log\n")
    assert (noder.root / "here" / "install.log").read_text() == "no such host\n"


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
@pytest.mark.parametrize(
    ("version", "good"), [("20.15.0", True), ("20.14.9", False), ("18.20.0", False), ("24.0.1", True)]
)
def test_the_version_of_node_is_looked_at(version, good):
    (question,) = re.findall(r"node -e '(.*?)'", (TOOLS / "mock-server.sh").read_text())
    asked = question.replace("process.versions.node", f'"{version}"')
    assert (subprocess.run(["node", "-e", asked], timeout=30, check=False).returncode == 0) is good
