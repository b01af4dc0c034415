"""The body of a whole answer, read strictly: what a lenient reading would leave out is missed by nobody but its owner."""

from __future__ import annotations

import json
from typing import Any, Final


def read_body(content: bytes) -> Any:
    """What a body says as JSON, or the text it is when it does not even begin like JSON, such as a page of HTML.

    Raises:
        ValueError: It is broken, too deep, or has a key twice, of which a reader would have to leave one out.

    Example::

        read_body(b'{"city": "Ulm", "city": "Bonn"}')  # ValueError: the key 'city' comes twice in it
    """
    try:
        encoding = "utf-8" if content.startswith(_OBJECTS) else json.detect_encoding(content)
        return _DECODER.decode(content.decode(encoding, "surrogatepass"))
    except UnicodeDecodeError as error:
        problem = f"it is not JSON: {error.reason} at byte {error.start}"
    except json.JSONDecodeError as error:
        problem = f"it is not JSON: {error}"
    except RecursionError:
        problem = "its JSON is nested too deeply"
    text = content.decode(errors="replace")
    if not text.lstrip().startswith(("{", "[")):
        return text
    raise ValueError(problem)


def reason_of(error: Exception) -> str:
    """Why an answer could not be read, in one line; errors of our own say all there is to say."""
    words = " ".join(str(error).split())
    return words if type(error) is ValueError else f"{type(error).__name__}: {words}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} comes twice in it")
    return found


_OBJECTS: Final = (b'{"', b"{\n", b"{ ")
"""How most bodies begin; other encodings write their first two characters otherwise."""

_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once)  # made once: that takes as long as a small answer
