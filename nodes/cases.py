"""A program against cases: run in a sandbox, and told in words that whoever wrote it can act on.

What a loop of coder and checker needs in between. The cases are JSON, so that a model can give them.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from .repair import spec
from .repair.runner import Runner
from .sandbox import Sandbox

_BLOCK: Final = re.compile(r"```[^\n]*\n(.*?)```", re.DOTALL)


class Case(BaseModel):
    """Arguments and what a function should return for them, both as JSON text."""

    model_config = ConfigDict(frozen=True)

    arguments: str = Field(description="The arguments as one JSON list, one argument too: [[3, 1, 2]]")
    expected: str = Field(description="What the function returns for them, as JSON: [1, 2, 3]")

    @field_validator("arguments", "expected")
    @classmethod
    def _is_json(cls, text: str) -> str:
        json.loads(text)
        return text

    @field_validator("arguments")
    @classmethod
    def _is_list(cls, text: str) -> str:
        if not isinstance(json.loads(text), list):
            raise ValueError("the arguments are a JSON list, even if there is only one")
        return text


class Outcome(BaseModel):
    """How a program did on one case.

    Attributes:
        call: The call, as it would be written.
        expected: What it should return.
        found: What it returned, or what went wrong.
        passed: Whether that is the same.
    """

    model_config = ConfigDict(frozen=True)

    call: str
    expected: str
    found: str
    passed: bool

    def __str__(self) -> str:
        """The outcome in one line."""
        return f"{self.call} should give {self.expected}, but: {self.found}"


class Trial(BaseModel):
    """How a program did.

    Attributes:
        outcomes: One for each case, in order; none where the program is no Python.
        problem: Why it could not be run at all; else empty.
    """

    model_config = ConfigDict(frozen=True)

    outcomes: tuple[Outcome, ...] = ()
    problem: str = ""

    @property
    def failing(self) -> tuple[Outcome, ...]:
        """The outcomes that are wrong."""
        return tuple(one for one in self.outcomes if not one.passed)

    @property
    def passed(self) -> bool:
        """Whether there were cases and all passed."""
        return bool(self.outcomes) and not self.failing


def program_in(answer: str) -> str | None:
    r"""The program in what a model wrote: its longest code block, or all of it where that is Python; None for none.

    Example:
        >>> program_in("Sure:\n```python\nx = 1\n```")
        'x = 1\n'
    """
    found: str | None = max(_BLOCK.findall(answer), key=len, default=None)
    if found is None:
        try:
            found = answer if ast.parse(answer).body else None
        except (SyntaxError, ValueError):
            return None
    return found if found is None or found.endswith("\n") else f"{found}\n"


async def try_program(sandbox: Sandbox, source: str, *, function: str, cases: tuple[Case, ...]) -> Trial:
    """Run a program on cases, in a sandbox; a case that hangs or ends its process fails for itself.

    Results are compared as JSON holds them, floats with a tolerance. The program is not trusted with the host, but it
    could find the expected results inside the sandbox: this judges mistakes, not malice.

    Args:
        sandbox: Where it runs.
        source: The program.
        function: Which of its functions the cases call.
        cases: What it should do.

    Raises:
        SandboxError: The sandbox did not do its work.

    Example::

        trial = await try_program(sandbox, "def double(x): return x + x", function="double",
                                  cases=(Case(arguments="[2]", expected="4"),))
        trial.passed
    """
    try:
        ast.parse(source)
    except (SyntaxError, ValueError) as error:
        return Trial(problem=f"it is no Python: {error}")
    asked = spec.Specification(
        program="program.py",
        source=source,
        function=function,
        cases=tuple(spec.Case(arguments=one.arguments, expected=one.expected) for one in cases),
    )
    survey = (await Runner(sandbox=sandbox, workers=1).survey(asked)).survey
    assert survey is not None, "a survey was asked for"
    return Trial(
        outcomes=tuple(
            Outcome(
                call=f"{function}({case.arguments.strip()[1:-1]})",
                expected=case.expected,
                found=seen.text,
                passed=seen.code == "p",
            )
            for case, seen in zip(cases, survey.cases, strict=True)
        )
    )
