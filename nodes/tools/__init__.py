"""Tools: typed functions that models can call, and some that are ready.

Example:
    >>> import asyncio
    >>> from backedge.nodes.tools import tool
    >>> @tool(permission="read")
    ... async def double(number: int) -> int:
    ...     '''Double a number.'''
    ...     return 2 * number
    >>> asyncio.run(double.call('{"number": 21}'))[0].text
    '42'
"""

from __future__ import annotations

from .errors import ToolArgumentsError, ToolDefinitionError, ToolError, ToolTimeoutError
from .results import Content, text_of
from .tool import PERMISSIONS, AnyTool, Permission, Safety, Tool, tool

__all__ = [
    "PERMISSIONS",
    "AnyTool",
    "Content",
    "Permission",
    "Safety",
    "Tool",
    "ToolArgumentsError",
    "ToolDefinitionError",
    "ToolError",
    "ToolTimeoutError",
    "text_of",
    "tool",
]
