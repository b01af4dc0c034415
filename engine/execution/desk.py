"""What the activations of a run have done, and what they wait for: letters in, woken activations out."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..effects.recall import Known, Recall
from ..facts import StartNode
from ..records import ActivationId, EffectKind, EffectOpened, Letter, LetterKind
from ..schedule import Key


@dataclass(frozen=True, slots=True)
class Question:
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
    def due(self) -> float | None:
        """When a timer is due, in seconds since the epoch; None for all else."""
        return self.detail.get("due")


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


class Desk:
    """The effects of one run."""

    __slots__ = ("_expected", "_handed", "_known", "_letters", "_suspended", "refusals")

    def __init__(self, known: Mapping[Key, Sequence[Known]], letters: Sequence[Letter] = ()) -> None:
        # Everything recorded of the effects of live activations, in order.
        self._known: defaultdict[Key, list[Known]] = defaultdict(list)
        for key, records in known.items():
            self._known[key] = list(records)
        # What came and nobody has taken yet.
        self._letters = list(letters)
        # Numbers of those that were handed out; the journal may still have them.
        self._handed: set[int] = set()
        # What bodies that run wait for, and the orders of those that were let go of.
        self._expected: dict[str, tuple[EffectOpened, asyncio.Future[Letter]]] = {}
        self._suspended: dict[Key, StartNode] = {}
        # Question to why its answer was refused, of answers that were handed over in person.
        self.refusals: dict[str, str] = {}

    # ------------------------------------------------------------------ what was done

    def recall(self, key: Key, activation: ActivationId, attempt: int, *, reuse_all: bool) -> Recall:
        """What an attempt can know of its effects."""
        return Recall(str(activation), attempt, self._known.get(key, ()), reuse_all=reuse_all)

    def learn(self, key: Key, record: Known) -> None:
        """An effect was recorded."""
        self._known[key].append(record)

    def forget(self, key: Key) -> None:
        """The activation is done."""
        self._known.pop(key, None)

    # ------------------------------------------------------------------ what is waited for

    def expect(self, opened: EffectOpened) -> asyncio.Future[Letter]:
        """A future for the letter that an effect waits for; done at once when that is there."""
        future: asyncio.Future[Letter] = asyncio.get_running_loop().create_future()
        question = question_of(opened)
        if (letter := self._found(question)) is not None:
            future.set_result(letter)
            return future
        self._expected[question.id] = opened, future
        future.add_done_callback(lambda _: self._expected.pop(question.id, None))
        return future

    def suspend(self, key: Key, order: StartNode) -> None:
        """The activation was let go of."""
        self._suspended[key] = order

    @property
    def suspended(self) -> bool:
        """Whether any activation was let go of."""
        return bool(self._suspended)

    def questions(self) -> list[Question]:
        """What the activations that were let go of wait for, in order of asking."""
        waiting = [question_of(opened) for key in self._suspended for opened in still_open(self._known[key])]
        return sorted(waiting, key=lambda question: question.since)

    def next_due(self) -> float | None:
        """When the next timer is due, in seconds since the epoch."""
        asked = [question_of(opened) for opened, _ in self._expected.values()]
        times = [question.due for question in [*asked, *self.questions()] if question.due is not None]
        return min(times, default=None)

    def deliver(self, letters: Iterable[Letter]) -> list[StartNode]:
        """Hand letters to those who wait for them, and look at the clock; the activations to run again come back."""
        known = {letter.number for letter in self._letters if letter.number} | self._handed
        self._letters += [letter for letter in letters if not letter.number or letter.number not in known]
        for opened, future in list(self._expected.values()):
            if not future.done() and (letter := self._found(question_of(opened))) is not None:
                future.set_result(letter)
        woken = [key for key in self._suspended if self.is_due(key)]
        return [self._suspended.pop(key) for key in woken]

    def is_due(self, key: Key) -> bool:
        """Whether something that the activation waits for is there."""
        now = time.time()
        for question in map(question_of, still_open(self._known.get(key, ()))):
            if question.due is not None and question.due <= now:
                return True
            if any(self._fits(letter, question) for letter in self._letters):
                return True
        return False

    def give_back(self, letters: Iterable[Letter]) -> None:
        """Letters that were handed out and came to nothing."""
        self._handed -= {letter.number for letter in letters}
        self._letters = [*letters, *self._letters]

    def _found(self, question: Question) -> Letter | None:
        for letter in self._letters:
            if self._fits(letter, question):
                self._letters.remove(letter)
                if letter.number:
                    self._handed.add(letter.number)
                return letter
        if question.due is not None and question.due <= time.time():
            return _rung(question)
        return None

    def _fits(self, letter: Letter, question: Question) -> bool:
        if question.kind is EffectKind.SIGNAL:
            return letter.kind is LetterKind.SIGNAL and letter.name == question.text
        if question.kind is EffectKind.TIMER:
            return False
        return letter.kind is LetterKind.ANSWER and letter.name in (question.id, question.activation)


def _rung(question: Question) -> Letter:
    return Letter(LetterKind.SIGNAL, question.text, b"null", time.time())
