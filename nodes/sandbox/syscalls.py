"""The system calls a sandboxed program may not make, as a filter the kernel runs.

What is refused has no place in a program that computes, and is where holes in the kernel were found, or where
memory could be had that no other limit counts. Everything else is allowed: a list of what *is* allowed would be
tighter, and would break with every new C library.
"""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from collections.abc import Callable, Iterator

from .errors import SandboxUnavailableError

NOT_THERE = (  # answered as by a kernel without it, so that libraries fall back to what they did before
    "bpf kcmp kexec_file_load kexec_load memfd_create mq_getsetattr mq_notify mq_open mq_timedreceive "
    "mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd perf_event_open process_vm_readv process_vm_writev "
    "semctl semget semop semtimedop shmat shmctl shmdt shmget userfaultfd"
)
NOT_ALLOWED = (
    "_sysctl acct add_key adjtimex chroot clock_adjtime clock_settime create_module delete_module fanotify_init "
    "fanotify_mark finit_module get_kernel_syms init_module ioperm iopl ioprio_set keyctl lookup_dcookie mbind "
    "migrate_pages modify_ldt mount move_pages name_to_handle_at nfsservctl open_by_handle_at personality "
    "pivot_root ptrace query_module quotactl reboot request_key set_mempolicy setdomainname sethostname setns "
    "settimeofday stime swapoff swapon sysfs syslog umount umount2 unshare uselib ustat vhangup vm86 vm86old "
    "vmsplice"
)
# From 424 on, a call has the same number on every machine. Most of what came since has no place here (io_uring,
# the mount family, clone3 whose flags no filter can see), and what will come nobody knows: so of these only the
# listed ones are there, whether or not libseccomp knows their names.
NEW_CALLS = range(424, 512)
NEW_CALLS_ALLOWED = {
    424: "pidfd_send_signal",
    434: "pidfd_open",
    436: "close_range",
    437: "openat2",
    439: "faccessat2",
    441: "epoll_pwait2",
    449: "futex_waitv",
    451: "cachestat",
    452: "fchmodat2",
    453: "map_shadow_stack",
    454: "futex_wake",
    455: "futex_wait",
    456: "futex_requeue",
    462: "mseal",
}
NEW_NAMESPACES = {  # flags of clone
    "time": 0x00000080,
    "mount": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}
TERMINAL_TRICKS = (0x5412, 0x541C)  # ioctls TIOCSTI and TIOCLINUX: typing into somebody's terminal
LOW_WORD = 0xFFFFFFFF  # the kernel looks at no more of these arguments, so neither must the filter


def compile_filter() -> bytes:
    """The filter as the program for the kernel that ``bwrap --seccomp`` takes.

    Raises:
        SandboxUnavailableError: libseccomp is missing.
    """
    try:
        # Imported here because it loads libseccomp, which only this sandbox needs.
        import pyseccomp as seccomp
    except (ImportError, RuntimeError, OSError) as missing:
        raise SandboxUnavailableError(
            "bubblewrap",
            f"libseccomp cannot be loaded ({missing})",
            "install it (Debian: apt install libseccomp2)",
        ) from missing
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for number, error in _refused(seccomp.Arch.NATIVE, seccomp.resolve_syscall):
        rules.add_rule(seccomp.ERRNO(error), number)
    refuse = seccomp.ERRNO(errno.EPERM)
    for flag in NEW_NAMESPACES.values():
        rules.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    for request in TERMINAL_TRICKS:
        rules.add_rule(refuse, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, LOW_WORD, request))
    # The limits of another process are not the program's to change: the supervisor's least of all.
    rules.add_rule(refuse, "prlimit64", seccomp.Arg(0, seccomp.NE, 0))
    no_family = seccomp.ERRNO(errno.EAFNOSUPPORT)
    for call in ("socket", "socketpair"):
        rules.add_rule(no_family, call, seccomp.Arg(0, seccomp.NE, socket.AF_UNIX))
    with tempfile.TemporaryFile() as program:
        rules.export_bpf(program)
        return os.pread(program.fileno(), os.fstat(program.fileno()).st_size, 0)


def _refused(machine: int, resolve: Callable[[int, str], int]) -> Iterator[tuple[int, int]]:
    """The calls that are refused whatever their arguments, by number, each with the error it gets."""
    for names, error in ((NOT_THERE, errno.ENOSYS), (NOT_ALLOWED, errno.EPERM)):
        for name in names.split():
            number = resolve(machine, name)
            if number >= 0:  # below: a call of other machines
                yield number, error
    for number in NEW_CALLS:
        if number not in NEW_CALLS_ALLOWED:
            yield number, errno.ENOSYS
