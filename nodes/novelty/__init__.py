"""Novelty: is an answer new against those given, which topics are missing, and how diverse is a set of answers.

Texts are compared by their words, or by any embedding; numbers by what they mean: ``$500K`` is ``500,000 dollars``. All of it
is pure; `Novelty` and `Diversity` are the same as nodes of a graph.

Example:
    >>> from backedge.nodes.novelty import judge
    >>> judge("The bridge is 3000 m long.", ["The bridge is 3 km long."]).new
    False
"""

from __future__ import annotations

from .judging import Measure, Topics, covered, diversity, judge, survey
from .looking import Diversity, Embed, Novelty
from .quantities import Quantity, agree, quantities
from .result import Coverage, Difference, Judgement, Suggestion, Survey
from .synonyms import Synonyms
from .units import Unit, Units
from .words import Reader, Reading, Similarity, containment, cosine, resemblance

__all__ = [
    "Coverage",
    "Difference",
    "Diversity",
    "Embed",
    "Judgement",
    "Measure",
    "Novelty",
    "Quantity",
    "Reader",
    "Reading",
    "Similarity",
    "Suggestion",
    "Survey",
    "Synonyms",
    "Topics",
    "Unit",
    "Units",
    "agree",
    "containment",
    "cosine",
    "covered",
    "diversity",
    "judge",
    "quantities",
    "resemblance",
    "survey",
]
