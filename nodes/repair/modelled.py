"""A model as the coder of a repair: it is shown the program and what fails, and what became of its earlier answers."""

from __future__ import annotations

import ast
import re
from typing import Any, Final

from backedge.providers import Message, Model, ModelRequest

from .memory import Memory
from .models import Batch, Candidate, Survey, replaced
from .patch import unified
from .search import difference
from .spec import Specification

TRIES: Final = 3
"""Answers asked for in one round until one holds a program that is new and can be parsed."""
SHOWN: Final = 8
"""Failing cases that a model is shown."""

_TASK: Final = (
    "You repair Python programs. Answer with the whole corrected program in one fenced code block, "
    "changing as little as possible. Keep names and signatures."
)
_BLOCK: Final = re.compile(r"```[^\n]*\n(.*?)```", re.DOTALL)


class ModelProgrammer:
    """A `Programmer` that asks a model.

    In a graph its calls are effects of the coder: they are journaled, and not made again on resume.

    Example::

        resources = {"programmer": ModelProgrammer(model), "runner": Runner(sandbox=open_sandbox())}
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def for_activation(self, context: Any) -> ModelProgrammer:
        """The same, with a model whose calls the activation journals."""
        bind = getattr(self._model, "for_activation", None)
        return self if bind is None else ModelProgrammer(bind(context))

    async def propose(self, spec: Specification, survey: Survey, memory: Memory) -> Batch:
        """One candidate, or none when the model has no new program to offer."""
        told = [Message.of("system", _TASK), Message.of("user", prompt(spec, survey, memory))]
        known = {spec.source, *(replaced(spec.source, one.replacements) for one in memory.attempts)}
        for _ in range(TRIES):
            response = await self._model.respond(ModelRequest(messages=tuple(told)))
            source = program_in(response.text, spec.source)
            refused = _refused(source, known)
            if refused is None and source is not None:
                return Batch(candidates=(_candidate(spec, memory, source),), author=self._model.name)
            told += [
                response.message,
                Message.of("user", f"{refused} Answer with the whole corrected program."),
            ]
        return Batch(author=self._model.name)


def prompt(spec: Specification, survey: Survey, memory: Memory) -> str:
    """What a model is told: the program, its failing cases, and how earlier answers did."""
    parts = [f"The program {spec.program}:\n```python\n{spec.source}```"]
    if spec.docstring:
        parts.append(f"What it should do: {spec.docstring}")
    failing = survey.failing[:SHOWN]
    lines = [f"- {_case(spec, survey, number)}, but: {survey.cases[number].text}" for number in failing]
    count = len(survey.cases)
    parts.append("\n".join([f"{len(survey.failing)} of {count} cases fail. They should be:", *lines]))
    for attempt in memory.attempts:
        diff = unified(spec.source, replaced(spec.source, attempt.replacements), spec.program)
        wrong = f"did not pass {_case(spec, survey, attempt.case)}" if attempt.case >= 0 else "did not run"
        parts.append(
            f"An earlier answer:\n```diff\n{diff}```\nIt {wrong}: {attempt.text or 'another result'}"
        )
    return "\n\n".join(parts)


def program_in(answer: str, original: str) -> str | None:
    r"""The program in an answer: its longest code block, or all of it where that is Python; None when there is none.

    >>> program_in("Sure:\n```python\nx = 1\n```", "x = 2\n")
    'x = 1\n'
    """
    found: str | None = max(_BLOCK.findall(answer), key=len, default=None)
    if found is None:
        try:
            found = answer if ast.parse(answer).body else None
        except (SyntaxError, ValueError):
            return None
    if found is not None and original.endswith("\n") and not found.endswith("\n"):
        found += "\n"
    return found


def _refused(source: str | None, known: set[str]) -> str | None:
    if source is None:
        return "There was no code block in that."
    if source in known:
        return "That program was tried already and does not pass."
    try:
        ast.parse(source)
    except (SyntaxError, ValueError) as error:
        return f"That is not Python: {error}."
    return None


def _candidate(spec: Specification, memory: Memory, source: str) -> Candidate:
    changes = difference(spec.source, source)
    line = spec.source.count("\n", 0, changes[0].start) + 1
    size = float(sum(change.end - change.start + len(change.text) for change in changes))
    return Candidate(f"model.{memory.round}", changes, line, "model", size)


def _case(spec: Specification, survey: Survey, number: int) -> str:
    if spec.cases:
        case = spec.cases[number]
        return f"{spec.function}({case.arguments[1:-1]}) == {case.expected}"
    return survey.names[number] if number < len(survey.names) else f"test {number + 1}"
