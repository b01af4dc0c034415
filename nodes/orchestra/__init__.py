"""Orchestras: several perspectives on one question, and what they come to together.

`orchestra` builds the graph: the perspectives answer side by side, one after the other, or in waves; their answers become one by
a synthesis. `agreement` says how much answers agree, by a written definition, and `agreed` is the condition for loops.

Example:
    >>> from backedge.nodes.orchestra import Number, Perspective, orchestra
    >>> one, two = Perspective("one", by=lambda: "3 km"), Perspective("two", by=lambda: "5 km", weight=3)
    >>> graph = orchestra([one, two], synthesis="weighted", kind=Number("km"))
    >>> graph.compile().run_sync({"question": "How far is it?"}).state.result.answer.text
    '4.5 km'
"""

from __future__ import annotations

from .agreement import agreed, agreement, central
from .answers import Answer, AnswerError, Missing, Said, latest
from .building import Mode, orchestra
from .kinds import Choice, Compare, Kind, Text
from .numbers import Number
from .perspectives import Perspective, Player, balanced_analysis, business_strategy, technical_review
from .result import Dissent, OrchestraResult, Performance, Status
from .synthesis import Score, Scores, Synthesis

__all__ = [
    "Answer",
    "AnswerError",
    "Choice",
    "Compare",
    "Dissent",
    "Kind",
    "Missing",
    "Mode",
    "Number",
    "OrchestraResult",
    "Performance",
    "Perspective",
    "Player",
    "Said",
    "Score",
    "Scores",
    "Status",
    "Synthesis",
    "Text",
    "agreed",
    "agreement",
    "balanced_analysis",
    "business_strategy",
    "central",
    "latest",
    "orchestra",
    "technical_review",
]
