"""One program from start to outcome, the same for every backend that starts a supervisor."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from .errors import SandboxError
from .protocol import Outcome, Program
from .tree import Aim, Command, Descriptors, Hold, Tree
from .verdict import judge
from .wire import Report, encode_job

NO_ENVIRONMENT: Mapping[str, str] = {}


def environment_in(folder: str) -> dict[str, str]:
    """All that a program finds in its environment: nothing of ours, and the same for every run."""
    return {
        "HOME": folder,
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "TMPDIR": folder,
    }


def command_line(program: Program, python: str) -> tuple[str, ...]:
    """The program's command with ``python`` replaced by the interpreter.

    ``-I`` would ignore the hash seed, too; ``-s -P`` is the rest of it, and the environment is ours.
    """
    first, *rest = program.argv
    return (python, "-s", "-P", *rest) if first == "python" else program.argv


async def run_program(
    program: Program,
    *,
    aim: Aim,
    command: Callable[[Descriptors, Hold], Command],
    code: bytes,
    argv: tuple[str, ...],
    folder: str,
    rlimits: Mapping[str, tuple[int, int]],
) -> Outcome:
    """Run a program under a supervisor, to its end.

    Args:
        program: The program.
        aim: How to kill what the supervisor starts.
        command: Makes the command that starts the supervisor.
        code: The compiled supervisor.
        argv: The program's command.
        folder: The working folder, as the supervisor sees it.
        rlimits: The kernel's limits for the program's processes.

    Raises:
        SandboxError: The sandbox did not do its work.
    """
    limits = program.limits
    report = Report(collect=program.collect, most=limits.disk)
    job = encode_job(program, argv=argv, folder=folder, environment=environment_in(folder), limits=rlimits)
    tree = Tree(report, aim, wall=limits.wall, output=limits.output)
    try:
        tree.start(command, code=code, job=job, stdin=program.stdin, environment=NO_ENVIRONMENT)
        await tree.wait()
    except OSError as error:
        raise SandboxError(f"the sandbox cannot start a process: {error}") from error
    finally:
        await tree.close()
    return outcome_of(tree, program)


def outcome_of(tree: Tree, program: Program) -> Outcome:
    """What a finished tree means.

    Raises:
        SandboxError: It means that the sandbox itself failed.
    """
    report = tree.report
    if tree.problem is not None:
        raise SandboxError(tree.problem)
    if report.failed is not None:
        raise SandboxError(_not_started(program, *report.failed))
    stderr = bytes(tree.stderr)
    if tree.cut is None and not report.done:
        raise SandboxError(_broken(tree))
    ended, status = judge(
        cut=tree.cut, status=report.status or 0, cpu=report.cpu, stderr=stderr, limits=program.limits
    )
    told = report.status is not None  # by the supervisor, which knows of the program alone
    whole = tree.cut is None
    return Outcome(
        ended=ended,
        exit_status=status,
        stdout=bytes(tree.stdout),
        stderr=stderr,
        files=report.files if whole else {},
        refused=report.refused if whole else {},
        wall=report.wall if told else tree.wall,
        cpu=report.cpu if told else tree.cpu,
        memory=report.memory if told else tree.memory,
    )


def _not_started(program: Program, stage: str, number: int) -> str:
    why = os.strerror(number)
    if stage == "exec":
        return (
            f"{program.argv[0]!r} cannot be started in the sandbox ({why}): there is 'python', and what the "
            f"program's files lay into the working folder; nothing else of the host is there to run"
        )
    return f"the program's files cannot be laid out in the working folder: {why}"


def _broken(tree: Tree) -> str:
    code = os.waitstatus_to_exitcode(tree.status)
    how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
    said = tree.log.decode(errors="replace").strip()
    return f"the sandbox {how} before it told how the program ended" + (f": {said}" if said else "")
