"""From answers to a result. Pure: what a person or a model has to say for it is handed in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from backedge.nodes.voting import Ballot, Election, Opinion, Option, count

from .agreement import agreement, central, similarity, weights_of
from .answers import Answer, Missing, Said, latest
from .kinds import Kind
from .result import Dissent, OrchestraResult, Status

Synthesis: TypeAlias = Literal["comprehensive", "consensus", "best_of", "weighted", "debate", "none"]
"""How answers become one; `docs/orchestra.md` defines each."""

JUDGE: Final = "conductor"
"""What the voter is called who scores alone."""
SCALE: Final = (0.0, 10.0)
"""The lowest and the highest score."""

_IN_BRACKETS: Final = re.compile(r"\[([^\[\]]*)\]")
_NAMES: Final = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How an orchestra comes to its result.

    Attributes:
        synthesis: What is made of the answers.
        kind: What they are.
        names: The perspectives, as they were declared.
        quorum: How many have to answer.
        threshold: From which agreement on they agree.
        voters: Who scores the answers, with their weights, for ``best_of``.
    """

    synthesis: Synthesis
    kind: Kind
    names: tuple[str, ...]
    quorum: int
    threshold: float
    voters: Mapping[str, float] = field(default_factory=dict)

    def standing(self, answers: Sequence[Answer]) -> dict[str, Answer]:
        """The last answer of each perspective, in the order in which these were declared."""
        last = latest(answers)
        return {name: last[name] for name in self.names if name in last}

    def agree(self, standing: Mapping[str, Answer]) -> float:
        """How much answers agree."""
        return agreement(standing.values(), kind=self.kind)

    def settled(self, standing: Mapping[str, Answer], score: float) -> bool:
        """Whether a debate is over: there is a quorum, and it agrees to that score."""
        return len(standing) >= self.quorum and score >= self.threshold


def settle(
    rules: Rules,
    answers: Sequence[Answer],
    missing: Sequence[Missing] = (),
    *,
    words: Said | None = None,
    ballots: Sequence[Ballot] = (),
) -> OrchestraResult:
    """Make the result.

    Args:
        rules: How.
        answers: All answers of all rounds.
        missing: Who failed to answer.
        words: What the conductor wrote or decided; None where nobody was asked.
        ballots: The scores, for ``best_of``.
    """
    standing = rules.standing(answers)
    base = OrchestraResult(
        status="done",
        reason="",
        answers=standing,
        agreement=rules.agree(standing),
        missing=tuple(missing),
        rounds=1 + max([one.round for one in answers] + [one.round for one in missing], default=0),
    )
    if len(standing) < rules.quorum:
        told = f"{len(standing)} of {len(rules.names)} answered, and {rules.quorum} are needed"
        return _ended(base, "no_quorum", f"there is no quorum: {told}")
    if rules.synthesis == "none":
        return _ended(_dissenting(base, rules), "done", f"{len(standing)} answers, as they are")
    if rules.synthesis == "best_of":
        return _best(base, rules, ballots)
    if rules.synthesis == "weighted" and words is None:
        return _weighted(base, rules)
    undecided = rules.synthesis == "consensus" or (rules.synthesis == "debate" and words is None)
    if undecided and base.agreement < rules.threshold:
        told = f"the answers agree to {base.agreement:.3g}, and {rules.threshold:.3g} is needed"
        return _ended(_dissenting(base, rules), "no_consensus", f"there is no consensus: {told}")
    return _central(base, rules) if words is None else _conducted(base, rules, words)


def _ended(result: OrchestraResult, status: Status, reason: str) -> OrchestraResult:
    return result.model_copy(update={"status": status, "reason": reason})


def _central(base: OrchestraResult, rules: Rules) -> OrchestraResult:
    answers = list(base.answers.values())
    found = answers[central(answers, kind=rules.kind)]
    whole = base.model_copy(
        update={"answer": found.bare(), "by": found.perspective, "sources": (found.perspective,)}
    )
    told = f"the answers agree to {base.agreement:.3g}; {found.perspective}'s is the most central"
    return _ended(_dissenting(whole, rules, found), "done", told)


def _conducted(base: OrchestraResult, rules: Rules, words: Said) -> OrchestraResult:
    answers = base.answers
    found = {
        name
        for inside in _IN_BRACKETS.findall(f"{words.text}\n{words.reason}")
        for name in _NAMES.findall(inside)
    }
    named = tuple(name for name in answers if name in found)
    whole = base.model_copy(update={"answer": words, "sources": named})
    told = f"the conductor's {rules.synthesis} of {len(answers)} answers"
    return _ended(_dissenting(whole, rules, words if rules.synthesis == "debate" else None), "done", told)


def _weighted(base: OrchestraResult, rules: Rules) -> OrchestraResult:
    answers = list(base.answers.values())
    mean = rules.kind.mean(answers, weights_of(answers))
    whole = base.model_copy(update={"answer": mean, "sources": tuple(base.answers)})
    return _ended(_dissenting(whole, rules, mean), "done", f"by the weights of {len(answers)} answers")


def _best(base: OrchestraResult, rules: Rules, ballots: Sequence[Ballot]) -> OrchestraResult:
    answers = base.answers
    if len(answers) == 1:
        ((name, only),) = answers.items()
        whole = base.model_copy(update={"answer": only.bare(), "by": name, "sources": (name,)})
        return _ended(whole, "done", f"{name} is the only one who answered")
    vote = count(election_of(rules, answers), ballots)
    told = base.model_copy(update={"vote": vote})
    if vote.winner is None:
        return _ended(_dissenting(told, rules), "no_winner", vote.reason)
    won = answers[vote.winner]
    whole = told.model_copy(update={"answer": won.bare(), "by": vote.winner, "sources": (vote.winner,)})
    return _ended(_dissenting(whole, rules, won), "done", vote.reason)


def _dissenting(result: OrchestraResult, rules: Rules, reference: Said | None = None) -> OrchestraResult:
    """The result with those whose answer differs from the reference, by default from the most central one."""
    answers = list(result.answers.values())
    found = similarity(reference or answers[central(answers, kind=rules.kind)], answers, rules.kind)
    dissent = tuple(
        Dissent(perspective=one.perspective, similarity=similar, text=one.text, reason=one.reason)
        for one, similar in zip(answers, found, strict=True)
        if similar < rules.threshold
    )
    return result.model_copy(update={"dissent": dissent})


# ---------------------------------------------------------------------- scores


class Score(BaseModel):
    """What somebody thinks of an answer.

    Attributes:
        answer: Whose answer.
        score: How good it is.
        reason: Why.
    """

    model_config = ConfigDict(frozen=True)

    answer: str = Field(description="Whose answer, as its name stands in brackets")
    score: float = Field(ge=SCALE[0], le=SCALE[1], description="From 0, useless, to 10, could not be better")
    reason: str = Field(default="", description="Why, in a sentence")


class Scores(BaseModel):
    """What somebody thinks of several answers."""

    scores: list[Score] = Field(description="A score for each of the answers")


def incomplete(scores: Scores, names: Sequence[str]) -> str:
    """What is wrong with scores for the answers of these; empty if there is one for each."""
    given = [one.answer for one in scores.scores]
    if sorted(given) == sorted(names):
        return ""
    return f"score each of {', '.join(names)} once, and nothing else; you scored {', '.join(given) or 'none'}"


def opinion_of(given: Any) -> Opinion:
    """An opinion, made of what somebody who scores gave: a number for each name, `Scores`, the name of the best, or an opinion.

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(given, Opinion):
        return given
    if isinstance(given, Scores):
        reasons = [f"{one.answer}: {one.reason}" for one in given.scores if one.reason]
        scores = {one.answer: one.score for one in given.scores}
        return Opinion(scores=scores, reason="; ".join(reasons))
    if isinstance(given, str):
        return Opinion(scores={given: SCALE[1]})
    if isinstance(given, Mapping):
        return Opinion(scores=dict(given))
    raise TypeError(
        f"who scores gives a number from 0 to 10 for each name, as in {{'law': 7}}, not {given!r:.100}"
    )


def election_of(rules: Rules, answers: Mapping[str, Answer]) -> Election:
    """The election of the best answer: by the weighted mean of its scores, ties to the one that was declared first.

    Nobody scores their own answer.
    """
    return Election(
        options=tuple(Option(name=name, text=one.text, authors=(name,)) for name, one in answers.items()),
        method="weighted_average",
        voters=dict(rules.voters),
        scale=SCALE,
        ties="first",
    )
