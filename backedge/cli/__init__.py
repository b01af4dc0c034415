"""The command line: ``backedge run|check|render|runs|show|resume|repair``.

`docs/cli.md` describes it for users, exit codes included. The package is laid out so that ``--help`` loads no command
(`backedge.cli.app`), everything that can go wrong becomes one line and one exit code in one place
(`backedge.cli.problems`), and what a user names is looked up in one (`backedge.cli.target`).
"""

from __future__ import annotations

from .app import cli, main

__all__ = ["cli", "main"]
