"""What a node may ask the engine for while it runs."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import random
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

from pydantic.errors import PydanticInvalidForJsonSchema

from .effects.identity import digest_of
from .effects.results import UNTOLD, codec_for
from .errors import InputError
from .records import ActivationId, EffectKind, EffectRecorded

if TYPE_CHECKING:
    from .execution.effects import Effects

T = TypeVar("T")

Past: TypeAlias = Callable[[], Awaitable[Sequence[EffectRecorded]]]
"""Reads what is recorded of a run's effects from before it was gone on with: the same object for all its activations."""

LINGER: Final = 1.0
"""Seconds up to which a timer is waited for without suspending the node."""
_LONGEST: Final = 1e10  # about three centuries


class Suspension(BaseException):
    """Ends the body of a ``def`` node that waits for something: it runs again when that is there.

    No `Exception`, so that no handler in the body takes it for an error. Never catch it.
    """


class Context:
    """Handed to a parameter annotated `Context`.

    What a node does through it is an *effect*: it is journaled, and a body that runs again, after a crash or because it
    had to wait, gets what is recorded instead of doing it again. Plain code between effects does run again.

    Attributes:
        run_id: The run's id.
        activation: Which activation this is; ``str()`` gives ``checker@2``.
        attempt: 1 for the first attempt; each retry counts one up.
        past: Reads what is recorded of the run's effects from before it was gone on with: for what sums them up over all
            processes, such as budgets. None for a run that has begun here, and without a journal. A fork has only its own.

    Example::

        @graph.node(writes="answer")
        async def think(question: str, ctx: Context) -> str:
            ctx.emit({"thinking about": question})
            pages = await ctx.gather(*(ctx.step("fetch", fetch, url) for url in urls))
            return await ctx.ask(f"Which of these {len(pages)} is best?")
    """

    __slots__ = ("_added", "_effects", "_emit", "activation", "attempt", "past", "run_id")

    def __init__(
        self,
        run_id: str,
        activation: ActivationId,
        attempt: int,
        emit: Callable[[object], None],
        effects: Effects | None = None,
        added: list[object] | None = None,
        past: Past | None = None,
    ) -> None:
        self.run_id = run_id
        self.activation = activation
        self.attempt = attempt
        self._emit = emit
        self._effects = effects
        # The items that it adds to the map around it; None outside of maps.
        self._added = added
        self.past = past

    def emit(self, data: object) -> None:
        """Hand `data` to whoever listens to the run's events, as a `CustomEvent`. It is not journaled.

        May be called from a worker thread. The listener gets the very object: hand over what you no longer change.
        """
        self._emit(data)

    def add(self, *items: object) -> None:
        """Add items to the map that this node is an instance of, or is in: they begin when this node has finished.

        Their results come right after this item's.

        Raises:
            InputError: The node is in no map.
        """
        if self._added is None:
            raise InputError(f"{self.activation} adds an item, but it is in no map: see graph.map(...)")
        self._added.extend(items)

    def round(self, loop: str | None = None) -> int:
        """The round of the innermost loop around this node, or of the loop named; 0 outside of loops.

        Raises:
            KeyError: The node is not part of the loop named.
        """
        rounds = dict(self.activation.rounds)
        if loop is not None:
            return rounds[loop]
        return self.activation.rounds[-1][1] if rounds else 0

    # ------------------------------------------------------------------ doing something once

    def step(
        self,
        name: str,
        function: Callable[..., Any],
        /,
        *args: Any,
        returns: Any = UNTOLD,
        raises: tuple[type[Exception], ...] = (),
        safety: Literal["idempotent", "unsafe"] = "idempotent",
        query: Callable[..., Any] | None = None,
        kind: Literal["step", "model", "tool"] = "step",
    ) -> Coroutine[Any, Any, Any]:
        """Call `function` once: when the body runs again it gets the recorded result.

        A crash in the middle of it means what is declared here. Without more it is *idempotent*: it is called again, with
        the same `EffectKey`. With `query` it is asked for first: ``query(*args)`` returns the result if it was done, or
        `NOT_DONE`. An *unsafe* one is not called again: the run stops in doubt and a person has to say.

        Args:
            name: What it is called in the records.
            function: A coroutine function, or a plain one, which is called in a worker thread.
            args: Its arguments. They tell this call from others, by what JSON makes of them.
            returns: The type of its result; by default what its annotation says. It is stored as JSON.
            raises: Exceptions that the body gets as they are; others come as an `EffectError`.
            safety: Whether it may be called again when a crash leaves open whether it was done.
            query: Finds out whether it was done.
            kind: What is called. What a model said is not taken over by an attempt that follows a failed one, and the
                `usage` of its result is kept with the record.

        Raises:
            EffectError: The function raised, now or when it was recorded.
            EffectValueError: Its result is not of the type.
            ReplayMismatchError: Something else is recorded at this place.
        """
        from .execution.steps import step

        return step(
            self._its_effects("step"), name, function, args, returns, raises, safety, query, EffectKind(kind)
        )

    def now(self) -> datetime:
        """The time, in UTC: when the body runs again, the same."""
        return datetime.fromtimestamp(self._note("now", time.time, float), UTC)

    def random(self) -> float:
        """A random number from 0 up to 1: when the body runs again, the same."""
        value: float = self._note("random", random.random, float)
        return value

    def uuid(self) -> uuid.UUID:
        """A fresh random UUID: when the body runs again, the same."""
        value: uuid.UUID = self._note("uuid", uuid.uuid4, uuid.UUID)
        return value

    def _note(self, name: str, make: Callable[[], Any], kind: Any) -> Any:
        effects = self._its_effects(name)
        return effects.note(effects.request(EffectKind.VALUE, name, ""), make, codec_for(kind))

    # ------------------------------------------------------------------ waiting

    def ask(
        self,
        question: str,
        *,
        schema: type[T] | Any = str,
        choices: Sequence[Any] | None = None,
    ) -> Coroutine[Any, Any, Any]:
        """Ask a person. The run is suspended until there is an answer, and holds nothing meanwhile.

        Args:
            question: What to ask.
            schema: The type of the answer.
            choices: The answers there are (text, numbers), instead of a type.

        Returns:
            The answer, checked against `schema`: one that does not fit is refused and the question stays open.
        """
        effects = self._its_effects("ask")
        told: dict[str, Any] = {"question": question}
        if choices is not None:
            told["choices"] = list(choices)
            if not choices:
                raise InputError(f"{self.activation}: choices= wants one answer at least")
            schema = Literal[tuple(choices)]
        codec = codec_for(schema)
        digest = digest_of(told)
        with suppress(PydanticInvalidForJsonSchema):  # then people are not told, but the answer is checked
            told["schema"] = codec.adapter.json_schema()
        return _waited(effects, EffectKind.QUESTION, question, digest, told, codec)

    def receive(self, signal: str, *, schema: Any = Any) -> Coroutine[Any, Any, Any]:
        """Wait for a signal, sent by `send` from any process, before or after this. Each is received once, in order."""
        codec = codec_for(schema)
        effects, told = self._its_effects("receive"), {"signal": signal}
        return _waited(effects, EffectKind.SIGNAL, signal, digest_of(told), told, codec)

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        """Wait so many seconds, crashes and restarts included."""
        effects = self._its_effects("sleep")
        if not 0 <= seconds <= _LONGEST:
            raise InputError(f"{self.activation}: sleep takes a number of seconds from 0, not {seconds!r}")

        async def sleep() -> None:
            request = effects.request(EffectKind.TIMER, "sleep", digest_of(float(seconds)))
            told = {"due": time.time() + seconds, "seconds": float(seconds)}
            await effects.wait(request, lambda: _json(told), codec_for(type(None)), soon=_is_soon)

        return sleep()

    # ------------------------------------------------------------------ several at once

    def gather(self, *parts: Awaitable[Any]) -> Coroutine[Any, Any, list[Any]]:
        """Await all parts at once, each in a branch of its own, so that their effects keep their places.

        The first failure cancels the other parts and is raised.
        """
        from .execution.several import Part, gather

        return gather(self._its_effects("gather"), [Part(part) for part in parts])

    def first(self, *parts: Awaitable[Any]) -> Coroutine[Any, Any, tuple[int, Any]]:
        """Await whichever part comes first: its number, and its result. The others are cancelled; the choice is recorded.

        Example: ``which, value = await ctx.first(ctx.receive("go"), ctx.sleep(60))``
        """
        from .execution.several import Part, first

        if not parts:
            raise InputError(f"{self.activation}: first takes at least one part")
        return first(self._its_effects("first"), [Part(part) for part in parts])

    @contextmanager
    def branch(self, name: str) -> Iterator[None]:
        """Effects in the ``with`` block have places of their own under `name`, whatever else is asked for meanwhile.

        For tasks that a body makes itself: in a branch each finds what it had done by its place.
        """
        _check_branch(name)
        with self._its_effects("branch").named(name):
            yield

    def blocking(self) -> BlockingContext:
        """The same for a ``def`` node."""
        return BlockingContext(self, asyncio.get_running_loop())

    def _its_effects(self, what: str) -> Effects:
        if self._effects is None:
            raise InputError(
                f"{self.activation}: an inline node has no effects, so no ctx.{what}(): drop inline=True"
            )
        self._effects.check_thread(what)
        return self._effects


def _waited(
    effects: Effects, kind: EffectKind, name: str, digest: str, told: dict[str, Any], codec: Any
) -> Coroutine[Any, Any, Any]:
    async def wait() -> Any:
        return await effects.wait(effects.request(kind, name, digest), lambda: _json(told), codec)

    return wait()


def _is_soon(detail: bytes) -> bool:
    """Whether a timer is due so soon, by the detail of its record, that suspending is not worth it."""
    told = json.loads(detail)
    return bool(min(told["due"] - time.time(), told["seconds"]) <= LINGER)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), default=str).encode()


class BlockingContext:
    """`Context` for ``def`` nodes: the same effects, each of which blocks the node's thread until it is done.

    Example::

        @graph.node(writes="answer")
        def think(question: str, ctx: BlockingContext) -> str:
            return ctx.ask(question)
    """

    __slots__ = ("_context", "_loop")

    def __init__(self, context: Context, loop: asyncio.AbstractEventLoop) -> None:
        self._context = context
        self._loop = loop

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._context.run_id

    @property
    def activation(self) -> ActivationId:
        """Which activation this is."""
        return self._context.activation

    @property
    def attempt(self) -> int:
        """1 for the first attempt; each retry counts one up."""
        return self._context.attempt

    def emit(self, data: object) -> None:
        """See `Context.emit`."""
        self._context.emit(data)

    def round(self, loop: str | None = None) -> int:
        """See `Context.round`."""
        return self._context.round(loop)

    def step(self, name: str, function: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
        """See `Context.step`."""
        return self._wait(lambda: self._context.step(name, function, *args, **options))

    def ask(self, question: str, *, schema: Any = str, choices: Sequence[Any] | None = None) -> Any:
        """See `Context.ask`."""
        return self._wait(lambda: self._context.ask(question, schema=schema, choices=choices))

    def receive(self, signal: str, *, schema: Any = Any) -> Any:
        """See `Context.receive`."""
        return self._wait(lambda: self._context.receive(signal, schema=schema))

    def sleep(self, seconds: float) -> None:
        """See `Context.sleep`."""
        self._wait(lambda: self._context.sleep(seconds))

    def now(self) -> datetime:
        """See `Context.now`."""
        value: datetime = self._wait(lambda: _soon(self._context.now))
        return value

    def random(self) -> float:
        """See `Context.random`."""
        value: float = self._wait(lambda: _soon(self._context.random))
        return value

    def uuid(self) -> uuid.UUID:
        """See `Context.uuid`."""
        value: uuid.UUID = self._wait(lambda: _soon(self._context.uuid))
        return value

    def gather(self, *parts: Callable[[], Any]) -> list[Any]:
        """Call all parts at once, each in a thread and a branch of its own. The first failure is raised.

        Example: ``ctx.gather(*(partial(ctx.step, "fetch", fetch, url) for url in urls))``
        """
        from .execution.several import Part, gather

        effects = self._its_effects()
        return self._wait(lambda: gather(effects, [Part(part, in_thread=True) for part in parts]))

    def first(self, *parts: Callable[[], Any]) -> tuple[int, Any]:
        """Call all parts at once, each in a thread of its own, and take whichever comes first; see `Context.first`."""
        from .execution.several import Part, first

        if not parts:
            raise InputError(f"{self.activation}: first takes at least one part")
        effects = self._its_effects()
        return self._wait(lambda: first(effects, [Part(part, in_thread=True) for part in parts]))

    @contextmanager
    def branch(self, name: str) -> Iterator[None]:
        """See `Context.branch`; for threads that a body makes itself."""
        _check_branch(name)
        with self._its_effects().named(name, threading.get_ident()):
            yield

    def _its_effects(self) -> Effects:
        effects = self._context._effects
        assert effects is not None
        return effects

    def _wait(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        from .execution.effects import ASKER

        call = self._its_effects().for_thread(make)
        token = ASKER.set(threading.get_ident())
        try:
            return asyncio.run_coroutine_threadsafe(call, self._loop).result()
        except (concurrent.futures.CancelledError, asyncio.CancelledError):
            raise Suspension from None
        except RuntimeError:
            if not self._loop.is_closed():
                raise
            call.close()
            raise Suspension from None
        finally:
            ASKER.reset(token)


async def _soon(call: Callable[[], T]) -> T:
    return call()


def _check_branch(name: str) -> None:
    if not name.isidentifier():
        raise InputError(f"a branch's name is an identifier, not {name!r}")
