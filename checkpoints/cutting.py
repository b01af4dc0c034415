r"""Large strings inside a JSON value, cut out so that each is stored once, and put back.

A conversation with a picture in it is rewritten with every turn; the picture's base64 is the same string each time. So
the long strings of a large value are stored by their content's hash, and what is left of the value is small.

Nothing in the value tells where something was cut out: places are kept beside it, as offsets in bytes. So no string of
a user can be mistaken for one, and what is put back is the value to the byte, whatever it holds: a string here is every
other stretch between quotes that no backslash escapes; were it none, it would be put back all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Cut(NamedTuple):
    """A piece that was cut out of a value: its offset in the whole value, and what it is."""

    offset: int
    content: bytes


def cut(value: bytes, size: int) -> tuple[bytes, list[Cut]]:
    """The value without its strings of more than `size` bytes, and these, in order; quotes stay where they are.

    A value that is nothing but one string is left as it is.

    Example::

        cut(b'["a","bbbbbbbb"]', 4)  # (b'["a",""]', [Cut(6, b"bbbbbbbb")])
    """
    if value.startswith(b'"'):
        return value, []
    spans = _large(value, size)
    rest: list[bytes] = []
    at = 0
    for start, end in spans:
        rest.append(value[at:start])
        at = end
    rest.append(value[at:])
    return b"".join(rest), [Cut(start, value[start:end]) for start, end in spans]


def _large(value: bytes, size: int) -> list[tuple[int, int]]:
    """Where the large strings begin and end, without their quotes."""
    # Escaped quotes are masked, by as many bytes; so every other stretch between quotes is a string.
    masked = value.replace(b"\\\\", b"..").replace(b'\\"', b"..") if b"\\" in value else value
    lengths = [*map(len, masked.split(b'"'))]
    found: list[tuple[int, int]] = []
    if max(lengths) > size:
        at = 0
        for number, length in enumerate(lengths):
            if number % 2 and length > size:
                found.append((at, at + length))
            at += length + 1
    return found


def put_back(rest: bytes, cuts: Iterable[Cut]) -> bytes:
    """The value that `cut` was given.

    Raises:
        ValueError: The cuts are not those of this value.
    """
    pieces: list[bytes] = []
    at = made = 0
    for offset, content in cuts:
        step = offset - made
        if step < 0 or at + step > len(rest):
            raise ValueError(f"there is no place at {offset} for what was cut out")
        pieces += [rest[at : at + step], content]
        at += step
        made = offset + len(content)
    pieces.append(rest[at:])
    return b"".join(pieces)
