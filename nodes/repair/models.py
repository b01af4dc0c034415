"""The facts that travel between the roles: observations, candidates, results, and what was learned from them.

All are frozen pydantic models, so that every round of the loop is a record from which it can go on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

PASSED = "p"
SEARCH = "search"


class Frozen(BaseModel):
    """A model that never changes."""

    model_config = ConfigDict(frozen=True)


class Observed(Frozen):
    """How the original did on one case.

    Attributes:
        code: ``p`` passed, ``f`` wrong result, ``e`` raised, ``t`` out of time, ``c`` the process died.
        text: The result, or what went wrong, in one line.
        seconds: Processor time.
        lines: The program's lines that were executed.
    """

    code: str
    text: str
    seconds: float
    lines: tuple[int, ...] = ()


class Survey(Frozen):
    """How the original did on all cases, and what was seen on the way.

    Attributes:
        cases: One observation for each case.
        types: Type names seen in variables; keys as `backedge.nodes.repair.inside.observe.Observer` writes them.
        names: The names of the tests, when the cases are tests.
        loading: Seconds of processor time that loading the program took.
    """

    cases: tuple[Observed, ...]
    types: dict[str, tuple[str, ...]] = {}
    names: tuple[str, ...] = ()
    loading: float = 0.0

    @property
    def failing(self) -> tuple[int, ...]:
        """The numbers of the cases that do not pass."""
        return tuple(number for number, case in enumerate(self.cases) if case.code != PASSED)

    @property
    def passing(self) -> tuple[int, ...]:
        """The numbers of the cases that pass."""
        return tuple(number for number, case in enumerate(self.cases) if case.code == PASSED)


class Replacement(NamedTuple):
    """Put `text` in the place of the characters from `start` up to `end`."""

    start: int
    end: int
    text: str


class Candidate(NamedTuple):
    """A proposed program: the original with some pieces of text replaced.

    Hundreds of them make one round's record, so they are tuples, which are short when written down.

    Attributes:
        id: Names it within the search.
        replacements: What differs from the original, in order and without overlap.
        line: The first changed line of the original.
        kind: The sort of edit.
        size: How large the change is; smaller is preferred.
        patience: Factor on the time limits of the cases.
    """

    id: str
    replacements: tuple[Replacement, ...]
    line: int
    kind: str
    size: float
    patience: float = 1.0

    def source(self, original: str) -> str:
        """The candidate's whole program."""
        return replaced(original, self.replacements)


def replaced(text: str, replacements: Sequence[Replacement]) -> str:
    """Apply replacements to a text.

    Example:
        >>> replaced("a + b", [Replacement(2, 3, "-")])
        'a - b'
    """
    pieces, position = [], 0
    for start, end, new in sorted(replacements):
        pieces += [text[position:start], new]
        position = end
    return "".join([*pieces, text[position:]])


def lines_of(text: str) -> list[str]:
    """A program's lines with their ends, as Python counts them: a form feed or the like ends none.

    Example:
        >>> "".join(lines_of("a = 1")) == "a = 1"
        True
    """
    return re.findall(r"[^\n]*\n|[^\n]+", text)


class Bill(Frozen):
    """What calls of a model took.

    Attributes:
        calls: How many there were, failed ones included.
        input_tokens: Tokens read.
        output_tokens: Tokens written.
        dollars: What those calls cost whose price is known.
        unpriced: Calls whose price is unknown.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float = 0.0
    unpriced: int = 0

    def __add__(self, other: Bill) -> Bill:
        """Both together."""
        return Bill(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            dollars=round(self.dollars + other.dollars, 9),
            unpriced=self.unpriced + other.unpriced,
        )

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens


class Batch(Frozen):
    """What the coder proposes for one round; empty in the first, when the original is looked at.

    Attributes:
        candidates: The most promising first.
        author: Who proposed them.
        note: Why a model has no candidate this time.
        said: How its answer began, where no program could be made of it.
        bill: What the model's call took.
        over: Whether the other coder has won, so that this one stops.
    """

    candidates: tuple[Candidate, ...] = ()
    author: str = SEARCH
    note: str = ""
    said: str = ""
    bill: Bill = Bill()
    over: bool = False


class Result(NamedTuple):
    """How one candidate did. A tuple for the same reason as `Candidate`.

    Attributes:
        id: The candidate's.
        outcomes: One letter for each case as in `Observed.code`; ``-`` where it was not run.
        changed: Whether a failing case went otherwise than with the original.
        case: The first case that did not pass, -1 when all that were run did.
        text: What that case gave; kept where a failing case passed, and in small batches.
    """

    id: str
    outcomes: str
    changed: bool = False
    case: int = -1
    text: str = ""

    @property
    def passed(self) -> bool:
        """Whether every case was run and passed."""
        return set(self.outcomes) == {PASSED}


class Confirmed(NamedTuple):
    """A candidate that passed again in a sandbox of its own, judged outside of it.

    Attributes:
        id: The candidate's.
        behaviour: What it does on each neighbouring input, see `backedge.nodes.repair.neighbours`: a digest of the
            result, or ``!`` where it raised, hung or died.
    """

    id: str
    behaviour: tuple[str, ...] = ()


class Winner(NamedTuple):
    """A candidate that passes all cases, and what it does nearby."""

    candidate: Candidate
    behaviour: tuple[str, ...] = ()


class Report(Frozen):
    """What the interpreter found out in one round.

    Attributes:
        survey: Of the original, in the first round.
        results: One for each candidate that was run; those the time did not suffice for are missing.
        confirmed: Candidates that passed, and passed again.
        original: What the original does on neighbouring inputs, when something was confirmed.
        seconds: Time on the clock that running took.
        elapsed: Time on the clock since the report before, or since this process began to work on the repair. So the
            sum over all reports is what the repair has used, and time between an interruption and a resume is not in it.
        over: Whether the other coder won meanwhile, so that the candidates were let go of.
    """

    survey: Survey | None = None
    results: tuple[Result, ...] = ()
    confirmed: tuple[Confirmed, ...] = ()
    original: tuple[str, ...] = ()
    seconds: float = 0.0
    elapsed: float = 0.0
    over: bool = False


Status = Literal["searching", "repaired", "nothing to repair", "exhausted", "out of time", "called off"]


class Verdict(Frozen):
    """What the checker makes of a round.

    Attributes:
        status: Whether the search goes on, and if not, how it ended.
        message: One sentence for whoever watches.
    """

    status: Status
    message: str = ""
