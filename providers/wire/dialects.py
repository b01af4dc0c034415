"""How the endpoints that speak Chat Completions differ: one table, one line for each that wants something else.

What is not said of an endpoint is as most have it. An endpoint is known by its host, so a gateway, a local server or a
new provider works without a line of its own; whoever knows better gives a `Dialect`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

Thought: TypeAlias = Literal[
    "reasoning_content", "reasoning", "reasoning_details", "extra_content", "content"
]
"""Where in an assistant's message an endpoint puts the model's thoughts (``content``: as a part of the content)."""

ALL_THOUGHTS: frozenset[Thought] = frozenset(
    {"reasoning_content", "reasoning", "reasoning_details", "extra_content", "content"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What an endpoint wants otherwise than others.

    Attributes:
        max_tokens: The parameter that limits the answer.
        effort: How it is told how much to think: ``reasoning_effort``, or inside an object ``reasoning``.
        thoughts: The forms of thoughts that it takes back; others are left out, since some refuse what they do not
            know.
        thoughts_needed: Whether a message with tool calls must say what was thought, be it nothing.
        output: ``json_schema`` where answers can be held to a schema; ``json_object`` where only to JSON: then the
            schema is told in words.
        files: How documents are given; empty where they cannot be.
        usage_on_request: Whether a stream tells its usage only when asked to.
        short_ids: Whether ids of tool calls must be nine letters and digits.
        key_header: The header that carries the key in place of ``Authorization``.
        costs: Whether ``usage.cost`` is the price in US dollars.
    """

    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    effort: Literal["reasoning_effort", "reasoning"] = "reasoning_effort"
    thoughts: frozenset[Thought] = ALL_THOUGHTS
    thoughts_needed: bool = False
    output: Literal["json_schema", "json_object"] = "json_schema"
    files: Literal["file", "document_url", ""] = "file"
    usage_on_request: bool = True
    short_ids: bool = False
    key_header: str = ""
    costs: bool = False


_NONE: frozenset[Thought] = frozenset()
_OPENAI = Dialect(max_tokens="max_completion_tokens", thoughts=_NONE)
_GATEWAY = Dialect(effort="reasoning", thoughts=frozenset({"reasoning_details", "reasoning"}), costs=True)
_CONTENT: frozenset[Thought] = frozenset({"reasoning_content"})

_BY_HOST: tuple[tuple[str, Dialect], ...] = (
    ("api.openai.com", _OPENAI),
    ("openai.azure.com", replace(_OPENAI, key_header="api-key")),
    ("services.ai.azure.com", Dialect(thoughts=_NONE, key_header="api-key")),
    ("openrouter.ai", _GATEWAY),
    ("ai-gateway.vercel.sh", _GATEWAY),
    ("generativelanguage.googleapis.com", Dialect(thoughts=frozenset({"extra_content"}))),
    (
        "mistral.ai",
        Dialect(
            thoughts=frozenset({"content"}),
            files="document_url",
            usage_on_request=False,
            short_ids=True,
        ),
    ),
    ("deepseek.com", Dialect(thoughts=_CONTENT, thoughts_needed=True, output="json_object", files="")),
    ("z.ai", Dialect(thoughts=_CONTENT, output="json_object")),
    ("x.ai", Dialect(thoughts=_CONTENT)),
    (
        "groq.com",
        Dialect(max_tokens="max_completion_tokens", thoughts=frozenset({"reasoning"}), files=""),
    ),
    (
        "cerebras.ai",
        Dialect(max_tokens="max_completion_tokens", thoughts=frozenset({"reasoning"}), files=""),
    ),
    ("perplexity.ai", Dialect(thoughts=_NONE)),
    ("together.ai", Dialect(thoughts=_NONE, files="")),
    ("together.xyz", Dialect(thoughts=_NONE, files="")),
    ("huggingface.co", Dialect(thoughts=_NONE, files="")),
)


def dialect_of(base_url: str) -> Dialect:
    """What is known of the endpoint at an address; of an unknown host, what most have.

    Example::

        dialect_of("https://api.mistral.ai/v1").short_ids  # True
    """
    host = (urlsplit(base_url).hostname or "").lower()
    for ending, dialect in _BY_HOST:
        if host == ending or host.endswith(f".{ending}"):
            return dialect
    return Dialect()
