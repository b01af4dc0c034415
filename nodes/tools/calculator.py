"""A tool that calculates; see `arithmetic` for what it understands."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .arithmetic import evaluate
from .tool import AnyTool, tool


def calculator_tool() -> AnyTool:
    """``calculate``: arithmetic, exact for decimals and large numbers.

    Example::

        Agent(model, tools=[calculator_tool()], instructions="...")
    """

    @tool(permission="read")
    async def calculate(
        expression: Annotated[str, Field(description="Such as '(1 + 0.19) * 24.90' or 'sqrt(2) * 3 ** 5'")],
    ) -> str:
        """Calculate an arithmetic expression: + - * / // % **, brackets, sqrt, sin, log, round, factorial and so on."""
        return evaluate(expression)

    return calculate
