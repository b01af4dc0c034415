"""What a model is told when it is to repair a program.

Pure functions from what is known to text. Every part has a bound, so that the whole stays below `MOST_PROMPT`
characters whatever the program, its cases and its history are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from typing import Final

from .lessons import Lessons, broken, mended
from .localise import suspicion
from .memory import Attempt, Memory
from .models import Survey, lines_of, replaced
from .patch import unified
from .spec import Specification

MOST_PROMPT: Final = 40_000
"""Characters in a prompt, at most."""

FAILING, PASSING, SUSPECTS, ATTEMPTS = 8, 4, 6, 4
"""Failing and passing cases, suspicious lines and earlier answers that are shown."""

CASE, SOURCE, TESTS, DIFF, SAID = 300, 14_000, 4_000, 1_200, 400
"""Characters of a case, of the program, of the test file, of an earlier answer's diff, and of one that was no program."""

TASK: Final = (
    "You repair Python programs. You are shown a program with line numbers, and what it does wrong.\n"
    "Answer with one fenced ```python block that holds every function you change, each of them whole, from its def "
    "line to its end, without line numbers. Leave out what stays as it is. Change as little as possible, and keep names "
    "and signatures. Call no tools. Say in one sentence before the block what was wrong."
)
"""Whole functions are what small models write most reliably: they need not quote lines exactly, nor count them."""

_HEAD: Final = re.compile(r"\s*(@|(async )?def |class )")


def prompt(spec: Specification, survey: Survey, memory: Memory, known: Lessons | None = None) -> str:
    """What a model is told.

    Args:
        spec: What is to be repaired.
        survey: How the original did.
        memory: What became of the model's earlier answers.
        known: What a search that works beside it has learned.
    """
    refuting = known.refuting if known is not None and known.refuting else _most(memory.kills)
    parts = [
        _program(spec, survey),
        f"What it should do: {cut(spec.docstring, 2_000)}" if spec.docstring else "",
        _suspects(spec, survey),
        _cases(spec, survey, refuting),
        _tests(spec),
        _learned(spec, survey, known) if known is not None else "",
        *(_attempt(spec, survey, one) for one in memory.attempts[-ATTEMPTS:]),
        "Do not give an earlier answer again." if memory.attempts else "",
    ]
    return cut("\n\n".join(part for part in parts if part), MOST_PROMPT)


def cut(text: str, most: int) -> str:
    """A text of at most so many characters, with a mark where something is left out of its middle.

    >>> cut("0123456789", 7)
    '012 … 9'
    """
    if len(text) <= most:
        return text
    head = (most - 3) * 3 // 4
    return f"{text[:head]} … {text[len(text) - (most - 3 - head) :]}"


# ---------------------------------------------------------------------------- parts


def _program(spec: Specification, survey: Survey) -> str:
    lines = lines_of(spec.source)
    shown = _shown(spec.source, survey) if len(spec.source) > SOURCE else range(1, len(lines) + 1)
    width, last = len(str(len(lines))), 0
    rows = []
    for number in shown:
        if number != last + 1:
            rows.append("…")
        rows.append(f"{number:>{width}} | {lines[number - 1].rstrip()}")
        last = number
    note = " (parts of it)" if len(rows) < len(lines) else ""
    text = cut("\n".join(rows), SOURCE)
    return f"The program {spec.program}{note}:\n```python\n{text}\n```"


def _shown(source: str, survey: Survey) -> list[int]:
    """The lines of a long program that are shown: the head of each definition, and all of those under suspicion."""
    suspects = suspicion(survey)
    wanted: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            wanted |= set(inside) if any(line in suspects for line in inside) else {node.lineno}
        elif isinstance(node, ast.ClassDef):
            wanted.add(node.lineno)
    return sorted(wanted | set(suspects))


def _suspects(spec: Specification, survey: Survey) -> str:
    """The most suspicious lines, and why."""
    values = suspicion(survey)
    lines = lines_of(spec.source)
    wrong = [set(survey.cases[case].lines) for case in survey.failing]
    right = [set(survey.cases[case].lines) for case in survey.passing]
    rows = []
    told = [line for line in values if line <= len(lines) and not _HEAD.match(lines[line - 1])]
    for line in sorted(told, key=lambda line: (-values[line], line))[:SUSPECTS]:
        failing, passing = (sum(line in seen for seen in group) for group in (wrong, right))
        text = cut(lines[line - 1].strip(), 100)
        rows.append(
            f"- line {line} ({values[line]:.2f}): run by {failing} of {len(wrong)} failing and "
            f"{passing} of {len(right)} passing cases: {text}"
        )
    if not rows:
        return ""
    return "\n".join(["The most suspicious lines (Ochiai's coefficient of who runs them, 1 is most):", *rows])


def _cases(spec: Specification, survey: Survey, refuting: Sequence[int]) -> str:
    """Failing cases, those that refuted most candidates and the short ones first, and a few that pass."""
    order = {case: place for place, case in enumerate(refuting)}
    failing = sorted(
        survey.failing, key=lambda case: (order.get(case, len(order)), len(_case(spec, survey, case)), case)
    )
    passing = sorted(
        survey.passing, key=lambda case: (order.get(case, len(order)), len(_case(spec, survey, case)), case)
    )
    rows = [f"{len(survey.failing)} of {len(survey.cases)} cases fail:"]
    rows += [f"- {_case(spec, survey, case)}, but {_went(spec, survey, case)}" for case in failing[:FAILING]]
    if passing:
        rows.append("These pass, and have to stay so:")
        rows += [f"- {_case(spec, survey, case)}" for case in passing[:PASSING]]
    return "\n".join(rows)


def _tests(spec: Specification) -> str:
    if spec.tests is None:
        return ""
    return f"The tests {spec.tests}:\n```python\n{cut(spec.files.get(spec.tests, ''), TESTS).rstrip()}\n```"


def _learned(spec: Specification, survey: Survey, known: Lessons) -> str:
    """What the search has learned."""
    rows = []
    if known.lines:
        rows.append(f"- edits of these lines made failing cases pass: {_list(known.lines)}")
    if known.kinds:
        rows.append(f"- these kinds of edits did: {_list(known.kinds)}")
    if known.refuting:
        rows.append(f"- most candidates were refuted by {_case(spec, survey, known.refuting[0])}")
    if known.best:
        breaks = f", but breaks {len(known.breaks)} that passed" if known.breaks else ""
        rows.append(
            f"- its best candidate so far makes {known.mends} of {len(survey.failing)} failing cases pass{breaks}; "
            f"it is not right:\n```diff\n{known.best}```"
        )
    if not known.candidates:
        return ""
    return "\n".join([f"A search has tried {known.candidates} small edits without success:", *rows])


def _attempt(spec: Specification, survey: Survey, attempt: Attempt) -> str:
    """An earlier answer, and what became of it."""
    if attempt.refused:
        return f"An earlier answer could not be used: {attempt.refused}. It began:\n{cut(attempt.said, SAID)}"
    diff = unified(spec.source, replaced(spec.source, attempt.replacements), spec.program)
    rows = [f"An earlier answer:\n```diff\n{cut(diff, DIFF)}```"]
    if attempt.case < 0:
        rows.append(f"It did not run: {attempt.text}" if attempt.text else "It did not run to its end.")
    else:
        told = attempt.text or "another result"
        rows.append(f"It did not pass {_case(spec, survey, attempt.case)}: {cut(told, CASE)}.")
    if attempt.outcomes:
        broke = broken(survey, attempt.outcomes)
        mends = f"It made {mended(survey, attempt.outcomes)} of {len(survey.failing)} failing cases pass"
        rows.append(f"{mends}, and broke {_several(spec, survey, broke)}." if broke else f"{mends}.")
    return "\n".join(rows)


def _several(spec: Specification, survey: Survey, cases: Sequence[int]) -> str:
    shown = ", ".join(_case(spec, survey, case) for case in cases[:2])
    return shown if len(cases) <= 2 else f"{len(cases)} that passed, such as {shown}"


def _case(spec: Specification, survey: Survey, number: int) -> str:
    if spec.cases:
        case = spec.cases[number]
        return cut(f"{spec.function}({case.arguments[1:-1]}) == {case.expected}", CASE)
    return survey.names[number] if number < len(survey.names) else f"test {number + 1}"


def _went(spec: Specification, survey: Survey, case: int) -> str:
    """How the original did on a failing case."""
    seen = survey.cases[case]
    wrong = "it gives" if spec.tests is None else "it fails:"
    what = {"e": "it raises", "t": "it runs on and on", "c": "the process dies"}.get(seen.code, wrong)
    return cut(f"{what} {seen.text}" if seen.text and seen.code in "fe" else what, CASE)


def _most(kills: Sequence[int]) -> list[int]:
    found = [case for case, count in enumerate(kills) if count]
    return sorted(found, key=lambda case: (-kills[case], case))


def _list(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))
