"""The small program that stands beside a sandboxed one: lays out its files, starts it, tells how it ended.

It is never imported by backedge at run time but started from its source, by the interpreter that will run
the program, with ``-I -S``: what it imports is built in or loads in a fraction of a millisecond, because its
start is paid for every run. In a bubblewrap sandbox it is process 1 of its own process namespace, so nothing
inside can kill it, and killing everything is one call; when the program is over it is alone, so the files
that it hands out cannot change under its hands.

It takes one job (a `marshal` of a plain dict, made by `wire.encode_job`) and answers on a pipe:

* ``ready`` once everything is laid out, then ``started PID``, or ``failed STAGE ERRNO`` where that did not work
* ``ended STATUS CPU MEMORY WALL``: wait status, processor seconds, peak bytes of the largest process, seconds
* ``file INDEX SIZE`` and that many bytes, or ``refused INDEX REASON``, for each path to collect that exists
* ``done``

Its host starts it with a ``g`` on a pipe and has the program killed with a ``k`` there and a SIGTERM. (The signal
alone does nothing: the program could send it.)
"""

from __future__ import annotations

import errno
import marshal
import posix
import resource
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing and signal take too long to import here
    import signal as signals
    from typing import Any
else:
    import _signal as signals

CHUNK = 1 << 16
FILE_TYPE, REGULAR = 0o170000, 0o100000
DESCRIPTORS = 256  # above every descriptor that may be open here


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data`, however many calls that takes."""
    view = memoryview(data)
    while view:
        view = view[posix.write(fd, view) :]


def read_all(fd: int) -> bytes:
    """Read until the end."""
    parts = []
    while part := posix.read(fd, CHUNK):
        parts.append(part)
    return b"".join(parts)


def lay_out(folder: str, files: dict[str, bytes]) -> None:
    """Write `files` below `folder`, making the folders they lie in."""
    for name, content in files.items():
        at = folder
        *parents, last = name.split("/")
        for parent in parents:
            at += "/" + parent
            try:  # noqa: SIM105 - contextlib takes longer to import than this program to start
                posix.mkdir(at, 0o755)
            except FileExistsError:
                pass
        fd = posix.open(at + "/" + last, posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL, 0o644)
        write_all(fd, content)
        posix.close(fd)


def open_beneath(folder: int, name: str) -> int:
    """Open `name` below `folder` for reading, following no link and waiting for nobody."""
    *parents, last = name.split("/")
    at = posix.dup(folder)
    try:
        for parent in parents:
            flags = posix.O_RDONLY | posix.O_DIRECTORY | posix.O_NOFOLLOW | posix.O_CLOEXEC
            below = posix.open(parent, flags, dir_fd=at)
            posix.close(at)
            at = below
        flags = posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_NONBLOCK | posix.O_CLOEXEC
        return posix.open(last, flags, dir_fd=at)
    finally:
        posix.close(at)


def hand_out(report: int, folder: str, names: list[str], most: int) -> None:
    """Send the regular files called `names` below `folder`, `most` bytes in all."""
    base = posix.open(folder, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_CLOEXEC)
    for index, name in enumerate(names):
        try:
            fd = open_beneath(base, name)
        except OSError as error:
            if error.errno != errno.ENOENT:
                write_all(report, b"refused %d %s\n" % (index, reason_for(error)))
            continue
        status = posix.fstat(fd)
        if status.st_mode & FILE_TYPE != REGULAR:
            write_all(report, b"refused %d is not a regular file\n" % index)
        elif status.st_size > most:
            write_all(report, b"refused %d is too large\n" % index)
        else:
            most -= status.st_size
            write_all(report, b"file %d %d\n" % (index, status.st_size))
            send_file(report, fd, status.st_size)
        posix.close(fd)
    posix.close(base)


def send_file(report: int, fd: int, size: int) -> None:
    """Send exactly `size` bytes of an open file; what is missing, because somebody cut it short, is zero."""
    while size:
        part = posix.read(fd, min(size, CHUNK)) or b"\0" * min(size, CHUNK)
        write_all(report, part)
        size -= len(part)


def reason_for(error: OSError) -> bytes:
    """Why a path was refused."""
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return b"is a link or lies behind one"
    if error.errno == errno.ENXIO:
        return b"is not a regular file"
    return b"cannot be read (error %d)" % (error.errno or 0)


def apply_limits(limits: dict[str, tuple[int, int]]) -> None:
    """Set the limits of this process, for good. Where it has tighter ones already, those stay."""
    for name, wanted in limits.items():
        kind = getattr(resource, "RLIMIT_" + name)
        ceiling = resource.getrlimit(kind)[1]
        if ceiling != resource.RLIM_INFINITY:
            wanted = min(wanted[0], ceiling), min(wanted[1], ceiling)
        resource.setrlimit(kind, wanted)


class Killer:
    """Kills the program when the host says so, whenever that is."""

    def __init__(self, orders: int) -> None:
        self.orders = orders
        self.ordered = False
        self.program = 0  # 0 until there is one
        posix.set_blocking(orders, False)
        signals.signal(signals.SIGTERM, self.look)

    def look(self, *_: object) -> None:
        """Look for an order; called on every SIGTERM."""
        try:
            self.ordered = self.ordered or posix.read(self.orders, 1) == b"k"
        except BlockingIOError:
            return
        if self.ordered:
            self.kill()

    def watch(self, program: int) -> None:
        """From now on `program` is what there is to kill."""
        self.program = program
        if self.ordered:
            self.kill()

    def kill(self) -> None:
        """Kill all there is in our own process namespace, else the program's group."""
        if self.program:
            try:  # noqa: SIM105 - as above
                posix.kill(-1 if posix.getpid() == 1 else -self.program, signals.SIGKILL)
            except OSError:
                pass  # nobody is left


def start(job: dict[str, Any], killer: Killer, stdin: int, stdout: int, stderr: int) -> int:
    """Start the program and return its process id. OSError where that failed, in which case nothing runs."""
    told, tell = posix.pipe()  # closed by a successful exec
    pid = posix.fork()
    if pid == 0:
        try:
            posix.setsid()
            for target, fd in enumerate((stdin, stdout, stderr)):
                posix.dup2(fd, target)
            for number in (signals.SIGPIPE, signals.SIGINT, signals.SIGTERM, signals.SIGXFSZ):
                signals.signal(number, signals.SIG_DFL)
            posix.chdir(job["folder"])
            posix.closerange(3, tell)
            posix.closerange(tell + 1, DESCRIPTORS)
            apply_limits(job["limits"])
            posix.execve(job["argv"][0], job["argv"], job["environment"])
        except BaseException as error:  # whatever it is, the program did not run
            posix.write(tell, b"%d" % (getattr(error, "errno", None) or errno.EINVAL))
        finally:
            posix._exit(127)
    killer.watch(pid)
    posix.close(tell)
    problem = read_all(told)
    posix.close(told)
    if problem:
        posix.waitpid(pid, 0)
        raise OSError(int(problem), "exec")
    return pid


def wait_for(program: int) -> int:
    """Reap whatever dies until `program` does; return its wait status."""
    while True:
        pid, status = posix.waitpid(-1, 0)
        if pid == program:
            return status


def kill_rest(killer: Killer) -> None:
    """Kill and reap everything that is left."""
    while True:
        killer.kill()
        try:
            posix.waitpid(-1, 0)
        except ChildProcessError:
            return


def main() -> None:
    """Do one job."""
    go, payload, stdin, stdout, stderr, report = map(int, sys.argv[1:7])
    signals.signal(signals.SIGINT, signals.SIG_IGN)
    if posix.read(go, 1) != b"g":
        return  # whoever wanted this is gone, or wants it no longer
    killer = Killer(go)
    job = marshal.loads(read_all(payload))  # noqa: S302 - from the host, which started us
    try:
        lay_out(job["folder"], job["files"])
    except OSError as error:
        write_all(report, b"failed layout %d\n" % (error.errno or 0))
        return
    write_all(report, b"ready\n")
    begun = time.monotonic()
    try:
        program = start(job, killer, stdin, stdout, stderr)
    except OSError as error:
        write_all(report, b"failed exec %d\n" % (error.errno or 0))
        return
    write_all(report, b"started %d\n" % program)
    for fd in (stdin, stdout, stderr):
        posix.close(fd)
    status = wait_for(program)
    wall = time.monotonic() - begun
    kill_rest(killer)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    told = f"ended {status} {cpu:.6f} {used.ru_maxrss * 1024} {wall:.6f}\n"
    write_all(report, told.encode())
    hand_out(report, job["folder"], job["collect"], job["most"])
    write_all(report, b"done\n")


if __name__ == "__main__":
    main()
