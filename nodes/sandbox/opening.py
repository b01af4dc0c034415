"""Sandboxes by name."""

from __future__ import annotations

from collections.abc import Callable

from .bubblewrap import BubblewrapSandbox
from .errors import SandboxError
from .protocol import Sandbox
from .unisolated import SubprocessSandbox


def open_sandbox(name: str = "bubblewrap", *, python: str | None = None) -> Sandbox:
    """Open a sandbox.

    There is no falling back: a machine without bubblewrap gets an error, never silently no isolation.

    Args:
        name: ``bubblewrap``, or ``subprocess`` for no isolation at all.
        python: The interpreter that programs run with, with its packages; ours by default.

    Raises:
        SandboxUnavailableError: This kind cannot work on this machine; the message says what to do.
        SandboxError: There is no kind of this name.

    Example:
        >>> sandbox = open_sandbox("subprocess")
    """
    kinds: dict[str, Callable[[], Sandbox]] = {
        "bubblewrap": lambda: BubblewrapSandbox(python=python),
        "subprocess": lambda: SubprocessSandbox(python=python),
    }
    if name not in kinds:
        raise SandboxError(f"there is no sandbox {name!r}; there are {', '.join(map(repr, kinds))}")
    return kinds[name]()
