"""A tool that searches the files of one folder, by name and by content."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from .errors import ToolError
from .roots import Root, split
from .tool import AnyTool, tool

_PROGRAM: Final = Path(__file__).with_name("searching.py")
_MEMORY: Final = 2 * 1024 * 1024 * 1024
_WIDTH: Final = 240
_GRACE: Final = 2.0
"""Seconds that a search may take beyond its time until it is killed: a single expression may take for ever."""


def search_tool(
    root: Root, *, most: int = 100, largest: int = 4 * 1024 * 1024, seconds: float = 10.0
) -> AnyTool:
    """``search_files``: a text or a regular expression in the files of a folder, or in their names.

    Files that are binary or too large are skipped, which is told; links are not followed; ``.git`` is left out, and
    what is hidden unless asked for.

    Args:
        root: The folder.
        most: Findings at most.
        largest: Bytes of a file that is looked into.
        seconds: How long a search may take.

    Example::

        Agent(model, tools=[search_tool(Root("project"))], instructions="...")
    """

    @tool(permission="read")
    async def search_files(
        query: Annotated[str, Field(min_length=1, max_length=1000, description="What to find in a line")],
        regex: Annotated[bool, Field(description="Whether it is a Python regular expression")] = False,
        names: Annotated[bool, Field(description="Search the paths of files instead of their lines")] = False,
        glob: Annotated[
            str, Field(max_length=200, description="Files to look at: '*.py', 'src/**/*.md'")
        ] = "*",
        path: Annotated[str, Field(description="The folder to begin in")] = ".",
        ignore_case: bool = False,
        hidden: Annotated[bool, Field(description="Look at hidden files, too")] = False,
    ) -> str:
        """Search files for a text: path, line number and line of each finding."""
        asked = {
            "query": query,
            "regex": regex,
            "names": names,
            "glob": glob,
            "ignore_case": ignore_case,
            "hidden": hidden,
            "prefix": "/".join(split(path)),
            "most": most,
            "largest": largest,
            "seconds": seconds,
            "width": _WIDTH,
            "memory": _MEMORY,
        }
        return _told(await _asked(root, path, asked, seconds + _GRACE))

    return search_files


async def _asked(root: Root, path: str, asked: dict[str, Any], seconds: float) -> dict[str, Any]:
    """What the program says; it is killed when it takes too long or nobody waits for it any more."""
    with root.opened(path) as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-X", "utf8", str(_PROGRAM), str(folder)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=(folder,),
            env={},
        )
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate(json.dumps(asked).encode())
    except TimeoutError:
        raise ToolError(
            f"the search took longer than {seconds:g} seconds and was ended; a simpler expression may do"
        ) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()
    if process.returncode:
        last = (errors.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
        raise ToolError(f"the search ended with status {process.returncode}: {last}")
    answer: dict[str, Any] = json.loads(output)
    if "error" in answer:
        raise ToolError(f"{asked['query']!r} is no regular expression: {answer['error']}")
    return answer


def _told(answer: dict[str, Any]) -> str:
    lines = [":".join(map(str, one)) for one in answer["found"]]
    if not lines:
        lines.append(f"nothing found in {answer['files']} files")
    if answer["stopped"]:
        lines.append(f"[stopped {answer['stopped']}: there may be more; narrow it down]")
    skipped = ", ".join(f"{count} {why}" for why, count in answer["skipped"].items() if count)
    if skipped:
        lines.append(f"[skipped: {skipped}]")
    return "\n".join(lines)
