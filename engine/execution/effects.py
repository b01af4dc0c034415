"""The effects of one attempt of a node: looked up in its records, or carried out, recorded and only then told.

An attempt that does nothing but wait for what may take long is *suspended*: its task is cancelled, whatever its body still
returns or raises is discarded, and nothing more is done for it. It runs again from the top once what it waits for is there,
and finds everything it had done in its records.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from ..compiler.signatures import is_async
from ..effects.identity import EffectKey, key_of
from ..effects.places import Branch, Place, joined
from ..effects.recall import Known, Recall, occurrence_of
from ..effects.results import failure, read_back, stored, told, usage_of
from ..errors import InputError, ReplayMismatchError
from ..failures import describe
from ..records import ActivationId, EffectKind, EffectOpened, EffectRecorded, ErrorInfo, Letter
from ..state.values import Codec
from .race import TICKS, turns

T = TypeVar("T")

HOLD: Final = 5.0
"""Seconds up to which a body that waits in one place may be at work in another on what is no effect."""

ASKER: Final[contextvars.ContextVar[object]] = contextvars.ContextVar("backedge_asker")
CURRENT: Final[contextvars.ContextVar[Branch]] = contextvars.ContextVar("backedge_branch")


class Request(NamedTuple):
    """An effect that a body asks for."""

    kind: EffectKind
    name: str
    digest: str
    place: Place


class Verdict(NamedTuple):
    """How an effect ended of which nobody knew: whether it was done, with what result or error, and who told."""

    done: bool
    value: Any = None
    error: ErrorInfo | None = None
    letter: Letter | None = None


class Host(Protocol):
    """The run, as its effects see it."""

    @property
    def kept(self) -> bool:
        """Whether there is a journal."""

    @property
    def cut(self) -> bool:
        """Whether all that runs was told to stop."""

    def commit(self, make: Callable[[int], Known], taken: Sequence[int] = ()) -> asyncio.Future[None]:
        """Record something under the next number; done once it is committed. `taken` are letters it makes good."""

    async def fence(self) -> None:
        """Make sure that this process still owns the run: else the run is broken, and the caller cancelled."""

    def expect(self, opened: EffectOpened) -> asyncio.Future[Letter]:
        """A future for the letter that this effect waits for; for a timer one comes when it is due."""

    def came(self, activation: ActivationId) -> set[str]:
        """The paths of what the activation waits for, as recorded, that has come."""

    def refused(self, letter: Letter, why: str) -> None:
        """What the letter says was no answer."""

    def give_back(self, letters: Sequence[Letter]) -> None:
        """Letters that were handed out and are not used."""

    def suspend(self, effects: Effects) -> None:
        """The attempt can do nothing but wait: let go of it."""

    def call_in_thread(self, function: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        """Call a plain function in a worker thread."""


class Effects:
    """The effects of one attempt.

    Attributes:
        activation: Whose they are.
        attempt: Which attempt.
        suspended: Whether the attempt was let go of: nothing it still does counts.
        awaited: Paths of what has come for the attempt, and was not asked for yet.
        mismatch: The first request that was not the recorded one: nothing that the body does counts any more.
    """

    __slots__ = (
        "_beginning",
        "_blocked",
        "_branches",
        "_busy",
        "_calls",
        "_closed",
        "_given_up",
        "_held",
        "_host",
        "_loop",
        "_parts",
        "_recall",
        "_run_id",
        "_thread",
        "_waiting",
        "activation",
        "attempt",
        "awaited",
        "mismatch",
        "suspended",
    )

    def __init__(
        self, run_id: str, activation: ActivationId, attempt: int, recall: Recall, host: Host
    ) -> None:
        """Prepare an attempt."""
        self.activation = activation
        self.attempt = attempt
        self.suspended = False
        self.mismatch: ReplayMismatchError | None = None
        self._run_id = run_id
        self._recall = recall
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._branches: dict[str, Branch] = {"": Branch("")}
        # How many effects are being carried out, and how many wait for something that may take long.
        self._busy = 0
        self._waiting = 0
        self._closed = False
        # Letters that came and are in no record yet.
        self._held: list[Letter] = []
        # The tasks that are inside of an effect, and those that run a part of a `gather` or a `first`.
        self._calls: dict[asyncio.Task[Any], int] = {}
        self._parts: set[asyncio.Task[Any]] = set()
        # What threads of the body are blocked on, and those whose part is given up.
        self._blocked: dict[object, asyncio.Task[Any]] = {}
        self._given_up: set[object] = set()
        self.awaited: set[str] = set()
        self._beginning = self._loop.time()

    # ------------------------------------------------------------------ places

    def branch(self) -> Branch:
        """The branch that is being asked in."""
        branch = CURRENT.get(None)
        if branch is not None and self._branches.get(branch.path) is branch:
            return branch
        return self._branches[""]

    def branch_at(self, path: str) -> Branch:
        """The branch at a path; made when it is first named."""
        branch = self._branches.get(path)
        if branch is None:
            branch = self._branches[path] = Branch(path)
        return branch

    @contextmanager
    def named(self, name: str, actor: object | None = None) -> Iterator[None]:
        """Ask in the branch of this name."""
        branch = self.branch_at(joined(self.branch().path, name))
        branch.enter(actor or asker())
        token = CURRENT.set(branch)
        try:
            yield
        finally:
            CURRENT.reset(token)
            branch.leave()

    async def call_in_line(self, branch: Branch, function: Callable[[], T]) -> T:
        """Call a function in a worker thread, whose line the branch is from now on."""

        def call() -> T:
            branch.actor = threading.get_ident()
            self._given_up.discard(branch.actor)
            CURRENT.set(branch)
            return function()

        try:
            with self.inside():
                result: T = await self._host.call_in_thread(call)
        except asyncio.CancelledError:
            self._given_up.add(branch.actor)
            if branch.actor in self._blocked:
                self._blocked[branch.actor].cancel()
            raise
        return result

    def check_thread(self, what: str) -> None:
        """Raises InputError in another thread than the event loop's."""
        if threading.get_ident() != self._thread:
            raise InputError(
                f"{self.activation}: in a def node, ctx.{what}() is for a BlockingContext: annotate it so"
            )

    # ------------------------------------------------------------------ asking

    def request(self, kind: EffectKind, name: str, digest: str) -> Request:
        """Take the next place in the current branch."""
        self._check_open()
        if self.mismatch is not None:
            raise self.mismatch  # the body caught it, but nothing is right any more
        return Request(kind, name, digest, self.branch().next(asker(), name, digest))

    def find(self, request: Request, *, parted: bool = False) -> Known | None:
        """What is recorded for a request; see `Recall.find`."""
        try:
            known = self._recall.find(request.place, request.name, request.digest, parted=parted)
        except ReplayMismatchError as error:
            self.mismatch = error
            raise
        if isinstance(known, EffectRecorded) and known.attempt != self.attempt:
            repeated, path = known, request.place.path
            self._host.commit(lambda seq: repeated._replace(seq=seq, attempt=self.attempt, path=path))
        return known

    def recorded(self, known: EffectRecorded, codec: Codec, raises: tuple[type[Exception], ...]) -> Any:
        """What a completed effect gave, or the exception it raised."""
        if known.error is not None:
            raise failure(known.error, raises, str(self.activation), known.name)
        return read_back(codec, known.result or b"null", str(self.activation), known.name)

    def _check_open(self) -> None:
        if self._closed or self.suspended or self._host.cut:
            raise asyncio.CancelledError(f"{self.activation}: its attempt is over, it can do nothing more")

    # ------------------------------------------------------------------ beginning and end

    def begin(self) -> None:
        """The current task is about to run the body, and so asks in its line; for a ``def`` node its thread does."""
        self._branches[""].actor = asyncio.current_task()
        self.awaited = self._host.came(self.activation)

    def finish(self) -> None:
        """The body returned: it must have asked for all that is recorded. Raises ReplayMismatchError."""
        left = self._recall.left(self._branches[""].asked)
        if left is not None and self.mismatch is None:
            told = f"returned without asking for {left.name!r}, which is recorded (at {left.path})"
            self.mismatch = ReplayMismatchError(str(self.activation), told)

    def close(self) -> None:
        """The attempt is over: what still runs of it is cancelled, and refused every further effect."""
        self._closed = True
        for call in list(self._calls):
            call.cancel()
        self._host.give_back(self._held)
        self._held = []

    @contextmanager
    def inside(self) -> Iterator[None]:
        """The current task is inside of an effect, and ends with the attempt."""
        task = asyncio.current_task()
        assert task is not None
        self._calls[task] = self._calls.get(task, 0) + 1
        try:
            yield
        finally:
            self._calls[task] -= 1
            if not self._calls[task]:
                del self._calls[task]

    def watch(self, part: asyncio.Task[Any]) -> None:
        """The task runs a part of the body: as long as it is at work the attempt is not done with."""
        self._parts.add(part)
        part.add_done_callback(self._parted)

    def _parted(self, part: asyncio.Task[Any]) -> None:
        self._parts.discard(part)
        self._settle()

    async def for_thread(self, make: Callable[[], Awaitable[T]]) -> T:
        """Await something for a thread that is blocked until then; ends with the attempt."""
        thread, task = ASKER.get(), asyncio.current_task()
        assert task is not None
        self._check_open()
        if thread in self._given_up:
            raise asyncio.CancelledError(f"{self.activation}: its part is given up, it can do nothing more")
        self._blocked[thread] = task
        try:
            with self.inside():
                return await make()
        finally:
            del self._blocked[thread]

    # ------------------------------------------------------------------ doing something

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a coroutine function, or a plain one in a worker thread."""
        if is_async(function):
            return await function(*args)
        return await self._host.call_in_thread(function, *args)

    async def perform(
        self,
        request: Request,
        run: Callable[[EffectKey], Awaitable[Any]],
        codec: Codec,
        *,
        raises: tuple[type[Exception], ...] = (),
        intent: Callable[[EffectKey, int], bytes] | None = None,
        doubt: Callable[[EffectOpened], Awaitable[Verdict]] | None = None,
    ) -> Any:
        """Give what is recorded, or carry the effect out.

        Args:
            request: What is asked for.
            run: Carries it out.
            codec: Of its result.
            raises: The exceptions that the body gets as they are.
            intent: Detail of the record that is committed before it is carried out; None for none.
            doubt: Called when it was begun and nobody knows how it ended.
        """
        known = self.find(request)
        if isinstance(known, EffectRecorded):
            return self.recorded(known, codec, raises)
        with self.inside(), self._numbered(request, known) as number:
            verdict = Verdict(done=False)
            if isinstance(known, EffectOpened) and known.attempt != self.attempt:
                known = await self._open(
                    request, known.detail, time.time()
                )  # in doubt since an earlier attempt
            if isinstance(known, EffectOpened) and doubt is not None:
                verdict = await doubt(known)
            try:
                with self.at_work():
                    if verdict.done:
                        return await self._judged(request, verdict, codec, raises, number)
                    key = key_of(self._run_id, self.activation, request.name, request.digest, number)
                    if intent is not None and (known is None or verdict.letter is not None):
                        await self._open(request, intent(key, number), time.time(), verdict.letter)
                    else:
                        await self._host.fence()
                    return await self._carry_out(request, partial(run, key), codec, raises, number)
            finally:
                self.put_back(verdict.letter)

    async def _carry_out(
        self,
        request: Request,
        run: Callable[[], Awaitable[Any]],
        codec: Codec,
        raises: tuple[type[Exception], ...],
        number: int,
    ) -> Any:
        began = time.time()
        try:
            value = await run()
        except Exception as error:
            info = describe(error)
            await self.record(request, began, error=info, number=number)
            raise failure(info, raises, str(self.activation), request.name) from error
        raw, back = stored(codec, value, str(self.activation), request.name)
        usage = usage_of(back) if request.kind is EffectKind.MODEL else None
        await self.record(request, began, result=raw, number=number, usage=usage)
        return back

    async def _judged(
        self,
        request: Request,
        verdict: Verdict,
        codec: Codec,
        raises: tuple[type[Exception], ...],
        number: int,
    ) -> Any:
        """Record what came of an effect that was in doubt."""
        began = time.time()
        if verdict.error is not None:
            await self.record(request, began, error=verdict.error, letter=verdict.letter, number=number)
            raise failure(verdict.error, raises, str(self.activation), request.name)
        raw, back = stored(codec, verdict.value, str(self.activation), request.name)
        await self.record(request, began, result=raw, letter=verdict.letter, number=number)
        return back

    @contextmanager
    def _numbered(self, request: Request, known: Known | None) -> Iterator[int]:
        """Which of several equal requests this one is, as long as it is carried out. One that failed is free again."""
        begun = occurrence_of(known) if isinstance(known, EffectOpened) else None
        number = self._recall.take(request.name, request.digest, begun)
        try:
            yield number
        finally:
            self._recall.give_back(request.name, request.digest, number)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The attempt is not suspended while it carries something out."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._settle()

    def note(self, request: Request, make: Callable[[], Any], codec: Codec) -> Any:
        """A value that is had at once, such as the time. Its record is committed before anything that follows it."""
        known = self.find(request)
        if isinstance(known, EffectRecorded):
            return self.recorded(known, codec, ())
        raw, back = stored(codec, make(), str(self.activation), request.name)
        self.record(request, time.time(), result=raw)
        return back

    # ------------------------------------------------------------------ recording

    def record(
        self,
        request: Request,
        began: float,
        *,
        result: bytes | None = None,
        error: ErrorInfo | None = None,
        letter: Letter | None = None,
        number: int = 0,
        usage: bytes | None = None,
    ) -> asyncio.Future[None]:
        """Record how the effect ended; done once that is committed. An attempt that is over records nothing."""

        def make(seq: int) -> EffectRecorded:
            now = time.time()
            what = (request.place.path, request.name, request.digest, now, result, error, request.kind)
            return EffectRecorded(
                seq, self.activation, self.attempt, *what, max(now - began, 0.0), usage, number
            )

        if error is None:
            self._recall.used(request.name, request.digest, number)
        return self._commit(make, letter)

    def _commit(self, make: Callable[[int], Known], letter: Letter | None) -> asyncio.Future[None]:
        if self._closed:
            raise asyncio.CancelledError(f"{self.activation}: its attempt is over")
        if letter is None:
            return self._host.commit(make)
        self._drop(letter)
        return self._host.commit(make, taken_by(letter))

    async def _open(
        self, request: Request, detail: bytes, at: float, letter: Letter | None = None
    ) -> EffectOpened:
        opened: list[EffectOpened] = []

        def make(seq: int) -> EffectOpened:
            what = (request.place.path, request.name, request.digest, at, request.kind, detail)
            opened.append(EffectOpened(seq, self.activation, self.attempt, *what))
            return opened[0]

        await self._commit(make, letter)
        return opened[0]

    # ------------------------------------------------------------------ waiting for something

    async def wait(
        self,
        request: Request,
        detail: Callable[[], bytes],
        codec: Codec,
        *,
        soon: Callable[[bytes], bool] | None = None,
    ) -> Any:
        """Give what is recorded, or wait for a letter (or until a timer is due) and record that.

        Args:
            request: What is asked for.
            detail: What the record of its opening says, should it be new.
            codec: Of what the letter says.
            soon: Whether it comes so soon, by its recorded detail, that suspending is not worth it.
        """
        known = self.find(request)
        if isinstance(known, EffectRecorded):
            return self.recorded(known, codec, ())
        with self.inside():
            opened = await self.opened(request, known, detail)
            while True:
                letter = await self.take(opened, soon=soon is not None and soon(opened.detail))
                try:
                    with self.at_work():
                        async with turns():
                            raw, back = codec.roundtrip(codec.decode(letter.value))
                            await self.record(request, opened.at, result=raw, letter=letter)
                            return back
                except ValueError as error:
                    opened = await self.refuse(opened, letter, told(error).removeprefix("what is stored, "))
                finally:
                    self.put_back(letter)

    async def opened(
        self, request: Request, known: Known | None, detail: Callable[[], bytes]
    ) -> EffectOpened:
        """The record that says what is waited for: the one that is known, or a new one."""
        if isinstance(known, EffectOpened):
            return known
        with self.at_work():
            return await self._open(request, detail(), time.time())

    async def refuse(self, opened: EffectOpened, letter: Letter, why: str) -> EffectOpened:
        """What a letter says is no answer: say so in the record, and go on waiting."""
        detail = json.dumps({**json.loads(opened.detail), "refused": why}).encode()
        again: list[EffectOpened] = []

        def make(seq: int) -> EffectOpened:
            again.append(opened._replace(seq=seq, at=time.time(), detail=detail))
            return again[0]

        with self.at_work():
            self._host.refused(letter, why)
            await self._commit(make, letter)
        return again[0]

    async def take(self, opened: EffectOpened, *, soon: bool = False) -> Letter:
        """Wait for the letter for an effect; the attempt may be suspended meanwhile, unless it comes `soon`.

        It is the caller's until it is recorded or refused, or he puts it back.
        """
        self.awaited.discard(opened.path)
        coming = self._host.expect(opened)
        if not coming.done() and not soon:
            self._waiting += 1
            coming.add_done_callback(self._no_longer)
            self._settle()
        try:
            letter = await coming
        except asyncio.CancelledError:
            if coming.done() and not coming.cancelled():
                self._host.give_back([coming.result()])
            raise
        self._held.append(letter)
        return letter

    def keep(self, letter: Letter) -> None:
        """Somebody else records the letter."""
        self._drop(letter)

    def put_back(self, letter: Letter | None) -> None:
        """Give a letter back, unless it is in a record."""
        if letter is not None and self._drop(letter):
            self._host.give_back([letter])

    def _drop(self, letter: Letter) -> bool:
        held = [each for each in self._held if each is not letter]
        self._held, before = held, self._held
        return len(held) < len(before)

    def _no_longer(self, _: asyncio.Future[Letter]) -> None:
        self._waiting -= 1

    def _settle(self) -> None:
        """Perhaps nothing but waiting is left; see once the body has had time to go on."""
        if self._waiting and not self._busy and not self.suspended:
            self._loop.call_soon(self._look, TICKS)

    def _look(self, ticks: int, *, was_held: bool = False) -> None:
        if not self._waiting or self._busy or self.suspended or self._closed:
            return
        if ticks:
            self._loop.call_soon(self._look, ticks - 1)
            return
        if not was_held and (self.awaited or not self._parts <= self._calls.keys()):
            held = self._loop.time() - self._beginning
            if held < HOLD:  # asked once: a timer may ring a hair too early, and no clock moves on for a hair
                self._loop.call_later(HOLD - held, partial(self._look, 0, was_held=True))
                return
        self.suspended = True
        self._host.suspend(self)


def taken_by(letter: Letter) -> Sequence[int]:
    """The letter's number for the journal; what was handed over in person is in no inbox."""
    return (letter.number,) if letter.number else ()


def asker() -> object:
    """Who asks: the thread that a task works for, or the task."""
    return ASKER.get(None) or asyncio.current_task()
