"""What the search remembers from round to round, and how it learns from results.

The memory is small, bounded and holds no program text: a candidate is named by the pool it comes from and its place
there. From the specification, the survey and the memory the search goes on exactly where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from .models import PASSED, Bill, Candidate, Frozen, Replacement, Report, Result, Survey, Winner
from .neighbours import neighbours
from .rank import ranked
from .spec import Specification

MOST_BASES = 24
"""Candidates kept as starting points for a second edit."""

MOST_SLOW = 20
"""Candidates kept for another try with more time."""

MOST_WINNERS = 12
"""Patches kept."""

MORE_PATIENCE, MOST_PATIENCE = 10.0, 200.0
"""Factors on the time limits in the second try, and in the last."""


class Tally(Frozen):
    """What was seen of one line or one kind of edit.

    Attributes:
        tried: Candidates run.
        changed: Of these, how many changed what a failing case does.
        gained: The sum of the squares of their gains, see `gain`, of those that behaved in a new way.
    """

    tried: int = 0
    changed: int = 0
    gained: float = 0.0

    def plus(self, changed: bool, gained: float) -> Tally:
        """With one more candidate."""
        return Tally(
            tried=self.tried + 1, changed=self.changed + changed, gained=round(self.gained + gained, 6)
        )


class Base(Frozen):
    """A candidate that made failing cases pass: where candidates with one more edit start from.

    Attributes:
        replacements: How it differs from the original.
        outcomes: As in `Result.outcomes`.
        text: What its counterexample gave.
        gain: See `gain`.
        size: As in `Candidate.size`.
        edits: How many edits made it.
    """

    replacements: tuple[Replacement, ...]
    outcomes: str
    text: str
    gain: float
    size: float
    edits: int = 1


class Attempt(Frozen):
    """An answer of a model's that did not repair the program.

    Attributes:
        replacements: What it was; empty where no program could be made of it.
        case: The case that refuted it, -1 where none did.
        text: What that case gave.
        outcomes: As in `Result.outcomes`.
        refused: Why no program could be made of it.
        said: How such an answer began.
    """

    replacements: tuple[Replacement, ...] = ()
    case: int = -1
    text: str = ""
    outcomes: str = ""
    refused: str = ""
    said: str = ""


class Memory(Frozen):
    """Everything the search has learned.

    Attributes:
        round: Rounds done.
        candidates: Candidates run.
        seconds: Time on the clock that all rounds took, with everything around them.
        rate: Candidates per second in the last round.
        tried: For each stream ``base.tier`` which places of its pool were tried, as the bits of a hexadecimal number.
        lines: Tallies by line of the original.
        kinds: Tallies by kind of edit.
        bases: Starting points for second edits, in the order they were found.
        slow: Candidates that only lacked time, for a second try soon.
        late: Those that still lacked it, for a last try when nothing else is left.
        doubted: Which other places, written as in `tried`, were given up for lack of time alone: a machine that
            stood still for a moment may be the reason, so they get a second try when nothing else is left.
        kills: For each case how many candidates it refuted.
        best: The most cases any candidate passed.
        winners: Candidates that passed and were confirmed, the best first.
        original: What the original does on neighbouring inputs, once there are winners.
        first_success: The round in which the first was found.
        attempts: The last answers of a model's, oldest first; a search needs none.
        misses: How many of a model's calls in a row brought no candidate.
        bill: What the model's calls took.
    """

    round: int = 0
    candidates: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    tried: dict[str, str] = {}
    lines: dict[int, Tally] = {}
    kinds: dict[str, Tally] = {}
    bases: tuple[Base, ...] = ()
    slow: tuple[Candidate, ...] = ()
    late: tuple[Candidate, ...] = ()
    doubted: dict[str, str] = {}
    kills: tuple[int, ...] = ()
    best: int = 0
    winners: tuple[Winner, ...] = ()
    original: tuple[str, ...] = ()
    first_success: int = 0
    attempts: tuple[Attempt, ...] = ()
    misses: int = 0
    bill: Bill = Bill()


def gain(survey: Survey, result: Result) -> float:
    """How much better a candidate does than the original: 1 when all failing cases pass and none else broke.

    The share of failing cases that pass now, less half the share of passing cases that broke; never below 0.
    """
    failing, passing = survey.failing, survey.passing
    mended = sum(result.outcomes[case] == PASSED for case in failing)
    broken = sum(result.outcomes[case] not in (PASSED, "-") for case in passing)
    lost = broken / len(passing) if passing else 0.0
    return round(max(0.0, mended / len(failing) - 0.5 * lost), 6)


def learn(
    memory: Memory,
    spec: Specification,
    survey: Survey,
    batch: Sequence[Candidate],
    report: Report,
    *,
    guided: bool = True,
) -> Memory:
    """The memory after one more round.

    Args:
        memory: What was known.
        spec: What is being repaired.
        survey: How the original did.
        batch: The candidates that were proposed.
        report: How they did. Candidates without a result count as not tried.
        guided: Whether to learn from results; without, only what was tried is noted.
    """
    proposed = {candidate.id: candidate for candidate in batch}
    tried = marked(memory.tried, (result.id for result in report.results))
    update = {
        "round": memory.round + 1,
        "candidates": memory.candidates + len(report.results),
        "seconds": round(memory.seconds + report.elapsed, 3),
        "rate": round(len(report.results) / report.seconds, 1) if report.results else memory.rate,
        "tried": tried,
        **_patient(memory, survey, proposed, report.results),
        **_successes(memory, spec, survey, batch, report),
        "best": max([memory.best, len(survey.passing), *(r.outcomes.count(PASSED) for r in report.results)]),
    }
    if guided:
        update |= _lessons(memory, survey, proposed, report.results)
    return memory.model_copy(update=update)


def _successes(
    memory: Memory, spec: Specification, survey: Survey, batch: Sequence[Candidate], report: Report
) -> dict[str, object]:
    """The winners so far, smallest first; among equals the one that was more promising."""
    behaviours = {one.id: one.behaviour for one in report.confirmed}
    fresh = [Winner(one, behaviours[one.id]) for one in batch if one.id in behaviours]
    original = memory.original or report.original
    nearby = [one.passing for one in neighbours(spec, survey)] if fresh else []
    winners = ranked([*memory.winners, *fresh], original, nearby) if fresh else memory.winners
    first = memory.first_success or (memory.round + 1 if fresh else 0)
    return {"winners": tuple(winners[:MOST_WINNERS]), "first_success": first, "original": original}


def marked(tried: Mapping[str, str], ids: Iterable[str]) -> dict[str, str]:
    """Note candidates as tried."""
    bits = {stream: int(mask, 16) for stream, mask in tried.items()}
    for stream, bit in _places(ids):
        bits[stream] = bits.get(stream, 0) | bit
    return {stream: f"{mask:x}" for stream, mask in bits.items()}


def unmarked(tried: Mapping[str, str], ids: Iterable[str]) -> dict[str, str]:
    """Forget candidates; a stream of which none is left goes too."""
    bits = {stream: int(mask, 16) for stream, mask in tried.items()}
    for stream, bit in _places(ids):
        bits[stream] = bits.get(stream, 0) & ~bit
    return {stream: f"{mask:x}" for stream, mask in bits.items() if mask}


def _places(ids: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The stream of each candidate and the bit of its place there; ids that name no place are left out."""
    for one in ids:
        stream, _, place = one.rpartition(".")
        if stream and place.isdigit():
            yield stream, 1 << int(place)


def _lessons(
    memory: Memory, survey: Survey, proposed: Mapping[str, Candidate], results: Sequence[Result]
) -> dict[str, object]:
    """Tallies, starting points and counterexamples."""
    lines, kinds, bases = dict(memory.lines), dict(memory.kinds), list(memory.bases)
    kills = list(memory.kills) or [0] * len(survey.cases)
    for result in results:
        candidate = proposed[result.id]
        gained = gain(survey, result)
        # Hundreds of candidates may mend the same case in the same way: only the first of them teaches anything.
        new = gained > 0 and not result.passed and _add_base(bases, candidate, result, gained)
        credit = gained**2 if new or result.passed else 0.0
        lines[candidate.line] = lines.get(candidate.line, Tally()).plus(result.changed, credit)
        kinds[candidate.kind] = kinds.get(candidate.kind, Tally()).plus(result.changed, credit)
        if result.case >= 0:
            kills[result.case] += 1
    return {"lines": lines, "kinds": kinds, "bases": tuple(bases), "kills": tuple(kills)}


def _add_base(bases: list[Base], candidate: Candidate, result: Result, gained: float) -> bool:
    """Keep a candidate as a starting point; not when one that behaves alike is kept already, nor when there are many."""
    if any(base.outcomes == result.outcomes and base.text == result.text for base in bases):
        return False
    if len(bases) >= MOST_BASES and gained <= max(base.gain for base in bases):
        return False
    if len(bases) >= 2 * MOST_BASES:
        return False
    bases.append(
        Base(
            replacements=candidate.replacements,
            outcomes=result.outcomes,
            text=result.text,
            gain=gained,
            size=candidate.size,
            edits=_edits(bases, candidate),
        )
    )
    return True


def _edits(bases: Sequence[Base], candidate: Candidate) -> int:
    """How many edits made a candidate: one more than what it started from, which its id names."""
    start = candidate.id.partition(".")[0]
    return 1 + (bases[int(start) - 1].edits if start.isdigit() and 0 < int(start) <= len(bases) else 0)


def _patient(
    memory: Memory, survey: Survey, proposed: Mapping[str, Candidate], results: Sequence[Result]
) -> dict[str, object]:
    """Candidates that no case refuted, but that ran out of time or died: they get more of it.

    Soon, where they passed something or no longer fail where they failed before; else when nothing else is left.
    """
    done = {result.id for result in results}
    slow = [one for one in memory.slow if one.id not in done]
    late = [one for one in memory.late if one.id not in done]
    doubted = []
    for result in results:
        candidate, outcomes = proposed[result.id], result.outcomes
        cut = _cut_short(outcomes)
        if cut < 0:
            continue
        if candidate.patience == 1.0:
            promising = PASSED in outcomes or survey.cases[cut].code != "t"
            if promising and outcomes[cut] == "t" and len(slow) < MOST_SLOW:
                slow.append(candidate._replace(patience=MORE_PATIENCE))
            else:
                doubted.append(candidate.id)
        elif candidate.patience == MORE_PATIENCE and PASSED in outcomes and len(late) < MOST_SLOW:
            late.append(candidate._replace(patience=MOST_PATIENCE))
    return {
        "slow": tuple(slow),
        "late": tuple(late),
        "doubted": marked(unmarked(memory.doubted, done), doubted),
    }


def _cut_short(outcomes: str) -> int:
    """The case at which a candidate ran out of time or died, none having refuted it; -1 when that is not so."""
    if set(outcomes) - {PASSED, "t", "c", "-"}:
        return -1
    return next((case for case, code in enumerate(outcomes) if code in "tc"), -1)
