"""Leave to call a tool: which tools an agent may call by itself, and how a person is asked about the others."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final, Literal, TypeAlias
from unicodedata import category

from pydantic import BaseModel, ConfigDict, StrictBool

from backedge.engine.context import Context
from backedge.nodes.tools import PERMISSIONS, AnyTool, Permission
from backedge.providers import ToolCall
from backedge.providers.checking import arguments_of

_UNSEEN: Final = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
"""Characters that are not seen, or change what is seen of others, such as the direction of writing."""

Allow: TypeAlias = Permission | Literal["anything"] | Collection[Permission]
"""What an agent may do without asking: one permission and those that are less dangerous (``"write"`` is also ``"read"``); a
collection of exactly those; or ``"anything"``, tools that say nothing of themselves too."""


class Decision(BaseModel):
    """What a person says of a call.

    Attributes:
        approve: Whether it may be made.
        always: Whether all further calls of this tool may be made in this run without asking.
        reason: Why not; the model is told.
    """

    model_config = ConfigDict(extra="forbid")

    approve: StrictBool
    always: StrictBool = False
    reason: str = ""


def allowed(allow: Allow) -> frozenset[Permission | None]:
    """The permissions of tools that may be called without asking; None stands for tools that tell none.

    Raises:
        ValueError: There is no such permission.
    """
    if allow == "anything":
        return frozenset((*PERMISSIONS, None))
    given = {allow} if isinstance(allow, str) else set(allow)
    for one in given - set(PERMISSIONS):
        raise ValueError(f'allow= takes {", ".join(PERMISSIONS)} or "anything", not {one!r}')
    if isinstance(allow, str):
        return frozenset(PERMISSIONS[: PERMISSIONS.index(allow) + 1])
    return frozenset(one for one in PERMISSIONS if one in given)


def shown(call: ToolCall) -> str:
    """The arguments of a call as a person is shown them: all of them, in one line, with nothing that hides another.

    Raises:
        ValueError: They could be read in two ways.
    """
    text = json.dumps(arguments_of(call), ensure_ascii=False)
    if text.isascii():
        return text
    return "".join(f"\\u{ord(one):04x}" if category(one) in _UNSEEN else one for one in text)


async def ask(agent: str, tool: AnyTool, call: ToolCall, context: Context) -> Decision:
    """Ask a person whether a call may be made. Raises ValueError when it cannot be shown."""
    may = f"may {tool.permission}" if tool.permission else "does not say what it may do"
    if tool.permission == "network":
        may = "uses the network"
    question = f"{agent} wants to call {tool.name}, which {may}, with {shown(call)}"
    said = await context.ask(question, schema=StrictBool | Literal["once", "always"] | Decision)
    if isinstance(said, Decision):
        return said
    return Decision(approve=said is not False, always=said == "always")
