"""A run as its users see it: the handle of a live one, and the result of one that is over."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from os import PathLike
from types import TracebackType
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel
from pydantic_core import to_json

from .errors import BackedgeError, RunCancelledError, RunError, RunFailedError, RunInterruptedError
from .execution.desk import Question
from .execution.events import Event, EventQueue
from .execution.executor import Executor
from .letters import waiting_for
from .ports import Journal, opened
from .records import Letter, LetterKind, RunStatus

S = TypeVar("S", bound=BaseModel)

Make: TypeAlias = Callable[[Journal | None], Awaitable[Executor]]
"""Prepares a run in an open journal."""


@dataclass(frozen=True, slots=True)
class RunResult(Generic[S]):
    """What came of a run.

    Attributes:
        run_id: The run's id.
        status: COMPLETED; SUSPENDED while it waits for something; IN_DOUBT while nobody knows whether an unsafe step
            was done.
        questions: What it waits for.
    """

    run_id: str
    status: RunStatus
    _state: S | None = None
    questions: tuple[Question, ...] = ()

    @property
    def state(self) -> S:
        """The state that arrived at END; fields that nobody wrote are unset.

        Raises:
            BackedgeError: Nothing arrived there: every way ended at a node that may stop.
        """
        if self.questions:
            asked = ", ".join(f"{question.id} ({question.text})" for question in self.questions[:5])
            asked += f" and {len(self.questions) - 5} more" if len(self.questions) > 5 else ""
            raise BackedgeError(f"run {self.run_id!r} waits for {asked}; it has no final state yet")
        if self._state is None:
            raise BackedgeError(f"run {self.run_id!r} ended without reaching END, so it has no final state")
        return self._state


class Run(Generic[S]):
    """A live run: an async context manager. Leaving it early interrupts the run, which can then be resumed.

    Leaving it normally while the run failed raises that failure, unless `result` was asked for before.

    Example::

        async with flow.start({"spec": "…"}, journal="runs.db") as run:
            async for event in run.events():
                print(event)
            result = await run.result()
    """

    def __init__(
        self,
        make: Make,
        finish: Callable[[Executor, RunStatus], RunResult[S]],
        journal: Any,
        *,
        buffer: int,
        create: bool = True,
    ) -> None:
        self._make = make
        self._finish = finish
        self._journal: str | PathLike[str] | Journal | None = journal
        self._buffer = buffer
        # Whether a journal is made where there is none.
        self._create = create
        self._stack = AsyncExitStack()
        self._store: Journal | None = None
        # Set once the context was entered.
        self._executor: Executor | None = None
        # The queue from the run's beginning on, until somebody takes it.
        self._first: EventQueue | None = None
        # Whether the outcome was handed out.
        self._asked = False

    async def __aenter__(self) -> Run[S]:
        if self._executor is not None:
            raise BackedgeError("this run was entered before: start another one")
        store = (
            await self._stack.enter_async_context(opened(self._journal, create=self._create))
            if self._journal is not None
            else None
        )
        self._store = store
        try:
            self._executor = await self._make(store)
        except BaseException:
            await self._stack.aclose()
            raise
        self._first = self._executor.listen(self._buffer)
        self._executor.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        executor = self._its_executor
        early = self.status is RunStatus.RUNNING
        executor.interrupt()
        try:
            try:
                status = await executor.run()
            finally:
                await self._stack.aclose()
            if kind is None and not self._asked:
                self._finish(executor, status)
        except RunInterruptedError:
            if not early:
                raise
        except Exception:
            if kind is None and not self._asked:
                raise  # else it was told already, or another error is on its way

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._its_executor.run_id

    @property
    def status(self) -> RunStatus:
        """Where the run stands now."""
        return self._its_executor.status

    def events(self) -> AsyncIterator[Event]:
        """What happens, as it happens; ends with the run.

        The first call gives everything from the run's beginning, later calls what comes from then on. Queues are
        bounded: a listener who is too slow loses the oldest events and is told how many (`EventsDropped`).
        """
        first, self._first = self._first, None
        return first if first is not None else self._its_executor.listen(self._buffer)

    async def result(self) -> RunResult[S]:
        """Wait for the end.

        Raises:
            RunError: The run failed, was cancelled or was interrupted.
            JournalError: The journal broke.
        """
        executor = self._its_executor
        try:
            status = await executor.wait()
        finally:
            self._asked = self._asked or executor.over  # not when waiting was given up
        return self._finish(executor, status)

    def interrupt(self) -> None:
        """Stop at once, so that the run can be resumed."""
        self._its_executor.interrupt()

    async def send(self, signal: str, value: object = None, *, keep: bool = True) -> bool:
        """Send a signal to this run; kept in its journal until a node receives it.

        Without `keep` it is for who waits for it now, or else lost. Returns whether it was sent.
        """
        name: str | None = signal
        if not keep and self._store is not None:
            name = await waiting_for(self._store, self.run_id, signal)
        if name is not None:
            await self._post(LetterKind.SIGNAL, name, value)
        return name is not None

    async def answer(self, question: str, value: object) -> None:
        """Answer a question that this run asks (`Question.id`, or the id of the activation that asks)."""
        await self._post(LetterKind.ANSWER, question, value)

    @property
    def questions(self) -> tuple[Question, ...]:
        """What nodes that were let go of wait for."""
        return tuple(self._its_executor.questions)

    async def _post(self, kind: LetterKind, name: str, value: object) -> None:
        executor = self._its_executor
        if self._store is None:
            raise BackedgeError("a run without a journal receives nothing: start it with journal=...")
        letter = Letter(kind, name, to_json(value), time.time())
        number = await self._store.post(executor.run_id, letter)
        executor.receive([letter._replace(number=number)])

    def cancel(self, *, grace: float = 0.0) -> None:
        """End the run for good: at once, or after letting what runs finish for up to `grace` seconds."""
        self._its_executor.cancel(grace)

    @property
    def _its_executor(self) -> Executor:
        if self._executor is None:
            raise BackedgeError("the run has not begun: use it as `async with flow.start(...) as run:`")
        return self._executor


def error_of(executor: Executor, status: RunStatus, journal: str | None) -> RunError | None:
    """What `run` and `resume` raise for a run that ended like this; None when it completed."""
    run_id = executor.run_id
    again = f"resume({run_id!r}, journal={journal!r})" if journal else ""
    if status is RunStatus.FAILED:
        hint = (
            f"what finished is kept: go on with {again}"
            if again
            else "it had no journal, so it cannot be resumed"
        )
        error = RunFailedError(run_id, executor.failures, hint)
        first = next(iter(executor.failures.values()))
        error.__cause__ = first if first.__cause__ is None else first.__cause__
        return error
    if status is RunStatus.CANCELLED:
        return RunCancelledError(run_id, "was cancelled", "")
    if status is RunStatus.INTERRUPTED:
        return RunInterruptedError(run_id, "was interrupted", f"go on with {again}" if again else "")
    return None
