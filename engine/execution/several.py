"""Several effects at once: `gather` awaits all of them, `first` whichever comes first.

Each part runs in a branch of its own, so that its effects keep their places. What depends on which part was the quickest
(the one that came first, the one whose failure ended a `gather`) is recorded, and when the body runs again that part alone
is.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Coroutine, Generator, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, TypeVar

from ..effects.places import joined
from ..effects.results import codec_for
from ..errors import ReplayMismatchError
from ..records import EffectKind, EffectRecorded
from .effects import CURRENT, Effects, Request
from .race import RACES, Race

T = TypeVar("T")

_NUMBER: Final = codec_for(int)


class Part(NamedTuple):
    """A part: what it awaits, or for a ``def`` node what it calls in a thread."""

    work: Any
    in_thread: bool = False

    def given_up(self) -> None:
        """It is not going to run."""
        if isinstance(self.work, Coroutine):
            self.work.close()
        elif isinstance(self.work, asyncio.Future):
            self.work.cancel()


class Several(Coroutine[Any, Any, T]):
    """A `gather` or a `first` that is to be awaited: when it is closed instead, so are the parts it was given."""

    __slots__ = ("_parts", "_work")

    def __init__(self, work: Coroutine[Any, Any, T], parts: Sequence[Part]) -> None:
        self._work = work
        self._parts = parts

    def __await__(self) -> Generator[Any, Any, T]:
        return self._work.__await__()

    def send(self, value: Any, /) -> Any:
        """See `Coroutine.send`."""
        return self._work.send(value)

    def throw(
        self, kind: Any, value: BaseException | object = None, trace: TracebackType | None = None, /
    ) -> Any:
        """See `Coroutine.throw`."""
        return self._work.throw(kind) if value is None else self._work.throw(kind, value, trace)

    def close(self) -> None:
        """Give it up."""
        self._work.close()
        for part in self._parts:
            part.given_up()


def gather(effects: Effects, parts: Sequence[Part]) -> Several[list[Any]]:
    """All results of all parts."""
    return Several(_gather(effects, parts), parts)


def first(effects: Effects, parts: Sequence[Part]) -> Several[tuple[int, Any]]:
    """The first result, and which part's it is."""
    return Several(_first(effects, parts), parts)


async def _gather(effects: Effects, parts: Sequence[Part]) -> list[Any]:
    """All results. The first failure cancels the other parts and is raised."""
    request, failed = _asked(effects, parts, "gather", "")
    began = time.time()
    if failed is not None:
        await _alone(effects, request, parts, failed)
        told = f"part {failed} of the gather at {request.place.path} failed, and now it does not"
        raise ReplayMismatchError(str(effects.activation), told)
    tasks = [_begin(effects, request, number, part) for number, part in enumerate(parts)]
    try:
        with effects.inside():
            await _settled(tasks, asyncio.FIRST_EXCEPTION)
        number = next((n for n, task in enumerate(tasks) if task.done() and _failure(task)), None)
        if number is None:
            return [task.result() for task in tasks]
        with effects.at_work():
            if isinstance(_failure(tasks[number]), Exception):
                await effects.record(request, began, result=b"%d" % number)
            await _end(tasks, parts)
        raised: list[Any] = tasks[number].result()
        return raised
    finally:
        await _end(tasks, parts)


def _failure(task: asyncio.Task[Any]) -> BaseException | None:
    """What a task that is done raised. A mismatch is no outcome that could be recorded, nor is a cancellation."""
    if task.cancelled():
        return asyncio.CancelledError()
    error = task.exception()
    return asyncio.CancelledError() if isinstance(error, ReplayMismatchError) else error


async def _first(effects: Effects, parts: Sequence[Part]) -> tuple[int, Any]:
    """Which part came first, and its result; the others are given up."""
    request, chosen = _asked(effects, parts, "first", str(len(parts)))
    began = time.time()
    if chosen is not None:
        return chosen, await _alone(effects, request, parts, chosen)
    race = Race()
    tasks = [_begin(effects, request, number, part, race) for number, part in enumerate(parts)]
    race.tasks = tasks
    try:
        with effects.inside():
            await _settled(tasks, asyncio.FIRST_COMPLETED)
        place = next(number for number, task in enumerate(tasks) if task.done())
        with effects.at_work():  # the others still wait, but the attempt does not
            await effects.record(request, began, result=b"%d" % place)
            await _end(tasks, parts)
        return place, tasks[place].result()
    finally:
        await _end(tasks, parts)


def _asked(effects: Effects, parts: Sequence[Part], name: str, digest: str) -> tuple[Request, int | None]:
    """The request, and the part that is recorded for it."""
    try:
        request = effects.request(EffectKind.CHOICE, name, digest)
        known = effects.find(request, parted=True)
    except BaseException:
        for part in parts:
            part.given_up()
        raise
    return request, effects.recorded(known, _NUMBER, ()) if isinstance(known, EffectRecorded) else None


async def _alone(effects: Effects, request: Request, parts: Sequence[Part], chosen: int) -> Any:
    """Run the part that is recorded."""
    for number, part in enumerate(parts):
        if number != chosen:
            part.given_up()
    task = _begin(effects, request, chosen, parts[chosen])
    try:
        with effects.inside():
            await _settled([task], asyncio.ALL_COMPLETED)
        return task.result()
    finally:
        await _end([task], parts)


def _begin(
    effects: Effects, request: Request, number: int, part: Part, race: Race | None = None
) -> asyncio.Task[Any]:
    branch = effects.branch_at(joined(request.place.path, str(number)))
    context = contextvars.copy_context()
    context.run(CURRENT.set, branch)
    if race is not None:
        context.run(RACES.set, (*RACES.get(), (race, number)))
    if part.in_thread:
        task = asyncio.Task(effects.call_in_line(branch, part.work), context=context)
    else:
        task = asyncio.Task(_awaited(part.work), context=context)
        branch.actor = task
    effects.watch(task)
    return task


async def _awaited(part: Awaitable[Any]) -> Any:
    return await part


async def _settled(tasks: Sequence[asyncio.Task[Any]], when: str) -> None:
    if tasks:
        await asyncio.wait(tasks, return_when=when)


async def _end(tasks: Sequence[asyncio.Task[Any]], parts: Sequence[Part]) -> None:
    """Give up on those that are not done, and wait for them."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # was raised already, or belongs to a part that was given up
    for part in parts:
        part.given_up()  # one that was cancelled before it began was never awaited
