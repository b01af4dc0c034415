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

from typing import TYPE_CHECKING

from .declaring import PERMISSIONS, Permission, Safety
from .errors import ToolArgumentsError, ToolDefinitionError, ToolError, ToolTimeoutError
from .results import Content, text_of
from .tool import AnyTool, Tool, tool

if TYPE_CHECKING:
    from .calculator import calculator_tool
    from .clock import clock_tool
    from .code import code_tool
    from .fetch import fetch_tool
    from .files import file_tools
    from .roots import Root
    from .search import search_tool

__all__ = [
    "PERMISSIONS",
    "AnyTool",
    "Content",
    "Permission",
    "Root",
    "Safety",
    "Tool",
    "ToolArgumentsError",
    "ToolDefinitionError",
    "ToolError",
    "ToolTimeoutError",
    "calculator_tool",
    "clock_tool",
    "code_tool",
    "fetch_tool",
    "file_tools",
    "search_tool",
    "text_of",
    "tool",
]

# Loaded by those who use them.
_LAZY = {
    "Root": "roots",
    "calculator_tool": "calculator",
    "clock_tool": "clock",
    "code_tool": "code",
    "fetch_tool": "fetch",
    "file_tools": "files",
    "search_tool": "search",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
