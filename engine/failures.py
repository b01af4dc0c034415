"""Exceptions as data and back.

A record keeps an exception's class name for people, and its arguments. What a handler of an error edge gets is made
from the record in every case, so that a live run and a resumed one cannot differ: an instance of the class that the
edge declares, never of a class that the data names.
"""

from __future__ import annotations

import traceback
from pathlib import Path

from pydantic_core import PydanticSerializationError, from_json, to_json

from .errors import NodeRaisedError, StepError
from .records import ErrorInfo

_ENGINE = str(Path(__file__).parent)


def describe(error: BaseException) -> ErrorInfo:
    """An exception as data."""
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ in ("builtins", "__main__")
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    try:
        arguments = to_json(list(error.args))
    except (PydanticSerializationError, ValueError, RecursionError):
        arguments = None
    return ErrorInfo(name, _message(error), _traceback(error), arguments)


def rebuild(info: ErrorInfo, kind: type[BaseException], activation: str) -> BaseException:
    """The error as an instance of `kind`, the class its error edge declares.

    Its `args` are what JSON makes of the original's. A class that cannot be made from its arguments gives a
    `NodeRaisedError` instead.
    """
    arguments = tuple(from_json(info.args)) if info.args is not None else (info.message,)
    try:
        error = kind.__new__(kind, *arguments)
    except Exception:
        return NodeRaisedError(activation, info.type_name, info.message, info.traceback)
    error.args = arguments
    return error


def as_step_error(info: ErrorInfo, activation: str) -> StepError:
    """The error of a step that was not handled, as its run reports it."""
    return NodeRaisedError(activation, info.type_name, info.message, info.traceback)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:
        return f"<its text cannot be told: {type(broken).__name__}>"


def _traceback(error: BaseException) -> str:
    """The formatted traceback, from the node's own code on."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_ENGINE)]
    lines = traceback.format_list(own or frames) + traceback.format_exception_only(error)
    return "".join(lines)[-8000:]
