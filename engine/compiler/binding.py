"""Where a function's parameters come from: fields, resources, the context, the whole state, an error.

One set of rules for nodes and conditions. A parameter annotated `Context` gets the context; one annotated with the
state's class the whole state; one annotated with an exception type, on a node that handles errors, the error; one
named like a resource that resource; one named like a field that field's value. Any other parameter must have a
default and is left alone, as is what a `functools.partial` has bound.

`bind` accounts for every parameter once, when the graph is compiled; `Binding.gather` fetches the arguments of a call.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ..context import BlockingContext, Context
from ..errors import NodeRaisedError
from ..shown import shown
from ..state.fields import StateSchema
from ..state.snapshots import Snapshot
from .scope import Scope
from .signatures import NoSignatureError, is_async, read_signature
from .typerelation import Relation, members, relation, spell
from .unbound import exception_types, misfit, unknown


class Source(Enum):
    """Where an argument comes from."""

    FIELD = "field"
    RESOURCE = "resource"
    CONTEXT = "context"
    STATE = "state"
    ERROR = "error"
    DEFAULT = "default"


class Argument(NamedTuple):
    """One bound parameter.

    Attributes:
        parameter: Its name.
        source: Where its value comes from.
        name: The field or resource it is named after, or the subgraph whose whole state it is, else "".
        annotation: What it is annotated with, or `inspect.Parameter.empty`.
        check: Checks the value where the annotation is narrower than the field.
        positional: Whether it can only be passed by position.
        default: Its default, or `inspect.Parameter.empty`.
        errors: The exception types that a parameter for errors takes.
    """

    parameter: str
    source: Source
    name: str = ""
    annotation: Any = inspect.Parameter.empty
    check: TypeAdapter[Any] | None = None
    positional: bool = False
    default: Any = inspect.Parameter.empty
    errors: tuple[type[BaseException], ...] = ()

    @property
    def needed(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty


class ArgumentMismatchError(Exception):
    """A value does not fit the narrower annotation of a parameter."""


class UnsetFieldError(KeyError):
    """A field is read that has no value. Its name is the only argument."""

    def __str__(self) -> str:
        return f"reads field {self.args[0]!r}, which is unset"


@dataclass(frozen=True, slots=True)
class Binding:
    """A function with every parameter accounted for.

    Attributes:
        function: What is called.
        arguments: Its bound parameters, in order; those left alone are not among them.
        returns: Its return annotation, or `inspect.Signature.empty`.
        is_async: Whether a call gives a coroutine.
        meant: The fields it was likely meant to read besides, where a parameter is a problem.
        reads: The fields it reads, those of a whole state excepted.
        resources: The resources it is handed.
        wants_context: Whether a parameter gets the context.
        reads_all: Whether a parameter gets the whole state.
    """

    function: Callable[..., Any]
    arguments: tuple[Argument, ...]
    returns: Any = inspect.Signature.empty
    is_async: bool = False
    meant: frozenset[str] = frozenset()
    reads: frozenset[str] = field(init=False)
    resources: frozenset[str] = field(init=False)
    wants_context: bool = field(init=False)
    reads_all: bool = field(init=False)
    # Fields that are passed as they are: parameter and field. All else is in _others.
    _plain: tuple[tuple[str, str], ...] = field(init=False, repr=False)
    _others: tuple[Argument, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        plain, others = [], []
        for argument in self.arguments:
            if argument.source is Source.FIELD and argument.check is None and not argument.positional:
                plain.append((argument.parameter, argument.name))
            else:
                others.append(argument)
        sources = [argument.source for argument in self.arguments]
        reads = frozenset(a.name for a in self.arguments if a.source is Source.FIELD)
        object.__setattr__(self, "reads", reads)
        handed = frozenset(a.name for a in self.arguments if a.source is Source.RESOURCE)
        object.__setattr__(self, "resources", handed)
        object.__setattr__(self, "wants_context", Source.CONTEXT in sources)
        object.__setattr__(self, "reads_all", Source.STATE in sources)
        object.__setattr__(self, "_plain", tuple(plain))
        object.__setattr__(self, "_others", tuple(others))

    def within(self, scope: Scope) -> Binding:
        """The same with the names that the scope's fields have in the whole graph."""
        if not scope.prefix and not scope.renamed:
            return self
        arguments = tuple(
            argument._replace(name=scope.full(argument.name))
            if argument.source is Source.FIELD
            else argument._replace(name=scope.prefix)
            if argument.source is Source.STATE
            else argument
            for argument in self.arguments
        )
        meant = frozenset(map(scope.full, self.meant))
        return Binding(self.function, arguments, self.returns, self.is_async, meant)

    def gather(
        self,
        snapshot: Snapshot,
        schema: StateSchema,
        *,
        resources: Mapping[str, Any],
        context: Context | None = None,
        errors: Sequence[BaseException] = (),
    ) -> tuple[list[Any], dict[str, Any]]:
        """Positional and keyword arguments for a call on this snapshot.

        Raises:
            UnsetFieldError: A field it reads has no value.
            ArgumentMismatchError: A value does not fit a parameter that is narrower than its field.
        """
        try:
            keywords = snapshot.pick(self._plain)
        except KeyError as error:
            raise UnsetFieldError(*error.args) from None
        positional: list[Any] = []
        for argument in self._others:
            value: Any
            match argument.source:
                case Source.FIELD:
                    value = _read(argument, snapshot)
                case Source.RESOURCE:
                    value = resources[argument.name]
                case Source.CONTEXT:
                    value = (
                        context.blocking() if context and argument.annotation is BlockingContext else context
                    )
                case Source.STATE:
                    value = schema.build(snapshot, argument.name)
                case Source.ERROR:
                    value = _error(argument, errors)
                case _:
                    value = argument.default
            if argument.positional:
                positional.append(value)
            else:
                keywords[argument.parameter] = value
        return positional, keywords


def bind(
    function: Callable[..., Any],
    scope: Scope,
    *,
    what: str,
    handles: Sequence[type[BaseException]] = (),
) -> tuple[Binding, list[str]]:
    """Account for every parameter of `function`.

    Args:
        function: A function, method, callable object, class or partial.
        scope: What there is to be read.
        what: What to call the function in problems, such as ``node 'coder'``.
        handles: The error types that error edges bring to it.

    Returns:
        The binding, and what is wrong with it, a sentence each.
    """
    try:
        told = read_signature(function, scope.types, scope.known)
    except NoSignatureError:
        problem = (
            f"{what}: the parameters of {shown(function)} cannot be read; "
            f"wrap it in a function of your own whose parameters are fields"
        )
        return Binding(function, (), is_async=is_async(function)), [problem]
    arguments: list[Argument] = []
    problems: list[str] = []
    meant: set[str] = set()
    for name, parameter in told.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or name in told.bound:
            continue
        annotation = told.hints.get(name, parameter.empty)
        argument = _argument(parameter, annotation, scope, handles)
        if argument is not None:
            if scope.is_ambiguous(argument.name):
                meant.add(name)
            elif argument.name:
                problems += misfit(what, name, annotation, scope)
            arguments.append(argument)
        elif parameter.default is parameter.empty:
            if not scope.is_broken(name):
                problems.append(unknown(what, name, told, scope))
                meant.update(filter(None, [scope.like(name)]))
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            arguments.append(Argument(name, Source.DEFAULT, positional=True, default=parameter.default))
    found = meant.intersection(scope.schema.fields)
    return Binding(function, tuple(arguments), told.returns, is_async(function), frozenset(found)), problems


def _argument(
    parameter: inspect.Parameter, annotation: Any, scope: Scope, handles: Sequence[type[BaseException]]
) -> Argument | None:
    """The parameter with its source, or None for one that nothing is named after."""
    name, default = parameter.name, parameter.default
    positional = parameter.kind is parameter.POSITIONAL_ONLY
    options = [] if annotation is parameter.empty else members(annotation)
    for kind in (Context, BlockingContext):
        if any(option is kind for option in options):
            return Argument(name, Source.CONTEXT, annotation=kind, positional=positional)
    if any(option is scope.schema.model for option in options):
        return Argument(name, Source.STATE, positional=positional)
    errors = exception_types(options)
    if errors and handles:
        return Argument(name, Source.ERROR, "", annotation, None, positional, default, errors)
    if name in scope.resources:
        return Argument(name, Source.RESOURCE, name, annotation, None, positional)
    if name in scope.schema.fields:
        check = _check(annotation, scope.schema.fields[name].annotation) if options else None
        return Argument(name, Source.FIELD, name, annotation, check, positional)
    return None


def _check(annotation: Any, declared: Any) -> TypeAdapter[Any] | None:
    """What checks the values of a field for a parameter that may not take all of them."""
    if relation(annotation, declared) is not Relation.NARROWER:
        return None
    for config in (None, ConfigDict(arbitrary_types_allowed=True)):
        try:
            return TypeAdapter(annotation, config=config)
        except Exception:  # noqa: S112 - pydantic, or somebody else's schema: then it is not checked
            continue
    return None


def _read(argument: Argument, snapshot: Snapshot) -> Any:
    """The field's value, checked where that is needed."""
    try:
        value = snapshot.read(argument.name)
    except KeyError as error:
        raise UnsetFieldError(*error.args) from None
    if argument.check is None:
        return value
    try:
        argument.check.validate_python(value, strict=True)
    except ValidationError as error:
        why = error.errors(include_url=False, include_context=False, include_input=False)[0]["msg"]
    except Exception as error:  # a validator may raise whatever it likes
        why = f"{type(error).__name__}: {error}"
    else:
        return value
    raise ArgumentMismatchError(
        f"parameter {argument.parameter!r} wants {spell(argument.annotation)}, "
        f"but field {argument.name!r} holds {shown(value)} ({why})"
    )


def _error(argument: Argument, errors: Sequence[BaseException]) -> Any:
    """The first error of the parameter's types; its default where none came.

    An error whose class could not be made again from its record came as a `NodeRaisedError`, which any will take.
    """
    for kinds in (argument.errors, (NodeRaisedError,)):
        for error in errors:
            if isinstance(error, kinds):
                return error
    return argument.default
