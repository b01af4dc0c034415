"""Lists as maps see them: what their items are, and the fields that hold items and results while a map is under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Signature
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, create_model

from ..state.fields import Field, StateSchema
from ..state.reducers import append
from .signatures import NoSignatureError, read_signature


def element_of(annotation: Any) -> Any | None:
    """The type of a list's items; None for what is no list (or tuple of any length).

    >>> element_of(list[int]), element_of(tuple[str, ...]), element_of(int)
    (<class 'int'>, <class 'str'>, None)
    """
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if annotation in (list, tuple, Any, Signature.empty):
        return Any
    origin, given = get_origin(annotation), get_args(annotation)
    if origin in (list, Sequence) and given:
        return given[0]
    if origin is tuple and len(given) == 2 and given[1] is Ellipsis:
        return given[0]
    return None


def returned_annotation(function: Callable[..., Any], types: Mapping[str, Any]) -> Any:
    """What a function says it returns; `Signature.empty` where it says nothing."""
    try:
        return read_signature(function, types).returns
    except NoSignatureError:
        return Signature.empty


def parameter_annotation(function: Callable[..., Any], name: str, types: Mapping[str, Any]) -> Any:
    """What a function says of a parameter; Any where it says nothing."""
    try:
        return read_signature(function, types).hints.get(name, Any)
    except NoSignatureError:
        return Any


def hidden_fields(full: str, wanted: Mapping[str, tuple[Any, Any]]) -> tuple[dict[str, Field], list[str]]:
    """Fields ``full[name]`` that no state declares.

    Args:
        full: What they belong to.
        wanted: Name to type and default: ``...`` for none; "append" for a list of that type which starts empty and takes
            one item after the other.

    Returns:
        The fields, and what is wrong with them.
    """
    fields: dict[str, Any] = {}
    for place, (kind, default) in enumerate(wanted.values()):
        if default == "append":
            fields[f"f{place}"] = (Annotated[list[kind], append], [])  # type: ignore[valid-type]  # known when it runs
        else:
            fields[f"f{place}"] = (kind, default)
    config = ConfigDict(arbitrary_types_allowed=True)
    model: type[BaseModel] = create_model(f"{full}[]", __config__=config, **fields)
    schema = StateSchema(model)
    made = {f"{full}[{name}]": f"f{place}" for place, name in enumerate(wanted)}
    known = {
        name: schema.fields[field]._replace(name=name)
        for name, field in made.items()
        if field in schema.fields
    }
    problems = [
        problem.partition(": ")[2] if problem.startswith("field") else problem for problem in schema.problems
    ]
    return known, problems
