"""What a replay found: a value that is true where all is as recorded, and that reads well where not."""

from __future__ import annotations

import json
from dataclasses import dataclass

_LINES = 40  # of a difference between two texts
_WIDTH = 300  # of a value that is shown on one line


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference between what is recorded and what is so now.

    Attributes:
        seq: Number of the record.
        activation: Whose it is, as text; empty for records about the run itself.
        what: What differs: ``edges``, ``field 'code'``, ``attempt``, …
        recorded: What the record says, for people.
        now: What is so now, for people.
    """

    seq: int
    activation: str
    what: str
    recorded: str
    now: str

    def __str__(self) -> str:
        whose = f", {self.activation}" if self.activation else ""
        return f"record {self.seq}{whose}: {self.what}\n{sides('recorded', self.recorded, 'now', self.now)}"


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What came of replaying a run; true if everything is as recorded.

    Attributes:
        run_id: The run.
        records: How many records were checked.
        conditions: How many activations' edges were decided anew.
        rerun: How many activations were run anew.
        mismatches: What differs, in order of the records.
        changes: How the graph differs from the one the run was made with, a sentence each; no mismatches by
            themselves.

    Example::

        report = await flow.replay("demo", journal="runs.db", rerun={"checker"})
        assert report, str(report)
    """

    run_id: str
    records: int
    conditions: int
    rerun: int
    mismatches: tuple[Mismatch, ...]
    changes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.mismatches

    def __str__(self) -> str:
        done = [f"{self.records} records"]
        if self.conditions:
            done.append(f"the edges of {self.conditions} activations decided anew")
        if self.rerun:
            done.append(f"{self.rerun} activations run anew")
        count = len(self.mismatches)
        found = "all as recorded" if not count else f"{count} mismatch{'es' if count > 1 else ''}"
        lines = [f"replay of run {self.run_id!r} ({', '.join(done)}): {found}"]
        lines += [indented(str(mismatch)) for mismatch in self.mismatches]
        if self.changes:
            lines.append("  the graph changed since:")
            lines += [f"    - {change}" for change in self.changes]
        return "\n".join(lines)


def text_of(raw: bytes) -> str:
    """A recorded value for people: a text as it is, all else as JSON."""
    value = json.loads(raw)
    return value if isinstance(value, str) and "\n" in value else raw.decode()


def sides(left: str, one: str, right: str, other: str) -> str:
    """Two values under their names: one below the other, or as a difference of lines where they have several."""
    if "\n" not in one and "\n" not in other:
        width = max(len(left), len(right)) + 1
        return f"  {left + ':':<{width}} {cut(one)}\n  {right + ':':<{width}} {cut(other)}"
    import difflib  # only here, since it takes a while to load

    lines = list(difflib.unified_diff(one.splitlines(), other.splitlines(), left, right, lineterm="", n=2))
    more = [f"… and {len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
    return "\n".join(f"  {line}" for line in [*lines[:_LINES], *more])


def cut(text: str) -> str:
    """A text, shortened to a line's length."""
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def indented(text: str) -> str:
    """Every line moved to the right."""
    return "\n".join(f"  {line}" for line in text.splitlines())


def error_text(type_name: str, message: str) -> str:
    """A failure for people."""
    return f"raised {type_name}: {message}" if message else f"raised {type_name}"


def edges_text(taken: tuple[str, ...] | None) -> str:
    """Edges taken, for people."""
    if taken is None:
        return "not decided"
    return ", ".join(taken) if taken else "none"
