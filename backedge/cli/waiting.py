"""What a run waits for, in words and as JSON; and what somebody typed, as the answer that a question takes."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from .problems import CommandError

if TYPE_CHECKING:
    from backedge.engine.execution.desk import Question
    from backedge.engine.records import Awaited, RunSummary

_KINDS: Final = {
    "question": "question",
    "signal": "signal",
    "timer": "timer",
    "approval": "approval",
}
_TYPES: Final = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
COLUMNS: Final = ("waits for", "id", "since", "what")


def kind_of(question: Question) -> str:
    """What sort of thing is waited for; a step, or a call of a model or tool, is in doubt."""
    return _KINDS.get(question.kind.value, "in doubt")


def answerable(question: Question) -> bool:
    """Whether a person is to answer."""
    return kind_of(question) in ("question", "approval", "in doubt")


def row_of(question: Question) -> tuple[str, str, str, str]:
    """The cells of a table's line."""
    from .console import ago

    since = f"{ago(time.time() - question.since)} ago"
    return kind_of(question), question.id, since, told(question)


def told(question: Question) -> str:
    """What is asked, and what was wrong with the last answer."""
    match kind_of(question):
        case "timer":
            what = f"until {clock(question.due or 0.0)}"
        case "in doubt":
            what = f"was {question.text!r} done?"
        case "approval":
            what = f"may {question.activation} run?"
        case _:
            what = question.text
    choices = question.detail.get("choices")
    if choices is not None:
        what += f" ({', '.join(map(str, choices))})"
    refused = question.detail.get("refused")
    return what if refused is None else f"{what}; the last answer was refused: {refused}"


def as_json(question: Question) -> dict[str, Any]:
    """A question as JSON values."""
    return {
        "id": question.id,
        "activation": question.activation,
        "kind": question.kind.value,
        "text": question.text,
        "since": question.since,
        "due": question.due,
        "detail": dict(question.detail),
    }


def deaths_text(run: RunSummary) -> str:
    """How often a crashed run ended those who went on with it; empty where it did not."""
    if not run.deaths:
        return ""
    times = "once" if run.deaths == 1 else f"{run.deaths} times in a row"
    return f"gone on with {times} and crashed again without a new record"


def awaited_text(awaited: Awaited | None) -> str:
    """What a run waits for, in a list of runs."""
    if awaited is None:
        return ""
    names = {(kind.value, name) for kind, name in awaited.letters}
    answers = [name for kind, name in names if kind == "answer" and ":" in name]
    parts = [f"signal {name}" for kind, name in sorted(names) if kind == "signal"]
    parts += [f"answer {name}" for name in sorted(answers)]
    if awaited.due:
        parts.append(f"until {clock(awaited.due)}")
    elif awaited.due == 0:
        parts.append("to be gone on with")
    return ", ".join(parts)


def awaited_json(awaited: Awaited | None) -> dict[str, Any] | None:
    """The same as JSON values."""
    if awaited is None:
        return None
    letters = sorted((kind.value, name) for kind, name in awaited.letters)
    return {"due": awaited.due, "letters": [{"kind": kind, "name": name} for kind, name in letters]}


def clock(at: float) -> str:
    """A time as people read it."""
    return datetime.fromtimestamp(at).astimezone().isoformat(" ", "seconds")


def value_of(question: Question, text: str) -> Any:
    """What was typed, as the question takes it: JSON, or plain text where text is asked for.

    Raises:
        CommandError: It is none of the choices, or cannot be what is asked for.
    """
    choices: Sequence[Any] | None = question.detail.get("choices")
    schema = question.detail.get("schema") or {}
    given = parsed(text)
    if choices is not None:
        for choice in choices:
            if choice == text or (choice == given and type(choice) is type(given)):
                return choice
        raise CommandError(f"{question.id}: {text!r} is none of the answers: {', '.join(map(str, choices))}")
    wanted = schema.get("type")
    if wanted == "string":
        return given if isinstance(given, str) else text
    if wanted in _TYPES and not is_json(text):
        raise CommandError(f"{question.id}: expected {_TYPES[wanted]}, as JSON, found {text!r}")
    return given


def parsed(text: str) -> Any:
    """JSON, or the text itself where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def is_json(text: str) -> bool:
    """Whether the text is JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
