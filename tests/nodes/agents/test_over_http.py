"""An agent against a server that speaks the APIs: over HTTP, through the official clients."""

import pytest

from backedge import CustomEvent, model
from backedge.nodes.agents import Agent
from backedge.nodes.tools import tool
from backedge.providers import CallDelta

from ...mock_server import mock_server, needs_mock_server
from .scripts import flow_of, results_in

pytestmark = needs_mock_server

CALLS = [{"name": "double", "arguments": {"number": 4}}, {"name": "double", "arguments": {"number": 5}}]
FIXTURES = [
    {"match": {"userMessage": "and then", "hasToolResult": False}, "response": {"content": "as before"}},
    {"match": {"userMessage": "and then"}, "response": {"content": "as before"}},
    {"match": {"toolName": "double", "hasToolResult": False}, "response": {"toolCalls": CALLS}},
    {"match": {"systemMessage": "You count"}, "response": {"content": "eight and ten"}},
]
PATHS = {"openai": "/v1/responses", "compatible": "/v1/chat/completions", "anthropic": "/v1/messages"}


@tool(permission="read")
async def double(number: int) -> int:
    """Double a number."""
    return 2 * number


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with mock_server(tmp_path_factory.mktemp("mock"), FIXTURES) as running:
        yield running


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("wire", PATHS)
async def test_an_agent_calls_its_tools_over_http_and_its_conversation_is_taken_in_the_next_run(
    server, wire, streamed
):
    test = f"agent-{wire}-{streamed}"
    base = server.url if wire == "anthropic" else f"{server.url}/v1"
    name = f"compatible:qwen@{base}" if wire == "compatible" else f"{wire}:some-model"
    async with model(name, key="sk-canary-0123456789", base_url=base, headers={"X-Test-Id": test}) as named:
        flow = flow_of(Agent(named, [double], "You count.", stream=streamed))
        async with flow.start({"question": "how much?"}) as run:
            pieces = [e.data async for e in run.events() if isinstance(e, CustomEvent)]
            state = (await run.result()).state
        assert state.answer == "eight and ten"
        assert [one.text for one in results_in(state.chat[2])] == ["8", "10"]
        assert any(isinstance(one, CallDelta) and one.part == "text" for one in pieces) is streamed
        again = await flow.run({"question": "and then?", "chat": state.chat})
        assert again.state.answer == "as before"
    assert [one["response"]["status"] for one in server.seen(test)] == [200, 200, 200]
