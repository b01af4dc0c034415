"""Models are had by their names; what a name lacks is told in one line."""

import importlib.util
import json
import subprocess
import sys

import pytest

from backedge.providers import Message, Model, ModelRequest, RecordingModel, ScriptedModel, model
from backedge.providers.errors import MissingKeyError, MissingPackageError, RateLimitError
from backedge.providers.keys import VARIABLES
from backedge.providers.known import FORMS, PROVIDERS
from backedge.providers.names import scripted_from

ASK = ModelRequest(messages=(Message.of("user", "Hello"),))


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """An environment that says nothing of providers."""
    for name in PROVIDERS:
        monkeypatch.delenv(f"{name.upper()}_BASE_URL", raising=False)
    for name in {name for names in VARIABLES.values() for name in names}:
        monkeypatch.delenv(name, raising=False)


class Wire:
    """What the providers' servers would get; answers each with an error that names no reason."""

    def __init__(self):
        self.requests = []

    async def asked(self, name, **more):
        import httpx2

        def answer(request):
            self.requests.append(request)
            return httpx2.Response(404, json={"error": {"message": "no"}})

        async with (
            httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client,
            model(name, http_client=client, **more) as found,
        ):
            assert isinstance(found, Model)
            with pytest.raises(Exception, match="no"):
                await found.respond(ASK)
        request = self.requests[-1]
        return found.name, str(request.url), json.loads(request.content)["model"], request.headers


@pytest.mark.parametrize(
    ("name", "url", "at_provider"),
    [
        ("openai:gpt-5", "https://api.openai.com/v1/responses", "gpt-5"),
        ("anthropic:claude-5", "https://api.anthropic.com/v1/messages", "claude-5"),
        ("openrouter:a/b:free", "https://openrouter.ai/api/v1/chat/completions", "a/b:free"),
        ("gemini:g", "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions", "g"),
        ("mistral:m", "https://api.mistral.ai/v1/chat/completions", "m"),
        ("ollama:qwen3:8b", "http://localhost:11434/v1/chat/completions", "qwen3:8b"),
        ("vllm:q", "http://localhost:8000/v1/chat/completions", "q"),
        ("compatible:a@b@https://host.example/v1", "https://host.example/v1/chat/completions", "a@b"),
    ],
)
async def test_each_provider_is_asked_where_it_is_with_its_own_key(monkeypatch, name, url, at_provider):
    provider = name.partition(":")[0]
    for other, variables in VARIABLES.items():
        monkeypatch.setenv(variables[0], f"key-of-{other}")
    shown, asked, told, headers = await Wire().asked(name)
    assert (asked, told) == (url, at_provider)
    assert shown == (name if provider != "compatible" else "compatible:a@b@host.example")
    sent = headers.get("x-api-key") or headers["authorization"].removeprefix("Bearer ")
    assert sent == f"key-of-{provider}"


async def test_what_is_given_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("MISTRAL_API_KEY", "from-environment")
    monkeypatch.setenv("MISTRAL_BASE_URL", "http://one.example/v1")
    wire = Wire()
    _, asked, _, headers = await wire.asked("mistral:m")
    assert (asked, headers["authorization"]) == (
        "http://one.example/v1/chat/completions",
        "Bearer from-environment",
    )
    _, asked, _, headers = await wire.asked(
        "mistral:m", key="given", base_url="http://two.example", headers={"x-team": "a"}
    )
    assert (asked, headers["authorization"]) == ("http://two.example/chat/completions", "Bearer given")
    assert headers["x-team"] == "a"


async def test_who_needs_no_key_is_sent_none():
    for name in ("ollama:q", "vllm:q", "compatible:q@http://h.example/v1"):
        *_, headers = await Wire().asked(name)
        assert "authorization" not in headers


@pytest.mark.parametrize("name", ["openai:x", "anthropic:x", "openrouter:x", "gemini:x", "mistral:x"])
def test_a_missing_key_is_one_line_that_names_the_variable(monkeypatch, name):
    variables = VARIABLES[name.partition(":")[0]]
    monkeypatch.setenv(variables[0], " ")
    with pytest.raises(MissingKeyError) as caught:
        model(name)
    assert str(caught.value) == f"{name}: there is no key: set {' or '.join(variables)}, or give key="


def hidden(name):
    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize("find", [lambda name: None, hidden], ids=["not there", "hidden"])
@pytest.mark.parametrize("name", ["openai:x", "anthropic:x", "ollama:x"])
def test_a_missing_package_is_one_line_that_says_what_to_install(monkeypatch, name, find):
    monkeypatch.setattr(importlib.util, "find_spec", find)
    package = "anthropic" if name.startswith("anthropic") else "openai"
    with pytest.raises(MissingPackageError) as caught:
        model(name, key="k")
    assert (
        str(caught.value)
        == f"{name}: the package '{package}' is not installed: pip install 'backedge[{package}]'"
    )


@pytest.mark.parametrize(
    "name", ["", "gpt-5", "openai", "openai:", "openai: ", "closedai:x", "replay:", "scripted:"]
)
def test_a_name_that_is_none_lists_what_there_is(name):
    with pytest.raises(ValueError, match="there is no model") as caught:
        model(name, key="k")
    assert all(form in str(caught.value) for form in FORMS)
    assert len(FORMS) == 10


@pytest.mark.parametrize(
    ("name", "more", "why"),
    [
        (
            "compatible:x",
            {},
            "there is no address; name one, as in compatible:NAME@URL".replace("URL", "https://host/v1"),
        ),
        ("compatible:x@ftp://h", {}, "there is no address"),
        ("compatible:x@https://", {}, "should begin with http:// or https:// and name a host"),
        ("openai:x", {"base_url": "localhost:1"}, "should begin with http://"),
        (
            "compatible:x@https://me:secret@h/v1",
            {},
            "the address holds a user or password, and addresses are logged; give key= instead",
        ),
        ("compatible:x@https://h/v1?Api-Key=secret", {}, "the address holds the parameter 'Api-Key'"),
        ("replay:x", {"key": "k"}, "calls nobody and takes no key"),
    ],
)
def test_an_address_that_cannot_be_is_told_without_what_is_secret_in_it(name, more, why):
    with pytest.raises(ValueError, match=why) as caught:
        model(name, **{"key": "k", **more} if not name.startswith("replay") else more)
    assert "secret" not in str(caught.value)


async def test_a_compatible_model_may_be_told_its_address_apart():
    _, asked, told, _ = await Wire().asked("compatible:x", base_url="https://h.example/v1")
    assert (asked, told) == ("https://h.example/v1/chat/completions", "x")


async def test_a_script_in_a_file_answers(tmp_path):
    path = tmp_path / "script.json"
    message = Message.of("assistant", "two")
    script = [
        "one",
        json.loads(message.model_dump_json()),
        {"message": json.loads(message.model_dump_json()), "finish": "length"},
        {"error": {"type": "RateLimitError", "message": "slow down", "retry_after": 2}},
    ]
    path.write_text(json.dumps(script))
    async with model(f"scripted:{path}") as found:
        assert (await found.respond(ASK)).text == "one"
        assert (await found.respond(ASK)).message == message
        assert (await found.respond(ASK)).finish == "length"
        with pytest.raises(RateLimitError, match="slow down") as caught:
            await found.respond(ASK)
        assert caught.value.retry_after == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "cannot be read as a script"),
        ("{", "cannot be read as a script"),
        ('{"a": 1}', "should hold a JSON list of answers, found dict"),
        ('["a", {"role": "king"}]', "answer 1 is no text"),
        ("[1]", "answer 0 is no text"),
        ('[{"error": {}}]', "answer 0 is no text"),
        ('[{"error": 1}]', "answer 0 is no text"),
    ],
)
def test_a_file_that_is_no_script_says_where(tmp_path, text, why):
    if text is not None:
        (tmp_path / "s").write_text(text)
    with pytest.raises(ValueError, match=why):
        scripted_from(tmp_path / "s")


async def test_a_cassette_answers(tmp_path):
    await RecordingModel(ScriptedModel(["one"]), tmp_path / "c").respond(ASK)
    async with model(f"replay:{tmp_path / 'c'}") as found:
        assert (await found.respond(ASK)).text == "one"


def test_nothing_is_loaded_before_the_first_call():
    code = (
        "import sys, backedge; m = backedge.model('openai:x', key='k'); n = backedge.model('anthropic:x', key='k');"
        "o = backedge.model('ollama:x'); print([n for n in ('openai', 'anthropic', 'httpx2') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
