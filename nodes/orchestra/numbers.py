"""Answers that are numbers, with units: how they are read, compared and averaged."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, Self

from pydantic import BaseModel, Field

from backedge.engine.context import Context
from backedge.nodes.novelty import Quantity, Unit, Units, agree, quantities

from .answers import AnswerError, Said
from .kinds import Compare

_BEFORE: Final = frozenset("$€£¥")
"""Units that stand before their numbers."""


class _NumberAnswer(BaseModel):
    number: str = Field(description="The number, with its unit if it has one")
    reason: str = Field(default="", description="Why, in a sentence or two")


class Number:
    """Answers that are one number. Two agree when they differ by no more than the tolerance; then their similarity is 1, else 0.

    Args:
        unit: What it is a number of, such as ``"$"``, ``"km"`` or ``"%"``: numbers in other units of the same are converted,
            those without any are taken as in this one. Empty: plain numbers only.
        tolerance: Up to which share of the larger one two numbers agree.

    Raises:
        ValueError: There is no such unit, or the tolerance is not from 0 to 1.

    Example:
        >>> Number("$").read("about $500K").quantity.low
        500000.0
    """

    output: Any = _NumberAnswer
    has_mean = True

    def __init__(self, unit: str = "", *, tolerance: float = 0.01) -> None:
        found = Unit("") if unit == "" else Units().find(unit) if isinstance(unit, str) else None
        if found is None:
            raise ValueError(f"there is no unit {unit!r}: write it as in a text, such as '$', 'km', 'hours'")
        if not 0 <= tolerance <= 1:
            raise ValueError(f"tolerance= is a share from 0 to 1, not {tolerance!r}")
        self._name = unit
        self._unit = found
        self._tolerance = tolerance

    @property
    def told(self) -> str:
        """Asks for one number."""
        return f"Answer with one number, in {self._name}." if self._name else "Answer with one plain number."

    def read(self, said: Any) -> Said:
        """A number, a text with exactly one number, or the answer of a model."""
        if isinstance(said, _NumberAnswer):
            return self.read(said.number).model_copy(update={"reason": said.reason})
        if isinstance(said, Said):
            quantity = self._fitting(said.quantity) if said.quantity else self._quantity(said.text)
            return Said(text=said.text, reason=said.reason, quantity=quantity)
        return Said(text=str(said), quantity=self._quantity(said))

    def _quantity(self, given: Any) -> Quantity:
        plain = _plain(given)
        if plain is not None:
            return self._in_unit(plain, plain, str(given))
        found = quantities(given) if isinstance(given, str) else ()
        if len(found) != 1:
            numbers = ", ".join(one.text for one in found) or "none"
            raise AnswerError(f"an answer has exactly one number, and {given!r:.100} has {numbers}")
        (one,) = found
        return self._fitting(one)

    def _fitting(self, one: Quantity) -> Quantity:
        if one.dimension == self._unit.dimension:
            return one
        if not one.dimension:
            return self._in_unit(one.low, one.high, one.text)
        wanted = f"in {self._name}" if self._name else "without a unit"
        raise AnswerError(f"an answer is a number {wanted}, and {one.text!r} is one of {one.dimension}")

    def _in_unit(self, low: float, high: float, text: str) -> Quantity:
        low, high = (end * self._unit.factor + self._unit.offset for end in (low, high))
        return Quantity(low=low, high=high, dimension=self._unit.dimension, text=text)

    async def ready(self, answers: Sequence[Said], context: Context) -> Self:
        """Numbers can always be compared."""
        return self

    def compared(self, answers: Sequence[Said]) -> Compare:
        """1 when they agree within the tolerance, else 0."""
        numbers = [_number(one) for one in answers]
        return lambda one, other: float(agree(numbers[one], numbers[other], self._tolerance))

    def mean(self, answers: Sequence[Said], weights: Sequence[Fraction]) -> Said:
        """The weighted mean; of ranges that of both ends."""
        numbers = [_number(one) for one in answers]
        low = _mean([one.low for one in numbers], weights)
        high = _mean([one.high for one in numbers], weights)
        shown = [self._shown((end - self._unit.offset) / self._unit.factor) for end in (low, high)]
        text = shown[0] if low == high else " to ".join(shown)
        quantity = Quantity(low=low, high=high, dimension=self._unit.dimension, text=text)
        return Said(text=text, quantity=quantity)

    def _shown(self, number: float) -> str:
        """To six digits, with the unit, as it can be read again."""
        sign = "-" if number < 0 else ""
        digits = f"{abs(float(f'{number:.6g}')):,.15g}"
        if self._name in _BEFORE:
            return f"{sign}{self._name}{digits}"
        return f"{sign}{digits} {self._name}".rstrip()


def _plain(given: Any) -> float | None:
    """A number, or a text that is nothing else than one."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        number = float(given)
    except (ValueError, OverflowError):
        return None
    if abs(number) > 1e200 or number != number:
        raise AnswerError(f"an answer is a number up to 1e200, not {given!r:.100}")
    return number


def _mean(numbers: Sequence[float], weights: Sequence[Fraction]) -> float:
    """The weighted mean, rounded once, so that the order does not matter."""
    products = (Fraction(number) * weight for number, weight in zip(numbers, weights, strict=True))
    return float(sum(products, Fraction(0)) / sum(weights, Fraction(0)))


def _number(said: Said) -> Quantity:
    if said.quantity is None:
        raise AnswerError(f"{said.text!r:.100} is no number: make answers with Number().read(...)")
    return said.quantity
