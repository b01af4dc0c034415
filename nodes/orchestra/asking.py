"""The bodies of an orchestra's nodes: who is asked, and what is written of what came."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from backedge.engine.context import Context
from backedge.engine.errors import EffectError
from backedge.nodes.voting import Ballot, Opinion, check
from backedge.nodes.voting.polling import NEVER_ABSENT

from .answers import Answer, Missing, Said
from .perspectives import Perspective
from .playing import Seat
from .prompts import hearing, question_for
from .result import OrchestraResult
from .synthesis import JUDGE, Rules, election_of, opinion_of, settle

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class _Asking:
    """Asks one perspective something.

    Attributes:
        perspective: Which.
        seat: By whom it answers.
        rules: Of the orchestra.
        deadline: Seconds that it has.
        absent: Errors after which it is missing, and the others go on; all else fails the run.
    """

    perspective: Perspective
    seat: Seat
    rules: Rules
    deadline: float | None
    absent: tuple[type[Exception], ...]

    async def _tried(
        self,
        context: Context,
        given: Mapping[str, Any],
        *,
        prompt: Callable[[], str],
        shape: Callable[[Any], T],
        returns: type[T],
        names: Iterable[str] = (),
    ) -> tuple[T | None, str]:
        """What came, or None and why nothing did."""
        # A step raises what it has to raise as it is; all errors together are found in any case.
        special = tuple(one for one in self.absent if not issubclass(EffectError, one))
        work = self.seat.ask(
            given, context, prompt=prompt, shape=shape, returns=returns, names=names, raises=special
        )
        try:
            return await within(self.deadline, work, context), ""
        except NEVER_ABSENT:
            raise
        except self.absent as error:
            return None, why(error)


class Ask(_Asking):
    """Asks one perspective for its answer; if it fails it is missing."""

    async def __call__(self, context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
        """Ask."""
        name, answers = self.perspective.name, given["answers"]
        number = sum(one.perspective == name for one in (*answers, *given["missing"]))
        others = self.rules.standing(answers)
        own = others.pop(name, None)
        said, failed = await self._tried(
            context,
            given,
            prompt=lambda: question_for(given["question"], own, others.values()),
            shape=self.rules.kind.read,
            returns=Said,
        )
        if said is None:
            context.emit({"missing": name, "why": failed})
            return {"missing": [Missing(perspective=name, why=failed, round=number)]}
        answer = Answer(
            perspective=name,
            weight=self.perspective.weight,
            round=number,
            text=said.text,
            reason=said.reason,
            quantity=said.quantity,
        )
        return {"answers": [answer]}


class Vote(_Asking):
    """Asks one perspective to score the answers of the others; if it fails it has no vote."""

    async def __call__(self, context: Context, given: Mapping[str, Any]) -> list[Ballot]:
        """Ask."""
        name = self.perspective.name
        standing = self.rules.standing(given["answers"])
        others = {other: one for other, one in standing.items() if other != name}
        if not others or len(standing) < self.rules.quorum:
            return []
        opinion, failed = await self._tried(
            context,
            given,
            prompt=lambda: hearing(given["question"], list(others.values())),
            shape=opinion_of,
            returns=Opinion,
            names=others,
        )
        if opinion is None:
            context.emit({"no vote of": name, "why": failed})
            return []
        return [_ballot(name, opinion, self.rules, standing)]


@dataclass(frozen=True, kw_only=True)
class Conclude:
    """Makes the result, with the conductor's help where there is one and it is needed.

    Attributes:
        rules: Of the orchestra.
        seat: The conductor.
    """

    rules: Rules
    seat: Seat | None = None

    async def __call__(self, context: Context, given: Mapping[str, Any]) -> OrchestraResult:
        """Conclude."""
        answers, missing, ballots = given["answers"], given["missing"], list(given["ballots"])
        standing = self.rules.standing(answers)
        rules = await ready(self.rules, list(standing.values()), context)
        words = None
        if self.seat is not None and self._is_needed(rules, standing):
            if rules.synthesis == "best_of":
                ballots.append(await self._scores(self.seat, context, given, standing))
            else:
                words = await self._words(self.seat, context, given, standing)
                rules = (
                    await ready(self.rules, [*standing.values(), words], context) if self._decides else rules
                )
        return settle(rules, answers, missing, words=words, ballots=ballots)

    def _is_needed(self, rules: Rules, standing: Mapping[str, Answer]) -> bool:
        if len(standing) < rules.quorum:
            return False
        if rules.synthesis == "best_of":
            return len(standing) > 1
        return rules.synthesis != "consensus" or rules.settled(standing, rules.agree(standing))

    @property
    def _decides(self) -> bool:
        return self.rules.synthesis == "debate"

    async def _words(
        self, seat: Seat, context: Context, given: Mapping[str, Any], standing: Mapping[str, Answer]
    ) -> Said:
        heard = given["answers"] if self._decides else list(standing.values())
        weights = self.rules.synthesis == "weighted"
        return await seat.ask(
            given,
            context,
            prompt=lambda: hearing(given["question"], heard, given["missing"], weights=weights),
            shape=self.rules.kind.read if self._decides else _in_words,
            returns=Said,
        )

    async def _scores(
        self, seat: Seat, context: Context, given: Mapping[str, Any], standing: Mapping[str, Answer]
    ) -> Ballot:
        opinion = await seat.ask(
            given,
            context,
            prompt=lambda: hearing(given["question"], list(standing.values()), given["missing"]),
            shape=opinion_of,
            returns=Opinion,
            names=standing,
        )
        ballot = _ballot(JUDGE, opinion, self.rules, standing)
        check(election_of(self.rules, standing), ballot)
        return ballot


@dataclass(frozen=True, kw_only=True)
class Look:
    """Looks whether a debate is over."""

    rules: Rules

    async def __call__(self, context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
        """Look."""
        standing = self.rules.standing(given["answers"])
        rules = await ready(self.rules, list(standing.values()), context)
        agreement = rules.agree(standing)
        return {"agreement": agreement, "agreed": rules.settled(standing, agreement)}


async def ready(rules: Rules, answers: Sequence[Said], context: Context) -> Rules:
    """Rules whose kind of answers can compare these."""
    return replace(rules, kind=await rules.kind.ready(answers, context))


async def within(seconds: float | None, work: Coroutine[Any, Any, T], context: Context) -> T:
    """Await something for at most so many seconds, restarts included. Raises TimeoutError."""
    if seconds is None:
        return await work
    which, result = await context.first(work, context.sleep(seconds))
    if which == 1:
        raise TimeoutError(f"no answer within {seconds:g} s")
    answer: T = result
    return answer


def why(error: Exception) -> str:
    """What went wrong, for people."""
    if isinstance(error, EffectError):  # of a step of ours, whose name says nothing
        return f"{error.type_name.rpartition('.')[2]}: {error.message}"
    return f"{type(error).__name__}: {error}"


def _ballot(voter: str, opinion: Opinion, rules: Rules, standing: Mapping[str, Answer]) -> Ballot:
    said = opinion.model_dump(include=set(Opinion.model_fields))
    return Ballot(**said, voter=voter, seen=election_of(rules, standing).stamps)


def _in_words(given: Any) -> Said:
    if isinstance(given, Said):
        return given.bare()
    if isinstance(given, str) and given.strip():
        return Said(text=given)
    raise TypeError(f"the conductor gives a text that says something, not {given!r:.100}")
