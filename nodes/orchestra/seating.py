"""Who sits where: the functions and agents that answer, score and conduct, and what they are told of their task."""

from __future__ import annotations

from typing import Any

from backedge.nodes.agents import Again, Agent
from backedge.providers import Model

from .answers import AnswerError
from .checking import Wanted
from .kinds import Kind
from .perspectives import Perspective
from .playing import Seat, judge_seat, seat
from .prompts import CONDUCT, paragraphs
from .synthesis import JUDGE, Scores, incomplete


class Seating:
    """Everybody in their seats.

    Attributes:
        answers: Who answers for each perspective, by name.
        votes: Who scores the answers of the others for each; empty where they do not.
        conductor: Who makes the synthesis; None where it is computed.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self.answers = {one.name: self._answering(one) for one in wanted.perspectives}
        voters = wanted.perspectives if wanted.peers else ()
        self.votes = {one.name: self._voting(one) for one in voters}
        self.conductor = self._conducting()

    @property
    def models(self) -> list[str]:
        """The resources that anybody names as a model."""
        seats = [*self.answers.values(), *self.votes.values(), *([self.conductor] if self.conductor else [])]
        return sorted({name for one in seats for name in one.models})

    def _answering(self, one: Perspective) -> Seat:
        form = self._wanted.kind.told

        def made(model: Model | str) -> Agent[Any]:
            return answering(model, paragraphs(one.instructions, form), self._wanted.kind, one.name)

        return seat(self._wanted.by(one), made, before=one.instructions, after=form)

    def _voting(self, one: Perspective) -> Seat:
        """Who votes for a perspective: an agent with its view, without the tools that it has for answering."""
        by: Any = self._wanted.by(one) if one.votes is None else one.votes
        view = one.instructions
        if one.votes is None and isinstance(by, Agent):
            by, view = by.model, by.instructions or view

        def made(model: Model | str, names: tuple[str, ...]) -> Agent[Any]:
            return scoring(model, paragraphs(view, CONDUCT["best_of"]), names, one.name)

        return judge_seat(by, made, before=view, after=CONDUCT["best_of"])

    def _conducting(self) -> Seat | None:
        by, synthesis = self._wanted.conducted_by, self._wanted.synthesis
        if by is None:
            return None
        told = paragraphs(CONDUCT[synthesis], self._wanted.kind.told if synthesis == "debate" else "")

        def judge(model: Model | str, names: tuple[str, ...]) -> Agent[Any]:
            return scoring(model, told, names, JUDGE)

        def writer(model: Model | str) -> Agent[Any]:
            if synthesis == "debate":
                return answering(model, told, self._wanted.kind, JUDGE)
            return Agent(model, instructions=told, name=JUDGE)

        if synthesis == "best_of":
            return judge_seat(by, judge, after=told)
        return seat(by, writer, after=told)


def answering(model: Model | str, instructions: str, kind: Kind, name: str) -> Agent[Any]:
    """An agent that answers by a model; what is no answer of the kind goes back to it."""

    def fits(answer: Any) -> Again | None:
        try:
            kind.read(answer)
        except AnswerError as error:
            return Again(str(error))
        return None

    return Agent(model, instructions=instructions, output=kind.output, name=name, output_guards=[fits])


def scoring(model: Model | str, instructions: str, names: tuple[str, ...], name: str) -> Agent[Any]:
    """An agent that scores the answers of some perspectives by a model; if it leaves one out it is asked again."""

    def complete(scores: Scores) -> Again | None:
        wrong = incomplete(scores, names)
        return Again(wrong) if wrong else None

    return Agent(model, instructions=instructions, output=Scores, name=name, output_guards=[complete])
