"""A tool that fetches pages from hosts on an allow list."""

from __future__ import annotations

import codecs
import re
import ssl
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final
from urllib.parse import urljoin

from pydantic import Field

from backedge.providers.messages import Image

from .addresses import Allowed, Target, target_of
from .errors import ToolDefinitionError, ToolError
from .exchange import Answer, Leash, Resolve, exchange, look_up
from .pages import words_of
from .threads import Threads
from .tool import AnyTool, tool

_HOPS: Final = 5
_PICTURES: Final = ("image/gif", "image/jpeg", "image/png", "image/webp")
_CHARSETS: Final = re.compile(
    r"utf-(8|16|32)|ascii|iso8859|cp\d|mac|koi8|euc_|shift_jis|big5|gb|hz$|iso2022|johab|ptcp|tis"
)
_TEXTUAL: Final = (
    "json",
    "xml",
    "javascript",
    "yaml",
    "toml",
    "x-www-form-urlencoded",
    "x-ndjson",
    "graphql",
)


def fetch_tool(
    allow: Sequence[str],
    *,
    private: bool = False,
    largest: int = 2 * 1024 * 1024,
    timeout: float = 20,
    tls: ssl.SSLContext | None = None,
    resolve: Resolve = look_up,
) -> AnyTool:
    """``fetch``: GET from the hosts of an allow list, and nobody else, whoever redirects there.

    Args:
        allow: Hosts such as ``example.org`` (https on 443), ``*.example.org`` (names in it), ``http://localhost:8000``.
        private: Whether addresses of this machine and of local networks may be asked.
        largest: Bytes of a page that are read.
        timeout: Seconds for all of it, redirects included.
        tls: What is trusted for https; by default what the system trusts.
        resolve: Looks up names.

    Raises:
        ToolDefinitionError: The list is empty, or holds what is no host.

    Example::

        Agent(model, tools=[fetch_tool(["docs.python.org", "*.wikipedia.org"])], instructions="...")
    """
    if isinstance(allow, str) or not allow:
        raise ToolDefinitionError("fetch_tool takes a list of hosts, such as allow=['example.org']")
    allowed = tuple(Allowed.of(entry) for entry in allow)
    threads = Threads("tool-fetch")

    @tool(
        permission="network",
        safety="idempotent",
        timeout=timeout,
        description="Fetch a page or a file over the web. Only these may be asked: "
        + ", ".join(map(str, allowed)),
    )
    async def fetch(
        url: Annotated[
            str, Field(max_length=8000, description="The whole address, such as https://example.org/page")
        ],
        raw: Annotated[bool, Field(description="Give HTML as it is instead of its words")] = False,
    ) -> str | list[str | Image]:
        target = target_of(url)
        for _ in range(_HOPS + 1):
            _check(target, allowed)
            leash = Leash()
            ask = partial(
                exchange,
                target,
                resolve=resolve,
                private=private,
                tls=tls,
                largest=largest,
                seconds=timeout,
                leash=leash,
            )
            try:
                answer = await threads.call(ask)
            finally:
                leash.pull()
            if not answer.location or not 300 <= answer.status < 400:
                return await threads.call(partial(_told, target, answer, raw=raw))  # a page may be long
            target = target_of(urljoin(str(target), answer.location))
        raise ToolError(f"{url} redirects more than {_HOPS} times")

    return fetch


def _check(target: Target, allowed: Sequence[Allowed]) -> None:
    if not any(entry.permits(target) for entry in allowed):
        raise ToolError(f"{target.origin} may not be fetched from; only {', '.join(map(str, allowed))}")


def _told(target: Target, answer: Answer, *, raw: bool) -> str | list[str | Image]:
    kind = answer.media_type
    head = f"{answer.status} {target} {kind}".rstrip()
    if kind in _PICTURES and not answer.cut:
        return [head, Image(media_type=kind, data=answer.body)]
    text = _text(answer)
    if text is None:
        return f"{head}\n[left out: {len(answer.body)} bytes that are no text]"
    if kind == "text/html" and not raw:
        text = words_of(text)
    cut = f"\n[cut: these are the first {len(answer.body)} bytes]" if answer.cut else ""
    return f"{head}\n{text}{cut}"


def _text(answer: Answer) -> str | None:
    """The body as text; None where it is none."""
    kind = answer.media_type or "text/plain"
    if not kind.startswith("text/") and not kind.rpartition("/")[2].endswith(_TEXTUAL):
        return None
    text = answer.body.decode(_charset(answer.charset), "replace")
    return None if "\0" in text else text


def _charset(name: str) -> str:
    """The charset, if it is one that pages are written in. Python knows codecs that take for ever, and worse."""
    try:
        known = codecs.lookup(name or "utf-8").name
    except LookupError:
        return "utf-8"
    return known if _CHARSETS.match(known) else "utf-8"
