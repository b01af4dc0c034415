"""What the activations of a run have done, and what they wait for: letters in, woken activations out."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..effects.recall import Known, Recall
from ..facts import StartNode
from ..plan import Key
from ..records import ActivationId, EffectKind, EffectOpened, Letter, LetterKind
from .clocks import Clock


class Question(NamedTuple):
    """Something that a suspended run waits for.

    Attributes:
        id: What an answer names: ``review@0:2``.
        activation: Who waits.
        kind: For what: an answer, a signal, a time, leave to run, or word whether an unsafe step was done.
        text: The question, or the signal's, timer's or step's name.
        detail: What else is known: choices, the answer's JSON schema, when a timer is due, why an answer was refused.
        since: When it began to wait, in seconds since the epoch.
    """

    id: str
    activation: str
    kind: EffectKind
    text: str
    detail: Mapping[str, Any]
    since: float

    @property
    def path(self) -> str:
        """Where in the activation it stands."""
        return self.id.removeprefix(f"{self.activation}:")

    @property
    def due(self) -> float | None:
        """When a timer is due, in seconds since the epoch; None for all else."""
        return self.detail.get("due") if self.kind is EffectKind.TIMER else None


def question_of(opened: EffectOpened) -> Question:
    """The effect as somebody who is to answer sees it."""
    activation = str(opened.activation)
    detail = json.loads(opened.detail)
    return Question(f"{activation}:{opened.path}", activation, opened.kind, opened.name, detail, opened.at)


def still_open(records: Iterable[Known]) -> list[EffectOpened]:
    """Those of an activation's recorded effects that its last attempt waits for, in order."""
    waiting: dict[str, EffectOpened] = {}
    attempt = 0
    for record in records:
        if record.attempt != attempt:
            attempt = record.attempt
            waiting.clear()
        if isinstance(record, EffectOpened):
            waiting.pop(record.path, None)
            waiting[record.path] = record
        elif waiting:
            waiting.pop(record.path, None)
            if record.kind is EffectKind.CHOICE:  # those that did not come first were given up
                waiting = {path: it for path, it in waiting.items() if not path.startswith(f"{record.path}.")}
    return list(waiting.values())


class _Expected(NamedTuple):
    question: Question
    coming: asyncio.Future[Letter]


class _Suspended(NamedTuple):
    order: StartNode
    questions: tuple[Question, ...]
    passed: frozenset[str] = frozenset()  # what had come and was not asked for: it wakes nobody again


class Desk:
    """The effects of one run."""

    __slots__ = (
        "_clock",
        "_expected",
        "_handed",
        "_known",
        "_letters",
        "_lying",
        "_suspended",
        "_timers",
        "declined",
        "refusals",
    )

    def __init__(
        self,
        clock: Callable[[], float],
        known: Mapping[Key, Sequence[Known]] | None = None,
        letters: Sequence[Letter] = (),
    ) -> None:
        """Begin with what is recorded and what has come; `clock` gives seconds that only ever grow."""
        # Everything recorded of the effects of live activations, in order.
        self._known: defaultdict[Key, list[Known]] = defaultdict(list)
        for key, records in (known or {}).items():
            self._known[key] = list(records)
        # What came and nobody has taken yet, in order.
        self._letters = list(letters)
        # How many of these there are of each kind and name: what has not come is not looked for among thousands.
        self._lying = Counter(map(_address, self._letters))
        # Numbers of those that were handed out; the journal may still have them.
        self._handed: set[int] = set()
        # What bodies that run wait for, and what was let go of.
        self._expected: dict[str, _Expected] = {}
        self._suspended: dict[Key, _Suspended] = {}
        # For each timer that was looked at when it is due.
        self._clock = Clock(clock)
        self._timers: dict[tuple[str, float], float] = {}
        # Question to why its last answer was refused: of those that were handed over in person, and of those that were sent.
        self.refusals: dict[str, str] = {}
        self.declined: dict[str, str] = {}

    # ------------------------------------------------------------------ what was done

    def recall(self, key: Key, activation: ActivationId, attempt: int, *, reuse_all: bool) -> Recall:
        """What an attempt can know of its effects."""
        return Recall(activation, attempt, self._known.get(key, ()), reuse_all=reuse_all)

    def approving(self, key: Key) -> bool:
        """Whether somebody was asked for leave to run the activation."""
        return any(record.kind is EffectKind.APPROVAL for record in self._known.get(key, ()))

    def learn(self, key: Key, record: Known) -> None:
        """An effect was recorded."""
        self._known[key].append(record)

    def forget(self, key: Key) -> None:
        """The activation is done, or what it did counts no more."""
        self._known.pop(key, None)

    def drop(self, key: Key) -> None:
        """The activation was cancelled: it waits for nothing any more."""
        self._known.pop(key, None)
        self._suspended.pop(key, None)

    # ------------------------------------------------------------------ what is waited for

    def expect(self, opened: EffectOpened) -> asyncio.Future[Letter]:
        """A future for the letter that an effect waits for; done at once when that is there."""
        coming: asyncio.Future[Letter] = asyncio.get_running_loop().create_future()
        question = question_of(opened)
        if (letter := self._found(question)) is not None:
            coming.set_result(letter)
            return coming
        self._expected[question.id] = _Expected(question, coming)
        coming.add_done_callback(lambda _: self._no_longer(question.id, coming))
        return coming

    def _no_longer(self, name: str, coming: asyncio.Future[Letter]) -> None:
        if name in self._expected and self._expected[name].coming is coming:
            del self._expected[name]

    def suspend(self, key: Key, order: StartNode, passed: Iterable[str] = ()) -> None:
        """The activation was let go of. `passed` are paths of what had come and it did not ask for."""
        questions = tuple(map(question_of, still_open(self._known.get(key, ()))))
        self._suspended[key] = _Suspended(order, questions, frozenset(passed))

    @property
    def suspended(self) -> bool:
        """Whether any activation was let go of."""
        return bool(self._suspended)

    def waits(self, key: Key) -> tuple[int, tuple[Question, ...]]:
        """In which attempt an activation that was let go of is, and what it waits for."""
        known = self._known.get(key)
        return known[-1].attempt if known else 1, self._suspended[key].questions

    def questions(self) -> list[Question]:
        """What the activations that were let go of wait for, in order of asking."""
        waiting = [question for each in self._suspended.values() for question in each.questions]
        return sorted(waiting, key=lambda question: question.since)

    def remaining(self) -> float | None:
        """Seconds until the next timer is due; None without one."""
        asked = [each.question for each in self._expected.values()]
        asked += [question for each in self._suspended.values() for question in each.questions]
        return min(
            (self._remaining(question) for question in asked if question.due is not None), default=None
        )

    def rings_in(self, opened: EffectOpened) -> float | None:
        """Seconds until the timer is due that an effect waits for; None for what waits for something else."""
        return self._remaining(question_of(opened)) if opened.kind is EffectKind.TIMER else None

    def deliver(self, letters: Iterable[Letter]) -> list[StartNode]:
        """Hand letters to those who wait for them, and look at the clock; the activations to run again come back."""
        known = {letter.number for letter in self._letters if letter.number} | self._handed
        new = [letter for letter in letters if not letter.number or letter.number not in known]
        self._letters += new
        self._lying.update(map(_address, new))
        for question, coming in list(self._expected.values()):
            if not coming.done() and (letter := self._found(question)) is not None:
                coming.set_result(letter)
        woken = [
            key
            for key, each in self._suspended.items()
            if not each.questions
            or any(self._came(question) for question in each.questions if question.path not in each.passed)
        ]
        return [self._suspended.pop(key).order for key in woken]

    def is_due(self, key: Key) -> bool:
        """Whether something that the activation waits for is there, or it waits for nothing."""
        waiting = still_open(self._known.get(key, ()))
        return not waiting or any(self._came(question_of(opened)) for opened in waiting)

    def came(self, key: Key) -> set[str]:
        """The paths of what the activation waits for, as recorded, that has come."""
        return {
            opened.path for opened in still_open(self._known.get(key, ())) if self._came(question_of(opened))
        }

    def give_back(self, letters: Sequence[Letter]) -> None:
        """Letters that were handed out and came to nothing; a timer's are none."""
        back = [letter for letter in letters if letter is not _RUNG]
        self._handed -= {letter.number for letter in back}
        # Those handed over in person have no number; they came first.
        self._letters = sorted([*back, *self._letters], key=lambda letter: letter.number)
        self._lying.update(map(_address, back))

    def _came(self, question: Question) -> bool:
        if question.due is not None:
            return self._remaining(question) <= 0
        return any(self._lying[one] for one in _addresses(question))

    def _found(self, question: Question) -> Letter | None:
        if question.due is not None:
            return _RUNG if self._remaining(question) <= 0 else None
        addresses = [one for one in _addresses(question) if self._lying[one]]
        if not addresses:
            return None
        for place, letter in enumerate(self._letters):
            if (address := _address(letter)) in addresses:
                del self._letters[place]
                self._lying[address] -= 1
                if not self._lying[address]:
                    del self._lying[address]
                if letter.number:
                    self._handed.add(letter.number)
                return letter
        return None

    def _remaining(self, question: Question) -> float:
        """Seconds until a timer is due, by a clock that nobody sets; where it begins the one on the wall says."""
        assert question.due is not None
        timer = question.id, question.due
        ring = self._timers.get(timer)
        if ring is None:
            seconds = min(max(question.due - time.time(), 0.0), question.detail["seconds"])
            ring = self._timers[timer] = self._clock.now() + seconds
        return ring - self._clock.now()


_RUNG = Letter(LetterKind.SIGNAL, "", b"null", 0.0)
"""What a timer that is due brings."""


def _address(letter: Letter) -> tuple[LetterKind, str]:
    return letter.kind, letter.name


def _addresses(question: Question) -> tuple[tuple[LetterKind, str], ...]:
    """What letters that answer it are addressed to: its id, or what else it goes by."""
    if question.kind is EffectKind.SIGNAL:
        return (LetterKind.SIGNAL, question.text), (LetterKind.SIGNAL, question.id)
    return (LetterKind.ANSWER, question.id), (LetterKind.ANSWER, question.activation)
