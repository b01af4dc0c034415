"""What came out of a vote."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from .ballot import Ballot

Status: TypeAlias = Literal["won", "tie", "open", "no_quorum", "no_votes", "vetoed", "below_threshold"]
"""How a vote ended; only ``won`` has a winner."""


class Refused(BaseModel):
    """A ballot that does not count, and why, with what the voter can do about it."""

    model_config = ConfigDict(frozen=True)

    ballot: Ballot
    why: str


class Dissent(BaseModel):
    """Somebody who did not want what came out.

    Attributes:
        voter: Who.
        stance: What the ballot says instead.
        reason: Why, in the voter's words.
    """

    model_config = ConfigDict(frozen=True)

    voter: str
    stance: str
    reason: str = ""


class Vetoed(BaseModel):
    """An option that somebody entitled kept from winning."""

    model_config = ConfigDict(frozen=True)

    option: str
    voter: str
    reason: str = ""


class Round(BaseModel):
    """One round of ranked choice.

    Attributes:
        tally: The weight of the ballots on whose top each option stood.
        out: Which option left after it; None in the last round.
        why: Why that one.
    """

    model_config = ConfigDict(frozen=True)

    tally: dict[str, float]
    out: str | None = None
    why: str = ""


class Result(BaseModel):
    """What came out of a vote.

    Attributes:
        status: How it ended.
        winner: The option that won, or None.
        reason: Why, in one sentence.
        tied: Those that were equally far ahead, in the order of the options.
        tally: What the method counted for each option that could win: weight of approvals, scores, averages, points; of
            ranked choice the weight of first places. An option that nobody scored has no average and is not in it.
        shares: Of majority, approval and consensus: the share of the weight of those who voted, from 0 to 1.
        rounds: The rounds of ranked choice.
        dissent: Who wanted something else, and why; by name.
        abstained: Who abstained.
        absent: Who may vote and has no ballot that counts.
        vetoed: What was kept from winning, by whom and why.
        counted: Whose ballots count, abstentions included.
        refused: Ballots that do not count, and why.
    """

    model_config = ConfigDict(frozen=True)

    status: Status
    winner: str | None = None
    reason: str
    tied: tuple[str, ...] = ()
    tally: dict[str, float] = {}
    shares: dict[str, float] = {}
    rounds: tuple[Round, ...] = ()
    dissent: tuple[Dissent, ...] = ()
    abstained: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    vetoed: tuple[Vetoed, ...] = ()
    counted: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
