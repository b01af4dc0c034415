"""What an agent is asked, as one message."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, TypeAdapter
from pydantic_core import to_jsonable_python

from backedge.providers import Message
from backedge.providers.messages import Part

Prompt: TypeAlias = str | Part | Sequence[str | Part] | Message
"""What an agent may be asked: a text, a picture or a file, several of these, or a whole message."""


def message_of(prompt: Any) -> Message:
    """A prompt as a message of the user. What is none of the parts of a message is told as JSON.

    Raises:
        TypeError: It has no form as JSON either.
    """
    if isinstance(prompt, Message):
        return prompt
    if isinstance(prompt, str | Part):
        return Message.of("user", prompt)
    if isinstance(prompt, list | tuple) and any(isinstance(one, Part) for one in prompt):
        return Message.of("user", *(one if isinstance(one, str | Part) else text_of(one) for one in prompt))
    return Message.of("user", text_of(prompt))


def message_of_fields(values: Mapping[str, Any]) -> Message:
    """Several fields of a state as one message, each under its name; of a single one its value alone."""
    if len(values) == 1:
        return message_of(next(iter(values.values())))
    parts: list[str | Part] = []
    for name, value in values.items():
        head = f"{name}:\n"
        if isinstance(value, Part):
            parts += [head, value]
        else:
            parts.append(f"{head}{text_of(value)}\n\n")
    return Message.of("user", *parts)


def text_of(value: Any) -> str:
    """A value as text: a string as it is, all else as JSON.

    Raises:
        TypeError: It has no form as JSON.
    """
    if isinstance(value, str):
        return value
    try:
        return json.dumps(to_jsonable_python(value), ensure_ascii=False, indent=1)
    except ValueError as error:
        raise TypeError(f"an agent cannot be told a {type(value).__name__}: {error}") from None


def _prompted(value: Any) -> Any:
    return value if isinstance(value, dict) else message_of(value)  # a message as JSON holds it


MESSAGE: TypeAdapter[Message] = TypeAdapter(Annotated[Message, BeforeValidator(_prompted)])
"""Takes prompts for messages."""
