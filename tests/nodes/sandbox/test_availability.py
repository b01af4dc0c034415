"""Where a sandbox cannot work, the error says why, what to install, and how to do without."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backedge.nodes.sandbox import (
    BubblewrapSandbox,
    Program,
    SandboxError,
    SandboxUnavailableError,
    SubprocessSandbox,
    open_sandbox,
)
from backedge.nodes.sandbox.unprivileged import USER, Cover, closed_folders, cover_arguments, must_change_user

ROOT = Path(__file__).parents[3]


def test_bubblewrap_is_the_default():
    assert isinstance(open_sandbox(), BubblewrapSandbox)


def test_no_isolation_is_had_only_by_its_name():
    assert isinstance(open_sandbox("subprocess"), SubprocessSandbox)


def test_an_unknown_name_is_an_error_that_lists_the_known_ones():
    with pytest.raises(SandboxError, match=r"no sandbox 'docker'; there are 'bubblewrap', 'subprocess'"):
        open_sandbox("docker")


def test_a_missing_bubblewrap_is_one_clear_error(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailableError) as caught:
        open_sandbox()
    said = str(caught.value)
    assert "bubblewrap (bwrap) is not installed" in said
    assert "apt install bubblewrap" in said
    assert 'open_sandbox("subprocess")' in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("version", "accepted"), [("0.6.1", False), ("0.7.0", False), ("0.8.0", True), ("1.0", True)]
)
def test_a_bubblewrap_that_is_too_old_is_said_to_be(monkeypatch, tmp_path, version, accepted):
    old = tmp_path / "bwrap"
    old.write_text(f"#!/bin/sh\necho bubblewrap {version}\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    if accepted:
        BubblewrapSandbox()
    else:
        with pytest.raises(
            SandboxUnavailableError, match=rf"is bubblewrap {version}; 0\.8 or newer is needed"
        ):
            BubblewrapSandbox()


def test_something_else_called_bwrap_is_not_taken_for_it(monkeypatch, tmp_path):
    other = tmp_path / "bwrap"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailableError, match="is not bubblewrap"):
        BubblewrapSandbox()


async def test_a_missing_libseccomp_is_an_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyseccomp", None)  # makes its import fail
    sandbox = BubblewrapSandbox()
    with pytest.raises(
        SandboxUnavailableError, match=r"libseccomp cannot be loaded .*apt install libseccomp2"
    ):
        await sandbox.run(Program(argv=("python", "-c", "")))


async def test_a_closed_sandbox_runs_nothing():
    for sandbox in (BubblewrapSandbox(), SubprocessSandbox()):
        await sandbox.close()
        await sandbox.close()
        with pytest.raises(SandboxError, match="closed"):
            await sandbox.run(Program(argv=("python", "-c", "")))


async def test_a_sandbox_that_fails_to_start_tells_what_it_complained_about(monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text(
        "#!/bin/sh\ntest $1 = --version && echo bubblewrap 0.8.0 && exit\necho bwrap: no idea >&2\nexit 5\n"
    )
    broken.chmod(0o755)
    if must_change_user():
        monkeypatch.setattr("backedge.nodes.sandbox.bubblewrap.must_change_user", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    sandbox = BubblewrapSandbox()
    with pytest.raises(
        SandboxError, match="ended with status 5 before it told how the program ended: bwrap: no idea"
    ):
        await sandbox.run(Program(argv=("python", "-c", "")))


SCRIPT = """
import asyncio
from backedge.nodes.sandbox import BubblewrapSandbox, Limits, Program, SandboxUnavailableError

async def main():
    sandbox = BubblewrapSandbox()
    code = '''
import os, time
n = 1
try:
    while True:
        os.fork() or time.sleep(60)
        n += 1
except OSError:
    print(n, os.getuid())
'''
    try:
        outcome = await sandbox.run(Program(argv=("python", "-S", "-c", code), limits=Limits(processes=9)))
        print(outcome.stdout.decode().strip() or outcome)
    except SandboxUnavailableError as error:
        print("unavailable:", error)
    await sandbox.close()

asyncio.run(main())
"""


def test_where_the_kernel_refuses_namespaces_the_error_says_so_and_how_to_allow_them():
    # Real, not staged: inside this sandbox no further user namespace can be made.
    outer = ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--uid", "1000", "--disable-userns"]
    told = subprocess.run(
        [*outer, "--chdir", "/", sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.startswith("unavailable: the bubblewrap sandbox cannot run here: the kernel refuses to make")
    assert "user.max_user_namespaces" in told
    assert 'open_sandbox("subprocess")' in told


@pytest.mark.skipif(not must_change_user(), reason="we are an ordinary user: all other tests show it")
def test_an_ordinary_user_gets_the_same_sandbox():
    places = (sys.prefix, sys.base_prefix, str(ROOT))
    cover = Cover("/usr/bin/bwrap", places)
    held: list[int] = []

    def hold(fd: int) -> int:
        held.append(fd)
        return fd

    command = cover.command([sys.executable, "-c", SCRIPT], hold)
    told = subprocess.run(
        command.argv,
        pass_fds=held,
        user=command.user,
        group=command.user,
        extra_groups=None if command.user is None else [],
        env={"PATH": os.environ["PATH"], "HOME": "/"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    for fd in held:
        os.close(fd)
    cover.close()
    assert (told.stdout, told.stderr) == ("9 65534\n", "")


# --------------------------------------------------------------------------- root


def test_closed_folders_are_the_topmost_that_others_cannot_pass(tmp_path):
    tmp_path.chmod(0o755)
    parents = closed_folders([str(tmp_path / "x")])  # of the place for temporary files itself
    for name, mode in (("open", 0o755), ("shut", 0o700)):
        (tmp_path / name / "inner").mkdir(parents=True)
        (tmp_path / name).chmod(mode)
    (tmp_path / "shut" / "inner").chmod(0o700)
    closed = closed_folders([str(tmp_path / "open" / "inner" / "f"), str(tmp_path / "shut" / "inner" / "f")])
    assert closed == (parents or (str(tmp_path / "shut"),))


def test_a_closed_folder_is_covered_by_one_that_holds_only_what_is_needed():
    words = " ".join(cover_arguments(["/root"], ["/root/a/b/python", "/root/a/lib", "/usr/lib"]))
    assert words == (
        "--dev-bind / / --perms 0755 --tmpfs /root --perms 0755 --dir /root/a --perms 0755 --dir /root/a/b "
        "--ro-bind /root/a/b/python /root/a/b/python --ro-bind /root/a/lib /root/a/lib"
    )


@pytest.mark.skipif(not must_change_user(), reason="only root changes its user")
async def test_a_sandbox_of_root_runs_as_a_user_who_is_counted(alive, marker, eventually, bubblewrap):
    task = asyncio.create_task(
        bubblewrap.run(Program(argv=("python", "-c", f"import time; time.sleep(99) # {marker}")))
    )
    await eventually(lambda: alive(marker))
    (program,) = alive(marker)
    assert os.stat(f"/proc/{program}").st_uid == USER  # noqa: PTH116 - a file of the kernel's
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# --------------------------------------------------------------------------- when we are killed


def test_a_sandbox_dies_with_the_process_that_started_it(alive, marker):
    code = """
import asyncio, os
from backedge.nodes.sandbox import BubblewrapSandbox, Program
program = Program(argv=("python", "-c", "import time; time.sleep(99)", os.environ["MARKER"]))
asyncio.run(BubblewrapSandbox().run(program))
"""
    environment = {**os.environ, "MARKER": marker}
    with subprocess.Popen([sys.executable, "-c", code], cwd="/", env=environment) as parent:
        while not alive(marker):
            assert parent.poll() is None
            time.sleep(0.05)
        parent.kill()
    while alive(marker):  # the test's own timeout ends this
        time.sleep(0.02)
