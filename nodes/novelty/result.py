"""What was found out about answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from .quantities import Quantity


class Coverage(BaseModel):
    """Which topics a text speaks of, in the order in which they were given."""

    model_config = ConfigDict(frozen=True)

    covered: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Difference(BaseModel):
    """A quantity of an answer, and the closest one of its dimension in the text that is most similar; they do not agree."""

    model_config = ConfigDict(frozen=True)

    said: Quantity
    there: Quantity


class Suggestion(BaseModel):
    """What to do.

    Attributes:
        kind: ``cover`` a missing topic, ``drop`` a near duplicate, ``check`` numbers that differ.
        what: The topic, or the text.
        told: The same as a sentence.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["cover", "drop", "check"]
    what: str
    told: str


class Judgement(BaseModel):
    """Whether an answer is new.

    Attributes:
        new: Whether it is.
        reason: Why, in one sentence.
        novelty: How much of it is in none of the given texts: 0 for nothing, 1 for all.
        nearest: The given text that holds the most of it; None where none was given.
        similarity: How similar it is to that one, both ways round.
        new_quantities: Those that agree with none of any given text.
        known_quantities: The others.
        differences: Numbers in which it differs from the nearest text.
        topics: Which topics it speaks of.
        suggestions: What to do.
    """

    model_config = ConfigDict(frozen=True)

    new: bool
    reason: str
    novelty: float
    nearest: str | None = None
    similarity: float = 0.0
    new_quantities: tuple[Quantity, ...] = ()
    known_quantities: tuple[Quantity, ...] = ()
    differences: tuple[Difference, ...] = ()
    topics: Coverage = Coverage()
    suggestions: tuple[Suggestion, ...] = ()


class Survey(BaseModel):
    """What a set of answers is like.

    Attributes:
        diversity: From 0, each has its double, to 1, no two have anything in common: see `diversity`.
        keep: The answers without near duplicates, the longest first.
        drop: The near duplicates of those.
        topics: Which topics are spoken of in any of them.
        suggestions: What to do.
    """

    model_config = ConfigDict(frozen=True)

    diversity: float
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    topics: Coverage = Coverage()
    suggestions: tuple[Suggestion, ...] = ()
