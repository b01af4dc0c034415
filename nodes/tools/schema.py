"""A function's signature as a JSON schema, and as a check of arguments.

Pydantic does the work: the parameters become the fields of a model. Its fields have names of their own and the
parameters' names are aliases, so that a parameter may be called ``schema``, ``copy`` or ``_private`` without meeting an
attribute of pydantic's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, create_model
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from backedge.engine.compiler.signatures import NoSignatureError, read_signature
from backedge.engine.context import BlockingContext, Context
from backedge.engine.effects.identity import EffectKey

from .docstrings import Docstring
from .errors import ToolDefinitionError

_KNOWN: Final = {"Context": Context, "BlockingContext": BlockingContext, "EffectKey": EffectKey}
_CONFIG: Final = ConfigDict(extra="forbid", allow_inf_nan=False)
_VARIADIC: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter that is not the model's to fill.

    Attributes:
        name: The parameter.
        kind: `Context`, `BlockingContext` or `EffectKey`.
        optional: Whether the function can do without it.
        defaults: Whether it has a default for that.
    """

    name: str
    kind: type
    optional: bool
    defaults: bool


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a function takes.

    Attributes:
        model: Checks arguments; a parameter is the field under `fields`.
        fields: Pairs of a parameter's name and the model's field.
        positional: Those of them that can only be given by position, in order.
        given: What is filled in for the model.
        schema: The JSON schema of what the model fills in.
    """

    model: type[BaseModel]
    fields: tuple[tuple[str, str], ...]
    positional: tuple[str, ...]
    given: tuple[Given, ...]
    schema: Mapping[str, Any]


class _Quiet(GenerateJsonSchema):
    """Without titles, which repeat names and cost tokens, and without warnings of defaults that JSON cannot hold."""

    ignored_warning_kinds = GenerateJsonSchema.ignored_warning_kinds | {"non-serializable-default"}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def read_parameters(
    function: Callable[..., Any], name: str, told: Docstring, *, method: bool = False
) -> Parameters:
    """What a function takes, by its signature and its docstring.

    Args:
        function: Anything callable that tells its parameters.
        name: The tool's name, for messages.
        told: Its docstring.
        method: Whether the first parameter is the object and not the model's business.

    Raises:
        ToolDefinitionError: A parameter has no annotation, or none that JSON can hold.
    """
    try:
        signature = read_signature(function, _KNOWN)
    except NoSignatureError as error:
        raise ToolDefinitionError(
            f"tool {name!r}: {function!r} does not tell its parameters: {error}"
        ) from None
    fields: dict[str, Any] = {}
    names: list[tuple[str, str]] = []
    positional: list[str] = []
    given: list[Given] = []
    for place, parameter in enumerate(signature.parameters.values()):
        if (method and place == 0) or parameter.name in signature.bound:
            continue
        annotation = _annotation(parameter, signature.hints, signature.unresolved, name)
        supplied = _given(parameter, annotation)
        if supplied is not None:
            given.append(supplied)
            continue
        field = f"p{place}"
        fields[field] = _field(parameter, annotation, told.parameters.get(parameter.name))
        names.append((parameter.name, field))
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            positional.append(parameter.name)
    try:
        model: type[BaseModel] = create_model(f"arguments_of_{name}", __config__=_CONFIG, **fields)
        schema = model.model_json_schema(by_alias=True, schema_generator=_Quiet)
    except (PydanticUserError, TypeError) as error:
        why = str(error).splitlines()[0]
        raise ToolDefinitionError(
            f"tool {name!r} takes what JSON cannot hold: {why}. Take numbers, texts, lists, enums or pydantic models"
        ) from error
    return Parameters(model, tuple(names), tuple(positional), tuple(given), _as_written(schema))


def _annotation(
    parameter: inspect.Parameter, hints: Mapping[str, Any], unresolved: Mapping[str, str], name: str
) -> Any:
    where = f"tool {name!r}: parameter {parameter.name!r}"
    if parameter.kind in _VARIADIC:
        raise ToolDefinitionError(
            f"{where} takes any number of arguments, which a model cannot be told; take a list"
        )
    if parameter.name in unresolved:
        raise ToolDefinitionError(
            f"{where} is annotated {unresolved[parameter.name]!r}, which means nothing there: import it at run time"
        )
    if parameter.name not in hints:
        raise ToolDefinitionError(f"{where} has no annotation; say its type, such as {parameter.name}: str")
    return hints[parameter.name]


def _given(parameter: inspect.Parameter, annotation: Any) -> Given | None:
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    for kind in (Context, BlockingContext, EffectKey):
        if kind in kinds:
            defaults = parameter.default is not parameter.empty
            return Given(parameter.name, kind, NoneType in kinds or defaults, defaults)
    return None


def _field(parameter: inspect.Parameter, annotation: Any, description: str | None) -> Any:
    """The field of a parameter. What the annotation says of itself goes before the docstring."""
    own = [one for one in getattr(annotation, "__metadata__", ()) if isinstance(one, FieldInfo)]
    if isinstance(parameter.default, FieldInfo):
        own.append(parameter.default)
        annotation = Annotated[annotation, parameter.default]
    said = next((one.description for one in reversed(own) if one.description), description)
    name = parameter.name
    field = Field(alias=name, validation_alias=name, serialization_alias=name, description=said)
    if parameter.default is parameter.empty or isinstance(parameter.default, FieldInfo):
        return Annotated[annotation, field]
    return Annotated[annotation, field], parameter.default


def _as_written(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object, with what it must have said in any case."""
    found = {key: value for key, value in schema.items() if key != "title"}
    found.setdefault("properties", {})
    return found
