"""Kinds of answers: texts and choices here, numbers in `numbers.py`.

A kind reads what was said, compares answers, and knows what can be computed of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal, Protocol, Self, TypeAlias, runtime_checkable

from pydantic import BaseModel, Field, create_model

from backedge.engine.context import Context
from backedge.nodes.novelty import Embed, Measure, cosine

from .answers import AnswerError, Said

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
        texts = all(isinstance(one, str) for one in options)
        self._options = {one.strip().casefold(): one for one in options} if texts else {}
        if len(options) < 2 or len(self._options) < len(options) or "" in self._options:
            raise ValueError(
                f"a choice is between two different texts or more, as in Choice('yes', 'no'), not {options!r}"
            )
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
