import asyncio

import httpx2
import pytest

from backedge.providers.errors import MissingKeyError, MissingPackageError
from backedge.providers.wire.clients import (
    Clients,
    anthropic_clients,
    limit_headers,
    openai_clients,
    usable_key,
)

from .replay import answering

KEY = "canary-0123456789"
URL = "http://test.invalid/v1"


class FakeClient:
    closed = 0

    async def close(self):
        self.closed += 1


async def sent_by(make, **arguments):
    """The headers of a request that a client of `make` sends, its key among them."""
    transport, sent = answering(content="{}", headers=[("content-type", "application/json")])
    async with httpx2.AsyncClient(transport=transport) as http_client:
        client = make("who", **{"base_url": URL, "key": KEY, **arguments}, http_client=http_client).here()
        await client.post("/x", cast_to=object, body={})
    return sent[0]


async def test_a_client_is_made_when_it_is_first_asked_for_and_only_then():
    made = []
    clients = Clients(lambda: made.append(FakeClient()) or made[-1])
    assert made == []
    assert clients.here() is clients.here()
    assert len(made) == 1


def test_each_event_loop_has_a_client_of_its_own_and_those_of_ended_loops_are_forgotten():
    clients = Clients(FakeClient)

    async def here():
        return clients.here()

    found = [asyncio.run(here()) for _ in range(5)]
    assert len({id(one) for one in found}) == 5
    assert len(clients._made) == 1


async def test_closing_closes_the_client_and_the_next_call_makes_another():
    clients = Clients(FakeClient)
    first = clients.here()
    await clients.aclose()
    await clients.aclose()
    assert first.closed == 1
    assert clients.here() is not first


async def test_a_client_whose_connections_belong_to_another_is_left_open():
    transport, _ = answering(content="{}")
    async with httpx2.AsyncClient(transport=transport) as http_client:
        for make in (openai_clients, anthropic_clients):
            clients = make("who", key=KEY, base_url=URL, http_client=http_client)
            clients.here()
            await clients.aclose()
            assert not http_client.is_closed


@pytest.mark.parametrize("make", [openai_clients, anthropic_clients])
async def test_a_client_of_our_own_is_closed(make):
    clients = make("who", key=KEY, base_url=URL)
    client = clients.here()
    await clients.aclose()
    assert client.is_closed()


@pytest.mark.parametrize("make", [openai_clients, anthropic_clients])
async def test_the_key_and_the_headers_that_were_given_are_sent(make):
    request = await sent_by(make, headers={"X-Title": "here"})
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-title"] == "here"
    assert str(request.url) == f"{URL}/x"


async def test_without_a_key_none_is_sent_though_the_environment_has_one(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    request = await sent_by(openai_clients, key=None)
    assert "authorization" not in request.headers
    assert KEY not in repr(request.headers.raw)


async def test_without_a_key_a_header_that_was_given_is_sent():
    request = await sent_by(openai_clients, key=None, headers={"Authorization": "Basic abc", "api-key": KEY})
    assert request.headers["authorization"] == "Basic abc"
    assert request.headers["api-key"] == KEY


AMBIENT = {
    "OPENAI_ORG_ID": "org-mine",
    "OPENAI_PROJECT_ID": "proj-mine",
    "OPENAI_CUSTOM_HEADERS": "X-Mine: mine\nAuthorization: Bearer mine",
}


async def test_what_the_environment_says_for_openai_is_sent_to_nobody_else(monkeypatch):
    for name, value in AMBIENT.items():
        monkeypatch.setenv(name, value)
    request = await sent_by(openai_clients)
    assert "mine" not in repr(request.headers.raw)
    assert request.headers["authorization"] == f"Bearer {KEY}"


async def test_what_the_environment_says_is_sent_to_openai(monkeypatch):
    for name, value in AMBIENT.items():
        monkeypatch.setenv(name, value)
    request = await sent_by(openai_clients, ambient=True)
    assert request.headers["openai-organization"] == "org-mine"
    assert request.headers["openai-project"] == "proj-mine"
    assert request.headers["x-mine"] == "mine"
    assert request.headers["authorization"] == f"Bearer {KEY}"


async def test_parameters_are_put_behind_the_address():
    request = await sent_by(openai_clients, query={"api-version": "2024-02-01"})
    assert str(request.url) == f"{URL}/x?api-version=2024-02-01"


@pytest.mark.parametrize("make", [openai_clients, anthropic_clients])
async def test_the_clients_hidden_retries_are_off(make):
    transport, sent = answering(503, "{}")
    async with httpx2.AsyncClient(transport=transport) as http_client:
        client = make("who", key=KEY, base_url=URL, http_client=http_client).here()
        with pytest.raises(Exception, match="503"):
            await client.post("/x", cast_to=object, body={})
    assert len(sent) == 1


@pytest.mark.parametrize("make", [openai_clients, anthropic_clients])
async def test_the_time_limits_are_those_that_were_given(make):
    clients = make("who", key=KEY, base_url=URL, timeout=7)
    timeout = clients.here().timeout
    assert (timeout.read, timeout.connect) == (7, 7)
    await clients.aclose()
    clients = make("who", key=KEY, base_url=URL, timeout=100)
    timeout = clients.here().timeout
    assert (timeout.read, timeout.connect) == (100, 10)
    await clients.aclose()


@pytest.mark.parametrize("make", [openai_clients, anthropic_clients])
def test_the_key_is_in_nothing_that_can_be_printed(make):
    clients = make("who", key=KEY, base_url=URL)
    assert KEY not in f"{clients!r} {vars(clients)}"


def test_a_key_is_freed_of_the_blanks_around_it():
    assert usable_key(" key\n", "who") == "key"
    assert usable_key(None, "who") is None


@pytest.mark.parametrize("key", ["", " \n", "two words", "sk-a\nb", "ключ", "sk-\x00"])
def test_what_is_no_key_is_refused_without_being_shown(key):
    with pytest.raises(MissingKeyError) as caught:
        usable_key(key, "mistral:small")
    assert str(caught.value).startswith("mistral:small: the key ")
    assert key.strip() == "" or key not in str(caught.value)


def test_anthropic_needs_a_key():
    with pytest.raises(MissingKeyError, match="set ANTHROPIC_API_KEY or give key="):
        anthropic_clients("anthropic:x", key=None)


@pytest.mark.parametrize(("make", "name"), [(openai_clients, "openai"), (anthropic_clients, "anthropic")])
async def test_a_missing_package_is_one_clear_line(make, name, monkeypatch):
    def missing(wanted):
        raise ModuleNotFoundError(f"No module named {wanted!r}", name=wanted)

    monkeypatch.setattr("backedge.providers.wire.clients.importlib.import_module", missing)
    with pytest.raises(MissingPackageError) as caught:
        make("who:x", key=KEY, base_url=URL).here()
    assert (
        str(caught.value) == f"who:x: the package '{name}' is not installed: pip install 'backedge[{name}]'"
    )


async def test_a_package_that_is_broken_is_not_called_missing(monkeypatch):
    def broken(wanted):
        raise ModuleNotFoundError("No module named 'other'", name="other")

    monkeypatch.setattr("backedge.providers.wire.clients.importlib.import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="other"):
        openai_clients("who", key=KEY, base_url=URL).here()


def test_only_headers_about_limits_are_kept():
    given = {
        "X-RateLimit-Remaining-Tokens": "149",
        "anthropic-ratelimit-requests-limit": "50",
        "Retry-After": "3",
        "Set-Cookie": "secret",
        "date": "today",
    }
    assert limit_headers(given) == {
        "x-ratelimit-remaining-tokens": "149",
        "anthropic-ratelimit-requests-limit": "50",
        "retry-after": "3",
    }
