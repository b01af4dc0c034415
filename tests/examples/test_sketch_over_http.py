"""The loop of four roles against a server that speaks the APIs: over HTTP, through the official clients."""

import asyncio
import json
import re
from base64 import b64encode
from contextlib import aclosing

import pytest

from backedge import END, START, Graph, model
from backedge.nodes.sandbox import SubprocessSandbox
from backedge.providers import Finished, Image, Message, Model, ModelRequest, ToolResult, ToolSpec
from backedge.providers.errors import TransientError
from backedge.providers.recorded import Recordable
from backedge.providers.wrappers import Retrying

from ..mock_server import mock_server, needs_mock_server
from .test_sketch_to_code import RIGHT, SPECIFICATION, WRONG, example

pytestmark = needs_mock_server

CODER = {"systemMessage": "You write Python"}


def refusal(status, kind):
    return {"error": {"message": "no room", "type": kind}, "status": status}


FIXTURES = [
    {"match": {"userMessage": "The picture is a sketch"}, "response": {"content": SPECIFICATION}},
    # The first try of all is refused, the next one is not.
    {"match": {**CODER, "sequenceIndex": 0}, "response": refusal(529, "overloaded_error")},
    # The third round's answer: a stream of it breaks off the first time, an answer in one piece does not.
    {
        "match": {**CODER, "userMessage": "Attempt 2", "sequenceIndex": 0},
        "response": {"content": RIGHT},
        "truncateAfterChunks": 4,
    },
    {"match": {**CODER, "userMessage": "Attempt 2"}, "response": {"content": RIGHT}},
    # The second round is refused as often as it is tried.
    {"match": {**CODER, "userMessage": "Attempt 1"}, "response": refusal(500, "api_error")},
    # The first round: a tool, then a wrong program.
    {
        "match": {**CODER, "toolName": "library", "hasToolResult": False},
        "response": {"toolCalls": [{"name": "library", "arguments": {"module": "itertools"}}]},
    },
    {"match": CODER, "response": {"content": WRONG}},
]
LIBRARY = ToolSpec(
    name="library",
    description="What a module of the standard library offers.",
    parameters={
        "type": "object",
        "properties": {"module": {"type": "string"}},
        "required": ["module"],
        "additionalProperties": False,
    },
)
PATHS = {"openai": "/v1/responses", "compatible": "/v1/chat/completions", "anthropic": "/v1/messages"}


class Streaming(Recordable):
    """A model that is always asked for a stream."""

    def __init__(self, inner):
        self.inner = inner
        self.name = inner.name
        self.pieces = 0

    async def respond(self, request):
        async with aclosing(self.stream(request)) as events:
            async for event in events:
                if isinstance(event, Finished):
                    return event.response
        raise AssertionError("a stream has an end")

    async def stream(self, request):
        async with aclosing(self.inner.stream(request)) as events:
            async for event in events:
                self.pieces += not isinstance(event, Finished)
                yield event


def tooled_graph():
    """The roles of the example; the coder may look things up before it writes."""
    graph = Graph(example.Build, resources=example.graph.resources)
    vision = graph.node(example.vision, writes="specification")
    interpreter = graph.node(example.interpreter, writes="trial")
    checker = graph.node(example.checker, writes=("passed", "feedback"))

    @graph.node(writes="code")
    async def coder(specification: example.Specification, feedback: list[str], model: Model) -> str:
        told = [f"Attempt {number}: {wrong}" for number, wrong in enumerate(feedback, 1)]
        asked = "\n\n".join([specification.behaviour, *told])
        said = [Message.of("system", example.WRITE), Message.of("user", asked)]
        while True:
            answer = await model.respond(ModelRequest(messages=tuple(said), tools=(LIBRARY,)))
            if not answer.message.tool_calls:
                return example.program_in(answer.text)
            results = [
                ToolResult(id=call.id, content=f"all of {json.loads(call.arguments)['module']}")
                for call in answer.message.tool_calls
            ]
            said += [answer.message, Message.of("tool", *results)]

    graph.chain(START, vision, coder, interpreter, checker)
    graph.on_error(coder, checker, error=TransientError)
    graph.feedback(checker, coder, when=lambda passed: not passed, limit=3)
    graph.edge(checker, END, when=lambda passed: passed)
    return graph


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with mock_server(tmp_path_factory.mktemp("mock"), FIXTURES) as running:
        yield running


def named(server, wire, test):
    base = server.url if wire == "anthropic" else f"{server.url}/v1"
    name = f"compatible:qwen@{base}" if wire == "compatible" else f"{wire}:some-model"
    return model(name, key="sk-canary-0123456789", base_url=base, headers={"X-Test-Id": test})


async def no_wait(_seconds):
    pass


@pytest.fixture(scope="module")
def sandbox():
    made = SubprocessSandbox()
    yield made
    asyncio.run(made.close())


WAYS = {("openai", False), ("compatible", False), ("anthropic", True)}
"""Each API once, and both ways."""


@pytest.mark.parametrize(
    ("wire", "streamed"),
    [
        pytest.param(
            wire,
            streamed,
            marks=() if (wire, streamed) in WAYS else pytest.mark.soak,
            id=f"{wire}-{'streamed' if streamed else 'whole'}",
        )
        for wire in PATHS
        for streamed in (False, True)
    ],
)
async def test_the_loop_of_four_roles_goes_round_over_http(server, sandbox, wire, streamed):
    test = f"{wire}-{streamed}"
    async with named(server, wire, test) as wired:
        asked = Streaming(wired) if streamed else wired
        resources = {"model": Retrying(asked, attempts=2, sleep=no_wait), "sandbox": sandbox}
        inputs = {"picture": Image.read(example.SKETCH)}
        state = (await tooled_graph().compile().run(inputs, resources=resources)).state

    assert state.passed
    assert state.code in RIGHT
    wrong, missing = state.feedback
    assert wrong.startswith("totals(")
    assert re.fullmatch(r"there was no program: .*: no room \(status 500, .*2 attempts\)", missing)
    if streamed:
        assert asked.pieces >= 4
    seen = server.seen(test)
    statuses = [200, 529, 200, 200, 500, 500, 200] + [200] * streamed
    assert [one["response"]["status"] for one in seen] == statuses
    assert {one["path"] for one in seen} == {PATHS[wire]}
    assert {bool(one["body"].get("stream")) for one in seen} == {streamed}
    assert {one["headers"]["x-stainless-retry-count"] for one in seen} == {"0"}  # every try is ours
    look, refused, asks, told, again, once_more, last, *rest = (one["body"]["messages"] for one in seen)
    assert example.READ.split()[-1] in str(look)
    picture = b64encode(example.SKETCH.read_bytes()).decode()
    assert int(seen[0]["headers"]["content-length"]) > len(picture)
    assert (picture in str(look)) == (wire == "compatible")  # of the other APIs it keeps the words alone
    assert refused == asks
    *_, call, result = told
    assert call["tool_calls"][0]["function"]["name"] == "library"
    assert (result["tool_call_id"], result["content"]) == (call["tool_calls"][0]["id"], "all of itertools")
    assert 'Attempt 1: totals([[1, "ann", 500]' in again[-1]["content"]
    assert once_more == again
    assert "Attempt 2: there was no program: " in last[-1]["content"]
    assert rest == [last] * streamed


def test_the_example_asks_whichever_model_it_is_told_to(server, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary-0123456789")
    assert example.main(["--model", "anthropic:some-model", "--sandbox", "subprocess"]) == 0
    told = capsys.readouterr()
    assert told.out in RIGHT
    assert "SCRIPTED" not in told.err
    assert "2 tries" in told.err
    assert "canary" not in told.err
    assert all(b"canary" not in path.read_bytes() for path in tmp_path.iterdir())
