"""What perspectives are asked, and what whoever makes the synthesis is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from .answers import Answer, Missing

CONDUCT: Final[Mapping[str, str]] = {
    "comprehensive": """You are given a question and answers to it from several perspectives. Write one answer from all of
them. Leave out nothing that matters, say everything once, and put what belongs together together. Behind what is a
perspective's, name it in brackets, as [name]. Where they contradict each other say so, and say what it depends on.""",
    "consensus": """You are given a question and answers to it from several perspectives. Write down what they agree on, as one
answer, and nothing on which they differ. Add nothing of your own.""",
    "weighted": """You are given a question and answers to it from several perspectives, each with its weight. Write one answer
from them in which each has the part that its weight gives it: where they contradict each other, follow the heavier side, and
mention the other one. Behind what is a perspective's, name it in brackets, as [name].""",
    "debate": """You are the judge of a debate. You are given the question and what each side said, round by round. Decide by
the arguments, not by how many stand behind one: give the answer that has the best reasons, and say which ones they are.""",
    "best_of": """You are given a question and answers to it. Score each of the answers from 0 (useless) to 10 (could not be
better) by how right, complete and useful it is, whoever wrote it and however long it is. Say why in a sentence.""",
}


def question_for(question: str, own: Answer | None, others: Iterable[Answer]) -> str:
    """What a perspective is asked.

    Args:
        question: The question.
        own: Its last answer.
        others: The answers of the others that it may see.
    """
    parts = [question]
    seen = [said(one) for one in others]
    if seen:
        parts += ["What others answered so far:", *seen]
    if own is not None:
        parts.append(f"What you answered so far:\n{_words(own)}")
        parts.append("Answer anew: keep what holds, and change what the others convinced you of.")
    return paragraphs(*parts)


def hearing(
    question: str, answers: Sequence[Answer], missing: Sequence[Missing] = (), *, weights: bool = False
) -> str:
    """What whoever makes the synthesis is told; answers of several rounds under the heads of these."""
    total = sum(one.weight for one in answers)
    rounds = sorted({one.round for one in answers})
    parts = [f"The question:\n{question}"]
    for number in rounds:
        if len(rounds) > 1:
            parts.append(f"Round {number + 1}:")
        parts += [
            said(one, f", weight {100 * one.weight / total:.3g} %" if weights else "")
            for one in answers
            if one.round == number
        ]
    there = {one.perspective for one in answers}
    without = dict.fromkeys(one.perspective for one in missing if one.perspective not in there)
    if without:
        parts.append(f"No answer came from: {', '.join(without)}.")
    return paragraphs(*parts)


def paragraphs(*parts: str) -> str:
    """Texts with an empty line between each two, without those that say nothing."""
    return "\n\n".join(part for part in parts if part.strip())


def said(answer: Answer, more: str = "") -> str:
    """An answer under its perspective's name."""
    return f"[{answer.perspective}]{more}\n{_words(answer)}"


def _words(answer: Answer) -> str:
    return f"{answer.text}\nReason: {answer.reason}" if answer.reason else answer.text
