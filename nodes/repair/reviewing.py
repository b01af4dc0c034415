"""What the memory keeps of a model's answers, to be told to it in the next prompt."""

from __future__ import annotations

from .memory import Attempt, Memory
from .models import Batch, Report

MOST_ATTEMPTS = 6
"""Answers of a model's that are kept, to be told what became of them."""


def reviewed(memory: Memory, batch: Batch, report: Report) -> Memory:
    """The memory with what became of a model's answer."""
    results = {result.id: result for result in report.results}
    fresh = [
        Attempt(replacements=one.replacements, case=result.case, text=result.text, outcomes=result.outcomes)
        for one in batch.candidates
        if (result := results.get(one.id)) is not None and not result.passed
    ]
    if batch.said:
        fresh.append(Attempt(refused=batch.note, said=batch.said))
    return memory.model_copy(
        update={
            "attempts": (*memory.attempts, *fresh)[-MOST_ATTEMPTS:],
            "misses": 0 if batch.candidates else memory.misses + 1,
            "bill": memory.bill + batch.bill,
        }
    )
