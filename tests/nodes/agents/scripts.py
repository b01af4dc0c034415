"""Agents on scripts: what a model says, written short, and a graph of one agent that is run and run anew."""

from typing import Any

from pydantic import BaseModel

from backedge import END, START, Graph, RunResult
from backedge.checkpoints import MemoryJournal
from backedge.nodes.agents import Agent, Conversation
from backedge.providers import Message, Model, ModelResponse, ScriptedModel, ToolCall, ToolResult, Usage


def call(name: str, arguments: str = "{}", ident: str = "1") -> ToolCall:
    return ToolCall(id=ident, name=name, arguments=arguments)


def calls(*wanted: ToolCall | str) -> Message:
    """An answer that calls tools, perhaps with words before."""
    return Message.of("assistant", *wanted)


def finished(finish: str, text: str = "", *wanted: ToolCall, **more: Any) -> ModelResponse:
    parts = (text, *wanted) if text else wanted
    return ModelResponse(message=Message.of("assistant", *parts), finish=finish, **more)


def answered(text: str, *, tokens: int = 0, cost: float | None = None) -> ModelResponse:
    usage = Usage(output_tokens=tokens)
    return ModelResponse(message=Message.of("assistant", text), usage=usage, cost=cost)


def results_in(message: Message) -> list[ToolResult]:
    return [part for part in message.parts if isinstance(part, ToolResult)]


def told_last(model: ScriptedModel) -> list[ToolResult]:
    """The results that the model was shown at the end of its last request."""
    return results_in(model.requests[-1].messages[-1])


class Asked(BaseModel):
    question: str = "why?"
    answer: str | None = None
    chat: Conversation = []


def flow_of(agent: Agent[Any], **resources: Any):
    class State(BaseModel):
        question: str = "why?"
        answer: agent.output | None = None  # type: ignore[name-defined]
        chat: Conversation = []

    graph = Graph(State, resources=dict.fromkeys(resources, Model))
    node = agent.node(graph, reads="question", writes="answer", conversation="chat")
    graph.chain(START, node, END)
    return graph.compile()


async def ran(
    agent: Agent[Any], inputs: dict[str, Any] | None = None, *, answers: Any = None, **resources: Any
) -> RunResult[Any]:
    """Run an agent as the only node of a graph; what it did is run anew from its records, and has to be the same."""
    flow, journal = flow_of(agent, **resources), MemoryJournal()
    result = await flow.run(inputs or {}, journal=journal, run_id="r", resources=resources)
    while result.questions and answers:
        result = await flow.resume(
            "r",
            journal=journal,
            answers={q.id: answers(q.text) for q in result.questions},
            resources=resources,
        )
    report = await flow.replay("r", journal=journal, rerun="all", resources=resources)
    assert report, str(report)
    return result


async def failure(agent: Agent[Any], kind: type[Exception], inputs: dict[str, Any] | None = None) -> Any:
    """The error that an agent ends with, as the handler of an error edge is given it: made again from its record."""
    graph, caught = Graph(Asked), []

    @graph.node
    async def handler(error: kind) -> None:  # type: ignore[valid-type]
        caught.append(error)

    node = agent.node(graph, reads="question", writes="answer", conversation="chat")
    graph.chain(START, node, END)
    graph.on_error(node, handler, error=kind)
    graph.edge(handler, END)
    flow, journal = graph.compile(), MemoryJournal()
    await flow.run(inputs or {}, journal=journal, run_id="r")
    assert await flow.replay("r", journal=journal, rerun=[node.name])
    return caught[0]
