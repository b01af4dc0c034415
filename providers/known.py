"""The providers that models have names of: where they are, what they speak, what they need."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

from .keys import VARIABLES


@dataclass(frozen=True, slots=True)
class Provider:
    """Who answers, and over which wire.

    Attributes:
        name: What stands before the colon.
        wire: The API it speaks.
        package: The client that is needed; also the name of the extra that installs it.
        base_url: Where it is, if nothing else is said; empty where the name has to say it.
        needs_key: Whether it answers nobody without a key.
    """

    name: str
    wire: Literal["responses", "chat", "anthropic"]
    package: str
    base_url: str
    needs_key: bool = True

    @property
    def variables(self) -> tuple[str, ...]:
        """Environment variables in which its key is looked for."""
        return VARIABLES[self.name]

    @property
    def installed(self) -> bool:
        """Whether its client is installed; nothing is loaded to find out."""
        try:
            return importlib.util.find_spec(self.package) is not None
        except (ImportError, ValueError):  # somebody hides it, or has put something else in its place
            return False

    @property
    def address(self) -> str:
        """Where it is: what the environment says, or where it usually is."""
        return os.environ.get(f"{self.name.upper()}_BASE_URL", "").strip() or self.base_url


PROVIDERS: Final[Mapping[str, Provider]] = {
    one.name: one
    for one in (
        Provider("openai", "responses", "openai", "https://api.openai.com/v1"),
        Provider("anthropic", "anthropic", "anthropic", "https://api.anthropic.com"),
        Provider("openrouter", "chat", "openai", "https://openrouter.ai/api/v1"),
        Provider("gemini", "chat", "openai", "https://generativelanguage.googleapis.com/v1beta/openai/"),
        Provider("mistral", "chat", "openai", "https://api.mistral.ai/v1"),
        Provider("ollama", "chat", "openai", "http://localhost:11434/v1", needs_key=False),
        Provider("vllm", "chat", "openai", "http://localhost:8000/v1", needs_key=False),
        Provider("compatible", "chat", "openai", "", needs_key=False),
    )
}
"""All providers that are called over the network."""

FORMS: Final = (
    *(f"{name}:NAME" for name in PROVIDERS if name != "compatible"),
    *("compatible:NAME@URL", "scripted:PATH", "replay:PATH"),
)
"""What names look like."""


def shown_address(url: str) -> str:
    """An address without what may be secret in it: user, password, and parameters."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
