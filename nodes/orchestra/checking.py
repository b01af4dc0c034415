"""What is wrong with an orchestra that somebody wants: all of it at once, each with what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, get_args

from backedge.engine.graph import END, START
from backedge.nodes.agents import Agent
from backedge.providers import Model

from .kinds import Kind
from .perspectives import Perspective
from .playing import problem_with
from .synthesis import JUDGE, Synthesis

MODES: Final = ("parallel", "sequential", "waves")
SYNTHESES: Final = get_args(Synthesis)
OWN: Final = frozenset({"round", "agreement", "synthesis", "ballot", JUDGE, START.name, END.name})
"""Names of our own nodes and voters."""
_HEAVIEST: Final = 1e12  # as in votes


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody wants; see `orchestra` for each."""

    perspectives: Sequence[Any]
    mode: Any
    synthesis: Any
    model: Any
    conductor: Any
    kind: Any
    waves: Any
    rounds: Any
    threshold: Any
    quorum: Any
    deadline: Any
    absent: Any

    @property
    def names(self) -> list[str]:
        """The perspectives' names."""
        return [one.name for one in self.perspectives]

    def by(self, one: Perspective) -> Any:
        """Who answers for a perspective."""
        return self.model if one.by is None else one.by

    @property
    def peers(self) -> bool:
        """Whether the perspectives score each other."""
        return isinstance(self.conductor, str) and self.conductor == "peers"

    @property
    def has_mean(self) -> bool:
        """Whether answers can be put together without words."""
        return bool(getattr(self.kind, "has_mean", True))  # what is no kind is told as such

    @property
    def conducted_by(self) -> Any:
        """Who conducts: as was said, or the model where somebody has to write words."""
        if self.peers or not self.takes_conductor:
            return None
        wants_words = self.needs_conductor or not self.has_mean
        return self.model if self.conductor is None and wants_words else self.conductor

    @property
    def needs_conductor(self) -> bool:
        """Whether the synthesis cannot be computed."""
        if self.synthesis == "weighted":
            return not self.has_mean
        return self.synthesis in ("comprehensive", "best_of")

    @property
    def takes_conductor(self) -> bool:
        """Whether a conductor has something to do."""
        if self.synthesis == "consensus":
            return not self.has_mean
        return self.needs_conductor or self.synthesis == "debate"


def problems(wanted: Wanted) -> list[str]:
    """Everything that is wrong."""
    if not isinstance(wanted.perspectives, list):
        return [f"perspectives are given as a list, not as {wanted.perspectives!r:.100}"]
    if not wanted.perspectives:
        return [
            "an orchestra needs perspectives: give [Perspective('law', '...'), ...] or balanced_analysis()"
        ]
    strangers = [one for one in wanted.perspectives if not isinstance(one, Perspective)]
    if strangers:
        return [f"a perspective is made by Perspective(name, instructions), not {strangers[0]!r:.100}"]
    looked = (_of_perspectives, _of_waves, _of_synthesis, _of_numbers, _of_kinds)
    return [problem for look in looked for problem in look(wanted)]


def _of_perspectives(wanted: Wanted) -> Iterator[str]:
    names: Counter[str] = Counter()
    for name in wanted.names:
        if isinstance(name, str) and name.isidentifier():
            names[name] += 1
        else:
            yield f"a perspective's name is an identifier, such as 'law', not {name!r}"
    for name, times in names.items():
        if times > 1:
            yield f"two perspectives are called {name!r}: give one of them another name"
        elif name in OWN:
            yield f"a perspective cannot be called {name!r}, as a part of the orchestra itself is: give it another name"
    for one in wanted.perspectives:
        if not isinstance(one.instructions, str):
            yield f"perspective {one.name!r}: instructions are a text, not {one.instructions!r:.100}"
        if not (_is_positive(one.weight) and one.weight <= _HEAVIEST):
            yield f"perspective {one.name!r}: weight= is a number above 0, up to 1e12, not {one.weight!r}"
        if one.deadline is not None and not _is_positive(one.deadline):
            yield f"perspective {one.name!r}: deadline= is seconds above 0, not {one.deadline!r}"
        by = wanted.by(one)
        if by is None:
            yield f"perspective {one.name!r} has nobody who answers: give it by=, or the orchestra model="
        elif wrong := problem_with(by):
            yield f"perspective {one.name!r}: {wrong}"


def _of_waves(wanted: Wanted) -> Iterator[str]:
    given = wanted.waves
    if wanted.mode not in MODES:
        yield f"mode= is one of {', '.join(MODES)}, not {wanted.mode!r}"
    elif wanted.mode != "waves" and given is not None:
        yield 'waves= is for mode="waves": say that, or leave it out'
    elif wanted.mode == "waves" and isinstance(given, int) and not isinstance(given, bool):
        if not 1 <= given <= len(wanted.perspectives):
            yield f"waves= is a number from 1 to {len(wanted.perspectives)}, the number of perspectives, not {given}"
    elif wanted.mode == "waves":
        yield from _of_groups(wanted.names, given)


def _of_groups(names: Sequence[str], given: Any) -> Iterator[str]:
    if (
        not isinstance(given, list | tuple)
        or not given
        or any(not isinstance(wave, list | tuple) for wave in given)
    ):
        yield f'mode="waves" wants waves= with their number, or a list of lists of names, not {given!r:.100}'
        return
    for wave in given:
        if not wave:
            yield "waves= has an empty wave: leave it out"
        for place, name in enumerate(wave):
            if name not in names:
                yield f"waves= names {name!r}, and there is no such perspective"
            elif name in wave[:place]:
                yield f"waves= names {name!r} twice in one wave: a perspective that is to answer again belongs into a later one"
    for name in names:
        if all(name not in wave for wave in given):
            yield f"perspective {name!r} is in no wave: add it to waves="


def _of_synthesis(wanted: Wanted) -> Iterator[str]:
    synthesis, conductor = wanted.synthesis, wanted.conductor
    if synthesis not in SYNTHESES:
        yield f"synthesis= is one of {', '.join(SYNTHESES)}, not {synthesis!r}"
        return
    if wanted.peers:
        yield from _of_peers(wanted)
    elif conductor is not None and not wanted.takes_conductor:
        yield f"synthesis={synthesis!r} is computed: leave conductor= out"
    elif conductor is not None and (wrong := problem_with(conductor, scores=synthesis == "best_of")):
        yield f"conductor=: {wrong}"
    elif conductor is None and wanted.model is None and wanted.needs_conductor:
        who = (
            'conductor= who scores them, or "peers"' if synthesis == "best_of" else "conductor= who writes it"
        )
        yield f"synthesis={synthesis!r} of such answers cannot be computed: give {who}, or model="


def _of_peers(wanted: Wanted) -> Iterator[str]:
    if wanted.synthesis != "best_of":
        yield 'conductor="peers" is for synthesis="best_of", where perspectives score each other'
        return
    if len(wanted.perspectives) < 2:
        yield 'conductor="peers" wants two perspectives at least: nobody scores their own answer'
    for one in wanted.perspectives:
        by = wanted.by(one)
        if one.votes is not None and (wrong := problem_with(one.votes, scores=True)):
            yield f"the vote of {one.name!r}: {wrong}"
        elif one.votes is None and callable(by) and not isinstance(by, Agent | Model):
            yield f"perspective {one.name!r} is a function, which cannot score others: give it votes="


def _of_numbers(wanted: Wanted) -> Iterator[str]:
    count = len(wanted.perspectives)
    if not _is_count(wanted.quorum, 1, count):
        yield f"quorum= is a number from 1 to {count}, the number of perspectives, not {wanted.quorum!r}"
    if not (isinstance(wanted.threshold, int | float) and 0 <= wanted.threshold <= 1):
        yield f"threshold= is an agreement from 0 to 1, not {wanted.threshold!r}"
    if wanted.deadline is not None and not _is_positive(wanted.deadline):
        yield f"deadline= is seconds above 0, not {wanted.deadline!r}"
    if wanted.rounds is not None and wanted.synthesis != "debate":
        yield 'rounds= is for synthesis="debate": say that, or leave it out'
    elif wanted.rounds is not None and not _is_count(wanted.rounds, 1, None):
        yield f"rounds= is a number from 1, not {wanted.rounds!r}"


def _of_kinds(wanted: Wanted) -> Iterator[str]:
    kind, absent = wanted.kind, wanted.absent
    if isinstance(kind, type) or not isinstance(kind, Kind):
        yield f"kind= is Text(), Number(...), Choice(...) or a kind of your own, not {kind!r:.100}"
    if not isinstance(absent, tuple) or not all(
        isinstance(one, type) and issubclass(one, Exception) for one in absent
    ):
        yield f"absent= is a tuple of classes of exceptions, such as (TimeoutError,), not {absent!r:.100}"


def _is_positive(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and isfinite(given) and given > 0


def _is_count(given: Any, least: int, most: int | None) -> bool:
    if not isinstance(given, int) or isinstance(given, bool):
        return False
    return given >= least and (most is None or given <= most)
