"""Running a talk so that the admin can take it over: at Ctrl-C or SIGTERM it pauses, and a person may speak.

The first signal asks for the floor: the turn that is under way ends, then the run is suspended with a question to the admin.
The second one stops the run at once. Either way it can be gone on with, by this or by another process.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final, Unpack

from backedge.engine.errors import BackedgeError, InputError, RunNotFoundError
from backedge.engine.execution.desk import Question
from backedge.engine.execution.events import CustomEvent
from backedge.engine.execution.options import RunOptions
from backedge.engine.execution.sync import wait_for
from backedge.engine.flow import Flow, Inputs, Where
from backedge.engine.graph import Graph
from backedge.engine.letters import send
from backedge.engine.ports import Journal, opened
from backedge.engine.records import EffectKind
from backedge.engine.run import Run, RunResult

from .ending import ADMIN
from .talk import Said, Words

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
PAUSING: Final = "\nafter this turn you have the floor (once more: stop at once) ...\n"
"""What is said at the first signal."""


async def converse(
    flow: Flow[Any] | Graph[Any],
    inputs: Inputs | None = None,
    /,
    *,
    journal: Where,
    run_id: str,
    words: str | Words | None = None,
    answers: Mapping[str, object] | None = None,
    tell: Callable[[Said], object] | None = None,
    **options: Unpack[RunOptions],
) -> RunResult[Any]:
    """Begin a talk, or go on with it, until it is over, waits for somebody, or is stopped.

    In the main thread it takes the signals SIGINT (Ctrl-C) and SIGTERM: at the first one the talk pauses after the turn that
    is under way, and is suspended with a question to the admin; at the second one it is interrupted at once. Without an admin
    it is interrupted at the first.

    Args:
        flow: The talk, or a graph that holds one.
        inputs: As for `Flow.run`; of no matter for a run that there is.
        journal: Where the run is kept.
        run_id: The run: one that there is goes on.
        words: What the admin says before anybody else has a turn; also where the admin is being asked.
        answers: Answers to open questions, as for `Flow.resume`.
        tell: Is called with what is said, as it is said. Each thing said is also a `CustomEvent` of the run.
        **options: See `RunOptions`.

    Raises:
        RunInterruptedError: It was stopped at once; call this again to go on.
        InputError: There are `words`, and nobody who could say them: no admin, no run, or one that is over.
        RunError: As for `Flow.run`.

    Example::

        result = await converse(flow, {"task": "..."}, journal="runs.db", run_id="talk")   # Ctrl-C
        result = await converse(flow, journal="runs.db", run_id="talk", words="Use less memory.")
    """
    made = flow.compile() if isinstance(flow, Graph) else flow
    heard = _hears_admin(made)
    if words is not None and not heard:
        raise InputError(f"words= are the admin's, and {made.name!r} has none: build it with admin=")
    async with opened(journal) as store:
        if await _is_there(store, run_id):
            if words is not None:
                await send(run_id, ADMIN, words, journal=store)
            run = made.reopen(run_id, journal=store, answers=answers, **options)
        elif words is not None or answers:
            raise InputError(f"there is no run {run_id!r} yet to say something in: begin it with its task")
        else:
            run = made.start(inputs, journal=store, run_id=run_id, **options)
        async with run:
            with _taking_over(run, heard=heard):
                if tell is not None:
                    async for event in run.events():
                        if isinstance(event, CustomEvent) and isinstance(event.data, Said):
                            tell(event.data)
                return await run.result()


def converse_sync(
    flow: Flow[Any] | Graph[Any],
    inputs: Inputs | None = None,
    /,
    *,
    journal: Where,
    run_id: str,
    words: str | Words | None = None,
    answers: Mapping[str, object] | None = None,
    tell: Callable[[Said], object] | None = None,
    ask: Callable[[Question], object] | None = None,
    **options: Unpack[RunOptions],
) -> RunResult[Any]:
    """`converse` for code that is not async.

    Args:
        flow: As for `converse`.
        inputs: Likewise.
        journal: Likewise.
        run_id: Likewise.
        words: Likewise.
        answers: Likewise.
        tell: Likewise.
        ask: Answers a question, such as ``lambda question: input(question.text)``; then the talk goes on at once. Ctrl-C in it
            leaves the run as it is, with its question open.
        **options: See `RunOptions`.
    """
    made = flow.compile() if isinstance(flow, Graph) else flow
    with _one_loop() as wait:
        while True:
            result = wait(
                converse(
                    made,
                    inputs,
                    journal=journal,
                    run_id=run_id,
                    words=words,
                    answers=answers,
                    tell=tell,
                    **options,
                )
            )
            open_now = [question for question in result.questions if question.kind is EffectKind.QUESTION]
            if ask is None or not open_now:
                return result
            words, answers = None, {open_now[0].id: ask(open_now[0])}


@contextmanager
def _one_loop() -> Iterator[Callable[[Coroutine[Any, Any, RunResult[Any]]], RunResult[Any]]]:
    """What runs coroutines one after the other on one event loop, to which the models' connections belong.

    In between the main thread is as it was, so that Ctrl-C ends an `input`. In a notebook each has a thread of its own.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        with asyncio.Runner() as runner:
            yield runner.run
    else:
        yield wait_for


def _hears_admin(flow: Flow[Any]) -> bool:
    """Whether there is a talk in the flow whose admin may take over."""
    nodes = flow.graph.definition.nodes.values()
    return any(getattr(spec.function, "takes_over", False) for spec in nodes)


async def _is_there(store: Journal, run_id: str) -> bool:
    try:
        await store.header(run_id)
    except RunNotFoundError:
        return False
    return True


@contextmanager
def _taking_over(run: Run[Any], *, heard: bool) -> Iterator[None]:
    """While open, signals pause the run, then interrupt it.

    The handlers are Python's own, not the event loop's, so that a member that keeps the loop busy cannot hold off the notice.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    loop = asyncio.get_running_loop()
    asking: set[asyncio.Task[None]] = set()
    paused = not heard

    async def pause() -> None:
        try:
            await run.send(ADMIN)
        except BackedgeError:
            run.interrupt()

    def begin() -> None:
        task = loop.create_task(pause())
        asking.add(task)
        task.add_done_callback(asking.discard)

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal paused
        if paused:
            loop.call_soon_threadsafe(run.interrupt)
            return
        paused = True
        _write(PAUSING)
        loop.call_soon_threadsafe(begin)

    before: dict[signal.Signals, Any] = {}
    try:
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                before[number] = signal.signal(number, handle)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for task in asking:
            task.cancel()


def _write(text: str) -> None:
    # Not through sys.stderr: the handler may have interrupted somebody who is writing to it.
    with suppress(OSError):
        os.write(2, text.encode())
