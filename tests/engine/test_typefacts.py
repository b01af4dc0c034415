"""What a type shows before there are values: whether it can be stored, its text, and how it is copied."""

import collections
import copy
import dataclasses
import datetime as dt
import enum
import importlib
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import pydantic
import pytest
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from typing_extensions import TypeAliasType, TypedDict

from backedge.engine.state.copiers import itself
from backedge.engine.state.fields import StateSchema
from backedge.engine.state.reducers import extend
from backedge.engine.state.typefacts import type_facts

from .sizes import grows, some

T = TypeVar("T")


class Plain:
    pass


class Excluding(BaseModel):
    token: str = Field(exclude=True)


class Deep(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    parts: list[Excluding]
    plain: Plain


class Box(BaseModel, Generic[T]):
    item: T


@dataclasses.dataclass
class Lossy:
    a: int
    b: dataclasses.InitVar[int]
    c: int = dataclasses.field(init=False, default=1)


PROBLEMS = [
    (Any, "Any does not tell what to read back: declare the type, or use pydantic.JsonValue"),
    (object, "object does not tell"),
    (list, "Any does not tell"),
    (dict, "Any does not tell"),
    (tuple, "Any does not tell"),
    (dict[str, Any], "Any does not tell"),
    (list[int] | Any, "Any does not tell"),
    (Callable[[int], int], "a function cannot be stored"),
    (Callable, "a function cannot be stored"),
    (type, "a class cannot be stored"),
    (type[int], "a class cannot be stored"),
    (Iterable[int], r"Iterable\[int\] can be read only once: declare a list"),
    (Iterator[int], "can be read only once"),
    (
        pydantic.SecretStr,
        "SecretStr is stored masked and cannot be read back: hand the secret in as a resource",
    ),
    (list[pydantic.SecretBytes], "SecretBytes is stored masked"),
    (pydantic.Secret[int], "Secret is stored masked"),
    (pydantic.PastDate, "PastDate asks the clock"),
    (pydantic.FutureDatetime | None, "FutureDatetime asks the clock"),
    (pydantic.FilePath, "asked of the disk"),
    (pydantic.ImportString, "ImportString imports what the data names"),
    (pydantic.InstanceOf[Plain], "InstanceOf leaves the value unchecked"),
    (pydantic.SkipValidation[int], "SkipValidation leaves the value unchecked"),
    (T, "the type variable T is not bound"),
    (Box, "Box.item: the type variable T is not bound"),
    (Plain, "pydantic does not know how to store Plain"),
    (dict[tuple[int, int], str], r"keys of type tuple\[int, int\] cannot be read back: use str keys"),
    (dict[Annotated[frozenset[int], "note"], str], r"keys of type frozenset\[int\] cannot be read back"),
    (Excluding, r"Excluding.token: Field\(exclude=...\) leaves the value out"),
    (Annotated[str, Field(exclude=True)], r"Field\(exclude=...\) leaves the value out"),
    (Deep, "Deep.parts: Excluding.token: "),
    (Deep, "Deep.plain: pydantic does not know how to store Plain"),
    (Lossy, "Lossy.b: an InitVar is gone"),
    (Lossy, "Lossy.c: init=False keeps it from being read back"),
    (Annotated[list[int], extend] | None, "the reducer extend is inside of another type: put it outermost"),
    (list[Annotated[list[int], extend]], "the reducer extend is inside of another type"),
]


@pytest.mark.parametrize(("annotation", "told"), PROBLEMS)
def test_a_type_whose_values_cannot_be_stored_says_why(annotation, told):
    assert any(re.search(told, problem) for problem in type_facts(annotation).problems)


class Color(enum.Enum):
    RED = 1


class Tree(BaseModel):
    value: int
    kids: list["Tree"] = []


class Row(TypedDict, total=False):
    a: int


class Pair(NamedTuple):
    a: int
    b: str = ""


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    y: int = 0


def check(value: int) -> int:
    return value


Names = TypeAliasType("Names", list[str])
Twice = TypeAliasType("Twice", tuple[T, T], type_params=(T,))
Endless = TypeAliasType("Endless", "list[Endless]")
Undefined = TypeAliasType("Undefined", "Nowhere")  # noqa: F821

TEXTS = [
    (str, "str"),
    (None, "None"),
    (int | None, "int | None"),
    (list[dict[str, tuple[int, ...]]], "list[dict[str, tuple[int, ...]]]"),
    (collections.Counter[str], "Counter[str, int]"),
    (Literal["a", 1, Color.RED], "Literal['a', 1, Color.RED]"),
    (Color, "Color(RED=1)"),
    (Tree, "Tree(value: int, kids?: list[Tree])"),
    (Row, "Row(a?: int)"),
    (Pair, "Pair(a: int, b?: str)"),
    (Point, "Point(x: int, y?: int)"),
    (Box[int], "Box[int](item: int)"),
    (Names, "list[str]"),
    (Endless, "list[Endless]"),
    (Undefined, "Nowhere"),
    (dict[Literal["a"], int], "dict[Literal['a'], int]"),
    (Twice[int], "tuple[int, int]"),
    (dt.datetime, "datetime"),
    (pathlib.Path, "Path"),
    (JsonValue, "JsonValue"),
    (Sequence[int], "Sequence[int]"),
    (Annotated[int, Field(gt=3, lt=9)], "int & Gt(gt=3) & Lt(lt=9)"),
    (Annotated[str, pydantic.StringConstraints(min_length=2)], "str & MinLen(min_length=2)"),
    (Annotated[int, pydantic.AfterValidator(check)], "int & AfterValidator(func=check)"),
    (Annotated[int, "a note"], "int"),
]


@pytest.mark.parametrize(("annotation", "text"), TEXTS)
def test_a_type_is_described_by_what_it_holds(annotation, text):
    facts = type_facts(annotation)
    assert facts.text == text
    assert facts.problems == ()


SCRIPT = """
import json, enum, pydantic
from typing import Annotated, Literal
from backedge.engine.state.fields import StateSchema
from backedge.engine.state.reducers import extend, union

class Color(enum.Enum):
    RED = "r"
    BLUE = "b"

class Part(pydantic.BaseModel):
    names: frozenset[Literal["x", "y", "z"]]
    color: Color | None = None

def keep(value: int, update: int) -> int:
    return value

class State(pydantic.BaseModel):
    parts: Annotated[list[Part], extend] = []
    seen: Annotated[set[str], union] = {"a", "b", "c"}
    kept: Annotated[int, keep, pydantic.Field(gt=0)]
    checked: Annotated[str, pydantic.AfterValidator(str.strip)]

schema = StateSchema(State)
assert not schema.problems, schema.problems
print(json.dumps(schema.describe()))
"""


@grows
def test_the_description_is_the_same_in_every_process(tmp_path, monkeypatch, capsys):
    (tmp_path / "flow.py").write_text(SCRIPT)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "flow", raising=False)
    importlib.import_module("flow")  # which prints its description
    monkeypatch.delitem(sys.modules, "flow")
    ways = some([["flow.py"], ["-c", SCRIPT]], one_in=2)
    told = {capsys.readouterr().out} | {
        subprocess.run(
            [sys.executable, *way],
            cwd=tmp_path,
            env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, way in enumerate(ways)
    }
    assert len(told) == 1
    (one,) = told
    assert '"backedge.extend"' in one
    assert '"keep"' in one
    assert "Part(names: frozenset[Literal['x', 'y', 'z']], color?: Color(RED='r', BLUE='b') | None)" in one


# --------------------------------------------------------------------------- copies


class Notes(BaseModel):
    title: str
    lines: list[str] = []
    nested: list[Point] = []


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)
    a: int
    b: tuple[str, ...] = ()


class FrozenAround(BaseModel):
    model_config = ConfigDict(frozen=True)
    lines: list[str]


class Private(BaseModel):
    a: int
    _kept: list[int] = [1]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int


class SubNotes(Notes):
    more: list[int] = [1]


@dataclasses.dataclass
class Mutable:
    items: list[int]


COPIED = [
    (list[str], ["a"], lambda v: v.append("b")),
    (list[list[int]], [[1]], lambda v: v[0].append(2)),
    (list[int] | None, [1], lambda v: v.append(2)),
    (list[int] | str, [1], lambda v: v.append(2)),
    (set[int], {1}, lambda v: v.add(2)),
    (dict[str, int], {"a": 1}, lambda v: v.update(b=2)),
    (dict[str, list[int]], {"a": [1]}, lambda v: v["a"].append(2)),
    (tuple[list[int], int], ([1], 2), lambda v: v[0].append(2)),
    (tuple[list[int], ...], ([1],), lambda v: v[0].append(2)),
    (frozenset[int] | list[int], [1], lambda v: v.append(2)),
    (collections.deque[int], collections.deque([1], maxlen=3), lambda v: v.append(2)),
    (collections.defaultdict[str, int], collections.defaultdict(int, a=1), lambda v: v["b"]),
    (Sequence[int], [1], lambda v: v.append(2)),
    (JsonValue, {"a": [1]}, lambda v: v["a"].append(2)),
    (Notes, Notes(title="a", lines=["b"]), lambda v: v.lines.append("c")),
    (Notes, Notes(title="a"), lambda v: setattr(v, "title", "b")),
    (Notes, SubNotes(title="a"), lambda v: v.more.append(2)),
    (Notes | None, Notes(title="a", lines=["b"]), lambda v: v.lines.append("c")),
    (list[Notes], [Notes(title="a", lines=["b"])], lambda v: v[0].lines.append("c")),
    (FrozenAround, FrozenAround(lines=["a"]), lambda v: v.lines.append("b")),
    (Private, Private(a=1), lambda v: v._kept.append(2)),
    (Open, Open(a=1, more=[1]), lambda v: v.more.append(2)),
    (Tree, Tree(value=1, kids=[Tree(value=2)]), lambda v: v.kids[0].kids.append(Tree(value=3))),
    (Mutable, Mutable([1]), lambda v: v.items.append(2)),
    (Row, {"a": 1}, lambda v: v.update(a=2)),
    (Annotated[list[int], Field(max_length=5)], [1], lambda v: v.append(2)),
    (Annotated[list[int], pydantic.AfterValidator(check)], [1], lambda v: v.append(2)),
    (Names, ["a"], lambda v: v.append("b")),
    (Endless, [[]], lambda v: v[0].append([])),
]


@pytest.mark.parametrize(("annotation", "value", "change"), COPIED)
def test_who_changes_what_it_was_handed_changes_nothing_else(annotation, value, change):
    before = copy.deepcopy(value)
    copier = type_facts(annotation).copier
    handed = copier(value)
    assert handed == before
    assert type(handed) is type(value)
    change(handed)
    assert handed != before
    assert value == before


def test_a_copied_model_keeps_which_fields_were_set():
    copied = type_facts(Notes).copier(Notes(title="a"))
    assert copied.model_fields_set == {"title"}
    copied.lines = ["b"]
    assert copied.model_dump(exclude_unset=True) == {"title": "a", "lines": ["b"]}


def test_none_is_copied_as_none():
    assert type_facts(Notes | None).copier(None) is None


@pytest.mark.parametrize(
    "annotation",
    [
        *(int, str, bytes, dt.datetime, pathlib.Path, Color, Literal["a"], int | None, Point, Frozen, Pair),
        *(tuple[int, ...], tuple[int, Point], frozenset[str], Frozen | Point),
    ],
    ids=str,
)
def test_immutable_values_are_handed_out_as_they_are(annotation):
    assert type_facts(annotation).copier is None


class Known(BaseModel):
    """A model that says itself what of it a copy has of its own."""

    model_config = ConfigDict(frozen=True)

    items: list[int]

    def __deepcopy__(self, memo=None):
        return self


def test_a_model_that_copies_itself_is_asked_to():
    class State(BaseModel):
        known: Known
        many: list[Known]

    known = Known(items=[1])
    fields = StateSchema(State).fields
    assert fields["known"].value.facts.copier(known) is known
    many = [known]
    copied = fields["many"].value.facts.copier(many)
    assert copied is not many
    assert copied[0] is known


class Shared(BaseModel):
    """A model whose readers share it, and that holds what could be changed."""

    model_config = ConfigDict(frozen=True)

    items: list[int]

    __deepcopy__ = itself


def test_a_model_that_all_readers_share_is_handed_out_as_it_is_and_lists_of_it_cost_no_look_at_each():
    assert type_facts(Shared).copier is None
    assert type_facts(list[Shared]).copier is list

    class Thawed(Shared):
        model_config = ConfigDict(frozen=False)

    assert type_facts(Thawed).copier is not None, "what can be changed in place is nobody else's"
