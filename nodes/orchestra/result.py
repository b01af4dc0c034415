"""What an orchestra comes to, and the state on its way there."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from backedge.engine.state.reducers import extend
from backedge.nodes.voting import Ballot
from backedge.nodes.voting import Result as Vote

from .answers import Answer, Missing, Said

Status: TypeAlias = Literal["done", "no_quorum", "no_consensus", "no_winner"]
"""How it ended; only ``done`` may have an answer."""


class Dissent(BaseModel):
    """A perspective whose answer is less similar than the threshold to what came out.

    Attributes:
        perspective: Whose.
        similarity: How similar its answer is to that, from 0 to 1.
        text: What it says instead.
        reason: Why, where that was told.
    """

    model_config = ConfigDict(frozen=True)

    perspective: str
    similarity: float
    text: str
    reason: str = ""


class OrchestraResult(BaseModel):
    """What an orchestra came to.

    Attributes:
        status: How it ended.
        reason: Why, in one sentence.
        answer: The synthesis; None where there is none.
        by: The perspective whose own answer that is, if it is one's.
        answers: The last answer of each perspective, by name, in the order in which they were declared.
        agreement: How much those agree: see `agreement`.
        dissent: Whose answer differs from what came out: from `answer` where that is of the answers' kind, else from the most
            central one of the answers.
        missing: Who failed to answer, when and why.
        sources: The perspectives that the synthesis names in brackets, as ``[law]`` or ``[law, market]``.
        rounds: How often a perspective was asked, at most: in a debate its rounds.
        vote: The count of the scores of ``best_of``.
    """

    model_config = ConfigDict(frozen=True)

    status: Status
    reason: str
    answer: Said | None = None
    by: str | None = None
    answers: dict[str, Answer] = {}
    agreement: float = 1.0
    dissent: tuple[Dissent, ...] = ()
    missing: tuple[Missing, ...] = ()
    sources: tuple[str, ...] = ()
    rounds: int = 1
    vote: Vote | None = None


class Performance(BaseModel):
    """The state of an orchestra.

    Attributes:
        question: What is asked.
        answers: All answers, of all rounds.
        missing: Who did not answer, of all rounds.
        agreement: How much the last answers of a debate agree.
        agreed: Whether that is enough, and enough of them answered.
        ballots: How the perspectives score each other, where they do.
        result: What it came to.
    """

    question: str
    answers: Annotated[list[Answer], extend] = []
    missing: Annotated[list[Missing], extend] = []
    agreement: float = 0.0
    agreed: bool = False
    ballots: Annotated[list[Ballot], extend] = []
    result: OrchestraResult
