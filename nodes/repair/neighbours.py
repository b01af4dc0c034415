"""Inputs like those of the cases: small changes to their arguments, for which nobody said what should come out.

Candidates that pass all cases can still be told apart by what they do nearby.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from .models import Survey
from .spec import Specification

MOST = 60
"""Neighbours altogether."""


class Neighbour(NamedTuple):
    """Arguments near those of a case, as JSON text, and whether the original passes that case."""

    arguments: str
    passing: bool


def neighbours(spec: Specification, survey: Survey) -> tuple[Neighbour, ...]:
    """Inputs near those of the cases, always the same ones; none when the cases are tests.

    Each differs from a case in one or two places: a number one off, an item dropped, doubled or moved, a text
    shortened. Types stay as they are.
    """
    dice = random.Random(len(spec.cases))  # noqa: S311  # the same inputs every time are what is wanted
    known = {case.arguments for case in spec.cases}
    found: dict[str, bool] = {}
    passing = set(survey.passing)
    for attempt in range(MOST * 4):
        if not spec.cases or len(found) >= MOST:
            break
        case = attempt % len(spec.cases)
        arguments = json.loads(spec.cases[case].arguments)
        for _ in range(1 + attempt // len(spec.cases) % 2):
            arguments = _changed_arguments(arguments, dice)
        text = json.dumps(arguments)
        if text not in known:
            found.setdefault(text, case in passing)
    return tuple(Neighbour(text, good) for text, good in found.items())


def _changed_arguments(arguments: list[Any], dice: random.Random) -> list[Any]:
    if not arguments:
        return arguments
    place = dice.randrange(len(arguments))
    return [*arguments[:place], changed(arguments[place], dice), *arguments[place + 1 :]]


def changed(value: Any, dice: random.Random) -> Any:
    """A value a little different, of the same type.

    Args:
        value: JSON data; it is not changed itself.
        dice: Where chance comes from.
    """
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return dice.choice([value + 1, value - 1, value + 2, value * 2, 0, 1])
    if isinstance(value, float):
        return dice.choice([value + 1.0, value / 2, value * 2, value + 0.25])
    if isinstance(value, str):
        return "".join(_changed_items(list(value), dice, deep=False))
    if isinstance(value, list):
        return _changed_items(value, dice, deep=True)
    if isinstance(value, dict) and value:
        key = dice.choice(list(value))
        if dice.random() < 0.25:
            return {other: item for other, item in value.items() if other != key}
        donor = value[dice.choice(list(value))] if dice.random() < 0.3 else changed(value[key], dice)
        return {**value, key: donor}
    return value


def _changed_items(items: Sequence[Any], dice: random.Random, *, deep: bool) -> list[Any]:
    """Drop, double, swap or change an item."""
    made = list(items)
    if not made:
        return made
    place, other = dice.randrange(len(made)), dice.randrange(len(made))
    match dice.randrange(5 if deep else 4):
        case 0:
            del made[place]
        case 1:
            made.insert(other, made[place])
        case 2:
            made[place], made[other] = made[other], made[place]
        case 3:
            made[place] = made[other]
        case _:
            made[place] = changed(made[place], dice)
    return made
