"""Novelty and diversity as nodes of a graph. Texts are compared in a thread, since thousands of them take seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from backedge.engine.context import Context

from .judging import Measure, Topics, judge, shown_by, survey
from .result import Judgement, Survey
from .words import cosine

Embed: TypeAlias = (
    Callable[[list[str]], list[list[float]]] | Callable[[list[str]], Awaitable[list[list[float]]]]
)
"""Gives the vectors of some texts, in their order; any model of embeddings."""


class _Looking:
    """How a node looks at texts; see `Novelty` for the arguments."""

    def __init__(
        self, *, topics: Topics = (), measure: Measure | None = None, embed: Embed | None = None
    ) -> None:
        self._topics = shown_by(topics)
        self._measure = measure or Measure()
        self._embed = embed


class Novelty(_Looking):
    """A node that judges the field ``answer`` against the field ``given``, a list of texts.

    Args:
        topics: What should be spoken of.
        measure: How texts are compared.
        embed: Gives vectors of texts, by whose cosine they are compared. It is called once for all texts, and what it gives
            is recorded: a run that is resumed does not call it again.

    Example::

        judged = graph.node(Novelty(topics=["cost", "safety"]), name="novelty", writes="judgement")
        graph.feedback(judged, writer, when=lambda judgement: not judgement.new, limit=3)
    """

    async def __call__(self, answer: str, given: list[str], ctx: Context) -> Judgement:
        """Judge."""
        measure = await _measured(self._measure, self._embed, [answer, *given], ctx)
        return await asyncio.to_thread(judge, answer, given, topics=self._topics, measure=measure)


class Diversity(_Looking):
    """A node that looks at the field ``answers``, a list of texts; see `Novelty` for its arguments."""

    async def __call__(self, answers: list[str], ctx: Context) -> Survey:
        """Look."""
        measure = await _measured(self._measure, self._embed, answers, ctx)
        return await asyncio.to_thread(survey, answers, topics=self._topics, measure=measure)


async def _measured(measure: Measure, embed: Embed | None, texts: Sequence[str], ctx: Context) -> Measure:
    if embed is None:
        return measure
    asked = sorted(set(texts))
    vectors: list[list[float]] = (
        await ctx.step("embed", embed, asked, returns=list[list[float]]) if asked else []
    )
    if len(vectors) != len(asked):
        raise ValueError(
            f"embed= gave {len(vectors)} vectors for {len(asked)} texts: it should give one for each"
        )
    return replace(measure, similarity=cosine(dict(zip(asked, vectors, strict=True))))
