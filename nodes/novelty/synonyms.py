"""Words that mean the same: groups of words and phrases, one of which stands for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

_STANDARD: Final = (
    "big, large, huge",
    "small, little, tiny",
    "fast, quick, rapid, speedy",
    "buy, purchase",
    "begin, start, commence",
    "end, finish",
    "show, display",
    "help, assist, aid",
    "use, utilise, utilize",
    "error, mistake",
    "bug, defect, fault",
    "fix, repair, mend",
    "answer, reply, response",
    "car, automobile",
    "cars, automobiles",
    "customer, client",
    "customers, clients",
    "cost, price",
    "costs, prices",
    "cheap, inexpensive",
    "expensive, costly",
    "important, significant",
    "increase, raise",
    "decrease, reduce, shrink",
    "ai, artificial intelligence",
    "ml, machine learning",
    "about, approximately, roughly, around, circa",
    "percent, per cent",
)


@dataclass(frozen=True)
class Synonyms:
    """Groups of words and phrases that are taken as the same.

    Groups that share a word are one. Of a group the shortest and then alphabetically first stands for all, so that it does
    not matter in which order groups and words were given.

    Example:
        >>> words = Synonyms.standard().extended(["bike, bicycle, push bike"])
        >>> words.replaced(["the", "push", "bike"])
        ('the', 'bicycle')
    """

    groups: tuple[frozenset[str], ...] = ()
    _table: Mapping[tuple[str, ...], str] = field(init=False, repr=False, compare=False)
    _longest: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        table = {
            tuple(phrase.split()): min(group, key=lambda one: (len(one.split()), one))
            for group in self.groups
            for phrase in group
        }
        object.__setattr__(self, "_table", table)
        object.__setattr__(self, "_longest", max(map(len, table), default=0))

    @classmethod
    def of(cls, groups: Iterable[str]) -> Self:
        """Groups written as words and phrases with commas in between.

        Raises:
            ValueError: A group has fewer than two words.
        """
        return cls(tuple(_joined(map(_group, groups))))

    @classmethod
    def standard(cls) -> Self:
        """A short table of common English words; `extended` adds those of a field."""
        return cls.of(_STANDARD)

    def extended(self, groups: Iterable[str]) -> Self:
        """A table with more groups; one that shares a word with another is joined with it."""
        return type(self)(tuple(_joined([*self.groups, *map(_group, groups)])))

    def replaced(self, words: Sequence[str]) -> tuple[str, ...]:
        """These words, each phrase of a group replaced by what stands for it, the longest first."""
        return tuple(self._walk(words))

    def _walk(self, words: Sequence[str]) -> Iterator[str]:
        at = 0
        while at < len(words):
            for length in range(min(self._longest, len(words) - at), 0, -1):
                known = self._table.get(tuple(words[at : at + length]))
                if known is not None:
                    yield known
                    at += length
                    break
            else:
                yield words[at]
                at += 1


def _group(written: str) -> frozenset[str]:
    phrases = frozenset(" ".join(one.casefold().split()) for one in written.split(",") if one.strip())
    if len(phrases) < 2:
        raise ValueError(
            f"a group of synonyms is two words at least, with commas in between, not {written!r}"
        )
    return phrases


def _joined(groups: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """Groups that have nothing in common, in alphabetical order."""
    apart: list[frozenset[str]] = []
    for group in groups:
        touching = [one for one in apart if one & group]
        apart = [*(one for one in apart if not one & group), group.union(*touching)]
    return sorted(apart, key=sorted)
