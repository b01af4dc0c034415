"""Tools for the files of one folder: read, write, edit, list. No path leaves the folder; see `roots`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from backedge.providers.messages import Image

from .errors import ToolError
from .roots import Root
from .tool import AnyTool, tool

_PICTURES: Final = {
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}
_SHOWN: Final = 16_000
"""Characters of a file that are shown at once."""
_MOST: Final = 500
"""Entries of a folder that are listed at once."""

Where = Annotated[str, Field(description="Path relative to the folder, such as 'src/main.py'")]


def file_tools(root: Root, *, write: bool = True) -> tuple[AnyTool, ...]:
    """``list_files``, ``read_file`` and, where `write` says so, ``write_file`` and ``edit_file`` in one folder.

    Example::

        Agent(model, tools=file_tools(Root("project")), instructions="...")
    """
    reading = (_list_files(root), _read_file(root))
    return (*reading, _write_file(root), _edit_file(root)) if write else reading


def _list_files(root: Root) -> AnyTool:
    @tool(permission="read", timeout=30)
    def list_files(
        path: Annotated[str, Field(description="The folder; '.' for the topmost one")] = ".",
        depth: Annotated[int, Field(ge=1, le=20, description="How many folders deep")] = 1,
    ) -> str:
        """List the files and folders in a folder, with their sizes in bytes."""
        found, more = root.entries(path, depth=depth, most=_MOST)
        lines = [
            f"{one.path}/"
            if one.kind == "folder"
            else f"{one.path} ({one.size if one.kind == 'file' else one.kind})"
            for one in found
        ]
        if more:
            lines.append(f"[cut: these are the first {_MOST}; list a folder in it, or less deep]")
        return "\n".join(lines) or "(nothing)"

    return list_files


def _read_file(root: Root) -> AnyTool:
    @tool(permission="read", timeout=30)
    def read_file(
        path: Where,
        line: Annotated[int, Field(ge=1, description="The first line to show")] = 1,
        lines: Annotated[int, Field(ge=1, description="How many lines to show at most")] = 2000,
    ) -> str | Image:
        """Read a text file, or look at a picture."""
        content = root.read(path)
        kind = _PICTURES.get(path.rpartition(".")[2].lower())
        if kind is not None:
            return Image(media_type=kind, data=content)
        return _excerpt(path, _text(path, content), line, lines)

    return read_file


def _write_file(root: Root) -> AnyTool:
    @tool(permission="write", safety="idempotent", timeout=30)
    def write_file(path: Where, text: Annotated[str, Field(description="The whole content")]) -> str:
        """Write a text file, whole. A file that is there is replaced, folders on the way are made."""
        content = text.encode()
        with root.changing:
            replaced = root.write(path, content)
        return f"{'replaced' if replaced else 'made'} {path}: {len(content)} bytes"

    return write_file


def _edit_file(root: Root) -> AnyTool:
    @tool(permission="write", timeout=30)
    def edit_file(
        path: Where,
        old: Annotated[
            str, Field(min_length=1, description="Text to replace, exactly as it stands in the file")
        ],
        new: Annotated[str, Field(description="What to put in its place")],
        everywhere: Annotated[
            bool, Field(description="Replace it wherever it stands, not in one place")
        ] = False,
    ) -> str:
        """Replace a piece of a text file. It must stand there once, unless it is to be replaced everywhere."""
        with root.changing:
            count, text = _replaced(path, _text(path, root.read(path)), old, new, everywhere=everywhere)
            root.write(path, text.encode())
        return f"replaced {count} {'place' if count == 1 else 'places'} in {path}"

    return edit_file


def _replaced(path: str, text: str, old: str, new: str, *, everywhere: bool) -> tuple[int, str]:
    """How often a text holds another one, and what it is with it replaced."""
    if "\r\n" in text and "\r" not in old:  # models write lines as Unix ends them
        old, new = old.replace("\n", "\r\n"), new.replace("\r\n", "\n").replace("\n", "\r\n")
    count = text.count(old)
    if not count:
        raise ToolError(f"{path} does not hold that text; read it again, spaces and line ends count")
    if count > 1 and not everywhere:
        raise ToolError(f"{path} holds that text {count} times; give more of what stands around it")
    return count, text.replace(old, new)


def _text(path: str, content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ToolError(f"{path} is no text: {len(content)} bytes of something else")
    return text


def _excerpt(path: str, text: str, line: int, lines: int) -> str:
    """Some lines of a text; what is left out is told, and how to see it."""
    every = text.splitlines(keepends=True)
    if line > max(1, len(every)):
        raise ToolError(f"{path} has {len(every)} lines, there is no line {line}")
    shown = ""
    last = line - 1
    for one in every[line - 1 : line - 1 + lines]:
        if shown and len(shown) + len(one) > _SHOWN:
            break
        shown += one
        last += 1
    if len(shown) > _SHOWN:
        return f"{shown[:_SHOWN]}\n[cut: line {line} has {len(shown)} characters]"
    if last < len(every):
        shown += f"\n[these are lines {line} to {last} of {len(every)}; go on with line={last + 1}]"
    return shown
