"""What a callable says of itself: its parameters, their annotations as types, and how it is to be called.

Anything callable is looked at: functions, methods, classes, callable objects, partials and what `functools.wraps`
wrapped. Annotations may be strings (``from __future__ import annotations``) and name what only a type checker sees;
what cannot be resolved is told, not judged.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections import ChainMap
from collections.abc import Callable, Hashable, Mapping
from types import CodeType, FunctionType, SimpleNamespace
from typing import Any, Final, NamedTuple, TypeAlias, get_type_hints

Known: TypeAlias = dict[Hashable, dict[str, Any]]
"""What annotations mean, by what their meaning depends on."""


class NoSignatureError(Exception):
    """A callable does not tell its parameters."""


class Signature(NamedTuple):
    """What a callable takes and gives.

    Attributes:
        parameters: By name, in order; what a partial has bound by position is not among them.
        bound: The parameters that a partial has bound by keyword.
        hints: The annotations that could be resolved; ``"return"`` is the returned type.
        unresolved: The annotations that could not, as they are written.
    """

    parameters: Mapping[str, inspect.Parameter]
    bound: frozenset[str]
    hints: Mapping[str, Any]
    unresolved: Mapping[str, str]

    @property
    def returns(self) -> Any:
        """The returned type, or `inspect.Signature.empty`."""
        return self.hints.get("return", inspect.Signature.empty)


def read_signature(
    function: Callable[..., Any], names: Mapping[str, Any], known: Known | None = None
) -> Signature:
    """Look at a callable.

    Args:
        function: Anything callable.
        names: Types that its annotations may name without having them in reach.
        known: Annotations that were understood before with the same `names`; what is understood now is added.

    Raises:
        NoSignatureError: It does not tell its parameters, as some builtins.
    """
    try:
        parameters, returned = _told(function)
    except Exception as error:  # it may be an object of any sort
        raise NoSignatureError(str(error)) from None
    plain = _without_partials(function)
    annotations = {
        name: parameter.annotation
        for name, parameter in parameters.items()
        if parameter.annotation is not parameter.empty
    }
    if isinstance(plain, type):
        annotations["return"] = plain
    elif returned is not inspect.Signature.empty:
        annotations["return"] = returned
    hints, unresolved = _resolved(annotations, plain, names, {} if known is None else known)
    return Signature(parameters, _bound_by_keyword(function), hints, unresolved)


def _told(function: Callable[..., Any]) -> tuple[Mapping[str, inspect.Parameter], Any]:
    """The parameters and what is returned; for plain functions, which most are, in a third of the time."""
    if type(function) is not FunctionType or vars(function) or _is_special(function.__code__):
        told = inspect.signature(function)
        return told.parameters, told.return_annotation
    code, hints, defaults = function.__code__, function.__annotations__, function.__defaults__ or ()
    names, empty = code.co_varnames[: code.co_argcount], inspect.Parameter.empty
    values = [empty] * (len(names) - len(defaults)) + [*defaults]
    parameters = {
        name: inspect.Parameter(name, _USUAL, default=value, annotation=hints.get(name, empty))
        for name, value in zip(names, values, strict=True)
    }
    return parameters, hints.get("return", inspect.Signature.empty)


_USUAL: Final = inspect.Parameter.POSITIONAL_OR_KEYWORD


def _is_special(code: CodeType) -> bool:
    """Whether some parameters are other than the usual ones."""
    several = code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    return bool(several or code.co_kwonlyargcount or code.co_posonlyargcount)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine; sees through partials and callable objects."""
    return inspect.iscoroutinefunction(_called(function))


def is_generator(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a generator, asynchronous or not."""
    called = _called(function)
    if type(called) is FunctionType:
        return bool(called.__code__.co_flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR))
    return inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called)


def is_silent(function: Callable[..., Any]) -> bool:
    """Whether it is a plain function without annotations, as every lambda is: a quick look.

    >>> is_silent(lambda code: None)
    True
    """
    return type(function) is FunctionType and not vars(function) and not function.__annotations__


def name_of_callable(function: Callable[..., Any]) -> str:
    """What it was defined as: a function's name, the class of a callable object.

    >>> name_of_callable(functools.partial(print, "x"))
    'print'
    """
    plain = _without_partials(function)
    try:
        name = plain.__name__
    except Exception:  # objects have none, or may answer as they like
        name = type(plain).__name__
    return str(name)


def _without_partials(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _bound_by_keyword(function: Callable[..., Any]) -> frozenset[str]:
    names: frozenset[str] = frozenset()
    while isinstance(function, functools.partial):
        names |= function.keywords.keys()
        function = function.func
    return names


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that runs when it is called: of an object its `__call__`."""
    if type(function) is FunctionType:
        return function
    plain = _without_partials(function)
    if inspect.isroutine(plain) or isinstance(plain, type):
        return plain
    called: Callable[..., Any] = type(plain).__call__
    return called


def _resolved(
    annotations: Mapping[str, Any], plain: Callable[..., Any], names: Mapping[str, Any], known: Known
) -> tuple[dict[str, Any], dict[str, str]]:
    key = _key(annotations, plain)
    if key is not None and key in known:
        return dict(known[key]), {}
    space, local = _namespace(plain, names)
    try:
        hints = _evaluated(annotations, space, local)
        if key is not None:
            known[key] = hints
        return dict(hints), {}
    except Exception:  # one of them cannot be resolved: judge the others
        hints, unresolved = {}, {}
    for name, annotation in annotations.items():
        try:
            hints |= _evaluated({name: annotation}, space, local)
        except Exception:  # evaluating somebody else's text may raise whatever it likes
            unresolved[name] = annotation if isinstance(annotation, str) else str(annotation)
    return hints, unresolved


def _key(annotations: Mapping[str, Any], plain: Callable[..., Any]) -> Hashable | None:
    """What the meaning of a function's annotations depends on; None where that is more than text, module and classes.

    Functions that one factory made differ in what they close over, which an annotation may name too.
    """
    if type(plain) is not FunctionType or "__wrapped__" in vars(plain):
        return None
    for annotation in annotations.values():
        if isinstance(annotation, str):
            if any(name in annotation for name in plain.__code__.co_freevars):
                return None
        elif type(annotation) is not type and annotation is not None:
            return None
    return (id(plain.__globals__), *annotations.items())


def _evaluated(
    annotations: Mapping[str, Any], space: dict[str, Any], local: Mapping[str, Any]
) -> dict[str, Any]:
    probe: Any = SimpleNamespace(__annotations__=dict(annotations))
    return get_type_hints(probe, space, local, include_extras=True)


def _namespace(
    plain: Callable[..., Any], names: Mapping[str, Any]
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The globals an annotation is read in, and what else it may name: a function's own names go first."""
    maker: Any = plain
    written: Any = inspect.unwrap(maker.__init__ if isinstance(plain, type) else _called(plain))
    function = getattr(written, "__func__", written)
    if not isinstance(function, FunctionType):
        module = sys.modules.get(getattr(plain, "__module__", None) or "")
        space = vars(module) if module is not None else {}
        return space, ChainMap(space, dict(names))
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    closure = {name: cell.cell_contents for name, cell in cells if _is_filled(cell)}
    return function.__globals__, ChainMap(closure, function.__globals__, dict(names))


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - asking is the test
    except ValueError:
        return False
    return True
