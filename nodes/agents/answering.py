"""How an agent's answer is asked for, told from a call of a tool, and read: as text, or as a value of a type."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from backedge.providers import Message, ModelRequest, ModelResponse, Text, ToolResult
from backedge.providers.structured import Form, Mode

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Answers(Protocol[T_co]):
    """A form of answers.

    Attributes:
        name: The tool through which answers are given; empty where they are given in words.
    """

    name: str

    def asked(self, request: ModelRequest, *, last: bool) -> ModelRequest:
        """The request with the form in it; in the `last` turn no other tool may be called."""

    def is_answer(self, response: ModelResponse) -> bool:
        """Whether it is the answer, and not a call of tools."""

    def value(self, response: ModelResponse) -> T_co:
        """What was answered. Raises ValueError with what is wrong with it."""

    def closing(self, response: ModelResponse, why: str) -> tuple[Message, ...]:
        """What follows an answer in the conversation: results of what it calls, and if it cannot be used, why."""


def answers_of(kind: Any, mode: Mode) -> Answers[Any]:
    """The form for a type.

    Raises:
        TypeError: The type cannot be said in this mode.
    """
    if kind is str:
        return _Words()
    return _Called(kind) if mode == "tool" else _Formed(kind, mode)


class _Words:
    """Answers in words."""

    name = ""

    def asked(self, request: ModelRequest, *, last: bool) -> ModelRequest:
        if not last or not request.tools:
            return request
        return request.model_copy(update={"tool_choice": "none"})

    def is_answer(self, response: ModelResponse) -> bool:
        return not response.message.tool_calls

    def value(self, response: ModelResponse) -> str:
        if not response.text.strip():
            raise ValueError("the answer is empty")
        return response.text

    def closing(self, response: ModelResponse, why: str) -> tuple[Message, ...]:
        return (Message.of("user", f"That answer cannot be used: {why}. Answer again."),) if why else ()


class _Formed(_Words):
    """Answers as values whose form is told by the provider's structured output, or in words."""

    def __init__(self, kind: Any, mode: Mode) -> None:
        self._form: Form[Any] = Form(kind, mode=mode)

    def asked(self, request: ModelRequest, *, last: bool) -> ModelRequest:
        return super().asked(self._form.asked(request), last=last)

    def value(self, response: ModelResponse) -> Any:
        return self._form.value(response)

    def closing(self, response: ModelResponse, why: str) -> tuple[Message, ...]:
        return self._form.repair(response, why)[-1:] if why else ()


class _Called(_Words):
    """Answers as the arguments of a tool that is called with them."""

    def __init__(self, kind: Any) -> None:
        self._form: Form[Any] = Form(kind, mode="tool")
        self.name = self._form.name

    def asked(self, request: ModelRequest, *, last: bool) -> ModelRequest:
        asked = self._form.asked(request)
        if last or not request.tools:
            return asked
        update = {"tool_choice": "required", "parallel_tools": request.parallel_tools}
        return asked.model_copy(update=update)

    def is_answer(self, response: ModelResponse) -> bool:
        calls = response.message.tool_calls
        return not calls or any(call.name == self.name for call in calls)

    def value(self, response: ModelResponse) -> Any:
        parts = response.message.parts
        own = [part for part in parts if part.kind != "tool_call" or part.name == self.name]
        alone = Message.of("assistant", *own)
        return self._form.value(response.model_copy(update={"message": alone}))

    def closing(self, response: ModelResponse, why: str) -> tuple[Message, ...]:
        calls = response.message.tool_calls
        if why and not calls:
            return self._form.repair(response, why)[-1:]
        results = []
        for call in calls:
            told = "it was not carried out: the answer was given with it"
            if call.name == self.name:
                told = (
                    f"That answer cannot be used:\n{why}\nGive the whole answer again." if why else "received"
                )
            failed = bool(why) or call.name != self.name
            results.append(ToolResult(id=call.id, content=(Text(text=told),), failed=failed))
        return (Message.of("tool", *results),) if results else ()
