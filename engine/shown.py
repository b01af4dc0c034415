"""Values in messages: cut to a line, and never an error of their own."""

from __future__ import annotations

from collections.abc import Iterable


def shown(value: object, most: int = 100) -> str:
    """A value for a message: its `repr`, cut to `most` characters.

    >>> shown("a" * 200, most=12)
    "'aaaaaaaa..."
    """
    try:
        text = repr(value)
    except Exception as broken:  # somebody else's __repr__
        text = f"<{type(value).__name__}, whose repr raises {type(broken).__name__}>"
    return text if len(text) <= most else f"{text[: most - 3]}..."


def listed(values: Iterable[object], most: int = 10) -> str:
    """Values one after the other, quoted; of many only the first.

    >>> listed(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    texts = [shown(value) for value in values]
    rest = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {rest} more" if rest > 0 else "")
