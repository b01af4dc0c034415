"""What can go wrong with a sandbox itself. How a program in it ended is no error but an `Outcome`.

::

    SandboxError                       the sandbox could not do its work
    └── SandboxUnavailableError        it cannot work on this machine, and what to install or to switch on
"""

from __future__ import annotations

from backedge.engine.errors import BackedgeError


class SandboxError(BackedgeError):
    """The sandbox could not do its work; nothing is said about the program."""


class SandboxUnavailableError(SandboxError):
    """This kind of sandbox cannot work on this machine. The message says what to do about it."""

    def __init__(self, backend: str, found: str, remedy: str) -> None:
        self.backend = backend
        self.found = found
        self.remedy = remedy
        super().__init__(
            f"the {backend} sandbox cannot run here: {found}; {remedy}, or ask for a sandbox without "
            f'isolation by name: open_sandbox("subprocess") (only for programs you trust)'
        )
