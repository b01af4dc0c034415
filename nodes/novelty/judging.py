"""Is an answer new, which topics are missing, how diverse is a set. Pure, and the same in whatever order texts are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import TypeAlias

from .quantities import Quantity, agree
from .result import Coverage, Difference, Judgement, Suggestion, Survey
from .words import Reader, Reading, Similarity, containment, resemblance

Topics: TypeAlias = Sequence[str] | Mapping[str, Sequence[str]]
"""Topics by name; with a mapping, each with the words and phrases that show it, besides its name."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How texts are compared.

    Attributes:
        similarity: Of two texts, from 0 to 1, the same both ways round, as `cosine` gives it; None: by their words.
        least: The novelty from which on an answer is new.
        near: How much of a text has to be in another one for it to be a near duplicate; by an embedding, how similar they are.
        tolerance: Up to which share of the larger one numbers agree.
        numbers: Whether a number that is in no given text makes an answer new.
        reader: Reads texts.

    Raises:
        ValueError: A number is not from 0 to 1.
    """

    similarity: Similarity | None = None
    least: float = 0.3
    near: float = 0.8
    tolerance: float = 0.01
    numbers: bool = True
    reader: Reader = field(default_factory=Reader)

    def __post_init__(self) -> None:
        for name in ("least", "near", "tolerance"):
            given = getattr(self, name)
            if not 0 <= given <= 1:
                raise ValueError(f"{name}= of a measure is a number from 0 to 1, not {given!r}")

    def similar(self, one: Text, other: Text) -> float:
        """How similar two texts are, both ways round; 1 if they read the same."""
        if one.reading.words == other.reading.words:
            return 1.0
        if self.similarity is None:
            return resemblance(one.reading, other.reading)
        return min(1.0, max(0.0, self.similarity(one.text, other.text)))

    def held(self, one: Text, other: Text) -> float:
        """How much of the first is in the second."""
        return (
            containment(one.reading, other.reading) if self.similarity is None else self.similar(one, other)
        )

    def texts(self, texts: Iterable[str]) -> list[Text]:
        """Texts, each with what was read in it. Raises TypeError for a single one."""
        return [Text(text, self.reader.read(text)) for text in _several(texts)]

    def knows(self, quantity: Quantity, quantities: Iterable[Quantity]) -> bool:
        """Whether a quantity agrees with one of these."""
        return any(agree(quantity, one, self.tolerance) for one in quantities)


def _several(texts: Iterable[str]) -> Iterable[str]:
    if isinstance(texts, str):
        raise TypeError(f"texts are given as a list, not as one text: [{texts!r:.60}]")
    return texts


@dataclass(frozen=True, slots=True)
class Text:
    """A text and what was read in it."""

    text: str
    reading: Reading


def judge(
    answer: str, given: Iterable[str] = (), *, topics: Topics = (), measure: Measure | None = None
) -> Judgement:
    """Say whether an answer is new against those given.

    Its novelty is 1 less the most of it that any single given text holds: by words the *containment* in that text, else the
    similarity. It is new when that is at least `Measure.least`, or when it has a number that no given text has. An answer
    that says nothing is not new.

    Args:
        answer: The answer.
        given: What is there already, in any order.
        topics: What should be spoken of.
        measure: How texts are compared.

    Example:
        >>> judge("We raised 500,000 dollars.", ["We raised $500K."]).new
        False
        >>> judge("We raised $5M.", ["We raised $500K."]).reason
        'it is new: 40 % of it is not in the nearest text, and no given text has $5M'
    """
    measure = measure or Measure()
    (text,) = measure.texts([answer])
    others = measure.texts(sorted(set(_several(given))))
    nearest = max(others, key=lambda one: (measure.held(text, one), measure.similar(text, one)), default=None)
    novelty = 1 - measure.held(text, nearest) if nearest is not None else 1.0
    there = [one for other in others for one in other.reading.quantities]
    said = text.reading.quantities
    unknown = tuple(one for one in said if not measure.knows(one, there))
    new, reason = _verdict(text, novelty, unknown, nearest, measure)
    coverage = covered(answer, topics, measure.reader)
    differences = _differences(text, nearest, measure)
    return Judgement(
        new=new,
        reason=reason,
        novelty=novelty,
        nearest=nearest.text if nearest else None,
        similarity=measure.similar(text, nearest) if nearest else 0.0,
        new_quantities=unknown,
        known_quantities=tuple(one for one in said if one not in unknown),
        differences=differences,
        topics=coverage,
        suggestions=(
            *_to_cover(coverage),
            *([] if new or nearest is None else [_to_drop(text, nearest)]),
            *(_to_check(one) for one in differences),
        ),
    )


def _verdict(
    text: Text, novelty: float, unknown: Sequence[Quantity], nearest: Text | None, measure: Measure
) -> tuple[bool, str]:
    if not text.reading.words:
        return False, "it is not new: it says nothing"
    if nearest is None:
        return True, "it is new: there is nothing to compare it with"
    told = f"{100 * novelty:.3g} % of it is not in the nearest text"
    numbers = ", ".join(one.text for one in unknown) if measure.numbers else ""
    if novelty >= measure.least or numbers:
        return True, f"it is new: {told}" + (f", and no given text has {numbers}" if numbers else "")
    return False, f"it is not new: {told}, and it takes {100 * measure.least:.3g} % to be new"


def _differences(text: Text, nearest: Text | None, measure: Measure) -> tuple[Difference, ...]:
    """Where two texts of which one holds most of the other give other numbers; plain ones are of too many things."""
    if nearest is None or measure.held(text, nearest) < 0.5:
        return ()
    there = nearest.reading.quantities
    found = []
    for one in text.reading.quantities:
        alike = [other for other in there if one.dimension and other.dimension == one.dimension]
        if alike and not measure.knows(one, alike):
            closest = min(alike, key=lambda other: (abs(other.low - one.low), other.low, other.high))
            found.append(Difference(said=one, there=closest))
    return tuple(found)


def covered(text: str, topics: Topics, reader: Reader | None = None) -> Coverage:
    """Which topics a text speaks of: those whose name, or a word or phrase that shows them, stands in it as a whole.

    Example:
        >>> covered("It is cheap and runs on rails.", {"cost": ["cheap", "expensive"], "safety": []}).missing
        ('safety',)
    """
    reader = reader or Reader()
    words = reader.read(text).words
    shown = shown_by(topics)
    found = {
        name
        for name, signs in shown.items()
        if any(_stands(reader.read(s).words, words) for s in (name, *signs))
    }
    return Coverage(
        covered=tuple(name for name in shown if name in found),
        missing=tuple(name for name in shown if name not in found),
    )


def shown_by(topics: Topics) -> Mapping[str, Sequence[str]]:
    """Topics by name, each with the words and phrases that show it besides its name.

    Raises:
        TypeError: Topics, or what shows one, are a single text.
    """
    shown = topics if isinstance(topics, Mapping) else None
    single = (
        [topics]
        if isinstance(topics, str)
        else [one for one in (shown or {}).values() if isinstance(one, str)]
    )
    if single:
        raise TypeError(
            f"topics, and the words that show one, are given as a list, not as one text: [{single[0]!r:.60}]"
        )
    return dict.fromkeys(topics, ()) if shown is None else shown


def _stands(phrase: Sequence[str], words: Sequence[str]) -> bool:
    length = len(phrase)
    return bool(length) and any(
        tuple(words[at : at + length]) == tuple(phrase) for at in range(len(words) - length + 1)
    )


def diversity(texts: Iterable[str], measure: Measure | None = None) -> float:
    """How diverse a set of texts is: the mean distance of each to the one that is most similar to it.

    The distance is 1 less the similarity. So it is 1 when no two have anything in common, and 0 when each has a double; of
    fewer than two texts it is 0. A duplicate never raises it (which a mean over all pairs does not hold).

    Example:
        >>> diversity(["by train", "on foot"]), diversity(["by train", "by train", "on foot"])
        (1.0, 0.3333333333333333)
    """
    measure = measure or Measure()
    return _diversity(measure.texts(texts), measure)


def _diversity(read: Sequence[Text], measure: Measure) -> float:
    if len(read) < 2:
        return 0.0
    nearest = [0.0] * len(read)
    for at, one in enumerate(read):
        for place in range(at):
            similar = measure.similar(one, read[place])
            nearest[at] = max(nearest[at], similar)
            nearest[place] = max(nearest[place], similar)
    return fsum(1 - similar for similar in nearest) / len(read)


def survey(answers: Iterable[str], *, topics: Topics = (), measure: Measure | None = None) -> Survey:
    """Look at a set of answers: how diverse it is, which ones to drop, and which topics none speaks of.

    One that is near a longer one, and has no number that the longer one has not, is to be dropped. *Near* is at least
    `Measure.near` of it in the longer one, or by an embedding so high a similarity.

    Args:
        answers: The answers, in any order.
        topics: What should be spoken of.
        measure: How texts are compared.

    Example:
        >>> survey(["Go by train.", "go by TRAIN", "Stay at home."]).drop
        ('go by TRAIN',)
    """
    measure, topics = measure or Measure(), shown_by(topics)
    read = sorted(measure.texts(answers), key=lambda one: (-len(one.reading.words), one.text))
    keep: list[Text] = []
    drop: list[tuple[Text, Text]] = []
    for one in read:
        kept = next((other for other in keep if _is_near(one, other, measure)), None)
        if kept is None:
            keep.append(one)
        else:
            drop.append((one, kept))
    each = [covered(one.text, topics, measure.reader).covered for one in read]
    spoken = {name for names in each for name in names}
    coverage = Coverage(
        covered=tuple(name for name in topics if name in spoken),
        missing=tuple(name for name in topics if name not in spoken),
    )
    return Survey(
        diversity=_diversity(read, measure),
        keep=tuple(one.text for one in keep),
        drop=tuple(one.text for one, _ in drop),
        topics=coverage,
        suggestions=(*_to_cover(coverage), *(_to_drop(one, kept) for one, kept in drop)),
    )


def _is_near(one: Text, other: Text, measure: Measure) -> bool:
    if measure.held(one, other) < measure.near:  # never less than the similarity
        return False
    return not measure.numbers or all(
        measure.knows(quantity, other.reading.quantities) for quantity in one.reading.quantities
    )


def _to_cover(coverage: Coverage) -> list[Suggestion]:
    return [
        Suggestion(kind="cover", what=name, told=f"say something about {name}") for name in coverage.missing
    ]


def _to_drop(one: Text, kept: Text) -> Suggestion:
    return Suggestion(
        kind="drop", what=one.text, told=f"drop {_short(one.text)}: it is in {_short(kept.text)}"
    )


def _to_check(difference: Difference) -> Suggestion:
    said, there = difference.said.text, difference.there.text
    return Suggestion(kind="check", what=said, told=f"check {said}: the nearest text says {there}")


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
