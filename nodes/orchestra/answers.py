"""What perspectives say, as data."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from backedge.nodes.novelty import Quantity


class AnswerError(ValueError):
    """What was said is no answer of the kind that was asked for; the message tells what was expected."""


class Said(BaseModel):
    """An answer, without whose it is.

    Attributes:
        text: What was said: the words, the number as it was written, or the choice.
        reason: Why, where that was told beside it.
        quantity: The number that it is; None for other kinds of answers.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    reason: str = ""
    quantity: Quantity | None = None

    def bare(self) -> Said:
        """Only what was said, without whose it is."""
        return Said(text=self.text, reason=self.reason, quantity=self.quantity)


class Answer(Said):
    """The answer of a perspective.

    Attributes:
        perspective: Whose it is.
        weight: What the perspective weighs.
        round: How often that perspective had been asked before, from 0.
    """

    perspective: str
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    round: NonNegativeInt = 0


class Missing(BaseModel):
    """A perspective that was asked and did not answer. If it had answered in an earlier round, that answer stands.

    Attributes:
        perspective: Who.
        why: What happened.
        round: How often it had been asked before, from 0.
    """

    model_config = ConfigDict(frozen=True)

    perspective: str
    why: str
    round: NonNegativeInt = 0


def latest(answers: Iterable[Answer]) -> dict[str, Answer]:
    """The last of the answers of each perspective, by name.

    Example:
        >>> both = [Answer(perspective="law", text="no"), Answer(perspective="law", text="yes", round=1)]
        >>> latest(both)["law"].text
        'yes'
    """
    return {one.perspective: one for one in answers}
