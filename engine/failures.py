"""Exceptions as data and back.

A record keeps an exception's class name for people, and its arguments. What a handler of an error edge gets is made
from the record in every case, so that a live run and a resumed one cannot differ: an instance of the class that the
edge declares, never of a class that the data names.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from traceback import StackSummary, TracebackException

from pydantic_core import from_json, to_json

from .errors import NodeRaisedError, StepError
from .records import ErrorInfo

_ENGINE = f"{Path(__file__).parent}{os.sep}"
_MOST = 8000  # characters of a traceback that are kept, from its end


def describe(error: BaseException) -> ErrorInfo:
    """An exception as data. Never fails, whatever the exception does when it is looked at."""
    try:
        arguments = to_json(list(error.args))
    except Exception:  # they are somebody else's objects
        arguments = None
    return ErrorInfo(
        _name_of(type(error)), _storable(_message(error)), _storable(_traceback(error)), arguments
    )


def rebuild(info: ErrorInfo, kind: type[BaseException], activation: str) -> BaseException:
    """The error as an instance of `kind`, the class its error edge declares.

    Its `args` are what JSON makes of the original's; its `__init__` is not called, so what that sets is missing. Where the
    original is of a class further down, which makes its text of them in a way of its own, that text is the only one. A class
    that cannot be made from its arguments gives a `NodeRaisedError` instead.
    """
    try:
        arguments = tuple(from_json(info.args)) if info.args is not None else (info.message,)
        error = kind.__new__(kind, *arguments)
        error.args = arguments
        other = info.type_name != _name_of(kind) and kind.__str__ is BaseException.__str__
        if other and info.message not in (
            str(error),
            *map(repr, arguments),
        ):  # a KeyError's is the repr of its key
            error.args = (info.message,)
    except Exception:  # it is somebody else's class
        return NodeRaisedError(activation, info.type_name, info.message, info.traceback)
    return error


def as_step_error(info: ErrorInfo, activation: str) -> StepError:
    """The error of a step that was not handled, as its run reports it."""
    return NodeRaisedError(activation, info.type_name, info.message, info.traceback)


def _name_of(kind: type[BaseException]) -> str:
    home = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    return f"{home}{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:
        return f"<its text cannot be told: {type(broken).__name__}>"


def _traceback(error: BaseException) -> str:
    """The formatted traceback without the engine's frames, causes included."""
    try:
        told = TracebackException.from_exception(error)
        for part in _chain(told):
            own = [frame for frame in part.stack if not frame.filename.startswith(_ENGINE)]
            part.stack = StackSummary.from_list(own or list(part.stack))
        return "".join(told.format())[-_MOST:]
    except Exception:  # an exception may hide what a traceback is made of
        return "".join(traceback.format_tb(error.__traceback__))[-_MOST:]


def _chain(told: TracebackException) -> Iterator[TracebackException]:
    """A traceback, those of its causes, and those of the members of groups."""
    waiting: list[TracebackException | None] = [told]
    for part in waiting:
        if part is not None:
            yield part
            waiting += [part.__cause__, part.__context__, *(getattr(part, "exceptions", None) or ())]


def _storable(text: str) -> str:
    """The text without lone surrogates, which UTF-8 cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode()
