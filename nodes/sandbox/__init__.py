r"""Places to run programs one does not trust.

Example:
    >>> import asyncio
    >>> from backedge.nodes.sandbox import Program, open_sandbox
    >>> async def main() -> bytes:
    ...     sandbox = open_sandbox()
    ...     try:
    ...         outcome = await sandbox.run(Program(argv=("python", "-c", "print(6 * 7)")))
    ...     finally:
    ...         await sandbox.close()
    ...     return outcome.stdout
    >>> asyncio.run(main())
    b'42\n'
"""

from __future__ import annotations

from .bubblewrap import BubblewrapSandbox
from .errors import SandboxError, SandboxUnavailableError
from .opening import open_sandbox
from .protocol import Ended, Limits, Outcome, Program, Sandbox
from .unisolated import SubprocessSandbox

__all__ = [
    "BubblewrapSandbox",
    "Ended",
    "Limits",
    "Outcome",
    "Program",
    "Sandbox",
    "SandboxError",
    "SandboxUnavailableError",
    "SubprocessSandbox",
    "open_sandbox",
]
