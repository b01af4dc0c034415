"""The way to an address: the clients that go there, and what frees texts of the keys they carry.

Addresses may hold secrets themselves: a password before the host, parameters behind a ``?``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from .clients import Clients, anthropic_clients, openai_clients, usable_key
from .hiding import Keys, keys_hidden, secrets_in

if TYPE_CHECKING:
    import httpx2


class Door(NamedTuple):
    """The way to an address.

    Attributes:
        clients: The clients that go there.
        keys: Frees texts of all that is secret about it.
    """

    clients: Clients[Any]
    keys: Keys


def openai_door(
    who: str,
    *,
    key: str | None,
    base_url: str,
    headers: Mapping[str, str] | None,
    timeout: float,
    http_client: httpx2.AsyncClient | None,
    key_header: str = "",
    ambient: bool = False,
) -> Door:
    """The way to an address by `openai`; `key_header` carries the key in place of ``Authorization``, if it is told.

    The other arguments are those of `openai_clients`; the address may have parameters.

    Raises:
        MissingKeyError: The key is empty, or no key.
    """
    parts = urlsplit(base_url)
    query = dict(parse_qsl(parts.query))
    given = dict(headers or {})
    secret = usable_key(key, who)
    if key_header and secret:
        given[key_header] = secret
    clients = openai_clients(
        who,
        key=None if key_header else secret,
        base_url=urlunsplit((*parts[:3], "", "")),
        headers=given,
        query=query,
        timeout=timeout,
        http_client=http_client,
        ambient=ambient,
    )
    return Door(clients, keys_hidden(secret, parts.password, *secrets_in(given), *secrets_in(query)))


def openai_streams() -> Any:
    """The class of `openai`'s streams."""
    import openai  # loaded by now: there is a client

    return openai.AsyncStream


def anthropic_door(
    who: str,
    *,
    key: str | None,
    base_url: str,
    headers: Mapping[str, str],
    timeout: float,
    http_client: httpx2.AsyncClient | None,
) -> Door:
    """The way to an address by `anthropic`; the arguments are those of `anthropic_clients`.

    Raises:
        MissingKeyError: There is no key, or it cannot be one.
    """
    clients = anthropic_clients(
        who, key=key, base_url=base_url, headers=headers, timeout=timeout, http_client=http_client
    )
    return Door(clients, keys_hidden(key, *secrets_in(headers)))


def anthropic_streams() -> Any:
    """The class of `anthropic`'s streams."""
    import anthropic  # loaded by now: there is a client

    return anthropic.AsyncStream
