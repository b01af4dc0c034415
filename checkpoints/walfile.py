"""Whether a write-ahead log is whole, from its bytes alone.

SQLite reads a log up to the first frame whose checksum does not match and takes that for its end, in silence: a crash
leaves such ends. Damage looks the same, so this says what SQLite passes over. The format and its checksum are described
in https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

_HEADER = 32
_FRAME = 24
_MAGIC = (0x377F0682, 0x377F0683)  # the last bit says that sums are over big-endian words


def passed_over(log: bytes) -> str | None:
    """What SQLite will not read of a log although it belongs to it; None where that is nothing.

    Args:
        log: The content of the ``-wal`` file.
    """
    if not log:
        return None
    if len(log) < _HEADER:
        return "the write-ahead log is cut off in its first line of bytes; what it held is lost"
    magic, _, page, _, salt1, salt2, *told = struct.unpack_from(">8I", log)
    order = ">" if magic & 1 else "<"
    sums = _sums(order, log[:24], (0, 0))
    if magic not in _MAGIC or list(sums) != told:
        return "the write-ahead log's header is damaged; what was written since the last checkpoint is lost"
    size = _FRAME + page
    for good, at in enumerate(range(_HEADER, len(log) - size + 1, size)):
        if struct.unpack_from(">2I", log, at + 8) != (salt1, salt2):
            break  # left over from before the last checkpoint
        sums = _sums(order, log[at : at + 8] + log[at + _FRAME : at + size], sums)
        if struct.unpack_from(">2I", log, at + 16) != sums:
            return _broken(log, at, size, (salt1, salt2), good)
    return None


def _broken(log: bytes, at: int, size: int, salts: tuple[int, int], good: int) -> str | None:
    later = range(at, len(log) - size + 1, size)
    ours = [place for place in later if struct.unpack_from(">2I", log, place + 8) == salts]
    commits = sum(struct.unpack_from(">I", log, place + 4)[0] > 0 for place in ours)
    if not commits:
        return None  # a transaction that was not finished
    return (
        f"the write-ahead log cannot be read behind page {good}: {commits} transactions there are lost, "
        f"unless a crash left them unfinished"
    )


def _sums(order: str, content: bytes, start: tuple[int, int]) -> tuple[int, int]:
    first, second = start
    words: Iterable[int] = struct.unpack(f"{order}{len(content) // 4}I", content)
    pairs = iter(words)
    for one, two in zip(pairs, pairs, strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second
