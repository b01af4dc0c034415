"""A model as the coder of a repair: shown the program and what fails, and what became of its earlier answers.

One call is one round of the loop. What an answer was worth, or why there was none, is told by the checker's memory in the
next round's prompt; so a model that gives nonsense, refuses, or cannot be reached is a round without candidates, and the
checker decides when to ask it no more.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from backedge.engine.errors import EffectError
from backedge.providers import CassetteError, Message, Model, ModelRequest, ModelResponse, ScriptError
from backedge.providers.errors import ModelError

from .answers import UnusableAnswerError, program_from
from .lessons import Lessons
from .memory import Memory
from .models import Batch, Bill, Candidate, Survey, replaced
from .prompting import SAID, TASK, cut, prompt
from .search import difference
from .spec import Specification

CALL_SECONDS: Final = 180.0
"""Seconds that one call may take, retries included."""

MOST_TOKENS: Final = 8_192
"""Tokens of one answer, thoughts included."""

_PERHAPS_PAID: Final = frozenset({"timeout", "connection", "broken stream", "bad answer"})
"""Kinds of errors after which the provider may have done its work all the same."""

_CUT_OFF: Final = "it was too long and was cut off: give only the functions that change"


class ModelProgrammer:
    """A `Programmer` that asks a model.

    In a graph its calls are effects of the coder: they are journaled, and not made again on resume.

    Args:
        model: Who is asked.
        seconds: The time for the whole repair, as in `Rules.seconds`: a call is given up when it is over.
        call_seconds: The most that one call may take.

    Example::

        resources = {"programmer": ModelProgrammer(model), "runner": Runner(sandbox=open_sandbox())}
    """

    def __init__(
        self, model: Model, *, seconds: float = float("inf"), call_seconds: float = CALL_SECONDS
    ) -> None:
        self._model = model
        self._seconds = seconds
        self._call_seconds = call_seconds

    @property
    def name(self) -> str:
        """The model's."""
        return self._model.name

    def for_activation(self, context: Any) -> ModelProgrammer:
        """The same, with a model whose calls the activation journals."""
        bind = getattr(self._model, "for_activation", None)
        if bind is None:
            return self
        return ModelProgrammer(bind(context), seconds=self._seconds, call_seconds=self._call_seconds)

    async def propose(
        self, spec: Specification, survey: Survey, memory: Memory, known: Lessons | None = None
    ) -> Batch:
        """One candidate, or none and why.

        Args:
            spec: What the program should do.
            survey: How the original did.
            memory: What became of earlier answers.
            known: What a search beside it has learned.
        """
        waiting = memory.slow or memory.late
        if waiting:  # an answer that no case refuted and that only lacked time: it gets more, before another is paid for
            return Batch(candidates=waiting, author=self.name)
        request = ModelRequest(
            messages=(Message.of("system", TASK), Message.of("user", prompt(spec, survey, memory, known))),
            max_tokens=MOST_TOKENS,
        )
        left = min(max(self._seconds - memory.seconds, 0.0), self._call_seconds)
        try:
            async with asyncio.timeout(left):
                response = await self._model.respond(request)
        except TimeoutError:
            return self._nothing(f"it gave no answer in {left:.0f} s", bill=Bill(calls=1, unpriced=1))
        except ModelError as error:
            return self._nothing(f"the call failed: {cut(str(error), SAID)}", bill=_bill_of(error))
        except (EffectError, ScriptError, CassetteError) as error:
            # A client that breaks, or a script that is used up, is no reason for a search beside it to end.
            told = error.message if isinstance(error, EffectError) else str(error)
            return self._nothing(f"the call failed: {cut(told, SAID)}", bill=Bill(calls=1, unpriced=1))
        return self._batch(spec, memory, response)

    def _batch(self, spec: Specification, memory: Memory, response: ModelResponse) -> Batch:
        """What an answer comes to."""
        bill = bill_of(response)
        try:
            source = _program(spec, memory, response)
        except UnusableAnswerError as error:
            said = cut(response.text.strip(), SAID) or "(no words)"
            return self._nothing(str(error), said=said, bill=bill)
        return Batch(candidates=(_candidate(spec, memory, source),), author=self.name, bill=bill)

    def _nothing(self, note: str, *, said: str = "", bill: Bill) -> Batch:
        return Batch(author=self.name, note=note, said=said, bill=bill)


def bill_of(response: ModelResponse) -> Bill:
    """What an answer took."""
    return Bill(
        calls=1,
        input_tokens=response.usage.input_tokens,
        output_tokens=response.usage.output_tokens,
        dollars=response.cost or 0.0,
        unpriced=int(response.cost is None),
    )


def _bill_of(error: ModelError) -> Bill:
    """What a call took that failed. One that was turned down cost nothing; of one that broke off nobody knows."""
    tokens = error.usage.input_tokens + error.usage.output_tokens
    return Bill(
        calls=1,
        input_tokens=error.usage.input_tokens,
        output_tokens=error.usage.output_tokens,
        unpriced=int(tokens > 0 or error.kind in _PERHAPS_PAID),
    )


def _program(spec: Specification, memory: Memory, response: ModelResponse) -> str:
    """The program that an answer makes, a new one.

    Raises:
        UnusableAnswerError: There is none; the message says why.
    """
    if response.finish in ("refusal", "filtered"):
        refused = response.finish == "refusal"
        raise UnusableAnswerError(
            "it was refused" if refused else "it was held back by the provider's filter"
        )
    cut_off = response.finish == "length"
    if cut_off and response.text.count("```") % 2:
        raise UnusableAnswerError(_CUT_OFF)
    try:
        source = program_from(response.text, spec.source)
    except UnusableAnswerError as error:
        if cut_off:
            raise UnusableAnswerError(_CUT_OFF) from error
        if response.message.tool_calls:
            raise UnusableAnswerError(
                "it called a tool, and there is none: answer in words and code"
            ) from error
        raise
    known = {replaced(spec.source, one.replacements) for one in memory.attempts if not one.refused}
    if source in known or any(one.candidate.source(spec.source) == source for one in memory.winners):
        raise UnusableAnswerError("it is a program that you gave before")
    return source


def _candidate(spec: Specification, memory: Memory, source: str) -> Candidate:
    changes = difference(spec.source, source)
    line = spec.source.count("\n", 0, changes[0].start) + 1
    size = float(sum(change.end - change.start + len(change.text) for change in changes))
    return Candidate(f"model.{memory.round}", changes, line, "model", size)
