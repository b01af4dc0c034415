"""Whether a trigger has to do with an answer: by the words, by a function, or by what a model says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field

from backedge.engine.compiler.signatures import is_async
from backedge.engine.context import Context
from backedge.nodes.agents import Agent
from backedge.nodes.novelty import Measure, judge
from backedge.providers import Model

from .deciding import Relevance

_ASK: Final = """You are shown an answer and something that was said after it was given. Say whether the answer would have to be
given anew because of that: it asks for something else, contradicts the answer, or adds what the answer lacks. What only
repeats, agrees, or is about something else, does not count."""


class Verdict(BaseModel):
    """Whether something has to do with an answer; what an agent says that is asked for it.

    Attributes:
        relevant: Whether it has.
        why: Why, in one sentence.
    """

    model_config = ConfigDict(frozen=True)

    relevant: bool = Field(description="Whether the answer has to be given anew")
    why: str = Field(default="", description="Why, in one sentence")


async def relevance(
    how: Relevance,
    text: str,
    answer: str,
    before: str | None,
    context: Context,
    models: Mapping[str, Model],
) -> Verdict:
    """Judge.

    Args:
        how: What judges.
        text: What was said.
        answer: The answer.
        before: What the same source said the last time.
        context: The node's.
        models: Those that an agent only names.

    Raises:
        TypeError: A function gives something else than a bool or a number.
    """
    if how is None:
        return Verdict(relevant=True)
    if isinstance(how, int | float):
        given = [one for one in (answer, before) if one]
        found = judge(text, given, measure=Measure(least=how))
        return Verdict(relevant=found.new, why=found.reason)
    if isinstance(how, Agent | Model):
        agent = how if isinstance(how, Agent) else asking(how)
        said = await agent.run(f"The answer:\n{answer}\n\nSaid after it:\n{text}", context, models=models)
        return cast("Verdict", said.output)
    if is_async(how):
        given_back = await context.step("relevance", how, text, answer, returns=bool | float)
    else:
        given_back = how(text, answer)
    return _verdict(given_back)


def asking(model: Model | str) -> Agent[Verdict]:
    """An agent that judges relevance.

    Example: ``Restart(on=[UserInput()], relevance=asking("model"))``
    """
    return Agent(model, instructions=_ASK, output=Verdict, name="relevance")


def _verdict(given: Any) -> Verdict:
    if isinstance(given, Verdict):
        return given
    if isinstance(given, bool):
        return Verdict(relevant=given, why="" if given else "the function says so")
    if isinstance(given, int | float):
        return Verdict(relevant=given >= 0.5, why=f"its relevance is {given:.3g} of at least 0.5")
    raise TypeError(f"relevance= should give a bool or a number, not {given!r}")
