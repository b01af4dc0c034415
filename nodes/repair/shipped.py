"""The harness as it goes into a sandbox: its sources, and beside them what they compile to.

A sandbox starts empty, so an interpreter in it would compile the harness each time. It finds the code where it looks
for it, in ``__pycache__``, under the name and with the mark of the version it was compiled for; an interpreter of
another version passes it over and reads the sources. The code is made here, from the sources at hand, and only goes
in: nothing that comes out of a sandbox is ever loaded.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from types import MappingProxyType

FOLDER = ".backedge/inside"
"""Where it lies, below the working folder."""

START = f"{FOLDER}/start.py"
"""The program to run."""

AS_IT_IS = (0b01).to_bytes(4, "little")
"""The mark of code that belongs to the source beside it, whatever the time of that (PEP 552)."""


@cache
def harness() -> Mapping[str, bytes]:
    """The files by their paths. Made once for all sandboxes of this process.

    Example:
        >>> START in harness()
        True
    """
    laid_out = {}
    for entry in files(f"{__package__}.inside").iterdir():
        if entry.name.endswith(".py"):
            path, source = f"{FOLDER}/{entry.name}", entry.read_bytes()
            laid_out[path] = source
            laid_out[cache_from_source(path, optimization="")] = compiled(source, path)
    return MappingProxyType(laid_out)


def compiled(source: bytes, path: str) -> bytes:
    """What the interpreter would write to its cache for a source file, but true at any time.

    Args:
        source: The file's content.
        path: The path that tracebacks name.
    """
    code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    return MAGIC_NUMBER + AS_IT_IS + source_hash(source) + marshal.dumps(code)
