"""The patch: how a candidate differs from the user's file."""

from __future__ import annotations

import difflib

from .models import Candidate, lines_of
from .spec import Specification


def patch(spec: Specification, candidate: Candidate, *, name: str | None = None) -> str:
    """A unified diff from the program to a candidate, as ``patch -p1`` and ``git apply`` take it.

    Only what the candidate changes is in it: comments, formatting and line ends elsewhere are the user's own.

    Args:
        spec: What was repaired.
        candidate: What it became.
        name: What to call the file; by default as the specification does.
    """
    before, after = (
        spec.mark + text.replace("\n", spec.newline) for text in (spec.source, candidate.source(spec.source))
    )
    return unified(before, after, name or spec.program)


def unified(before: str, after: str, name: str) -> str:
    """A unified diff of two texts, with the mark for a missing line break at the end."""
    lines = difflib.unified_diff(lines_of(before), lines_of(after), f"a/{name}", f"b/{name}")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
