"""What an agent remembers: a conversation as a field of the state, which only ever grows at its end.

So a journal stores of each round what that round said, and nothing twice. What of it a model is shown is decided anew for
each of its turns, by the policies in `backedge.nodes.agents.memory`; nothing is ever taken out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final, Literal, TypeAlias

from backedge.engine.state.reducers import extend
from backedge.providers import Message, ModelRequest, ToolResult
from backedge.providers.messages import Frozen
from backedge.providers.wrappers.sizes import expected


class Summary(Frozen):
    """Stands for the beginning of a conversation, in the words of a model.

    Attributes:
        covers: How many messages from the first one on it stands for.
        text: What was said in them.
    """

    kind: Literal["summary"] = "summary"
    covers: int
    text: str


class Leave(Frozen):
    """A person's leave to call a tool without being asked again.

    Attributes:
        agent: Whose calls it is for.
        tool: The tool.
    """

    kind: Literal["leave"] = "leave"
    agent: str
    tool: str


Entry: TypeAlias = Message | Summary | Leave
"""What a conversation consists of."""

Conversation: TypeAlias = Annotated[list[Entry], extend]
"""The type of a state's field that keeps a conversation; what is written to it is added at its end.

Example::

    class Build(BaseModel):
        chat: Conversation = []
"""

_NO_RESULT: Final = "there is no result: the call was never carried out"


@dataclass(frozen=True)
class Turn:
    """Messages that belong together: an answer of the model with the results of the tools it called, or a message alone.

    Attributes:
        messages: In order.
    """

    messages: tuple[Message, ...]

    @property
    def asks(self) -> bool:
        """Whether it is something that was said to the model, and no answer of it."""
        return self.messages[0].role != "assistant"

    @cached_property
    def tokens(self) -> int:
        """How many tokens it takes, guessed from its size."""
        return tokens_of(self.messages)


def messages_of(entries: Sequence[Entry]) -> list[Message]:
    """The messages of a conversation."""
    return [entry for entry in entries if isinstance(entry, Message)]


def summary_of(entries: Sequence[Entry]) -> Summary | None:
    """The newest summary."""
    return next((entry for entry in reversed(entries) if isinstance(entry, Summary)), None)


def leave_of(entries: Sequence[Entry], agent: str) -> set[str]:
    """The tools that an agent may call without asking."""
    return {entry.tool for entry in entries if isinstance(entry, Leave) and entry.agent == agent}


def tokens_of(messages: Sequence[Message]) -> int:
    """How many tokens messages take, guessed from their size: rather too many than too few."""
    return expected(ModelRequest(messages=tuple(messages)), output=0).input_tokens


def turns_of(messages: Sequence[Message]) -> list[Turn]:
    """A conversation in pieces that must not be torn apart.

    Providers refuse a result without its call and a call without its result. A result whose call is not there is left
    out, and a call without a result gets one that says so, as after a conversation that was broken off.
    """
    turns: list[Turn] = []
    place = 0
    while place < len(messages):
        said = messages[place]
        place += 1
        if said.role == "tool":
            continue  # its call is not there
        if not said.tool_calls:
            turns.append(Turn((said,)))
            continue
        results: list[ToolResult] = []
        while place < len(messages) and messages[place].role == "tool":
            results += [part for part in messages[place].parts if isinstance(part, ToolResult)]
            place += 1
        turns.append(Turn((said, _answers(said, results))))
    return turns


def _answers(said: Message, results: Sequence[ToolResult]) -> Message:
    """One message with a result for each call, in the order of the calls."""
    left = list(results)
    found: list[ToolResult] = []
    for call in said.tool_calls:
        result = next((one for one in left if one.id == call.id), None)
        if result is None:
            result = ToolResult(id=call.id, content=_NO_RESULT, failed=True)  # type: ignore[arg-type]  # a validator takes texts
        else:
            left.remove(result)
        found.append(result)
    return Message.of("tool", *found)


def told(message: Message, *, most: int = 2000) -> str:
    """A message as lines of text, for a summary of it; long results are cut."""
    lines = []
    for part in message.parts:
        match part.kind:
            case "text" | "code":
                lines.append(part.text)
            case "tool_call":
                lines.append(f"[calls {part.name} with {cut(part.arguments, most)}]")
            case "tool_result":
                failed = " failed" if part.failed else ""
                lines.append(f"[result{failed}: {cut(part.text, most)}]")
            case "image" | "file":
                lines.append(f"[{part.kind}: {part.media_type}]")
            case _:
                continue  # thoughts, and what only a provider understands
    return f"{message.role}: " + "\n".join(lines)


def cut(text: str, most: int) -> str:
    """A text of at most so many characters: of a longer one the middle is left out, and it says so.

    >>> cut("a" * 100, 50)
    'aaaaaaa [... 86 characters left out ...] aaaaaaa'
    """
    if len(text) <= most:
        return text
    note = f" [... {len(text)} characters left out ...] "
    side = max(0, (most - len(note)) // 2)
    note = f" [... {len(text) - 2 * side} characters left out ...] "
    return f"{text[:side]}{note}{text[len(text) - side :]}"
