"""Answers as values of a type: asked for by its schema, validated, and repaired in one turn where that fails."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from pydantic import TypeAdapter, ValidationError

from .checking import arguments_of
from .errors import BadOutputError, BadToolCallError, ModelError
from .messages import Message, Text, ToolCall, ToolResult, Usage
from .protocol import Model, ModelRequest, ModelResponse, OutputSpec, ToolSpec
from .strict import as_object, strict

T = TypeVar("T")

Mode: TypeAlias = Literal["native", "tool", "prompt"]
"""How the form is told: by the provider's structured output, as the arguments of a tool that must be called (any
schema, for models that call tools), or in words (for all others)."""

_FENCED: Final = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
_MOST_STARTS = 32  # braces in a text from which an object is tried to be read
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Structured(Generic[T]):
    """A value that a model gave.

    Attributes:
        value: The value, validated.
        responses: The answers it took, the last one holds the value.
        usage: What they took together.
    """

    value: T
    responses: tuple[ModelResponse, ...]
    usage: Usage


async def respond_as(
    model: Model,
    request: ModelRequest,
    kind: type[T] | TypeAdapter[T],
    *,
    mode: Mode = "native",
    repairs: int = 1,
) -> Structured[T]:
    """Let a model answer with a value of a type.

    An answer in a code fence or with words around it is read too. One that does not fit is sent back with what is
    wrong; a refusal and an answer that was cut off at the token limit are not.

    Args:
        model: Who answers.
        request: What is asked; it has no `output` of its own.
        kind: A pydantic model, or any type that pydantic can validate.
        mode: How the form is told.
        repairs: How often an answer is sent back.

    Raises:
        BadOutputError: There is no value; the message says why, `usage` what was spent.
        ModelError: A call failed; `usage` holds what was spent before, too.
        TypeError: The type cannot be said in this mode.
        ValueError: The request has an `output`.

    Example::

        answer = await respond_as(model, request, Report)
        answer.value.score
    """
    form = Form(kind, mode=mode)
    asked = form.asked(request)
    responses: list[ModelResponse] = []
    spent = Usage()
    more: tuple[Message, ...]
    for turn in range(repairs + 1):
        try:
            response = await model.respond(asked)
        except BadToolCallError as error:
            spent += error.usage
            if mode != "tool" or turn == repairs:
                error.usage = spent
                raise
            more = (Message.of("user", f"Your answer could not be used: {error.message}. Answer again."),)
        except ModelError as error:
            error.usage += spent
            raise
        else:
            spent += response.usage
            responses.append(response)
            try:
                return Structured(form.value(response), tuple(responses), spent)
            except ValueError as error:
                final = isinstance(error, _HopelessError) or turn == repairs
                if final:
                    raise _bad(str(error), form, response, spent, turn) from None
                more = form.repair(response, str(error))
        asked = asked.model_copy(update={"messages": (*asked.messages, *more)})
    raise ValueError(f"repairs should be 0 or more, it is {repairs}")


def _bad(why: str, form: Form[Any], response: ModelResponse, spent: Usage, turn: int) -> BadOutputError:
    tried = (
        "" if not turn else ", after a repair turn too" if turn == 1 else f", after {turn} repair turns too"
    )
    return BadOutputError(
        f"no {form.name} in the answer{tried}: {why}", model=response.by, usage=spent, request_id=response.id
    )


class _HopelessError(ValueError):
    """Asking again would give the same."""


class Form(Generic[T]):
    """A type as the form of an answer: what to ask, and how to read what comes.

    `respond_as` is made of it; a loop that calls tools and ends in a value can use it by itself.

    Args:
        kind: The type.
        mode: How the form is told.

    Raises:
        TypeError: The type cannot be said in this mode.
    """

    def __init__(self, kind: type[T] | TypeAdapter[T], *, mode: Mode = "native") -> None:
        self._adapter: TypeAdapter[T] = kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)
        self._mode = mode
        schema = self._adapter.json_schema()
        told = getattr(kind, "__name__", None) if isinstance(kind, type) else schema.get("title")
        self.name: Final = re.sub(r"[^A-Za-z0-9]+", "_", told or "answer").strip("_")[:60] or "answer"
        rooted, self._wrapped = as_object(schema)
        self.schema: Final = strict(rooted) if mode == "native" else rooted

    def asked(self, request: ModelRequest) -> ModelRequest:
        """The request with the form in it."""
        if request.output is not None:
            raise ValueError("the request has an output already; respond_as sets it from the type")
        if self._mode == "native":
            return request.model_copy(update={"output": OutputSpec(name=self.name, parameters=self.schema)})
        if self._mode == "tool":
            tool = ToolSpec(name=self.name, description="Give the answer.", parameters=self.schema)
            update = {"tools": (*request.tools, tool), "tool_choice": self.name, "parallel_tools": False}
            return request.model_copy(update=update)
        words = (
            "Answer with one JSON object and nothing else. It must fit this JSON schema:\n"
            f"{json.dumps(self.schema, ensure_ascii=False)}"
        )
        return request.model_copy(update={"messages": (*request.messages, Message.of("user", words))})

    def value(self, response: ModelResponse) -> T:
        """The value in an answer.

        Raises:
            ValueError: There is none that fits; the message says what is wrong, in lines for the model.
        """
        text = self._text(response)
        try:
            return self._validated(text)
        except ValueError as error:
            hopeless = _hopeless(response, asked=self.name if self._mode == "tool" else "")
            if hopeless:
                raise _HopelessError(hopeless) from None
            if isinstance(error, ValidationError):
                raise ValueError(_problems(error)) from None
            raise

    def repair(self, response: ModelResponse, why: str) -> tuple[Message, ...]:
        """What is sent after an answer that does not fit, for the model to do better."""
        told = f"That answer cannot be used:\n{why}\nAnswer again with the whole corrected JSON object."
        said = (response.message,) if response.message.parts else ()
        calls = response.message.tool_calls
        if not calls:
            return (*said, Message.of("user", told))
        results = [ToolResult(id=call.id, content=(Text(text=told),), failed=True) for call in calls]
        return (*said, Message.of("tool", *results))

    def _text(self, response: ModelResponse) -> str:
        calls = response.message.tool_calls if self._mode == "tool" else ()
        return next((call.arguments for call in calls if call.name == self.name), response.text)

    def _validated(self, text: str) -> T:
        """Raises ValueError, as which pydantic's errors count too."""
        if not text.strip():
            raise ValueError("the answer is empty")
        found, why = None, ""
        for candidate in _candidates(text):
            try:
                found = arguments_of(ToolCall(id="", name="", arguments=candidate))
                break
            except ValueError as error:
                why = why or str(error).removeprefix("they are ").removeprefix("they ")
        if found is None:
            raise ValueError(f"there is no JSON object in it: {why}")
        if self._wrapped and found.keys() != {"value"}:
            raise ValueError("the object should have one member, 'value'")
        return self._adapter.validate_json(json.dumps(found["value"] if self._wrapped else found))


def _hopeless(response: ModelResponse, *, asked: str) -> str:
    """Why asking again makes no sense; empty when it does."""
    said = f": {response.text[:200]}" if response.text.strip() else ""
    other = [call.name for call in response.message.tool_calls if call.name != asked]
    if response.finish in ("refusal", "filtered"):
        return (
            f"the model refused{said}" if response.finish == "refusal" else "the provider filtered the answer"
        )
    if response.finish == "length":
        written = response.usage.output_tokens
        return f"the answer was cut off at the token limit, after {written} tokens; raise max_tokens"
    if response.finish == "pause":
        return "the provider paused the turn; send the answer back to let it go on"
    return f"it calls {', '.join(other)}, and nobody runs tools here" if other else ""


def _candidates(text: str) -> Iterator[str]:
    """Where in an answer an object may stand: all of it, in a fence, between words."""
    yield text.strip()
    yield from sorted(filter(str.strip, _FENCED.findall(text)), key=len, reverse=True)
    decoder = json.JSONDecoder()
    start, found = -1, []
    for _ in range(_MOST_STARTS):
        start = text.find("{", start + 1)
        if start < 0:
            break
        try:
            _, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        found.append(text[start:end])
        start = end - 1
    yield from sorted(found, key=len, reverse=True)


def _problems(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False)
    lines = []
    for problem in problems[:_MOST_PROBLEMS]:
        where = ".".join(map(str, problem["loc"])) or "the whole"
        given = repr(problem["input"])
        missing = (
            ""
            if problem["type"] == "missing"
            else f" (found {given if len(given) < 100 else given[:97] + '...'})"
        )
        lines.append(f"- {where}: {problem['msg']}{missing}")
    if len(problems) > _MOST_PROBLEMS:
        lines.append(f"- and {len(problems) - _MOST_PROBLEMS} more problems")
    return "\n".join(lines)
