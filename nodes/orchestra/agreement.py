"""How much answers agree: a number from 0 to 1, with a written definition.

The agreement of answers a_1 ... a_n with weights w_1 ... w_n is the weighted mean similarity of all pairs of them::

    A  =  sum over i < j of  w_i w_j s(a_i, a_j)   /   sum over i < j of  w_i w_j

and 1 for fewer than two, since then nobody disagrees. The similarity s is that of their kind. For choices without weights A
is what J. L. Fleiss ("Measuring nominal scale agreement among many raters", 1971) defines as the agreement on one item,
P_i = sum over options of n_k (n_k - 1) / (n (n - 1)): the share of pairs that agree. It is not corrected for chance, as kappa
and alpha are, since what chance would give cannot be estimated from one question.

Sums are of exact fractions, so that the order of the answers does not matter.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import combinations
from math import isfinite
from typing import Any

from backedge.nodes.voting.election import exact

from .answers import Answer, Said, latest
from .kinds import Kind, Text


def agreement(
    answers: Iterable[Answer | Said | str | float],
    *,
    kind: Kind | None = None,
    weights: Sequence[float] | None = None,
) -> float:
    """How much answers agree, from 0, no two have anything in common, to 1.

    Args:
        answers: The answers, in any order; what is no `Said` is read by the kind.
        kind: What they are; texts by default.
        weights: What each weighs; by default as an `Answer` says, else 1.

    Raises:
        AnswerError: One is none of that kind.
        ValueError: A weight is not above 0, or there is not one for each answer.

    Example:
        >>> from backedge.nodes.orchestra import Choice, Number, agreement
        >>> agreement(["yes", "yes", "yes", "no"], kind=Choice("yes", "no"))
        0.5
        >>> agreement(["$500K", "500,000 dollars"], kind=Number("$"))
        1.0
    """
    kind = kind or Text()
    given = list(answers)
    read = [one if isinstance(one, Answer) else kind.read(one) for one in given]
    return float(_Pairs(kind, read, _weights(read, weights)).mean())


def central(
    answers: Sequence[Said], *, kind: Kind | None = None, weights: Sequence[float] | None = None
) -> int:
    """The place of the answer that is most similar to all, itself included, by weight; of several the first.

    It is the medoid of the answers; of choices it is one with the most weight.

    Args:
        answers: One or more.
        kind: As for `agreement`.
        weights: As for `agreement`.

    Raises:
        ValueError: There are none; or as for `agreement`.

    Example:
        >>> central([Said(text="by night train"), Said(text="by ship"), Said(text="by train")])
        2
    """
    if not answers:
        raise ValueError("of no answers none is central")
    return _Pairs(kind or Text(), answers, _weights(answers, weights)).central()


def agreed(least: float, *, kind: Kind | None = None, field: str = "answers") -> Callable[..., bool]:
    """A condition for edges and loops: whether the answers in a field agree at least so much.

    Of several by one perspective the last counts.

    Args:
        least: From 0 to 1.
        kind: What the answers are; texts by default.
        field: The field, a list of `Answer` or of what the kind reads.

    Raises:
        ValueError: `least` is not from 0 to 1.

    Example::

        graph.feedback(look, ask, when=lambda answers, enough=agreed(0.8): not enough(answers), limit=3)
        graph.edge(look, END, when=agreed(0.8))
    """
    if not 0 <= least <= 1:
        raise ValueError(f"agreed() takes a number from 0 to 1, not {least!r}")

    def enough(given: Sequence[Any]) -> bool:
        named = [one for one in given if isinstance(one, Answer)]
        rest = [one for one in given if not isinstance(one, Answer)]
        return agreement([*latest(named).values(), *rest], kind=kind) >= least

    told: Any = lambda *args, **fields: enough(*args, *fields.values())  # noqa: E731 - its signature is made below
    told.__name__ = "agreed"
    told.__signature__ = inspect.Signature(
        [inspect.Parameter(field, inspect.Parameter.POSITIONAL_OR_KEYWORD)], return_annotation=bool
    )
    condition: Callable[..., bool] = told
    return condition


def similarity(reference: Said, answers: Sequence[Said], kind: Kind) -> list[float]:
    """How similar each answer is to another one."""
    compare = kind.compared([reference, *answers])
    return [compare(0, place) for place in range(1, len(answers) + 1)]


def weights_of(answers: Sequence[Answer]) -> list[Fraction]:
    """What answers weigh, exactly."""
    return [exact(one.weight) for one in answers]


def _weights(answers: Sequence[Said], given: Sequence[float] | None) -> list[Fraction]:
    if given is None:
        return [exact(one.weight) if isinstance(one, Answer) else Fraction(1) for one in answers]
    if len(given) != len(answers):
        raise ValueError(f"weights= has {len(given)} numbers for {len(answers)} answers: give one for each")
    for one in given:
        if not (isfinite(one) and one > 0):
            raise ValueError(f"a weight is a number above 0, not {one!r}")
    return [exact(float(one)) for one in given]


class _Pairs:
    """Answers in groups of equal ones, and how similar the groups are: equal ones need not be compared."""

    def __init__(self, kind: Kind, answers: Sequence[Said], weights: Sequence[Fraction]) -> None:
        first: dict[str, int] = {}
        for place, one in enumerate(answers):
            first.setdefault(one.text, place)
        self._places = list(first.values())
        self._single = list(weights)
        self._group = {text: Fraction(0) for text in first}
        for one, weight in zip(answers, weights, strict=True):
            self._group[one.text] += weight
        compare = kind.compared([answers[place] for place in self._places])
        self._similar = {
            pair: Fraction(min(1.0, max(0.0, compare(*pair)))) for pair in combinations(range(len(first)), 2)
        }

    def mean(self) -> Fraction:
        """The weighted mean over all pairs."""
        alone = sum((one * one for one in self._single), Fraction(0))
        everything = sum(self._single, Fraction(0)) ** 2 - alone
        if not everything:
            return Fraction(1)
        weights = list(self._group.values())
        within = sum((one * one for one in weights), Fraction(0)) - alone
        between = sum(
            (weights[one] * weights[other] * similar for (one, other), similar in self._similar.items()),
            Fraction(0),
        )
        return (within + 2 * between) / everything

    def central(self) -> int:
        """The place of the answer that is most similar to all."""
        weights = list(self._group.values())
        scores = list(weights)
        for (one, other), similar in self._similar.items():
            scores[one] += weights[other] * similar
            scores[other] += weights[one] * similar
        return self._places[max(range(len(scores)), key=lambda place: scores[place])]
