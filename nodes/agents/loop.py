"""The loop of an agent: ask the model, call the tools it wants, and again, until it answers (ReAct, Yao et al. 2023).

All it does to the world is a recorded effect of the node: a body that runs again after a crash gets the same answers and
results, and goes on where it was. What it decides depends on these alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import TypeAdapter

from backedge.engine.context import Context
from backedge.providers import (
    Finished,
    Message,
    Model,
    ModelRequest,
    ModelResponse,
    ToolCall,
    ToolResult,
    Usage,
)
from backedge.providers.errors import BadToolCallError
from backedge.providers.labels import labelled
from backedge.providers.recorded import RecordedModel

from .answering import Answers
from .asking import allowed
from .calling import Caller
from .conversation import Entry, cut, leave_of, messages_of
from .errors import NoAnswerError, RefusedError, TurnLimitError
from .guards import ruled
from .prompts import MESSAGE, text_of
from .result import AgentExit, AgentResult
from .stopping import AgentPartial, Stopping

if TYPE_CHECKING:
    from .agent import Agent

T = TypeVar("T")


class Loop(Generic[T]):
    """One run of an agent in one activation of a node.

    Args:
        agent: Who.
        context: Of the node.
        past: The conversation before.
        model: Who answers.
        tools: By name, with the models they need.
        answers: The form of its answers.
        kind: Their type.
        exits: The names of those tools whose call ends it.
        stopping: Who may stop it between turns.
    """

    def __init__(
        self,
        agent: Agent[T],
        context: Context,
        past: Sequence[Entry],
        *,
        model: Model,
        tools: Mapping[str, Any],
        answers: Answers[T],
        kind: TypeAdapter[T],
        exits: Collection[str] = (),
        stopping: Stopping | None = None,
    ) -> None:
        self._agent = agent
        self._stopping = stopping
        self._context = context
        self._past = list(past)
        self._model = recorded(model, agent.name, context)
        self._answers = answers
        self._kind = kind
        leave = leave_of(past, agent.name)
        self._caller = Caller(agent.name, tools, allowed(agent.allow), context, leave, exits)
        self._specs = tuple(tool.spec() for tool in tools.values())
        self._question = len(messages_of(past))
        # What this run adds to the conversation.
        self._new: list[Entry] = []
        # What was called and what came of it, a line each.
        self._done: list[str] = []
        self._said = ""
        self._usage = Usage()
        self._cost: float | None = 0.0
        # How many answers in a row could not be used, and why the last one could not.
        self._useless = 0
        self._why = ""

    async def run(self, prompt: Message) -> AgentResult[T] | AgentExit:
        """Ask, and go on until there is an answer; see `Agent.run` and `Agent.run_or_exit`."""
        looked = await self._ruled(self._agent.input_guards, prompt, "input", MESSAGE)
        if looked.answered:
            self._new += [prompt, Message.of("assistant", text_of(self._plain(looked.value)))]
            return self._result(looked.value, 0)
        self._new.append(looked.value)
        for turn in range(1, self._agent.max_turns + 1):
            self._keep(turn - 1)
            if self._stopping is not None:
                await self._stopping.checkpoint()
            try:
                response = await self._ask(last=turn == self._agent.max_turns)
            except BadToolCallError as error:  # the answer is lost, but the model can be told why
                self._count(error.usage, None)
                self._again(error.message, ())
                continue
            self._count(response.usage, response.cost)
            self._said = response.text or self._said
            self._check(response)
            if response.message.parts:
                self._new.append(response.message)
            self._keep(turn)
            if response.finish == "pause":
                continue
            if not self._answers.is_answer(response):
                await self._call(response, last=turn == self._agent.max_turns)
                if self._caller.left is not None:
                    return self._exit(self._caller.left, response.text, turn)
            elif (answer := await self._answer(response)) is not None:
                return self._result(answer[0], turn)
        if self._useless:
            raise NoAnswerError(self._agent.name, self._why, self._said)
        raise self._limit(f"max_turns={self._agent.max_turns}")

    # ------------------------------------------------------------------ asking

    async def _ask(self, *, last: bool) -> ModelResponse:
        recalled = await self._agent.memory.recall(
            [*self._past, *self._new], self._question, self._side_question
        )
        self._new += recalled.added
        system = (Message.of("system", self._agent.instructions),) if self._agent.instructions.strip() else ()
        request = ModelRequest(
            messages=(*system, *recalled.messages), tools=self._specs, **self._agent.settings
        )
        asked = self._answers.asked(request, last=last)
        if not self._agent.stream:
            return await self._model.respond(asked)
        async with aclosing(self._model.stream(asked)) as events:  # type: ignore[type-var]  # ours is a generator
            async for event in events:
                if isinstance(event, Finished):
                    return event.response
        raise AssertionError("a recorded stream has an end")

    async def _side_question(self, request: ModelRequest, model: Model | None) -> str:
        """What a policy of the memory asks."""
        asked = self._model if model is None else recorded(model, self._agent.name, self._context)
        response = await asked.respond(request)
        self._count(response.usage, response.cost)
        if not response.text.strip():
            raise NoAnswerError(self._agent.name, "the summary of its conversation is empty", "")
        return response.text

    def _check(self, response: ModelResponse) -> None:
        """Raise where asking again makes no sense."""
        name = self._agent.name
        if response.finish == "refusal":
            raise RefusedError(name, "its model refused", response.text)
        if response.finish == "filtered":
            raise RefusedError(name, "its provider filtered the answer", response.text)
        if response.finish == "length" and not response.message.tool_calls:
            written = response.usage.output_tokens
            why = f"it was cut off at the token limit, after {written} tokens; raise max_tokens"
            raise NoAnswerError(name, why, response.text)

    # ------------------------------------------------------------------ what came

    async def _call(self, response: ModelResponse, *, last: bool) -> None:
        calls = response.message.tool_calls
        made = len(self._done) + len(calls)
        most = self._agent.max_calls
        if last:
            raise self._limit(f"max_turns={self._agent.max_turns}")
        if most is not None and made > most:
            raise self._limit(f"max_calls={most}")
        self._useless = 0
        results = await self._caller.results(calls)
        for call, result in zip(calls, results, strict=True):
            self._done.append(_line(call.name, call.arguments, result))
        self._new.append(Message.of("tool", *results))
        self._new += self._caller.granted
        self._caller.granted.clear()

    async def _answer(self, response: ModelResponse) -> tuple[T] | None:
        """The answer in a tuple, or None when the model was told to answer again."""
        try:
            value: T = self._answers.value(response)
        except ValueError as error:
            self._again(str(error), self._answers.closing(response, str(error)))
            return None
        looked = await self._ruled(self._agent.output_guards, value, "output", self._kind)
        if looked.again:
            self._again(looked.again, self._answers.closing(response, looked.again))
            return None
        if looked.value != value:
            self._new[-1] = Message.of("assistant", text_of(self._plain(looked.value)))
        else:
            self._new += self._answers.closing(response, "")
        return (looked.value,)

    def _again(self, why: str, said: tuple[Message, ...]) -> None:
        """Tell the model what is wrong with its answer; too often in a row is the end."""
        self._useless += 1
        self._why = why
        if self._useless > self._agent.repairs:
            raise NoAnswerError(self._agent.name, why, self._said)
        self._new += said or (Message.of("user", f"Your answer could not be used: {why}. Answer again."),)

    async def _ruled(self, guards: Sequence[Any], value: Any, where: str, kind: TypeAdapter[Any]) -> Any:
        return await ruled(
            guards,
            value,
            agent=self._agent.name,
            where=where,
            context=self._context,
            kind=kind,
            answer=self._kind,
        )

    # ------------------------------------------------------------------ the end

    def _result(self, output: T, turns: int) -> AgentResult[T]:
        return AgentResult(
            output=output,
            conversation=tuple(self._new),
            turns=turns,
            calls=len(self._done),
            usage=self._usage,
            cost=self._cost,
        )

    def _exit(self, call: ToolCall, said: str, turns: int) -> AgentExit:
        return AgentExit(
            call=call,
            said=said,
            conversation=tuple(self._new),
            turns=turns,
            calls=len(self._done),
            usage=self._usage,
            cost=self._cost,
        )

    def _keep(self, turns: int) -> None:
        """Hand over what there is, for when it is stopped before there is more."""
        if self._stopping is not None:
            done = AgentPartial(
                agent=self._agent.name,
                said=self._said,
                conversation=tuple(self._new),
                turns=turns,
                calls=len(self._done),
                usage=self._usage,
                cost=self._cost,
            )
            self._stopping.keep(done)

    def _limit(self, limit: str) -> TurnLimitError:
        return TurnLimitError(self._agent.name, limit, self._done, self._said)

    def _plain(self, value: T) -> Any:
        return self._kind.dump_python(value, mode="json")

    def _count(self, usage: Usage, cost: float | None) -> None:
        self._usage += usage
        self._cost = None if cost is None or self._cost is None else self._cost + cost


def recorded(model: Model, agent: str, context: Context) -> RecordedModel:
    """A model whose calls are effects of the node, made for an agent."""
    told = labelled(model, {"agent": agent})
    if isinstance(told, RecordedModel):
        return told
    bind = getattr(told, "for_activation", None)
    bound = RecordedModel(told, context) if bind is None else bind(context)
    made: RecordedModel = labelled(bound, {"agent": agent})
    return made


def _line(name: str, arguments: str, result: ToolResult) -> str:
    came = "failed" if result.failed else "gave"
    told = cut(result.text, 120) or f"{len(result.content)} parts without words"
    return f"{cut(name, 100)}({cut(arguments, 120)}) {came}: {told}"
