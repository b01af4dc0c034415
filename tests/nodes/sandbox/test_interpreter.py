"""What an interpreter needs of the host."""

import os
import sys
from pathlib import Path

import pytest

from backedge.nodes.sandbox import BubblewrapSandbox, Program, SandboxError
from backedge.nodes.sandbox.interpreter import examine, follow, survey


def test_following_a_path_tells_every_link_on_the_way(tmp_path):
    root = Path(os.path.realpath(tmp_path))
    (root / "real").mkdir()
    (root / "real" / "file").touch()
    (root / "folder").symlink_to("real")
    (root / "absolute").symlink_to(root / "folder")
    (root / "real" / "up").symlink_to("../absolute/file")
    assert follow(f"{root}/absolute/up") == (
        f"{root}/real/file",
        {
            f"{root}/absolute": f"{root}/folder",
            f"{root}/folder": "real",
            f"{root}/real/up": "../absolute/file",
        },
    )


def test_links_in_a_circle_lead_nowhere(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    final, _ = follow(f"{tmp_path}/a")
    assert not Path(final).exists()


def test_a_path_above_the_root_is_the_root():
    assert follow("/../..") == ("/", {})


def test_what_is_shown_is_resolved_and_said_once(tmp_path):
    root = Path(os.path.realpath(tmp_path))
    (root / "lib" / "inner").mkdir(parents=True)
    (root / "lib" / "python").symlink_to("inner")
    (root / "bin").symlink_to("lib")
    shown = survey([f"{root}/lib/inner", f"{root}/lib", f"{root}/bin/python", f"{root}/missing"])
    assert [path for path in shown.paths if path.startswith(str(root))] == [f"{root}/lib"]
    assert [link for link in shown.links if link[0].startswith(str(root))] == [(f"{root}/bin", "lib")]


@pytest.mark.parametrize("folder", ["/", "/usr", "/home", "/root", "/etc", "/tmp/.."])
def test_a_folder_that_is_too_broad_is_never_shown(folder):
    with pytest.raises(SandboxError, match="which would show all of it to the program"):
        survey([folder])


def test_nor_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", os.path.realpath(tmp_path))
    with pytest.raises(SandboxError, match="show all of it"):
        survey([str(tmp_path)])


def test_our_interpreter_shows_its_library_and_its_environment_and_nothing_broad():
    shown = survey(examine(sys.executable).needs)
    assert os.path.realpath(os.__file__).startswith(tuple(path + "/" for path in shown.paths))
    assert os.path.realpath(sys.prefix) in shown.paths
    assert not any(path.count("/") < 2 for path in shown.paths)


def test_what_is_no_python_is_an_error_that_names_it():
    with pytest.raises(SandboxError, match="'/bin/true' does not answer as a Python interpreter does"):
        examine("/bin/true")
    with pytest.raises(SandboxError, match=r"'/no/such' does not answer .*No such file"):
        examine("/no/such")


def test_a_python_that_is_too_old_is_an_error(tmp_path):
    old = tmp_path / "python"
    old.write_text(f"""#!{sys.executable}
import json
print(json.dumps({{"version": [3, 10, 1]}}))
""")
    old.chmod(0o755)
    with pytest.raises(
        SandboxError, match=r"is Python 3\.10\.1; the sandbox needs an interpreter of 3\.11 or newer"
    ):
        examine(str(old))


def test_an_interpreter_is_asked_once_and_again_when_another_one_is_there(tmp_path):
    python, asked = tmp_path / "python", tmp_path / "asked"
    script = f'#!/bin/sh\necho >>{asked}\nexec {sys.executable} "$@"\n'
    python.write_text(script)
    python.chmod(0o755)
    first = examine(str(python))
    assert examine(str(python)) == first
    assert asked.read_text() == "\n"
    other = tmp_path / "other"
    other.write_text(script)
    other.chmod(0o755)
    other.replace(python)
    assert examine(str(python)) == first
    assert asked.read_text() == "\n\n"


@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="needs a Python of the system")
async def test_the_systems_python_works_without_showing_usr():
    sandbox = BubblewrapSandbox(python="/usr/bin/python3")
    code = (
        "import sys, os, ssl, json; print(sys.executable, sorted(os.listdir('/usr')), os.listdir('/usr/bin'))"
    )
    try:
        outcome = await sandbox.run(Program(argv=("python", "-c", code)))
    except SandboxError as error:
        assert "3.11 or newer" in str(error)  # noqa: PT017 - an old system has an old Python
    else:
        assert outcome.ok, outcome.stderr
        executable, *_ = outcome.stdout.decode().split()
        assert executable == "/usr/bin/python3"
        assert b"share" not in outcome.stdout
        assert b"'bwrap'" not in outcome.stdout
    finally:
        await sandbox.close()
