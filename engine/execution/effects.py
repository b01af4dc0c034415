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
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from ..compiler.signatures import is_async
from ..effects.identity import EffectKey, key_of
from ..effects.places import Branch, Place, joined
from ..effects.recall import Known, Recall
from ..effects.results import failure, read_back, stored, told
from ..errors import InputError, ReplayMismatchError
from ..failures import describe
from ..records import ActivationId, EffectKind, EffectOpened, EffectRecorded, ErrorInfo, Letter
from ..state.values import Codec

T = TypeVar("T")

LINGER: Final = 1.0
"""Seconds up to which a timer is waited for without suspending the node."""
_TICKS: Final = 8  # turns of the loop in which a body that got what it waited for may ask for the next thing

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
    number: int = 0


class Host(Protocol):
    """The run, as its effects see it."""

    @property
    def kept(self) -> bool:
        """Whether there is a journal."""

    def commit(self, make: Callable[[int], Known], taken: Sequence[int] = ()) -> asyncio.Future[None]:
        """Record something under the next number; done once it is committed. `taken` are letters it makes good."""

    async def fence(self) -> None:
        """Make sure that this process still owns the run. Raises FencedError."""

    def expect(self, opened: EffectOpened) -> asyncio.Future[Letter]:
        """A future for the letter that this effect waits for; for a timer one comes when it is due."""

    def refused(self, letter: Letter, why: str) -> None:
        """What the letter says was no answer."""

    def give_back(self, letters: Sequence[Letter]) -> None:
        """The attempt is over and has not used these."""

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
    """

    __slots__ = (
        "_branches",
        "_busy",
        "_calls",
        "_closed",
        "_held",
        "_host",
        "_loop",
        "_mismatch",
        "_occurrences",
        "_recall",
        "_run_id",
        "_thread",
        "_waiting",
        "activation",
        "attempt",
        "suspended",
    )

    def __init__(
        self, run_id: str, activation: ActivationId, attempt: int, recall: Recall, host: Host
    ) -> None:
        self.activation = activation
        self.attempt = attempt
        self.suspended = False
        self._run_id = run_id
        self._recall = recall
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._branches: dict[str, Branch] = {}
        # How often a name was asked for with the same arguments, for keys.
        self._occurrences: dict[tuple[str, str], int] = {}
        # How many effects are being carried out, and how many wait for something that may take long.
        self._busy = 0
        self._waiting = 0
        self._closed = False
        self._mismatch: ReplayMismatchError | None = None
        # Letters that came and are in no record yet.
        self._held: list[Letter] = []
        # The tasks that threads of the body are blocked on.
        self._calls: set[asyncio.Task[Any]] = set()

    # ------------------------------------------------------------------ places

    def branch(self) -> Branch:
        """The branch that is being asked in."""
        branch = CURRENT.get(None)
        if branch is not None and self._branches.get(branch.path) is branch:
            return branch
        return self.branch_at("")

    def branch_at(self, path: str, actor: object | None = None) -> Branch:
        """The branch at a path; made when it is first named."""
        branch = self._branches.get(path)
        if branch is None:
            branch = self._branches[path] = Branch(path, actor)
        return branch

    @contextmanager
    def named(self, name: str, actor: object | None = None) -> Iterator[None]:
        """Ask in the branch of this name."""
        branch = self.branch_at(joined(self.branch().path, name))
        branch.actor = actor or asker()
        token = CURRENT.set(branch)
        try:
            yield
        finally:
            CURRENT.reset(token)

    def check_thread(self, what: str) -> None:
        """Raises InputError in another thread than the event loop's."""
        if threading.get_ident() != self._thread:
            raise InputError(
                f"{self.activation}: in a def node, ctx.{what}() is for a BlockingContext: annotate it so"
            )

    def request(self, kind: EffectKind, name: str, digest: str) -> Request:
        """Take the next place in the current branch."""
        if self._closed or self.suspended:
            raise asyncio.CancelledError(f"{self.activation}: its attempt is over, it can do nothing more")
        if self._mismatch is not None:
            raise self._mismatch  # the body caught it, but nothing is right any more
        return Request(kind, name, digest, self.branch().next(asker(), name, digest))

    def _find(self, request: Request) -> Known | None:
        try:
            return self._recall.find(request.place, request.name, request.digest)
        except ReplayMismatchError as error:
            self._mismatch = error
            raise

    def key(self, name: str, digest: str) -> EffectKey:
        """The key of the next effect of this name and these arguments."""
        count = self._occurrences.get((name, digest), 0)
        self._occurrences[name, digest] = count + 1
        return key_of(self._run_id, self.activation, name, digest, count)

    def close(self) -> None:
        """The attempt is over: what still runs of it is refused every further effect."""
        self._closed = True
        for call in self._calls:
            call.cancel()
        if self._held:
            self._host.give_back(self._held)
            self._held = []

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a coroutine function, or a plain one in a worker thread."""
        if is_async(function):
            return await function(*args)
        return await self._host.call_in_thread(function, *args)

    async def in_thread(self, call: Awaitable[T]) -> T:
        """Await something for a thread that is blocked until then; ends with the attempt."""
        task = asyncio.current_task()
        assert task is not None
        if self._closed:
            raise asyncio.CancelledError
        self._calls.add(task)
        try:
            return await call
        finally:
            self._calls.discard(task)

    def finish(self) -> None:
        """The body returned: it must have asked for all that is recorded. Raises ReplayMismatchError."""
        if self._mismatch is not None:
            raise self._mismatch
        root = self._branches.get("")
        left = self._recall.left(0 if root is None else root.asked)
        if left is not None:
            told = f"returned without asking for {left.name!r}, which is recorded (at {left.path})"
            raise ReplayMismatchError(str(self.activation), told)

    # ------------------------------------------------------------------ doing something

    async def perform(
        self,
        request: Request,
        run: Callable[[], Awaitable[Any]],
        codec: Codec,
        *,
        raises: tuple[type[Exception], ...] = (),
        intent: bytes | None = None,
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
        known = self._find(request)
        if isinstance(known, EffectRecorded):
            return self.recorded(known, codec, raises)
        taken: Sequence[int] = ()
        if known is not None and known.attempt != self.attempt:
            known = await self._open(request, known.detail, time.time())  # in doubt since an earlier attempt
        if known is not None and doubt is not None:
            verdict = await doubt(known)
            if verdict.done:
                return await self._judged(request, verdict, codec, raises)
            taken = _numbers(verdict.number)
        with self._at_work():
            began = time.time()
            if intent is not None and (known is None or taken):
                await self._open(request, intent, began, taken)
            else:
                await self._host.fence()
            try:
                value = await run()
            except Exception as error:
                raise await self._failed(request, describe(error), raises, began) from error
            raw, back = stored(codec, value, str(self.activation), request.name)
            await self._commit(request, began, result=raw)
            return back

    async def _judged(
        self, request: Request, verdict: Verdict, codec: Codec, raises: tuple[type[Exception], ...]
    ) -> Any:
        """Record what came of an effect that was in doubt."""
        with self._at_work():
            taken = _numbers(verdict.number)
            if verdict.error is not None:
                raise await self._failed(request, verdict.error, raises, time.time(), taken)
            raw, back = stored(codec, verdict.value, str(self.activation), request.name)
            await self._commit(request, time.time(), result=raw, taken=taken)
            return back

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """The attempt is not suspended while it carries something out."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._settle()

    async def _failed(
        self,
        request: Request,
        info: ErrorInfo,
        raises: tuple[type[Exception], ...],
        began: float,
        taken: Sequence[int] = (),
    ) -> BaseException:
        await self._commit(request, began, error=info, taken=taken)
        return failure(info, raises, str(self.activation), request.name)

    def note(self, request: Request, make: Callable[[], Any], codec: Codec) -> Any:
        """A value that is had at once, such as the time. Its record is committed before anything that follows it."""
        known = self._find(request)
        if isinstance(known, EffectRecorded):
            return self.recorded(known, codec, ())
        raw, back = stored(codec, make(), str(self.activation), request.name)
        self._commit(request, time.time(), result=raw)
        return back

    def recorded(self, known: EffectRecorded, codec: Codec, raises: tuple[type[Exception], ...]) -> Any:
        """What a completed effect gave, or the exception it raised."""
        if known.error is not None:
            raise failure(known.error, raises, str(self.activation), known.name)
        return read_back(codec, known.result or b"null", str(self.activation), known.name)

    def _commit(
        self,
        request: Request,
        began: float,
        *,
        result: bytes | None = None,
        error: ErrorInfo | None = None,
        taken: Sequence[int] = (),
    ) -> asyncio.Future[None]:
        def make(seq: int) -> EffectRecorded:
            now = time.time()
            what = (request.place.path, request.name, request.digest, now, result, error, request.kind)
            return EffectRecorded(seq, self.activation, self.attempt, *what, now - began)

        return self._record(make, taken)

    def _record(self, make: Callable[[int], Known], taken: Sequence[int]) -> asyncio.Future[None]:
        self._held = [letter for letter in self._held if letter.number not in taken]
        return self._host.commit(make, taken)

    async def _open(
        self, request: Request, detail: bytes, at: float, taken: Sequence[int] = ()
    ) -> EffectOpened:
        opened: list[EffectOpened] = []

        def make(seq: int) -> EffectOpened:
            what = (request.place.path, request.name, request.digest, at, request.kind, detail)
            opened.append(EffectOpened(seq, self.activation, self.attempt, *what))
            return opened[0]

        await self._record(make, taken)
        return opened[0]

    # ------------------------------------------------------------------ waiting for something

    async def wait(
        self,
        request: Request,
        detail: Callable[[], bytes],
        codec: Codec,
        *,
        due: Callable[[bytes], float] | None = None,
    ) -> Any:
        """Give what is recorded, or wait for a letter (or until a timer is due) and record that.

        Args:
            request: What is asked for.
            detail: What the record of its opening says, should it be new.
            codec: Of what the letter says.
            due: For a timer, when it is due by its recorded detail.
        """
        known = self._find(request)
        if isinstance(known, EffectRecorded):
            return self.recorded(known, codec, ())
        with self._at_work():
            opened = known if known is not None else await self._open(request, detail(), time.time())
        while True:
            letter = await self.expect(
                opened, soon=due is not None and due(opened.detail) - time.time() <= LINGER
            )
            try:
                raw, back = codec.roundtrip(codec.decode(letter.value))
            except ValueError as error:
                opened = await self.refuse(opened, letter, told(error).removeprefix("what is stored, "))
                continue
            with self._at_work():
                await self._commit(request, opened.at, result=raw, taken=_numbers(letter.number))
            return back

    async def refuse(self, opened: EffectOpened, letter: Letter, why: str) -> EffectOpened:
        """What a letter says is no answer: say so in the record, and go on waiting."""
        detail = json.dumps({**json.loads(opened.detail), "refused": why}).encode()
        again: list[EffectOpened] = []

        def make(seq: int) -> EffectOpened:
            again.append(replace(opened, seq=seq, at=time.time(), detail=detail))
            return again[0]

        with self._at_work():
            self._host.refused(letter, why)
            self._held.remove(letter)
            await self._record(make, _numbers(letter.number))
        return again[0]

    async def expect(self, opened: EffectOpened, *, soon: bool = False) -> Letter:
        """Wait for the letter for an effect; the attempt may be suspended meanwhile, unless it comes `soon`."""
        coming = self._host.expect(opened)
        if not coming.done() and not soon:
            self._waiting += 1
            coming.add_done_callback(self._no_longer)
            self._settle()
        letter = await coming
        self._held.append(letter)
        return letter

    def _no_longer(self, _: asyncio.Future[Letter]) -> None:
        self._waiting -= 1

    def _settle(self) -> None:
        """Perhaps nothing but waiting is left; see once the body has had time to go on."""
        if self._waiting and not self._busy and not self.suspended:
            self._loop.call_soon(self._look, _TICKS)

    def _look(self, ticks: int) -> None:
        if not self._waiting or self._busy or self.suspended or self._closed:
            return
        if ticks:
            self._loop.call_soon(self._look, ticks - 1)
            return
        self.suspended = True
        self._host.suspend(self)

    # ------------------------------------------------------------------ several at once

    async def gather(self, parts: Sequence[Awaitable[Any]]) -> list[Any]:
        """All results, each part in a branch of its own. The first failure cancels the others and is raised."""
        tasks = self._spread(parts, self.request(EffectKind.CHOICE, "gather", "").place)
        try:
            await _settled(tasks, asyncio.FIRST_EXCEPTION)
            for task in tasks:
                if task.done():
                    task.result()  # the first failure is raised
            return [task.result() for task in tasks]
        finally:
            await _end(tasks)

    async def first(self, parts: Sequence[Awaitable[Any]], codec: Codec) -> tuple[int, Any]:
        """Which part came first, and its result; the others are given up. The choice is recorded."""
        request = self.request(EffectKind.CHOICE, "first", str(len(parts)))
        known = self._recall.find(request.place, request.name, request.digest)
        chosen: int | None = None
        if isinstance(known, EffectRecorded):
            chosen = self.recorded(known, codec, ())
        began = time.time()
        tasks = self._spread(parts, request.place, only=chosen)
        try:
            await _settled(tasks, asyncio.FIRST_COMPLETED)
            if chosen is None:
                chosen = next(place for place, task in enumerate(tasks) if task.done())
                await self._commit(request, began, result=b"%d" % chosen)
                return chosen, tasks[chosen].result()
            return chosen, tasks[0].result()
        finally:
            await _end(tasks)

    def _spread(
        self, parts: Sequence[Awaitable[Any]], place: Place, only: int | None = None
    ) -> list[asyncio.Task[Any]]:
        tasks = []
        for number, part in enumerate(parts):
            if only is not None and number != only:
                if isinstance(part, Coroutine):
                    part.close()
                continue
            context = contextvars.copy_context()
            branch = self.branch_at(joined(place.path, str(number)))
            context.run(CURRENT.set, branch)
            tasks.append(self._loop.create_task(_awaited(part), context=context))
        return tasks


def asker() -> object:
    """Who asks: the task, or the thread that a task works for."""
    return ASKER.get(None) or asyncio.current_task()


def _numbers(letter: int) -> Sequence[int]:
    return (letter,) if letter else ()  # what was handed over in person is in no inbox


async def _awaited(part: Awaitable[T]) -> T:
    return await part


async def _settled(tasks: Sequence[asyncio.Task[Any]], when: str) -> None:
    if tasks:
        await asyncio.wait(tasks, return_when=when)


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Give up on those that are not done, and wait for them."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # was raised already, or belongs to a part that was given up
