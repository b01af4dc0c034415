"""Kinds of answers: texts, numbers, choices. A kind reads what was said, compares answers, and knows what can be computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final, Literal, Protocol, Self, TypeAlias, runtime_checkable

from pydantic import BaseModel, Field, create_model

from backedge.engine.context import Context
from backedge.nodes.novelty import Embed, Measure, Quantity, Unit, Units, agree, cosine, quantities

from .answers import AnswerError, Said

_BEFORE: Final = frozenset("$€£¥")
"""Units that stand before their numbers."""

Compare: TypeAlias = Callable[[int, int], float]
"""How similar two answers are, by their places: from 0 to 1, and the same both ways round."""


@runtime_checkable
class Kind(Protocol):
    """A kind of answers.

    Attributes:
        output: The type that a model is asked for.
        told: What whoever answers is told of the form.
        has_mean: Whether `mean` can be computed; else the weights are told to whoever makes the synthesis.
    """

    @property
    def output(self) -> Any:
        """See the class."""
        ...

    @property
    def told(self) -> str:
        """See the class."""
        ...

    @property
    def has_mean(self) -> bool:
        """See the class."""
        ...

    def read(self, said: Any) -> Said:
        """An answer as it was given. Raises AnswerError when it is none of this kind."""
        ...

    async def ready(self, answers: Sequence[Said], context: Context) -> Self:
        """A kind that can compare these; what it takes to find that out is recorded by the context."""
        ...

    def compared(self, answers: Sequence[Said]) -> Compare:
        """How similar these are; two with the same text are wholly so."""
        ...

    def mean(self, answers: Sequence[Said], weights: Sequence[Fraction]) -> Said:
        """What they come to by weight."""
        ...


class Text:
    """Answers in words. They are as similar as `backedge.nodes.novelty` says.

    Args:
        measure: How texts are compared; by their words, unless it says otherwise.
        embed: Gives the vectors of some texts, which are compared by these then. What it gives is recorded.

    Example::

        orchestra(perspectives, kind=Text(embed=vectors), synthesis="debate", threshold=0.8, model=model)
    """

    output: Any = str
    told = ""
    has_mean = False

    def __init__(self, measure: Measure | None = None, *, embed: Embed | None = None) -> None:
        self._measure = measure or Measure()
        self._embed = embed

    def read(self, said: Any) -> Said:
        """A text, or a model of pydantic as JSON."""
        if isinstance(said, Said):
            return said.bare()
        given = said.model_dump_json(indent=1) if isinstance(said, BaseModel) else said
        if not isinstance(given, str) or not given.strip():
            raise AnswerError(f"an answer is a text that says something, not {said!r:.100}")
        return Said(text=given)

    async def ready(self, answers: Sequence[Said], context: Context) -> Self:
        """With the vectors of these texts, where there is an embedding."""
        texts = sorted({one.text for one in answers})
        if self._embed is None or len(texts) < 2:
            return self._comparing(self._measure)
        vectors = await context.step("embed", self._embed, texts, returns=list[list[float]])
        if len(vectors) != len(texts):
            raise ValueError(
                f"embed= gave {len(vectors)} vectors for {len(texts)} texts: it gives one for each"
            )
        known = cosine(dict(zip(texts, vectors, strict=True)))
        return self._comparing(replace(self._measure, similarity=known))

    def _comparing(self, measure: Measure) -> Self:
        """The same kind, for which no more has to be asked."""
        made = copy(self)
        made._measure, made._embed = measure, None
        return made

    def compared(self, answers: Sequence[Said]) -> Compare:
        """By `Measure.similar`; each text is read once.

        Raises:
            TypeError: An embedding would have to be asked first, which a run does.
        """
        if self._embed is not None:
            raise TypeError(
                "vectors of texts are asked for in a node: compare by await kind.ready(answers, ctx)"
            )
        read = self._measure.texts(one.text for one in answers)
        return lambda one, other: self._measure.similar(read[one], read[other])

    def mean(self, answers: Sequence[Said], weights: Sequence[Fraction]) -> Said:
        """Texts have none. Raises TypeError."""
        raise TypeError("texts have no mean")


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
        found = Units().find(unit) if unit else Unit("")
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


class Choice:
    """Answers that are one of several options. Equal ones are wholly similar, others not at all.

    Args:
        *options: What there is to choose.

    Raises:
        ValueError: There are fewer than two, or two are the same but for case.

    Example:
        >>> Choice("buy", "sell").read("Buy").text
        'buy'
    """

    has_mean = True

    def __init__(self, *options: str) -> None:
        self._options = {one.strip().casefold(): one for one in options}
        if len(options) < 2 or len(self._options) < len(options) or "" in self._options:
            raise ValueError(f"a choice is between two different options or more, not {options!r}")
        fields: dict[str, Any] = {
            "choice": (Literal[tuple(options)], Field(description="What you choose")),
            "reason": (str, Field(default="", description="Why, in a sentence or two")),
        }
        self.output: Any = create_model("ChoiceAnswer", **fields)

    @property
    def told(self) -> str:
        """Names the options."""
        return f"Answer with one of these: {', '.join(self._options.values())}."

    def read(self, said: Any) -> Said:
        """An option, in any case, or the answer of a model."""
        if isinstance(said, self.output):
            return Said(text=said.choice, reason=said.reason)
        given, reason = (said.text, said.reason) if isinstance(said, Said) else (said, "")
        option = self._options.get(given.strip().casefold()) if isinstance(given, str) else None
        if option is None:
            raise AnswerError(f"an answer is one of {', '.join(self._options.values())}, not {given!r:.100}")
        return Said(text=option, reason=reason)

    async def ready(self, answers: Sequence[Said], context: Context) -> Self:
        """Choices can always be compared."""
        return self

    def compared(self, answers: Sequence[Said]) -> Compare:
        """1 for the same option, else 0."""
        return lambda one, other: float(answers[one].text == answers[other].text)

    def mean(self, answers: Sequence[Said], weights: Sequence[Fraction]) -> Said:
        """The option with the most weight; of several the one that was declared first."""
        tally = dict.fromkeys(self._options.values(), Fraction(0))
        for one, weight in zip(answers, weights, strict=True):
            tally[one.text] += weight
        return Said(text=max(tally, key=lambda option: tally[option]))
