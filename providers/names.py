"""Models by their names: ``model("openai:gpt-5")``.

A name is a provider and, behind a colon, what it calls the model. Keys come from the environment or from an explicit
argument; they go into the provider's client, and nothing here keeps them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from .cassette import ReplayModel
from .errors import MissingKeyError, MissingPackageError
from .keys import key_from_environment
from .known import FORMS, PROVIDERS, Provider
from .messages import Message
from .protocol import ModelResponse
from .scripted import Answer, ScriptedModel
from .shielded import NamedModel, Shielded
from .tape import error_from

if TYPE_CHECKING:
    import httpx2


_SECRET: Final = re.compile(r"(?i)key|token|secret|sig|passw")


class _Given(TypedDict):
    """What a caller says about a model besides its name."""

    key: str | None
    base_url: str  # empty where nothing is said
    headers: Mapping[str, str] | None
    timeout: float
    http_client: httpx2.AsyncClient | None


def model(
    name: str,
    *,
    key: str | None = None,
    base_url: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 600.0,
    http_client: httpx2.AsyncClient | None = None,
) -> NamedModel:
    """The model of this name.

    Nothing is loaded, opened or sent before the first call. `aclose`, or ``async with``, closes what that opened.

    Args:
        name: One of ``openai:NAME``, ``anthropic:NAME``, ``openrouter:NAME``, ``gemini:NAME``, ``mistral:NAME``,
            ``ollama:NAME``, ``vllm:NAME``, ``compatible:NAME@URL``, ``scripted:PATH`` (a JSON list of answers) and
            ``replay:PATH`` (a cassette).
        key: The key; by default the provider's variable in the environment, such as ``OPENAI_API_KEY``.
        base_url: Where the provider is; by default ``OPENAI_BASE_URL`` and the like, or where it usually is.
        headers: Sent with each request.
        timeout: Seconds to wait for a whole answer, and in a stream for the next event that says something.
        http_client: Sends the requests in place of the client's own; it stays open when the model is closed.

    Raises:
        ValueError: There is no such provider, or the name is not whole; the message lists what there is.
        MissingKeyError: There is no key; the message says which variable to set.
        MissingPackageError: The provider's client is not installed; the message says what to install.

    Example::

        async with model("openai:gpt-5") as m:
            answer = await m.respond(ModelRequest(messages=(Message.of("user", "Hello"),)))
    """
    provider, _, rest = name.partition(":")
    given = _Given(
        key=key, base_url=base_url or "", headers=headers, timeout=timeout, http_client=http_client
    )
    failed: Exception
    try:
        if provider in ("scripted", "replay") and rest:
            return _from_file(provider, rest, given)
        known = PROVIDERS.get(provider)
        if known is None or not rest.strip():
            raise _no_name(name)
        return _from_provider(known, rest.strip(), given)
    except Exception as error:
        failed = error
    # The frames that saw the key are let go of: a traceback with local variables must not show it.
    del key, given
    raise failed.with_traceback(None)


def _no_name(name: str) -> ValueError:
    shown = re.sub(r"//[^/@]*@", "//", name)[:80]
    return ValueError(f"there is no model {shown!r}; a name is one of {', '.join(FORMS)}")


def _from_provider(provider: Provider, rest: str, given: _Given) -> NamedModel:
    url = given["base_url"] or provider.address
    if provider.name == "compatible":
        rest, at, told = rest.partition("@http")
        url = given["base_url"] or (f"http{told}" if at else "")
    shown = f"{provider.name}:{rest}"
    _check_address(url, shown)
    if provider.name == "compatible":
        shown = f"{shown}@{urlsplit(url).hostname}"
    key = given["key"] if given["key"] is not None else key_from_environment(provider.name)
    if not provider.installed:
        raise MissingPackageError(
            f"the package {provider.package!r} is not installed: pip install 'backedge[{provider.package}]'",
            model=shown,
        )
    if key is None and provider.needs_key:
        raise MissingKeyError(
            f"there is no key: set {' or '.join(provider.variables)}, or give key=", model=shown
        )
    common: _Given = {**given, "key": key, "base_url": url}
    if provider.wire == "responses":
        from .wire.responses import ResponsesModel

        return Shielded(ResponsesModel(shown, model=rest, **common))
    if provider.wire == "anthropic":
        from .loggers import hide_headers
        from .wire.anthropic import AnthropicModel

        hide_headers()
        return Shielded(AnthropicModel(shown, model=rest, **common))
    from .wire.chat import ChatModel

    return Shielded(ChatModel(shown, model=rest, **common))


def _check_address(url: str, shown: str) -> None:
    """Refuse what is no address, and one with a key in it: addresses are shown and logged."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"{shown}: there is no address; name one, as in compatible:NAME@https://host/v1, or give base_url="
            if not url
            else f"{shown}: its address should begin with http:// or https:// and name a host"
        )
    named = [name for name in parse_qs(parts.query) if _SECRET.search(name)]
    if parts.username or parts.password or named:
        what = f"the parameter {named[0]!r}" if named else "a user or password"
        raise ValueError(f"{shown}: the address holds {what}, and addresses are logged; give key= instead")


def _from_file(provider: str, rest: str, given: _Given) -> NamedModel:
    unwanted = [name for name, value in given.items() if name != "timeout" and value]
    if unwanted:
        raise ValueError(f"{provider}:{rest} calls nobody and takes no {', '.join(unwanted)}")
    return ReplayModel(rest) if provider == "replay" else scripted_from(rest)


def scripted_from(path: str | Path) -> ScriptedModel:
    """A scripted model whose answers stand in a file, a JSON list.

    Each is a text, a message (``{"role": "assistant", "parts": [...]}``), a whole response (``{"message": ...}``), or
    an error (``{"error": {"type": "RateLimitError", "message": "slow down"}}``).

    Raises:
        ValueError: The file cannot be read or holds something else; the message says where.
    """
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a script: {error}") from None
    if not isinstance(told, list):
        raise ValueError(f"{path} should hold a JSON list of answers, found {type(told).__name__}")
    return ScriptedModel(
        [_answer(path, number, one) for number, one in enumerate(told)], name=f"scripted:{path}"
    )


def _answer(path: str | Path, number: int, told: Any) -> Answer:
    try:
        if isinstance(told, str):
            return told
        if isinstance(told, dict) and "message" in told:
            return ModelResponse.model_validate(told)
        if isinstance(told, dict) and "error" in told:
            return error_from(told["error"])
        return Message.model_validate(told)
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: answer {number} is no text, message, response or error: {error}") from None
