"""Keys: where they come from, and how they are kept out of everything that is written or shown.

A key comes from an explicit argument or from the environment, and from nowhere else. Servers echo keys in their errors,
programs print their environment: so text that leaves us passes through `without_keys`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from .shapes import MASK, carried, google_key, provider_key

VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "mistral": ("MISTRAL_API_KEY",),
    "ollama": ("OLLAMA_API_KEY",),
    "vllm": ("VLLM_API_KEY",),
    "compatible": ("COMPATIBLE_API_KEY",),
}
"""Where each provider's key is looked for, in this order."""

_SHORTEST = 8  # what is shorter is no secret, and would be found inside words
_SHAPES = re.compile("|".join((provider_key(20), google_key(30), carried("bearer", 8))))


def variable_with_key(provider: str) -> str | None:
    """The environment variable in which a provider's key stands, if one does; an empty one counts as none."""
    return next((name for name in VARIABLES.get(provider, ()) if os.environ.get(name, "").strip()), None)


def key_from_environment(provider: str) -> str | None:
    """A provider's key, if it is set."""
    name = variable_with_key(provider)
    return None if name is None else os.environ[name].strip()


def known_keys() -> list[str]:
    """Every key that the environment holds."""
    names = {name for names in VARIABLES.values() for name in names}
    return [value for name in sorted(names) if (value := os.environ.get(name, "").strip())]


def without_keys(text: str, keys: Iterable[str] = ()) -> str:
    """The text without these keys, without those of the environment, and without what has the shape of one.

    >>> without_keys("Incorrect API key: sk-abcdefghijklmnopqrstuvwx", ())
    'Incorrect API key: [key]'
    """
    for key in (*keys, *known_keys()):
        if len(key) >= _SHORTEST and key in text:
            text = text.replace(key, MASK)
    return _SHAPES.sub(MASK, text)


def cleaned(value: Any, keys: Iterable[str] = ()) -> Any:
    """`without_keys` for every string in a JSON value, but for the content of pictures and files."""
    known = tuple(keys)
    if isinstance(value, str):
        return without_keys(value, known)
    if isinstance(value, dict):
        content = {"data"} if "media_type" in value else ()
        return {name: item if name in content else cleaned(item, known) for name, item in value.items()}
    if isinstance(value, list):
        return [cleaned(item, known) for item in value]
    return value
