"""Ballots: what somebody says about the options of an election, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, model_validator


class Opinion(BaseModel):
    """What a ballot says, without whose it is. What is left empty says nothing; all left empty abstains.

    Attributes:
        approve: Options it is for.
        reject: Options it is against.
        scores: How good it finds options; the election says on which scale.
        ranking: Options from the best down. Those left out are all below.
        veto: Options that must not win; only for those entitled to it.
        reason: Why, in the voter's words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    approve: tuple[str, ...] = Field(default=(), description="Options you are for")
    reject: tuple[str, ...] = Field(default=(), description="Options you are against")
    scores: dict[str, FiniteFloat] = Field(default={}, description="A number for each option: how good it is")
    ranking: tuple[str, ...] = Field(default=(), description="Options from the best down")
    veto: tuple[str, ...] = Field(
        default=(), description="Options that must not win, if you are entitled to that"
    )
    reason: str = Field(default="", description="Why, in a sentence")

    @model_validator(mode="after")
    def _does_not_contradict_itself(self) -> Self:
        for part in ("approve", "reject", "ranking", "veto"):
            named: tuple[str, ...] = getattr(self, part)
            twice = sorted({one for one in named if named.count(one) > 1})
            if twice:
                raise ValueError(f"{part} names {twice[0]!r} twice: name each option once")
        both = sorted(set(self.approve) & {*self.reject, *self.veto})
        if both:
            raise ValueError(f"the ballot is for and against {both[0]!r}: decide for one")
        return self

    @property
    def options(self) -> frozenset[str]:
        """The options it speaks of."""
        return frozenset((*self.approve, *self.reject, *self.scores, *self.ranking, *self.veto))

    @property
    def abstains(self) -> bool:
        """Whether it says nothing about any option."""
        return not self.options


class Ballot(Opinion):
    """One ballot: an opinion, whose it is, what it was judged by, and when.

    The functions `approve`, `reject`, `abstain`, `score`, `rank` and `veto` of this package make ballots shortly.

    Attributes:
        voter: Whose ballot it is.
        seen: Of each option that it speaks of, the version that was judged: see `Option.stamp`. More may be given.
        at: When it was cast.
    """

    voter: str
    seen: dict[str, str] = {}
    at: AwareDatetime | None = None


def approve(
    voter: str,
    *options: str,
    reason: str = "",
    seen: Mapping[str, str] | None = None,
    at: AwareDatetime | None = None,
) -> Ballot:
    """A ballot for some options.

    Example:
        >>> approve("ann", "plan", reason="cheap").approve
        ('plan',)
    """
    return Ballot(voter=voter, approve=options, reason=reason, seen=dict(seen or {}), at=at)


def reject(
    voter: str,
    *options: str,
    reason: str = "",
    seen: Mapping[str, str] | None = None,
    at: AwareDatetime | None = None,
) -> Ballot:
    """A ballot against some options."""
    return Ballot(voter=voter, reject=options, reason=reason, seen=dict(seen or {}), at=at)


def abstain(voter: str, *, reason: str = "", at: AwareDatetime | None = None) -> Ballot:
    """A ballot that is there, which counts for the quorum, and says nothing."""
    return Ballot(voter=voter, reason=reason, at=at)


def score(
    voter: str,
    scores: Mapping[str, float],
    *,
    reason: str = "",
    seen: Mapping[str, str] | None = None,
    at: AwareDatetime | None = None,
) -> Ballot:
    """A ballot that says how good each option is."""
    return Ballot(voter=voter, scores=dict(scores), reason=reason, seen=dict(seen or {}), at=at)


def rank(
    voter: str,
    *options: str,
    reason: str = "",
    seen: Mapping[str, str] | None = None,
    at: AwareDatetime | None = None,
) -> Ballot:
    """A ballot that puts options in an order, the best first."""
    return Ballot(voter=voter, ranking=options, reason=reason, seen=dict(seen or {}), at=at)


def veto(
    voter: str,
    *options: str,
    reason: str = "",
    seen: Mapping[str, str] | None = None,
    at: AwareDatetime | None = None,
) -> Ballot:
    """A ballot that keeps options from winning."""
    return Ballot(voter=voter, veto=options, reason=reason, seen=dict(seen or {}), at=at)
