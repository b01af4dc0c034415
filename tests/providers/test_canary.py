"""A key that is planted wherever keys are, and that servers send back, is nowhere in what we write or show."""

import base64
import copy
import io
import json
import logging
import pickle
import traceback
from contextlib import aclosing

import httpx2
import pytest
from pydantic import BaseModel
from rich.traceback import Traceback

from backedge import END, START, Graph
from backedge.providers import Message, Model, ModelError, ModelRequest, RecordingModel, model
from backedge.providers.loggers import HeaderFilter
from backedge.providers.wrappers import Cached, SqliteStore
from backedge.providers.wrappers.audit import Audited

CANARY = "Zq7canary0X93hT2kLmW8"  # of no known form: only who holds it can tell that it is a key
FORMS = (CANARY, CANARY[3:12], base64.b64encode(CANARY.encode()).decode()[:20])
VARIABLES = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "compatible": "COMPATIBLE_API_KEY",
}
NAMES = ["openai:gpt-5", "anthropic:claude-5", "compatible:x@http://host.example/v1"]
ASK = ModelRequest(messages=(Message.of("user", "Hello"),), max_tokens=100)

GOOD = {
    "/v1/responses": {
        "id": "r",
        "object": "response",
        "model": "gpt-5",
        "status": "completed",
        "output": [
            {
                "type": "message",
                "id": "m",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "hi"}],
            }
        ],
        "usage": {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4},
    },
    "/v1/messages": {
        "id": "r",
        "type": "message",
        "role": "assistant",
        "model": "claude-5",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 1},
    },
    "/v1/chat/completions": {
        "id": "r",
        "model": "x",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    },
}


def server(outcome):
    """A transport that sends the key back in headers, and in bodies of errors and answers."""

    def answer(request):
        assert CANARY in str(request.headers.multi_items())  # it is sent, or this would test nothing
        headers = {"x-echo": CANARY, "www-authenticate": f"Bearer {CANARY}"}
        error = {
            "type": "error",
            "error": {"type": "api_error", "code": CANARY, "message": f"key {CANARY} is bad"},
        }
        if outcome == "cut":
            raise httpx2.ReadError("lost the connection", request=request)
        if outcome == "html":
            return httpx2.Response(200, headers=headers, text=f"<html>{CANARY}</html>")
        if outcome == "error in a 200":
            return httpx2.Response(200, headers=headers, json=error)
        if outcome == "error in a stream":
            sent = f"event: error\ndata: {json.dumps(error)}\n\n"
            return httpx2.Response(200, headers={**headers, "content-type": "text/event-stream"}, text=sent)
        if outcome == "good":
            return httpx2.Response(200, headers=headers, json=GOOD[request.url.path])
        if outcome == "echo":
            told = (
                json.dumps(GOOD[request.url.path])
                .replace("hi", f"you sent {CANARY}")
                .replace('"r"', f'"{CANARY}"')
            )
            return httpx2.Response(
                200, headers={"x-ratelimit-of": CANARY}, json={**json.loads(told), "got": [CANARY]}
            )
        return httpx2.Response(int(outcome), headers=headers, json=error)

    return httpx2.MockTransport(answer)


class State(BaseModel):
    answer: str = ""


def asking(streamed):
    graph = Graph(State, resources={"m": Model})

    @graph.node(writes="answer")
    async def asker(m: Model) -> str:
        if not streamed:
            return (await m.respond(ASK)).text
        async with aclosing(m.stream(ASK)) as events:
            return str([event async for event in events])

    graph.chain(START, asker, END)
    return graph.compile()


class Seen(io.StringIO):
    """Everything that was shown."""

    def tell(self, thing):
        print(repr(thing), str(thing), getattr(thing, "__dict__", ""), file=self)

    def tell_error(self, error):
        self.tell(error)
        print(error.args, getattr(error, "__notes__", ""), file=self)
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        print("".join(told.format()), file=self)

    def tell_richly(self, error):
        trace = Traceback.extract(
            type(error),
            error,
            error.__traceback__,
            show_locals=True,
            locals_max_length=None,
            locals_max_string=None,
        )
        print(trace, file=self)  # all that would be drawn

    def tell_copies(self, thing):
        for make in (copy.copy, copy.deepcopy, pickle.dumps):
            try:
                self.tell(make(thing))
            except Exception as error:  # what cannot be copied says so, without the key
                self.tell_error(error)


@pytest.fixture
def seen():
    """What is shown, and all that is logged by anybody."""
    found = Seen()
    handler = logging.StreamHandler(found)
    root = logging.getLogger()
    names = ["", "httpx2", "httpcore2", "openai", "anthropic", "backedge", "asyncio"]
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield found
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def must_be_clean(text):
    for form in FORMS:
        place = text.find(form)
        assert place < 0, f"...{text[max(0, place - 300) : place + 100]}..."


async def shown_error(seen, model, streamed, journal):
    """Run a node that asks the model; what came of it is shown."""
    try:
        seen.tell(await asking(streamed).run({}, journal=str(journal), resources={"m": model}))
    except Exception as error:
        seen.tell_error(error)
        return error
    return None


OUTCOMES = [
    ("good", False),
    ("401", False),
    ("echo", False),
    ("echo", True),
    ("429", True),
    ("500", False),
    ("html", False),
    ("error in a 200", False),
    ("error in a stream", True),
    ("cut", False),
    ("cut", True),
]


@pytest.mark.parametrize("explicit", [False, True], ids=["environment", "argument"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_key_is_nowhere_but_in_the_request(name, explicit, tmp_path, seen, monkeypatch):
    if explicit:
        monkeypatch.delenv(VARIABLES[name.partition(":")[0]], raising=False)
    else:
        monkeypatch.setenv(VARIABLES[name.partition(":")[0]], CANARY)
    events = []
    outcomes = OUTCOMES if explicit else OUTCOMES[:2]
    for number, (outcome, streamed) in enumerate(outcomes):
        async with (
            httpx2.AsyncClient(transport=server(outcome)) as client,
            model(name, http_client=client, **({"key": CANARY} if explicit else {})) as named,
            SqliteStore(tmp_path / f"cache{number}.db") as store,
        ):
            recording = RecordingModel(named, tmp_path / f"{number}.jsonl")
            whole = Audited(Cached(recording, store=store), events.append)
            error = await shown_error(seen, whole, streamed, tmp_path / f"{number}.db")
            assert (error is None) == (outcome in ("good", "echo"))
            for thing in (named, recording, whole):
                seen.tell(thing)
                seen.tell_copies(thing)
            if outcome not in ("good", "echo"):
                with pytest.raises(ModelError) as caught:
                    await named.respond(ASK)
                seen.tell_error(caught.value)
                seen.tell_richly(caught.value)
                seen.tell_copies(caught.value)
    seen.tell(events)
    shown = seen.getvalue()
    assert "HTTP Request" in shown  # the clients' own logging was heard
    assert "ModelError" in shown or "AuthenticationError" in shown
    must_be_clean(shown)
    written = [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(written) >= 3 * len(outcomes)
    must_be_clean(b"".join(written).decode("latin-1"))


def test_harmless_headers_are_still_logged(caplog):
    model("anthropic:x", key="k")
    model("anthropic:y", key="k")
    log = logging.getLogger("anthropic._base_client")
    assert sum(isinstance(one, HeaderFilter) for one in log.filters) == 1
    with caplog.at_level(logging.DEBUG, log.name):
        log.debug("%s %s", "POST", httpx2.Headers({"Request-Id": "r1", "x-echo": CANARY}))
        log.debug("said %(what)s", {"what": "so"})
    assert "r1" in caplog.text
    assert "said so" in caplog.text
    must_be_clean(caplog.text)


@pytest.mark.parametrize("name", ["openai:x", "anthropic:x", "ollama:x", "openai:", "replay:none"])
def test_a_key_that_cannot_be_used_is_not_told_with_the_complaint(name, seen):
    with pytest.raises(Exception, match=r"key|model|takes") as caught:
        model(name, key=f"{CANARY} with a blank")
    seen.tell_error(caught.value)
    must_be_clean(seen.getvalue())
