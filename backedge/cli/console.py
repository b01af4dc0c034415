"""Text on terminals and in pipes: consoles, tables, JSON, and keeping stdout to ourselves.

What users and models wrote is shown here, so nothing of it reaches a terminal as a control sequence (`printable`).
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import IO, Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH: Final = 400
"""Columns that a pipe has: enough that no line is folded."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise  # called while a BrokenPipeError is handled, which the group of commands knows


def console_for(stream: IO[str]) -> Console:
    """A console that takes text as it is: no markup, no guesses at what to highlight."""
    console = _Console(file=stream, markup=False, highlight=False, emoji=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def printable(text: str) -> str:
    """The text with control characters and the like spelled out, so that it cannot steer a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else _spelled(c) for c in text)


def _spelled(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def cut(text: str, width: int) -> str:
    """The text on one line, at most `width` characters."""
    line = printable(text.replace("\n", "\\n"))
    return line if len(line) <= width else line[: max(width - 3, 0)] + "..."


def complain(message: str, *, what: str = "error") -> None:
    """``error: …`` or ``warning: …`` on stderr; in colour where a person sees it and has not said NO_COLOR."""
    colours = sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    label = f"{what}:"
    if colours:
        label = click.style(label, fg="red" if what == "error" else "yellow", bold=True)
    sys.stderr.write(f"{label} {printable(message)}\n")


def say(message: str) -> None:
    """A line on stderr, for people."""
    sys.stderr.write(f"{printable(message)}\n")


def print_traceback(error: BaseException) -> None:
    """The traceback of an error, on stderr."""
    sys.stderr.write("".join(traceback.format_exception(error)))


# --------------------------------------------------------------------------- tables


def table(
    console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = ""
) -> None:
    """Print a table: drawn for people, in plain aligned columns for pipes.

    Args:
        console: Where to.
        columns: Their titles.
        rows: Their cells. The last column takes the room that is left.
        right: Titles, separated by blanks, of the columns to be aligned at the right.
    """
    aligned = set(right.split())
    clean = [[printable(cell.replace("\n", "\\n")) for cell in row] for row in rows]
    if not console.is_terminal:
        for line in _plain(columns, clean, aligned):
            console.file.write(f"{line}\n")
        return
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, title in enumerate(columns):
        last = number == len(columns) - 1
        drawn.add_column(
            title, justify="right" if title in aligned else "left", no_wrap=not last, overflow="fold"
        )
    for row in clean:
        drawn.add_row(*(Text(cell) for cell in row))
    console.print(drawn)


def _plain(columns: Sequence[str], rows: Sequence[Sequence[str]], aligned: set[str]) -> Iterator[str]:
    everything = [list(columns), *map(list, rows)]
    widths = [max(len(row[number]) for row in everything) for number in range(len(columns))]
    for row in everything:
        cells = (
            cell.rjust(width) if title in aligned else cell.ljust(width)
            for title, cell, width in zip(columns, row, widths, strict=True)
        )
        yield "  ".join(cells).rstrip()


def ago(seconds: float) -> str:
    """A span of time in its largest fitting unit: ``3 min``."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(int(seconds), 0)} s"


def span(seconds: float) -> str:
    """A duration: ``12.3 ms``, ``1.25 s``."""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 100 else f"{seconds:.0f} s"


# --------------------------------------------------------------------------- JSON


def strict(value: Any) -> Any:
    """The value with NaN and infinities, which JSON does not have, as strings."""
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    return value


def json_line(value: Any, *, indent: int | None = None) -> str:
    """Valid JSON, in whatever letters stdout has."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    text = json.dumps(strict(value), ensure_ascii=encoding != "utf8", allow_nan=False, indent=indent)
    return text if text.isascii() else _without_surrogates(text)


def _without_surrogates(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)


def print_json(console: Console, value: Any) -> None:
    """JSON for people: indented, coloured on a terminal."""
    text = json_line(value, indent=2)
    if console.is_terminal:
        console.print_json(printable(text))
    else:
        console.file.write(f"{text}\n")


@contextlib.contextmanager
def stdout_kept(keep: bool) -> Iterator[IO[str]]:
    """Stdout for our answer alone, if `keep`: whatever else is printed there meanwhile goes to stderr.

    Programs that nodes start are covered too, as the file descriptor is exchanged.
    """
    if not keep:
        yield sys.stdout
        return
    sys.stdout.flush()
    with contextlib.ExitStack() as stack:
        answer: IO[str] = sys.stdout
        with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):
            if sys.stdout.fileno() == 1:
                answer = stack.enter_context(os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding))
                os.dup2(2, 1)
                stack.callback(os.dup2, answer.fileno(), 1)
                stack.callback(sys.stdout.flush)
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield answer
