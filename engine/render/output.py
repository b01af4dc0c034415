"""Draws into a file: the suffix says how."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from ..compiler.compile import CompiledGraph
from ..errors import RenderError
from ..records import Record
from .compose import compose
from .data import as_json
from .dot import dot_source
from .mermaid import mermaid_source
from .picture import Picture
from .stacks import stack
from .svg import laid_out
from .text import outline

Output: TypeAlias = Callable[[Picture], str | bytes]


def _stacked(draw: Output) -> Output:
    return lambda picture: draw(stack(picture.drawn()))


OUTPUTS: Final[Mapping[str, Output]] = {
    ".svg": _stacked(partial(laid_out, kind="svg")),
    ".png": _stacked(partial(laid_out, kind="png")),
    ".pdf": _stacked(partial(laid_out, kind="pdf")),
    ".dot": _stacked(dot_source),
    ".gv": _stacked(dot_source),
    ".mmd": _stacked(mermaid_source),
    ".txt": _stacked(outline),
    ".json": as_json,
}
"""What draws each kind of file."""


def render(
    graph: CompiledGraph,
    path: str | os.PathLike[str],
    *,
    run_id: str | None = None,
    records: Sequence[Record] | None = None,
) -> None:
    """Draw a graph into a file; with records, a run of it. The file is there whole or not at all.

    Args:
        graph: The graph.
        path: The file; its suffix says what kind: .svg, .png, .pdf, .dot, .gv, .mmd, .txt, .json.
        run_id: What the run is called.
        records: The run's records, in order.

    Raises:
        RenderError: The suffix is unknown, `dot` is missing, or the file cannot be written.
    """
    target = Path(path)
    draw = OUTPUTS.get(target.suffix.lower())
    if draw is None:
        found = f"{target.suffix!r}" if target.suffix else "none"
        raise RenderError(
            f"cannot draw {str(target)!r}: its suffix is {found}; use one of {', '.join(OUTPUTS)}"
        )
    drawn = draw(compose(graph, run_id=run_id, records=records))
    _write(target, drawn.encode() if isinstance(drawn, str) else drawn)


def _write(target: Path, content: bytes) -> None:
    """Write beside it, then put it in its place: who looks meanwhile sees the old picture or the new one."""
    try:
        place = target.resolve()  # a link stays one
        if place.exists() and not place.is_file() and not place.is_dir():
            raise RenderError(f"cannot write {str(target)!r}: it is a device or a pipe; name a file")
        draft = place.with_name(f".{place.name[:200]}.{secrets.token_hex(4)}")
        try:
            with draft.open("xb") as file:
                file.write(content)
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, ValueError, RuntimeError) as error:  # a null character, a ring of links
        raise RenderError(f"cannot write {str(target)!r}: {_why(error, target)}") from error


def _why(error: Exception, target: Path) -> str:
    with suppress(OSError, ValueError, RuntimeError):
        place = target.resolve()
        if place.is_dir():
            return "it is a folder; name a file in it"
        if not place.parent.is_dir():
            return f"there is no folder {str(place.parent)!r}; make it first"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
