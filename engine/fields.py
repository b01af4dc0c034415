"""The state's fields: how their values are checked, stored, read back, folded and copied.

`StateSchema` is built once for a graph, from the pydantic model of its state.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_origin

import pydantic
import typing_extensions
from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic_core import PydanticUndefined

from .history import UNSET, Fold
from .reducers import REDUCERS
from .state import Edit, Layout, Snapshot
from .typefacts import Copier, TypeFacts, field_hint, is_reducer_like, substitute, type_facts
from .values import Codec

Reducer = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the state.

    Attributes:
        name: Its name.
        annotation: Its type, with constraints and without the reducer.
        value: Codec of its values.
        update: Codec of what is written to it; the same as `value` unless the reducer takes something else.
        reducer: The reducer, or None for a plain field.
        default: The decoded default, or `UNSET`.
    """

    name: str
    annotation: Any
    value: Codec
    update: Codec
    reducer: Reducer | None = None
    default: object = UNSET

    @property
    def has_default(self) -> bool:
        """Whether the field has a value before anything was written."""
        return self.default is not UNSET

    @property
    def adapter(self) -> TypeAdapter[Any]:
        """Pydantic's adapter of the field's values."""
        return self.value.adapter


class FoldError(ValueError):
    """A reducer raised, or returned None for a field that cannot be None."""

    def __init__(self, field: str, reducer: str, what: str) -> None:
        self.field = field
        super().__init__(f"field {field!r}: its reducer {reducer} {what}")


class StateSchema:
    """The state of a graph: its fields and all that is done with their values.

    Attributes:
        model: The pydantic model class.
        fields: The fields by name, in the model's order.
        problems: What cannot work, one sentence each with what to do. A schema with problems must not be used for
            anything else.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model
        problems = _model_problems(model)
        fields: dict[str, Field] = {}
        for name in model.model_fields:
            field, found = _build_field(model, name)
            problems.extend(f"field {name!r} of {model.__name__}: {problem}" for problem in found)
            if field is not None:
                fields[name] = field
        self.fields: Mapping[str, Field] = MappingProxyType(fields)
        self.problems: tuple[str, ...] = tuple(problems)
        self._layout = _layout(fields)
        self._defaults = {name: field.default for name, field in fields.items() if field.has_default}

    def encode(self, field: str, update: object) -> bytes:
        """An update as compact JSON, after checking that it fits and that it can be read back.

        Raises:
            ValueError: It does not fit, or it would not come back as it is.
        """
        return self.roundtrip(field, update)[0]

    def decode(self, field: str, raw: bytes) -> object:
        """An update as it was stored. ValueError if it does not fit the field's type any more."""
        return self.fields[field].update.decode(raw)

    def roundtrip(self, field: str, update: object) -> tuple[bytes, object]:
        """An update as compact JSON, and what reading that back gives."""
        return self.fields[field].update.roundtrip(update)

    def initial(self) -> Snapshot:
        """The snapshot of a new run: fields with a default have it, the others are unset."""
        return self._layout.root(self._defaults)

    def edit(self, values: Mapping[str, object]) -> Edit:
        """New values (not updates) for the fields of a frontier.

        Raises:
            KeyError: There is no such field.
            ValueError: A value does not fit its field.
        """
        layout = self._layout
        return Edit(
            {
                layout.index[name]: layout.fresh(
                    layout.index[name], self.fields[name].value.roundtrip(value)[1], "edit"
                )
                for name, value in values.items()
            }
        )

    def describe(self) -> dict[str, dict[str, str | None]]:
        """For each field its type and reducer as texts that are the same in every process."""
        return {
            name: {
                "type": field.value.facts.text,
                "reducer": reducer_name(field.reducer) if field.reducer is not None else None,
            }
            for name, field in self.fields.items()
        }

    def build(self, snapshot: Snapshot) -> BaseModel:
        """The state as an instance of its model. Fields that are unset are absent from it; nothing is validated."""
        return self.model.model_construct(**snapshot.values())


def reducer_name(reducer: Reducer) -> str:
    """A reducer's name, the same in every process."""
    if reducer in REDUCERS:
        return f"backedge.{reducer.__name__}"
    return str(getattr(reducer, "__qualname__", type(reducer).__qualname__))


def _model_problems(model: type[BaseModel]) -> list[str]:
    problems = []
    decorators = model.__pydantic_decorators__
    for name in (*decorators.model_validators, *decorators.root_validators):
        problems.append(
            f"{model.__name__}.{name} validates the whole state, but fields are written one by one: "
            f"validate single fields, or check in a node"
        )
    if model.__pydantic_post_init__ is not None:
        problems.append(
            f"{model.__name__}.model_post_init works on the whole state, but fields are written one by one: remove it"
        )
    return problems


def _build_field(model: type[BaseModel], name: str) -> tuple[Field | None, list[str]]:
    info = model.model_fields[name]
    problems: list[str] = []
    if info.exclude or info.exclude_if:
        problems.append("Field(exclude=...) would leave it out when it is stored: remove it")
    reducers = [mark for mark in info.metadata if is_reducer_like(mark)]
    marks = [mark for mark in info.metadata if not is_reducer_like(mark)]
    marks.extend(_field_validators(model, name))
    hint = field_hint(info, marks)
    facts = type_facts(hint)
    problems.extend(facts.problems)
    value, trouble = _codec(name, hint, facts, model.model_config)
    if value is None:
        return None, [*problems, *trouble]
    reducer = reducers[0] if reducers else None
    if len(reducers) > 1:
        problems.append(f"it has {len(reducers)} reducers: keep one")
    update = value
    if reducer is not None:
        problems.extend(_reducer_problems(reducer))
        wanted, trouble = _update_hint(reducer, info.annotation)
        problems.extend(trouble)
        if wanted is not None and wanted != info.annotation:
            update_facts = type_facts(wanted)
            problems.extend(update_facts.problems)
            other, trouble = _codec(name, wanted, update_facts, model.model_config)
            problems.extend(trouble)
            update = other or value
            if info.is_required():
                problems.append(
                    f"its reducer {reducer_name(reducer)} takes updates of type {update_facts.text}, so the first one "
                    f"cannot become the value: give the field a default"
                )
    default, trouble = _default(info, value)
    problems.extend(trouble)
    return Field(name, hint, value, update, reducer, default), problems


def _field_validators(model: type[BaseModel], name: str) -> list[Any]:
    wrap = {
        "before": pydantic.BeforeValidator,
        "after": pydantic.AfterValidator,
        "plain": pydantic.PlainValidator,
        "wrap": pydantic.WrapValidator,
    }
    return [
        wrap[decorator.info.mode](decorator.func)
        for decorator in model.__pydantic_decorators__.field_validators.values()
        if name in decorator.info.fields or "*" in decorator.info.fields
    ]


def _codec(name: str, hint: Any, facts: TypeFacts, config: ConfigDict) -> tuple[Codec | None, list[str]]:
    try:
        return Codec(name, hint, facts, config), []
    except (pydantic.PydanticUserError, TypeError, NameError) as error:
        first = str(error).partition("\n")[0]
        return None, [
            f"pydantic cannot handle its type {facts.text} ({first}): declare a type that it can check"
        ]


def _reducer_problems(reducer: Reducer) -> list[str]:
    if reducer in REDUCERS:
        return []
    problems = []
    name = getattr(reducer, "__qualname__", None)
    if name is None or "<lambda>" in name or "<locals>" in name or isinstance(reducer, partial):
        problems.append(
            f"its reducer {name or type(reducer).__qualname__} has no lasting name by which a resumed run could "
            f"recognise it: define it as a function of a module"
        )
    if inspect.iscoroutinefunction(reducer):
        problems.append(f"its reducer {name} is an async function: reducers are plain functions")
    try:
        inspect.signature(reducer).bind(None, None)
    except TypeError:
        problems.append(f"its reducer {name} must take two arguments, the value and the update")
    except ValueError:
        pass  # a builtin without a signature
    return problems


def _update_hint(reducer: Reducer, annotation: Any) -> tuple[Any, list[str]]:
    """The type of the reducer's updates on a field of this type; None: the field's."""
    target = reducer if inspect.isroutine(reducer) else type(reducer).__call__
    try:
        parameters = [p.name for p in inspect.signature(reducer).parameters.values()]
        hints = typing_extensions.get_type_hints(target, include_extras=True)
    except (TypeError, ValueError):
        return None, []
    except NameError as error:
        return None, [f"the annotations of its reducer {reducer_name(reducer)} cannot be read ({error})"]
    if len(parameters) < 2 or parameters[1] not in hints:
        return None, []
    first, second = hints.get(parameters[0], Any), hints[parameters[1]]
    if second == first or second is Any:
        return None, []
    names: dict[Any, Any] = {}
    _solve(first, annotation, names)
    solved = substitute(second, names)
    if _type_variables(solved):
        return None, [
            f"its reducer {reducer_name(reducer)} takes {first} and {second}, which does not fit the field's type"
        ]
    return solved, []


def _solve(pattern: Any, actual: Any, names: dict[Any, Any]) -> None:
    if isinstance(pattern, TypeVar):
        names.setdefault(pattern, actual)
    elif get_origin(pattern) is not None and get_origin(pattern) is get_origin(actual):
        for one, other in zip(get_args(pattern), get_args(actual), strict=False):
            _solve(one, other, names)


def _type_variables(hint: Any) -> bool:
    return isinstance(hint, TypeVar) or any(_type_variables(arg) for arg in get_args(hint))


def _default(info: pydantic.fields.FieldInfo, codec: Codec) -> tuple[object, list[str]]:
    """The decoded default, made once; a factory is called twice to see whether it always gives the same."""
    if info.is_required():
        return UNSET, []
    try:
        if info.default_factory is None:
            return codec.roundtrip(info.default)[1], []
        if info.default_factory_takes_validated_data:
            return UNSET, ["its default_factory looks at other fields: compute the value in a node"]
        first, value = codec.roundtrip(info.get_default(call_default_factory=True))
        second = codec.encode(info.get_default(call_default_factory=True))
    except Exception as error:
        return UNSET, [f"its default cannot be used: {error}"]
    if first != second:
        return UNSET, ["its default_factory gives another value each time: hand the value in as an input"]
    return value, []


def _layout(fields: Mapping[str, Field]) -> Layout:
    return Layout(
        names=tuple(fields),
        index={name: place for place, name in enumerate(fields)},
        folds=tuple(_fold(field) for field in fields.values()),
        copiers=tuple(field.value.facts.copier for field in fields.values()),
    )


def _fold(field: Field) -> Fold | None:
    """How the field's reducer folds updates into a value; the first update stands in for an unset value."""
    reducer = field.reducer
    if reducer is None:
        return None
    name, batch = field.name, getattr(reducer, "fold", None)
    ours = reducer in REDUCERS
    copy_value: Copier | None = None if ours else field.value.facts.copier
    copy_update: Copier | None = None if ours else field.update.facts.copier
    takes_none = field.value.accepts(None)

    def fold(value: Any, updates: Sequence[Any]) -> Any:
        if copy_update is not None:
            updates = [copy_update(update) for update in updates]
        if value is UNSET:
            value, updates = updates[0], updates[1:]
        elif copy_value is not None:
            value = copy_value(value)
        try:
            if batch is not None and len(updates) > 1:
                value = batch(value, updates)
            else:
                for update in updates:
                    value = reducer(value, update)
        except Exception as error:
            raise FoldError(name, reducer_name(reducer), f"raised {type(error).__name__}: {error}") from error
        if value is None and not takes_none:
            raise FoldError(name, reducer_name(reducer), "returned None: it must return the new value")
        return value

    return fold
