"""What every sandbox does, whether or not it isolates."""

import asyncio
import os
import resource
import signal
from pathlib import Path

import pytest

from backedge.nodes.sandbox import Ended, Limits, Outcome, Program, Sandbox, SandboxError

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.fixture(params=["bubblewrap", "unisolated"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return request.getfixturevalue(request.param)


async def run(sandbox: Sandbox, code: str, *arguments: str, **rest: object) -> Outcome:
    # Without packages, which are slow to find.
    return await sandbox.run(Program(argv=("python", "-S", "-c", code, *arguments), **rest))


async def test_it_is_a_sandbox(sandbox):
    assert isinstance(sandbox, Sandbox)


async def test_both_outputs_and_the_exit_status_come_back(sandbox):
    outcome = await run(sandbox, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (outcome.ended, outcome.exit_status, outcome.ok) == (Ended.EXITED, 3, False)
    assert (outcome.stdout, outcome.stderr) == (b"out\n", b"err\n")


async def test_a_program_that_does_nothing_is_ok(sandbox):
    outcome = await run(sandbox, "")
    assert outcome == Outcome(
        ended=Ended.EXITED,
        exit_status=0,
        stdout=b"",
        stderr=b"",
        wall=outcome.wall,
        cpu=outcome.cpu,
        memory=outcome.memory,
    )
    assert outcome.ok


async def test_arguments_and_standard_input_arrive_unchanged(sandbox):
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()); print(sys.argv[1:])"
    content = bytes(range(256)) * 3000
    outcome = await run(sandbox, code, "a b", "ü", "", stdin=content)
    assert outcome.stdout == content + "['a b', 'ü', '']\n".encode()


async def test_standard_input_ends(sandbox):
    assert (
        await run(sandbox, "print(repr(input()))\ntry: input()\nexcept EOFError: print('end')", stdin=b"x\n")
    ).ok


async def test_files_are_laid_out_in_the_working_folder_and_collected_from_it(sandbox):
    code = "import os; from pathlib import Path; p = Path('in/deep/a.bin'); Path('out').mkdir(); "
    code += "Path('out/b.bin').write_bytes(p.read_bytes()[::-1])"
    content = os.urandom(200_000)
    outcome = await run(
        sandbox,
        code,
        files={"in/deep/a.bin": content, "empty": b""},
        collect=("out/b.bin", "in/deep/a.bin", "empty", "no"),
    )
    assert outcome.files == {"out/b.bin": content[::-1], "in/deep/a.bin": content, "empty": b""}
    assert outcome.refused == {}


async def test_a_program_may_be_a_file_that_was_laid_out(sandbox):
    program = Program(argv=("python", "main.py", "x"), files={"main.py": b"import sys; print(sys.argv)"})
    assert (await sandbox.run(program)).stdout == b"['main.py', 'x']\n"


async def test_each_run_starts_in_an_empty_folder(sandbox):
    await run(sandbox, "open('left', 'w')")
    assert (await run(sandbox, "import os; print(os.listdir())")).stdout == b"[]\n"


async def test_the_interpreter_is_isolated_and_hashes_alike_in_every_run(sandbox):
    code = (
        "import sys, os; print(hash('x'), sys.flags.safe_path, sys.flags.no_user_site, sys.flags.utf8_mode)"
    )
    first, second = await asyncio.gather(run(sandbox, code), run(sandbox, code))
    assert first.stdout == second.stdout
    assert first.stdout.split()[1:] == [b"True", b"1", b"1"]


async def test_the_environment_holds_nothing_of_ours(sandbox, monkeypatch):
    monkeypatch.setenv("BACKEDGE_CANARY", "tweet")
    outcome = await run(
        sandbox, "import os; print(sorted(os.environ)); print(os.getcwd() == os.environ['HOME'])"
    )
    names = ["HOME", "LANG", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONUTF8", "TMPDIR"]
    assert outcome.stdout.decode() == f"{names}\nTrue\n"


async def test_no_open_file_but_the_three_is_passed_on(sandbox):
    code = """
import os
def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
print([fd for fd in range(1024) if is_open(fd)])
"""
    assert (await run(sandbox, code)).stdout == b"[0, 1, 2]\n"


async def test_it_has_the_packages_of_the_interpreter(sandbox):
    code = "import iniconfig; print(iniconfig.__name__)"
    assert (await sandbox.run(Program(argv=("python", "-c", code)))).stdout == b"iniconfig\n"


async def test_the_extension_modules_find_their_libraries(sandbox):
    code = "import ssl, sqlite3, ctypes, hashlib, zlib, bz2, lzma, decimal; print(sqlite3.connect(':memory:').execute('select 1').fetchone())"
    assert (await run(sandbox, code)).stdout == b"(1,)\n"


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGKILL,
        signal.SIGSEGV,
        signal.SIGINT,
        pytest.param(signal.SIGABRT, marks=pytest.mark.soak),
        pytest.param(signal.SIGTERM, marks=pytest.mark.soak),
    ],
)
async def test_a_signal_of_its_own_making_is_told_by_number(sandbox, number):
    outcome = await run(
        sandbox, f"import os, signal; signal.signal(2, signal.SIG_DFL); os.kill(os.getpid(), {number})"
    )
    assert (outcome.ended, outcome.exit_status) == (Ended.SIGNALED, -number)


@pytest.mark.parametrize("status", [128 + signal.SIGKILL, 255, 1])
async def test_an_exit_status_that_looks_like_a_signal_is_an_exit_status(sandbox, status):
    outcome = await run(sandbox, f"raise SystemExit({status})")
    assert (outcome.ended, outcome.exit_status) == (Ended.EXITED, status)


async def test_a_program_starts_with_ordinary_signal_handling(sandbox):
    code = """
import signal
print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""
    assert (await run(sandbox, code)).stdout == b"True True\nset()\n"


# --------------------------------------------------------------------------- limits


async def test_who_sleeps_for_ever_is_ended_by_the_clock(sandbox):
    outcome = await run(
        sandbox, "print('hi', flush=True); import time; time.sleep(1000)", limits=Limits(wall=0.4)
    )
    assert (outcome.ended, outcome.exit_status, outcome.ok) == (Ended.WALL_LIMIT, None, False)
    assert outcome.stdout == b"hi\n"
    assert 0.35 < outcome.wall < 100


async def test_a_stopped_program_is_ended_by_the_clock(sandbox):
    outcome = await run(sandbox, "import os; os.kill(os.getpid(), 19)", limits=Limits(wall=0.4))
    assert outcome.ended is Ended.WALL_LIMIT


async def test_a_program_ended_by_a_limit_still_has_its_use_told(sandbox):
    code = "import time; x = bytearray(60 << 20)\nwhile time.process_time() < 0.1: pass\ntime.sleep(1000)"
    outcome = await run(sandbox, code, limits=Limits(wall=1.0))
    assert outcome.ended is Ended.WALL_LIMIT
    assert outcome.memory > 60 << 20  # the program's, not the sandbox's own
    assert 0.05 < outcome.cpu <= outcome.wall + 0.1


async def test_the_use_of_all_its_processes_is_told(sandbox):
    code = """
import os, time
told, tell = os.pipe()
if os.fork() == 0:
    x = bytearray(60 << 20)
    while time.process_time() < 0.15: pass
    os.write(tell, b'x')
    os._exit(0)
os.read(told, 1)
os.wait()
"""
    outcome = await run(sandbox, code)
    assert outcome.ok
    assert outcome.cpu > 0.12
    assert outcome.memory > 60 << 20


async def test_a_program_ended_by_the_clock_leaves_no_files(sandbox):
    code = "open('a', 'w').write('x'); import time; time.sleep(1000)"
    outcome = await run(sandbox, code, limits=Limits(wall=0.5), collect=("a",))
    assert (outcome.ended, outcome.files, outcome.refused) == (Ended.WALL_LIMIT, {}, {})


@pytest.mark.parametrize(
    "sandbox", ["bubblewrap", pytest.param("unisolated", marks=pytest.mark.soak)], indirect=True
)  # it takes a second of it; the supervisor and its limits are the same, see `test_wire.py`
async def test_an_endless_loop_is_ended_by_its_processor_time(sandbox):
    outcome = await run(sandbox, "while True: pass", limits=Limits(cpu=1, wall=60))
    assert (outcome.ended, outcome.exit_status) == (Ended.CPU_LIMIT, None)
    assert 0.5 < outcome.cpu < 2


@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(10**10)",
        "x = []\nwhile True: x.append(bytearray(1 << 20))",
        "def f(): return [f()] * 10\nimport mmap; m = [mmap.mmap(-1, 1 << 30) for _ in range(9)]",
    ],
)
async def test_a_program_that_wants_too_much_memory_is_told_apart(sandbox, code):
    outcome = await run(sandbox, code, limits=Limits(memory=128 << 20))
    if b"OSError" in outcome.stderr:  # mmap tells it in another way
        assert (outcome.ended, outcome.exit_status) == (Ended.EXITED, 1)
    else:
        assert (outcome.ended, outcome.exit_status) == (Ended.MEMORY_LIMIT, None)
    assert outcome.memory < 140 << 20


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_endless_output_is_cut_at_the_limit(sandbox, stream):
    code = f"import sys\nwhile True: sys.{stream}.write('x' * 1000)"
    outcome = await run(sandbox, code, limits=Limits(output=5000))
    assert (outcome.ended, outcome.exit_status) == (Ended.OUTPUT_LIMIT, None)
    assert getattr(outcome, stream) == b"x" * 5000
    assert len(outcome.stdout + outcome.stderr) == 5000


async def test_the_output_limit_counts_both_streams(sandbox):
    code = "import sys; sys.stdout.write('x' * 60); sys.stdout.flush(); sys.stderr.write('y' * {})"
    assert (await run(sandbox, code.format(40), limits=Limits(output=100))).ok
    outcome = await run(sandbox, code.format(41), limits=Limits(output=100))
    assert outcome.ended is Ended.OUTPUT_LIMIT
    assert len(outcome.stdout + outcome.stderr) == 100


async def test_no_file_grows_beyond_its_limit(sandbox):
    code = """
import os
for attempt in (lambda f: f.write(b'x' * 5001), lambda f: f.truncate(5001), lambda f: os.posix_fallocate(f.fileno(), 0, 5001)):
    with open('a', 'wb', buffering=0) as f:
        try:
            print(attempt(f))
        except OSError as error:
            print(error.errno)
    print(os.stat('a').st_size <= 5000)
"""
    outcome = await run(sandbox, code, limits=Limits(file_size=5000), collect=("a",))
    assert outcome.stdout.split() == [b"5000", b"True", b"27", b"True", b"27", b"True"]
    assert outcome.files == {"a": b""}


# --------------------------------------------------------------------------- files that come back


async def test_links_and_other_things_that_are_no_files_are_refused_with_the_reason(sandbox):
    code = """
import os, socket
os.symlink('/etc/passwd', 'link')
os.symlink('real', 'inner')
os.mkdir('folder'); open('folder/x', 'w').write('y'); os.symlink('folder', 'by'); os.symlink('loop', 'loop')
os.mkfifo('fifo'); socket.socket(socket.AF_UNIX).bind('socket')
open('real', 'w').write('z')
os.symlink('/etc', 'etc')
"""
    names = (
        "link",
        "inner",
        "folder",
        "by/x",
        "fifo",
        "socket",
        "real",
        "etc/passwd",
        "loop",
        "real/under",
        "folder/x",
    )
    outcome = await run(sandbox, code, collect=names)
    assert outcome.ok, outcome.stderr
    assert outcome.files == {"real": b"z", "folder/x": b"y"}
    link, no_file = "is a link or lies behind one", "is not a regular file"
    assert outcome.refused == {
        "link": link,
        "inner": link,
        "folder": no_file,
        "by/x": link,
        "fifo": no_file,
        "socket": no_file,
        "etc/passwd": link,
        "loop": link,
        "real/under": link,
    }


async def test_more_than_the_disk_limit_in_all_does_not_come_back(sandbox):
    code = "\nfor n in 'abc': open(n, 'wb').truncate(600)"
    outcome = await run(sandbox, code, limits=Limits(disk=1000), collect=("a", "b", "c"))
    assert outcome.files == {"a": bytes(600)}
    assert outcome.refused == {"b": "is too large", "c": "is too large"}


# --------------------------------------------------------------------------- what the caller got wrong


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "a/../../x", "", "a//b", "./a", "a/", "a\0b", "\ud800"]
)
async def test_a_path_that_leads_out_of_the_folder_is_an_error_before_anything_runs(sandbox, name):
    with pytest.raises(SandboxError, match="does not name a file inside the working folder"):
        await run(sandbox, "", collect=(name,))
    with pytest.raises(SandboxError, match="does not name a file inside the working folder"):
        await run(sandbox, "", files={name: b""})


@pytest.mark.parametrize("argv", [(), ("",)])
async def test_a_program_without_a_command_is_an_error(sandbox, argv):
    with pytest.raises(SandboxError, match="no command"):
        await sandbox.run(Program(argv=argv))


@pytest.mark.parametrize("argv", ["python", ("python", b"x.py"), ("python", 3)])
async def test_a_command_that_is_not_made_of_texts_is_an_error(sandbox, argv):
    with pytest.raises(SandboxError, match="argv is a tuple of texts"):
        await sandbox.run(Program(argv=argv))


@pytest.mark.parametrize("given", [{"files": {"a.py": "text"}}, {"stdin": "text"}])
async def test_content_that_is_no_bytes_is_an_error_that_says_so(sandbox, given):
    with pytest.raises(SandboxError, match="must be bytes: encode it"):
        await run(sandbox, "", **given)


async def test_an_argument_that_cannot_be_passed_on_is_an_error(sandbox):
    with pytest.raises(SandboxError, match="null character"):
        await run(sandbox, "a\0b")
    with pytest.raises(SandboxError, match="half a character"):
        await run(sandbox, "a\ud800b")


@pytest.mark.parametrize(
    "limits",
    [
        Limits(wall=0),
        Limits(memory=-1),
        Limits(wall=float("inf")),
        Limits(cpu=float("nan")),
        Limits(wall="3"),
        Limits(cpu=1e30),
        Limits(memory=256e6),
        Limits(processes=True),
        Limits(file_size=2**70),
    ],
)
async def test_a_limit_that_limits_nothing_or_is_beyond_the_kernel_is_an_error(sandbox, limits):
    with pytest.raises(SandboxError, match="must be a positive, finite number"):
        await run(sandbox, "", limits=limits)


async def test_a_limit_that_cannot_be_set_is_never_the_programs_own_end(sandbox, monkeypatch):
    monkeypatch.setattr("backedge.nodes.sandbox.wire.LARGEST", 2**80)
    with pytest.raises(SandboxError, match="cannot be started"):
        await run(sandbox, "", limits=Limits(memory=2**70))


async def test_a_command_that_is_not_there_is_an_error_that_says_what_is(sandbox):
    with pytest.raises(
        SandboxError, match=r"'./nothing' cannot be started .*No such file.*there is 'python'"
    ):
        await sandbox.run(Program(argv=("./nothing",)))


async def test_files_that_contradict_each_other_are_an_error(sandbox):
    with pytest.raises(SandboxError, match=r"cannot be laid out.*Not a directory"):
        await run(sandbox, "", files={"a": b"", "a/b": b""})


# --------------------------------------------------------------------------- many at once, and stopping


async def test_many_run_at_once_without_mixing_anything_up(sandbox):
    async def one(number: int) -> tuple[bytes, bytes]:
        code = "import sys; open('n', 'w').write(sys.stdin.read()); print(sys.argv[1])"
        outcome = await run(sandbox, code, str(number), stdin=b"%d" % -number, collect=("n",))
        return outcome.stdout, outcome.files["n"]

    results = await asyncio.gather(*map(one, range(6)))
    assert results == [(b"%d\n" % n, b"%d" % -n) for n in range(6)]


@pytest.mark.parametrize("turns", [0, 1, 3, 10, 40])
async def test_cancelling_at_any_moment_leaves_nothing(sandbox, turns):
    task = asyncio.create_task(run(sandbox, "import time; time.sleep(1000)"))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelling_a_running_program_kills_it_before_it_returns(sandbox, alive, marker, eventually):
    task = asyncio.create_task(run(sandbox, f"import time; time.sleep(1000) # {marker}"))
    await eventually(lambda: alive(marker) != [])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert alive(marker) == []


async def test_cancelling_twice_still_waits_for_the_end(sandbox, alive, marker, eventually):
    task = asyncio.create_task(run(sandbox, f"import time; time.sleep(1000) # {marker}"))
    await eventually(lambda: alive(marker) != [])
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert alive(marker) == []


async def test_a_sandbox_that_somebody_kills_is_an_error_and_its_program_dies(
    sandbox, alive, marker, eventually
):
    task = asyncio.create_task(run(sandbox, f"import time; time.sleep(1000) # {marker}"))
    await eventually(lambda: alive(marker))
    (program,) = alive(marker)
    os.kill(parent_of(program), signal.SIGKILL)
    with pytest.raises(SandboxError, match="before it told how the program ended"):
        await task
    await eventually(lambda: not alive(marker))


async def test_a_timeout_of_the_caller_works(sandbox):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await run(sandbox, "import time; time.sleep(1000)")


async def test_it_serves_one_event_loop_after_another(sandbox):
    def in_another_loop() -> Outcome:
        return asyncio.run(run(sandbox, "print(1)"))

    first = await asyncio.to_thread(in_another_loop)
    second = await asyncio.to_thread(in_another_loop)
    assert (first.stdout, second.stdout) == (b"1\n", b"1\n")


async def test_without_free_descriptors_it_fails_cleanly_and_recovers(sandbox):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = descriptors()
    failures = []
    for spare in range(1, 36, 4):
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + spare, limits[1]))
        try:
            assert (await run(sandbox, "")).ok
        except SandboxError as error:
            failures.append(str(error))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert 1 < len(failures) < 9
    assert all("Too many open files" in failure for failure in failures)
    assert (await run(sandbox, "")).ok


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are all that is wanted


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
