"""A google-style docstring, taken apart: what a function does, and what its parameters mean."""

from __future__ import annotations

import inspect
import re
from typing import Final, NamedTuple

_SECTION: Final = re.compile(
    r"(Args|Arguments|Parameters|Attributes|Returns?|Yields?|Raises|Examples?|Notes?|Todo|See Also|References"
    r"|Warnings?|Keyword Args|Keyword Arguments|Other Parameters|Warns):{1,2}\s*"
)
_PARAMETERS: Final = {
    "Args",
    "Arguments",
    "Parameters",
    "Keyword Args",
    "Keyword Arguments",
    "Other Parameters",
}
_ENTRY: Final = re.compile(r"\*{0,2}(\w+)\s*(?:\(.*?\))?\s*:(?:\s+|$)(.*)")


class Docstring(NamedTuple):
    """What a docstring says.

    Attributes:
        description: Everything before the first section.
        parameters: What is said about each parameter, in one line.
    """

    description: str
    parameters: dict[str, str]


def read_docstring(text: str | None) -> Docstring:
    r"""Take a docstring apart.

    >>> read_docstring("Add.\n\nArgs:\n    a: One\n        number.\n    b (int): Another.").parameters
    {'a': 'One number.', 'b': 'Another.'}
    """
    description: list[str] = []
    parameters: list[str] = []
    current: list[str] | None = description
    for line in inspect.cleandoc(text or "").splitlines():
        if section := _SECTION.fullmatch(line):
            current = parameters if section[1] in _PARAMETERS else None
        elif current is None and line and not line[0].isspace():
            current = None  # text at the margin after a section still belongs to no parameter
        elif current is not None:
            current.append(line)
    return Docstring("\n".join(description).strip(), _entries(parameters))


def _entries(lines: list[str]) -> dict[str, str]:
    """The entries of a section: each begins at the section's own indentation, what is deeper goes on with it."""
    found: dict[str, list[str]] = {}
    depth = min((_indent(line) for line in lines if line.strip()), default=0)
    entry: list[str] | None = None
    for line in lines:
        if line.strip() and _indent(line) == depth:
            begun = _ENTRY.fullmatch(line.strip())
            entry = found.setdefault(begun[1], [begun[2]]) if begun else entry
            if begun:
                continue
        if entry is not None:
            entry.append(line.strip())
    return {name: " ".join(part for part in parts if part) for name, parts in found.items()}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
