"""What is voted on, by whom, and by which rules: all that is fixed before the first ballot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    field_validator,
    model_validator,
)

if TYPE_CHECKING:
    from datetime import datetime

Method: TypeAlias = Literal[
    "majority", "approval", "consensus", "weighted_average", "highest_score", "ranked_choice", "borda"
]
"""How ballots become a winner; `docs/voting.md` defines each."""

READS: Final[Mapping[str, str]] = {
    "majority": "approve or reject",
    "approval": "approve or reject",
    "consensus": "approve or reject",
    "weighted_average": "scores",
    "highest_score": "scores",
    "ranked_choice": "ranking",
    "borda": "ranking",
}
"""Which parts of a ballot each method reads."""
Weight: TypeAlias = Annotated[float, Field(gt=0, le=1e12)]
"""What a ballot weighs."""
_THRESHOLDS: Final[Mapping[str, float]] = {"majority": 0.5, "consensus": 1.0}


def exact(number: float) -> Fraction:
    """A number as it is written, so that 0.1 and 0.2 are 0.3 together."""
    return Fraction(repr(number))


class Option(BaseModel):
    """Something that can win.

    Attributes:
        name: What ballots call it.
        text: What is judged: an answer, a plan. May stay empty where the name says all.
        authors: Whose it is; they have no vote on it.
        version: What names this state of it; by default a digest of the text.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    text: str = ""
    authors: tuple[str, ...] = ()
    version: str = ""

    @property
    def stamp(self) -> str:
        """What ballots name as `Ballot.seen`; empty where there is neither a text nor a version.

        Example:
            >>> Option(name="plan", text="by train").stamp == Option(name="plan", text="by ship").stamp
            False
        """
        if self.version or not self.text:
            return self.version
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


class Election(BaseModel):
    """What is voted on and how.

    Attributes:
        options: What can win. A name alone will do; a mapping is names with texts.
        method: How it is counted.
        voters: Who may vote, with their weights; names alone weigh 1. Empty: anybody, with weight 1.
        vetoes: Who may veto.
        quorum: So many voters must have a ballot that counts, abstentions included.
        quorum_share: Such a share of all voters' weight must; needs `voters`.
        threshold: For ``majority`` (0.5) an option needs *more* than this share, for ``consensus`` (1) and ``approval`` (0)
            *at least* this share; for ``weighted_average`` at least this average. The others have none.
            A share is read as the nearest fraction with a denominator up to a million, so that 2/3 is two thirds.
        scale: The lowest and the highest score.
        deadline: Ballots cast after it are refused.
        ties: With ``"none"`` a tie has no winner; with ``"first"`` the one that stands first in `options` wins it.
        question: What is asked, for those who are to vote.

    Example:
        >>> election = Election(options=["tea", "coffee"], method="majority", voters=["ann", "bob"], quorum=2)
        >>> election.voters
        {'ann': 1.0, 'bob': 1.0}
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    options: tuple[Option, ...] = Field(min_length=1)
    method: Method = "majority"
    voters: dict[str, Weight] = {}
    vetoes: tuple[str, ...] = ()
    quorum: NonNegativeInt = 0
    quorum_share: float = Field(default=0.0, ge=0, le=1)
    threshold: FiniteFloat | None = None
    scale: tuple[FiniteFloat, FiniteFloat] = (0.0, 10.0)
    deadline: AwareDatetime | None = None
    ties: Literal["none", "first"] = "none"
    question: str = ""

    if TYPE_CHECKING:  # what may be given, for type checkers: they know the fields' own types only

        def __init__(
            self,
            *,
            options: Mapping[str, str] | Iterable[str | Option],
            method: Method = "majority",
            voters: Mapping[str, float] | Iterable[str] = (),
            vetoes: Iterable[str] = (),
            quorum: int = 0,
            quorum_share: float = 0.0,
            threshold: float | None = None,
            scale: tuple[float, float] = (0.0, 10.0),
            deadline: datetime | None = None,
            ties: Literal["none", "first"] = "none",
            question: str = "",
        ) -> None: ...

    @field_validator("options", mode="before")
    @classmethod
    def _options(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            return tuple(Option(name=name, text=text) for name, text in given.items())
        if isinstance(given, Iterable) and not isinstance(given, str):
            return tuple(Option(name=one) if isinstance(one, str) else one for one in given)
        return given

    @field_validator("voters", mode="before")
    @classmethod
    def _voters(cls, given: Any) -> Any:
        if isinstance(given, Iterable) and not isinstance(given, str | Mapping):
            return dict.fromkeys(given, 1.0)
        return given

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        problem = self._problem()
        if problem:
            raise ValueError(problem)
        return self

    def _problem(self) -> str | None:
        names = [one.name for one in self.options]
        if len(set(names)) < len(names):
            return f"each option has a name of its own, not {names}"
        strangers = [name for name in self.vetoes if self.voters and name not in self.voters]
        if strangers:
            return f"{strangers[0]!r} may veto but is no voter: add them to voters="
        if self.voters and self.quorum > len(self.voters):
            return f"a quorum of {self.quorum} can never be met by {len(self.voters)} voters"
        if self.quorum_share and not self.voters:
            return "quorum_share= is a share of all voters' weight: name the voters, or give quorum="
        if self.scale[0] >= self.scale[1]:
            return f"scale= is the lowest and the highest score, not {self.scale}"
        return self._threshold_problem()

    def _threshold_problem(self) -> str | None:
        given = self.threshold
        if given is None:
            return None
        if self.method in ("majority", "approval", "consensus"):
            highest = "below 1" if self.method == "majority" else "up to 1"
            fits = 0 <= given < 1 or (given == 1 and self.method != "majority")
            return None if fits else f"threshold= of {self.method} is a share from 0 {highest}, not {given}"
        if self.method == "weighted_average":
            low, high = self.scale
            return (
                None
                if low <= given <= high
                else f"threshold= is an average from {low} to {high}, not {given}"
            )
        return f"{self.method} has no threshold: leave it out"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the options, in their order."""
        return tuple(one.name for one in self.options)

    @property
    def stamps(self) -> dict[str, str]:
        """The versions of the options: what a ballot cast now names as `Ballot.seen`."""
        return {one.name: one.stamp for one in self.options if one.stamp}

    def weight(self, voter: str) -> Fraction:
        """What the voter's ballot weighs."""
        return exact(self.voters[voter]) if self.voters else Fraction(1)

    def own(self, voter: str) -> frozenset[str]:
        """The options of which the voter is an author."""
        return frozenset(one.name for one in self.options if voter in one.authors)

    def share_needed(self) -> Fraction:
        """The threshold as a share."""
        given = _THRESHOLDS.get(self.method, 0.0) if self.threshold is None else self.threshold
        return exact(given).limit_denominator(1_000_000)
