"""The official clients: made when first used, one for each event loop, with their hidden retries off.

A client keeps connections that belong to the event loop they were opened in, so a model that is used from several
loops (`run_sync` starts one each time) has a client in each. The key goes into the client and stays in it: nothing
here that can be printed holds it.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ..errors import MissingKeyError, MissingPackageError
from .bounds import bound

if TYPE_CHECKING:
    import anthropic
    import httpx2
    import openai

CONNECT_SECONDS = 10.0
"""How long making a connection may take."""

ANSWER_SECONDS = 600.0
"""How long to wait for an answer, or for the next event of one, unless told otherwise."""

_LIMIT_NAMES = ("retry-after", "retry-after-ms")


class Closable(Protocol):
    """What both official clients can do."""

    async def close(self) -> None:
        """Close all connections."""


C = TypeVar("C", bound=Closable)


class Clients(Generic[C]):
    """A client for each event loop that asks for one.

    Args:
        make: Makes one; called at most once for each loop.
        owned: Whether `aclose` closes them; not where their connections belong to somebody else.

    Example::

        clients = Clients(lambda: AsyncOpenAI(api_key=key, max_retries=0))
        await clients.here().post(...)
    """

    def __init__(self, make: Callable[[], C], *, owned: bool = True) -> None:
        self._make = make
        self._owned = owned
        # The loop is kept with its client: its number alone may be given to another loop later.
        self._made: dict[int, tuple[asyncio.AbstractEventLoop, C]] = {}

    def here(self) -> C:
        """The client of the running event loop."""
        loop = asyncio.get_running_loop()
        known = self._made.get(id(loop))
        if known is not None and known[0] is loop:
            return known[1]
        for number, (other, _) in list(self._made.items()):
            if other.is_closed():
                self._made.pop(number, None)
        client = self._make()
        self._made[id(loop)] = (loop, client)
        return client

    async def aclose(self) -> None:
        """Close the running loop's client; the next call makes another."""
        known = self._made.pop(id(asyncio.get_running_loop()), None)
        if known is not None and self._owned:
            await known[1].close()


def openai_clients(
    who: str,
    *,
    key: str | None,
    base_url: str,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    timeout: float = ANSWER_SECONDS,
    http_client: httpx2.AsyncClient | None = None,
    ambient: bool = False,
) -> Clients[openai.AsyncOpenAI]:
    """Clients of `openai` for an endpoint.

    Args:
        who: The model's name, for messages.
        key: The key; `None` where the endpoint takes none: then no ``Authorization`` is sent.
        base_url: Such as ``https://api.mistral.ai/v1``.
        headers: Sent with each request.
        query: Put behind each address, such as Azure's ``api-version``.
        timeout: Seconds to wait for the next bytes.
        http_client: Sends the requests in place of the client's own; it stays open at `Clients.aclose`.
        ambient: Whether the client may send what ``OPENAI_ORG_ID``, ``OPENAI_PROJECT_ID`` and
            ``OPENAI_CUSTOM_HEADERS`` say. These are meant for OpenAI, and for nobody else.

    Raises:
        MissingKeyError: The key is empty, or no key.
    """
    secret = usable_key(key, who)

    def make() -> openai.AsyncOpenAI:
        package = _package("openai", "openai", who)
        quiet = {} if ambient else dict.fromkeys(_ambient_headers(), package.Omit())
        shown = {"Authorization": f"Bearer {secret}"} if secret is not None else {}
        shown |= headers or {}
        named = any(name.lower() == "authorization" for name in shown)
        kind = package.AsyncOpenAI if named else _without_key(package)
        client: openai.AsyncOpenAI = kind(
            api_key=secret or "none",
            admin_api_key="",
            base_url=base_url,
            max_retries=0,
            timeout=package.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
            default_headers={**quiet, **shown},
            default_query=dict(query or {}),
            http_client=http_client or package.DefaultAsyncHttpxClient(event_hooks={"response": [bound]}),
        )
        return client

    return Clients(make, owned=http_client is None)


def anthropic_clients(
    who: str,
    *,
    key: str | None,
    base_url: str = "https://api.anthropic.com",
    headers: Mapping[str, str] | None = None,
    timeout: float = ANSWER_SECONDS,
    http_client: httpx2.AsyncClient | None = None,
) -> Clients[anthropic.AsyncAnthropic]:
    """Clients of `anthropic`; the arguments are those of `openai_clients`, but a key there must be.

    Raises:
        MissingKeyError: There is no key, or it is empty.
    """
    secret = usable_key(key, who)
    if secret is None:
        raise MissingKeyError("there is no key: set ANTHROPIC_API_KEY or give key=", model=who)

    def make() -> anthropic.AsyncAnthropic:
        package = _package("anthropic", "anthropic", who)
        client: anthropic.AsyncAnthropic = package.AsyncAnthropic(
            api_key=secret,
            base_url=base_url,
            max_retries=0,
            timeout=package.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
            default_headers=dict(headers or {}),
            http_client=http_client or package.DefaultAsyncHttpxClient(event_hooks={"response": [bound]}),
        )
        return client

    return Clients(make, owned=http_client is None)


def patience(timeout: float) -> float:
    """Seconds until a connection is made and the answer is there."""
    return min(CONNECT_SECONDS, timeout) + timeout


def usable_key(key: str | None, who: str) -> str | None:
    """The key without the blanks that copying leaves around it.

    Raises:
        MissingKeyError: It is empty, or holds what a header cannot carry: it is a mistake and no key. (Sent all the
            same it would stand in the HTTP library's complaint.)
    """
    if key is None:
        return None
    found = key.strip()
    if not found:
        raise MissingKeyError("the key is empty", model=who)
    if not found.isascii() or not found.isprintable() or " " in found:
        raise MissingKeyError("the key has blanks or other characters that no key has", model=who)
    return found


def limit_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of an answer's headers that speak of rate limits, names in lower case.

    Example::

        limit_headers({"X-RateLimit-Remaining-Tokens": "149", "Date": "..."})
        # {"x-ratelimit-remaining-tokens": "149"}
    """
    found = {}
    for name, value in headers.items():
        lowered = name.lower()
        if "ratelimit" in lowered or "rate-limit" in lowered or lowered in _LIMIT_NAMES:
            found[lowered] = value
    return found


def _without_key(package: Any) -> Any:
    """The client's class, but it sends no ``Authorization``: it insists that each request leaves it out by name."""

    class WithoutKey(package.AsyncOpenAI):  # type: ignore[misc]  # a class of a module loaded late
        async def _prepare_options(self, options: Any) -> Any:
            prepared = (await super()._prepare_options(options)).model_copy()
            given = prepared.headers if isinstance(prepared.headers, Mapping) else {}
            prepared.headers = {"Authorization": package.Omit(), **given}
            return prepared

    return WithoutKey


def _ambient_headers() -> list[str]:
    """Names of the headers that the openai client takes from the environment."""
    told = os.environ.get("OPENAI_CUSTOM_HEADERS", "")
    custom = [line.partition(":")[0].strip() for line in told.split("\n") if ":" in line]
    return ["OpenAI-Organization", "OpenAI-Project", *custom]


def _package(name: str, extra: str, who: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
    raise MissingPackageError(
        f"the package {name!r} is not installed: pip install 'backedge[{extra}]'", model=who
    )
