"""The node that watches over an answer: it gathers triggers, waits where that is to be, and writes down what was decided."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from pydantic_core import to_jsonable_python

from backedge.engine.compiler.signatures import is_async, read_signature
from backedge.engine.context import Context
from backedge.engine.errors import BackedgeError
from backedge.nodes.agents import Agent
from backedge.nodes.agents.prompts import text_of

from .deciding import Restart, sift
from .relevance import relevance
from .triggers import (
    Begun,
    Custom,
    Entry,
    Failed,
    Ignored,
    On,
    PeerAnswer,
    Settled,
    Texts,
    Trigger,
    UserInput,
    ValidationFeedback,
    source_of,
)

_CONTEXT: Final = "restarting_context_"


class NoRestartError(BackedgeError):
    """What was to give an answer failed, and is not to begin again."""

    args: tuple[Any, ...]

    def __init__(self, node: str, error: str, why: str) -> None:
        super().__init__(node, error, why)

    def __str__(self) -> str:
        return f"{self.args[0]} failed with {self.args[1]}, and does not begin again: {self.args[2]}"


class Found(NamedTuple):
    """A function of fields that finds a text, and the parameters that stand for these."""

    on: On
    find: Callable[[Mapping[str, Any]], Any]
    parameters: tuple[inspect.Parameter, ...]


def finder(on: On) -> Found | None:
    """How a trigger is looked for in the state; None for one that comes from elsewhere. Raises TypeError."""
    match on:
        case PeerAnswer(answer=texts, signal=""):
            pass
        case ValidationFeedback(feedback=texts):
            pass
        case Custom(function=texts):
            pass
        case _:
            return None
    given: Texts = texts
    if isinstance(given, str):
        return Found(on, lambda fields: fields[given], (inspect.Parameter(given, _KEYWORD),))
    if is_async(given):
        raise TypeError(f"{source_of(on)} takes a plain function: let a node of its own do what takes time")
    told = read_signature(given, {})
    names = [name for name in told.parameters if name not in told.bound]
    parameters = tuple(
        inspect.Parameter(name, _KEYWORD, default=told.parameters[name].default) for name in names
    )
    return Found(
        on, lambda fields: given(**{name: fields[name] for name in names if name in fields}), parameters
    )


_KEYWORD: Final = inspect.Parameter.KEYWORD_ONLY


def watch_node(restart: Restart, *, node: str, answer: str, restarts: str) -> Callable[..., Any]:
    """The function of the node. Its signature names the fields that it reads, as the engine wants it.

    Raises:
        TypeError: A function of a trigger is async.
    """
    finders = [found for on in restart.on if (found := finder(on)) is not None]
    judges = [restart.relevance_of(on) for on in restart.on]
    models = sorted({name for judge in judges if isinstance(judge, Agent) for name in judge.models})

    async def watch(**given: Any) -> list[Entry]:
        given_models = {name: given[name] for name in models}
        watching = _Watching(restart, given.pop(_CONTEXT), node, given[answer], given[restarts], given_models)
        return await watching.entries(finders, given)

    parameters = {
        answer: inspect.Parameter(answer, _KEYWORD),
        restarts: inspect.Parameter(restarts, _KEYWORD),
    }
    for found in finders:
        parameters |= {parameter.name: parameter for parameter in found.parameters}
    parameters |= {name: inspect.Parameter(name, _KEYWORD) for name in models}
    parameters[_CONTEXT] = inspect.Parameter(_CONTEXT, _KEYWORD, annotation=Context)
    told: Any = watch
    told.__signature__ = inspect.Signature(list(parameters.values()))
    return watch


class _Watching:
    """One look at an answer."""

    def __init__(
        self,
        restart: Restart,
        context: Context,
        node: str,
        answer: Any,
        history: Sequence[Entry],
        models: Mapping[str, Any],
    ) -> None:
        self._restart = restart
        self._context = context
        self._node = node
        self._answer = answer
        self._history = list(history)
        self._models = models
        # What is written.
        self._new: list[Entry] = []
        # Of signals those that said that this was all, since it was first asked, and those that may still come.
        last = next((entry for entry in reversed(history) if isinstance(entry, Begun | Settled)), None)
        self._closed = list(last.closed) if isinstance(last, Begun) else []
        self._signals = [
            on
            for on in restart.on
            if isinstance(on, PeerAnswer | UserInput) and on.signal and source_of(on) not in self._closed
        ]

    async def entries(self, finders: Sequence[Found], fields: Mapping[str, Any]) -> list[Entry]:
        """What is to be added to the history; the last one says whether it begins again."""
        now = began = self._context.now()
        last = self._history[-1] if self._history else None
        failed = last if isinstance(last, Failed) else None
        pending = [failed.trigger] if failed else await self._in_state(finders, fields, now)
        while True:
            sifted = sift(self._restart, self._all, pending, now)
            self._new += sifted.ignored
            if sifted.begin:
                return [*self._new, self._begun(sifted.begin, now, failed=failed is not None)]
            pending = list(sifted.wait)
            if failed and not pending:
                raise NoRestartError(self._node, failed.trigger.text, sifted.ignored[0].why)
            if not pending and (why := self._settled(began, now)):
                return [*self._new, Settled(why=why, at=now)]
            until = sifted.until or self._patience(began)
            came = await self._listen(until, now)
            now = self._context.now()
            if came is not None and came.text is not None:
                pending.append(await self._trigger(came.on, came.text, now))
            elif came is None and until is not None:
                now = max(now, until)  # it is, whatever somebody did to the clock

    @property
    def _all(self) -> list[Entry]:
        return [*self._history, *self._new]

    # ------------------------------------------------------------------ what there is

    async def _in_state(
        self, finders: Sequence[Found], fields: Mapping[str, Any], now: datetime
    ) -> list[Trigger]:
        """The triggers that the state shows."""
        triggers = []
        for found in finders:
            before = self._last(found.on)
            value = found.find(fields)
            mark = len(value) if isinstance(value, list | tuple) else 0
            text = _text(value, found.on, before.mark if before else 0)
            if text and not (found.on.kind == "peer" and before is not None and before.text == text):
                triggers.append(await self._trigger(found.on, text, now, mark=mark))
        return triggers

    async def _trigger(self, on: On, text: str, now: datetime, *, mark: int = 0) -> Trigger:
        before = self._last(on)
        judged = await relevance(
            self._restart.relevance_of(on),
            text,
            text_of(self._answer),
            before.text if before else None,
            self._context,
            self._models,
        )
        return Trigger(
            kind=on.kind,
            source=source_of(on),
            text=text,
            at=now,
            relevant=judged.relevant,
            relevance=judged.why,
            mark=mark,
        )

    def _last(self, on: On) -> Trigger | None:
        """What came last from the same source."""
        for entry in reversed(self._all):
            triggers = entry.triggers if isinstance(entry, Begun) else ()
            triggers = (entry.trigger,) if isinstance(entry, Ignored) else triggers
            for trigger in reversed(triggers):
                if (trigger.kind, trigger.source) == (on.kind, source_of(on)):
                    return trigger
        return None

    def _begun(self, triggers: tuple[Trigger, ...], now: datetime, *, failed: bool) -> Begun:
        number = sum(isinstance(entry, Begun) for entry in self._all) + 1
        answer = None if failed else to_jsonable_python(self._answer)
        return Begun(number=number, at=now, triggers=triggers, answer=answer, closed=tuple(self._closed))

    # ------------------------------------------------------------------ what may come

    def _settled(self, began: datetime, now: datetime) -> str:
        """Why nothing more is waited for; empty while something is."""
        begun = sum(isinstance(entry, Begun) for entry in self._all)
        if self._restart.limit is not None and begun >= self._restart.limit:
            return f"limit={self._restart.limit} is reached"
        if not self._signals:
            return "that was all" if self._closed else "nothing makes it stale"
        until = self._patience(began)
        return "nothing came in time" if until is not None and now >= until else ""

    def _patience(self, began: datetime) -> datetime | None:
        """Until when signals are waited for; None for as long as it takes."""
        waits = [on.wait for on in self._signals]
        return None if None in waits else began + timedelta(seconds=max((w for w in waits if w), default=0))

    async def _listen(self, until: datetime | None, now: datetime) -> _Came | None:
        """Wait for a signal; None when the time is over."""
        parts: list[Any] = [self._context.receive(on.signal) for on in self._signals]
        if until is not None:
            parts.append(self._context.sleep(max((until - now).total_seconds(), 0.0)))
        which, value = await self._context.first(*parts)
        if which == len(self._signals):
            return None
        on = self._signals[which]
        if value is None:
            self._signals.remove(on)
            self._closed.append(source_of(on))
        return _Came(on, None if value is None else text_of(value))


class _Came(NamedTuple):
    """A signal; without a text it says that this was all."""

    on: On
    text: str | None


def _text(value: Any, on: On, mark: int) -> str:
    """What a value of the state says; of a list, what was added to it."""
    if value is None or value is False:
        return ""
    if value is True:
        return source_of(on)
    if isinstance(value, list | tuple):
        return "\n".join(text_of(one) for one in value[mark:]).strip()
    return text_of(value).strip()
