"""``backedge models`` tells what can be called, and whether it answers; a key it never tells."""

import importlib.util
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from backedge.providers.keys import VARIABLES
from backedge.providers.known import FORMS, PROVIDERS

from .kit import call, ran

CANARY = "canary-4d1f9a7be2c8"


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """An environment that says nothing of providers."""
    for name in PROVIDERS:
        monkeypatch.delenv(f"{name.upper()}_BASE_URL", raising=False)
    for name in {name for names in VARIABLES.values() for name in names}:
        monkeypatch.delenv(name, raising=False)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        echo = self.headers.get("authorization", "none")
        if told["model"] == "good":
            choice = {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "OK\nthen"},
            }
            usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
            status, body = 200, {"id": "1", "model": "good-1", "choices": [choice], "usage": usage}
        else:
            status, body = 401, {"error": {"message": f"bad key {echo}", "code": "invalid_api_key"}}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.send_header("x-echo", echo)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """The address of a server that knows one model, ``good``, and sends keys back."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}/v1"
        httpd.shutdown()
        thread.join()


def test_the_list_says_what_each_provider_lacks(monkeypatch):
    monkeypatch.setenv("MISTRAL_API_KEY", CANARY)
    lines = {line.split()[0]: line for line in ran("models").output.splitlines()[1:]}
    assert set(lines) == set(FORMS)
    assert "no: set OPENAI_API_KEY" in lines["openai:NAME"]
    assert lines["mistral:NAME"].split()[1:4] == ["yes", "in", "MISTRAL_API_KEY"]
    assert lines["ollama:NAME"].split()[1:4] == ["yes", "none", "needed"]
    assert CANARY not in str(lines)


def test_programs_get_the_list_as_json(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", f"https://me:{CANARY}@h.example/v1?key={CANARY}")
    monkeypatch.setenv("GOOGLE_API_KEY", CANARY)
    output = ran("models", "--json").output
    found = {one["provider"]: one for one in json.loads(output)["providers"]}
    assert list(found) == list(PROVIDERS)
    assert found["openai"] == {
        "name": "openai:NAME",
        "provider": "openai",
        "usable": False,
        "lacks": "set OPENAI_API_KEY",
        "key": None,
        "needs_key": True,
        "package": "openai",
        "installed": True,
        "base_url": "https://h.example/v1",
    }
    assert (found["gemini"]["key"], found["gemini"]["usable"]) == ("GOOGLE_API_KEY", True)
    assert CANARY not in output


def test_a_client_that_is_not_installed_is_told_with_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    output = ran("models").output
    assert "no: pip install 'backedge[anthropic]'" in output
    assert "openai (not installed)" in output
    result = call("models", "test", "ollama:x")
    assert (result.exit_code, "pip install 'backedge[openai]'" in result.stderr) == (2, True)


def test_a_model_that_answers_is_told_in_one_line(server):
    (line,) = ran("models", "test", f"compatible:good@{server}").output.splitlines()
    assert line.startswith(f"compatible:good@{server} (good-1) answered in ")
    assert line.endswith(": 9 tokens in, 2 out, price unknown; it said 'OK\\\\nthen'")
    told = json.loads(ran("models", "test", f"compatible:good@{server}", "--json").output)
    assert told.pop("seconds") > 0
    usage = {"cached_tokens": 0, "cache_write_tokens": 0, "reasoning_tokens": 0}
    assert told == {
        "name": f"compatible:good@{server}",
        "model": "good-1",
        "usage": {"input_tokens": 9, "output_tokens": 2, **usage},
        "cost": None,
        "finish": "stop",
        "text": "OK\nthen",
    }


def test_a_model_that_does_not_answer_is_one_line_and_no_key(server, monkeypatch):
    monkeypatch.setenv("COMPATIBLE_API_KEY", CANARY)
    for more in ([], ["--debug"], ["--json"]):
        result = call("models", "test", f"compatible:bad@{server}", *more)
        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1].startswith(
            "error: AuthenticationError: compatible:bad@127.0.0.1: bad key"
        )
        assert CANARY not in result.output
    assert json.loads(result.stdout)["error"]["type"] == "AuthenticationError"


def test_what_a_known_model_costs_is_told(tmp_path):
    script = tmp_path / "s.json"
    message = {"role": "assistant", "parts": [{"kind": "text", "text": "OK"}]}
    script.write_text(json.dumps([{"message": message, "cost": 0.0125}]))
    assert "$0.012500; it said 'OK'" in ran("models", "test", f"scripted:{script}").output


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("openai:x", 2, "there is no key: set OPENAI_API_KEY"),
        ("closed:x", 2, "there is no model 'closed:x'; a name is one of openai:NAME"),
        ("replay:none.jsonl", 2, "cannot be read as a cassette"),
        ("scripted:empty.json", 1, "its script has 0 answers"),
        ("replay:empty.jsonl", 1, "the cassette holds no exchange"),
    ],
)
def test_what_cannot_be_called_is_told_with_its_exit_code(tmp_path, monkeypatch, name, code, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.json").write_text("[]")
    (tmp_path / "empty.jsonl").write_text('{"cassette": 1, "model": "m"}\n')
    result = call("models", "test", name)
    assert (result.exit_code, len(result.stderr.splitlines())) == (code, 1)
    assert told in result.stderr
