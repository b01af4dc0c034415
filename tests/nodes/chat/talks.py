"""Talks on scripts: members who say what they are told, and talks that are run, and run anew from their records."""

from typing import Any

from backedge import RunResult, send
from backedge.checkpoints import MemoryJournal
from backedge.nodes.chat import Chat, Said
from backedge.providers import Message, ModelResponse, ScriptedModel, ToolCall, ToolResult, Usage


def said(speaker: str, *parts: Any, role: str = "assistant", **more: Any) -> Said:
    return Said(speaker=speaker, message=Message.of(role, *parts), **more)


def call(name: str, arguments: str = "{}", ident: str = "1") -> ToolCall:
    return ToolCall(id=ident, name=name, arguments=arguments)


def calls(*wanted: ToolCall | str) -> Message:
    return Message.of("assistant", *wanted)


def results(*found: str) -> list[ToolResult]:
    return [ToolResult(id=str(number), content=text) for number, text in enumerate(found, 1)]


def answered(text: str, *, tokens: int = 0, cost: float | None = None) -> ModelResponse:
    usage = Usage(output_tokens=tokens)
    return ModelResponse(message=Message.of("assistant", text), usage=usage, cost=cost)


def says(name: str, text: str = ""):
    """A member that says its name and its turn, or always the same."""

    async def member(chat: Chat, context: Any) -> str:
        return text or f"{name} {chat.turns + 1}"

    member.__name__ = name
    return member


def saying(model: ScriptedModel) -> list[list[str]]:
    """What a model was shown in each of its requests, without the instructions."""
    return [[f"{m.role}: {m.text}" for m in request.messages[1:]] for request in model.requests]


def lines(state: Chat) -> list[tuple[str, str]]:
    return [(one.speaker, one.text) for one in state.talk]


def order(state: Chat) -> list[str]:
    return [one.speaker for one in state.talk if one.turn]


async def talked(
    graph: Any, task: Any = "go", *, answers: Any = None, signals: Any = (), **resources: Any
) -> RunResult[Chat]:
    """Run a talk, resumed with an answer for each question; what it did is run anew from its records, and has to be the same.

    Args:
        graph: The talk.
        task: Its task.
        answers: Answers in order, or a function of the question.
        signals: What is sent to it when it first rests.
        resources: Models that it names.
    """
    flow, journal = graph.compile(), MemoryJournal()
    left = list(answers) if isinstance(answers, list) else None
    result = await flow.run({"task": task}, journal=journal, run_id="r", resources=resources)
    for name, value in signals:
        await send("r", name, value, journal=journal)
    while result.questions and (left or callable(answers)):
        asked = next(question for question in result.questions if question.kind == "question")
        answer = left.pop(0) if left is not None else answers(asked.text)
        result = await flow.resume("r", journal=journal, answers={asked.id: answer}, resources=resources)
    report = await flow.replay("r", journal=journal, rerun="all", resources=resources)
    assert report, str(report)
    return result
