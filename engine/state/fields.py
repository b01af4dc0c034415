"""The state's fields: how their values are checked, stored, read back, folded and copied.

`StateSchema` is built once, from the pydantic model of a state; graphs of the same state share it (`schema_of`). Each
field stands on its own: it is validated and stored when it is written, whatever the others hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import pydantic
from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from .copiers import revive
from .folding import Reducer, make_fold, misfit, reducer_name, reducer_problems, update_annotation
from .lineage import UNSET
from .reducers import REDUCERS
from .snapshots import Edit, FoldError, Layout, Snapshot
from .typefacts import TypeFacts, type_facts
from .typeparts import field_hint, is_reducer_like, mark_problem
from .updates import Fold
from .values import Codec

__all__ = ["Field", "FoldError", "StateSchema", "schema_of"]


class Field(NamedTuple):
    """One field of the state.

    Attributes:
        name: Its name.
        annotation: Its type, with constraints and without the reducer.
        update_annotation: The type of what is written to it; the same unless its reducer takes something else.
        value: Codec of its values.
        update: Codec of what is written to it.
        reducer: The reducer, or None for a plain field.
        default: The default, or `UNSET`.
    """

    name: str
    annotation: Any
    update_annotation: Any
    value: Codec
    update: Codec
    reducer: Reducer | None
    default: object

    @property
    def has_default(self) -> bool:
        """Whether the field has a value before anything was written."""
        return self.default is not UNSET

    def fold(self) -> Fold | None:
        """How updates are folded into a value; None for a plain field."""
        if self.reducer is None:
            return None
        return make_fold(
            self.name,
            self.reducer,
            copy_value=self.value.facts.copier,
            copy_update=self.update.facts.copier,
            takes_none=self.value.accepts(None),
        )


class StateSchema:
    """The state of a graph: its fields and all that is done with their values.

    Making one never fails: what is wrong with the model is in `problems`, and a schema that has any must not be used
    further.

    Attributes:
        model: The pydantic model class.
        fields: The fields by name, in the model's order.
        names: Whatever is named like a field, those included that cannot be used.
        problems: What cannot work, one sentence each with what to do.

    Example:
        >>> from typing import Annotated
        >>> from backedge.engine.state.reducers import extend
        >>> class Build(BaseModel):
        ...     code: str
        ...     notes: Annotated[list[str], extend] = []
        >>> schema = StateSchema(Build)
        >>> raw, notes = schema.roundtrip("notes", ["compiles"])
        >>> raw
        b'["compiles"]'
        >>> schema.initial().write({"notes": notes}, position=(1,), writer="checker@0").read("notes")
        ['compiles']
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model
        self.fields: Mapping[str, Field] = MappingProxyType({})
        problems = list(_model_problems(model))
        fields: dict[str, Field] = {}
        for name, info in model.model_fields.items() if model.__pydantic_complete__ else ():
            maker = _Maker(model, name, info)
            field = maker.make()
            problems.extend(f"field {name!r} of {model.__name__}: {problem}" for problem in maker.problems)
            if field is not None:
                fields[name] = field
        self.fields = MappingProxyType(fields)
        self.problems: tuple[str, ...] = tuple(problems)
        # Of the states of subgraphs: what their fields' names begin with here, to their own schema.
        self._views: Mapping[str, StateSchema] = {}
        self._lay_out()

    def _lay_out(self) -> None:
        fields = self.fields
        self.names: Mapping[str, object] = MappingProxyType({**self.model.model_fields, **fields})
        self._layout = Layout(
            names=tuple(fields),
            index={name: place for place, name in enumerate(fields)},
            folds=tuple(field.fold() for field in fields.values()),
            copiers=tuple(field.value.facts.copier for field in fields.values()),
        )
        # What no run has written yet; each begins with its own.
        self._first = self._layout.root(
            {name: field.default for name, field in fields.items() if field.has_default}
        )

    def extended(
        self, fields: Mapping[str, Field], views: Mapping[str, StateSchema] | None = None
    ) -> StateSchema:
        """The same state with further fields, which are not those of its model, and with the states of subgraphs.

        Args:
            fields: Further fields, by the names they get.
            views: What the names of a subgraph's fields begin with, to the schema of its state.
        """
        inner = {
            prefix + name: field._replace(name=prefix + name)
            for prefix, view in (views or {}).items()
            for name, field in view.fields.items()
        }
        other = copy(self)
        named = {name: field._replace(name=name) for name, field in fields.items()}
        other.fields = MappingProxyType({**self.fields, **inner, **named})
        other._views = {**self._views, **(views or {})}
        other._lay_out()
        return other

    def defaults(self, view: str) -> dict[str, object]:
        """The fields of a subgraph, and what they hold at its beginning."""
        return {view + name: field.default for name, field in self._views[view].fields.items()}

    def encode(self, field: str, update: object) -> bytes:
        """An update as compact JSON, after checking that it fits and that it can be read back.

        Raises:
            ValueError: It does not fit, or it would not come back as it is.
        """
        return self.fields[field].update.encode(update)

    def decode(self, field: str, raw: bytes) -> object:
        """An update as it was stored. ValueError if it does not fit the field's type."""
        return self.fields[field].update.decode(raw)

    def roundtrip(self, field: str, update: object) -> tuple[bytes, object]:
        """An update as compact JSON, and what reading that back gives. ValueError as for `encode`."""
        return self.fields[field].update.roundtrip(update)

    def initial(self) -> Snapshot:
        """The snapshot of a new run: fields with a default have it, the others are unset."""
        return self._first.apart()

    def restored(self, values: Mapping[str, object]) -> Snapshot:
        """A snapshot with these values, which nothing precedes; fields that are not among them are unset."""
        return self._layout.root(values)

    def edit(self, values: Mapping[str, object]) -> Edit:
        """New values (not updates) for the fields of a frontier.

        Raises:
            KeyError: There is no such field.
            ValueError: A value does not fit its field.
        """
        return self._layout.edit(
            {name: self.fields[name].value.roundtrip(value)[1] for name, value in values.items()}
        )

    def shed(self, names: Iterable[str]) -> Edit:
        """The edit after which plain ones of these fields are as if nobody had ever written them, and unset."""
        return self._layout.shed(names)

    def encode_value(self, field: str, value: object) -> bytes:
        """A value (not an update) as compact JSON. ValueError as for `encode`."""
        return self.fields[field].value.encode(value)

    def decode_values(self, encoded: Mapping[str, bytes]) -> dict[str, object]:
        """Values (not updates) by field, as they were stored. KeyError or ValueError if they do not fit."""
        return {field: self.fields[field].value.decode(raw) for field, raw in encoded.items()}

    def describe(self) -> dict[str, dict[str, str | None]]:
        """For each field its type and its reducer, as texts that are the same in every process."""
        return {
            name: {
                "type": field.value.facts.text,
                "reducer": None if field.reducer is None else reducer_name(field.reducer),
            }
            for name, field in self.fields.items()
        }

    def build(self, snapshot: Snapshot, view: str = "") -> BaseModel:
        """The state, or that of the subgraph `view`, as an instance of its model, made without validation.

        A field that is unset is absent: reading it is an AttributeError that names it.
        """
        schema = self._views[view] if view else self
        own = (name for name in schema.fields if name in schema.model.model_fields)
        values = {name: snapshot.read(view + name) for name in own if snapshot.has(view + name)}
        return revive(schema.model, values, set(values))


def schema_of(model: type[BaseModel]) -> StateSchema:
    """The schema of a model: made once, and the same for all graphs whose state it is.

    A model that was built anew since (`model_rebuild`) gets a new one, and so does one with problems: what was
    missing may be there now.

    >>> class Talk(BaseModel):
    ...     said: str = ""
    >>> schema_of(Talk) is schema_of(Talk)
    True
    """
    try:
        return _sound(model, model.__pydantic_validator__)
    except _UnsoundError as unsound:
        return unsound.schema


class _UnsoundError(Exception):
    """A schema has problems."""

    def __init__(self, schema: StateSchema) -> None:
        self.schema = schema


@lru_cache(maxsize=256)
def _sound(model: type[BaseModel], built: object) -> StateSchema:
    """The schema of a model as it was `built`. What is raised is not kept."""
    schema = StateSchema(model)
    if schema.problems:
        raise _UnsoundError(schema)
    return schema


def _model_problems(model: type[BaseModel]) -> Iterator[str]:
    name = model.__name__
    if not model.__pydantic_complete__:
        model.model_rebuild(raise_errors=False)
    if not model.__pydantic_complete__:
        yield f"{name} refers to a name that is not defined: define it above, or call {name}.model_rebuild() after it"
    decorators = model.__pydantic_decorators__
    whole = [*decorators.model_validators, *decorators.root_validators]
    if not model.model_post_init.__module__.startswith("pydantic."):
        whole.append("model_post_init")
    for function in whole:
        yield (
            f"{name}.{function} works on the whole state, but fields are written one by one: "
            f"use field validators, or check in a node"
        )
    for function in decorators.validators:
        yield f"{name}.{function} is a validator of pydantic's first version: make it a field_validator"
    for function in (*decorators.field_serializers, *decorators.model_serializers):
        yield (
            f"{name}.{function} changes how the whole state is stored, but fields are stored one by one: "
            f"put a PlainSerializer into the field's Annotated"
        )


class _Maker:
    """Makes one field, collecting what is wrong with it."""

    def __init__(self, model: type[BaseModel], name: str, info: FieldInfo) -> None:
        self.model = model
        self.name = name
        self.info = info
        self.problems: list[str] = []

    def make(self) -> Field | None:
        if self.info.exclude or self.info.exclude_if:
            self.problems.extend(filter(None, [mark_problem(pydantic.Field(exclude=True))]))
        marks = [mark for mark in self.info.metadata if not is_reducer_like(mark)]
        if any(mark is self.info.default and not isinstance(mark, str) for mark in marks):
            self.problems.append(
                "its Annotated holds its default: a field named like its reducer hides it; rename it"
            )
        annotation = field_hint(self.info, [*marks, *self.validators()])
        value = self.codec(annotation, type_facts(annotation))
        if value is None:
            return None
        reducer = self.reducer()
        update_hint, update = annotation, value
        if reducer is not None:
            wanted, problem = update_annotation(reducer, self.info.annotation)
            self.problems.extend(filter(None, [problem]))
            if wanted != self.info.annotation:
                update_hint = wanted
                update = self.updates(reducer, wanted) or value
        default = self.default(value)
        if reducer in REDUCERS and default is not UNSET and default is not None:
            self.problems.extend(misfit(reducer, default))
        return Field(self.name, annotation, update_hint, value, update, reducer, default)

    def reducer(self) -> Reducer | None:
        reducers = [mark for mark in self.info.metadata if is_reducer_like(mark)]
        if len(reducers) > 1:
            self.problems.append(f"it has {len(reducers)} reducers: keep one")
        for reducer in reducers:
            self.problems.extend(reducer_problems(reducer))
        return reducers[0] if reducers else None

    def updates(self, reducer: Reducer, wanted: Any) -> Codec | None:
        facts = type_facts(wanted)
        if self.info.is_required():
            self.problems.append(
                f"its reducer {reducer_name(reducer)} takes updates of type {facts.text}, so that the first one cannot "
                f"become the value: give the field a default"
            )
        return self.codec(wanted, facts)

    def validators(self) -> Iterator[Any]:
        marks = {
            "before": pydantic.BeforeValidator,
            "after": pydantic.AfterValidator,
            "plain": pydantic.PlainValidator,
            "wrap": pydantic.WrapValidator,
        }
        for decorator in self.model.__pydantic_decorators__.field_validators.values():
            if self.name in decorator.info.fields or "*" in decorator.info.fields:
                yield marks[decorator.info.mode](decorator.func)

    def codec(self, annotation: Any, facts: TypeFacts) -> Codec | None:
        self.problems.extend(facts.problems)
        config: ConfigDict = self.model.model_config
        try:
            return Codec(self.name, annotation, facts, config)
        except (pydantic.PydanticUserError, pydantic.PydanticUndefinedAnnotation, TypeError) as error:
            if not facts.problems:
                told = str(error).partition("\n")[0]
                self.problems.append(f"pydantic cannot handle its type {facts.text} ({told}): use another")
            return None

    def default(self, value: Codec) -> object:
        """The default, stored and read back once. A factory is called twice, to see whether it gives the same."""
        info = self.info
        if info.is_required():
            return UNSET
        if info.default_factory is not None and info.default_factory_takes_validated_data:
            self.problems.append("its default_factory looks at other fields: compute the value in a node")
            return UNSET
        try:
            first, default = value.roundtrip(info.get_default(call_default_factory=True))
            second = value.encode(info.get_default(call_default_factory=True))
        except Exception as error:  # a factory may raise whatever it likes
            self.problems.append(f"its default cannot be used: {error}")
            return UNSET
        if first != second:
            self.problems.append(
                "its default_factory gives another value each time: hand the value in as an input"
            )
        return default
